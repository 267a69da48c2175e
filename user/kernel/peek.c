// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/btf_file.h"
#include "kernel/peek.h"
/* The skeleton has a row of stacks.h as its memory. */
#include "kernel/libbpf_setup.h"
#include "snapshot_bpf.skel.h"

#define MAX_TASKS (1 << 22)	/* PID_MAX_LIMIT of 64-bit kernels */

struct vs_peek {
	struct snapshot_bpf *skel;
	struct vs_peek_area *area;
	int words_fd, block_fd;
	uint64_t lowest;	/* no address of the kernel is below it */
};

/*
 * The kernel judges an address by the width that the processor has. Where that is 57 bits and the kernel uses 48
 * (no5lvl), words between those widths get through, and the fault is a WARN in its log (5.10). So the
 * width is taken from an object of the kernel: with 57 bits its direct map lies below the half of 48 bits.
 */
static uint64_t lowest_by(uint64_t object)
{
#ifdef __x86_64__
	return object >= 0xffff800000000000ull ? 0xffff800000000000ull : 0xff00000000000000ull;
#else
	(void)object;
	return 1;
#endif
}

static int load(struct vs_peek *peek)
{
	libbpf_print_fn_t before = vs_libbpf__quiet(false);
	struct bpf_object_open_opts opts;
	int err = 0;

	vs_libbpf__raise_limits();
	vs_btf_file__open_opts(&opts);
	peek->skel = snapshot_bpf__open_opts(&opts);
	if (!peek->skel)
		err = -errno;
	else
		err = snapshot_bpf__load(peek->skel);
	libbpf_set_print(before);
	if (err)
		return err == -EACCES ? -EPERM : err;
	peek->area = &peek->skel->bss->area;
	peek->words_fd = bpf_program__fd(peek->skel->progs.peek_words);
	peek->block_fd = bpf_program__fd(peek->skel->progs.peek_block);
	return 0;
}

static int run(int fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(fd, &opts) ? -errno : 0;
}

/* One read of something that is surely there: the kernel may forbid all of them. */
static int try_out(struct vs_peek *peek)
{
	struct vs_task_row *rows;
	uint64_t word;
	size_t nr, i;
	int err = -EACCES;

	rows = vs_peek__tasks(peek, &nr);
	if (!rows)
		return -errno;
	for (i = 0; i < nr && err; i++) {
		if (!rows[i].files)
			continue;
		peek->lowest = lowest_by(rows[i].files);
		err = vs_peek__read(peek, rows[i].files, &word, sizeof(word)) ? -EACCES : 0;
	}
	free(rows);
	return err;
}

struct vs_peek *vs_peek__new(void)
{
	struct vs_peek *peek = calloc(1, sizeof(*peek));
	int err = peek ? load(peek) : -ENOMEM;

	if (!err)
		err = try_out(peek);
	if (err) {
		vs_peek__free(peek);
		errno = -err;
		return NULL;
	}
	return peek;
}

void vs_peek__free(struct vs_peek *peek)
{
	if (!peek)
		return;
	snapshot_bpf__destroy(peek->skel);
	free(peek);
}

static bool may_be_of_kernel(const struct vs_peek *peek, uint64_t address)
{
	return address >= peek->lowest;
}

static int read_block(struct vs_peek *peek, uint64_t address, void *buf, size_t len)
{
	peek->area->block_address = address;
	peek->area->block_len = len;
	peek->area->block_error = -EFAULT;
	if (!may_be_of_kernel(peek, address) || run(peek->block_fd) || peek->area->block_error)
		return -EFAULT;
	memcpy(buf, peek->area->block, len);
	return 0;
}

int vs_peek__read(struct vs_peek *peek, uint64_t address, void *buf, size_t len)
{
	size_t done, part;

	for (done = 0; done < len; done += part) {
		part = len - done < VS_PEEK_BLOCK ? len - done : VS_PEEK_BLOCK;
		if (read_block(peek, address + done, (char *)buf + done, part))
			return -EFAULT;
	}
	return 0;
}

static void read_words(struct vs_peek *peek, const uint64_t *addresses, uint64_t *values,
		       bool *ok, size_t nr)
{
	struct vs_peek_area *area = peek->area;
	bool ran;

	for (size_t i = 0; i < nr; i++)
		area->addresses[i] = may_be_of_kernel(peek, addresses[i]) ? addresses[i] : 0;
	area->nr_words = nr;
	ran = !run(peek->words_fd);
	memcpy(values, area->values, nr * sizeof(*values));
	for (size_t i = 0; i < nr; i++)
		ok[i] = ran && area->addresses[i] && !area->errors[i];
}

void vs_peek__words(struct vs_peek *peek, const uint64_t *addresses, uint64_t *values, bool *ok,
		    size_t nr)
{
	for (size_t i = 0; i < nr; i += VS_PEEK_WORDS)
		read_words(peek, addresses + i, values + i, ok + i,
			   nr - i < VS_PEEK_WORDS ? nr - i : VS_PEEK_WORDS);
}

static int mem_read(void *ctx, uint64_t address, void *buf, size_t len)
{
	return vs_peek__read(ctx, address, buf, len);
}

static void mem_words(void *ctx, const uint64_t *addresses, uint64_t *values, bool *ok, size_t nr)
{
	vs_peek__words(ctx, addresses, values, ok, nr);
}

struct vs_mem vs_peek__mem(struct vs_peek *peek)
{
	return (struct vs_mem){ mem_read, mem_words, peek };
}

/* Whole rows only come at the end: a read may cut one. */
static int read_rows(int fd, size_t size, char **rows, size_t *nr)
{
	size_t len = 0, room = 0;
	char *grown;
	ssize_t got;

	do {
		if (room - len < (1 << 14)) {
			room = 2 * room + (1 << 16);
			grown = realloc(*rows, room);
			if (!grown)
				return -ENOMEM;
			*rows = grown;
		}
		got = read(fd, *rows + len, room - len);
		len += got > 0 ? got : 0;
	} while ((got > 0 || (got < 0 && errno == EAGAIN)) && len < MAX_TASKS * size);
	*nr = len / size;
	return got < 0 ? -errno : 0;
}

static int list(struct bpf_program *iterator, size_t size, char **rows, size_t *nr)
{
	struct bpf_link *link = bpf_program__attach_iter(iterator, NULL);
	int fd, err;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : read_rows(fd, size, rows, nr);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

static void *list_or_null(struct bpf_program *iterator, size_t size, size_t *nr)
{
	char *rows = NULL;
	int err = list(iterator, size, &rows, nr);

	if (!err)
		return rows;
	free(rows);
	errno = -err;
	return NULL;
}

struct vs_task_row *vs_peek__tasks(struct vs_peek *peek, size_t *nr)
{
	return list_or_null(peek->skel->progs.tasks, sizeof(struct vs_task_row), nr);
}

struct vs_stack_row *vs_peek__stacks(struct vs_peek *peek, size_t *nr)
{
	sched_yield();	/* we get a CPU anew: the "now" of the rows is now */
	return list_or_null(peek->skel->progs.stacks, sizeof(struct vs_stack_row), nr);
}

int vs_peek__anonymous_fd(const struct vs_peek *peek)
{
	return peek->words_fd;
}
