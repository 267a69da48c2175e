/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files that read formats of dumps only. */
#ifndef VFIOSCOPE_CORE_FILE_PRIV_H
#define VFIOSCOPE_CORE_FILE_PRIV_H

#include <endian.h>
#include <string.h>

#include "core/file.h"

struct vs_core_format {
	/* 1: it is one of these, and has been opened; 0: it is not; negative errno with words. */
	int (*open)(struct vs_core *core, char *error, size_t size);
	/* VS_CORE_PAGE bytes; errors as of vs_core__read(). */
	int (*read_page)(struct vs_core *core, uint64_t pfn, uint8_t *page);
	void (*close)(struct vs_core *core);
};

extern const struct vs_core_format vs_core_elf, vs_core_kdump;

/* Little-endian, as x86 writes them. */
static inline uint32_t core_le32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static inline uint64_t core_le64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* Takes VMCOREINFO and registers from ELF notes. 0 or -ENOMEM; what makes no sense is passed over. */
int vs_core__take_notes(struct vs_core *core, uint64_t at, uint64_t len);

/* Takes that text. 0 or -ENOMEM. */
int vs_core__take_info(struct vs_core *core, uint64_t at, uint64_t len);

#endif
