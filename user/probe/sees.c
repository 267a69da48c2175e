// SPDX-License-Identifier: GPL-2.0
#include "probe/sees.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOOKED_AT "counted inline; the counter is looked at, in refs once a second"

const char *vs_sees_part__name(enum vs_sees_part part)
{
	static const char *const names[VS_SEES_PARTS] = { "gets", "puts", "holders", "waits" };

	return names[part];
}

const char *vs_sees_answer__name(enum vs_sees_answer answer)
{
	static const char *const names[] = {
		[VS_SEES_YES] = "yes", [VS_SEES_PARTLY] = "partly", [VS_SEES_LATER] = "later",
		[VS_SEES_NO] = "no", [VS_SEES_NOTHING] = "nothing",
	};

	return names[answer];
}

/* -- what kernel this is: asked of its functions -- */

static bool has_function(const struct vs_facts *facts, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < facts->vfio.nr_funcs; i++) {
		const char *func = facts->vfio.funcs[i].name;

		/* The compiler's copies (.isra.0) are the same function. */
		if (!strncmp(func, name, len) && (!func[len] || func[len] == '.'))
			return true;
	}
	return false;
}

static bool counts_devices_only(const struct vs_facts *facts)
{
	return has_function(facts, "vfio_device_remove_group"); /* ca5f21b25749, v6.1 */
}

static const char *group_counter(const struct vs_facts *facts, const struct vs_plan *plan)
{
	if (counts_devices_only(facts))
		return "vfio_group.drivers";
	return plan->release_is_free ? "vfio_group.users" : "vfio_group.kref";
}

static bool has_iommufd(const struct vs_facts *facts)
{
	return has_function(facts, "vfio_iommufd_physical_bind");
}

/* -- one cell -- */

__attribute__((format(printf, 3, 4)))
static void say(struct vs_sees_cell *cell, enum vs_sees_answer answer, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(cell->words, sizeof(cell->words), fmt, args);
	va_end(args);
	cell->answer = answer;
	cell->how[0] = '\0';
}

/* Says what a probe of that kind knows of the count. */
static const char *precision(const struct vs_rung *rung)
{
	switch (rung->kind) {
	case VS_RUNG_LOCKED_ADDS:
	case VS_RUNG_LOCKED_SUBS:
	case VS_RUNG_LOCKED_EXCHANGES:
		return "each, with the exact count after it";
	case VS_RUNG_CALL_SITES:
	case VS_RUNG_FUNCTION:
		return "each, with the count as it was just before";
	default:
		return "each";
	}
}

static void say_missing(struct vs_sees_cell *cell, const struct vs_plan_row *row)
{
	say(cell, VS_SEES_NO, "%.150s", row->how);
}

static void by_hook(const struct vs_plan *plan, const char *hook, struct vs_sees_cell *cell)
{
	const struct vs_plan_row *row = vs_plan__row(plan, hook);

	switch (row->status) {
	case VS_HOOK_READY:
		say(cell, VS_SEES_YES, "%s", precision(row->rung));
		break;
	case VS_HOOK_PARTIAL:
		say(cell, VS_SEES_PARTLY, "only the last one");
		break;
	case VS_HOOK_WAITING:
		say(cell, VS_SEES_LATER, "when vfio.ko is loaded");
		break;
	case VS_HOOK_NOT_APPLICABLE:
		say(cell, VS_SEES_NOTHING, "%.150s", row->how);
		return;
	case VS_HOOK_MISSING:
		say_missing(cell, row);
		return;
	}
	snprintf(cell->how, sizeof(cell->how), "%s", row->how);
}

/* The cell takes several hooks: the one that sees least decides. */
static void by_hooks(const struct vs_plan *plan, const char *const *hooks, const char *words,
		     struct vs_sees_cell *cell)
{
	struct vs_sees_cell one;

	say(cell, VS_SEES_YES, "%s", words);
	for (; *hooks; hooks++) {
		by_hook(plan, *hooks, &one);
		if (one.answer > cell->answer)
			*cell = one;
	}
}

/* -- subjects -- */

/* Nothing of it exists where VFIO has no groups. */
static bool is_without_groups(const struct vs_plan *plan, struct vs_sees *row)
{
	for (int part = 0; plan->no_groups && part < VS_SEES_PARTS; part++)
		say(&row->cells[part], VS_SEES_NOTHING, VS_NO_GROUPS);
	return plan->no_groups;
}

static void see_group(const struct vs_facts *facts, const struct vs_plan *plan,
		      struct vs_sees *row)
{
	row->subject = "group";
	row->what = "references that keep a group";
	row->counter = group_counter(facts, plan);
	if (is_without_groups(plan, row))
		return;
	by_hook(plan, "get", &row->cells[VS_SEES_GETS]);
	by_hook(plan, "put", &row->cells[VS_SEES_PUTS]);
	say(&row->cells[VS_SEES_HOLDERS], VS_SEES_YES, "%s", counts_devices_only(facts) ?
	    "its devices; files and KVM keep none on this kernel" :
	    plan->release_is_free ? "its devices, open files" :
	    "its devices, open files, KVM and other external users, the notifier and its worker");
	say(&row->cells[VS_SEES_WAITS], VS_SEES_NOTHING, "nothing waits for these");
}

