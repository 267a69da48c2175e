// SPDX-License-Identifier: GPL-2.0
/*
 * The rules, in the order they are asked:
 *
 *   is it the core of VFIO at all?     else INCONCLUSIVE
 *   is there a notifier?               else NOT-APPLICABLE, since v5.19
 *   can a put be reached from it?      alone: VULNERABLE; besides a deferred one: INCONCLUSIVE
 *   does it queue a work that puts?    FIXED
 *   could there be one unseen?         INCONCLUSIVE
 *   does it take a reference?          INCONCLUSIVE: then it is dropped somewhere unseen
 *                                      else NOT-APPLICABLE, v5.16 to v5.18
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/verdict_priv.h"

static const char *const notifier_names[] = { "vfio_iommu_group_notifier", NULL };

/* Some function of each era that only the core of VFIO defines. */
static const char *const core_names[] = {
	"vfio_iommu_group_notifier", "vfio_add_group_dev", "vfio_del_group_dev",
	"vfio_register_group_dev", "vfio_unregister_group_dev", "vfio_register_emulated_iommu_dev",
	NULL
};

/*
 * Each put ends in one of these, out of line in every build seen. vfio_group_release and
 * vfio_group_unlock_and_free: kref was an atomic_t before v4.11 and left no call of its own.
 */
static const char *const put_names[] = {
	"refcount_dec_and_mutex_lock", "vfio_group_put", "vfio_group_release",
	"vfio_group_unlock_and_free", "vfio_device_remove_group", "iommu_group_unregister_notifier",
	NULL
};

/*
 * Until v5.12 a device's put also put its group. In the notifier that is a reference of
 * the device that it has just looked up; its own one still pins the group.
 */
static const char *const not_entered[] = { "vfio_device_put", "vfio_device_release", NULL };

static const char *const queue_names[] = {
	"queue_work_on", "queue_work", "schedule_work", "__queue_work", "queue_delayed_work_on",
	"queue_work_node", NULL
};

/* Calls of these show that a reference is taken: refcount_inc() since v5.5, before, and out of line. */
static const char *const take_names[] = {
	"refcount_warn_saturate", "refcount_inc", "refcount_inc_checked", "vfio_group_try_get",
	"vfio_group_get", NULL
};

/* 9cef73918e15 (v5.16), of the same series as 63b150fde7a2: the notifier takes no reference. */
static const char *const v5_16_names[] = { "cdev_device_add", NULL };

static const char *const register_names[] = { "iommu_group_register_notifier", NULL };

/* A notifier takes one address; in a malicious file each try could be a walk over all of it. */
#define MAX_ADDRESSES 64

const char *vs_verdict__name(enum vs_verdict verdict)
{
	static const char *const names[] = {
		"INCONCLUSIVE", "FIXED", "VULNERABLE", "NOT-APPLICABLE"
	};

	return names[verdict];
}

const char *vs_verdict__style(enum vs_verdict verdict)
{
	return verdict == VS_VERDICT_VULNERABLE ? "\033[1;31m" :
	       verdict == VS_VERDICT_INCONCLUSIVE ? "\033[1;33m" : "\033[1;32m";
}

/* ---- questions ---- */

/* Returns the first branch to one of `names`, in the functions of a walk, nearest first. */
static const struct vs_code_ref *find_in(const struct vs_code *code, const struct vs_walk *walk,
					 const char *const *names)
{
	for (size_t i = 0; i < walk->nr; i++) {
		size_t nr;
		const struct vs_code_ref *refs = vs_code__refs_of(code, walk->order[i], &nr);

		for (size_t r = 0; r < nr; r++)
			if (vs_code__is_branch_to(code, &refs[r], names))
				return &refs[r];
	}
	return NULL;
}

static const struct vs_code_ref *find_anywhere(const struct vs_code *code, const char *const *names)
{
	for (size_t i = 0; i < code->nr_refs; i++)
		if (vs_code__is_branch_to(code, &code->refs[i], names))
			return &code->refs[i];
	return NULL;
}

static uint32_t find_func(const struct vs_code *code, const char *const *names)
{
	for (uint32_t i = 0; i < code->nr_funcs; i++)
		if (vs_code__is_any_of(code->funcs[i].name, names))
			return i;
	return VS_CODE_NONE;
}

/* Finds the place where the function puts, itself or by what it calls, or NULL. */
static int find_put_of(const struct vs_code *code, uint32_t func, const struct vs_code_ref **put)
{
	struct vs_walk walk;
	int err = vs_walk__from(code, &func, 1, not_entered, &walk);

	*put = err ? NULL : find_in(code, &walk, put_names);
	vs_walk__free(&walk);
	return err;
}

