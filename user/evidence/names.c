// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/names.h"
#include "kernel/kallsyms.h"
#include "vfio/functions.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define BUCKETS 4096

struct vs_why_names {
	struct vs_ksyms *ksyms;
	uint64_t symbols[VS_SYMS];
	struct entry {
		struct entry *next;
		struct vs_why_name name;
	} *buckets[BUCKETS];
};

/* -- what a frame means -- */

static const struct {
	const char *function;
	unsigned int flag;
} meanings[] = {
	{ "blocking_notifier_chain_unregister", VS_FRAME_CHAIN },
	{ "blocking_notifier_chain_register", VS_FRAME_CHAIN },
	{ "blocking_notifier_chain_cond_register", VS_FRAME_CHAIN },
	{ "blocking_notifier_chain_register_unique_prio", VS_FRAME_CHAIN },
	{ "blocking_notifier_call_chain", VS_FRAME_CALL },
	{ "blocking_notifier_call_chain_robust", VS_FRAME_CALL },
	{ "__device_release_driver", VS_FRAME_DRIVER },
	{ "device_release_driver_internal", VS_FRAME_DRIVER },
	{ "device_driver_detach", VS_FRAME_DRIVER },
	{ "device_driver_attach", VS_FRAME_DRIVER },
	{ "driver_detach", VS_FRAME_DRIVER },
	{ "really_probe", VS_FRAME_DRIVER },
	{ "__driver_attach", VS_FRAME_DRIVER },
	{ "__device_attach", VS_FRAME_DRIVER },
	{ "unbind_store", VS_FRAME_DRIVER },
	{ "bind_store", VS_FRAME_DRIVER },
	{ "remove_store", VS_FRAME_DRIVER },
	{ "rescan_store", VS_FRAME_DRIVER },
	{ "sriov_numvfs_store", VS_FRAME_DRIVER },
	{ "device_del", VS_FRAME_DRIVER },
	{ "down_read", VS_FRAME_RWSEM },
	{ "down_read_interruptible", VS_FRAME_RWSEM },
	{ "down_read_killable", VS_FRAME_RWSEM },
	{ "down_write", VS_FRAME_RWSEM },
	{ "down_write_killable", VS_FRAME_RWSEM },
	{ "rwsem_down_read_slowpath", VS_FRAME_RWSEM },
	{ "rwsem_down_write_slowpath", VS_FRAME_RWSEM },
	{ "rwbase_read_lock", VS_FRAME_RWSEM | VS_FRAME_LOCK },
	{ "__rwbase_read_lock", VS_FRAME_RWSEM | VS_FRAME_LOCK },
	{ "rwbase_write_lock", VS_FRAME_RWSEM | VS_FRAME_LOCK },
	{ "rt_mutex_slowlock", VS_FRAME_LOCK },
	{ "rt_mutex_slowlock_block", VS_FRAME_LOCK },
	{ "__rt_mutex_slowlock", VS_FRAME_LOCK },
	{ "__rt_mutex_slowlock_locked", VS_FRAME_LOCK },
	{ "__rt_mutex_lock", VS_FRAME_LOCK },
	{ "rtlock_slowlock", VS_FRAME_LOCK },
	{ "rtlock_slowlock_locked", VS_FRAME_LOCK },
	{ "rt_spin_lock", VS_FRAME_LOCK },
	{ "mutex_lock", VS_FRAME_LOCK },
	{ "mutex_lock_interruptible", VS_FRAME_LOCK },
	{ "mutex_lock_killable", VS_FRAME_LOCK },
	{ "__mutex_lock", VS_FRAME_LOCK },
	{ "down", VS_FRAME_SEMAPHORE },
	{ "down_interruptible", VS_FRAME_SEMAPHORE },
	{ "down_killable", VS_FRAME_SEMAPHORE },
	{ "down_timeout", VS_FRAME_SEMAPHORE },
};

