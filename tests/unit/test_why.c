// SPDX-License-Identifier: GPL-2.0
/* Verdicts on evidence recorded in the lab, and on what may differ elsewhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/exit_codes.h"
#include "base/rows.h"
#include "base/text_file.h"
#include "base/words.h"
#include "evidence_lab.h"
#include "why/classify.h"
#include "why/classify_priv.h"
#include "why/holders.h"
#include "why/print.h"
#include "why/redact.h"
#include "why/runtime.h"
#include "why/ways.h"

static struct vs_evidence evidence;
static struct vs_why why;

/* -- recorded evidence -- */

static void load(const char *name)
{
	load_evidence(name, &evidence);
}

static void classify(const char *device, int group, uint32_t pid)
{
	struct vs_why_subject subject = { device, group, pid };

	assert_int_equal(vs_classify(&evidence, &subject, &why), 0);
	assert_true(why.nr_cases);
}

static int teardown(void **state)
{
	(void)state;
	vs_why__free(&why);
	vs_evidence__free(&evidence);
	return 0;
}

/* One line for all that a reader acts upon. */
static void summarize(char *buf, size_t size)
{
	const struct vs_why_case *c = &why.cases[0];

	snprintf(buf, size, "%zu %s %s %s %d waits=%u holds=", why.nr_cases,
		 vs_why_verdict__name(c->verdict), vs_confidence__name(c->confidence),
		 c->reboot == VS_REBOOT_YES ? "reboot" : c->reboot ? "unknown" : "-", vs_why__status(&why), c->task ? c->task->tid : 0);
	for (size_t i = 0; i < c->nr_holders; i++)
		vs_words__append(buf, size, "%s%u:%d", i ? "," : "", c->holders[i].tgid, c->holders[i].fd);
	vs_words__append(buf, size, " behind=");
	for (size_t i = 0; i < c->nr_victims; i++)
		vs_words__append(buf, size, "%s%u/%u", i ? "," : "", c->victims[i].task->tid,
		       c->victims[i].depth);
}

static void check_line(char *line)
{
	char *name = strsep(&line, " "), *asked = strsep(&line, " "), got[1024];
	const char *device = strpbrk(asked + 1, ":-") ? asked : NULL; /* also an mdev, by its UUID */

	load(name);
	classify(device, -1, !device && *asked != '-' ? (uint32_t)atoi(asked) : 0);
	summarize(got, sizeof(got));
	if (strcmp(got, line))
		fail_msg("%s %s: %s\nexpected: %s", name, asked, got, line);
	teardown(NULL);
}

/* What the kernel's log says of another device is nothing to who asks about this one. */
static void test_notes_of_what_is_asked(void **state)
{
	(void)state;
	load("iommufd-cdev");
	classify("0000:00:05.0", -1, 0);
	assert_int_equal(why.nr_notes, 1);
	vs_why__free(&why);
	classify("0000:00:05.1", -1, 0);
	assert_int_equal(why.nr_notes, 0);
	vs_why__free(&why);
	classify(NULL, 1, 0);
	assert_int_equal(why.nr_notes, 1);
}

/* tests/evidence/expected: evidence, what is asked about, and the summary. */
static void test_recorded(void **state)
{
	char *text = read_file("tests/evidence/expected"), *rest = text, *line;
	size_t nr = 0;

	(void)state;
	while ((line = strsep(&rest, "\n")))
		if (*line && *line != '#') {
			check_line(line);
			nr++;
		}
	free(text);
	assert_true(nr >= 30);
}

static void test_saved_and_loaded(void **state)
{
	json_t *before, *after;
	char *text, *saved;

	(void)state;
	load("unfixed-victims");
	text = read_file("tests/evidence/unfixed-victims.json");
	saved = vs_evidence__to_json(&evidence);
	before = json_loads(text, 0, NULL);
	after = json_loads(saved, 0, NULL);
	assert_non_null(before);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	free(text);
	free(saved);
}

static void test_bad_evidence(void **state)
{
	char error[200];

	(void)state;
	assert_int_equal(vs_evidence__from_json("{", &evidence, error, sizeof(error)), -EINVAL);
	assert_int_equal(vs_evidence__from_json("{}", &evidence, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "this is no evidence file");
	assert_int_equal(vs_evidence__from_json("{\"type\":\"evidence\",\"schema\":99}", &evidence,
						error, sizeof(error)), -EINVAL);
	assert_int_equal(vs_evidence__from_json("{\"type\":\"evidence\",\"schema\":1,\"tasks\":[7,"
						"{\"frames\":7,\"tid\":\"x\"}]}", &evidence, error,
						sizeof(error)), 0);
	assert_int_equal(evidence.nr_tasks, 2);
}

/* -- recorded, then changed -- */

static struct vs_ev_task *task(uint32_t tid)
{
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		if (evidence.tasks[i].tid == tid)
			return &evidence.tasks[i];
	fail_msg("no task %u", tid);
	return NULL;
}

static struct vs_ev_task *culprit(void)
{
	uint32_t tid;

	classify(NULL, -1, 0);
	tid = why.cases[0].task->tid;
	vs_why__free(&why);
	return task(tid);
}

/* A callback that waits for another chain's lock: legal, and somebody else's to give. */
static void test_nested_chain_is_no_deadlock(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("fixed-chain");
	t = culprit();
	t->owner = 0xffff888000000000;
	t->lock_outside = false;
	t->waited_ns = 1000000000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	vs_why__free(&why);
	t->waited_ns = 10000000000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_UNEXPLAINED);
	assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
}

static void test_deadlock_without_memory(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("unfixed-deadlock");
	t = culprit();
	t->lock = t->owner = 0;
	t->lock_outside = false;
	t->lock_kind = VS_EV_NO_LOCK;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOTIFIER_DEADLOCK);
	assert_int_equal(why.cases[0].confidence, VS_MEDIUM);
}

/* A remove that has only begun is no hang. */
static void test_a_short_remove_is_no_hang(void **state)
{
	(void)state;
	load("fixed-stuckdriver");
	culprit()->waited_ns = 50000000;
	task(363)->stayed_ns = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	assert_int_equal(vs_why__status(&why), VS_EXIT_OK);
	assert_null(strstr(why.cases[0].says, "ask again"));
}

/* Sleeps of 300 ms each, for ever: only a second look tells. Without one nobody says idle. */
static void test_a_remove_that_polls(void **state)
{
	(void)state;
	load("fixed-polls");
	assert_true(task(106)->waited_ns < 1000000000);
	classify("0000:00:05.0", -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_VFIO);
	assert_non_null(strstr(why.cases[0].says, "sleeps in stuckdriver_remove [stuckdriver], in "
			       "rounds"));
	assert_int_equal(why.cases[0].since_ns, task(106)->stayed_ns);
	vs_why__free(&why);
	task(106)->stayed_ns = VS_EV_UNKNOWN;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
	assert_non_null(strstr(why.cases[0].says, "But sh[106] is in stuckdriver_remove "
			       "[stuckdriver], for a moment or for ever: ask again"));
}

