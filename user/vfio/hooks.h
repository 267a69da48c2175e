/* SPDX-License-Identifier: GPL-2.0 */
/*
 * This table has everything that vfioscope wants to see, and for each the ways to reach it, best
 * first. The planner, `doctor` and the documentation all read it.
 */
#ifndef VFIOSCOPE_HOOKS_H
#define VFIOSCOPE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

/* The way in which a rung of the ladder reaches its place. */
enum vs_rung_kind {
	VS_RUNG_END = 0,
	VS_RUNG_FUNCTION,	/* kprobe at a function of VFIO */
	VS_RUNG_CALL_SITES,	/* kprobe at each call of `target` in vfio.ko */
	VS_RUNG_LOCKED_ADDS,	/* kprobe after the inlined refcount_inc, in functions `within` */
	VS_RUNG_LOCKED_SUBS,	/* after refcount_dec_and_test and its kind */
	VS_RUNG_LOCKED_EXCHANGES, /* after refcount_inc_not_zero */
	VS_RUNG_FENTRY,		/* fentry (and fexit) of a vmlinux function */
	VS_RUNG_TRACEPOINT,	/* BTF-typed or raw tracepoint */
};

/* The offsets that must be known for a rung to make sense. */
enum vs_needs {
	VS_NEEDS_NOTHING = 0,
	VS_NEEDS_COUNTER = 1 << 0,
	VS_NEEDS_NB = 1 << 1,
	VS_NEEDS_CDEV = 1 << 2,
	VS_NEEDS_DEVICE_DEV = 1 << 3,
	VS_NEEDS_DEVICE_GROUP = 1 << 4,
	VS_NEEDS_DEVICE_REFCOUNT = 1 << 5,
	VS_NEEDS_CONTAINER_USERS = 1 << 6,
};

struct vs_rung {
	enum vs_rung_kind kind;
	const char *target;	/* function, callee or tracepoint */
	const char *program;	/* BPF program for it; NULL: only exit_program */
	const char *exit_program; /* VS_RUNG_FENTRY: its fexit, or NULL */
	const char *const *within; /* VS_RUNG_LOCKED_*: functions, NULL-terminated */
	unsigned int needs;	/* enum vs_needs */
	bool remainder;		/* sees only part of what the hook is about */
	bool built_in;		/* only where VFIO is built in: a fentry there pins no module */
	bool together;		/* to be armed in addition to the rung before, not instead */
};

/* The kernels on which a hook has a meaning at all; the facts decide, never a version. */
enum vs_applies {
	VS_APPLIES_ALWAYS = 0,
	VS_APPLIES_NOTIFIER,	/* kernels with an IOMMU group notifier: v3.6 to v5.18 */
	VS_APPLIES_DEFERRED,	/* kernels whose notifier defers its put: v4.13 to v5.15 */
	VS_APPLIES_MODULE,	/* VFIO as a module */
	VS_APPLIES_GROUP,	/* VFIO has groups: CONFIG_VFIO_GROUP, a choice from v6.6 on */
	VS_APPLIES_REGISTRATION, /* devices have a count of their own: v5.13, v5.10.137 */
	VS_APPLIES_CONTAINER_LOCKED, /* container_users changes in functions, under a lock: v6.1 */
	VS_APPLIES_IOMMUFD,	/* VFIO is built with iommufd: v6.2 */
};

struct vs_hook {
	const char *name;
	const char *what;	/* what is seen through it, for people */
	const char *lost;	/* what is not known without it, for people */
	enum vs_applies applies;
	bool required;
	struct vs_rung rungs[6];
};

/* The table, ended by an entry without a name. */
extern const struct vs_hook vs_hooks[];

/* Callees whose call sites the module reader has to find, NULL-terminated. */
extern const char *const vs_hook_callees[];

#endif
