// SPDX-License-Identifier: GPL-2.0
#include "core/given.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "code/elf_file.h"
#include "code/unpack.h"
#include "kernel/kallsyms.h"

#define MAX_SYMBOLS (1u << 20)
#define KERNEL_HALF (1ull << 63)	/* what is below is the offset of a variable of each CPU, and stays */

static int open_vmlinux(const char *path, struct vs_unpack *u, struct vs_elf *elf)
{
	const struct vs_elf_opts opts = { .linked = true, .stripped = true };
	int err = vs_unpack__read(u, path);

	return err ?: vs_elf__open(u->bytes, u->len, &opts, elf);
}

struct vs_btf *vs_core_given__types(const char *path)
{
	struct vs_unpack u = { .max = VS_UNPACK_KERNEL };
	const struct vs_elf_section *section;
	struct vs_btf *btf = vs_btf__read(path, NULL);
	struct vs_elf elf;
	void *bytes = NULL;

	if (btf || open_vmlinux(path, &u, &elf)) {
		vs_unpack__free(&u);
		return btf;
	}
	section = vs_elf__section(&elf, ".BTF");
	if (section && section->bytes && section->len)
		bytes = malloc(section->len);
	if (bytes) {
		memcpy(bytes, section->bytes, section->len);
		btf = vs_btf__of(bytes, section->len, NULL);
	}
	vs_elf__close(&elf);
	vs_unpack__free(&u);
	return btf;
}

/* Each name is on its own until all are there. */
static int add_symbol(void *ctx, const struct vs_symbol *s)
{
	struct vs_image_syms *syms = ctx;
	struct vs_ksym *row;
	char *name;

	if (syms->nr == MAX_SYMBOLS)
		return -E2BIG;
	name = strdup(s->name);
	row = name ? vs_rows__add(&syms->syms, &syms->nr, sizeof(*row)) : NULL;
	if (!row) {
		free(name);
		return -ENOMEM;
	}
	*row = (struct vs_ksym){ s->addr, s->type, name };
	return 0;
}

static int read_elf(const struct vs_elf *elf, struct vs_image_syms *syms)
{
	GElf_Sym sym;
	int err = 0;

	for (uint32_t i = 1; !err && elf->symtab && vs_elf__symbol(elf, i, &sym); i++) {
		const struct vs_symbol s = {
			.addr = sym.st_value,
			.type = GELF_ST_TYPE(sym.st_info) == STT_FUNC ? 't' : 'd',
			.name = vs_elf__symbol_name(elf, &sym),
		};

		if (s.name[0] && sym.st_shndx != SHN_UNDEF)
			err = add_symbol(syms, &s);
	}
	return err;
}

static int read_any(const char *path, struct vs_image_syms *syms)
{
	struct vs_unpack u = { .max = VS_UNPACK_KERNEL };
	struct vs_elf elf;
	FILE *map;
	int err = open_vmlinux(path, &u, &elf);

	if (!err) {
		err = read_elf(&elf, syms);
		vs_elf__close(&elf);
	} else {
		map = fopen(path, "re");
		err = map ? vs_kallsyms__each(map, add_symbol, syms) : -errno;
		if (map)
			fclose(map);
	}
	vs_unpack__free(&u);
	return err ?: syms->nr ? 0 : -ENOENT;
}

/* One block, as of an image, so that both are freed alike. */
static int gather_names(struct vs_image_syms *syms)
{
	size_t len = 0, used = 0;

	for (size_t i = 0; i < syms->nr; i++)
		len += strlen(syms->syms[i].name) + 1;
	syms->names = malloc(len + 1);
	for (size_t i = 0; i < syms->nr; i++) {
		char *name = (char *)syms->syms[i].name;
		size_t size = strlen(name) + 1;

		if (syms->names) {
			memcpy(syms->names + used, name, size);
			syms->syms[i].name = syms->names + used;
			used += size;
		}
		free(name);
	}
	return syms->names ? 0 : -ENOMEM;
}

static int by_address(const void *a, const void *b)
{
	const struct vs_ksym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int vs_core_given__symbols(const char *path, struct vs_core_image *image)
{
	struct vs_image_syms *syms = &image->syms;
	int err = read_any(path, syms), no_names = gather_names(syms);
	uint64_t text, by;

	if (err || no_names)
		return err ?: no_names;
	text = vs_core_image__symbol(image, "_text") ?: vs_core_image__symbol(image, "_stext");
	if (!text)
		return -EINVAL;
	by = image->start - text;
	for (size_t i = 0; i < syms->nr; i++)
		if (syms->syms[i].addr >= KERNEL_HALF)
			syms->syms[i].addr += by;
	qsort(syms->syms, syms->nr, sizeof(*syms->syms), by_address);
	return 0;
}
