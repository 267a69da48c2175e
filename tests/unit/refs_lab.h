/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of the ledger of references: streams as the probes on a 5.10 kernel
 * write them, findings as they are said, and the identity that always holds.
 */
#ifndef VFIOSCOPE_TESTS_REFS_LAB_H
#define VFIOSCOPE_TESTS_REFS_LAB_H

#include "scenario.h"

#include "ledger/refs.h"
#include "probe/merge.h"

#define GROUP_B 0xffff888004a1d000ull
#define GROUP_C 0xffff888004a1e000ull
#define DEV1 0xffff888005000100ull
#define DEV2 0xffff888005000200ull
#define FILE1 0xffff888006000100ull
#define FILE2 0xffff888006000200ull
#define WORK2 0xffff888003c40e40ull
#define COUNTER GROUP	/* kref is the first member */
#define SECOND 1000000ull	/* in microseconds */

enum place {
	P_NONE,
	P_REGISTER_GET = 0xffffffffc0410000ull,	/* in vfio_create_group, inlined */
	P_REGISTER_PUT,
	P_FROM_IOMMU,
	P_UNREGISTER,
	P_OPEN_GET,
	P_OPEN_PUT,
	P_CLOSE,
	P_NOTIFIER_GET,
	P_NOTIFIER_PUT,
	P_PUT_BG,
	P_EXT_GET,
	P_EXT_DEV_PUT,
	P_EXT_PUT,
	P_DEV_GET_PUT,		/* vfio_device_get_from_dev */
	P_PIN,
	P_PUT,			/* vfio_group_put, not inlined */
	P_PUT_PART,
	P_OTHER,		/* a function that no table knows */
	P_END,
	P_IN_REGISTER = 0xffffffffc0420000ull,	/* return addresses, for stacks */
	P_IN_EXT_DEV,
	P_IN_PIN,
	P_IN_DEVICE_GET,
	P_IN_CLOSE,
	P_IN_BIND,
	P_IN_KVM,
};

static const char *place_name(uint64_t ip)
{
	switch (ip) {
	case P_REGISTER_GET: return "vfio_register_group_dev+0x1f8";
	case P_REGISTER_PUT: return "vfio_register_group_dev+0x3b8";
	case P_FROM_IOMMU: return "vfio_group_get_from_iommu+0x4f";
	case P_UNREGISTER: return "vfio_unregister_group_dev+0x18c";
	case P_OPEN_GET: return "vfio_group_fops_open+0x47";
	case P_OPEN_PUT: return "vfio_group_fops_open+0xc9";
	case P_CLOSE: return "vfio_group_fops_release+0x31";
	case P_NOTIFIER_GET: return "vfio_iommu_group_notifier+0x79";
	case P_NOTIFIER_PUT: return "vfio_iommu_group_notifier+0xc8";
	case P_PUT_BG: return "vfio_group_put_bg+0x19";
	case P_EXT_GET: return "vfio_group_get_external_user+0x4d";
	case P_EXT_DEV_PUT: return "vfio_group_get_external_user_from_dev+0x62";
	case P_EXT_PUT: return "vfio_group_put_external_user+0x18";
	case P_DEV_GET_PUT: return "vfio_device_get_from_dev+0x4a";
	case P_PIN: return "vfio_pin_pages+0x90";
	case P_PUT: return "vfio_group_put+0x0";
	case P_PUT_PART: return "vfio_group_put.part.0+0x0";
	case P_OTHER: return "vfio_something_new+0x11";
	case P_IN_REGISTER: return "vfio_register_group_dev.isra.0+0x32";
	case P_IN_EXT_DEV: return "vfio_group_get_external_user_from_dev+0x24";
	case P_IN_PIN: return "vfio_pin_pages.part.0+0x44";
	case P_IN_DEVICE_GET: return "vfio_device_get_from_dev+0x1c";
	case P_IN_CLOSE: return "vfio_group_fops_release+0x36";
	case P_IN_BIND: return "bind_store+0x10a";
	case P_IN_KVM: return "kvm_vfio_destroy+0x55";
	default: return NULL;
	}
}

static inline bool resolve_place(void *ctx, uint64_t ip, char *buf, size_t size)
{
	const char *name = place_name(ip);

	(void)ctx;
	if (name)
		snprintf(buf, size, "%s", name);
	return name;
}

#define LAB_FINDINGS 64

/* What the kernel's counter of a group is, by the records that tell it. */
struct lab_counter {
	uint64_t address;
	int number;
	int32_t refs;
};

struct lab {
	struct vs_refs *r;
	struct vs_sites *sites;
	struct vs_groups *groups;
	size_t nr;	/* findings said */
	struct vs_finding said[LAB_FINDINGS];
	uint32_t dead;	/* the process that is gone */
	struct lab_counter counters[8];
	size_t nr_counters;
	uint64_t last_us;
	struct vs_merge *merge;	/* NULL: records are fed as they are sent */
};

