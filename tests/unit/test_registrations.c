// SPDX-License-Identifier: GPL-2.0
/* The ledger of the devices' own references: who keeps a device registered, who waits for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/refs_report.h"
#include "ledger/registrations.h"
#include "sink/text.h"

#define T0 1000000000000ull
#define MS 1000000ull
#define GROUP 0xffff888004a1c000ull
#define DEV1 0xffff888005000000ull
#define DEV2 0xffff888005001000ull
#define FILE1 0xffff888006000100ull
#define FILE2 0xffff888006000200ull

enum place {
	P_TRY_GET = 0xffffffffc0401000ull,
	P_PUT,
	P_IOCTL,
	P_CLOSE,
	P_UNREGISTER,
	P_REGISTER,
	P_DMABUF,
	P_DMABUF_RELEASE,
	P_STRANGE,
};

static bool resolve(void *ctx, uint64_t ip, char *buf, size_t size)
{
	static const char *const names[] = {
		"vfio_device_try_get_registration+0x27", "vfio_device_put_registration+0x19",
		"vfio_group_fops_unl_ioctl+0x1a4", "vfio_device_fops_release+0x29",
		"vfio_unregister_group_dev+0x31", "__vfio_register_dev.isra.0+0x70",
		"vfio_pci_core_feature_dma_buf+0x11", "vfio_pci_dma_buf_release+0x44",
		"someone_elses_driver+0x10",
	};

	(void)ctx;
	if (ip < P_TRY_GET || ip > P_STRANGE)
		return false;
	snprintf(buf, size, "%s", names[ip - P_TRY_GET]);
	return true;
}

static struct vs_registrations *ledger;
static struct vs_sites *sites;
static struct vs_finding said;
static struct vs_unregister ended;
static size_t nr_said, nr_ended;

static void say(void *ctx, struct vs_finding *f)
{
	(void)ctx;
	said = *f;
	nr_said++;
}

static void waited(void *ctx, const struct vs_registration_book *b)
{
	(void)ctx;
	ended = b->wait;
	nr_ended++;
}

static void begin_with(struct vs_registrations_opts opts)
{
	sites = vs_sites__new(resolve, NULL);
	opts.sites = sites;
	opts.say = say;
	opts.waited = waited;
	ledger = vs_registrations__new(&opts);
	assert_non_null(ledger);
	nr_said = nr_ended = 0;
}

static int setup(void **state)
{
	(void)state;
	begin_with((struct vs_registrations_opts){ .patience_ns = 500 * MS });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vs_registrations__free(ledger);
	vs_sites__free(sites);
	return 0;
}

/* -- events -- */

struct who {
	uint32_t tgid, tid;
	const char *comm;
};

static const struct who sh = { 431, 431, "sh" };
static const struct who qemu = { 500, 500, "qemu" };
static const struct who qemu_thread = { 500, 501, "qemu" };
static const struct who other = { 600, 600, "other" };

static void fill(struct vs_event *e, unsigned int type, size_t size, struct who w, uint64_t ms,
		 uint64_t device)
{
	*e = (struct vs_event){
		.size = (__u16)size, .version = VS_ABI_VERSION, .type = (__u8)type,
		.time_ns = T0 + ms * MS, .seq = T0 + ms * MS, .tgid = w.tgid, .tid = w.tid, .group = GROUP,
		.object = device, .iommu_group = 1,
	};
	snprintf(e->comm, sizeof(e->comm), "%s", w.comm);
}

static void device_event(unsigned int type, struct who w, uint64_t ms, uint64_t device)
{
	struct vs_device_event d = { .device = "0000:00:05.0" };

	fill(&d.e, type, sizeof(d), w, ms, device);
	vs_registrations__feed(ledger, &d.e);
}

static void reference(unsigned int type, struct who w, uint64_t ms, uint64_t device,
		      uint64_t caller, int refs)
{
	struct vs_registration_event r = { .device = "0000:00:05.0", .nr_stack = 2 };

	fill(&r.e, type, sizeof(r), w, ms, device);
	r.stack[0] = r.e.ip = type == VS_REG_GET ? P_TRY_GET : P_PUT;
	r.stack[1] = caller;
	r.e.refs = refs;
	r.e.flags = VS_F_REFS | VS_F_EXACT;
	vs_registrations__feed(ledger, &r.e);
}

static void get(struct who w, uint64_t ms, int refs)
{
	reference(VS_REG_GET, w, ms, DEV1, P_IOCTL, refs);
}