unsigned int vs_frame__flags(const char *frame)
{
	bool vfio = strstr(frame, "[vfio") || !strncmp(frame, "vfio_", 5);
	bool iommufd = strstr(frame, "[iommufd]") || !strncmp(frame, "iommufd_", 8);
	unsigned int flags = (vfio ? VS_FRAME_VFIO : 0) | (iommufd ? VS_FRAME_IOMMUFD : 0);
	size_t len = strcspn(frame, "+. ");

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (*meanings[i].function == *frame && !strncmp(frame, meanings[i].function, len) &&
		    !meanings[i].function[len])
			flags |= meanings[i].flag;
	return flags;
}

/* -- the table -- */

/* Keeps the text for both passes over it: the kernel takes longer to make it than this process to read it. */
static char *read_all(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL, *grown;
	size_t room = 0;
	ssize_t got = 1;

	for (*len = 0; fd >= 0 && got > 0; *len += got > 0 ? got : 0) {
		if (room - *len < (1 << 16)) {
			room = 2 * room + (8 << 20);
			grown = realloc(text, room);
			if (!grown)
				break;
			text = grown;
		}
		got = read(fd, text + *len, room - *len);
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static const char *const symbol_names[VS_SYMS] = {
	[VS_SYM_NOTIFIER] = VS_VFIO_NOTIFIER,
	[VS_SYM_PUT_BG] = VS_VFIO_DEFERRED,
	[VS_SYM_SYSTEM_WQ] = "system_wq",
	[VS_SYM_DIRECT_MAP] = "page_offset_base", /* x86_64 */
	[VS_SYM_FPUT] = "____fput",
	[VS_SYM_WORK_RUN] = "task_work_run",
	[VS_SYM_PUT_FILES] = "put_files_struct",
	[VS_SYM_SOCK_CLOSE] = "sock_close",
	[VS_SYM_RING_RELEASE] = "io_uring_release",
};

static void find_symbols(struct vs_why_names *n)
{
	for (int i = 0; i < VS_SYMS; i++)
		n->symbols[i] = vs_ksyms__find(n->ksyms, symbol_names[i]);
}

uint64_t vs_why_names__part(const struct vs_why_names *n, enum vs_why_symbol symbol)
{
	return vs_ksyms__find_part(n->ksyms, symbol_names[symbol]);
}

struct vs_why_names *vs_why_names__of_text(const char *text, size_t len)
{
	struct vs_why_names *n = calloc(1, sizeof(*n));
	FILE *file = n && text && len ? fmemopen((void *)text, len, "r") : NULL;
	int err = file ? 0 : ENOENT;

	if (file) {
		n->ksyms = vs_ksyms__read(file);
		err = n->ksyms ? 0 : errno;
		if (!err)
			find_symbols(n);
		fclose(file);
	}
	if (!err)
		return n;
	free(n);
	errno = err;
	return NULL;
}

struct vs_why_names *vs_why_names__read(void)
{
	size_t len;
	char *text = read_all("/proc/kallsyms", &len);
	struct vs_why_names *n = vs_why_names__of_text(text, len);
	int err = errno;

	free(text);
	errno = err;
	return n;
}

void vs_why_names__free(struct vs_why_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = n->buckets[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	vs_ksyms__free(n->ksyms);
	free(n);
}

static struct entry *add(struct vs_why_names *n, struct entry **bucket, uint64_t address)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->name.address = address;
	if (!vs_ksyms__lookup(n->ksyms, address, e->name.text, sizeof(e->name.text)))
		snprintf(e->name.text, sizeof(e->name.text), "0x%" PRIx64, address);
	e->name.flags = vs_frame__flags(e->name.text);
	e->next = *bucket;
	*bucket = e;
	return e;
}

const struct vs_why_name *vs_why_names__of(struct vs_why_names *n, uint64_t address)
{
	struct entry **bucket = &n->buckets[(address ^ address >> 12) % BUCKETS];
	struct entry *e = *bucket;

	while (e && e->name.address != address)
		e = e->next;
	e = e ?: add(n, bucket, address);
	return e ? &e->name : NULL;
}

bool vs_why_names__is_code(const struct vs_why_names *n, uint64_t address)
{
	return vs_ksyms__is_code(n->ksyms, address);
}

uint64_t vs_why_names__symbol(const struct vs_why_names *n, enum vs_why_symbol symbol)
{
	return n->symbols[symbol];
}
