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
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "sink/why.h"
#include "sink/words.h"
#include "snapshot/rows.h"
#include "exit_codes.h"
#include "host.h"
#include "why/classify.h"
#include "why/holders.h"
#include "why/locks.h"
#include "why/proc.h"

static struct vs_evidence evidence;
static struct vs_why why;

/* -- recorded evidence -- */

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(getdelim(&text, &room, '\0', file) > 0);
	fclose(file);
	return text;
}

static void load(const char *name)
{
	char path[256], error[200] = "", *text;
	int err;

	snprintf(path, sizeof(path), "tests/evidence/%s.json", name);
	text = read_file(path);
	err = vs_evidence__from_json(text, &evidence, error, sizeof(error));
	free(text);
	if (err)
		fail_msg("%s: %s", name, error);
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
		 c->reboot ? "reboot" : "-", vs_why__status(&why), c->task ? c->task->tid : 0);
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
	const char *device = strchr(asked, ':') ? asked : NULL;

	load(name);
	classify(device, -1, !device && *asked != '-' ? (uint32_t)atoi(asked) : 0);
	summarize(got, sizeof(got));
	if (strcmp(got, line))
		fail_msg("%s %s: %s\nexpected: %s", name, asked, got, line);
	teardown(NULL);
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
	classify(NULL, -1, 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
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

/* The report as a reader sees it, in @buf. */
static void print(char *buf, size_t size)
{
	struct vs_why_report report = { .evidence = &evidence, .why = &why, .width = 200 };
	FILE *file = tmpfile();
	size_t len;

	assert_non_null(file);
	assert_int_equal(vs_why__print_text(fileno(file), &report), 0);
	rewind(file);
	len = fread(buf, 1, size - 1, file);
	buf[len] = '\0';
	fclose(file);
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

static void test_what_is_proven_is_an_order(void **state)
{
	(void)state;
	load("fixed-device");
	classify(NULL, -1, 0);
	next_has("close fd 5");
	next_has("ends by itself");
	next_lacks("check before");
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
	teardown(NULL);
	load("fixed-chain");
	classify(NULL, -1, 0);
	next_has("may hang");
	next_has("Report the stack below");
}

/* -- who that is -- */

static void test_vm_names(void **state)
{
	char buf[80];

	(void)state;
	vs_holders__vm("/usr/bin/qemu -name guest=web1,debug-threads=on -S", "/", buf, sizeof(buf));
	assert_string_equal(buf, "web1");
	vs_holders__vm("qemu -m 1G -name db2 -S", "", buf, sizeof(buf));
	assert_string_equal(buf, "db2");
	vs_holders__vm("", "/machine.slice/machine-qemu\\x2d12\\x2dweb\\x2d1.scope/emulator",
		       buf, sizeof(buf));
	assert_string_equal(buf, "web-1");
	vs_holders__vm("holder device", "/user.slice", buf, sizeof(buf));
	assert_string_equal(buf, "");
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

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

/* -- locks, in a made-up memory -- */

#define BASE 0xffff888000000000ull
#define STACK (BASE + 0x4000)
#define TASK(n) (BASE + 0x10000 + 0x100 * (n))

static uint64_t words[0x4000];

static int mem_read(void *ctx, uint64_t address, void *buf, size_t len)
{
	(void)ctx;
	if (address < BASE || address + len > BASE + sizeof(words) || address % 8)
		return -EFAULT;
	memcpy(buf, (char *)words + (address - BASE), len);
	return 0;
}

static void mem_words(void *ctx, const uint64_t *addresses, uint64_t *values, bool *ok, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		ok[i] = !mem_read(ctx, addresses[i], &values[i], 8);
}

static bool is_task(void *ctx, uint64_t address)
{
	(void)ctx;
	return address == TASK(1) || address == TASK(2);
}

static void put(uint64_t address, uint64_t value)
{
	words[(address - BASE) / 8] = value;
}

static const struct vs_mem mem = { mem_read, mem_words, NULL };
static struct vs_snap_layout layout;

static void set_up_memory(void)
{
	memset(words, 0, sizeof(words));
	memset(&layout, 0xff, sizeof(layout));
	layout.mutex_owner = 0;
	layout.mutex_waiters = 16;
	layout.rwsem_owner = 8;
	layout.rwsem_waiters = 24;
	layout.mutex_waiter_list = layout.rwsem_waiter_list = 0;
	layout.mutex_waiter_task = layout.rwsem_waiter_task = 16;
	layout.device_mutex = 0x80;
	layout.device_kobj = 0;
	layout.kobj_name = 0;
	layout.dev_driver = 0x68;
	layout.driver_name = 0;
}

/* Task 1 waits in the list whose head is at @head. */
static void wait_at(uint64_t head)
{
	uint64_t waiter = STACK + 0x2000;

	put(head, waiter);
	put(head + 8, waiter);
	put(waiter, head);
	put(waiter + 8, head);
	put(waiter + 16, TASK(1));
}

static struct vs_ev_task wait_of(uint64_t outer)
{
	struct vs_locks locks = { &mem, &layout, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2 };
	struct vs_ev_task t = { .address = TASK(1) };

	vs_locks__wait(&locks, &row, outer, &t);
	return t;
}

static void test_mutex(void **state)
{
	uint64_t mutex = BASE + 0x100;
	struct vs_ev_task t;

	(void)state;
	set_up_memory();
	put(mutex - 8, 0xffffffff);	/* what stands before it may look like a count */
	put(mutex, TASK(2) | 1);
	wait_at(mutex + 16);
	t = wait_of(0);
	assert_int_equal(t.lock_kind, VS_EV_MUTEX);
	assert_int_equal(t.lock, mutex);
	assert_int_equal(t.owner, TASK(2));
}

static void test_rwsem(void **state)
{
	uint64_t sem = BASE + 0x100;
	struct vs_ev_task t;

	(void)state;
	set_up_memory();
	put(sem, 0x102);
	put(sem + 8, TASK(1) | 1);
	put(STACK + 0x2100, 0xffffffff81234567);
	put(STACK + 0x2180, sem);
	wait_at(sem + 24);
	t = wait_of(0xffffffff81234567);
	assert_int_equal(t.lock_kind, VS_EV_RWSEM);
	assert_int_equal(t.lock, sem);
	assert_int_equal(t.owner, TASK(1));
	assert_true(t.owner_reads);
	assert_true(t.lock_outside);
	put(STACK + 0x2180, 0);
	put(STACK + 0x2080, sem);	/* inside of that frame proves nothing */
	assert_false(wait_of(0xffffffff81234567).lock_outside);
}

/* What an earlier wait left on the stack is linked to nothing. */
static void test_stale_waiter(void **state)
{
	uint64_t sem = BASE + 0x100;

	(void)state;
	set_up_memory();
	wait_at(sem + 24);
	put(sem + 24, sem + 24);
	put(sem + 32, sem + 24);
	assert_int_equal(wait_of(0).lock_kind, VS_EV_NO_LOCK);
}

static void put_text(uint64_t address, const char *text)
{
	strcpy((char *)words + (address - BASE), text);
}

static void test_held_devices(void **state)
{
	struct vs_locks locks = { &mem, &layout, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2 };
	struct vs_ev_task t = { .address = TASK(1) };
	uint64_t mine = BASE + 0x1000, other = BASE + 0x2000;

	(void)state;
	set_up_memory();
	put(STACK + 0x100, mine);
	put(STACK + 0x108, other);
	put(STACK + 0x110, mine);
	put(mine, BASE + 0x3000);
	put_text(BASE + 0x3000, "0000:00:05.0");
	put(mine + 0x68, BASE + 0x3100);
	put(BASE + 0x3100, BASE + 0x3200);
	put_text(BASE + 0x3200, "nvidia");
	put(mine + 0x80, TASK(1) | 1);
	put(other, BASE + 0x3000);
	put(other + 0x80, TASK(2));
	vs_locks__held(&locks, &row, &t);
	assert_int_equal(t.nr_locked, 1);
	assert_string_equal(t.locked[0].name, "0000:00:05.0");
	assert_string_equal(t.locked[0].driver, "nvidia");
}

/* -- /proc that does not answer -- */

static bool stuck_at_3(void *ctx, size_t i, void *row)
{
	(void)ctx;
	while (i == 3)
		pause();
	*(int *)row = (int)i * 10;
	return i != 5;
}

static void test_guarded(void **state)
{
	uint64_t start = vs_host__mono_ns();
	signed char answered[8];
	int rows[8] = {};

	(void)state;
	assert_int_equal(vs_proc__guarded(stuck_at_3, NULL, 8, rows, sizeof(int), answered), 0);
	assert_int_equal(answered[2], 1);
	assert_int_equal(rows[2], 20);
	assert_int_equal(answered[3], -1);
	assert_int_equal(answered[4], 1);
	assert_int_equal(rows[4], 40);
	assert_int_equal(answered[5], 0);
	assert_int_equal(rows[7], 70);
	assert_true(vs_host__mono_ns() - start < 2000000000);
}

static bool always_stuck(void *ctx, size_t i, void *row)
{
	(void)ctx;
	(void)i;
	(void)row;
	for (;;)
		pause();
	return false;
}

static void test_guarded_gives_up(void **state)
{
	uint64_t start = vs_host__mono_ns();
	signed char answered[100];
	int rows[100];

	(void)state;
	assert_int_equal(vs_proc__guarded(always_stuck, NULL, 100, rows, sizeof(int), answered), 0);
	assert_int_equal(answered[99], -1);
	assert_true(vs_host__mono_ns() - start < 3000000000);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_recorded),
		TEST(test_saved_and_loaded),
		TEST(test_bad_evidence),
		TEST(test_nested_chain_is_no_deadlock),
		TEST(test_deadlock_without_memory),
		TEST(test_a_short_remove_is_no_hang),
		TEST(test_a_running_task_waits_for_nothing),
		TEST(test_no_holder_says_where_it_searched),
		TEST(test_without_memory_time_tells),
		TEST(test_leaks),
		TEST(test_users_of_old_devices_are_no_leak),
		TEST(test_what_was_asked),
		TEST(test_kvm_holds_a_device),
		TEST(test_guesses_are_no_orders),
		TEST(test_a_vhost_guess_is_no_order),
		TEST(test_a_vhost_keeper_is_proven),
		TEST(test_what_is_proven_is_an_order),
		TEST(test_a_deadlock_needs_a_reset),
		TEST(test_vm_names),
		TEST(test_pods),
		TEST(test_mutex),
		TEST(test_rwsem),
		TEST(test_stale_waiter),
		TEST(test_held_devices),
		TEST(test_guarded),
		TEST(test_guarded_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
