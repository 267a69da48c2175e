// SPDX-License-Identifier: GPL-2.0
/*
 * What must hold of every evidence: while a device is leaving and somebody waits, no view says that
 * nothing waits, and the views of the host, the device, its group and the task agree. Tried on all
 * that was recorded, and on what is left of it when a kernel shows less.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence_lab.h"
#include "why/classify.h"
#include "why/classify_priv.h"

#define VARIANTS 200	/* of each file */

static struct vs_evidence evidence;
static const char *name;
static unsigned int variant;

/* -- what a kernel may not show -- */

static uint32_t state;

static uint32_t some(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static void lose_locks(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++) {
		struct vs_ev_task *t = &evidence.tasks[i];

		t->lock_kind = VS_EV_NO_LOCK;
		t->lock = t->owner = 0;
		t->lock_name[0] = '\0';
	}
}

static void lose_held(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		evidence.tasks[i].nr_locked = 0;
}

static void lose_stacks(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		evidence.tasks[i].nr_frames = 0;
}

static void lose_a_task(void)
{
	size_t i = evidence.nr_tasks ? some((uint32_t)evidence.nr_tasks) : 0;

	if (!evidence.nr_tasks)
		return;
	free(evidence.tasks[i].frames);
	memmove(&evidence.tasks[i], &evidence.tasks[i + 1],
		(--evidence.nr_tasks - i) * sizeof(*evidence.tasks));
}

static void lose_holders(void)
{
	evidence.snapshot.nr_fds = evidence.snapshot.nr_maps = 0;
}

static void lose_times(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		evidence.tasks[i].waited_ns = evidence.tasks[i].age_ns = VS_EV_UNKNOWN;
}

static void lose_counters(void)
{
	for (size_t i = 0; i < evidence.snapshot.nr_devices; i++)
		evidence.snapshot.devices[i].refs = VS_SNAP_UNKNOWN;
}

/* Of the task whose frames show it: as kernels before 5.10.137 do not. */
static void lose_waiters(void)
{
	for (size_t i = 0; i < evidence.snapshot.nr_devices; i++)
		evidence.snapshot.devices[i].waiter = 0;
}

static void run_the_waiter(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		if (why_device__names(&evidence, &evidence.tasks[i]))
			evidence.tasks[i].state = 'R';
}

static void vary(void)
{
	static void (*const losses[])(void) = { lose_locks, lose_held, lose_stacks, lose_a_task,
		lose_holders, lose_times, lose_counters, lose_waiters, run_the_waiter };
	size_t nr = sizeof(losses) / sizeof(losses[0]);

	for (uint32_t i = some((uint32_t)nr); i > 0; i--)
		losses[some((uint32_t)nr)]();
}

/* Recorded before devices told it: who unregisters is the waiter of the device it has locked. */
static void name_waiters(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++) {
		const struct vs_ev_task *t = &evidence.tasks[i];
		const struct vs_snap_device *d = why_device__left_by(&evidence, t);
		size_t at = why_frames__unregister(t);

		if (d && at < t->nr_frames && t->lock_kind == VS_EV_NO_LOCK && d->address && d->refs > 0)
			evidence.snapshot.devices[d - evidence.snapshot.devices].waiter =
				t->address;
	}
}

/* -- what must hold -- */

static bool says_nothing_waits(const struct vs_why *why)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (why->cases[i].verdict == VS_WHY_IDLE ||
		    why->cases[i].verdict == VS_WHY_NOT_APPLICABLE)
			return true;
	return false;
}

static const struct vs_why_case *case_of(const struct vs_why *why, const char *device)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (!strcmp(why->cases[i].device, device))
			return &why->cases[i];
	return NULL;
}

static void wrong(const char *view, const char *what)
{
	fail_msg("%s, variant %u: view of the %s: %s", name, variant, view, what);
}

/* As the view of the host says it of the device. */
static void check_view(const char *view, const struct vs_why_subject *s, const char *device,
		       const struct vs_why_case *wanted)
{
	const struct vs_why_case *c;
	struct vs_why why;

	assert_int_equal(vs_classify(&evidence, s, &why), 0);
	if (says_nothing_waits(&why))
		wrong(view, "nothing waits");
	c = case_of(&why, device);
	if (!c)
		wrong(view, "the device is not in it");
	if (c->verdict != wanted->verdict || c->task != wanted->task ||
	    c->nr_holders != wanted->nr_holders || c->group != wanted->group ||
	    strcmp(c->next, wanted->next) || strcmp(c->says, wanted->says))
		wrong(view, "it differs from that of the host");
	vs_why__free(&why);
}

static void check_leaving(const struct vs_why *host, const struct vs_snap_device *d)
{
	const struct vs_why_case *c = case_of(host, d->name);
	struct vs_why_subject by_device = { d->name, -1, 0 }, by_group = { NULL, d->number, 0 };
	struct vs_why_subject by_pid = { NULL, -1, c && c->task ? c->task->tid : 0 };

	if (!c)
		wrong("host", "a device that is leaving is not in it");
	check_view("device", &by_device, d->name, c);
	check_view("group", &by_group, d->name, c);
	if (c->task)
		check_view("task", &by_pid, d->name, c);
}

static bool somebody_unregisters(void)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		if (why_frames__unregister(&evidence.tasks[i]) < evidence.tasks[i].nr_frames &&
		    why_frames__waiting(&evidence.tasks[i]))
			return true;
	return false;
}

/* It is not known which one: then each of VFIO's may be it. */
static void check_all_devices(void)
{
	for (size_t i = 0; i < evidence.snapshot.nr_devices; i++) {
		const struct vs_snap_device *d = &evidence.snapshot.devices[i];
		struct vs_why_subject s = { d->name, -1, 0 };
		struct vs_why why;

		if (!d->address)
			continue;
		assert_int_equal(vs_classify(&evidence, &s, &why), 0);
		if (says_nothing_waits(&why) && !why.nr_elsewhere)
			wrong("device", "nothing waits, and no word of who does");
		vs_why__free(&why);
	}
}

static unsigned int check(void)
{
	struct vs_why_subject whole = { NULL, -1, 0 };
	bool waits = somebody_unregisters();
	struct vs_why host;
	unsigned int nr = 0;

	assert_int_equal(vs_classify(&evidence, &whole, &host), 0);
	for (size_t i = 0; i < evidence.snapshot.nr_devices; i++)
		if (why_device__is_leaving(&evidence.snapshot.devices[i])) {
			check_leaving(&host, &evidence.snapshot.devices[i]);
			nr++;
		}
	if ((nr || waits) && says_nothing_waits(&host))
		wrong("host", "nothing waits");
	if (waits)
		check_all_devices();
	vs_why__free(&host);
	return nr;
}

static unsigned int check_file(void)
{
	unsigned int nr = 0;

	state = 7;
	for (variant = 0; variant < VARIANTS; variant++) {
		load_evidence(name, &evidence);
		name_waiters();
		if (variant)
			vary();
		nr += check();
		vs_evidence__free(&evidence);
	}
	return nr;
}

static void test_views_agree(void **unused)
{
	DIR *dir = opendir(EVIDENCE);
	struct dirent *entry;
	unsigned int nr = 0;

	(void)unused;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *end = strstr(entry->d_name, ".json");

		if (!end)
			continue;
		*end = '\0';
		name = entry->d_name;
		nr += check_file();
	}
	closedir(dir);
	assert_true(nr > 1000);	/* devices that were leaving */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
