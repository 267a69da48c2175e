// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dump_priv.h"
#include "core/given.h"
#include "core/info.h"
#include "snapshot/walk.h"
#include "vfio/functions.h"

#define MAX_DEPTH 32		/* control groups inside of each other */

void core_dump__say(struct vs_dump *d, const char *format, ...)
{
	size_t used = strlen(d->words);
	va_list args;

	if (used && used < sizeof(d->words) - 3)
		used += (size_t)snprintf(d->words + used, sizeof(d->words) - used, "; ");
	va_start(args, format);
	vsnprintf(d->words + used, sizeof(d->words) - used, format, args);
	va_end(args);
}

/* -- memory -- */

static int mem_read(void *ctx, uint64_t address, void *buf, size_t len)
{
	return vs_paging__read(ctx, address, buf, len) ? -EFAULT : 0;
}

static void mem_words(void *ctx, const uint64_t *addresses, uint64_t *values, bool *ok, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		values[i] = 0;
		ok[i] = !vs_paging__read(ctx, addresses[i], &values[i], sizeof(values[i]));
	}
}

static bool is_code(void *ctx, uint64_t address)
{
	const struct vs_dump *d = ctx;

	return vs_ksyms__is_code(d->ksyms, address);
}

static bool is_between(const struct vs_dump *d, const char *from, const char *to, uint64_t address)
{
	uint64_t start = vs_ksyms__find(d->ksyms, from);

	return start && address >= start && address < vs_ksyms__find(d->ksyms, to);
}

/* The kernel's in_sched_functions() leaves these addresses out of every stack. */
static bool is_skipped(void *ctx, uint64_t address)
{
	const struct vs_dump *d = ctx;

	return is_between(d, "__sched_text_start", "__sched_text_end", address) ||
	       is_between(d, "__lock_text_start", "__lock_text_end", address);
}

/* -- all of it -- */

static void find_release(struct vs_dump *d)
{
	uint64_t uts = vs_core_image__symbol(&d->image, "init_uts_ns");

	if (vs_core_info__text(d->core.info, "OSRELEASE", d->release, sizeof(d->release)))
		return;
	if (uts && d->more.uts_name >= 0 && d->more.uts_release >= 0)
		vs_walk__string(&d->mem, uts + (uint64_t)(d->more.uts_name + d->more.uts_release), d->release,
				sizeof(d->release));
}

/* If the dump has no table of the kernel's symbols, that of the given file is its table. */
static int read_image(struct vs_dump *d, const char *vmlinux, char *error, size_t size)
{
	int err = vs_core_image__read(&d->paging, &d->image, error, size);

	if (err != -ENOENT || !vmlinux)
		return err;
	err = vs_core_given__symbols(vmlinux, &d->image);
	if (err)
		snprintf(error, size, "neither it nor the file that was given has the kernel's symbols");
	return err;
}

static int read_kernel(struct vs_dump *d, const char *vmlinux, char *error, size_t size)
{
	int err = vs_core_image__paging(&d->core, &d->paging, error, size) ?: read_image(d, vmlinux, error, size) ?:
		  core_dump__types(d, vmlinux, error, size);

	if (err)
		return err;
	find_release(d);
	err = core_dump__symbols(d);
	if (!err)
		d->has_vfio |= vs_ksyms__find(d->ksyms, VS_VFIO_DEVICE_CLOSE) ||
			       vs_ksyms__find(d->ksyms, VS_VFIO_GROUP_CLOSE);
	err = err ?: core_dump__tasks(d);
	if (err)
		snprintf(error, size, "%s", err == -ENOENT || err == -EFAULT ?
			 "its tasks cannot be listed: is all of the kernel's memory in it?" : strerror(-err));
	return err;
}

int vs_dump__open(const char *path, const char *vmlinux, struct vs_dump *d, char *error, size_t size)
{
	int err;

	memset(d, 0, sizeof(*d));
	d->mem = (struct vs_mem){ mem_read, mem_words, &d->paging };
	d->orc = (struct vs_orc){ .mem = &d->mem, .layout = &d->more, .is_code = is_code,
				  .is_skipped = is_skipped, .ctx = d };
	error[0] = '\0';
	err = vs_core__open(path, &d->core, error, size) ?: read_kernel(d, vmlinux, error, size);
	if (!err && d->core.incomplete)
		core_dump__say(d, "the dump is cut off, as it says itself: the disk was full");
	d->incomplete |= d->core.incomplete;
	if (err && !error[0])
		snprintf(error, size, "%s", strerror(-err));
	return err;
}

