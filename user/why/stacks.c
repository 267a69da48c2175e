// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "why/stacks.h"
#include "stacks_bpf.skel.h"

#define MAX_TASKS (1 << 22)	/* PID_MAX_LIMIT of 64-bit kernels */

static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Before v5.11 maps are charged to this limit. Only ever raised. */
static void raise_memlock(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &limit);
}

static struct stacks_bpf *load(void)
{
	libbpf_print_fn_t before = libbpf_set_print(no_output);
	struct stacks_bpf *skel;
	int err;

	raise_memlock();
	skel = stacks_bpf__open_and_load();
	err = skel ? 0 : errno;
	libbpf_set_print(before);
	errno = err == EACCES ? EPERM : err;
	return skel;
}

/* Whole rows only come at the end: a read may cut one. */
static int read_rows(int fd, struct vs_stack_row **rows, size_t *nr)
{
	size_t len = 0, room = 0;
	ssize_t got;
	char *grown;

	do {
		if (room - len < (1 << 16)) {
			room = 2 * room + (1 << 18);
			grown = realloc(*rows, room);
			if (!grown)
				return -ENOMEM;
			*rows = (void *)grown;
		}
		got = read(fd, (char *)*rows + len, room - len);
		len += got > 0 ? got : 0;
	} while ((got > 0 || (got < 0 && errno == EAGAIN)) && len < MAX_TASKS * sizeof(**rows));
	*nr = len / sizeof(**rows);
	return got < 0 ? -errno : 0;
}

static int run(struct stacks_bpf *skel, struct vs_stack_row **rows, size_t *nr)
{
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.stacks, NULL);
	int fd, err;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	sched_yield();	/* we get a CPU anew: the rows' "now" is now */
	err = fd < 0 ? -errno : read_rows(fd, rows, nr);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

struct vs_stack_row *vs_stacks__read(size_t *nr)
{
	struct stacks_bpf *skel = load();
	struct vs_stack_row *rows = NULL;
	int err;

	if (!skel)
		return NULL;
	err = run(skel, &rows, nr);
	stacks_bpf__destroy(skel);
	if (!err)
		return rows;
	free(rows);
	errno = -err;
	return NULL;
}