/* The same function for the next device is progress. */
static void test_what_a_second_look_compares(void **state)
{
	struct vs_ev_task now;

	(void)state;
	load("fixed-polls");
	now = *task(106);
	assert_true(why_frames__is_brief(&now));
	assert_true(why_frames__same_driver(task(106), &now));
	snprintf(now.locked[0].name, sizeof(now.locked[0].name), "0000:00:06.0");
	assert_false(why_frames__same_driver(task(106), &now));
	now = *task(106);
	now.nr_locked = 0;
	assert_false(why_frames__same_driver(task(106), &now));
	now = *task(106);
	now.nr_frames = 0;
	assert_false(why_frames__same_driver(task(106), &now));
}

/* A container sees its own processes only: no VFIO there does not mean that nobody waits. */
static void test_other_processes_are_hidden(void **state)
{
	(void)state;
	load("fixed-idle");
	evidence.has_vfio = false;
	evidence.snapshot.nr_groups = evidence.snapshot.nr_devices = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_APPLICABLE);
	assert_int_equal(vs_why__status(&why), VS_EXIT_OK);
	vs_why__free(&why);
	evidence.snapshot.scope.fds = false;
	classify(NULL, -1, 0);
	assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
}

static void test_a_running_task_waits_for_nothing(void **state)
{
	(void)state;
	load("fixed-device");
	culprit()->state = 'R';
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
}

static void test_no_holder_says_where_it_searched(void **state)
{
	(void)state;
	load("6.12-device");
	evidence.snapshot.nr_fds = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.cases[0].confidence, VS_LOW);
	assert_non_null(strstr(why.cases[0].next, "no holder was found. Searched: descriptors of"));
	assert_non_null(strstr(why.cases[0].next, "io_uring"));
}

static void test_a_holder_waits_for_the_waiter(void **state)
{
	(void)state;
	load("fixed-waits-back");
	classify(NULL, -1, 0);
	assert_non_null(strstr(why.cases[0].says, "The holder waits for the waiter: holder[112] of "
			       "process 109"));
	assert_non_null(strstr(why.cases[0].next, "Killing it does not do it"));
	assert_non_null(strstr(why.cases[0].next, "Otherwise only a reset frees it"));
	assert_null(strstr(why.cases[0].says, "no deadlock"));
	assert_null(strstr(why.cases[0].next, "ends by itself"));
}

/* It stands behind readers, one of whom is the waiter: that proves nothing. */
static void test_a_holder_may_wait_for_another(void **state)
{
	(void)state;
	load("fixed-waits-back");
	task(112)->lock_kind = VS_EV_RWSEM;
	task(112)->owner_reads = true;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].nr_victims, 1);
	assert_null(why.cases[0].waits_back);
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_UNKNOWN);
	assert_non_null(strstr(why.cases[0].next, "That may not work: a task of holder[109] sleeps "
			       "uninterruptibly"));
}

static void test_a_holder_that_sleeps(void **state)
{
	(void)state;
	load("fixed-device");
	classify(NULL, -1, 0);
	assert_non_null(strstr(why.cases[0].next, "ends by itself"));
	assert_non_null(strstr(why.cases[0].says, "no deadlock"));
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_NO);
	vs_why__free(&why);
	for (size_t i = 0; i < evidence.nr_processes; i++)
		evidence.processes[i].uninterruptible = evidence.processes[i].tgid == 129;
	classify(NULL, -1, 0);
	assert_null(strstr(why.cases[0].says, "no deadlock"));
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_UNKNOWN);
	assert_non_null(strstr(why.cases[0].next, "That may not work: a task of holder[129]"));
	assert_null(strstr(why.cases[0].next, "ends by itself"));
}

/* Each waits for a mutex of the other. */
static void test_a_deadlock_of_locks(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("fixed-stuckdriver");
	t = task(363);
	t->lock_kind = VS_EV_MUTEX;
	t->lock = 0xffff888012345678;
	t->owner = task(365)->address;
	task(365)->age_ns = 3 * t->waited_ns;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].confidence, VS_HIGH);
	vs_why__free(&why);
	/* The memory of a dead owner may be a new task's, which need not have the lock. */
	task(365)->age_ns = t->waited_ns + t->waited_ns / 8;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].confidence, VS_LOW);
	assert_int_equal(why.nr_cases, 1);
	assert_int_equal(why.cases[0].verdict, VS_WHY_UNEXPLAINED);
	assert_true(why.cases[0].cycle);
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_UNKNOWN);
	assert_int_equal(why.cases[0].nr_victims, 1);
	assert_non_null(strstr(why.cases[0].says, "a deadlock of locks"));
	assert_non_null(strstr(why.cases[0].next, "a reboot is likely needed"));
	vs_why__free(&why);
	t->owner_reads = true;	/* then another reader may be the one */
	t->lock_kind = VS_EV_RWSEM;
	t->waited_ns = task(365)->waited_ns = 10000000000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_UNEXPLAINED);
	assert_false(why.cases[0].cycle);
	assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
}

/* As amdgpu's remove, that waits for a mutex of Xorg, which sleeps in a fence. */
static void test_a_driver_waits_for_its_lock(void **state)
{
	(void)state;
	load("fixed-driver-lock");
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].owner->tid, 106);
	assert_non_null(strstr(why.cases[0].says, "driver stuckdriver, which 0000:00:05.0 is bound "
			       "to, waits in stuckdriver_remove [stuckdriver] for a lock that "
			       "sh[106] holds. sh[108] waits for it"));
	vs_why__free(&why);
	task(108)->owner = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_VFIO);
	assert_non_null(strstr(why.cases[0].says, "whose owner is not known"));
}

/* Others take them, too: the driver is not to blame. */
static void test_a_driver_waits_for_another_lock(void **state)
{
	static const char *const names[] = { "lock rtnl_mutex", "lock a_lock [other]",
		"device lock of 0000:00:06.0" };

	(void)state;
	load("fixed-driver-lock");
	task(108)->waited_ns = 10000000000;
	for (size_t i = 0; i < 3; i++) {
		snprintf(task(108)->lock_name, sizeof(task(108)->lock_name), "%s", names[i]);
		classify(NULL, -1, 0);
		assert_int_equal(why.cases[0].verdict, VS_WHY_UNEXPLAINED);
		assert_int_equal(why.cases[0].task->tid, 106);
		assert_null(strstr(why.cases[0].says, "on the way"));
		assert_non_null(strstr(why.cases[0].says, "and has what sh[108] waits for; the "
				       "reason was not recognized"));
		vs_why__free(&why);
	}
	snprintf(task(108)->lock_name, 80, "lock stuck_lock [stuckdriver]");
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_VFIO);
}

/* The core asks for the lock of a child's device, on a bus without names here. */
static void test_a_driver_removes_a_child(void **state)
{
	(void)state;
	load("fixed-driver-lock");
	memmove(&task(108)->frames[1], &task(108)->frames[0], 4 * sizeof(*task(108)->frames));
	snprintf(task(108)->frames[0], VS_SITE_LEN, "device_del+0x30");
	task(108)->waited_ns = 10000000000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_UNEXPLAINED);
}