static void put(struct who w, uint64_t ms, int refs)
{
	reference(VS_REG_PUT, w, ms, DEV1, P_CLOSE, refs);
}

static void group_put(struct who w, uint64_t ms)
{
	struct vs_event e;

	fill(&e, VS_PUT, sizeof(e), w, ms, 0);
	vs_registrations__feed(ledger, &e);
}

static const struct vs_registration_book *book(void)
{
	const struct vs_registration_book *b = NULL;

	while ((b = vs_registrations__next(ledger, b)))
		if (b->address == DEV1)
			return b;
	return NULL;
}

static struct vs_registrations_totals totals(void)
{
	struct vs_registrations_totals t;

	vs_registrations__totals(ledger, &t);
	return t;
}

/* -- snapshots -- */

static struct vs_snap_device devices[2];
static struct vs_snap_fd fds[4];
static struct vs_snap_map maps[1];
static struct vs_snapshot snap;

static void look(uint64_t ms, int32_t refs)
{
	memset(fds, 0, sizeof(fds));
	devices[0] = (struct vs_snap_device){
		.address = DEV1, .group = GROUP, .number = 1, .refs = refs,
		.name = "0000:00:05.0", .driver = "vfio-pci",
	};
	snap = (struct vs_snapshot){
		.start_ns = T0 + ms * MS, .end_ns = T0 + (ms + 5) * MS,
		.start_seq = T0 + ms * MS, .end_seq = T0 + (ms + 5) * MS,
		.scope = { true, true, true, true },
		.devices = devices, .nr_devices = 1, .fds = fds, .maps = maps,
	};
}

static void look_fd(struct who w, uint64_t file, int fd)
{
	struct vs_snap_fd *row = &fds[snap.nr_fds++];

	*row = (struct vs_snap_fd){ .kind = VS_SNAP_DEVICE_FILE, .file = file, .object = DEV1,
				    .tgid = w.tgid, .fd = fd };
	snprintf(row->comm, sizeof(row->comm), "%s", w.comm);
}

/* -- tests -- */

static void each_get_is_a_holder(void **state)
{
	const struct vs_registration *ref;

	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	get(qemu, 10, 2);
	ref = book()->newest;
	assert_int_equal(ref->class, VS_REGISTRATION_FILE);
	assert_int_equal(ref->tgid, 500);
	assert_int_equal(ref->place, P_IOCTL);
	assert_int_equal(ref->older->class, VS_REGISTRATION_DRIVER);
	assert_int_equal(book()->refs, 2);
	assert_int_equal(book()->nr, 2);
	assert_string_equal(book()->device, "0000:00:05.0");
}

static void a_put_ends_that_of_its_own_process(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	get(other, 10, 2);
	get(qemu, 11, 3);
	put(qemu_thread, 20, 2);
	assert_int_equal(book()->newest->tgid, other.tgid);
	assert_int_equal(totals().guessed, 0);
	put(other, 21, 1);
	assert_int_equal(book()->nr, 1);
	assert_int_equal(totals().unattributed, 0);
}

/* Passed through a socket: who closes it had it from one of two. */
static void a_stranger_ends_the_oldest_and_that_is_a_guess(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	get(other, 10, 2);
	get(qemu, 11, 3);
	put(sh, 20, 2);
	assert_int_equal(book()->newest->tgid, qemu.tgid);
	assert_int_equal(totals().guessed, 1);
}

static void a_failed_open_ends_its_own(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	get(qemu, 10, 2);
	get(qemu, 11, 3);
	reference(VS_REG_PUT, qemu, 12, DEV1, P_IOCTL, 2);
	assert_int_equal(book()->newest->get_ns, T0 + 10 * MS);
	assert_int_equal(totals().unattributed, 0);
}

static void other_holders_have_their_class(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	reference(VS_REG_GET, qemu, 10, DEV1, P_DMABUF, 2);
	reference(VS_REG_GET, qemu, 11, DEV1, P_STRANGE, 3);
	reference(VS_REG_GET, sh, 12, DEV1, P_REGISTER, 4);
	assert_int_equal(book()->newest->class, VS_REGISTRATION_LOOKUP);
	assert_int_equal(book()->newest->older->class, VS_REGISTRATION_OTHER);
	reference(VS_REG_PUT, sh, 13, DEV1, P_REGISTER, 3);
	reference(VS_REG_PUT, other, 14, DEV1, P_DMABUF_RELEASE, 2);
	assert_int_equal(book()->newest->class, VS_REGISTRATION_OTHER);
	reference(VS_REG_PUT, qemu, 15, DEV1, P_STRANGE, 1);
	assert_int_equal(book()->nr, 1);
	assert_int_equal(totals().unattributed, 0);
}