static inline void lab_say(void *ctx, struct vs_finding *f)
{
	struct lab *l = ctx;

	if (l->nr < LAB_FINDINGS)
		l->said[l->nr] = *f;
	l->nr++;
}

static inline bool lab_alive(void *ctx, uint32_t tgid)
{
	return tgid != ((struct lab *)ctx)->dead;
}

static inline struct lab *lab_with(struct vs_refs_opts opts)
{
	struct lab *l = calloc(1, sizeof(*l));

	l->sites = vs_sites__new(resolve_place, l);
	l->groups = vs_groups__new(opts.max_groups ? opts.max_groups : 4096, 4);
	opts.ctx = l;
	opts.say = lab_say;
	opts.task_alive = lab_alive;
	opts.sites = l->sites;
	l->r = vs_refs__new(&opts);
	assert_non_null(l->r);
	return l;
}

static inline struct lab *lab_new(void)
{
	return lab_with((struct vs_refs_opts){ 0 });
}

/* What one book counts: nothing of it may be waiting. */
static inline void assert_book(const struct vs_book *b)
{
	uint64_t dropped = b->puts - b->before - b->unattributed - b->adrift;

	assert_int_equal(b->live.nr, b->births + b->gets + b->found - b->forgotten - dropped);
}

static inline struct vs_refs_totals totals(struct lab *l)
{
	struct vs_refs_totals t;

	vs_refs__totals(l->r, &t);
	assert_int_equal(t.live, t.births + t.gets + t.found - t.forgotten -
			 (t.puts - t.before - t.unattributed - t.adrift - t.waiting));
	return t;
}

static inline void lab_look(struct lab *l);

/* Everything that waits is judged, and the books agree with themselves. */
static inline struct vs_refs_totals settled(struct lab *l)
{
	size_t live = 0;

	totals(l);
	lab_look(l);
	vs_refs__tick(l->r, UINT64_MAX);
	assert_int_equal(totals(l).waiting, 0);
	for (const struct vs_book *b = NULL; (b = vs_refs__next(l->r, b));) {
		assert_book(b);
		live += b->live.nr;
	}
	assert_int_equal(totals(l).live, live);
	return totals(l);
}

static inline void lab_free(struct lab *l)
{
	settled(l);
	vs_refs__free(l->r);
	vs_groups__free(l->groups);
	vs_sites__free(l->sites);
	free(l);
}

/* No finding at all, and nothing that could not be matched. */
static inline void assert_clean(struct lab *l, size_t live)
{
	struct vs_refs_totals t = settled(l);

	for (size_t i = 0; i < l->nr && i < LAB_FINDINGS; i++)
		print_error("said: %s at %s: %s\n", vs_finding__name(l->said[i].kind),
			    l->said[i].site, l->said[i].words);
	assert_int_equal(l->nr, 0);
	assert_int_equal(t.unattributed, 0);
	assert_int_equal(t.after_bug, 0);
	assert_int_equal(t.live, live);
}

/* The i-th finding, and that there are no more of grade bug than it. */
static inline const struct vs_finding *only_bug(struct lab *l, enum vs_finding_kind kind,
						const char *site)
{
	const struct vs_finding *bug = NULL;

	settled(l);
	for (size_t i = 0; i < l->nr && i < LAB_FINDINGS; i++) {
		if (l->said[i].grade != VS_GRADE_BUG)
			continue;
		if (bug)
			print_error("also: %s at %s: %s\n", vs_finding__name(l->said[i].kind),
				    l->said[i].site, l->said[i].words);
		assert_null(bug);
		bug = &l->said[i];
	}
	assert_non_null(bug);
	assert_string_equal(vs_finding__name(bug->kind), vs_finding__name(kind));
	assert_string_equal(bug->site, site);
	return bug;
}

/* The newest live reference of a group. */
static inline const struct vs_ref *newest(struct lab *l, int number)
{
	const struct vs_book *b = vs_refs__numbered(l->r, number);

	assert_non_null(b);
	assert_non_null(b->live.newest);
	return b->live.newest;
}

/* -- records -- */

static const struct who qemu = { 0, 4711, "qemu" };
static const struct who vcpu = { 1, 4712, "CPU 0/KVM" };	/* a thread of qemu */
static const struct who other_vm = { 1, 5000, "qemu" };

static inline struct lab_counter *lab_counter(struct lab *l, const struct vs_event *e)
{
	for (size_t i = 0; i < l->nr_counters; i++)
		if (l->counters[i].address == e->group)
			return &l->counters[i];
	if (!e->group || l->nr_counters == 8)
		return NULL;
	l->counters[l->nr_counters] = (struct lab_counter){ .address = e->group, .number = -1 };
	return &l->counters[l->nr_counters++];
}

