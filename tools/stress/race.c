// SPDX-License-Identifier: GPL-2.0
#include "race.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sysfs.h"

#define LOOK_NS 5000000
#define MAX_CHILDREN 2
#define END_NS 1000000000ull	/* a child that was told to stop has so long */
#define DEATH_NS 2000000000ull	/* and one that was killed so long to be gone */

struct child {
	pid_t pid;
	bool ended;
	int result;
	char state;		/* where it was when it was given up */
	char stack[2048];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void doze(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
}

struct st_track *st_track__new(void)
{
	struct st_track *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return t == MAP_FAILED ? NULL : t;
}

/* A child dies with the parent, if it can. */
static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

/*
 * A child holds no pipe of ours: a reader must see the end when the parent ends,
 * also when the child never does.
 */
static void become_child(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (int fd = 0; fd <= 2; fd++)
		if (null >= 0)
			dup2(null, fd);
	if (close_range(3, ~0u, 0))	/* before v5.9 */
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
}

static bool all_ended(struct child *children, int nr)
{
	bool all = true;
	int status;

	for (int i = 0; i < nr; i++) {
		struct child *c = &children[i];

		if (!c->ended && waitpid(c->pid, &status, WNOHANG) == c->pid) {
			c->ended = true;
			c->result = WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
		}
		all &= c->ended;
	}
	return all;
}

static void read_stack(pid_t pid, char *buf, size_t size)
{
	char path[40];
	ssize_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, buf, size - 1);
		close(fd);
	}
	buf[len > 0 ? len : 0] = '\0';
}

static char state_of(pid_t pid)
{
	char stat[256];
	const char *rest;

	if (st_read(stat, sizeof(stat), "", "/proc/%d/stat", pid))
		return '?';
	rest = strrchr(stat, ')');
	return rest && rest[1] ? rest[2] : '?';
}

/* Whether all are gone in time. */
static bool kill_all(struct child *children, int nr)
{
	uint64_t start = now_ns();

	for (int i = 0; i < nr; i++)
		if (!children[i].ended)
			kill(children[i].pid, SIGKILL);
	while (!all_ended(children, nr)) {
		if (now_ns() - start > DEATH_NS)
			return false;
		doze();
	}
	return true;
}

/* A remove() may take its time, but who dies of a signal is in no deadlock. */
static int give_up(const struct st_race *r, struct child *children, int nr)
{
	bool late[MAX_CHILDREN] = {}, gone;

	for (int i = 0; i < nr; i++) {
		late[i] = !children[i].ended;
		children[i].state = state_of(children[i].pid);
		read_stack(children[i].pid, children[i].stack, sizeof(children[i].stack));
	}
	gone = kill_all(children, nr);
	for (int i = 0; i < nr; i++)
		if (late[i])
			r->say_late(children[i].pid, children[i].state, children[i].stack,
				    children[i].ended);
	return gone ? ST_RACE_SLOW : ST_RACE_STUCK;
}

static uint64_t progress(const struct st_track *t)
{
	return t ? t->lanes[0].done + t->lanes[1].done : 0;
}

/* Lane 1 of "open" goes round while lane 0 hangs: progress is that of lane 0, if it runs. */
static uint64_t progress_of(const struct st_track *t, const struct child *first)
{
	return t && !first->ended ? t->lanes[0].done : progress(t);
}

static int watch(const struct st_race *r, struct child *children, int nr, struct st_track *track)
{
	uint64_t moved = now_ns(), seen = 0, limit = r->stuck_ns;
	bool stopped = false;

	while (!all_ended(children, nr)) {
		uint64_t now = now_ns(), done = progress_of(track, &children[0]);

		if (done != seen) {
			seen = done;
			moved = now;
		}
		if (track && !stopped && r->interrupted()) {
			track->stop = stopped = true;
			moved = now;
		}
		if (now - moved > limit) {
			if (track && !stopped) {
				/* Who only waits for the other one ends now. */
				track->stop = stopped = true;
				moved = now;
				limit = END_NS;
				continue;
			}
			return give_up(r, children, nr);
		}
		doze();
	}
	return track && r->interrupted() ? -EINTR : 0;
}

static pid_t start_lane(const struct st_step *step, int lane)
{
	uint64_t random = step->seed * 2 + (uint64_t)lane;
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	die_with(parent);
	become_child();
	step->strategy->lanes[lane](step, &random);
	_exit(0);
}

int st_race__run(const struct st_race *r, const struct st_step *step)
{
	struct child children[MAX_CHILDREN] = {};
	int nr = 0;

	memset(step->track, 0, sizeof(*step->track));
	for (; nr < 2; nr++) {
		children[nr].pid = start_lane(step, nr);
		if (children[nr].pid < 0) {
			step->track->stop = true;
			break;
		}
	}
	return watch(r, children, nr, step->track);
}

static void do_work(const struct st_work *w)
{
	int err;

	become_child();
	err = -w->run(w->ctx);
	_exit(err > 0 && err < 256 ? err : err ? 255 : 0);
}

/* What puts things back must not end half-way: it goes on when nobody waits any longer. */
static int wait_for(struct child *child, uint64_t limit_ns)
{
	uint64_t start = now_ns();

	while (!all_ended(child, 1)) {
		if (now_ns() - start > limit_ns)
			return ST_RACE_SLOW;
		doze();
	}
	return 0;
}

int st_race__guarded(const struct st_race *r, const struct st_work *w)
{
	struct st_race patient = *r;
	struct child child = {};
	pid_t parent = getpid();
	int late;

	child.pid = fork();
	if (child.pid < 0)
		return -errno;
	if (!child.pid) {
		if (!w->outlives)
			die_with(parent);
		do_work(w);
	}
	patient.stuck_ns = w->limit_ns;
	late = w->outlives ? wait_for(&child, w->limit_ns) : watch(&patient, &child, 1, NULL);
	return late ? late : child.result;
}