static void a_put_too_many_is_unattributed(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	put(qemu, 10, 0);
	assert_int_equal(totals().unattributed, 1);
}

/* Without a snapshot the first event tells how many there were before. */
static void what_was_before_is_counted_from_the_first_event(void **state)
{
	(void)state;
	get(qemu, 10, 4);
	assert_true(book()->seen_before);
	assert_int_equal(book()->unknown, 3);
	put(other, 11, 3);	/* of another process: but there are files that were not seen */
	put(other, 12, 2);
	assert_int_equal(totals().unattributed, 0);
	assert_int_equal(book()->nr + book()->unknown, 2);
}

static void the_first_event_may_be_a_put(void **state)
{
	(void)state;
	put(qemu, 10, 1);
	assert_int_equal(totals().before, 1);
	assert_int_equal(totals().unattributed, 0);
	assert_int_equal(book()->unknown, 1);
}

static void the_wait_is_from_the_drivers_put_to_the_last_one(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	get(qemu, 10, 2);
	device_event(VS_UNREGISTER, sh, 100, DEV1);
	assert_false(vs_registration_book__waits(book()));
	reference(VS_REG_PUT, sh, 101, DEV1, P_UNREGISTER, 1);
	assert_true(vs_registration_book__waits(book()));
	assert_int_equal(book()->newest->class, VS_REGISTRATION_FILE);
	put(qemu, 400, 0);
	assert_false(vs_registration_book__waits(book()));
	group_put(qemu, 401);	/* somebody else's */
	assert_int_equal(nr_ended, 0);
	group_put(sh, 402);
	assert_int_equal(nr_ended, 1);
	assert_null(book());
	assert_int_equal(ended.start_ns, T0 + 100 * MS);
	assert_int_equal(ended.done_ns, T0 + 400 * MS);
	assert_int_equal(ended.end_ns, T0 + 402 * MS);
	assert_int_equal(ended.refs, 1);
	assert_int_equal(ended.last_tgid, qemu.tgid);
	assert_int_equal(ended.last_place, P_CLOSE);
	assert_int_equal(totals().waits, 1);
}

static void an_unbind_that_need_not_wait_is_not_said(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	device_event(VS_UNREGISTER, sh, 100, DEV1);
	reference(VS_REG_PUT, sh, 101, DEV1, P_UNREGISTER, 0);
	group_put(sh, 102);
	vs_registrations__tick(ledger, T0 + 5000 * MS);
	vs_registrations__finish(ledger, T0 + 5000 * MS);
	assert_int_equal(nr_ended, 0);
	assert_int_equal(nr_said, 0);
	assert_int_equal(totals().waits, 0);
	assert_int_equal(totals().live, 0);
}

static void begin_wait(void)
{
	device_event(VS_REGISTER, sh, 0, DEV1);
	get(qemu, 10, 2);
	device_event(VS_UNREGISTER, sh, 100, DEV1);
	reference(VS_REG_PUT, sh, 101, DEV1, P_UNREGISTER, 1);
}

static void a_long_wait_is_said_once_with_its_holder(void **state)
{
	(void)state;
	begin_wait();
	vs_registrations__tick(ledger, T0 + 500 * MS);
	assert_int_equal(nr_said, 0);
	vs_registrations__tick(ledger, T0 + 700 * MS);
	vs_registrations__tick(ledger, T0 + 900 * MS);
	vs_registrations__finish(ledger, T0 + 900 * MS);
	assert_int_equal(nr_said, 1);
	assert_int_equal(said.kind, VS_UNREGISTER_WAITS);
	assert_int_equal(said.grade, VS_GRADE_INFO);
	assert_int_equal(said.tid, sh.tid);
	assert_string_equal(said.site, "vfio_group_fops_unl_ioctl+0x1a4");
	assert_string_equal(said.words,
			    "0000:00:05.0: waits for 0.6 s, 1 reference: qemu[500] (device-file)");
	assert_int_equal(vs_registrations__said(ledger), 1);
}