static void test_without_memory_time_tells(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("fixed-stall");
	t = culprit();
	for (size_t i = 0; i < evidence.snapshot.nr_devices; i++)
		evidence.snapshot.devices[i].refs = VS_SNAP_UNKNOWN;
	t->waited_ns = 60000000000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_CONTAINER_STALL);
}

static void test_leaks(void **state)
{
	(void)state;
	load("fixed-idle");
	assert_int_equal(evidence.snapshot.nr_groups, 1);
	evidence.snapshot.groups[0].refs = 4;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_LEAK_SUSPECT);
	assert_int_equal(why.cases[0].confidence, VS_LOW);
	assert_string_equal(why.cases[0].proof[1], "3 references are left over");
	assert_int_equal(vs_why__status(&why), VS_EXIT_BUG);
	vs_why__free(&why);
	evidence.snapshot.nr_devices = 0;
	classify(NULL, 1, 0);
	assert_int_equal(why.cases[0].confidence, VS_MEDIUM);
	vs_why__free(&why);
	evidence.snapshot.scope.fds = false;	/* then nobody can say */
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
}

/* Before v5.13 (5.10.137): each user of a device has a reference of its group, too. */
static void test_users_of_old_devices_are_no_leak(void **state)
{
	struct vs_snap_group *g;
	struct vs_snap_device *d;

	(void)state;
	load("fixed-device");
	g = &evidence.snapshot.groups[0];
	d = &evidence.snapshot.devices[0];
	while (!d->address || d->group != g->address)
		d++;
	evidence.snapshot.users_counted = true;
	d->refs = 3;
	g->refs += 2;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.nr_cases, 1);
	vs_why__free(&why);
	/* The task that waits holds one more in vfio_del_group_dev(). */
	strcpy(task(135)->frames[1], "vfio_del_group_dev+0x10 [vfio]");
	g->refs++;
	classify(NULL, -1, 0);
	assert_int_equal(why.nr_cases, 1);
	vs_why__free(&why);
	g->refs++;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_LEAK_SUSPECT);
	assert_string_equal(why.cases[0].proof[1], "1 reference is left over");
	vs_why__free(&why);
	d->refs = VS_SNAP_UNKNOWN;	/* then nobody can say */
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
}

static void test_what_was_asked(void **state)
{
	(void)state;
	load("unfixed-victims");
	classify("0000:99:00.0", -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_APPLICABLE);
	vs_why__free(&why);
	classify(NULL, 77, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_APPLICABLE);
	vs_why__free(&why);
	classify(NULL, 1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOTIFIER_DEADLOCK);
	vs_why__free(&why);
	classify(NULL, -1, 999999);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
}

/* A sentence about the whole host would be refuted by the next one. */
static void test_another_task_waits(void **state)
{
	(void)state;
	load("6.1-la57-remove");
	classify(NULL, -1, 113);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	assert_null(strstr(why.cases[0].says, "nothing waits for VFIO"));
	assert_non_null(strstr(why.cases[0].says, "the task asked about does not wait for VFIO. "
						  "Elsewhere 2 tasks wait."));
	vs_why__free(&why);
	evidence.snapshot.hidden_tasks = true;
	classify(NULL, -1, 113);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_SEEN);
	assert_null(strstr(why.cases[0].says, "no task of this PID namespace"));
}

/* Another device than the one that waits: that is said, and where to look. */
static void test_who_waits_elsewhere(void **state)
{
	struct vs_snap_device *d;
	struct vs_snap_group *g;

	(void)state;
	load("6.1-la57-remove");
	d = vs_rows__add(&evidence.snapshot.devices, &evidence.snapshot.nr_devices, sizeof(*d));
	assert_non_null(d);
	d->address = 0xff2b000000001000;
	d->number = 7;
	strcpy(d->name, "0000:00:07.0");
	strcpy(d->driver, "vfio-pci");
	g = vs_rows__add(&evidence.snapshot.groups, &evidence.snapshot.nr_groups, sizeof(*g));
	assert_non_null(g);
	g->number = 7;
	classify("0000:00:07.0", -1, 0);
	assert_int_equal(why.nr_cases, 1);
	assert_int_equal(why.nr_elsewhere, 2);
	assert_non_null(strstr(why.cases[0].says, "nothing waits for 0000:00:07.0"));
	assert_null(strstr(why.cases[0].says, "waits for VFIO"));
	assert_non_null(strstr(why.cases[0].says, "2 tasks wait"));
	assert_non_null(strstr(why.cases[0].next, "vfioscope why"));
}

/* The second of two slots: its removal waits behind that of the first. */
static void test_a_removal_behind_another(void **state)
{
	struct vs_ev_task *behind;

	(void)state;
	load("6.1-la57-remove");
	behind = task(258);
	strcpy(behind->about, "0000:01:00.0 0000:01:00.1");
	classify("0000:01:00.1", -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_string_equal(why.cases[0].device, "0000:00:05.0");
	assert_ptr_equal(why.asked, behind);
	vs_why__free(&why);
	classify("0000:01:00.2", -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_APPLICABLE);
	assert_null(why.asked);
}

/* Recorded with two slots of pciehp: the views of the second device and of its group agree. */
static void test_the_second_slot(void **state)
{
	(void)state;
	load("6.12-slots");
	classify("0000:02:00.0", -1, 0);
	assert_int_equal(why.asked->tid, 67);
	vs_why__free(&why);
	classify(NULL, 5, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.asked->tid, 67);
	vs_why__free(&why);
	classify(NULL, 4, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_null(why.asked);
}

/* A mutex whose owner is no task any more, and one whose owner is a zombie. */
static void test_an_owner_that_has_ended(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("fixed-driver-lock");
	t = task(108);
	t->dead_owner = t->owner;
	t->owner = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_DEAD_OWNER);
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_YES);
	assert_int_equal(vs_why__status(&why), VS_EXIT_WAITS);
	assert_non_null(strstr(why.cases[0].says, "the task that has it has ended"));
	vs_why__free(&why);
	t->owner = t->dead_owner;
	t->dead_owner = 0;
	task(106)->state = 'Z';
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_DEAD_OWNER);
	assert_int_equal(why.cases[0].owner->tid, 106);
	vs_why__free(&why);
	task(106)->state = 'D';
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_VFIO);
}

/* It runs at both looks: that is a case, with who waits behind it. In one look it says nothing. */
static void test_a_driver_that_runs(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("fixed-stuckdriver");
	t = task(363);
	t->state = 'R';
	t->stayed_ns = 1100000000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_VFIO);
	assert_true(why.cases[0].runs);
	assert_int_equal(why.cases[0].confidence, VS_MEDIUM);
	assert_int_equal(why.cases[0].nr_victims, 1);
	assert_non_null(strstr(why.cases[0].says, "without sleeping"));
	vs_why__free(&why);
	t->from_memory = true;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].confidence, VS_LOW);
	vs_why__free(&why);
	strcpy(t->frames[0], "vfio_unmap_unpin+0x1 [vfio_iommu_type1]");
	t->nr_frames = 1;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_UNEXPLAINED);
	assert_true(why.cases[0].runs);
}