/* A get tells the value after it, a put the one before. */
static inline void lab_count(struct lab *l, const struct vs_event *e)
{
	struct lab_counter *c = lab_counter(l, e);

	if ((e->seq - T0) / 1000 > l->last_us)
		l->last_us = (e->seq - T0) / 1000;
	if (!c)
		return;
	c->number = e->iommu_group >= 0 ? e->iommu_group : c->number;
	if (e->type == VS_CREATE)
		c->refs = 1;
	else if (e->type == VS_GET && e->flags & VS_F_REFS)
		c->refs = e->refs;
	else if (e->type == VS_PUT && e->flags & VS_F_REFS)
		c->refs = e->refs - 1;
}

static inline void lab_take(void *ctx, const void *record, size_t len)
{
	const struct vs_event *e = record;
	uint64_t address = e->group ? e->group : e->ctx_group;
	struct lab *l = ctx;

	(void)len;
	lab_count(l, e);
	vs_refs__feed(l->r, e, vs_groups__take(l->groups, e, address));
}

static inline void lab_feed(struct lab *l, const struct vs_event *e)
{
	if (l->merge)
		assert_int_equal(vs_merge__add(l->merge, e->seq, e, e->size), 0);
	else
		lab_take(l, e, e->size);
}

static inline struct vs_event lab_event(unsigned int type, struct who w, uint64_t us)
{
	struct vs_event e = event(type, w, us);

	if (w.tid == vcpu.tid)
		e.tgid = qemu.tid;
	return e;
}

static inline struct vs_event of_group(struct vs_event e, uint64_t group, int number)
{
	e.group = group;
	e.iommu_group = number;
	return e;
}

static inline void lab_send(struct lab *l, struct vs_event e)
{
	lab_feed(l, &e);
}

static inline void lab_stack(struct lab *l, struct vs_event e, uint64_t caller)
{
	struct vs_stack_event s = { .e = e, .nr_stack = 3 };

	s.e.size = sizeof(s);
	s.stack[0] = e.ip;
	s.stack[1] = caller;
	s.stack[2] = P_IN_BIND;
	lab_feed(l, &s.e);
}

static inline void lab_device(struct lab *l, struct vs_event e, uint64_t device, const char *name)
{
	struct vs_device_event d = { .e = e };

	d.e.size = sizeof(d);
	d.e.object = device;
	snprintf(d.device, sizeof(d.device), "%s", name);
	lab_feed(l, &d.e);
}

static inline struct vs_event get(struct who w, uint64_t us, int value, uint64_t ip)
{
	return refs(lab_event(VS_GET, w, us), value, ip);
}

static inline struct vs_event put(struct who w, uint64_t us, int value, uint64_t ip)
{
	return refs(lab_event(VS_PUT, w, us), value, ip);
}

/* -- what tasks do; each takes less than 10 us -- */

static inline void do_enter_register(struct lab *l, struct who w, uint64_t us, uint64_t device)
{
	struct vs_event e = of_group(lab_event(VS_REGISTER, w, us), 0, 1);

	lab_device(l, e, device, device == DEV1 ? "0000:00:05.0" : "0000:00:05.1");
}

static inline void do_create(struct lab *l, struct who w, uint64_t us, uint64_t device)
{
	do_enter_register(l, w, us, device);
	lab_send(l, of_object(lab_event(VS_CREATE, w, us + 2), BLOCK));
}

static inline void do_join(struct lab *l, struct who w, uint64_t us, uint64_t device, int value)
{
	do_enter_register(l, w, us, device);
	lab_stack(l, get(w, us + 2, value, P_FROM_IOMMU), P_IN_REGISTER);
}

static inline void do_enter_unregister(struct lab *l, struct who w, uint64_t us, uint64_t device)
{
	lab_device(l, lab_event(VS_UNREGISTER, w, us), device,
		   device == DEV1 ? "0000:00:05.0" : "0000:00:05.1");
}

static inline void do_leave(struct lab *l, struct who w, uint64_t us, uint64_t device, int value)
{
	do_enter_unregister(l, w, us, device);
	lab_send(l, put(w, us + 3, value, P_UNREGISTER));
}

static inline void do_release(struct lab *l, struct who w, uint64_t us)
{
	lab_send(l, lab_event(VS_RELEASE, w, us));
	lab_send(l, of_object(lab_event(VS_UNREGISTER_NOTIFIER, w, us + 2), BLOCK));
}

static inline void do_open(struct lab *l, struct who w, uint64_t us, int value)
{
	lab_send(l, get(w, us, value, P_OPEN_GET));
	lab_send(l, lab_event(VS_OPEN, w, us));
}

