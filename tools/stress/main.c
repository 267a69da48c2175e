// SPDX-License-Identifier: GPL-2.0
/* vfio-stress: races that make a VFIO with the notifier deadlock hang. See vfio-stress(8). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "one_line.h"
#include "options.h"
#include "race.h"
#include "random.h"
#include "state.h"
#include "sysfs.h"

/* A reset or a firmware may take its time, and nothing is raced meanwhile. */
#define PATIENCE_NS 120000000000ull

struct stress {
	struct st_options opts;
	char state_path[ST_PATH];
	struct st_state before;
	struct st_track *track;
	struct st_race race;
	uint64_t random, start_ns;
	uint64_t steps, cycles, failed;
	bool preparing;		/* the last step had not begun */
	int kmsg;
};

/* A validation that asks for a rest reads the groups' counters meanwhile. */
#define REST_NS 700000000ull

/* The only things that a signal handler can reach. */
static volatile sig_atomic_t stop_signal, rest_wanted;

static void on_signal(int sig)
{
	stop_signal = sig;
}

static void on_rest(int sig)
{
	rest_wanted = sig;
}

static void catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_signal };
	struct sigaction rest = { .sa_handler = on_rest, .sa_flags = SA_RESTART };

	sigaction(SIGURG, &rest, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static bool interrupted(void)
{
	return stop_signal;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int fail(int status, const char *words)
{
	st_say_line(words, NULL);
	return status;
}

/* Out of this process and, for a file, on the disk, before what it warns of. */
static void say(const struct stress *s, const char *line)
{
	struct stat st;

	fputs(line, stdout);
	fflush(stdout);
	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode))
		fdatasync(STDOUT_FILENO);
	if (s->kmsg >= 0 && write(s->kmsg, line, strlen(line)) < 0)
		return;
}

static void say_late(pid_t pid, char state, const char *stack, bool ended)
{
	const char *how = ended ? "slow" : "stuck";

	printf("%s: process %d, state %c\n", how, pid, state);
	for (size_t len; *stack; stack += len + !!stack[len]) {
		len = strcspn(stack, "\n");
		printf("%s:   %.*s\n", how, (int)len, stack);
	}
	fflush(stdout);
}

static uint64_t patience(const struct stress *s)
{
	return s->opts.stuck_ns > PATIENCE_NS ? s->opts.stuck_ns : PATIENCE_NS;
}

/* -- putting back -- */

struct restore_work {
	const struct stress *s;
	const struct st_device *device;
};

static int restore_device(void *ctx)
{
	struct restore_work *w = ctx;

	return st_device__restore(w->s->opts.root, w->device);
}

static void say_not_restored(const struct st_device *device, int err, uint64_t limit_ns)
{
	char words[90];

	if (err == ST_RACE_SLOW) {
		snprintf(words, sizeof(words), "putting %s back takes longer than %llu s and goes on",
			 device->bdf, (unsigned long long)limit_ns / 1000000000);
		st_say_line(words, "vfio-stress --restore finishes it");
		return;
	}
	snprintf(words, sizeof(words), "%s could not be put back", device->bdf);
	st_say_line(words, err == -EXDEV ? "it came back in another IOMMU group" : strerror(-err));
}

/* Where one takes so long, the others wait for the same: they get less time. */
static int restore_all(const struct stress *s, const struct st_state *was)
{
	uint64_t limit_ns = patience(s);
	int result = 0;

	for (size_t i = 0; i < was->nr; i++) {
		struct restore_work work = { s, &was->devices[i] };
		int err = st_race__guarded(&s->race, &(struct st_work){
			restore_device, &work, limit_ns, .outlives = true });

		if (!err)
			continue;
		say_not_restored(&was->devices[i], err, limit_ns);
		result = err;
		if (err == ST_RACE_SLOW)
			limit_ns = s->opts.stuck_ns;
	}
	if (!result)
		unlink(s->state_path);
	return result;
}

/* What a run that was killed has left. 0: nothing is left any more. */
static int restore_earlier(const struct stress *s, bool *found)
{
	struct st_state old;
	int err = st_state__load(s->state_path, &old);

	*found = !err;
	if (err == -ENOENT)
		return ST_EXIT_OK;
	if (err)
		return fail(ST_EXIT_FAILURE, "the file of an earlier run cannot be read; it says "
			    "what the devices were: see --state");
	if (st_state__is_owned(&old))
		return fail(ST_EXIT_REFUSED, "another vfio-stress is running");
	if (restore_all(s, &old))
		return ST_EXIT_FAILURE;
	printf("restored: %zu devices of an earlier run\n", old.nr);
	fflush(stdout);
	return ST_EXIT_OK;
}

/* -- what it runs on -- */