/* Finds the function that the notifier queues as a work: it takes its address, and the function puts. */
static int find_deferred(struct vs_judge *j, const struct vs_code_ref **address,
			 const struct vs_code_ref **put)
{
	const struct vs_walk *walk = &j->notifier;
	size_t tries = 0;
	int err = 0;

	*address = *put = NULL;
	for (size_t i = 0; i < walk->nr && !*put && !err; i++) {
		size_t nr;
		const struct vs_code_ref *refs = vs_code__refs_of(j->code, walk->order[i], &nr);

		for (size_t r = 0; r < nr && !*put && !err; r++) {
			if (refs[r].kind != VS_REF_ADDRESS || ++tries > MAX_ADDRESSES)
				continue;
			*address = &refs[r];
			err = find_put_of(j->code, refs[r].target, put);
		}
	}
	return err;
}

/* Finds a call with an unknown target; pv_ops are the kernel's own primitives. */
static const struct vs_code_ref *find_unknown_call(const struct vs_code *code,
						   const struct vs_walk *walk)
{
	for (size_t i = 0; i < walk->nr; i++) {
		size_t nr;
		const struct vs_code_ref *refs = vs_code__refs_of(code, walk->order[i], &nr);

		for (size_t r = 0; r < nr; r++) {
			bool named = refs[r].symbol && !strncmp(refs[r].symbol, "pv_", 3);

			if (refs[r].kind == VS_REF_INDIRECT && !named)
				return &refs[r];
			if (refs[r].kind == VS_REF_CALL && refs[r].target == VS_CODE_NONE &&
			    !refs[r].symbol)
				return &refs[r];
		}
	}
	return NULL;
}

static const struct vs_code_ref *find_take(const struct vs_code *code, const struct vs_walk *walk)
{
	const struct vs_code_ref *take = find_in(code, walk, take_names);

	for (size_t i = 0; i < walk->nr && !take; i++) {
		size_t nr;
		const struct vs_code_ref *refs = vs_code__refs_of(code, walk->order[i], &nr);

		for (size_t r = 0; r < nr && !take; r++)
			if (refs[r].kind == VS_REF_LOCKED_ADD)
				take = &refs[r];
	}
	return take;
}

static uint32_t find_unread(const struct vs_code *code, const struct vs_walk *walk)
{
	for (size_t i = 0; i < walk->nr; i++) {
		const struct vs_code_func *func = &code->funcs[walk->order[i]];

		if (!func->scanned || func->unread)
			return walk->order[i];
	}
	return VS_CODE_NONE;
}

/* ---- the notifier ---- */

/* Without names, finds the function that is given to iommu_group_register_notifier(). */
static uint32_t find_registered(struct vs_judge *j)
{
	const struct vs_code_ref *call = find_anywhere(j->code, register_names);
	uint32_t found = VS_CODE_NONE;
	const struct vs_code_ref *refs;
	size_t nr;

	if (!call)
		return VS_CODE_NONE;
	refs = vs_code__refs_of(j->code, call->func, &nr);
	for (size_t i = 0; i < nr; i++) {
		if (refs[i].kind != VS_REF_ADDRESS || j->code->funcs[refs[i].target].named)
			continue;
		if (found != VS_CODE_NONE && found != refs[i].target)
			return VS_CODE_NONE;
		found = refs[i].target;
		vs_cite__ref(j, &refs[i], "a function without a name: what is registered next");
	}
	if (found != VS_CODE_NONE)
		vs_cite__ref(j, call, "so that function is the notifier");
	return found;
}

/* Walks all parts of the notifier: `.cold`, `.isra.0` ... 0 or -ENOMEM. */
static int walk_notifier(struct vs_judge *j)
{
	const struct vs_code *code = j->code;
	uint32_t roots[16], found;
	size_t nr = 0;

	for (uint32_t i = 0; i < code->nr_funcs && nr < sizeof(roots) / sizeof(roots[0]); i++)
		if (vs_code__is_any_of(code->funcs[i].name, notifier_names))
			roots[nr++] = i;
	if (!nr) {
		found = find_registered(j);
		if (found != VS_CODE_NONE)
			roots[nr++] = found;
	}
	return vs_walk__from(code, roots, nr, not_entered, &j->notifier);
}

