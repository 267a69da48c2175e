// SPDX-License-Identifier: GPL-2.0
/*
 * kdump-compressed: block 0 a header, block 1 a sub-header, then two bitmaps of page frames (those
 * that there are, those that are in the dump), then a descriptor for each of the latter, in their order, then the
 * pages, each packed on its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "core/file_priv.h"

#define SIGNATURE "KDUMP   "
#define HEADER_SIZE 464		/* of a 64-bit machine, up to the number of its CPUs */
#define HEADER_VERSION 8
#define HEADER_MACHINE (12 + 4 * 65)
#define HEADER_STATUS 424
#define HEADER_BLOCK 428
#define HEADER_SUB_BLOCKS 432
#define HEADER_BITMAP_BLOCKS 436
#define HEADER_PAGES 440
#define SUB_SIZE 104
#define SUB_LEVEL 8
#define SUB_SPLIT 12
#define SUB_INFO 32		/* from version 3 on */
#define SUB_NOTES 48		/* 4 */
#define SUB_PAGES 96		/* 6 */
#define STATUS_INCOMPLETE 8
#define LEVEL_ZERO 1		/* pages that are all zero were left out */

#define PACKED_ZLIB 1
#define PACKED_LZO 2
#define PACKED_SNAPPY 4
#define PACKED_ZSTD 32

#define BLOCK_PAGES (VS_CORE_PAGE * 8)	/* page frames of one block of a bitmap */
#define MAX_BITMAP_BLOCKS (1u << 20)	/* 128 TiB of memory, and 8 MiB of sums */
#define DESCRIPTOR 24
#define MAX_PACKED (2 * VS_CORE_PAGE)

struct kdump {
	uint64_t there, dumped;	/* where the bitmaps are */
	uint64_t descriptors;
	uint64_t nr_pages;
	uint64_t *before;	/* how many pages are in the dump before each block of the bitmap */
	bool zeros;
	uint8_t packed[MAX_PACKED];
	uint64_t block_of, there_of;	/* which block of each bitmap is below, + 1 */
	uint8_t block[VS_CORE_PAGE], there_block[VS_CORE_PAGE];
};

static unsigned int count(const uint8_t *bytes, size_t len)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < len; i++)
		nr += (unsigned int)__builtin_popcount(bytes[i]);
	return nr;
}

/* Sums are taken once, so that a page is found without going through the bitmap. */
static int sum_up(struct vs_core *core, struct kdump *k, uint64_t blocks)
{
	uint64_t sum = 0;
	int err = 0;

	k->before = calloc(blocks + 1, sizeof(*k->before));
	if (!k->before)
		return -ENOMEM;
	for (uint64_t i = 0; i < blocks && !err; i++) {
		k->before[i] = sum;
		err = vs_core_bytes__read(&core->bytes, k->dumped + i * VS_CORE_PAGE, k->block, VS_CORE_PAGE);
		if (!err)
			sum += count(k->block, VS_CORE_PAGE);
	}
	return err;
}

static int take_sub_header(struct vs_core *core, struct kdump *k, uint32_t version, char *error, size_t size)
{
	uint8_t sub[SUB_SIZE] = {};
	int err = vs_core_bytes__read(&core->bytes, VS_CORE_PAGE, sub, sizeof(sub));

	if (err)
		return err;
	if (version >= 2 && core_le32(sub + SUB_SPLIT)) {
		snprintf(error, size, "one of several parts (makedumpfile --split); put them together first: "
			 "makedumpfile --reassemble");
		return -EINVAL;
	}
	k->zeros = core_le32(sub + SUB_LEVEL) & LEVEL_ZERO;
	core->leaves_out = core_le32(sub + SUB_LEVEL) > LEVEL_ZERO;
	if (version >= 6)
		k->nr_pages = core_le64(sub + SUB_PAGES);
	if (version >= 3)
		err = vs_core__take_info(core, core_le64(sub + SUB_INFO), core_le64(sub + SUB_INFO + 8));
	if (!err && version >= 4)
		err = vs_core__take_notes(core, core_le64(sub + SUB_NOTES), core_le64(sub + SUB_NOTES + 8));
	return err;
}

static int find_tables(struct vs_core *core, struct kdump *k, const uint8_t *header)
{
	uint64_t sub_blocks = core_le32(header + HEADER_SUB_BLOCKS);
	uint64_t blocks = core_le32(header + HEADER_BITMAP_BLOCKS);

	if (blocks < 2 || blocks > 2 * MAX_BITMAP_BLOCKS || sub_blocks > MAX_BITMAP_BLOCKS)
		return -EINVAL;
	k->there = (1 + sub_blocks) * VS_CORE_PAGE;
	k->dumped = k->there + blocks / 2 * VS_CORE_PAGE;
	k->descriptors = k->there + blocks * VS_CORE_PAGE;
	if (k->nr_pages > blocks / 2 * BLOCK_PAGES)
		k->nr_pages = blocks / 2 * BLOCK_PAGES;
	return sum_up(core, k, blocks / 2);
}

