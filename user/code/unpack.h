/* SPDX-License-Identifier: GPL-2.0 */
/* Reads files as they are, and unpacks them; never more than a given number of bytes. */
#ifndef VFIOSCOPE_UNPACK_H
#define VFIOSCOPE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#define VS_UNPACK_MODULE ((size_t)256 << 20)	/* bytes; the largest modules have some 50 MiB */
#define VS_UNPACK_IMAGE	((size_t)512 << 20)	/* a kernel in its boot image has some 100 MiB */
#define VS_UNPACK_KERNEL ((size_t)1 << 30)	/* a vmlinux with debug info: 700 MiB */

/* Growing bytes. Start with all zero but `max`. */
struct vs_unpack {
	size_t max;		/* bytes, never exceeded */
	uint8_t *bytes;
	size_t len, cap;
	char error[160];	/* words for the last failure, one line */
};

/* "xz", "zstd", "gzip", "lz4", "bzip2", "lzma", by the first bytes; NULL for others. */
const char *vs_unpack__packed_with(const void *data, size_t len);

/*
 * Appends what is packed in `data`. 0; -ENOEXEC for damaged data, -EFBIG, -ENOMEM,
 * with words in u->error.
 */
int vs_unpack__bytes(struct vs_unpack *u, const void *data, size_t len);

/* Appends the bytes of a regular file, not unpacked. 0 or a negative errno, as above. */
int vs_unpack__read(struct vs_unpack *u, const char *path);

void vs_unpack__free(struct vs_unpack *u);

#endif
