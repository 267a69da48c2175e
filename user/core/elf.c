// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/rows.h"
#include "core/file_priv.h"

#define MAX_SEGMENTS (1u << 20)	/* makedumpfile -E begins another one at each hole */

struct segment {
	uint64_t physical, len, at;
};

struct segments {
	struct segment *rows;	/* by physical address */
	size_t nr;
};

static int by_address(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->physical < y->physical ? -1 : x->physical > y->physical;
}

static int add_segment(struct segments *s, const Elf64_Phdr *p)
{
	struct segment *row;

	if (!p->p_filesz || le64toh(p->p_paddr) > INT64_MAX - le64toh(p->p_filesz))
		return 0;
	row = vs_rows__add(&s->rows, &s->nr, sizeof(*row));
	if (!row)
		return -ENOMEM;
	*row = (struct segment){ le64toh(p->p_paddr), le64toh(p->p_filesz), le64toh(p->p_offset) };
	return 0;
}

/* More headers than fit in 16 bits: the first section has their number. */
static uint32_t nr_headers(const struct vs_core *core, const Elf64_Ehdr *e)
{
	Elf64_Shdr first;

	if (le16toh(e->e_phnum) != PN_XNUM)
		return le16toh(e->e_phnum);
	if (vs_core_bytes__read(&core->bytes, le64toh(e->e_shoff), &first, sizeof(first)))
		return 0;
	return le32toh(first.sh_info);
}

static int take_header(struct vs_core *core, struct segments *s, const Elf64_Phdr *p)
{
	if (le32toh(p->p_type) == PT_LOAD)
		return add_segment(s, p);
	if (le32toh(p->p_type) == PT_NOTE)
		return vs_core__take_notes(core, le64toh(p->p_offset), le64toh(p->p_filesz));
	return 0;
}

static int take_headers(struct vs_core *core, const Elf64_Ehdr *e, struct segments *s)
{
	uint32_t nr = nr_headers(core, e);
	uint64_t at = le64toh(e->e_phoff);
	Elf64_Phdr p;
	int err = 0;

	for (uint32_t i = 0; !err && i < nr && i < MAX_SEGMENTS; i++, at += sizeof(p)) {
		err = vs_core_bytes__read(&core->bytes, at, &p, sizeof(p));
		if (err)
			return err == -ENODATA ? 0 : err;
		err = take_header(core, s, &p);
	}
	return err;
}

static const char *why_not(const Elf64_Ehdr *e)
{
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_ident[EI_DATA] != ELFDATA2LSB)
		return "not of a 64-bit little-endian machine; only x86_64 is read here";
	if (le16toh(e->e_type) != ET_CORE)
		return "an ELF file, but no core: the dump of the machine's memory is wanted";
	if (le16toh(e->e_machine) != EM_X86_64)
		return "not of an x86_64 machine, which is the only one that is read here";
	if (le16toh(e->e_phentsize) != sizeof(Elf64_Phdr))
		return "damaged ELF file: its program headers have a size of their own";
	return NULL;
}

static int elf_open(struct vs_core *core, char *error, size_t size)
{
	struct segments *s;
	Elf64_Ehdr e = {};
	int err;

	if (vs_core_bytes__read(&core->bytes, 0, e.e_ident, SELFMAG) || memcmp(e.e_ident, ELFMAG, SELFMAG))
		return 0;
	err = vs_core_bytes__read(&core->bytes, 0, &e, sizeof(e));
	if (err || why_not(&e)) {
		snprintf(error, size, "%s", err ? "cut off inside of its first header" : why_not(&e));
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	core->of_format = s;
	err = s ? take_headers(core, &e, s) : -ENOMEM;
	if (err || !s->nr) {
		snprintf(error, size, "%s", err ? strerror(-err) : "no memory of a machine is in it (no PT_LOAD)");
		return err ?: -EINVAL;
	}
	qsort(s->rows, s->nr, sizeof(*s->rows), by_address);
	return 1;
}

static const struct segment *segment_of(const struct segments *s, uint64_t address)
{
	size_t nr = VS_ROWS_UP_TO(s->rows, s->nr, physical, address);

	return nr && address - s->rows[nr - 1].physical < s->rows[nr - 1].len ? &s->rows[nr - 1] : NULL;
}

/* Memory may begin or end inside of a page (the first 640 KiB of a PC): the rest of it is zero then. */
static int elf_read_page(struct vs_core *core, uint64_t pfn, uint8_t *page)
{
	const struct segments *s = core->of_format;
	uint64_t address = pfn * VS_CORE_PAGE, in;
	const struct segment *of = segment_of(s, address) ?: segment_of(s, address + VS_CORE_PAGE - 1);
	size_t first, len;
	int err;

	if (!of)
		return -EFAULT;
	first = of->physical > address ? (size_t)(of->physical - address) : 0;
	in = address + first - of->physical;
	len = of->len - in < VS_CORE_PAGE - first ? (size_t)(of->len - in) : VS_CORE_PAGE - first;
	memset(page, 0, VS_CORE_PAGE);
	if (of->at > INT64_MAX - of->len)
		return -EIO;
	err = vs_core_bytes__read(&core->bytes, of->at + in, page + first, len);
	return err == -ENODATA ? -EFAULT : err;
}

static void elf_close(struct vs_core *core)
{
	struct segments *s = core->of_format;

	if (s)
		free(s->rows);
	free(s);
}

const struct vs_core_format vs_core_elf = { elf_open, elf_read_page, elf_close };
