// SPDX-License-Identifier: GPL-2.0
#include "code/text_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/decode.h"
#include "code/text_mutable.h"

/*
 * Returns true for sections that stay, and are executed as they were loaded. .init.text is freed,
 * and the kernel writes .static_call.text from its first byte on.
 */
static bool is_compared(const struct vs_elf_section *section)
{
	return vs_elf__is_code(section) && section->len &&
	       (!strcmp(section->name, ".text") || !strncmp(section->name, ".text.", 6) ||
		!strcmp(section->name, ".noinstr.text"));
}

bool vs_text_image__wants_relocs(const struct vs_elf_section *section)
{
	return is_compared(section) || vs_text_mutable__is_list(section);
}

static void *copy_of(const void *bytes, size_t len)
{
	void *copy = malloc(len);

	return copy ? memcpy(copy, bytes, len) : NULL;
}

static int add_section(struct vs_text_image *image, const struct vs_elf_section *from)
{
	struct vs_text_section *section = &image->sections[image->nr_sections++];

	section->name = strdup(from->name);
	section->bytes = copy_of(from->bytes, from->len);
	section->may_change = calloc(1, from->len);
	section->differs = calloc(1, from->len);
	section->len = from->len;
	return section->name && section->bytes && section->may_change && section->differs
	       ? 0 : -ENOMEM;
}

/* `places`: where a section of the file is in the image, UINT32_MAX: it is not. */
static int copy_sections(struct vs_text_image *image, const struct vs_elf *elf, uint32_t *places)
{
	int err = 0;

	image->sections = calloc(elf->nr_sections, sizeof(*image->sections));
	if (!image->sections)
		return -ENOMEM;
	for (size_t i = 0; i < elf->nr_sections && !err; i++) {
		bool wanted = i && is_compared(&elf->sections[i]);

		places[i] = wanted ? image->nr_sections : UINT32_MAX;
		if (wanted)
			err = add_section(image, &elf->sections[i]);
	}
	return err;
}

static bool is_alias(const struct vs_elf *elf, size_t i)
{
	return i && elf->funcs[i - 1].section == elf->funcs[i].section &&
	       elf->funcs[i - 1].off == elf->funcs[i].off;
}

static int copy_funcs(struct vs_text_image *image, const struct vs_elf *elf, const uint32_t *places)
{
	image->funcs = calloc(elf->nr_funcs + 1, sizeof(*image->funcs));
	if (!image->funcs)
		return -ENOMEM;
	for (size_t i = 0; i < elf->nr_funcs; i++) {
		const struct vs_elf_func *from = &elf->funcs[i];
		struct vs_text_func *func = &image->funcs[image->nr_funcs];

		if (places[from->section] == UINT32_MAX || is_alias(elf, i))
			continue;
		*func = (struct vs_text_func){ strdup(from->name), places[from->section],
					       from->off, from->size };
		if (!func->name)
			return -ENOMEM;
		image->nr_funcs++;
	}
	return 0;
}

static int fill(struct vs_text_image *image, const struct vs_elf *elf)
{
	uint32_t *places = calloc(elf->nr_sections, sizeof(*places));
	int err = places ? copy_sections(image, elf, places) : -ENOMEM;

	if (!err)
		err = copy_funcs(image, elf, places);
	if (!err)
		vs_text_mutable__mark(elf, places, image);
	free(places);
	return err;
}

struct vs_text_image *vs_text_image__new(const struct vs_elf *elf)
{
	struct vs_text_image *image = NULL;
	int err = -ENOTSUP;

	if (elf->arch && elf->arch->machine == EM_X86_64) {
		image = calloc(1, sizeof(*image));
		err = image ? fill(image, elf) : -ENOMEM;
	}
	if (!err)
		return image;
	vs_text_image__free(image);
	errno = -err;
	return NULL;
}

void vs_text_image__free(struct vs_text_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->nr_sections; i++) {
		free(image->sections[i].name);
		free(image->sections[i].bytes);
		free(image->sections[i].may_change);
		free(image->sections[i].differs);
	}
	for (size_t i = 0; i < image->nr_funcs; i++)
		free(image->funcs[i].name);
	free(image->sections);
	free(image->funcs);
	free(image);
}

static bool insn_differs(const struct vs_text_section *section, uint64_t off)
{
	struct vs_insn insn;

	if (off >= section->len)
		return false;
	if (!vs_decode__x86(section->bytes + off, section->len - off, off, &insn))
		insn.len = 1;
	return memchr(section->differs + off, 1, insn.len);
}

bool vs_text_image__is_changed(const struct vs_text_image *image, const char *section,
			       uint64_t off)
{
	for (size_t i = 0; image && i < image->nr_sections; i++)
		if (!strcmp(image->sections[i].name, section) &&
		    insn_differs(&image->sections[i], off))
			return true;
	return false;
}

void vs_text_image__forget(struct vs_text_image *image)
{
	for (size_t i = 0; i < image->nr_sections; i++)
		memset(image->sections[i].differs, 0, image->sections[i].len);
}

void vs_text_section__allow(struct vs_text_section *section, uint64_t off, uint64_t len)
{
	if (off >= section->len)
		return;
	memset(section->may_change + off, 1, len < section->len - off ? len : section->len - off);
}
