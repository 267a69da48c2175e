// SPDX-License-Identifier: GPL-2.0
#include "kernel/libbpf_setup.h"

#include <stdio.h>
#include <sys/resource.h>

static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int debug_output(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

libbpf_print_fn_t vs_libbpf__quiet(bool debug)
{
	return libbpf_set_print(debug ? debug_output : no_output);
}

/*
 * A hard limit may be fs.nr_open, 2^30 on some hosts: a loop that closes all possible ones would
 * take minutes.
 */
#define ENOUGH_FILES (1 << 20)

static void raise_nofile(void)
{
	struct rlimit limit;
	rlim_t wanted;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	wanted = limit.rlim_max < ENOUGH_FILES ? limit.rlim_max : ENOUGH_FILES;
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void raise_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return;
	limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

void vs_libbpf__raise_limits(void)
{
	raise_memlock();
	raise_nofile();
}
