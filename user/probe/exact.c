// SPDX-License-Identifier: GPL-2.0
#include "probe/exact.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/host.h"
#include "bpf/config.h"
#include "code/exact_decode.h"
#include "probe/watch_life.h"
#include "snapshot/kernel_space.h"

#define ONLINE_CPUS "/sys/devices/system/cpu/online"
#define IN_FLIGHT_TRIES 20

/* The watchpoint of one group on one CPU. */
struct point {
	int fd;			/* -1: none */
	struct bpf_link *link;
	uint64_t enabled_ns;	/* perf's clock at the last look: stands still once its CPU is gone */
};

struct watch {
	struct vs_watch_life life;	/* of group 0: free */
	uint64_t counter;
	struct point *points;	/* one for each possible CPU */
};

struct vs_exact {
	struct bpf_program *prog;
	struct bpf_map *map;
	struct vs_keeper *keeper;
	const uint64_t *runs;
	const struct vs_ended *ended;
	size_t nr_cpus;
	bool *online;
	struct watch watches[VS_WATCHES];
	struct vs_releases releases;
	uint64_t past_hits;	/* of watchpoints that are gone */
	uint64_t retries, unknown;
};

/* -- one watchpoint -- */

/* perf has several errnos for "not supported" and for "not permitted". */
static int in_our_words(int err)
{
	if (err == -ENOENT || err == -ENOSYS)
		return -EOPNOTSUPP;
	if (err == -ENODEV)
		return -EAGAIN;
	return err == -EACCES ? -EPERM : err;
}

struct reading {
	uint64_t hits;
	uint64_t enabled_ns;
};

static struct reading read_point(const struct point *point)
{
	struct reading reading = { 0, 0 };

	if (point->fd >= 0 && read(point->fd, &reading, sizeof(reading)) != sizeof(reading))
		reading = (struct reading){ 0, 0 };
	return reading;
}

/* The link owns the descriptor. */
static int arm(struct vs_exact *x, struct point *point, uint64_t counter, size_t cpu)
{
	int fd = vs_keeper__watchpoint(x->keeper, counter, (int)cpu);

	if (fd < 0)
		return in_our_words(fd);
	point->link = bpf_program__attach_perf_event(x->prog, fd);
	if (!point->link) {
		close(fd);
		return in_our_words(-errno);
	}
	point->fd = fd;
	return 0;
}

/* Disabling waits for the CPU, so that the count that is read then is the last one. */
static void disarm(struct vs_exact *x, struct point *point)
{
	if (point->fd < 0)
		return;
	ioctl(point->fd, PERF_EVENT_IOC_DISABLE, 0);
	x->past_hits += read_point(point).hits;
	bpf_link__destroy(point->link);
	point->fd = -1;
}

/* -- which CPUs -- */

static void mark_range(bool *online, size_t nr, unsigned int first, unsigned int last)
{
	for (unsigned int cpu = first; cpu <= last && cpu < nr; cpu++)
		online[cpu] = true;
}

/* "0-3,6" */
static int read_online(bool *online, size_t nr)
{
	FILE *file = fopen(ONLINE_CPUS, "re");
	unsigned int first, last;
	char dash;

	if (!file)
		return -errno;
	memset(online, 0, nr * sizeof(*online));
	while (fscanf(file, "%u%c", &first, &dash) >= 1) {
		last = first;
		if (dash == '-' && fscanf(file, "%u%c", &last, &dash) < 1)
			break;
		mark_range(online, nr, first, last);
	}
	fclose(file);
	return 0;
}

/* -- one group -- */

static void disarm_all(struct vs_exact *x, struct watch *w)
{
	for (size_t cpu = 0; w->points && cpu < x->nr_cpus; cpu++)
		disarm(x, &w->points[cpu]);
	free(w->points);
	w->points = NULL;
}

static int arm_all(struct vs_exact *x, struct watch *w, uint64_t counter)
{
	int err = read_online(x->online, x->nr_cpus);

	w->points = calloc(x->nr_cpus, sizeof(*w->points));
	if (!w->points)
		return -ENOMEM;
	for (size_t cpu = 0; cpu < x->nr_cpus; cpu++)
		w->points[cpu].fd = -1;
	for (size_t cpu = 0; cpu < x->nr_cpus && !err; cpu++)
		if (x->online[cpu])
			err = arm(x, &w->points[cpu], counter, cpu);
	if (err)
		disarm_all(x, w);
	return err;
}

static int set_map(struct vs_exact *x, uint64_t counter, uint64_t group, int iommu_group)
{
	struct vs_watched value = { .group = group, .iommu_group = iommu_group, .on = 1 };

	return bpf_map__update_elem(x->map, &counter, sizeof(counter), &value, sizeof(value),
				    BPF_ANY);
}

