/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads bytes of a dump at a place: of a file, or of memory (tests). It puts a dump that makedumpfile or
 * QEMU wrote as a stream (flattened) in order.
 */
#ifndef VFIOSCOPE_CORE_BYTES_H
#define VFIOSCOPE_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_core_piece {
	uint64_t at;		/* where in the dump its bytes belong */
	uint64_t len;
	uint64_t from;		/* where in the stream they are */
};

struct vs_core_bytes {
	int fd;			/* -1: in memory */
	const uint8_t *memory;
	uint64_t len;		/* of the file or the memory */
	struct vs_core_piece *pieces; /* of a stream, by place; NULL: the bytes are in order */
	size_t nr_pieces;
};

/*
 * Opens a regular file. 0 or a negative errno; -EFBIG: a stream of more pieces than fit in memory. Close it with
 * vs_core_bytes__close() in either case.
 */
int vs_core_bytes__open(const char *path, struct vs_core_bytes *b);

/* The same of bytes in memory, which the caller keeps. */
int vs_core_bytes__of(const void *memory, size_t len, struct vs_core_bytes *b);
void vs_core_bytes__close(struct vs_core_bytes *b);

/* All of it; -ENODATA: the file ends before that, or the stream has a hole there; -EIO. */
int vs_core_bytes__read(const struct vs_core_bytes *b, uint64_t at, void *buf, size_t len);

#endif
