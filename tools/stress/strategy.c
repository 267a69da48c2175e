// SPDX-License-Identifier: GPL-2.0
#include "strategy.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "random.h"
#include "sysfs.h"

#define DRIVERS "/sys/bus/pci/drivers/"
/* One cycle in four takes up to so much longer: the lanes drift through each other. */
#define JITTER_NS 50000

static void jitter(uint64_t *random)
{
	uint64_t r = random ? st_random(random) : 1;
	struct timespec t = { .tv_nsec = (long)((r >> 8) % JITTER_NS) };

	if (!(r & 3))
		nanosleep(&t, NULL);
}

static bool goes_on(const struct st_step *step, const struct st_lane *own)
{
	return !step->track->stop && own->done < step->cycles;
}

static void note(struct st_lane *lane, int err)
{
	if (err)
		lane->failed++;
}

/* Waits for the other lane. Both meet equally often; false: it is to stop. */
static bool meet(const struct st_step *step, int lane)
{
	uint64_t times = ++step->track->lanes[lane].met;

	while (step->track->lanes[!lane].met < times) {
		if (step->track->stop)
			return false;
		sched_yield();
	}
	return !step->track->stop;
}

static void cycle(const struct st_step *step, struct st_lane *lane, const char *driver,
		  const char *bdf, uint64_t *random)
{
	note(lane, st_write(bdf, step->root, DRIVERS "%s/unbind", driver));
	jitter(random);
	note(lane, st_write(bdf, step->root, DRIVERS "%s/bind", driver));
}

static void cycle_device(const struct st_step *step, uint64_t *random)
{
	struct st_lane *lane = &step->track->lanes[0];

	for (; goes_on(step, lane); lane->done++)
		cycle(step, lane, "vfio-pci", step->device, random);
}

/* As long as the device goes round, and without rest: each notification it causes counts. */
static void cycle_mate(const struct st_step *step, uint64_t *random)
{
	struct st_lane *lane = &step->track->lanes[1];

	(void)random;
	for (; goes_on(step, &step->track->lanes[0]); lane->done++)
		cycle(step, lane, "pci-stub", step->mate, NULL);
}

static int open_group(const struct st_step *step)
{
	char path[ST_PATH];

	if (st_path(path, step->root, "/dev/vfio/%d", step->group))
		return -1;
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Unbind and close at the same moment: either may put the last reference. */
static void unbind_at_close(const struct st_step *step, uint64_t *random)
{
	struct st_lane *lane = &step->track->lanes[0];

	for (; goes_on(step, lane); lane->done++) {
		if (!meet(step, 0) || !meet(step, 0))
			break;
		cycle(step, lane, "vfio-pci", step->device, random);
	}
}

static void close_at_unbind(const struct st_step *step, uint64_t *random)
{
	struct st_lane *lane = &step->track->lanes[1];

	for (; goes_on(step, lane); lane->done++) {
		bool together;
		int fd;

		if (!meet(step, 1))
			break;
		fd = open_group(step);
		note(lane, fd < 0);
		together = meet(step, 1);
		if (together)
			jitter(random);
		if (fd >= 0)
			close(fd);
		if (!together)
			break;
	}
}

/*
 * A second open meets -EBUSY, on its own way out. That opening fails, there or because
 * the group is gone, is not counted.
 */
static void open_twice(const struct st_step *step, uint64_t *random)
{
	int first = open_group(step), second;

	if (first < 0) {
		jitter(random);
		return;
	}
	second = open_group(step);
	close(first);
	if (second >= 0)
		close(second);
}

static void open_and_close(const struct st_step *step, uint64_t *random)
{
	struct st_lane *lane = &step->track->lanes[1];

	for (; goes_on(step, &step->track->lanes[0]); lane->done++)
		open_twice(step, random);
}

static int bring_back(const struct st_step *step)
{
	int err = st_device__rescan(step->root, step->mate);

	return err ? err : st_device__bind(step->root, step->mate, "pci-stub");
}

static void remove_and_rescan(const struct st_step *step, uint64_t *random)
{
	struct st_lane *lane = &step->track->lanes[1];

	for (; goes_on(step, lane); lane->done++) {
		note(lane, st_write("1", step->root, "/sys/bus/pci/devices/%s/remove",
				    step->mate));
		jitter(random);
		note(lane, bring_back(step));
	}
}

const struct st_strategy st_strategies[] = {
	{ "bind", "unbind and bind of %s", true, false, 1, { cycle_device, cycle_mate } },
	{ "close", "close of %s", false, false, 1, { unbind_at_close, close_at_unbind } },
	{ "open", "open and close of %s", false, false, 1, { cycle_device, open_and_close } },
	{ "remove", "remove and rescan of %s", true, true, 10,
	  { cycle_device, remove_and_rescan } },
	{ .name = NULL },
};

const struct st_strategy *st_strategy__find(const char *name, size_t len)
{
	for (const struct st_strategy *s = st_strategies; s->name; s++)
		if (strlen(s->name) == len && !memcmp(s->name, name, len))
			return s;
	return NULL;
}

int st_step__prepare(const struct st_step *step)
{
	int err = st_device__bind(step->root, step->device, "vfio-pci");

	if (err || !step->mate[0])
		return err;
	if (!st_exists(step->root, "/sys/bus/pci/devices/%s", step->mate))
		return bring_back(step);
	return st_device__bind(step->root, step->mate, "pci-stub");
}
