// SPDX-License-Identifier: GPL-2.0
/* Reads a module file, unpacks it by its magic, and has the ELF image parsed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/unpack.h"
#include "vfio/kmod.h"
#include "vfio/kmod_priv.h"

static int unpack_and_parse(const void *data, size_t len, const char *const *callees,
			    struct vs_kmod *kmod)
{
	const char *packed = vs_unpack__packed_with(data, len);
	struct vs_unpack out = { .max = VS_UNPACK_MODULE };
	int err;

	kmod->compression = packed ? packed : "none";
	if (!packed)
		return vs_kmod__parse_elf(data, len, callees, kmod);
	err = vs_unpack__bytes(&out, data, len);
	if (err)
		vs_kmod__fail(kmod, err, "%s", out.error);
	else
		err = vs_kmod__parse_elf(out.bytes, out.len, callees, kmod);
	vs_unpack__free(&out);
	return err;
}

/* After a failure nothing but the words is left. */
static int finish(struct vs_kmod *kmod, int err)
{
	char error[sizeof(kmod->error)];

	if (!err)
		return 0;
	memcpy(error, kmod->error, sizeof(error));
	vs_kmod__free(kmod);
	memcpy(kmod->error, error, sizeof(error));
	return err;
}

static int start(struct vs_kmod *kmod, const char *path)
{
	memset(kmod, 0, sizeof(*kmod));
	kmod->path = strdup(path);
	return kmod->path ? 0 : vs_kmod__fail(kmod, -ENOMEM, "out of memory");
}

int vs_kmod__parse(const void *data, size_t len, const char *const *callees,
		   struct vs_kmod *kmod)
{
	int err = start(kmod, "");

	if (!err)
		err = unpack_and_parse(data, len, callees, kmod);
	return finish(kmod, err);
}

int vs_kmod__read(const char *path, const char *const *callees, struct vs_kmod *kmod)
{
	struct vs_unpack file = { .max = VS_UNPACK_MODULE };
	int err = start(kmod, path);

	if (!err) {
		err = vs_unpack__read(&file, path);
		if (err)
			vs_kmod__fail(kmod, err, "%s", file.error);
	}
	if (!err)
		err = unpack_and_parse(file.bytes, file.len, callees, kmod);
	vs_unpack__free(&file);
	return finish(kmod, err);
}
