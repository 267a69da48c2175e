/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probe plan: a pure function from facts to what will be attached where,
 * with the reason in words for each hook. Opens nothing, loads nothing.
 */
#ifndef VFIOSCOPE_PLAN_H
#define VFIOSCOPE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/config.h"
#include "probe/facts.h"
#include "vfio/fix.h"
#include "vfio/hooks.h"

#define VS_NO_IOMMUFD "this kernel's VFIO is built without iommufd"
#define VS_NO_GROUPS "this kernel's VFIO is built without groups (CONFIG_VFIO_GROUP)"

enum vs_hook_status {
	VS_HOOK_READY = 0,	/* can be armed now */
	VS_HOOK_PARTIAL,	/* armed, but sees only part: words say which */
	VS_HOOK_WAITING,	/* will be armed when vfio.ko is loaded */
	VS_HOOK_NOT_APPLICABLE,	/* this kernel has no such thing: nothing is missing */
	VS_HOOK_MISSING,	/* cannot be seen: words say why and what to do */
};

const char *vs_hook_status__name(enum vs_hook_status status);

/* One attach point. */
struct vs_probe {
	const struct vs_hook *hook;
	const struct vs_rung *rung;
	const char *program;
	const struct vs_kmod_func *func; /* in VFIO, or NULL for vmlinux and tracepoints */
	const struct vs_kmod_site *site; /* call site or locked add, or NULL */
	uint32_t offset;	/* bytes into func */
};

/* The outcome for one hook. */
struct vs_plan_row {
	const struct vs_hook *hook;
	enum vs_hook_status status;
	const struct vs_rung *rung; /* the one taken, NULL when none */
	unsigned int nr_probes;
	char how[160];		/* "13 call sites of refcount_dec_and_mutex_lock in 12 functions" */
	char advice[200];	/* what to do; "" when there is nothing */
};

struct vs_plan {
	struct vs_plan_row *rows; /* one per hook, in the table's order */
	size_t nr_rows;
	struct vs_probe *probes;
	size_t nr_probes;
	struct vs_layout layout;
	bool layout_assumed;	/* from the table of known kernels, not from BTF */
	bool release_is_free;
	bool no_groups;		/* VFIO is built without groups: devices have nodes of their own only */
	enum vs_fix fix;
	const struct vs_kmod_func *deferred_func; /* vfio_group_put_bg, or NULL */
};

/* Judges these facts by fix.h; plan->fix is the same. */
enum vs_fix vs_plan__fix(const struct vs_facts *facts);

/*
 * Makes the plan. It points into `facts`, which must outlive it. -ENOMEM.
 */
int vs_plan__make(const struct vs_facts *facts, struct vs_plan *plan);
void vs_plan__free(struct vs_plan *plan);

/*
 * Treats this hook as one that cannot be seen: none of its probes will be attached. A probe that
 * two hooks share belongs to the first of them. -ENOENT.
 */
int vs_plan__leave_out(struct vs_plan *plan, const char *hook);

/* The row of a hook by name, NULL when there is no such hook. */
const struct vs_plan_row *vs_plan__row(const struct vs_plan *plan, const char *hook);

/* Returns true if no required hook is missing; some may see only part of what they are for. */
bool vs_plan__complete(const struct vs_plan *plan);

/* Returns true if some hook waits for vfio.ko. */
bool vs_plan__waits(const struct vs_plan *plan);

#endif