static inline void do_enter_close(struct lab *l, struct who w, uint64_t us, uint64_t file)
{
	lab_send(l, of_object(lab_event(VS_CLOSE, w, us), file));
}

static inline void do_close(struct lab *l, struct who w, uint64_t us, uint64_t file, int value)
{
	do_enter_close(l, w, us, file);
	lab_send(l, put(w, us + 3, value, P_CLOSE));
}

static inline struct vs_event in_chain(struct vs_event e)
{
	return in_notifier(e, VS_ACT_UNBOUND_DRIVER);
}

static inline void do_notifier_get(struct lab *l, struct who w, uint64_t us, int value)
{
	lab_send(l, in_chain(get(w, us, value, P_NOTIFIER_GET)));
}

static inline void do_queue(struct lab *l, struct who w, uint64_t us, uint64_t work)
{
	lab_send(l, in_chain(of_object(lab_event(VS_QUEUE, w, us), work)));
}

static inline void do_exit(struct lab *l, struct who w, uint64_t us)
{
	lab_send(l, in_chain(lab_event(VS_NOTIFIER_EXIT, w, us)));
}

static inline void do_start(struct lab *l, uint64_t us, uint64_t work)
{
	lab_send(l, in_worker(of_object(lab_event(VS_START, worker, us), work), work));
}

static inline void do_put_bg(struct lab *l, uint64_t us, uint64_t work, int value)
{
	lab_send(l, in_worker(put(worker, us, value, P_PUT_BG), work));
}

static inline void do_end(struct lab *l, uint64_t us, uint64_t work)
{
	lab_send(l, of_group(of_object(lab_event(VS_END, worker, us), work), 0, -1));
}

static inline void do_work(struct lab *l, uint64_t us, uint64_t work, int value)
{
	do_start(l, us, work);
	do_put_bg(l, us + 1, work, value);
	do_end(l, us + 2, work);
}

/* -- snapshots -- */

struct picture_of {
	struct vs_snapshot s;
	struct vs_snap_group groups[4];
	struct vs_snap_device devices[4];
	struct vs_snap_fd fds[8];
	struct vs_snap_map maps[2];
};

static inline void snap_init(struct picture_of *p, uint64_t us)
{
	memset(p, 0, sizeof(*p));
	p->s.start_ns = T0 + us * 1000;
	p->s.end_ns = p->s.start_ns + 1000000;	/* 1 ms */
	p->s.start_seq = p->s.start_ns;
	p->s.end_seq = p->s.end_ns;
	p->s.scope = (struct vs_snap_scope){ true, true, true, true };
	p->s.files_counted = true;
	p->s.groups = p->groups;
	p->s.devices = p->devices;
	p->s.fds = p->fds;
	p->s.maps = p->maps;
}

static inline void snap_group(struct picture_of *p, uint64_t address, int number, int32_t count,
			      int32_t opened)
{
	p->groups[p->s.nr_groups++] = (struct vs_snap_group){
		.address = address, .number = number, .refs = count, .opened = opened,
	};
}

/* Late records are judged, and the kernel is asked: what it says is what the records told. */
static inline void lab_look(struct lab *l)
{
	uint64_t us = l->last_us + SECOND;
	struct vs_snap_group groups[8];
	struct vs_snapshot s = {
		.start_ns = T0 + us * 1000, .end_ns = T0 + (us + 1) * 1000,
		.start_seq = T0 + us * 1000, .end_seq = T0 + (us + 1) * 1000, .groups = groups,
		.scope = { .groups = true, .counters = true },
	};

	vs_refs__tick(l->r, s.start_ns);
	for (size_t i = 0; i < l->nr_counters; i++)
		if (l->counters[i].refs > 0)
			groups[s.nr_groups++] = (struct vs_snap_group){
				.address = l->counters[i].address, .number = l->counters[i].number,
				.refs = l->counters[i].refs, .opened = VS_SNAP_UNKNOWN,
			};
	vs_refs__check(l->r, &s);
}

static inline void snap_device(struct picture_of *p, uint64_t address, uint64_t group)
{
	struct vs_snap_device *d = &p->devices[p->s.nr_devices++];

	*d = (struct vs_snap_device){ .address = address, .group = group, .number = 1 };
	snprintf(d->name, sizeof(d->name), "0000:00:05.0");
}

static inline void snap_fd(struct picture_of *p, enum vs_snap_file_kind kind, uint64_t file,
			   uint64_t object, uint32_t tgid)
{
	p->fds[p->s.nr_fds++] = (struct vs_snap_fd){
		.kind = kind, .file = file, .object = object, .tgid = tgid, .fd = 3, .comm = "qemu",
	};
}

#endif