/* Nothing waits, and still a VM does not start with it: somebody has the group. */
static void test_a_group_that_no_vm_can_open(void **state)
{
	(void)state;
	load("fixed-group");
	evidence.start = calloc(1, sizeof(*evidence.start));
	strcpy(evidence.start->device, "0000:00:05.0");
	evidence.start->group = 1;
	evidence.start->node = evidence.start->remaps = VS_START_UNKNOWN;
	classify("0000:00:05.0", -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_CANNOT_START);
	assert_int_equal(why.cases[0].start->nr_blocks, 1);
	assert_non_null(strstr(why.cases[0].says, "no other VM can start with 0000:00:05.0 (group 1): busy: holder["));
	assert_non_null(strstr(why.cases[0].says, "has group 1 open"));
}

/* A dump that lacks something is never called fine, and one that shows somebody on his way through a driver is not. */
static void test_dump(void **state)
{
	struct vs_ev_task *t;

	(void)state;
	load("fixed-idle");
	evidence.from_core = true;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	assert_int_equal(why.cases[0].confidence, VS_HIGH);
	assert_int_equal(vs_why__status(&why), 0);
	vs_why__free(&why);
	evidence.incomplete = true;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].confidence, VS_LOW);
	assert_int_equal(vs_why__status(&why), 5);
	teardown(NULL);

	/* It sleeps in rounds, or runs, and there is no second look. */
	for (int runs = 0; runs < 2; runs++) {
		load("fixed-polls");
		evidence.from_core = true;
		for (t = evidence.tasks; t < evidence.tasks + evidence.nr_tasks; t++)
			t->stayed_ns = VS_EV_UNKNOWN;
		for (t = evidence.tasks; runs && t < evidence.tasks + evidence.nr_tasks; t++) {
			t->state = 'R';
			t->stayed_ns = 1000000;
		}
		classify(NULL, -1, 0);
		assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
		assert_int_equal(why.cases[0].confidence, VS_LOW);
		assert_int_equal(vs_why__status(&why), 5);
		assert_non_null(strstr(why.cases[0].says, "another dump would"));
		teardown(NULL);
	}
}

/* In a container: what is not seen is not said to be idle. */
static void test_another_pid_namespace(void **state)
{
	(void)state;
	load("6.1-idle");
	evidence.snapshot.hidden_tasks = true;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_SEEN);
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_UNKNOWN);
	assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
	vs_why__free(&why);
	vs_evidence__free(&evidence);
	load("6.1-la57-remove");
	evidence.snapshot.hidden_tasks = true;
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		free(evidence.tasks[i].frames);
	evidence.nr_tasks = 0;
	evidence.snapshot.nr_fds = 0;
	classify("0000:00:05.0", -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_null(why.cases[0].task);
	assert_non_null(strstr(why.cases[0].says, "A task that is out of sight waits"));
	assert_null(strstr(why.cases[0].says, "no deadlock"));
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_UNKNOWN);
	assert_int_equal(vs_why__status(&why), VS_EXIT_WAITS);
}

/* A process of another namespace has it mapped: somebody's vhost device here has nothing to do with it. */
static void test_a_mapping_of_another_pid_namespace(void **state)
{
	(void)state;
	load("6.12-vhost");
	assert_int_equal(evidence.nr_openers, 1);
	evidence.snapshot.hidden_tasks = true;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].nr_holders, 1);
	assert_true(why.cases[0].holders[0].hidden);
	assert_non_null(strstr(why.cases[0].next, "in the host's own PID namespace (from here it is not "
						  "seen), and end it"));
}

/* -- a wait of iommufd itself -- */

/* Another iommufd of the same process: its call may be of that one. */
static void test_iommufd_of_two(void **state)
{
	struct vs_snapshot *s = &evidence.snapshot;

	(void)state;
	load("iommufd-wait");
	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].kind == VS_SNAP_IOMMUFD_FILE) {
			struct vs_snap_fd *other = vs_rows__add(&s->fds, &s->nr_fds, sizeof(*other));

			*other = s->fds[i];
			other->object += 0x1000;
			break;
		}
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.cases[0].confidence, VS_MEDIUM);
	assert_true(why.cases[0].holders[0].likely);
	assert_non_null(strstr(why.cases[0].next, "perhaps"));
}

/* Who is in a call of another one only has nothing to do with it. */
static void test_iommufd_of_another(void **state)
{
	struct vs_snapshot *s = &evidence.snapshot;

	(void)state;
	load("iommufd-wait");
	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].kind == VS_SNAP_IOMMUFD_FILE)
			s->fds[i].object += 0x1000;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.cases[0].nr_holders, 0);
	assert_int_equal(why.cases[0].confidence, VS_LOW);
	assert_non_null(strstr(why.cases[0].next, "wait a minute"));
}

/* Not known which it closes: any iommufd may be the one, and no device is named. */
static void test_iommufd_not_known_which(void **state)
{
	struct vs_snapshot *s = &evidence.snapshot;

	(void)state;
	load("iommufd-wait");
	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].via == VS_VIA_RELEASE)
			s->fds[i].iommufd = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_string_equal(why.cases[0].device, "");
	assert_int_equal(why.cases[0].confidence, VS_MEDIUM);
}

/* What is destroyed there waits for something else, further inside: not for a call. */
static void test_iommufd_waits_further_inside(void **state)
{
	(void)state;
	load("iommufd-wait");
	snprintf(task(505)->frames[0], VS_SITE_LEN, "iommu_device_release_dma_owner+0x20");
	classify(NULL, -1, 0);
	for (size_t i = 0; i < why.nr_cases; i++)
		assert_false(why.cases[i].iommufd);
}

/* v6.6: KVM holds the file of a device that was opened by cdev, and no descriptor does. */
static void test_kvm_holds_a_device(void **state)
{
	struct vs_snap_fd *f;

	(void)state;
	load("6.12-device");
	f = &evidence.snapshot.fds[0];
	while (f->kind != VS_SNAP_DEVICE_FILE)
		f++;
	f->kind = VS_SNAP_KVM_FILE;
	f->device = f->object;
	f->object = 0;
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.cases[0].confidence, VS_HIGH);
	assert_int_equal(why.cases[0].nr_holders, 1);
	assert_int_equal(why.cases[0].holders[0].kind, VS_SNAP_KVM_FILE);
	assert_int_equal(why.cases[0].holders[0].tgid, 195);
}

/* -- what a reader is told to do -- */

static void add_opener(uint32_t tgid, int fd, const char *path)
{
	struct vs_ev_opener *o = vs_rows__add(&evidence.openers, &evidence.nr_openers, sizeof(*o));
	struct vs_ev_process *p = vs_rows__add(&evidence.processes, &evidence.nr_processes,
					       sizeof(*p));

	assert_non_null(o);
	assert_non_null(p);
	o->tgid = p->tgid = tgid;
	o->fd = fd;
	snprintf(o->path, sizeof(o->path), "%s", path);
	snprintf(p->comm, sizeof(p->comm), "qemu");
	snprintf(p->cmdline, sizeof(p->cmdline), "qemu -name guest=web%u -S", tgid);
}

