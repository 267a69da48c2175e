/* SPDX-License-Identifier: GPL-2.0 */
/* A session with made-up events of everything that a page tells: a deadlock, a wait, deferred puts, a loss. */
#ifndef VFIOSCOPE_TESTS_BUSY_PAGE_H
#define VFIOSCOPE_TESTS_BUSY_PAGE_H

#include "scenario.h"
#include "serve/page.h"

#define DEVICE 0xffff888005000000ull
#define IP_REG_GET 0xffffffffc0501000ull
#define IP_IOCTL 0xffffffffc0501100ull
#define IP_REG_PUT 0xffffffffc0501200ull
#define IP_DEV_UNREGISTER 0xffffffffc0501300ull
#define WALL_AHEAD 1700000000000000000ull	/* of CLOCK_REALTIME, ns */

static const struct who qemu = { 1, 500, "qemu \"a\\b\n" };

static inline bool resolve_more(void *ctx, uint64_t ip, char *buf, size_t size)
{
	static const struct {
		uint64_t ip;
		const char *name;
	} more[] = {
		{ IP_REG_GET, "vfio_device_try_get_registration+0x27" },
		{ IP_IOCTL, "vfio_group_fops_unl_ioctl+0x1a4" },
		{ IP_REG_PUT, "vfio_device_put_registration+0x19" },
		{ IP_DEV_UNREGISTER, "vfio_unregister_group_dev+0x31" },
	};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (more[i].ip == ip) {
			snprintf(buf, size, "%s", more[i].name);
			return true;
		}
	return resolve(ctx, ip, buf, size);
}

static inline void feed_reference(struct vs_session *s, unsigned int type, struct who w, uint64_t us,
				  uint64_t caller, int nr)
{
	struct vs_registration_event r = { .device = "0000:00:05.0", .nr_stack = 2 };

	r.e = refs(event(type, w, us), nr, type == VS_REG_GET ? IP_REG_GET : IP_REG_PUT);
	r.e.size = sizeof(r);
	r.e.flags |= VS_F_EXACT;
	r.e.object = DEVICE;
	r.stack[0] = r.e.ip;
	r.stack[1] = caller;
	vs_session__feed(s, &r, sizeof(r));
}

/* One unbind that waits for two files of one process, from @us on. */
static inline void feed_wait(struct vs_session *s, uint64_t us)
{
	feed_device(s, of_object(event(VS_REGISTER, sh, us), DEVICE), "0000:00:05.0");
	feed_reference(s, VS_REG_GET, qemu, us + 10, IP_IOCTL, 2);
	feed_reference(s, VS_REG_GET, qemu, us + 20, IP_IOCTL, 3);
	feed_device(s, of_object(event(VS_UNREGISTER, sh, us + 100), DEVICE), "0000:00:05.0");
	feed_reference(s, VS_REG_PUT, sh, us + 110, IP_DEV_UNREGISTER, 2);
}

static inline struct vs_session *page_session(struct vs_sink **sink)
{
	struct vs_session_opts opts = {
		.calls = { .resolve_ip = resolve_more, .group_devices = two_devices, .now_ns = clock_2ms },
		.sinks = sink, .nr_sinks = 1, .no_events = true, .keep_refs = true,
	};

	return vs_session__new(&opts);
}

static inline void begin_page(struct vs_page *p)
{
	memset(p, 0, sizeof(*p));
	p->version = "0.1.0";
	p->kernel = "5.10.0-46-amd64";
	p->vfio = "module";
	p->fix = VS_FIX_ABSENT;
	p->up = true;
	p->started_ns = T0;
	p->confined[0] = p->confined[1] = 1;
}

static inline void take_page(struct vs_page *p, struct vs_session *s, struct vs_sink *sink, uint64_t us)
{
	p->mono_ns = T0 + us * 1000;
	p->wall_ns = p->mono_ns + WALL_AHEAD;
	vs_session__summarize(s, p->mono_ns, sink);
	vs_page__take_ledger(p, vs_session__refs(s), vs_session__registrations(s));
}

/* As many waits with as many holders as a page lists, with the longest names there are. */
static inline void fill_waits(struct vs_page *p)
{
	for (p->nr_waits = 0; p->nr_waits < VS_PAGE_WAITS; p->nr_waits++) {
		struct vs_page_wait *w = &p->waits[p->nr_waits];

		*w = (struct vs_page_wait){ .group = (int)p->nr_waits, .start_ns = T0 + p->nr_waits + 1,
					    .nr_holders = VS_PAGE_HOLDERS };
		memset(w->device, '\\', sizeof(w->device) - 1);
		w->device[0] = (char)('a' + p->nr_waits);
		for (size_t i = 0; i < VS_PAGE_HOLDERS; i++) {
			memset(w->holders[i].comm, '\377', sizeof(w->holders[i].comm));
			w->holders[i].comm[0] = (char)('a' + i);
		}
	}
	p->unbinds_waiting = VS_PAGE_WAITS;
	p->oldest_wait_ns = T0 + 1;
}

#endif
