/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Knows which capabilities this kernel requires for which kind of work, and which of them this
 * process has. Sets are masks with bit N for capability N of linux/capability.h. Changes nothing.
 */
#ifndef VFIOSCOPE_CAPS_H
#define VFIOSCOPE_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of work, named by the verb where one verb is one kind. */
enum vs_work {
	VS_WORK_TRACE = 0,
	VS_WORK_REFS,
	VS_WORK_REFS_EXACT,	/* refs --exact: watchpoints */
	VS_WORK_LATENCY,
	VS_WORK_WHY,		/* and devices, can: without these they tell less */
	VS_WORK_INSPECT,	/* inspect --running where VFIO is built in: /proc/kcore */
	VS_WORK_VALIDATE,
	VS_WORK_END,
};

/* "trace", "refs --exact", ... */
const char *vs_work__name(enum vs_work work);

#define VS_CAP_BIT(cap) (1ull << (cap))

struct vs_cap_use {
	int cap;		/* CAP_BPF, ...; -1 ends a list */
	bool required;		/* false: it works without, and loses `for_what` */
	bool later;		/* not only until everything is armed */
	const char *for_what;	/* "to load the programs" */
};

/* Returns the capabilities that the work uses since v5.8, ended by cap == -1. Static. */
const struct vs_cap_use *vs_caps__uses(enum vs_work work);

/*
 * As masks, for a kernel whose highest capability is `last`: before v5.8 there are no CAP_PERFMON
 * (38) and CAP_BPF (39), and CAP_SYS_ADMIN takes their place. The work does not start without those
 * `needed`, uses the `useful` ones, too, and of both it uses the `later` ones after everything is
 * armed.
 */
uint64_t vs_caps__needed(enum vs_work work, int last);
uint64_t vs_caps__useful(enum vs_work work, int last);
uint64_t vs_caps__later(enum vs_work work, int last);

/*
 * Returns the `needed` ones that `have` does not cover. CAP_SYS_ADMIN covers CAP_BPF and
 * CAP_PERFMON (bpf_capable(), perfmon_capable()), but not CAP_SYSLOG: the kernel shows addresses to
 * that one only (kallsyms_show_value()).
 */
uint64_t vs_caps__missing(uint64_t needed, uint64_t have);

/*
 * The highest capability of the running kernel, from `root`/proc/sys/kernel/cap_last_cap
 * (v3.2); where there is no such file, by asking prctl(2). Never fails.
 */
int vs_caps__last(const char *root);

/* Return the capabilities of this thread; 0 when they cannot be read. */
uint64_t vs_caps__effective(void);
uint64_t vs_caps__permitted(void);

/* "CAP_BPF"; "CAP_77" for one that has no name. Static, or in `buf`. */
const char *vs_cap__name(int cap, char buf[16]);

/* "CAP_BPF, CAP_PERFMON and CAP_SYSLOG"; "" for none. Cut where `size` ends. */
void vs_caps__words(uint64_t caps, char *buf, size_t size);

/* For setpriv(1), capsh(1): "+bpf,+perfmon,+syslog" with `before` "+". */
void vs_caps__list(uint64_t caps, const char *before, char *buf, size_t size);

#endif
