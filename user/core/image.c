// SPDX-License-Identifier: GPL-2.0
#include "core/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/info.h"

/*
 * Documentation/arch/x86/x86_64/mm.rst: the image is mapped in this GiB, with 4 and with 5 levels. KASLR moves
 * it there, and what is mapped first is its text.
 */
#define IMAGE_LOWEST 0xffffffff80000000ull
#define IMAGE_HIGHEST 0xffffffffc0000000ull
#define IMAGE_ALIGNED (2u << 20)
#define MAX_CPUS 64		/* tries the page tables of so many: those of each CPU map the kernel */
#define LARGEST (256u << 20)
#define LARGEST_HOLE (32u << 20)	/* memory of init code is given back and not mapped any more */
#define SMALLEST (4u << 20)

#define CR4_LA57 (1ull << 12)
#define PTI_USER (1ull << 12)	/* of CR3: the tables of user space follow those of the kernel */
#define CR3_ADDRESS 0x000ffffffffff000ull

/* -- page tables -- */

/* The first address of the image that is mapped; 0: none is. It begins where a large page may. */
static uint64_t find_text(struct vs_paging *p)
{
	uint64_t physical;

	for (uint64_t at = IMAGE_LOWEST; at < IMAGE_HIGHEST; at += IMAGE_ALIGNED)
		if (!vs_paging__find(p, at, &physical, NULL))
			return at;
	return 0;
}

static bool try_info(struct vs_core *core, struct vs_paging *p)
{
	uint64_t root, base = 0, five = 0, encrypted = 0;

	if (!vs_core_info__number(core->info, "SYMBOL(swapper_pg_dir)", 16, &root) &&
	    !vs_core_info__number(core->info, "SYMBOL(init_top_pgt)", 16, &root))
		return false;
	vs_core_info__number(core->info, "NUMBER(phys_base)", 10, &base);
	vs_core_info__number(core->info, "NUMBER(pgtable_l5_enabled)", 10, &five);
	vs_core_info__number(core->info, "NUMBER(sme_mask)", 10, &encrypted);
	vs_paging__begin(p, core, root - IMAGE_LOWEST + base, five, encrypted);
	return find_text(p);
}

static bool try_cpu(struct vs_core *core, const struct vs_core_cpu *cpu, struct vs_paging *p)
{
	uint64_t roots[] = { cpu->cr3 & CR3_ADDRESS & ~PTI_USER, cpu->cr3 & CR3_ADDRESS };

	if (cpu->cr3 == VS_CORE_NOT_KNOWN)
		return false;
	for (int i = 0; i < 2; i++) {
		vs_paging__begin(p, core, roots[i], cpu->cr4 & CR4_LA57, 0);
		if (find_text(p))
			return true;
	}
	return false;
}

int vs_core_image__paging(struct vs_core *core, struct vs_paging *p, char *error, size_t size)
{
	bool any = core->info;

	if (try_info(core, p))
		return 0;
	for (size_t i = 0; i < core->nr_cpus && i < MAX_CPUS; i++) {
		any |= core->cpus[i].cr3 != VS_CORE_NOT_KNOWN;
		if (try_cpu(core, &core->cpus[i], p))
			return 0;
	}
	snprintf(error, size, "%s", any ?
		 "the kernel's page tables are not in it, or it is no Linux: was the dump cut off?" :
		 "it has neither VMCOREINFO nor the registers of QEMU, so the kernel's page tables cannot be found");
	return -EINVAL;
}

/* -- the image -- */

static uint64_t find_end(struct vs_paging *p, uint64_t start)
{
	uint64_t at = start, end = start, physical, size;

	for (; at < IMAGE_HIGHEST && at - start < LARGEST && at - end < LARGEST_HOLE; at = (at | (size - 1)) + 1)
		if (!vs_paging__find(p, at, &physical, &size))
			end = (at | (size - 1)) + 1;
	return end - start > LARGEST ? start + LARGEST : end;
}

int vs_core_image__read(struct vs_paging *p, struct vs_core_image *image, char *error, size_t size)
{
	int err;

	memset(image, 0, sizeof(*image));
	image->start = find_text(p);
	image->len = image->start ? (size_t)(find_end(p, image->start) - image->start) : 0;
	if (image->len < SMALLEST) {
		snprintf(error, size, "the kernel's image is not in it");
		return -EINVAL;
	}
	image->bytes = calloc(1, image->len);
	if (!image->bytes)
		return -ENOMEM;
	for (size_t at = 0; at < image->len; at += VS_CORE_PAGE)
		vs_paging__read(p, image->start + at, image->bytes + at, VS_CORE_PAGE);
	err = vs_image_syms__read(image->bytes, image->len, image->start, &image->syms);
	if (err)
		snprintf(error, size, "%s", err == -ENOENT ?
			 "the kernel's table of symbols is not in it: give its System.map or vmlinux with --vmlinux" :
			 strerror(-err));
	return err;
}

void vs_core_image__free(struct vs_core_image *image)
{
	vs_image_syms__free(&image->syms);
	free(image->bytes);
	memset(image, 0, sizeof(*image));
}

uint64_t vs_core_image__symbol(const struct vs_core_image *image, const char *name)
{
	for (size_t i = 0; i < image->syms.nr; i++)
		if (!strcmp(image->syms.syms[i].name, name))
			return image->syms.syms[i].addr;
	return 0;
}
