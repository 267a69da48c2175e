// SPDX-License-Identifier: GPL-2.0
#include "vfio/module_text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kcore.h"
#include "vfio/kmod.h"

struct vs_module_text {
	struct vs_kcore *kcore;
	char root[PATH_MAX / 4];
};

struct vs_module_text *vs_module_text__open(const char *root)
{
	struct vs_module_text *text = calloc(1, sizeof(*text));
	int err;

	if (!text)
		return NULL;
	snprintf(text->root, sizeof(text->root), "%s", root);
	text->kcore = vs_kcore__open(root);
	if (text->kcore)
		return text;
	err = errno;
	free(text);
	errno = err;
	return NULL;
}

void vs_module_text__free(struct vs_module_text *text)
{
	if (text)
		vs_kcore__free(text->kcore);
	free(text);
}

static bool is_text(const char *section)
{
	return !strncmp(section, ".text", 5) || !strcmp(section, ".noinstr.text");
}

int vs_module_text__read(const struct vs_module_text *text, const char *section, uint64_t off,
			 void *buf, size_t len)
{
	uint64_t addr, size;
	int err;

	if (!text)
		return -EPERM;
	err = is_text(section) ? vs_kmod__section_addr(text->root, "vfio", section, &addr)
			       : -ENOENT;
	if (!err)
		err = vs_kmod__core_size(text->root, "vfio", &size);
	if (!err && (off > size || len > size - off))
		err = -ERANGE;
	return err ? err : vs_kcore__read(text->kcore, addr + off, buf, len);
}

static void *open_here(void)
{
	return vs_module_text__open("");
}

static int read_opened(const void *opened, const char *section, uint64_t off, void *buf, size_t len)
{
	return vs_module_text__read(opened, section, off, buf, len);
}

const struct vs_keeper_text vs_module_text__for_keeper = { open_here, read_opened };
