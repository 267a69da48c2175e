/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file of a recording. A thread of its own writes and syncs, so that a slow disk makes nobody wait:
 * what does not fit into its queue is refused.
 */
#ifndef VFIOSCOPE_RECORD_DISK_H
#define VFIOSCOPE_RECORD_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/reader.h"

struct vs_disk;

/*
 * Opens or creates the file: a ring of @slots slots, or one that grows with 0. A ring is filled with
 * zeroes now, so that it needs no room later. A recording that is there already goes on; @super and
 * @end say what it has, and the ring of a recording that is there keeps its size. NULL with errno and one
 * line in @error: it is something else, has another size, or another process records into it.
 */
struct vs_disk *vs_disk__open(const char *path, uint32_t slots, struct vs_vfr_super *super,
			      struct vs_read_end *end, char *error, size_t size);

/* Starts the thread; until then writes wait. 0 or a negative errno. */
int vs_disk__run(struct vs_disk *d);

/* Queues a write. -EAGAIN: the queue is full. -EIO: an earlier write has failed since the last call. */
int vs_disk__write(void *disk, uint64_t offset, const void *data, size_t len, uint32_t inputs);

/* Queues a sync of all that is queued before it. */
void vs_disk__sync(void *disk);

/* Inputs that were queued and could not be written. */
uint64_t vs_disk__lost(void *disk);

/* Queues a superblock. */
void vs_disk__super(void *disk, const struct vs_vfr_super *super);

/*
 * Writes and syncs what is queued, and closes; *@lost is as of vs_disk__lost(). Returns 0 or the first
 * error of all that was done; NULL is fine.
 */
int vs_disk__close(struct vs_disk *d, uint64_t *lost);

#endif
