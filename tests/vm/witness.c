// SPDX-License-Identifier: GPL-2.0
/*
 * Says when some words were in a file, by a clock of its own: waits for each change of
 * FILE and prints "seen SECONDS" of CLOCK_MONOTONIC as soon as WORDS are in it. With "reset"
 * the machine is reset in that moment, with nothing written back.
 *
 * Then "stall FROM TO" for each time in which a processor of the guest stood still, because
 * the machine had others to run: a task of a real-time priority on each of them, which does
 * nothing but look at the clock every two milliseconds, came more than one too late. It sees
 * nothing of what keeps an ordinary task from its processor.
 *
 * usage: witness FILE WORDS [reset]
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 2000000ll
#define LATE_NS 1000000ll
#define STALLS 4096

struct stall {
	long long from, to;
};

/* Of one processor; the newest ones are kept. */
struct metronome {
	pthread_t thread;
	int cpu;
	unsigned int nr;
	struct stall stalls[STALLS];
};

static char text[4 << 20];

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int become_real_time(int cpu)
{
	struct sched_param priority = { .sched_priority = 50 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) || sched_setscheduler(0, SCHED_FIFO, &priority);
}

static void *beat(void *arg)
{
	struct metronome *m = arg;
	long long due, at;

	if (become_real_time(m->cpu)) {
		perror("a real-time task");
		exit(1);
	}
	for (due = now() + TICK_NS;; due += TICK_NS) {
		struct timespec t = { due / 1000000000ll, due % 1000000000ll };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		at = now();
		if (at - due <= LATE_NS)
			continue;
		m->stalls[m->nr++ % STALLS] = (struct stall){ due, at };
		due = at;
	}
	return NULL;
}

static struct metronome *begin(int nr)
{
	struct metronome *all = calloc((size_t)nr, sizeof(*all));

	for (int i = 0; all && i < nr; i++) {
		all[i].cpu = i;
		if (pthread_create(&all[i].thread, NULL, beat, &all[i]))
			return NULL;
	}
	return all;
}

static void print_stalls(const struct metronome *all, int nr)
{
	for (int i = 0; i < nr; i++) {
		for (unsigned int k = 0; k < all[i].nr && k < STALLS; k++)
			printf("stall %.9f %.9f\n", (double)all[i].stalls[k].from / 1e9,
			       (double)all[i].stalls[k].to / 1e9);
	}
}

/* has_words: reads what has come since, into text */
static int has_words(int fd, const char *words)
{
	static size_t len, looked;
	ssize_t got;

	while (len < sizeof(text) - 1 && (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	if (strstr(text + looked, words))
		return 1;
	looked = len > strlen(words) ? len - strlen(words) : 0;
	return 0;
}

static int reset(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	return fd < 0 || write(fd, "b", 1) != 1;
}

/* wait_for_words: 0 as soon as they are in the file */
static int wait_for_words(const char *file, const char *words)
{
	int fd = open(file, O_RDONLY), watch = inotify_init();
	char changes[4096];

	if (fd < 0 || watch < 0 || inotify_add_watch(watch, file, IN_MODIFY) < 0) {
		perror(file);
		return 1;
	}
	while (!has_words(fd, words)) {
		if (read(watch, changes, sizeof(changes)) < 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct metronome *all;
	long long seen;

	if (argc < 3) {
		fprintf(stderr, "usage: witness FILE WORDS [reset]\n");
		return 2;
	}
	all = begin(cpus);
	if (!all || wait_for_words(argv[1], argv[2]))
		return 1;
	if (argc > 3)
		return reset();
	seen = now();
	printf("seen %.9f\n", (double)seen / 1e9);
	print_stalls(all, cpus);
	return 0;
}
