/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Facts are what we learnt about the running kernel before loading anything into it: the only input
 * of the probe plan (plan.h). They can be saved as JSON, to plan from on another machine.
 */
#ifndef VFIOSCOPE_FACTS_H
#define VFIOSCOPE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/config.h"
#include "vfio/kmod.h"

/* A small set of names, each owned. */
struct vs_names {
	char **names;
	size_t nr;
};

/* 0 or -ENOMEM. */
int vs_names__add(struct vs_names *set, const char *name);
bool vs_names__has(const struct vs_names *set, const char *name);
void vs_names__free(struct vs_names *set);

enum vs_layout_source {
	VS_LAYOUT_NONE = 0,	/* no BTF describes vfio's structures */
	VS_LAYOUT_MODULE_BTF,	/* the loaded module's own */
	VS_LAYOUT_VMLINUX_BTF,	/* VFIO built in */
};

#define VS_UNKNOWN (-1)

struct vs_facts {
	char release[65];	/* uname -r */
	char machine[65];	/* uname -m */

	/* Privileges: may this process load BPF, open perf events, see addresses? */
	bool cap_bpf;
	bool cap_perfmon;
	bool cap_syslog;

	/* Knobs; VS_UNKNOWN when they cannot be read. */
	int kptr_restrict;
	int perf_event_paranoid;
	int ftrace_enabled;
	int unprivileged_bpf_disabled;
	char lockdown[32];	/* "none", "integrity", "confidentiality", "" unknown */
	struct vs_names livepatches;

	/* The kernel. */
	bool vmlinux_btf;
	bool kprobe_pmu;	/* perf can make kprobes */
	struct vs_names btf_funcs;	/* of the functions asked for: those in vmlinux BTF */
	struct vs_names tracepoints;	/* of the tracepoints asked for: those in vmlinux BTF */
	int mutex_size;		/* sizeof(struct mutex), bytes, VS_UNKNOWN */
	int work_size;		/* sizeof(struct work_struct), bytes, VS_UNKNOWN */
	/*
	 * A fexit may be detached while a task sleeps in its function: there is a struct
	 * bpf_tramp_image. e21aa341785c ("bpf: Fix fexit trampoline."), v5.12, stable.
	 */
	bool tramp_image;
	/*
	 * PREEMPT_RT, and what `spinlock` of struct bpf_ringbuf is then: 1 one that spins, 0 a
	 * spinlock_t, which sleeps. 8b62645b09f8 ("bpf: Use raw_spinlock_t in ringbuf"), v6.12,
	 * stable; an rqspinlock_t later. VS_UNKNOWN.
	 */
	int realtime;
	int ring_lock_spins;

	/* vfio.ko, or the built-in VFIO. */
	enum vs_kmod_state vfio_state;
	bool vfio_file;		/* `vfio` was read from a file; built in: /proc/kcore */
	struct vs_kmod vfio;	/* functions and sites; built in: functions with
				 * section "" and the address as section_off */
	char vfio_error[200];	/* why not, when !vfio_file; otherwise a warning or "" */
	char running_build_id[VS_BUILD_ID_HEX]; /* "" when not loaded or not readable */
	bool addresses;		/* section addresses of the loaded module can be read */
	enum vs_layout_source layout_source;
	struct vs_layout btf_layout; /* VS_NO_OFFSET where BTF has no such member */
	int iommu_groups;	/* how many this host has, VS_UNKNOWN */
};

/*
 * Asks the running kernel. `root` is prefixed to all paths ("" for the system).
 * Never fails for what is merely missing: the facts then say so. -ENOMEM.
 */
int vs_facts__collect(const char *root, struct vs_facts *facts);

/* Collects only the part about VFIO again: vfio.ko was loaded. The rest stays. -ENOMEM. */
int vs_facts__collect_vfio(const char *root, struct vs_facts *facts);

/*
 * vfio.ko is being unloaded. Keeps what was read from its file, for when it is back; forgets a
 * module that was loaded from elsewhere, and reads the file. -ENOMEM.
 */
int vs_facts__vfio_unloaded(const char *root, struct vs_facts *facts);

void vs_facts__free(struct vs_facts *facts);

/*
 * Returns true if programs that write into a ring may sleep where sleeping is forbidden: under the
 * raw locks of workqueues, in a breakpoint. Then none may be attached.
 */
bool vs_facts__ring_may_sleep(const struct vs_facts *facts);

/* The same for this host; only a realtime kernel has all its facts collected. True when that fails. */
bool vs_facts__ring_may_sleep_here(const char *root);

/* The same in words, for a refusal. */
#define VS_RING_MAY_SLEEP "on this realtime kernel BPF's ring buffer takes a lock that sleeps"

/* Returns true if the file of the module is the one that is loaded (or nothing contradicts it). */
bool vs_facts__build_id_matches(const struct vs_facts *facts);

/* As JSON text (malloc'ed, caller frees) or NULL with errno. */
char *vs_facts__to_json(const struct vs_facts *facts);

/*
 * From such a text. -EINVAL with one line of words in `error`. Free with
 * vs_facts__free() after success only.
 */
int vs_facts__from_json(const char *text, struct vs_facts *facts, char *error, size_t size);

#endif