static int list_calls(struct vs_judge *j)
{
	const struct vs_walk *walk = &j->notifier;

	j->out->calls = calloc(j->code->nr_refs + 1, sizeof(*j->out->calls));
	if (!j->out->calls)
		return -ENOMEM;
	for (size_t i = 0; i < walk->nr_roots; i++) {
		size_t nr;
		const struct vs_code_ref *refs = vs_code__refs_of(j->code, walk->order[i], &nr);

		for (size_t r = 0; r < nr; r++)
			if (refs[r].kind != VS_REF_LOCKED_ADD)
				j->out->calls[j->out->nr_calls++] = &refs[r];
	}
	return 0;
}

/* ---- verdicts ---- */

static uint32_t find_open_end(const struct vs_code *code, const struct vs_walk *walk)
{
	for (size_t i = 0; i < walk->nr; i++)
		if (code->funcs[walk->order[i]].end_unsure)
			return walk->order[i];
	return VS_CODE_NONE;
}

static bool is_end_known(struct vs_judge *j)
{
	uint32_t open = find_open_end(j->code, &j->notifier);

	if (open == VS_CODE_NONE)
		return true;
	vs_cite__func(j, open, "a put may be another function's, or not be seen",
		  "has no name, so where it ends is a guess");
	vs_decide(j, "",
	       "stripped: whether the notifier puts cannot be told");
	return false;
}

static void judge_vulnerable(struct vs_judge *j, const struct vs_code_ref *put)
{
	static const char *const leave_names[] = { "iommu_group_unregister_notifier", NULL };
	const struct vs_code_ref *leave = find_in(j->code, &j->notifier, leave_names);

	vs_cite__chain(j, &j->notifier, put, "drops a group reference inside the notifier chain");
	if (leave && leave != put)
		vs_cite__chain(j, &j->notifier, leave, "waits for the chain that this task is in");
	if (!is_end_known(j))
		return;
	j->out->facts.puts = VS_YES;
	j->out->facts.defers = VS_NO;
	vs_decide(j, "v3.6 to v4.12",
	       "the notifier drops its reference itself: the last one deadlocks");
}

static void judge_both(struct vs_judge *j, const struct vs_code_ref *put,
		       const struct vs_code_ref *queue)
{
	vs_cite__chain(j, &j->notifier, put, "drops a reference inside the notifier chain");
	vs_cite__chain(j, &j->notifier, queue, "and defers something to a work queue");
	if (!is_end_known(j))
		return;
	j->out->facts.puts = j->out->facts.defers = VS_YES;
	vs_decide(j, "",
	       "the notifier puts as well as defers: of which object cannot be told");
}

static bool is_fully_read(struct vs_judge *j)
{
	uint32_t unread = find_unread(j->code, &j->notifier);

	if (unread == VS_CODE_NONE)
		return true;
	vs_cite__func(j, unread, "there may be a put that is not seen", "has %" PRIu64
		  " bytes that could not be decoded", j->code->funcs[unread].unread);
	vs_decide(j, "",
		  "the notifier's code could not be read completely");
	return false;
}

static bool knows_all_calls(struct vs_judge *j)
{
	const struct vs_code_ref *unknown = find_unknown_call(j->code, &j->notifier);

	if (!unknown)
		return true;
	vs_cite__chain(j, &j->notifier, unknown, "there may be a put behind it");
	vs_decide(j, "",
		  "the notifier calls something that cannot be told");
	return false;
}

static void cite_no_put(struct vs_judge *j)
{
	vs_cite__func(j, j->notifier.order[0],
		      "what it and the functions it calls do, is all known",
		  "reaches no put");
}

static int judge_deferred(struct vs_judge *j, const struct vs_code_ref *queue)
{
	const struct vs_code_ref *address, *put;
	int err = find_deferred(j, &address, &put);

	if (err || !is_fully_read(j) || !knows_all_calls(j) || !is_end_known(j))
		return err;
	j->out->facts.puts = VS_NO;
	vs_cite__chain(j, &j->notifier, queue, "hands something to a worker");
	if (address)
		vs_cite__ref(j, address,
			     put ? "that is what the worker runs" : "which drops nothing");
	if (!put) {
		vs_decide(j, "",
		       "the notifier queues a work, but not one that is seen to put");
		return 0;
	}
	vs_cite__ref(j, put, "the put, outside of the notifier chain");
	j->out->facts.defers = VS_YES;
	cite_no_put(j);
	vs_decide(j, "v4.13 to v5.15",
	       "the notifier leaves its put to a worker (811642d8d8a8)");
	return 0;
}

