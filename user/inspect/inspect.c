// SPDX-License-Identifier: GPL-2.0
/* Finds out what a file is, and calls the reader for it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/boot_image.h"
#include "code/unpack.h"
#include "inspect/inspect_priv.h"

#define MAX_LAYERS 3	/* a gzip of a zboot image of a raw one */

const char *vs_binary__name(enum vs_binary_kind kind)
{
	static const char *const names[] = { "unknown", "module", "vmlinux", "vmlinuz", "running" };

	return names[kind];
}

int vs_inspect__fail(struct vs_inspection *in, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(in->error, sizeof(in->error), fmt, args);
	va_end(args);
	return err;
}

void vs_inspect__note(struct vs_inspection *in, const char *fmt, ...)
{
	va_list args;

	if (in->nr_notes == sizeof(in->notes) / sizeof(in->notes[0]))
		return;
	va_start(args, fmt);
	vsnprintf(in->notes[in->nr_notes++], sizeof(in->notes[0]), fmt, args);
	va_end(args);
}

void vs_inspect__inconclusive(struct vs_inspection *in, const char *fmt, ...)
{
	va_list args;

	in->verdict = VS_VERDICT_INCONCLUSIVE;
	in->fix = VS_FIX_UNKNOWN;
	in->era[0] = '\0';
	va_start(args, fmt);
	vsnprintf(in->reason, sizeof(in->reason), fmt, args);
	va_end(args);
}

/* The last match counts: the first may be a format in the code that prints it. */
void vs_inspect__find_release(const void *data, size_t len, char *release, size_t size)
{
	static const char banner[] = "Linux version ";
	const char *at = data, *end = at + len;

	while ((at = memmem(at, (size_t)(end - at), banner, sizeof(banner) - 1))) {
		size_t left, nr = 0;

		at += sizeof(banner) - 1;
		left = (size_t)(end - at);
		while (nr < left && nr < size - 1 && at[nr] > ' ' && at[nr] < 0x7f)
			nr++;
		if (!nr || at[0] < '0' || at[0] > '9')
			continue;
		memcpy(release, at, nr);
		release[nr] = '\0';
		return;
	}
}

static int inspect_layer(const void *data, size_t len, bool lines, unsigned int layer,
			 struct vs_inspection *in);

static int inspect_packed(const void *data, size_t len, bool lines, unsigned int layer,
			  struct vs_inspection *in)
{
	struct vs_unpack out = { .max = VS_UNPACK_IMAGE };
	const char *compression = "none";
	int err = vs_boot_image__unpack(data, len, &out, &compression);

	if (err)
		vs_inspect__fail(in, err, "%s", out.error);
	else
		err = inspect_layer(out.bytes, out.len, lines, layer + 1, in);
	if (!err)
		in->compression = compression;
	vs_unpack__free(&out);
	return err;
}

static int inspect_layer(const void *data, size_t len, bool lines, unsigned int layer,
			 struct vs_inspection *in)
{
	in->compression = "none";
	if (len >= 4 && !memcmp(data, "\177ELF", 4))
		return vs_inspect__elf(data, len, lines, in);
	if (vs_boot_image__is_raw_aarch64(data, len) && memcmp((const char *)data + 4, "zimg", 4))
		return vs_inspect__raw(data, len, in);
	if (layer < MAX_LAYERS && vs_boot_image__is_packed(data, len))
		return inspect_packed(data, len, lines, layer, in);
	return vs_inspect__fail(in, -ENOEXEC, "neither a kernel module nor a kernel image");
}

/* After a failure only the words are left. */
static int finish(struct vs_inspection *in, int err)
{
	char error[sizeof(in->error)];
	char *path = in->path;

	if (!err)
		return 0;
	memcpy(error, in->error, sizeof(error));
	in->path = NULL;
	vs_inspection__free(in);
	memcpy(in->error, error, sizeof(error));
	in->path = path;
	return err;
}

static int start(struct vs_inspection *in, const char *path)
{
	memset(in, 0, sizeof(*in));
	in->compression = "none";
	in->path = strdup(path);
	return in->path ? 0 : vs_inspect__fail(in, -ENOMEM, "out of memory");
}

int vs_inspect__bytes(const void *data, size_t len, struct vs_inspection *in)
{
	int err = start(in, "");

	if (!err)
		err = inspect_layer(data, len, false, 0, in);
	return finish(in, err);
}

int vs_inspect__file(const char *path, struct vs_inspection *in)
{
	struct vs_unpack file = { .max = VS_UNPACK_KERNEL };
	int err = start(in, path);

	if (!err) {
		err = vs_unpack__read(&file, path);
		if (err)
			vs_inspect__fail(in, err, "%s", file.error);
	}
	if (!err)
		err = inspect_layer(file.bytes, file.len, true, 0, in);
	vs_unpack__free(&file);
	return finish(in, err);
}
