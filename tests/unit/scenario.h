/* SPDX-License-Identifier: GPL-2.0 */
/* Made-up event streams for the unit tests: a 5.10 kernel with one group. */
#ifndef VFIOSCOPE_TESTS_SCENARIO_H
#define VFIOSCOPE_TESTS_SCENARIO_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/session.h"

#define T0 1000000000000ull	/* ns: the first event */
#define GROUP 0xffff888004a1c000ull
#define CHAIN 0xffff888004b22058ull
#define BLOCK 0xffff888004a1c058ull
#define WORK 0xffff888003c40e00ull

/* Addresses that the resolver below knows. */
#define IP_TRY_GET 0xffffffffc0401031ull
#define IP_NOTIFIER_PUT 0xffffffffc04010c8ull
#define IP_DEL_DEV_PUT 0xffffffffc0402115ull
#define IP_PUT_BG 0xffffffffc0403019ull
#define IP_RELEASE 0xffffffffc0404000ull
#define CALLBACK 0xffffffffc0401000ull
#define REBOOT_CHAIN 0xffffffff82a65440ull

static const struct {
	unsigned long long ip;
	const char *name;
} symbols[] = {
	{ IP_TRY_GET, "vfio_iommu_group_notifier+0x31" },
	{ IP_NOTIFIER_PUT, "vfio_iommu_group_notifier+0xc8" },
	{ IP_DEL_DEV_PUT, "vfio_del_group_dev+0x115" },
	{ IP_PUT_BG, "vfio_group_put_bg+0x19" },
	{ IP_RELEASE, "vfio_group_release+0x0" },
	{ CALLBACK, "vfio_iommu_group_notifier+0x0" },
	{ REBOOT_CHAIN, "reboot_notifier_list+0x0" },
	{ 0x1001, "bpf_trampoline_6442490922+0x4d" },
	{ 0x1002, "blocking_notifier_chain_unregister+0x5" },
	{ 0x1003, "iommu_group_unregister_notifier+0x15" },
	{ 0x1004, "vfio_group_release+0xa1" },
	{ 0x1005, "vfio_iommu_group_notifier+0xcd" },
	{ 0x1006, "notifier_call_chain+0x47" },
	{ 0x1007, "blocking_notifier_call_chain+0x43" },
	{ 0x1008, "iommu_bus_notifier+0x9f" },
	{ 0x1009, "notifier_call_chain+0x47" },
	{ 0x100a, "blocking_notifier_call_chain+0x43" },
	{ 0x100b, "__device_release_driver+0x1b4" },
	{ 0x100c, "unbind_store+0x10a" },
	{ 0x100d, "refcount_dec_not_one+0x19" },
	{ 0x100e, "refcount_dec_and_mutex_lock+0x12" },
	{ 0x100f, "vfio_group_put_bg+0x1e" },
	{ 0x1010, "buggy_reboot+0x22" },
	{ 0x1011, "kernel_restart_prepare+0x1c" },
};

static const unsigned long long stack_510[] = {
	0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1006, 0x1007, 0x1008, 0x1009, 0x100a, 0x100b,
	0x100c,
};

static inline bool resolve(void *ctx, uint64_t ip, char *buf, size_t size)
{
	(void)ctx;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (symbols[i].ip == ip) {
			snprintf(buf, size, "%s", symbols[i].name);
			return true;
		}
	return false;
}

static inline int two_devices(void *ctx, int number, char *buf, size_t size)
{
	(void)ctx;
	(void)number;
	snprintf(buf, size, "0000:00:05.0 0000:00:05.1");
	return 0;
}

static inline uint64_t clock_2ms(void *ctx)
{
	(void)ctx;
	return T0 + 2000000;
}

struct who {
	uint32_t cpu, tid;
	const char *comm;
};

static const struct who sh = { 1, 431, "sh" };
static const struct who other_sh = { 0, 432, "sh" };
static const struct who worker = { 0, 33, "kworker/0:1" };

/* How far the clock of a CPU is off, in ns: of time_ns, never of the order. */
static int64_t cpu_skew_ns[4];

static inline struct vs_event event(unsigned int type, struct who w, uint64_t us)
{
	struct vs_event e = {
		.size = sizeof(e),
		.version = VS_ABI_VERSION,
		.type = (__u8)type,
		.cpu = w.cpu,
		.time_ns = T0 + us * 1000 + (uint64_t)cpu_skew_ns[w.cpu % 4],
		.seq = T0 + us * 1000,
		.tgid = w.tid,
		.tid = w.tid,
		.group = GROUP,
		.iommu_group = 1,
	};

	snprintf(e.comm, sizeof(e.comm), "%s", w.comm);
	return e;
}

static inline struct vs_event refs(struct vs_event e, int value, uint64_t ip)
{
	e.refs = value;
	e.flags |= VS_F_REFS;
	e.ip = ip;
	return e;
}

static inline struct vs_event in_notifier(struct vs_event e, unsigned int action)
{
	e.context = VS_CTX_NOTIFIER;
	e.action = (__u8)action;
	e.ctx_object = CHAIN;
	e.ctx_group = GROUP;
	return e;
}

static inline struct vs_event in_worker(struct vs_event e, uint64_t work)
{
	e.context = VS_CTX_WORKER;
	e.ctx_object = work;
	e.ctx_group = GROUP;
	return e;
}

static inline struct vs_event of_object(struct vs_event e, uint64_t object)
{
	e.object = object;
	return e;
}

static inline void feed(struct vs_session *s, struct vs_event e)
{
	vs_session__feed(s, &e, sizeof(e));
}

