// SPDX-License-Identifier: GPL-2.0
#include "core/paging.h"

#include <errno.h>
#include <string.h>

#include "core/file_priv.h"

#define PRESENT 1ull
#define LARGE 0x80ull		/* no table below: a page of 2 MiB or 1 GiB */
#define ADDRESS 0x000ffffffffff000ull

void vs_paging__begin(struct vs_paging *p, struct vs_core *core, uint64_t root, bool five_levels,
		      uint64_t not_address)
{
	memset(p, 0, sizeof(*p));
	p->core = core;
	p->root = root & ADDRESS & ~not_address;
	p->five_levels = five_levels;
	p->not_address = not_address;
}

/* With bits above those that are translated it is no address at all. */
static bool is_canonical(const struct vs_paging *p, uint64_t address)
{
	int64_t sign = (int64_t)address >> (p->five_levels ? 56 : 47);

	return !sign || sign == -1;
}

int vs_paging__find(struct vs_paging *p, uint64_t address, uint64_t *physical, uint64_t *size)
{
	uint64_t table = p->root, entry, span = 0;
	uint8_t bytes[8];
	int err = is_canonical(p, address) ? 0 : -EFAULT;

	for (int level = p->five_levels ? 5 : 4; !err && level; level--) {
		int shift = 12 + 9 * (level - 1);

		span = 1ull << shift;
		err = vs_core__read(p->core, table + (address >> shift & 511) * 8, bytes, sizeof(bytes));
		entry = err ? 0 : core_le64(bytes);
		if (!(entry & PRESENT))
			err = err ?: -EFAULT;
		table = entry & ADDRESS & ~p->not_address;
		if (entry & LARGE && (level == 2 || level == 3))
			break;
	}
	if (size)
		*size = span ?: VS_CORE_PAGE;
	*physical = (table & ~(span - 1)) | (address & (span - 1));
	return err;
}

static int find_known(struct vs_paging *p, uint64_t address, uint64_t *physical)
{
	uint64_t page = address / VS_CORE_PAGE;
	size_t slot = (page ^ page >> 10) % VS_PAGING_SLOTS;
	int err;

	if (p->known[slot].page != page + 1) {
		err = vs_paging__find(p, page * VS_CORE_PAGE, physical, NULL);
		if (err)
			return err;
		p->known[slot].page = page + 1;
		p->known[slot].at = *physical;
	}
	*physical = p->known[slot].at + address % VS_CORE_PAGE;
	return 0;
}

int vs_paging__read(struct vs_paging *p, uint64_t address, void *buf, size_t len)
{
	size_t done = 0, part;
	uint64_t physical;
	int err = 0;

	if (len > UINT64_MAX - address)
		return -EFAULT;
	for (; !err && done < len; done += part) {
		size_t left = VS_CORE_PAGE - (address + done) % VS_CORE_PAGE;

		part = left < len - done ? left : len - done;
		err = find_known(p, address + done, &physical);
		if (!err)
			err = vs_core__read(p->core, physical, (char *)buf + done, part);
	}
	return err;
}
