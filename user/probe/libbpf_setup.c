// SPDX-License-Identifier: GPL-2.0
#include "probe/libbpf_setup.h"

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

void vs_libbpf__raise_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return;
	limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}
