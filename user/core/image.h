/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel in a dump: where its page tables are, where its image is (KASLR), its symbols. */
#ifndef VFIOSCOPE_CORE_IMAGE_H
#define VFIOSCOPE_CORE_IMAGE_H

#include "code/kallsyms_tables.h"
#include "core/paging.h"

struct vs_core_image {
	uint64_t start;		/* address of its text */
	uint8_t *bytes;		/* what is not in the dump is zero */
	size_t len;
	struct vs_image_syms syms;
};

/*
 * Finds the kernel's page tables by VMCOREINFO, or by the registers that QEMU tells. 0; -EINVAL with a
 * sentence in `error`.
 */
int vs_core_image__paging(struct vs_core *core, struct vs_paging *p, char *error, size_t size);

/*
 * Reads the image and its table of symbols. 0; -ENOENT: no table is in it; -EINVAL: no image; -ENOMEM; with a
 * sentence in `error`. Free it in either case.
 */
int vs_core_image__read(struct vs_paging *p, struct vs_core_image *image, char *error, size_t size);
void vs_core_image__free(struct vs_core_image *image);

/* 0 if there is none. */
uint64_t vs_core_image__symbol(const struct vs_core_image *image, const char *name);

#endif