static struct watch *watch_of(struct vs_exact *x, uint64_t group)
{
	for (size_t i = 0; i < VS_WATCHES; i++)
		if (x->watches[i].life.group == group)
			return &x->watches[i];
	return NULL;
}

/* Its release, or that of another group in its place, may be a record that we have not read yet. */
static bool has_ended(const struct vs_exact *x, uint64_t group, uint64_t seen_seq)
{
	return __atomic_load_n(&x->ended->last[vs_ended__place(group)].seq, __ATOMIC_SEQ_CST) > seen_seq;
}

/*
 * The programs make records only once every CPU is armed: all or nothing. A group that was released before
 * that is not watched: its memory is something else's by now, and each write to it would be told as a change.
 */
static int set_watch(struct vs_exact *x, struct watch *w, uint64_t counter, uint64_t group,
		     int iommu_group, uint64_t seen_seq)
{
	int err = arm_all(x, w, counter);

	if (!err && has_ended(x, group, seen_seq))
		err = -ESTALE;
	if (!err)
		err = set_map(x, counter, group, iommu_group);
	if (!err && has_ended(x, group, seen_seq)) {
		bpf_map__delete_elem(x->map, &counter, sizeof(counter), 0);
		err = -ESTALE;
	}
	if (err) {
		disarm_all(x, w);
		return err;
	}
	w->life = (struct vs_watch_life){ .group = group, .seen_seq = seen_seq };
	w->counter = counter;
	return 0;
}

static void end_watch(struct vs_exact *x, struct watch *w)
{
	bpf_map__delete_elem(x->map, &w->counter, sizeof(w->counter), 0);
	disarm_all(x, w);
	w->life = (struct vs_watch_life){ 0 };
	w->counter = 0;
}

int vs_exact__watch(struct vs_exact *x, uint64_t counter, uint64_t group, int iommu_group,
		    uint64_t seen_seq)
{
	struct watch *w;

	if (!counter || !group || counter % 4)
		return -EINVAL;
	if (watch_of(x, group))
		return -EEXIST;
	if (vs_releases__since(&x->releases, group, seen_seq))
		return -ESTALE;
	w = watch_of(x, 0);
	return w ? set_watch(x, w, counter, group, iommu_group, seen_seq) : -ENOSPC;
}

int vs_exact__unwatch(struct vs_exact *x, uint64_t group)
{
	struct watch *w = group ? watch_of(x, group) : NULL;

	if (!w)
		return -ENOENT;
	end_watch(x, w);
	return 0;
}

void vs_exact__released(struct vs_exact *x, uint64_t group, uint64_t seq)
{
	struct watch *w = group ? watch_of(x, group) : NULL;

	if (group)
		vs_releases__add(&x->releases, group, seq);
	if (w && w->life.seen_seq < seq)
		end_watch(x, w);
}

void vs_exact__found(struct vs_exact *x, const uint64_t *groups, size_t nr, uint64_t taken_seq,
		     uint64_t taken_ns)
{
	for (size_t i = 0; i < VS_WATCHES; i++) {
		struct watch *w = &x->watches[i];

		if (w->life.group && vs_watch_life__is_over(&w->life, groups, nr, taken_seq, taken_ns))
			end_watch(x, w);
	}
}

void vs_exact__unwatch_all(struct vs_exact *x)
{
	for (size_t i = 0; i < VS_WATCHES; i++)
		if (x->watches[i].life.group)
			end_watch(x, &x->watches[i]);
}

/* -- records -- */

static void fill(struct vs_event *e, const struct vs_write *write)
{
	if (write->has_value) {
		e->refs = write->value;
		e->flags |= VS_F_REFS;
	}
	if (write->direction > 0)
		e->flags |= VS_F_TAKEN;
	else if (write->direction < 0)
		e->flags |= VS_F_DROPPED;
}

bool vs_exact__clean(struct vs_exact *x, const void *data, size_t len,
		     struct vs_stack_event *clean)
{
	const struct vs_raw_change *raw = data;
	struct vs_write write;

	if (len < sizeof(*raw) || raw->s.e.type != VS_CHANGE)
		return false;
	write = vs_write__decode(&raw->trap, raw->s.e.object);
	x->retries += write.kind == VS_WRITE_NO_CHANGE;
	x->unknown += write.kind == VS_WRITE_UNKNOWN || (write.kind == VS_WRITE_CHANGE &&
							 !write.has_value);
	if (write.kind == VS_WRITE_NO_CHANGE)
		return false;
	*clean = raw->s;
	clean->e.size = sizeof(*clean);
	fill(&clean->e, &write);
	return true;
}

/* -- what was not seen -- */