static int read_devices(struct stress *s)
{
	char words[120];

	for (size_t i = 0; i < s->opts.nr; i++) {
		if (st_device__read(s->opts.root, s->opts.bdfs[i], &s->before.devices[i])) {
			snprintf(words, sizeof(words), "there is no device %s", s->opts.bdfs[i]);
			return fail(ST_EXIT_REFUSED, words);
		}
		s->before.nr++;
	}
	return ST_EXIT_OK;
}

static int check_drivers(const struct stress *s)
{
	if (!st_exists(s->opts.root, "/sys/bus/pci/drivers/vfio-pci") ||
	    !st_exists(s->opts.root, "/sys/bus/pci/drivers/pci-stub"))
		return fail(ST_EXIT_REFUSED, "drivers are missing: modprobe vfio-pci pci-stub");
	return ST_EXIT_OK;
}

static int check_devices(struct stress *s)
{
	struct st_guard_opts opts = { s->opts.root, s->opts.any_driver };
	int status = read_devices(s);
	char words[240];

	if (!status &&
	    st_guard__check(&opts, s->before.devices, s->before.nr, words, sizeof(words)))
		status = fail(ST_EXIT_REFUSED, words);
	return status ? status : check_drivers(s);
}

/* The first device of its group is raced, the second is its mate. */
static bool is_first(const struct st_state *b, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (b->devices[i].group == b->devices[at].group)
			return false;
	return true;
}

static const char *mate_of(const struct st_state *b, size_t at)
{
	for (size_t i = at + 1; i < b->nr; i++)
		if (b->devices[i].group == b->devices[at].group)
			return b->devices[i].bdf;
	return "";
}

/* -- steps -- */

/*
 * A function other than 0 that is added to a running host is not yet marked as one of
 * several when its IOMMU group is chosen (pci_scan_slot(), v5.10), and lands in another.
 */
static bool is_function_0(const char *bdf)
{
	return bdf[strlen(bdf) - 1] == '0';
}

static bool is_possible(const struct stress *s, const struct st_strategy *strategy,
			const struct st_step *step)
{
	if (strategy->needs_mate && !*step->mate)
		return false;
	if (strategy->removes && (!s->opts.allow_remove ||
				  (!is_function_0(step->mate) && !is_function_0(step->device))))
		return false;
	for (size_t i = 0; i < s->opts.nr_strategies; i++)
		if (s->opts.strategies[i] == strategy)
			return true;
	return !s->opts.nr_strategies;
}

/*
 * Every other step is a "bind" where it can be: it is what provokes the deadlock first.
 * The others take turns, so that a short run has them all.
 */
static const struct st_strategy *choose(const struct stress *s, const struct st_step *step)
{
	const struct st_strategy *possible[ST_STRATEGIES];
	size_t nr = 0;

	for (const struct st_strategy *it = st_strategies; it->name; it++)
		if (is_possible(s, it, step))
			possible[nr++] = it;
	if (!nr)
		return NULL;
	return s->steps % 2 ? possible[0] : possible[(s->steps / 2 + s->opts.seed) % nr];
}

static uint64_t cycles_of(const struct stress *s, const struct st_strategy *strategy)
{
	uint64_t nr = s->opts.burst / strategy->shorter;
	uint64_t left = s->opts.cycles ? s->opts.cycles - s->cycles : UINT64_MAX;

	nr = nr ? nr : 1;
	return nr < left ? nr : left;
}

static void announce(const struct stress *s, const struct st_step *step)
{
	char group[32], against[100], line[400];

	snprintf(group, sizeof(group), "/dev/vfio/%d", step->group);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(against, sizeof(against), step->strategy->words,
		 step->strategy->needs_mate ? step->mate : group);
#pragma GCC diagnostic pop
	snprintf(line, sizeof(line),
		 "step %llu: if this is the last line you see, the host hung in "
		 "step %llu: %s: unbind and bind of %s against %s, %llu times\n",
		 (unsigned long long)s->steps, (unsigned long long)s->steps, step->strategy->name,
		 step->device, against, (unsigned long long)step->cycles);
	say(s, line);
}

static int prepare(void *ctx)
{
	return st_step__prepare(ctx);
}

/* Between two steps, when no task of ours is in the kernel. It ends by itself, whoever asked. */
static void rest_if_wanted(void)
{
	if (!rest_wanted)
		return;
	rest_wanted = 0;
	nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
}