static void judge_neither(struct vs_judge *j)
{
	const struct vs_code_ref *take = find_take(j->code, &j->notifier);
	const struct vs_code_ref *put = find_anywhere(j->code, put_names);
	const struct vs_code_ref *cdev = find_anywhere(j->code, v5_16_names);

	if (!is_fully_read(j) || !knows_all_calls(j) || !is_end_known(j))
		return;
	j->out->facts.puts = j->out->facts.defers = VS_NO;
	if (take && !cdev) {
		j->out->facts.takes = VS_YES;
		vs_cite__chain(j, &j->notifier, take, "takes a reference");
		cite_no_put(j);
		vs_decide(j, "",
		       "the notifier takes a reference, and drops it nowhere that is seen");
		return;
	}
	if (!put) {
		vs_decide(j, "",
		       "no put of a group is recognised anywhere in this file");
		return;
	}
	j->out->facts.takes = VS_NO;
	cite_no_put(j);
	vs_cite__func(j, j->notifier.order[0], "nothing is deferred", "calls no work queue");
	if (cdev)
		vs_cite__ref(j, cdev,
			     "since v5.16 (9cef73918e15), as a notifier without reference");
	vs_cite__ref(j, put, "puts are recognised elsewhere in this file");
	vs_decide(j, "v5.16 to v5.18",
	       "the notifier takes no reference (63b150fde7a2)");
}

static int judge_notifier(struct vs_judge *j)
{
	const struct vs_code_ref *put = find_in(j->code, &j->notifier, put_names);
	const struct vs_code_ref *queue = find_in(j->code, &j->notifier, queue_names);

	j->out->facts.notifier = VS_YES;
	if (put && queue)
		judge_both(j, put, queue);
	else if (put)
		judge_vulnerable(j, put);
	else if (queue)
		return judge_deferred(j, queue);
	else
		judge_neither(j);
	return 0;
}

static void judge_no_notifier(struct vs_judge *j, uint32_t core)
{
	const struct vs_code_ref *call = find_anywhere(j->code, register_names);
	static const char *const remove_names[] = { "vfio_device_remove_group", NULL };
	uint32_t removes = find_func(j->code, remove_names);

	if (call) {
		vs_cite__ref(j, call, "but which function that is, cannot be told");
		vs_decide(j, "",
			  "a notifier is registered that has no name");
		return;
	}
	j->out->facts.notifier = VS_NO;
	vs_cite__func(j, core, "so this is the core of VFIO", "is defined here");
	vs_cite__func(j, VS_CODE_NONE, "since v5.19 (3b86f317c9c7)",
		  "there is no vfio_iommu_group_notifier");
	vs_cite__func(j, VS_CODE_NONE, "so there is none by another name, either",
		  "iommu_group_register_notifier is not called");
	if (removes != VS_CODE_NONE)
		vs_cite__func(j, removes, "since v6.1: a group counts its devices",
			      "is defined here");
	vs_decide(j, removes == VS_CODE_NONE ? "v5.19 or later" :
	       "v6.1 or later", "VFIO has no group notifier any more (3b86f317c9c7)");
}

static int judge_core(struct vs_judge *j)
{
	uint32_t core = find_func(j->code, core_names);

	if (core == VS_CODE_NONE) {
		vs_decide(j, "", j->code->linked ?
		       "VFIO is not in this kernel image: give its vfio.ko" :
		       "this is not the core of VFIO: give vfio.ko, or a kernel with it built in");
		return 0;
	}
	j->out->has_vfio = true;
	if (!j->code->decoded) {
		vs_decide(j, "",
		       "the code of this architecture is not known");
		return 0;
	}
	if (!j->notifier.nr) {
		judge_no_notifier(j, core);
		return 0;
	}
	return judge_notifier(j);
}

int vs_judge(const struct vs_code *code, struct vs_judgement *judgement)
{
	struct vs_judge j = { .code = code, .out = judgement };
	int err;

	memset(judgement, 0, sizeof(*judgement));
	err = walk_notifier(&j);
	if (!err)
		err = list_calls(&j);
	if (!err)
		err = judge_core(&j);
	if (!err && judgement->has_vfio)
		err = vs_judge__list_sites(&j);
	vs_walk__free(&j.notifier);
	if (err)
		vs_judgement__free(judgement);
	return err;
}

void vs_judgement__free(struct vs_judgement *judgement)
{
	free(judgement->sites);
	free(judgement->calls);
	memset(judgement, 0, sizeof(*judgement));
}