static void next_has(const char *text)
{
	if (!strstr(why.cases[0].next, text))
		fail_msg("\"%s\" is not in: %s", text, why.cases[0].next);
}

static void next_lacks(const char *text)
{
	if (strstr(why.cases[0].next, text))
		fail_msg("\"%s\" is in: %s", text, why.cases[0].next);
}

/* As a reader sees it, in @buf. */
static void print_by(int (*printer)(int fd, const struct vs_why_report *r), unsigned int width, char *buf,
		     size_t size)
{
	struct vs_why_report report = { .evidence = &evidence, .why = &why, .width = width };
	FILE *file = tmpfile();
	size_t len;

	assert_non_null(file);
	assert_int_equal(printer(fileno(file), &report), 0);
	rewind(file);
	len = fread(buf, 1, size - 1, file);
	buf[len] = '\0';
	fclose(file);
}

static void print(char *buf, size_t size)
{
	print_by(vs_why__print_text, 200, buf, size);
}

/* What holds is said in the same words on the page and in the report, whatever it is. */
static void test_a_report_has_the_words_of_the_page(void **state)
{
	static const enum vs_why_hold hows[] = { VS_HOLD_FD, VS_HOLD_MAP, VS_HOLD_SOCKET, VS_HOLD_RING, VS_HOLD_RELEASE };
	static const char *const words[] = { "fd 5: the device", "no descriptor", "in flight", "an io\\_uring",
					     "its task 129 has closed the device" };
	char text[8192];

	(void)state;
	load("fixed-device");
	classify(NULL, -1, 0);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		why.cases[0].holders[0].how = hows[i];
		why.cases[0].holders[0].tid = 129;
		print_by(vs_why__print_markdown, 0, text, sizeof(text));
		if (!strstr(text, words[i]))
			fail_msg("\"%s\" is not in: %s", words[i], text);
	}
	assert_non_null(strstr(text, "| group | 1 |"));
}

static void test_what_a_report_says_of_the_fix(void **state)
{
	char text[8192];

	(void)state;
	load("fixed-device");
	classify(NULL, -1, 0);
	evidence.fix = VS_FIX_PRESENT;
	print_by(vs_why__print_markdown, 0, text, sizeof(text));
	assert_non_null(strstr(text, "- The fix of the notifier deadlock is present: the notifier queues"));
	evidence.fix = VS_FIX_UNKNOWN;
	evidence.has_vfio = false; /* then there is nothing to read it from */
	print_by(vs_why__print_markdown, 0, text, sizeof(text));
	assert_null(strstr(text, "The fix of"));
}

static void test_a_narrow_page(void **state)
{
	static const unsigned int widths[] = { 1, 60, 64, 80 };
	char text[8192];

	(void)state;
	load("unfixed-deadlock");
	classify(NULL, -1, 0);
	why.cases[0].confidence = VS_MEDIUM; /* 62 columns in one line */
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		unsigned int most = widths[i] < 60 ? 60 : widths[i];

		print_by(vs_why__print_text, widths[i], text, sizeof(text));
		for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
			if (strcspn(at, "\n") > most && strncmp(at, "            ", 12))
				fail_msg("wider than %u: %s", most, at);
		assert_non_null(strstr(text, widths[i] < 62 ? "NOTIFIER DEADLOCK\n" : "NOTIFIER DEADLOCK   conf"));
	}
}

/* One process, three descriptors: who started it stands below them once. */
static void test_an_origin_is_said_once(void **state)
{
	const char *origin = "holder[224] < sh[101] < init[1]";
	char text[8192], *at;

	(void)state;
	load("fixed-all");
	classify(NULL, -1, 0);
	print(text, sizeof(text));
	at = strstr(text, origin);
	assert_non_null(at);
	assert_non_null(strstr(text, "fd 4: the group's file\n          holder[224] < sh[101]"));
	assert_null(strstr(at + 1, origin));
}

/* Without BPF all who have any VFIO device open are listed: nobody is told to stop them. */
static void test_guesses_are_no_orders(void **state)
{
	char text[8192];

	(void)state;
	load("fixed-device");
	evidence.weaker = true;
	evidence.snapshot.nr_fds = evidence.snapshot.nr_maps = 0;
	add_opener(7001, 20, "anon_inode:[vfio-device]");
	add_opener(7002, 21, "anon_inode:[vfio-device]");
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_int_equal(why.cases[0].nr_holders, 2);
	next_has("let one of these go, not known which: check before you stop anything");
	next_has("qemu[7001] (VM \"web7001\") fd 20, qemu[7002] (VM \"web7002\") fd 21");
	next_lacks("shut the VM down");
	next_lacks("ends by itself");
	next_lacks("close fd");
	print(text, sizeof(text));
	assert_non_null(strstr(text, "fd 20: likely the device"));
}

static void test_a_vhost_guess_is_no_order(void **state)
{
	(void)state;
	load("fixed-vhost");
	add_opener(7001, 20, "/dev/vhost-net");
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].nr_holders, 2);
	next_has("let one of these go, not known which: check before you stop anything");
	next_has("fd 20 (/dev/vhost-net)");
	next_lacks("ends by itself");
	next_lacks("shut the VM down");
}

/* The one whose vhost device points to that very address space. */
static void test_a_vhost_keeper_is_proven(void **state)
{
	(void)state;
	load("fixed-vhost");
	add_opener(7001, 20, "/dev/vhost-net");
	for (size_t i = 0; i < evidence.snapshot.nr_maps; i++)
		if (!evidence.snapshot.maps[i].tgid)
			evidence.openers[1].mm = evidence.snapshot.maps[i].mm;
	assert_true(evidence.openers[1].mm);
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].nr_holders, 1);
	assert_int_equal(why.cases[0].holders[0].tgid, 7001);
	assert_false(why.cases[0].holders[0].likely);
	assert_int_equal(why.cases[0].confidence, VS_HIGH);
	next_has("close fd 20 (/dev/vhost-net) of qemu[7001]");
	next_has("ends by itself");
}

static void add_copy(struct vs_snap_fd fd, uint32_t tgid, int number)
{
	struct vs_snap_fd *f = vs_rows__add(&evidence.snapshot.fds, &evidence.snapshot.nr_fds,
					    sizeof(*f));

	assert_non_null(f);
	*f = fd;
	f->tgid = tgid;
	f->fd = number;
}

