/* SPDX-License-Identifier: GPL-2.0 */
/* Unpacks the kernel in a vmlinuz: x86's bzImage, EFI zboot, or a packed Image. */
#ifndef VFIOSCOPE_BOOT_IMAGE_H
#define VFIOSCOPE_BOOT_IMAGE_H

#include <stdbool.h>

#include "code/unpack.h"

/* Returns true if this image has to be unpacked, by its header. */
bool vs_boot_image__is_packed(const void *data, size_t len);

/*
 * Unpacks into *out; `compression` as vs_unpack__packed_with() says. 0; -ENOEXEC, -EFBIG,
 * -ENOMEM, with words in out->error.
 */
int vs_boot_image__unpack(const void *data, size_t len, struct vs_unpack *out,
			  const char **compression);

/* Returns true for aarch64's Image that is not packed. */
bool vs_boot_image__is_raw_aarch64(const void *data, size_t len);

#endif