void vs_dump__close(struct vs_dump *d)
{
	vs_core__close(&d->core);
	vs_core_image__free(&d->image);
	vs_orc__free(&d->orc);
	vs_ksyms__free(d->ksyms);
	free(d->kallsyms);
	free(d->rows);
	free(d->running);
	free(d->torn);
	free(d->tasks);
	memset(d, 0, sizeof(*d));
	d->core.bytes.fd = -1;
}

/* -- what else is known of a process -- */

static uint64_t pointer_at(const struct vs_dump *d, uint64_t base, int offset)
{
	return base && offset >= 0 ? vs_mem__pointer(&d->mem, base + (uint64_t)offset) : 0;
}

/* Its page tables are in the direct map. Pages that were swapped out, or left out of the dump, end it. */
size_t vs_dump__cmdline(struct vs_dump *d, uint64_t mm, char *buf, size_t size)
{
	uint64_t pgd = pointer_at(d, mm, d->more.mm_pgd), physical, at, end;
	struct vs_paging user;
	size_t len = 0, part;

	buf[0] = '\0';
	if (!pgd || vs_paging__find(&d->paging, pgd, &physical, NULL))
		return 0;
	vs_paging__begin(&user, &d->core, physical, d->paging.five_levels, d->paging.not_address);
	at = pointer_at(d, mm, d->more.mm_arg_start);
	end = pointer_at(d, mm, d->more.mm_arg_end);
	for (; at && at < end && len + 1 < size; len += part, at += part) {
		part = VS_CORE_PAGE - at % VS_CORE_PAGE;
		part = part < end - at ? part : (size_t)(end - at);
		part = part < size - 1 - len ? part : size - 1 - len;
		if (vs_paging__read(&user, at, buf + len, part))
			break;
	}
	buf[len] = '\0';
	return len;
}

/* Puts "/@name" before what is in @buf. Returns false if it does not fit. */
static bool prepend(char *buf, size_t size, const char *name)
{
	size_t len = strlen(name), used = strlen(buf);

	if (len + used + 2 > size)
		return false;
	memmove(buf + len + 1, buf, used + 1);
	buf[0] = '/';
	memcpy(buf + 1, name, len);
	return true;
}

void vs_dump__cgroup(struct vs_dump *d, uint64_t task, char *buf, size_t size)
{
	const struct vs_core_layout *l = &d->more;
	uint64_t group = pointer_at(d, pointer_at(d, task, l->task_cgroups), l->css_set_cgroup);
	uint64_t node = pointer_at(d, group, l->cgroup_kn), parent;
	int up = l->kn_parent >= 0 ? l->kn_parent : l->kn_old_parent;
	char name[256];

	buf[0] = '\0';
	for (int i = 0; i < MAX_DEPTH && node; i++, node = parent) {
		parent = pointer_at(d, node, up);
		if (!parent)
			break;
		vs_walk__string(&d->mem, pointer_at(d, node, l->kn_name), name, sizeof(name));
		if (!prepend(buf, size, name))
			break;
	}
}

void vs_dump__file_name(struct vs_dump *d, uint64_t file, char *buf, size_t size)
{
	const struct vs_core_layout *l = &d->more;
	uint64_t entry = l->path_dentry >= 0 && l->file_path >= 0 ?
			 pointer_at(d, file, l->file_path + l->path_dentry) : 0;
	char name[256];

	buf[0] = '\0';
	for (int i = 0; i < 2 && entry && l->dentry_name >= 0 && l->qstr_name >= 0; i++) {
		vs_walk__string(&d->mem, pointer_at(d, entry, l->dentry_name + l->qstr_name), name, sizeof(name));
		if (!strcmp(name, "/") || !prepend(buf, size, name))
			break;
		entry = pointer_at(d, entry, l->dentry_parent);
	}
}