static uint64_t all_hits(const struct vs_exact *x)
{
	uint64_t hits = x->past_hits;

	for (size_t i = 0; i < VS_WATCHES; i++)
		for (size_t cpu = 0; x->watches[i].points && cpu < x->nr_cpus; cpu++)
			hits += read_point(&x->watches[i].points[cpu]).hits;
	return hits;
}

/*
 * perf counts a hit before it looks whether a program may run on that CPU now
 * (bpf_prog_active), so a hit that is skipped shows here, on every kernel.
 */
static uint64_t missed_of(const struct vs_exact *x, uint64_t hits)
{
	uint64_t runs = __atomic_load_n(x->runs, __ATOMIC_RELAXED);

	for (int i = 0; runs < hits && i < IN_FLIGHT_TRIES; i++) {
		usleep(1000);
		runs = __atomic_load_n(x->runs, __ATOMIC_RELAXED);
	}
	return runs < hits ? hits - runs : 0;
}

static void look_at_clocks(struct vs_exact *x)
{
	for (size_t i = 0; i < VS_WATCHES; i++)
		for (size_t cpu = 0; x->watches[i].points && cpu < x->nr_cpus; cpu++) {
			struct point *point = &x->watches[i].points[cpu];

			point->enabled_ns = read_point(point).enabled_ns;
		}
}

static bool covers(const struct vs_exact *x, size_t cpu)
{
	for (size_t i = 0; i < VS_WATCHES; i++) {
		const struct point *point = x->watches[i].points ? &x->watches[i].points[cpu] : NULL;

		if (point && read_point(point).enabled_ns <= point->enabled_ns)
			return false;
	}
	return true;
}

/* The kernel takes an event off a CPU that goes away, and does not put it back when it returns. */
static unsigned int cpus_missing(struct vs_exact *x)
{
	unsigned int nr = 0;

	look_at_clocks(x);
	usleep(1000);
	if (read_online(x->online, x->nr_cpus))
		return 0;
	for (size_t cpu = 0; cpu < x->nr_cpus; cpu++)
		nr += x->online[cpu] && !covers(x, cpu);
	return nr;
}

static bool is_idle(const struct vs_exact *x)
{
	for (size_t i = 0; i < VS_WATCHES; i++)
		if (x->watches[i].life.group)
			return false;
	return true;
}

struct vs_exact_stats vs_exact__stats(struct vs_exact *x)
{
	uint64_t hits = all_hits(x);

	return (struct vs_exact_stats){
		.hits = hits,
		.missed = missed_of(x, hits),
		.retries = x->retries,
		.unknown = x->unknown,
		.cpus_missing = is_idle(x) ? 0 : cpus_missing(x),
	};
}

/* -- room for more -- */

/* Any address in the kernel serves to ask for room: the event is never enabled. */
static int room_of(size_t cpu)
{
	int fds[VS_WATCHES], nr = 0, fd = 0;

	while (nr < VS_WATCHES && (fd = vs_keeper__watchpoint(NULL, VS_KERNEL_SPACE_LAST_PAGE,
						    (int)cpu)) >= 0)
		fds[nr++] = fd;
	for (int i = 0; i < nr; i++)
		close(fds[i]);
	return fd < 0 && fd != -ENOSPC && fd != -EMFILE ? in_our_words(fd) : nr;
}

int vs_exact__room(void)
{
	int nr = libbpf_num_possible_cpus(), least = VS_WATCHES, room;
	bool *online = nr > 0 ? calloc(nr, sizeof(*online)) : NULL;
	int err = online ? read_online(online, nr) : -ENOMEM;

	for (int cpu = 0; cpu < nr && !err; cpu++) {
		room = online[cpu] ? room_of(cpu) : VS_WATCHES;
		err = room < 0 ? room : 0;
		least = room < least ? room : least;
	}
	free(online);
	return err ? err : least;
}

/* -- all -- */

struct vs_exact *vs_exact__new(struct bpf_program *prog, struct bpf_map *watches,
			       const uint64_t *runs, const struct vs_ended *ended)
{
	struct vs_exact *x = calloc(1, sizeof(*x));
	int cpus = libbpf_num_possible_cpus();

	if (!x || cpus <= 0) {
		free(x);
		return NULL;
	}
	x->prog = prog;
	x->map = watches;
	x->runs = runs;
	x->ended = ended;
	x->nr_cpus = cpus;
	x->online = calloc(x->nr_cpus, sizeof(*x->online));
	if (x->online)
		return x;
	free(x);
	return NULL;
}

void vs_exact__use_keeper(struct vs_exact *x, struct vs_keeper *keeper)
{
	x->keeper = keeper;
}

void vs_exact__free(struct vs_exact *x)
{
	if (!x)
		return;
	vs_exact__unwatch_all(x);
	free(x->online);
	free(x);
}