/* Many holders with the longest names of all: the command at the end is there, to its last byte. */
static void test_long_names_cut_no_advice(void **state)
{
	struct vs_snap_fd fd;
	char text[65536];

	(void)state;
	load("fixed-waits-back");
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		memset(evidence.tasks[i].comm, '\xff', sizeof(evidence.tasks[i].comm) - 1);
	fd = evidence.snapshot.fds[0];
	memset(fd.comm, '\xff', sizeof(fd.comm) - 1);
	for (uint32_t i = 0; i < 4; i++) {
		add_opener(4000000000u + i, 9, "/dev/null");
		add_copy(fd, 4000000000u + i, 100000);
	}
	for (int i = 0; i < 40; i++)
		add_copy(fd, fd.tgid, 1000000 + i);
	for (size_t i = 0; i < evidence.nr_processes; i++)
		snprintf(evidence.processes[i].cmdline, sizeof(evidence.processes[i].cmdline),
			 "qemu -name guest=%080d", 7);
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].nr_holders, 45);
	next_has("and 2 more below");
	next_lacks("shut the VM down");	/* it would not do it */
	next_lacks("end it");
	next_has("1000006 and 33 more of");
	next_has("echo b > /proc/sysrq-trigger, or reset by the BMC");
	print(text, sizeof(text));
	assert_non_null(strstr(text, " BMC\n"));
}

/* Quoted where it is no plain word, as everywhere. */
static void test_who_closes_it_is_quoted(void **state)
{
	(void)state;
	load("6.12-exiting");
	snprintf(evidence.snapshot.fds[0].comm, sizeof(evidence.snapshot.fds[0].comm), "a b; or");
	for (size_t i = 0; i < evidence.nr_processes; i++)
		snprintf(evidence.processes[i].comm, sizeof(evidence.processes[i].comm), "a b; or");
	classify(NULL, -1, 0);
	next_has("wait for \"a b; or\"[295], which has closed it already");
}

static void test_what_is_proven_is_an_order(void **state)
{
	(void)state;
	load("fixed-device");
	classify(NULL, -1, 0);
	next_has("close fd 5 of holder[129], or end it. What waits then ends by itself");
	next_lacks("check before");
	vs_why__free(&why);
	for (size_t i = 0; i < evidence.nr_processes; i++)
		snprintf(evidence.processes[i].cmdline, sizeof(evidence.processes[i].cmdline),
			 "qemu -name guest=web");
	classify(NULL, -1, 0);
	next_has("close fd 5 of holder[129] (VM \"web\"): detach the device from the VM, or shut the VM down");
	next_lacks("end it");
}

/* device_shutdown() waits for the lock that the culprit holds for ever. */
static void test_a_deadlock_needs_a_reset(void **state)
{
	(void)state;
	load("unfixed-deadlock");
	classify(NULL, -1, 0);
	next_has("an orderly reboot, reboot -f and kexec hang as well: they wait for this device's lock");
	next_has("echo b > /proc/sysrq-trigger");
	next_has("811642d8d8a8, v4.13); this vfio.ko does not have it");
	vs_why__free(&why);
	evidence.fix = VS_FIX_BOTH;
	classify(NULL, -1, 0);
	next_has("Then run another kernel, and report it: this one has \"vfio: Fix group release deadlock\"");
	next_lacks("does not have it");
}

/* -- who that is -- */

static void test_vm_names(void **state)
{
	static const char *const paths[][2] = {
		{ "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", "web" },
		{ "/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2ddb\\x2b1.scope/libvirt/vcpu0", "web-db+1" },
		{ "/machine.slice/machine-qemu\\x2dembed\\x2d01ab23cd\\x2d2\\x2dweb.scope", "web" },
		{ "/machine.slice/machine-qemu\\x2dweb.scope", "web" }, /* libvirt before 1.3 */
		{ "/machine.slice/machine-qemu\\x2d12.scope", "12" },
		{ "/machine.slice/machine-qemu\\x2d1\\x.scope", "1\\x" },
		{ "/machine/qemu-7-web.libvirt-qemu/emulator", "web" },
		{ "/machine/prod.partition/web-1.libvirt-qemu", "web-1" },
		{ "/libvirt/qemu/web/vcpu1", "web" },
		{ "/qemu.slice/100.scope", "100" },
		{ "/machine.slice/machine-lxc\\x2d1\\x2dweb.scope", "" },
		{ "/system.slice/100.scope", "" },
	};
	char buf[80];

	(void)state;
	vs_holders__vm("/usr/bin/qemu -name guest=web1,debug-threads=on -S", "/", buf, sizeof(buf));
	assert_string_equal(buf, "web1");
	vs_holders__vm("qemu -m 1G -name db2 -S", "", buf, sizeof(buf));
	assert_string_equal(buf, "db2");
	vs_holders__vm("", "/machine.slice/machine-qemu\\x2d12\\x2dweb\\x2d1.scope/emulator",
		       buf, sizeof(buf));
	assert_string_equal(buf, "web-1");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		vs_holders__vm("", paths[i][0], buf, sizeof(buf));
		assert_string_equal(buf, paths[i][1]);
	}
	vs_holders__vm("holder device", "/user.slice", buf, sizeof(buf));
	assert_string_equal(buf, "");
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* From the root bus of a PCIe machine nothing can be detached: then that is no advice. */
static void test_where_qemu_has_it(void **state)
{
	const char *libvirt = "{\"driver\":\"vfio-pci\",\"host\":\"0000:65:00.0\",\"id\":\"h0\",\"bus\":\"%s\","
			      "\"addr\":\"0x0\"}";
	char args[200];

	(void)state;
	assert_true(vs_holders__is_fixed("vfio-pci,host=65:00.0", true, "0000:65:00.0"));
	assert_false(vs_holders__is_fixed("vfio-pci,host=65:00.0", false, "0000:65:00.0"));
	assert_false(vs_holders__is_fixed("vfio-pci,host=65:00.0,bus=rp1", true, "0000:65:00.0"));
	assert_true(vs_holders__is_fixed("vfio-pci,host=65:00.1,bus=rp1 vfio-pci,host=0000:65:00.0,"
					 "bus=pcie.0", true, "0000:65:00.0"));
	snprintf(args, sizeof(args), libvirt, "pcie.0");
	assert_true(vs_holders__is_fixed(args, true, "0000:65:00.0"));
	snprintf(args, sizeof(args), libvirt, "pci.5");
	assert_false(vs_holders__is_fixed(args, true, "0000:65:00.0"));
	assert_false(vs_holders__is_fixed(args, true, "0000:66:00.0"));
	assert_false(vs_holders__is_fixed("", true, "0000:65:00.0"));
}

