// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/rings.h"

#define SMALLEST_RING (16 << 10)
/* Each entering waits for a grace period of RCU; several threads wait for the same one. */
#define MAX_THREADS 32

struct worker {
	pthread_t thread;
	bool running;
	struct vs_rings *rings;
	size_t first;
};

/* The positions of a ring that the kernel shows, and what we have seen of it. */
struct view {
	const unsigned long *consumer, *producer;	/* positions, a page each */
	unsigned long mark;	/* reserved up to here when it was marked */
	uint64_t clean_seq;	/* nothing below this is still in the ring */
	uint64_t clean_ns;	/* as of then */
};

struct vs_rings {
	int map;
	uint32_t bytes;		/* of each */
	size_t nr;
	int *fds;
	struct view *views;
	uint64_t marked_seq, marked_ns;
	struct worker workers[MAX_THREADS];
	int error;		/* the first of any worker, negative errno */
};

static uint32_t power_of_two(uint32_t value)
{
	uint32_t power = 1;

	while (power < value)
		power *= 2;
	return power;
}

static int create_rings(struct vs_rings *r)
{
	for (size_t i = 0; i < r->nr; i++) {
		r->fds[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "vfioscope_ring", 0, 0, r->bytes,
					   NULL);
		if (r->fds[i] < 0)
			return r->fds[i];
	}
	return 0;
}

static int view_ring(struct view *view, int fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);

	if (pages == MAP_FAILED)
		return -errno;
	view->consumer = (void *)pages;
	view->producer = (void *)(pages + page);
	return 0;
}

static int view_rings(struct vs_rings *r)
{
	int err = 0;

	r->views = calloc(r->nr, sizeof(*r->views));
	if (!r->views)
		return -ENOMEM;
	for (size_t i = 0; !err && i < r->nr; i++)
		err = view_ring(&r->views[i], r->fds[i]);
	return err;
}

static int create_map(struct vs_rings *r)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = r->fds[0]);

	r->map = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", sizeof(uint32_t),
				sizeof(uint32_t), r->nr, &opts);
	return r->map < 0 ? r->map : 0;
}

static void *enter(void *arg)
{
	struct worker *worker = arg;
	struct vs_rings *r = worker->rings;

	for (uint32_t i = worker->first; i < r->nr; i += MAX_THREADS) {
		int err = bpf_map_update_elem(r->map, &i, &r->fds[i], BPF_ANY);

		if (err)
			__atomic_store_n(&r->error, err, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void start_entering(struct vs_rings *r)
{
	for (size_t i = 0; i < MAX_THREADS && i < r->nr; i++) {
		struct worker *worker = &r->workers[i];

		worker->rings = r;
		worker->first = i;
		worker->running = !pthread_create(&worker->thread, NULL, enter, worker);
		if (!worker->running)
			enter(worker);
	}
}

static void finish_entering(struct vs_rings *r)
{
	for (size_t i = 0; i < MAX_THREADS; i++) {
		if (r->workers[i].running)
			pthread_join(r->workers[i].thread, NULL);
		r->workers[i].running = false;
	}
}

struct vs_rings *vs_rings__new(uint32_t bytes)
{
	struct vs_rings *r = calloc(1, sizeof(*r));
	int cpus = libbpf_num_possible_cpus(), err;

	if (!r || cpus <= 0) {
		free(r);
		return NULL;
	}
	r->map = -1;
	r->nr = cpus;
	r->bytes = bytes / power_of_two(cpus);
	if (r->bytes < SMALLEST_RING)
		r->bytes = SMALLEST_RING;
	r->fds = calloc(r->nr, sizeof(*r->fds));
	err = r->fds ? create_rings(r) : -ENOMEM;
	if (!err)
		err = view_rings(r);
	if (!err)
		err = create_map(r);
	if (err) {
		vs_rings__free(r);
		errno = -err;
		return NULL;
	}
	start_entering(r);
	return r;
}

void vs_rings__free(struct vs_rings *r)
{
	if (!r)
		return;
	finish_entering(r);
	for (size_t i = 0; r->views && i < r->nr; i++)
		if (r->views[i].consumer)
			munmap((void *)r->views[i].consumer, 2 * sysconf(_SC_PAGESIZE));
	for (size_t i = 0; r->fds && i < r->nr; i++)
		if (r->fds[i] > 0)
			close(r->fds[i]);
	free(r->views);
	if (r->map >= 0)
		close(r->map);
	free(r->fds);
	free(r);
}

uint32_t vs_rings__bytes_each(const struct vs_rings *r)
{
	return r->bytes;
}

size_t vs_rings__nr(const struct vs_rings *r)
{
	return r->nr;
}

int vs_rings__use(const struct vs_rings *r, struct bpf_map *map)
{
	return bpf_map__reuse_fd(map, r->map);
}

struct ring_buffer *vs_rings__reader(struct vs_rings *r, ring_buffer_sample_fn record, void *ctx)
{
	struct ring_buffer *reader;
	int err;

	finish_entering(r);
	if (r->error) {
		errno = -r->error;
		return NULL;
	}
	reader = ring_buffer__new(r->fds[0], record, ctx, NULL);
	for (size_t i = 1; reader && i < r->nr; i++) {
		err = ring_buffer__add(reader, r->fds[i], record, ctx);
		if (!err)
			continue;
		ring_buffer__free(reader);
		errno = -err;
		return NULL;
	}
	return reader;
}

void vs_rings__mark(struct vs_rings *r, uint64_t begun, uint64_t now_ns)
{
	r->marked_seq = begun + 1;
	r->marked_ns = now_ns;
	for (size_t i = 0; i < r->nr; i++) {
		r->views[i].mark = __atomic_load_n(r->views[i].producer, __ATOMIC_ACQUIRE);
		if (!r->views[i].clean_ns)
			r->views[i].clean_ns = now_ns;
	}
}

struct vs_horizon vs_rings__horizon(struct vs_rings *r, uint64_t patience_ns)
{
	struct vs_horizon horizon = { .seq = r->marked_seq };

	for (size_t i = 0; i < r->nr; i++) {
		struct view *view = &r->views[i];

		if (__atomic_load_n(view->consumer, __ATOMIC_ACQUIRE) >= view->mark) {
			view->clean_seq = r->marked_seq;
			view->clean_ns = r->marked_ns;
		}
		if (view->clean_ns + patience_ns < r->marked_ns)
			horizon.forced = true;
		else if (view->clean_seq < horizon.seq)
			horizon.seq = view->clean_seq;
	}
	return horizon;
}