static void the_end_says_what_still_waits(void **state)
{
	(void)state;
	begin_wait();
	vs_registrations__tick(ledger, UINT64_MAX);
	assert_int_equal(nr_said, 0);
	vs_registrations__finish(ledger, T0 + 200 * MS);
	assert_int_equal(nr_said, 1);
}

/* 5.10: the put of a group's reference on the way is not the end. */
static void a_put_while_it_waits_is_not_the_end(void **state)
{
	(void)state;
	begin_wait();
	group_put(sh, 150);
	assert_true(vs_registration_book__waits(book()));
}

static void it_begins_with_what_a_snapshot_found(void **state)
{
	(void)state;
	look(0, 4);
	look_fd(qemu, FILE1, 7);
	look_fd(qemu, FILE1, 8);	/* dup */
	look_fd(other, FILE2, 3);
	vs_registrations__seed(ledger, &snap);
	assert_int_equal(book()->nr, 3);
	assert_int_equal(book()->unknown, 1);
	assert_int_equal(book()->newest->class, VS_REGISTRATION_DRIVER);
	assert_int_equal(book()->newest->older->fd, 3);
	put(other, 20, 3);
	put(qemu, 21, 2);
	put(qemu, 22, 1);
	assert_int_equal(totals().unattributed, 0);
	assert_int_equal(totals().before, 1);
	assert_int_equal(book()->nr, 1);
}

static void a_mapping_alone_is_a_holder(void **state)
{
	(void)state;
	look(0, 2);
	maps[0] = (struct vs_snap_map){ .file = FILE1, .device = DEV1, .tgid = 0, .comm = "vhost" };
	snap.nr_maps = 1;
	vs_registrations__seed(ledger, &snap);
	assert_int_equal(book()->nr, 2);
	assert_int_equal(book()->unknown, 0);
}

/* Up to 6.1 a device that waits is still in its group's list. */
static void a_wait_from_before_is_seen(void **state)
{
	(void)state;
	look(0, 1);
	look_fd(qemu, FILE1, 7);
	vs_registrations__seed(ledger, &snap);
	assert_true(vs_registration_book__waits(book()));
	assert_int_equal(book()->nr, 1);
	assert_int_equal(book()->wait.tid, 0);
	vs_registrations__finish(ledger, T0 + 9000 * MS);
	assert_int_equal(nr_said, 0);	/* nobody knows whose it is: that is for why(8) */
}

static void a_leaving_device_waits(void **state)
{
	(void)state;
	look(0, 1);
	devices[0].leaving = true;
	look_fd(qemu, FILE1, 7);
	vs_registrations__seed(ledger, &snap);
	assert_true(vs_registration_book__waits(book()));
	put(qemu, 100, 0);
	assert_false(vs_registration_book__waits(book()));
}

/* Armed, then looked: what happened in between is in both. */
static void what_the_snapshot_has_is_not_counted_twice(void **state)
{
	(void)state;
	look(10, 2);
	look_fd(qemu, FILE1, 7);
	vs_registrations__seed(ledger, &snap);
	get(qemu, 5, 2);	/* before it: left out */
	assert_int_equal(book()->nr, 2);
	get(qemu, 12, 2);	/* while it was taken */
	assert_int_equal(book()->nr, 2);
	assert_int_equal(book()->unknown, 0);
	assert_false(book()->newest->found);
	put(qemu, 30, 1);
	assert_int_equal(book()->nr, 1);
	assert_int_equal(totals().unattributed, 0);
}

static void a_check_finds_a_difference(void **state)
{
	(void)state;
	look(0, 1);
	vs_registrations__seed(ledger, &snap);
	get(qemu, 20, 2);
	look(100, 2);
	vs_registrations__check(ledger, &snap);
	assert_false(book()->differs);
	look(200, 3);
	vs_registrations__check(ledger, &snap);
	assert_true(book()->differs);
	assert_int_equal(totals().differ, 1);
	look(15, 1);	/* taken before the last event: says nothing */
	vs_registrations__check(ledger, &snap);
	assert_true(book()->differs);
}

static void a_check_learns_descriptors(void **state)
{
	(void)state;
	look(0, 1);
	vs_registrations__seed(ledger, &snap);
	get(qemu, 20, 2);
	get(qemu, 21, 3);
	assert_int_equal(book()->newest->fd, -1);
	look(100, 3);
	look_fd(qemu, FILE1, 7);
	look_fd(qemu, FILE2, 8);
	vs_registrations__check(ledger, &snap);
	assert_int_equal(book()->newest->fd, 7);
	assert_int_equal(book()->newest->older->fd, 8);
	look(200, 3);
	look_fd(other, FILE1, 5);	/* passed on */
	look_fd(qemu, FILE2, 8);
	vs_registrations__check(ledger, &snap);
	assert_int_equal(book()->newest->tgid, other.tgid);
	assert_int_equal(book()->newest->fd, 5);
}