static int run_step(struct stress *s, const struct st_device *device, const char *mate)
{
	struct st_step step = {
		.root = s->opts.root,
		.device = device->bdf,
		.mate = mate,
		.group = device->group,
		.track = s->track,
	};
	int err;

	rest_if_wanted();
	s->steps++;
	step.strategy = choose(s, &step);
	if (!step.strategy)
		return -ENOTSUP;
	if (step.strategy->removes && !is_function_0(step.mate)) {
		step.mate = device->bdf;
		step.device = mate;
	}
	step.seed = st_random(&s->random);
	step.cycles = cycles_of(s, step.strategy);
	announce(s, &step);
	err = st_race__guarded(&s->race, &(struct st_work){ prepare, &step, patience(s), false });
	s->preparing = err;
	if (!err)
		err = st_race__run(&s->race, &step);
	s->cycles += s->track->lanes[0].done;
	s->failed += s->track->lanes[0].failed + s->track->lanes[1].failed;
	return err;
}

static bool is_over(const struct stress *s)
{
	return stop_signal || (s->opts.cycles && s->cycles >= s->opts.cycles) ||
	       (s->opts.duration_ns && now_ns() - s->start_ns >= s->opts.duration_ns);
}

static int run_steps(struct stress *s)
{
	const struct st_state *b = &s->before;
	int err = 0;

	s->start_ns = now_ns();
	while (!err && !is_over(s))
		for (size_t i = 0; i < b->nr && !err && !is_over(s); i++)
			if (is_first(b, i))
				err = run_step(s, &b->devices[i], mate_of(b, i));
	return err == -EINTR ? 0 : err;
}

static void say_end(const struct stress *s, const char *how)
{
	char line[200];

	snprintf(line, sizeof(line), "%s: %llu cycles in %llu steps, %llu refused by the kernel, "
		 "%.1f s, seed %llu\n", how, (unsigned long long)s->cycles,
		 (unsigned long long)s->steps, (unsigned long long)s->failed,
		 (double)(now_ns() - s->start_ns) / 1e9, (unsigned long long)s->opts.seed);
	say(s, line);
}

static void say_slow(const struct stress *s)
{
	uint64_t limit_ns = s->preparing ? patience(s) : s->opts.stuck_ns;
	char words[100];

	snprintf(words, sizeof(words), "%s took longer than %llu s%s, but could be ended",
		 s->preparing ? "getting ready for a step" : "an unbind or bind",
		 (unsigned long long)limit_ns / 1000000000, s->preparing ? "" : " (--stuck-after)");
	fail(0, words);
}

static void say_why(const struct stress *s, int err)
{
	if (err == ST_RACE_SLOW)
		say_slow(s);
	else if (err == -ENOTSUP)
		fail(0, "none of these strategies is possible with these devices");
	else if (err)
		st_say_line("a step failed", strerror(-err));
}

/* Why it failed is the last line: the one that others show. */
static int conclude(struct stress *s, int err)
{
	if (err == ST_RACE_STUCK) {
		say_end(s, "stuck");
		st_say_line("a task hangs in the kernel, killed or not; its devices are left as they are",
			    "only a reboot ends a deadlock; should it end by itself, use --restore");
		return ST_EXIT_STUCK;
	}
	if (restore_all(s, &s->before)) {
		say_why(s, err);
		return ST_EXIT_FAILURE;
	}
	say_end(s, stop_signal ? "interrupted" : err ? "failed" : "done");
	say_why(s, err);
	return err ? ST_EXIT_FAILURE : stop_signal ? 128 + stop_signal : ST_EXIT_OK;
}

static int stress(struct stress *s)
{
	int err, status = check_devices(s);

	if (status)
		return status;
	s->track = st_track__new();
	if (!s->track)
		return fail(ST_EXIT_FAILURE, strerror(errno));
	err = st_state__save(s->state_path, &s->before);
	if (err == -EEXIST)
		return fail(ST_EXIT_REFUSED, "another vfio-stress is running");
	if (err) {
		st_say_line(s->state_path, strerror(-err));
		return ST_EXIT_FAILURE;
	}
	return conclude(s, run_steps(s));
}

static int set_up(struct stress *s)
{
	s->race = (struct st_race){ s->opts.stuck_ns, interrupted, say_late };
	s->random = s->opts.seed;
	if (s->opts.state && strlen(s->opts.state) >= sizeof(s->state_path))
		return fail(ST_EXIT_USAGE, "--state is too long");
	if (s->opts.state)
		strcpy(s->state_path, s->opts.state);
	else if (st_path(s->state_path, s->opts.root, "/run/vfio-stress.state"))
		return fail(ST_EXIT_USAGE, "--root is too long");
	s->kmsg = s->opts.kmsg ? open("/dev/kmsg", O_WRONLY | O_CLOEXEC) : -1;
	return ST_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct stress s = {};
	int status = st_options__parse(&s.opts, argc, argv);
	bool found = false;

	if (status)
		return status - 1;
	catch_signals();
	status = set_up(&s);
	if (!status)
		status = restore_earlier(&s, &found);
	if (!status && s.opts.restore)
		return found ? status : (puts("nothing to restore"), status);
	return status ? status : stress(&s);
}