/* On which way the device leaves, as recorded where that way was taken. */
static void test_ways(void **state)
{
	static const struct {
		const char *evidence, *way;
	} rows[] = {
		{ "fixed-override", "unbind through sysfs" },
		{ "fixed-remove", "removal through sysfs" },
		{ "fixed-unplug", "hot-unplug by ACPI" },
		{ "fixed-power", "power of its slot was switched through sysfs" },
		{ "fixed-numvfs", "sriov_numvfs of its PF was set" },
		{ "6.12-override", "unbind through sysfs" },
		{ "6.12-remove", "removal through sysfs" },
		{ "6.12-unplug", "hot-unplug by ACPI" },
		{ "6.12-power", "power of its slot was switched through sysfs" },
		{ "6.12-exiting", "unbind through sysfs" },
		{ "6.12-exiting-early", "unbind through sysfs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(rows[i].evidence);
		classify(NULL, -1, 0);
		assert_string_equal(why.cases[0].way, rows[i].way);
		teardown(NULL);
	}
}

/* Frames of kernels and hosts that the lab does not have. */
static void test_ways_by_their_frames(void **state)
{
	static const struct {
		const char *frames[4], *way;
	} rows[] = {
		{ { "vfio_unregister_group_dev+0x97 [vfio]", "pciehp_unconfigure_device+0x91",
		    "pciehp_disable_slot+0x6b", "pciehp_handle_presence_or_link_change+0x7d" },
		  "hot-unplug by pciehp: the card or its link is gone" },
		{ { "vfio_unregister_group_dev+0x97 [vfio]", "pciehp_unconfigure_device+0x91",
		    "pciehp_handle_disable_request+0x2a", "pciehp_ist+0x236" },
		  "hot-unplug by pciehp, as asked" },
		{ { "pci_iov_remove_virtfn+0xbe", "sriov_disable+0x2f", "ixgbe_remove+0x1 [ixgbe]",
		    "unbind_store+0xa1" }, "its PF's driver leaves: unbind through sysfs" },
		{ { "pci_iov_remove_virtfn+0xbe", "sriov_disable+0x2f", "driver_detach+0x1",
		    "__x64_sys_delete_module+0x1" }, "its PF's driver leaves: a module is unloaded" },
		{ { "pci_iov_remove_virtfn+0xbe", "sriov_disable+0x2f", "sriov_numvfs_store+0xc2",
		    "ksys_write+0x1" }, "sriov_numvfs of its PF was set" },
		{ { "vfio_unregister_group_dev+0x97 [vfio]", "remove_store+0x77 [mdev]", "ksys_write+0x1",
		    "do_syscall_64+0x1" }, "removal of an mdev" },
		{ { "vfio_unregister_group_dev+0x97 [vfio]", "remove_store_not+0x77", "kthread+0x1",
		    "ret_from_fork+0x1" }, "" },
	};
	char frames[4][VS_SITE_LEN], buf[96];
	const struct vs_ev_task t = { .nr_frames = 4, .frames = frames };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int j = 0; j < 4; j++)
			snprintf(frames[j], VS_SITE_LEN, "%s", rows[i].frames[j]);
		assert_string_equal(vs_ways__of(&t, buf, sizeof(buf)), rows[i].way);
	}
}

/*
 * A real one: a task that ends has closed both its devices. On the way to the release of the first it waits for a
 * lock that the thread of one slot reads, which waits for the removal of the other device, which waits for the task.
 */
static void test_a_cycle_through_a_reader(void **state)
{
	static char outer[3][VS_SITE_LEN] = { "pciehp_unconfigure_device+0x48", "pciehp_ist+0x236",
					      "irq_thread_fn+0x1b" };
	static char inner[3][VS_SITE_LEN] = { "pciehp_reset_slot+0x58", "__fput+0xec",
					      "task_work_run+0x61" };
	struct vs_ev_task *tasks, *waiter;

	(void)state;
	load("6.12-exiting");
	waiter = culprit();
	tasks = calloc(3, sizeof(*tasks));
	assert_non_null(tasks);
	tasks[0] = *waiter;
	tasks[1] = (struct vs_ev_task){ .address = 0xffff888000001000, .tid = 719, .tgid = 719, .state = 'D',
		.kernel_thread = true, .comm = "irq/149-pciehp", .waited_ns = 9000000000,
		.lock_kind = VS_EV_MUTEX, .lock = 0xffffffff82000000, .owner = waiter->address,
		.lock_name = "lock pci_rescan_remove_lock", .lock_group = -1, .nr_frames = 3 };
	tasks[2] = (struct vs_ev_task){ .address = 0xffff888000002000, .tid = evidence.snapshot.fds[0].tid,
		.tgid = evidence.snapshot.fds[0].tgid, .state = 'D', .comm = "SPDK",
		.waited_ns = 8000000000, .lock_kind = VS_EV_RWSEM, .lock = 0xffff888000003000,
		.owner = tasks[1].address, .owner_reads = true, .lock_group = -1, .nr_frames = 3 };
	tasks[1].frames = calloc(3, VS_SITE_LEN);
	tasks[2].frames = calloc(3, VS_SITE_LEN);
	memcpy(tasks[1].frames, outer, sizeof(outer));
	memcpy(tasks[2].frames, inner, sizeof(inner));
	for (size_t i = 0; i < evidence.nr_tasks; i++)
		if (&evidence.tasks[i] != waiter)
			free(evidence.tasks[i].frames);
	free(evidence.tasks);
	evidence.tasks = tasks;
	evidence.nr_tasks = 3;
	classify(NULL, -1, 0);
	assert_int_equal(why.nr_cases, 1);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IN_USE);
	assert_true(why.cases[0].cycle);
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_YES);
	assert_int_equal(why.cases[0].nr_victims, 2);
	assert_non_null(strstr(why.cases[0].says, "This is a cycle: SPDK["));
	assert_null(strstr(why.cases[0].next, "ends by itself"));
	vs_why__free(&why);
	/* Without its stack the reader is only the last one that the lock has seen. */
	snprintf(tasks[1].frames[1], VS_SITE_LEN, "worker_thread+0x1");
	classify(NULL, -1, 0);
	assert_false(why.cases[0].cycle);
	assert_int_equal(why.cases[0].reboot, VS_REBOOT_UNKNOWN);
}

/* In what the runtimes write, and in what is none of it. */
static void test_container_names(void **state)
{
	static const char podman[] = "[{\"id\":\"x\",\"names\":[\"no\"]},{\"id\":\"" ID "\",\"names\":[\"db\",\"d\"]},"
				     "{\"id\":7},{}]";
	static const char *const damaged[] = { "", "[", "{}", "[]", "7", "{\"Name\":7}", "[{\"id\":\"" ID "\"}]" };
	char buf[96];

	(void)state;
	vs_runtime__docker_name("{\"ID\":\"x\",\"Config\":{\"Name\":\"no\"},\"Name\":\"/web\"}", buf, sizeof(buf));
	assert_string_equal(buf, "web");
	vs_runtime__podman_name(podman, ID, buf, sizeof(buf));
	assert_string_equal(buf, "db");
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		vs_runtime__docker_name(damaged[i], buf, sizeof(buf));
		assert_string_equal(buf, "");
		vs_runtime__podman_name(damaged[i], ID, buf, sizeof(buf));
		assert_string_equal(buf, "");
	}
	vs_runtime__lxc("/lxc.payload.web/init.scope", buf, sizeof(buf));
	assert_string_equal(buf, "web");
	vs_runtime__lxc("/lxc/101/ns", buf, sizeof(buf));
	assert_string_equal(buf, "101");
	vs_runtime__lxc("/system.slice/lxc.service", buf, sizeof(buf));
	assert_string_equal(buf, "");
}

static void put_file(const char *root, const char *folder, const char *name, const char *text)
{
	char path[512];

	for (size_t i = 1; i <= strlen(folder); i++)
		if (folder[i] == '/' || !folder[i]) {
			snprintf(path, sizeof(path), "%s%.*s", root, (int)i, folder);
			mkdir(path, 0700);
		}
	snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
	assert_int_equal(vs_text_file__write(path, text), 0);
}