static void where_gets_cannot_be_seen_each_check_begins_anew(void **state)
{
	(void)state;
	vs_registrations__gets_seen(ledger, false);
	look(0, 1);
	vs_registrations__seed(ledger, &snap);
	look(100, 2);
	look_fd(qemu, FILE1, 7);
	vs_registrations__check(ledger, &snap);
	assert_int_equal(book()->nr, 2);
	assert_false(book()->differs);
}

static void a_device_that_is_gone_is_forgotten(void **state)
{
	(void)state;
	look(0, 1);
	vs_registrations__seed(ledger, &snap);
	look(100, 1);
	snap.nr_devices = 0;
	vs_registrations__check(ledger, &snap);
	assert_null(book());
}

static void an_address_used_again_is_a_new_device(void **state)
{
	(void)state;
	begin_wait();
	device_event(VS_REGISTER, sh, 900, DEV1);
	assert_int_equal(book()->nr, 1);
	assert_false(book()->waiting);
	assert_int_equal(totals().births, 2);
	assert_int_equal(totals().gets, 1);
}

static void devices_do_not_mix(void **state)
{
	(void)state;
	device_event(VS_REGISTER, sh, 0, DEV1);
	device_event(VS_REGISTER, sh, 1, DEV2);
	get(qemu, 10, 2);
	reference(VS_REG_PUT, qemu, 11, DEV2, P_CLOSE, 0);
	assert_int_equal(totals().unattributed, 1);
	assert_int_equal(book()->nr, 2);
}

static void it_is_bounded(void **state)
{
	(void)state;
	teardown(NULL);
	begin_with((struct vs_registrations_opts){ .max_devices = 2, .max_refs = 3 });
	device_event(VS_REGISTER, sh, 0, DEV1);
	for (int i = 0; i < 5; i++)
		get(qemu, 10 + i, 2 + i);
	assert_int_equal(book()->nr, 3);
	assert_int_equal(book()->unknown, 3);
	assert_int_equal(totals().refused, 3);
	for (int i = 0; i < 5; i++)
		put(qemu, 20 + i, 5 - i);
	assert_int_equal(totals().unattributed, 0);
	for (int i = 1; i < 6; i++)
		device_event(VS_REGISTER, sh, 100 + i, DEV2 + i * 0x1000);
	assert_int_equal(totals().devices, 2);
	assert_true(totals().refused > 3);
}

static void rubbish_does_no_harm(void **state)
{
	struct vs_registration_event r;

	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		for (size_t b = 0; b < sizeof(r); b++)
			((unsigned char *)&r)[b] = (unsigned char)rand();
		r.e.type = (__u8)(rand() % VS_TYPE_END);
		r.e.size = sizeof(r);
		r.e.object = DEV1 + (uint64_t)(rand() % 8) * 0x1000;
		r.e.tid = r.e.tgid = (__u32)rand() % 8;
		r.stack[1] = P_TRY_GET + (uint64_t)(rand() % 12);
		r.e.ip = r.stack[0] = P_TRY_GET + (uint64_t)(rand() % 3);
		r.device[VS_DEVICE_LEN - 1] = '\0';
		vs_registrations__feed(ledger, &r.e);
		vs_registrations__tick(ledger, r.e.time_ns);
	}
	vs_registrations__finish(ledger, UINT64_MAX - 1);
}

/* -- what the text says of it -- */

static const char *text_at(uint64_t ms)
{
	static char words[4096];
	struct vs_group_view group = { .known = true, .number = 1, .generation = 1, .address = GROUP, .devices = "" };
	struct vs_refs_report report = {
		.time_ns = T0 + ms * MS, .traced = true, .snapshot = &snap,
		.registrations = ledger, .sites = sites,
	};
	struct vs_text text = { .width = 0 };

	vs_out__init(&text.out, -1);
	vs_text__registrations(&text, &report, &group);
	vs_text__registration_totals(&text, &report);
	snprintf(words, sizeof(words), "%.*s", (int)text.out.len, text.out.buf);
	vs_out__fini(&text.out);
	return words;
}

