/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the kmod_*.c files only. */
#ifndef VFIOSCOPE_KMOD_PRIV_H
#define VFIOSCOPE_KMOD_PRIV_H

#include "vfio/kmod.h"

/* Writes the words to kmod->error and returns `err`. */
__attribute__((format(printf, 3, 4)))
int vs_kmod__fail(struct vs_kmod *kmod, int err, const char *fmt, ...);

/* An ELF image, not compressed; on failure what was filled in is left to the caller to free. */
int vs_kmod__parse_elf(const void *data, size_t len, const char *const *callees,
		       struct vs_kmod *kmod);

/* Adds a copy of `site`, its callee too. */
int vs_kmod__add_site(struct vs_kmod *kmod, const struct vs_kmod_site *site);

/* Sorts by kind, function and offset. Call it when all sites are there. */
void vs_kmod__sort_sites(struct vs_kmod *kmod);

/* `hex` is emptied when the id does not fit. */
void vs_kmod__hex(const uint8_t *bytes, size_t len, char hex[VS_BUILD_ID_HEX]);

#endif