static void test_files_of_runtimes(void **state)
{
	char root[] = "/tmp/vfioscope-why.XXXXXX", command[80], buf[96];

	(void)state;
	assert_non_null(mkdtemp(root));
	put_file(root, "/var/lib/docker/containers/" ID, "config.v2.json", "{\"Name\":\"/web\"}");
	vs_runtime__name(root, "/system.slice/docker-" ID ".scope", buf, sizeof(buf));
	assert_string_equal(buf, "web");
	vs_runtime__name(root, "/machine.slice/libpod-a" ID ".scope", buf, sizeof(buf)); /* 65 digits are no id */
	assert_string_equal(buf, "");
	snprintf(command, sizeof(command), "rm -r %s/var", root);
	assert_int_equal(system(command), 0);
	put_file(root, "/run/containers/storage/overlay-containers", "volatile-containers.json",
		 "[{\"id\":\"" ID "\",\"names\":[\"gpu\"]}]");
	vs_runtime__name(root, "/machine.slice/libpod-" ID ".scope/container", buf, sizeof(buf));
	assert_string_equal(buf, "gpu");
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

/* Names of pods and containers, devices that a task removes, and QEMU's arguments are names, too. */
static void test_nothing_is_left_to_be_read(void **state)
{
	struct vs_ev_process *p;
	char *text;

	(void)state;
	load("fixed-device");
	classify(NULL, -1, 0);
	p = (struct vs_ev_process *)vs_evidence__process(&evidence, why.cases[0].holders[0].tgid);
	strcpy(p->pod_name, "secret/pod");
	strcpy(p->container_name, "secret");
	strcpy(p->cmdline, "qemu -name guest=secret -S");
	strcpy(p->vfio_args, "vfio-pci,host=00:05.0,id=secret vfio-pci,host=0000:ee:00.0,bus=secret");
	p->q35 = true;
	strcpy(evidence.tasks[0].about, "0000:00:05.0 0000:00:06.0");
	vs_why__free(&why);
	classify(NULL, -1, 0);
	next_has("from where it cannot be detached");
	vs_why__free(&why);
	assert_int_equal(vs_redact(&evidence, NULL), 0);
	classify(NULL, -1, 0);
	next_has("from where it cannot be detached");
	text = vs_evidence__to_json(&evidence);
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "0000:00:0"));
	assert_null(strstr(text, "00:05.0"));
	free(text);
}

static void test_units_and_pod_names(void **state)
{
	char buf[160];

	(void)state;
	vs_holders__unit("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", buf, sizeof(buf));
	assert_string_equal(buf, "web.service");
	vs_holders__unit("/machine.slice/machine-qemu\\x2d3\\x2dweb1.scope/libvirt/emulator", buf, sizeof(buf));
	assert_string_equal(buf, "machine-qemu\\x2d3\\x2dweb1.scope");
	vs_holders__unit("/", buf, sizeof(buf));
	assert_string_equal(buf, "");
	assert_true(vs_holders__pod_name("prod_gpu-0_1a2b-3c4d", "1a2b-3c4d", buf, sizeof(buf)));
	assert_string_equal(buf, "prod/gpu-0");
	assert_false(vs_holders__pod_name("prod_gpu-0_1a2b-3c4d", "1a2b", buf, sizeof(buf)));
	assert_false(vs_holders__pod_name("prod_1a2b", "1a2b", buf, sizeof(buf)));
	assert_false(vs_holders__pod_name("prod_gpu_", "", buf, sizeof(buf)));
}

static void test_pods(void **state)
{
	static const char *const paths[] = {
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b_3c4d.slice/"
		"cri-containerd-" ID ".scope",
		"/kubepods/burstable/pod1a2b-3c4d/" ID,
	};
	char buf[80];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		vs_holders__pod(paths[i], buf, sizeof(buf));
		assert_string_equal(buf, "1a2b-3c4d");
		vs_holders__container(paths[i], buf, sizeof(buf));
		assert_string_equal(buf, "0123456789ab");
	}
	vs_holders__pod("/system.slice/podman.service", buf, sizeof(buf));
	assert_string_equal(buf, "");
	vs_holders__container("/system.slice/docker-" ID ".scope", buf, sizeof(buf));
	assert_string_equal(buf, "0123456789ab");
	vs_holders__container("/system.slice", buf, sizeof(buf));
	assert_string_equal(buf, "");
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_iommufd_of_two), TEST(test_iommufd_of_another), TEST(test_iommufd_not_known_which),
		TEST(test_iommufd_waits_further_inside), TEST(test_recorded),
		TEST(test_notes_of_what_is_asked),
		TEST(test_saved_and_loaded), TEST(test_dump),
		TEST(test_bad_evidence),
		TEST(test_nested_chain_is_no_deadlock),
		TEST(test_deadlock_without_memory),
		TEST(test_a_short_remove_is_no_hang),
		TEST(test_a_remove_that_polls),
		TEST(test_what_a_second_look_compares),
		TEST(test_other_processes_are_hidden),
		TEST(test_a_running_task_waits_for_nothing),
		TEST(test_no_holder_says_where_it_searched),
		TEST(test_a_holder_waits_for_the_waiter),
		TEST(test_a_holder_may_wait_for_another),
		TEST(test_a_holder_that_sleeps),
		TEST(test_a_deadlock_of_locks),
		TEST(test_a_driver_waits_for_its_lock),
		TEST(test_a_driver_waits_for_another_lock),
		TEST(test_a_driver_removes_a_child),
		TEST(test_without_memory_time_tells),
		TEST(test_leaks),
		TEST(test_users_of_old_devices_are_no_leak),
		TEST(test_what_was_asked),
		TEST(test_another_task_waits),
		TEST(test_who_waits_elsewhere),
		TEST(test_a_removal_behind_another),
		TEST(test_the_second_slot),
		TEST(test_an_owner_that_has_ended),
		TEST(test_a_driver_that_runs),
		TEST(test_a_group_that_no_vm_can_open),
		TEST(test_another_pid_namespace),
		TEST(test_a_mapping_of_another_pid_namespace),
		TEST(test_kvm_holds_a_device),
		TEST(test_an_origin_is_said_once),
		TEST(test_a_report_has_the_words_of_the_page),
		TEST(test_what_a_report_says_of_the_fix),
		TEST(test_a_narrow_page),
		TEST(test_guesses_are_no_orders),
		TEST(test_a_vhost_guess_is_no_order),
		TEST(test_a_vhost_keeper_is_proven),
		TEST(test_long_names_cut_no_advice),
		TEST(test_who_closes_it_is_quoted),
		TEST(test_what_is_proven_is_an_order),
		TEST(test_a_deadlock_needs_a_reset),
		TEST(test_vm_names),
		TEST(test_where_qemu_has_it),
		TEST(test_pods),
		TEST(test_units_and_pod_names),
		TEST(test_container_names),
		TEST(test_files_of_runtimes),
		TEST(test_nothing_is_left_to_be_read),
		TEST(test_ways),
		TEST(test_ways_by_their_frames),
		TEST(test_a_cycle_through_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
