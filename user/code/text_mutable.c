// SPDX-License-Identifier: GPL-2.0
#include "code/text_mutable.h"

#include <stdio.h>
#include <string.h>

#include "code/decode.h"

#define BRANCH_BYTES	5	/* call, jmp; what ftrace writes */
#define ENDBR_BYTES	4
#define PREAMBLE_BYTES	16	/* of kCFI and FineIBT, before a function */
#define CALLER_BYTES	24	/* of FineIBT, before an indirect call; 20 at most up to 7.x */

/* The number of bytes that an entry covers, from the place that its first relocation names. */
enum extent {
	BYTES,			/* a fixed number */
	INSN,			/* that number, or the instruction if it is longer */
	ENTRY_SAYS,		/* a byte of the entry */
};

struct list {
	const char *name;
	uint8_t relocs;		/* of an entry; the first is its place in the text */
	enum extent extent;
	uint8_t bytes;
};

/*
 * Entries have grown and shrunk over the years; the number of their relocations has not.
 * An entry's size is that of the section by the number of entries.
 */
static const struct list lists[] = {
	{ "__mcount_loc", 1, BYTES, BRANCH_BYTES },		/* ftrace, kprobes at entries, BPF */
	{ ".smp_locks", 1, BYTES, 1 },				/* lock becomes ds on one CPU */
	{ ".ibt_endbr_seal", 1, BYTES, ENDBR_BYTES },		/* v5.18, ed53a0d97192 */
	{ ".cfi_sites", 1, BYTES, PREAMBLE_BYTES + 2 * ENDBR_BYTES }, /* v6.2, 931ab63664f0 */
	{ ".retpoline_sites", 1, INSN, BRANCH_BYTES },		/* v5.16, 134ab5bd1883 */
	{ ".return_sites", 1, INSN, BRANCH_BYTES },		/* v5.19, d9e9d2300681 */
	{ ".call_sites", 1, INSN, BRANCH_BYTES },		/* v6.2, 00abd3840890 */
	{ ".static_call_sites", 2, INSN, BRANCH_BYTES },	/* v5.10, 1e7e47883830 */
	{ "__jump_table", 3, INSN, 2 },				/* 2 or 5 bytes since v5.14 */
	{ ".parainstructions", 1, ENTRY_SAYS, 9 },		/* up to v6.7 */
	{ ".altinstructions", 2, ENTRY_SAYS, 0 },
};

static const struct list *list_of(const struct vs_elf_section *section)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (section->bytes && !strcmp(section->name, lists[i].name))
			return &lists[i];
	return NULL;
}

bool vs_text_mutable__is_list(const struct vs_elf_section *section)
{
	return list_of(section);
}

struct marking {
	const struct vs_elf *elf;
	const uint32_t *places;
	struct vs_text_image *image;
	bool cfi;
};

static void allow(struct marking *m, struct vs_text_section *section, uint64_t off, uint64_t len)
{
	vs_text_section__allow(section, off, len);
	m->image->nr_ranges += len > 0;
}

/* -- relocations -- */

static uint8_t reloc_bytes(uint32_t type)
{
	switch (type) {
	case R_X86_64_NONE:
		return 0;
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	default:		/* all others that apply_relocate_add() knows */
		return 4;
	}
}

static void mark_relocs(struct marking *m, const struct vs_elf_section *from,
			struct vs_text_section *section)
{
	for (size_t i = 0; i < from->nr_relocs; i++)
		allow(m, section, from->relocs[i].off, reloc_bytes(from->relocs[i].type));
}

/* -- lists -- */

/* struct alt_instr: with padlen up to v5.12, with flags from v6.3 on (5d1dd961e743). */
static int alternative_len_at(size_t entry)
{
	return entry == 12 || entry == 13 ? 10 : entry == 14 ? 12 : -1;
}

static uint64_t said_by_entry(const struct list *list, const uint8_t *entry, size_t size)
{
	size_t at = list->bytes ? list->bytes : (size_t)alternative_len_at(size);

	return at < size ? entry[at] : 0;
}

static uint64_t insn_bytes(const struct vs_text_section *section, uint64_t off, uint64_t least)
{
	struct vs_insn insn;

	if (off >= section->len ||
	    !vs_decode__x86(section->bytes + off, section->len - off, off, &insn))
		return least;
	return insn.len > least ? insn.len : least;
}

static bool is_endbr(const struct vs_text_section *section, uint64_t off)
{
	static const uint8_t endbr[ENDBR_BYTES] = { 0xf3, 0x0f, 0x1e, 0xfa };

	return off < section->len && section->len - off >= sizeof(endbr) &&
	       !memcmp(section->bytes + off, endbr, sizeof(endbr));
}

static void mark_place(struct marking *m, const struct list *list, uint64_t off, uint64_t len,
		       struct vs_text_section *section)
{
	/* The list may have the function instead of the call after its endbr64. */
	if (!strcmp(list->name, "__mcount_loc") && is_endbr(section, off))
		off += ENDBR_BYTES;
	if (m->cfi && !strcmp(list->name, ".retpoline_sites"))
		allow(m, section, off > CALLER_BYTES ? off - CALLER_BYTES : 0, CALLER_BYTES);
	allow(m, section, off, list->extent == INSN ? insn_bytes(section, off, len) : len);
}

static void mark_entry(struct marking *m, const struct list *list,
		       const struct vs_elf_section *from, const struct vs_elf_reloc *reloc, size_t size)
{
	uint64_t len = list->bytes, off;
	uint32_t index;

	if (!vs_elf__target(m->elf, reloc, &index, &off) || m->places[index] == UINT32_MAX)
		return;
	if (list->extent == ENTRY_SAYS)
		len = said_by_entry(list, from->bytes + reloc->off, size);
	mark_place(m, list, off, len, &m->image->sections[m->places[index]]);
}

/* Bytes of an entry; 0: this is no list of that kind. */
static size_t entry_size(const struct list *list, const struct vs_elf_section *from)
{
	size_t nr = from->nr_relocs / list->relocs, size = nr ? from->len / nr : 0;

	if (!nr || from->nr_relocs % list->relocs || from->len % nr)
		return 0;
	for (size_t i = 0; i < nr; i++)
		if (from->relocs[i * list->relocs].off != i * size)
			return 0;
	if (list->extent == ENTRY_SAYS && !list->bytes && alternative_len_at(size) < 0)
		return 0;
	return list->extent == ENTRY_SAYS && list->bytes >= size ? 0 : size;
}

static void mark_list(struct marking *m, const struct list *list, const struct vs_elf_section *from)
{
	size_t size = entry_size(list, from);

	if (!size && from->len)
		snprintf(m->image->error, sizeof(m->image->error),
			 "%s of the file is of a form that is not known", list->name);
	for (size_t i = 0; size && i < from->nr_relocs; i += list->relocs)
		mark_entry(m, list, from, &from->relocs[i], size);
}

void vs_text_mutable__mark(const struct vs_elf *elf, const uint32_t *places,
			   struct vs_text_image *image)
{
	struct marking m = { elf, places, image, vs_elf__section(elf, ".cfi_sites") };

	for (size_t i = 1; i < elf->nr_sections; i++) {
		const struct vs_elf_section *section = &elf->sections[i];
		const struct list *list = list_of(section);

		if (places[i] != UINT32_MAX)
			mark_relocs(&m, section, &image->sections[places[i]]);
		else if (list)
			mark_list(&m, list, section);
	}
}