static inline void feed_stack(struct vs_session *s, struct vs_event e,
			      const unsigned long long *stack, size_t nr)
{
	struct vs_stack_event record = { .e = e, .nr_stack = (__u32)nr };

	record.e.size = sizeof(record);
	for (size_t i = 0; i < nr && i < VS_SHORT_STACK_LEN; i++)
		record.stack[i] = stack[i];
	vs_session__feed(s, &record, sizeof(record));
}

static inline void feed_device(struct vs_session *s, struct vs_event e, const char *device)
{
	struct vs_device_event d = { .e = e };

	d.e.size = sizeof(d);
	snprintf(d.device, sizeof(d.device), "%s", device);
	vs_session__feed(s, &d, sizeof(d));
}

static inline void feed_alarm(struct vs_session *s, struct vs_event e, uint64_t callback,
			      const unsigned long long *stack, size_t nr)
{
	struct vs_alarm_event a = { .e = e, .callback = callback, .nr_stack = (__u32)nr };

	a.e.size = sizeof(a);
	a.e.group = 0;
	a.depth = 2;
	a.entered_ns = e.time_ns - 40000;
	for (size_t i = 0; i < nr; i++)
		a.stack[i] = stack[i];
	vs_session__feed(s, &a, sizeof(a));
}

static inline void feed_create(struct vs_session *s, uint64_t us)
{
	struct vs_event e = event(VS_REGISTER, sh, us);

	e.group = 0;
	feed_device(s, e, "0000:00:05.0");
	feed(s, of_object(event(VS_CREATE, sh, us + 4), BLOCK));
}

static inline void feed_enter(struct vs_session *s, struct who w, uint64_t us,
			      unsigned int action, const char *device)
{
	struct vs_event e = in_notifier(event(VS_NOTIFIER_ENTER, w, us), action);

	e.group = 0;
	e.object = BLOCK;
	e.ip = CALLBACK;
	feed_device(s, e, device);
}

/* One notifier event on the fixed kernel, and its deferred put. */
static inline void feed_fixed(struct vs_session *s, uint64_t us, uint64_t work, int last)
{
	struct vs_event queue = in_notifier(event(VS_QUEUE, sh, us + 5), VS_ACT_UNBOUND_DRIVER);
	struct vs_event end = event(VS_END, worker, us + 131);

	end.group = 0;
	if (last)
		queue.flags |= VS_F_LAST_SURE;
	feed_enter(s, sh, us, VS_ACT_UNBOUND_DRIVER, "0000:00:05.0");
	feed(s, in_notifier(refs(event(VS_GET, sh, us + 2), 2, IP_TRY_GET),
			    VS_ACT_UNBOUND_DRIVER));
	if (last)
		feed(s, refs(event(VS_PUT, other_sh, us + 4), 2, IP_DEL_DEV_PUT));
	feed(s, of_object(refs(queue, last ? 1 : 2, 0), work));
	feed(s, in_notifier(event(VS_NOTIFIER_EXIT, sh, us + 7), VS_ACT_UNBOUND_DRIVER));
	feed(s, in_worker(of_object(event(VS_START, worker, us + 125), work), work));
	feed(s, in_worker(refs(event(VS_PUT, worker, us + 126), last ? 1 : 2, IP_PUT_BG), work));
	if (last) {
		feed(s, in_worker(event(VS_RELEASE, worker, us + 127), work));
		feed(s, in_worker(of_object(event(VS_UNREGISTER_NOTIFIER, worker, us + 129),
					    BLOCK), work));
	}
	feed(s, in_worker(of_object(end, work), work));
}

/* The unfixed kernel up to the last put; what follows is the test's choice. */
static inline void feed_until_release(struct vs_session *s, struct who w, struct who other,
				      int other_puts)
{
	feed_create(s, 0);
	feed_enter(s, w, 900, VS_ACT_UNBOUND_DRIVER, "0000:00:05.1");
	feed(s, in_notifier(refs(event(VS_GET, w, 903), 2, IP_TRY_GET), VS_ACT_UNBOUND_DRIVER));
	if (other_puts)
		feed(s, refs(event(VS_PUT, other, 931), 2, IP_DEL_DEV_PUT));
	feed(s, in_notifier(refs(event(VS_PUT, w, 930), 2, IP_NOTIFIER_PUT),
			    VS_ACT_UNBOUND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, w, 934), VS_ACT_UNBOUND_DRIVER));
}

static inline void feed_unregister(struct vs_session *s, struct who w)
{
	feed(s, in_notifier(of_object(event(VS_UNREGISTER_NOTIFIER, w, 951), BLOCK),
			    VS_ACT_UNBOUND_DRIVER));
}

static inline void feed_proof(struct vs_session *s, struct who w)
{
	struct vs_event e = in_notifier(event(VS_CHAIN_DEADLOCK, w, 952), VS_ACT_UNBOUND_DRIVER);

	feed_unregister(s, w);
	feed_alarm(s, of_object(e, BLOCK), CALLBACK, stack_510,
		   sizeof(stack_510) / sizeof(stack_510[0]));
}

static inline void feed_deadlock(struct vs_session *s)
{
	feed_until_release(s, sh, other_sh, 1);
	feed_proof(s, sh);
}

/* A file that vanishes with its descriptor, for what a sink writes. */
static inline int scratch_file(void)
{
	char name[] = "/tmp/vfioscope-test-XXXXXX";
	int fd = mkstemp(name);

	if (fd >= 0)
		unlink(name);
	return fd;
}

/* All that was written so far; the caller frees. */
static inline char *written(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	if (text && pread(fd, text, (size_t)size, 0) != size)
		text[0] = '\0';
	return text;
}

#endif