static void the_text_names_who_keeps_it_and_who_waits(void **state)
{
	(void)state;
	look(0, 3);
	begin_wait();
	assert_string_equal(text_at(1101),
			    "  device 0000:00:05.0 is kept registered by 1 reference\n"
			    "    by open file of the device: qemu[500], for 1.1 s, at vfio_group_fops_unl_ioctl+0x1a4\n"
			    "    UNBIND WAITS until these are gone: sh[431] in vfio_unregister_group_dev for 1.0 s\n"
			    "devices     1, kept registered by 1 reference; seen: 1 get, 1 put; unattributed 0; "
			    "unbinds that had\n  to wait 1\n");
}

static void the_text_says_what_cannot_be_seen(void **state)
{
	(void)state;
	look(0, 4);
	look_fd(qemu, FILE1, 7);
	vs_registrations__seed(ledger, &snap);
	assert_string_equal(text_at(1000),
			    "  device 0000:00:05.0 is kept registered by 4 references\n"
			    "    by vfio-pci, bound to it, since before tracing began\n"
			    "    by open file of the device: qemu[500] fd 7, since before tracing began\n"
			    "    2 by nobody that can be seen\n"
			    "devices     1, kept registered by 2 references; seen: 0 gets, 0 puts; unattributed 0; "
			    "unbinds that\n  had to wait 0\n");
}

/* A file that has no process, by what can be seen, and a counter that the ledger does not explain. */
static void the_text_says_what_differs(void **state)
{
	(void)state;
	look(0, 2);
	look_fd((struct who){ 0, 0, "" }, FILE1, -1);
	vs_registrations__seed(ledger, &snap);
	look(1000, 3);
	vs_registrations__check(ledger, &snap);
	assert_string_equal(text_at(2000),
			    "  device 0000:00:05.0 is kept registered by 2 references; the kernel counts 3: THIS DIFFERS\n"
			    "    by vfio-pci, bound to it, since before tracing began\n"
			    "    by open file of the device: no process has it, without a descriptor, since before "
			    "tracing began\n"
			    "devices     1, kept registered by 2 references; seen: 0 gets, 0 puts; unattributed 0; "
			    "unbinds that\n  had to wait 0\n");
	snap.hidden_tasks = true;
	assert_non_null(strstr(text_at(2000), "device: who has it is out of sight (another PID namespace), since"));
}

static void the_text_of_one_driver_alone_is_nothing(void **state)
{
	(void)state;
	look(0, 1);
	device_event(VS_REGISTER, sh, 0, DEV1);
	assert_string_equal(text_at(1000),
			    "devices     1, kept registered by 1 reference; seen: 0 gets, 0 puts; unattributed 0; "
			    "unbinds that\n  had to wait 0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_get_is_a_holder),
		TEST(a_put_ends_that_of_its_own_process),
		TEST(a_stranger_ends_the_oldest_and_that_is_a_guess),
		TEST(a_failed_open_ends_its_own),
		TEST(other_holders_have_their_class),
		TEST(a_put_too_many_is_unattributed),
		TEST(what_was_before_is_counted_from_the_first_event),
		TEST(the_first_event_may_be_a_put),
		TEST(the_wait_is_from_the_drivers_put_to_the_last_one),
		TEST(an_unbind_that_need_not_wait_is_not_said),
		TEST(a_long_wait_is_said_once_with_its_holder),
		TEST(the_end_says_what_still_waits),
		TEST(a_put_while_it_waits_is_not_the_end),
		TEST(it_begins_with_what_a_snapshot_found),
		TEST(a_mapping_alone_is_a_holder),
		TEST(a_wait_from_before_is_seen),
		TEST(a_leaving_device_waits),
		TEST(what_the_snapshot_has_is_not_counted_twice),
		TEST(a_check_finds_a_difference),
		TEST(a_check_learns_descriptors),
		TEST(where_gets_cannot_be_seen_each_check_begins_anew),
		TEST(a_device_that_is_gone_is_forgotten),
		TEST(an_address_used_again_is_a_new_device),
		TEST(devices_do_not_mix),
		TEST(it_is_bounded),
		TEST(rubbish_does_no_harm),
		TEST(the_text_names_who_keeps_it_and_who_waits),
		TEST(the_text_says_what_cannot_be_seen),
		TEST(the_text_says_what_differs),
		TEST(the_text_of_one_driver_alone_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
