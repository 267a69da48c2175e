/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The environment: everything on this host and in this process that can stand in the way of
 * vfioscope, beyond what the probe plan needs (probe/facts.h). We gather it once, judge it
 * elsewhere (checks.h), and save and read it with the facts.
 */
#ifndef VFIOSCOPE_DOCTOR_ENV_H
#define VFIOSCOPE_DOCTOR_ENV_H

#include <jansson.h>
#include <stdint.h>

#include "probe/facts.h"

#define VS_NOT_TRIED 1	/* beside 0 and negative errno */

/* A number is VS_UNKNOWN if we could not learn it; yes is 1, no is 0. */
struct vs_env {
	/* This process. */
	int uid;		/* effective */
	int cap_last;		/* highest capability of the kernel */
	uint64_t caps;		/* effective, as a mask */
	int user_ns_initial;	/* capabilities count in the first user namespace only */
	int pid_ns_initial;
	int seccomp;		/* mode of /proc/self/status: 0 none, 2 filter */
	int no_new_privs;
	int64_t memlock_hard;	/* RLIMIT_MEMLOCK, bytes; VS_UNKNOWN: no limit */

	/* These are the kernel's answers when we tried. Negative errno, 0: it works. */
	int bpf_call;		/* bpf(2) with a command that does not exist; -EINVAL is good */
	int perf_call;		/* perf_event_open(2): a counter of our own that counts nothing */
	int tracing_program;	/* a raw tracepoint program of two instructions, never attached */
	int reading_program;	/* one that may call bpf_probe_read_kernel() */
	int fentry;		/* one of two instructions at a harmless function, or VS_NOT_TRIED */
	int memlock_charged;	/* maps and programs count for RLIMIT_MEMLOCK (before v5.11) */
	int memlock_raised;	/* this process could lift the limit */
	int debug_registers;	/* free on every CPU, at most VS_WATCHES; negative errno */

	/* Mounts: the filesystem that belongs there is there. */
	int proc_mounted;
	int sys_mounted;
	int debugfs_mounted;
	int tracefs_mounted;
	int kcore_readable;

	int kprobes_enabled;	/* /sys/kernel/debug/kprobes/enabled */
	int kernel_btf;		/* /sys/kernel/btf/vmlinux is there */
	char btf_file[128];	/* --btf, "" without */
	int ring_bytes;		/* kernel memory that trace asks for, at least */

	/* ID and ID_LIKE of os-release(5): whose packages these are. "" unknown. */
	char os_id[32];
	char os_like[64];

	/* These describe the loaded vfio, and the file of that name. "" unknown. */
	char srcversion[64];
	char file_srcversion[64];
	char file_build_id[VS_BUILD_ID_HEX];
	int text_as_file;	/* text of vfio.ko in memory; VS_UNKNOWN: not compared */
	int text_bytes;		/* that were compared */
	char text_words[240];	/* where it differs, or why it was not compared */
};

/*
 * Asks the host, and tries what only a try can show; it undoes each try at once. `root` is prefixed
 * to paths. Never fails.
 */
void vs_env__collect(const char *root, const struct vs_facts *facts, struct vs_env *env);

/* Fills `env` with what the facts say, and nothing else: for files that have facts only. */
void vs_env__unknown(const struct vs_facts *facts, struct vs_env *env);

/* Fills the part that asks the kernel by system calls; it has a file of its own. */
void vs_env__try(const struct vs_facts *facts, struct vs_env *env);

/* Returns an object to put into the facts, or NULL with errno; the caller owns it. */
json_t *vs_env__to_json(const struct vs_env *env);

/* -EINVAL when something is missing or has the wrong type. */
int vs_env__from_json(const json_t *object, struct vs_env *env);

#endif