static void see_device(const struct vs_plan *plan, struct vs_sees *row)
{
	static const char *const hooks[] = { "unregister", "registration-put", NULL };
	struct vs_sees_cell *cells = row->cells;

	row->subject = "device";
	row->what = "references that keep a device registered";
	row->counter = "vfio_device.refcount";
	by_hook(plan, "registration-get", &cells[VS_SEES_GETS]);
	by_hook(plan, "registration-put", &cells[VS_SEES_PUTS]);
	if (cells[VS_SEES_GETS].answer == VS_SEES_YES && cells[VS_SEES_PUTS].answer == VS_SEES_YES)
		say(&cells[VS_SEES_HOLDERS], VS_SEES_YES,
		    "its driver, open files of it, others by the place in the kernel");
	else
		say(&cells[VS_SEES_HOLDERS], VS_SEES_PARTLY,
		    "its driver, open files of it, as they are found once a second");
	by_hooks(plan, hooks, "an unbind, from vfio_unregister_group_dev to the last reference",
		 &cells[VS_SEES_WAITS]);
}

/* The probes see the calls, not a count. */
static void see_calls_only(struct vs_sees *row)
{
	for (int part = VS_SEES_GETS; part <= VS_SEES_PUTS; part++)
		if (row->cells[part].answer == VS_SEES_YES)
			snprintf(row->cells[part].words, sizeof(row->cells[part].words), "each");
}

static void see_file(const struct vs_facts *facts, const struct vs_plan *plan,
		     struct vs_sees *row)
{
	row->subject = "group-file";
	row->what = "openings of /dev/vfio/N";
	row->counter = plan->fix == VS_FIX_NO_NOTIFIER ? "vfio_group.opened_file" :
							  "vfio_group.opened";
	if (is_without_groups(plan, row))
		return;
	by_hook(plan, "open", &row->cells[VS_SEES_GETS]);
	by_hook(plan, "close", &row->cells[VS_SEES_PUTS]);
	see_calls_only(row);
	say(&row->cells[VS_SEES_HOLDERS], VS_SEES_YES,
	    "processes with their descriptors, KVM");
	say(&row->cells[VS_SEES_WAITS], VS_SEES_NOTHING, "nothing waits for these%s",
	    counts_devices_only(facts) ? " (3dd59a7dcb97, v6.1)" : "");
}

static void see_container(const struct vs_plan *plan, struct vs_sees *row)
{
	row->subject = "container";
	row->what = "users of a group's container";
	row->counter = "vfio_group.container_users";
	if (is_without_groups(plan, row))
		return;
	by_hook(plan, "container-use", &row->cells[VS_SEES_GETS]);
	by_hook(plan, "container-unuse", &row->cells[VS_SEES_PUTS]);
	for (int part = VS_SEES_GETS; part <= VS_SEES_PUTS; part++)
		if (row->cells[part].answer == VS_SEES_NOTHING)
			say(&row->cells[part], VS_SEES_NO, LOOKED_AT);
	say(&row->cells[VS_SEES_HOLDERS], VS_SEES_YES,
	    "processes with the container, the group or a device open");
	/* container_q: 6586b561a91c, v4.11, to dc15f82f5329, v5.19. */
	if (plan->fix == VS_FIX_NO_NOTIFIER)
		say(&row->cells[VS_SEES_WAITS], VS_SEES_NOTHING, "nothing waits for these");
	else
		say(&row->cells[VS_SEES_WAITS], VS_SEES_PARTLY,
		    "an unbind that waits for the container: vfioscope why");
}

static void see_deferred(const struct vs_plan *plan, struct vs_sees *row)
{
	static const char *const hooks[] = { "deferred-start", "deferred-end", NULL };

	row->subject = "deferred-put";
	row->what = "puts that the notifier hands to a worker";
	row->counter = NULL;
	by_hook(plan, "deferred-queue", &row->cells[VS_SEES_GETS]);
	by_hooks(plan, hooks, "each", &row->cells[VS_SEES_PUTS]);
	if (row->cells[VS_SEES_GETS].answer == VS_SEES_NOTHING) {
		row->cells[VS_SEES_HOLDERS] = row->cells[VS_SEES_GETS];
		row->cells[VS_SEES_WAITS] = row->cells[VS_SEES_GETS];
		return;
	}
	say(&row->cells[VS_SEES_HOLDERS], VS_SEES_YES, "the queued work, and who queued it");
	say(&row->cells[VS_SEES_WAITS], VS_SEES_YES,
	    "late workers and what keeps them: vfioscope latency");
}

/*
 * A vfio.ko built without iommufd has no such function. iommufd's own wait is in another module,
 * and short.
 */
static void see_iommufd(const struct vs_facts *facts, const struct vs_plan *plan, struct vs_sees *row)
{
	row->subject = "iommufd";
	row->what = "users of an iommufd context";
	row->counter = NULL;
	for (int part = 0; part < VS_SEES_PARTS; part++)
		if (!facts->vfio.nr_funcs)
			say(&row->cells[part], VS_SEES_NO, "there is no vfio to look into");
		else if (!has_iommufd(facts))
			say(&row->cells[part], VS_SEES_NOTHING, VS_NO_IOMMUFD);
	if (!has_iommufd(facts))
		return;
	by_hook(plan, "iommufd-bind", &row->cells[VS_SEES_GETS]);
	by_hook(plan, "iommufd-unbind", &row->cells[VS_SEES_PUTS]);
	see_calls_only(row);
	say(&row->cells[VS_SEES_HOLDERS], VS_SEES_YES,
	    "processes with /dev/iommu or a device's own file open");
	say(&row->cells[VS_SEES_WAITS], VS_SEES_PARTLY,
	    "a close that waits for calls of iommufd: vfioscope why");
}

void vs_sees__find(const struct vs_facts *facts, const struct vs_plan *plan,
		   struct vs_sees rows[VS_SEES_SUBJECTS])
{
	memset(rows, 0, VS_SEES_SUBJECTS * sizeof(rows[0]));
	see_group(facts, plan, &rows[0]);
	see_device(plan, &rows[1]);
	see_file(facts, plan, &rows[2]);
	see_container(plan, &rows[3]);
	see_deferred(plan, &rows[4]);
	see_iommufd(facts, plan, &rows[5]);
}