static int kdump_fail(char *error, size_t size, const char *words)
{
	snprintf(error, size, "%s", words);
	return -EINVAL;
}

static int take_header(struct vs_core *core, struct kdump *k, const uint8_t *header, char *error, size_t size)
{
	int err;

	if (strncmp((const char *)header + HEADER_MACHINE, "x86_64", 65))
		return kdump_fail(error, size, "not of an x86_64 machine, which is the only one that is read here");
	if (core_le32(header + HEADER_BLOCK) != VS_CORE_PAGE)
		return kdump_fail(error, size, "damaged: its blocks are no pages of x86_64");
	core->incomplete = core_le32(header + HEADER_STATUS) & STATUS_INCOMPLETE;
	k->nr_pages = core_le32(header + HEADER_PAGES);
	err = take_sub_header(core, k, core_le32(header + HEADER_VERSION), error, size);
	err = err ?: find_tables(core, k, header);
	if (err && !error[0])
		snprintf(error, size, "%s", err == -ENOMEM ? strerror(ENOMEM) :
			 "damaged, or cut off before the pages begin");
	return err;
}

static int kdump_open(struct vs_core *core, char *error, size_t size)
{
	uint8_t header[HEADER_SIZE];
	struct kdump *k;
	int err;

	if (vs_core_bytes__read(&core->bytes, 0, header, sizeof(header)) ||
	    memcmp(header, SIGNATURE, strlen(SIGNATURE)))
		return 0;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	core->of_format = k;
	err = take_header(core, k, header, error, size);
	return err ? err : 1;
}

/* Returns true if the frame is in the bitmap at @map, whose blocks are read one at a time. */
static int is_set(struct vs_core *core, uint64_t map, uint64_t pfn, uint64_t *of, uint8_t *block)
{
	uint64_t number = pfn / BLOCK_PAGES, bit = pfn % BLOCK_PAGES;
	int err;

	if (*of != number + 1) {
		*of = 0;
		err = vs_core_bytes__read(&core->bytes, map + number * VS_CORE_PAGE, block, VS_CORE_PAGE);
		if (err)
			return err;
		*of = number + 1;
	}
	return block[bit / 8] >> bit % 8 & 1;
}

static uint64_t rank_of(const struct kdump *k, uint64_t pfn)
{
	uint64_t bit = pfn % BLOCK_PAGES;

	return k->before[pfn / BLOCK_PAGES] + count(k->block, bit / 8) +
	       (unsigned int)__builtin_popcount(k->block[bit / 8] & ((1u << bit % 8) - 1));
}

static int unpack(const uint8_t *packed, size_t len, uint32_t flags, uint8_t *page)
{
	uLongf room = VS_CORE_PAGE;

	if (flags & PACKED_ZLIB)
		return uncompress(page, &room, packed, len) == Z_OK && room == VS_CORE_PAGE ? 0 : -EIO;
	if (flags & PACKED_ZSTD)
		return ZSTD_decompress(page, VS_CORE_PAGE, packed, len) == VS_CORE_PAGE ? 0 : -EIO;
	if (flags & (PACKED_LZO | PACKED_SNAPPY))
		return -ENOTSUP;
	if (len != VS_CORE_PAGE)
		return -EIO;
	memcpy(page, packed, VS_CORE_PAGE);
	return 0;
}

static int read_dumped(struct vs_core *core, struct kdump *k, uint64_t pfn, uint8_t *page)
{
	uint64_t at = k->descriptors + rank_of(k, pfn) * DESCRIPTOR;
	uint8_t d[DESCRIPTOR];
	uint32_t len;

	if (vs_core_bytes__read(&core->bytes, at, d, sizeof(d)))
		return -EFAULT;
	len = core_le32(d + 8);
	/* A place of 0 means that the disk was full: the page is lost. */
	if (!core_le64(d))
		return -EFAULT;
	if (!len || len > MAX_PACKED)
		return -EIO;
	if (vs_core_bytes__read(&core->bytes, core_le64(d), k->packed, len))
		return -EFAULT;
	return unpack(k->packed, len, core_le32(d + 12), page);
}

static int kdump_read_page(struct vs_core *core, uint64_t pfn, uint8_t *page)
{
	struct kdump *k = core->of_format;
	int set;

	if (pfn >= k->nr_pages)
		return -EFAULT;
	set = is_set(core, k->dumped, pfn, &k->block_of, k->block);
	if (set > 0)
		return read_dumped(core, k, pfn, page);
	if (set < 0)
		return -EFAULT;
	if (!k->zeros || is_set(core, k->there, pfn, &k->there_of, k->there_block) <= 0)
		return -EFAULT;
	memset(page, 0, VS_CORE_PAGE);
	return 0;
}

static void kdump_close(struct vs_core *core)
{
	struct kdump *k = core->of_format;

	if (k)
		free(k->before);
	free(k);
}

const struct vs_core_format vs_core_kdump = { kdump_open, kdump_read_page, kdump_close };
