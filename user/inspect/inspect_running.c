// SPDX-License-Identifier: GPL-2.0
/* The running kernel: the file of its vfio.ko, or its own memory. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "inspect/inspect_priv.h"
#include "kernel/kallsyms.h"
#include "kernel/kcore.h"
#include "vfio/kmod.h"

#define MAX_SYMS	(1u << 21)

/* ---- symbols ---- */

struct symbols {
	struct vs_ksym *syms;
	size_t nr;
	char *names;		/* one block; until all are in, a name is its place there */
	size_t len, room;
	bool ended;		/* _etext was seen: init text is freed, and may be anything */
};

static void free_symbols(struct symbols *s)
{
	free(s->syms);
	free(s->names);
}

static int add_name(struct symbols *s, const char *name)
{
	size_t len = strlen(name) + 1;
	char *grown;

	if (s->len + len > s->room) {
		s->room = 2 * s->room + len + 4096;
		grown = realloc(s->names, s->room);
		if (!grown)
			return -ENOMEM;
		s->names = grown;
	}
	memcpy(s->names + s->len, name, len);
	s->len += len;
	return 0;
}

static int take_symbol(void *ctx, const struct vs_symbol *symbol)
{
	struct symbols *s = ctx;
	struct vs_ksym *grown;

	if (symbol->module[0] || !strchr("tTwW", symbol->type) || s->nr >= MAX_SYMS || s->ended)
		return 0;
	s->ended = !strcmp(symbol->name, "_etext");
	if (!symbol->addr)
		return -EPERM;
	grown = vs_elf__grow(s->syms, s->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->syms = grown;
	s->syms[s->nr++] = (struct vs_ksym){ symbol->addr, symbol->type,
					     (const char *)(uintptr_t)s->len };
	return add_name(s, symbol->name);
}

static int read_symbols(const char *root, struct symbols *s)
{
	char path[PATH_MAX];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	err = vs_kallsyms__each(file, take_symbol, s);
	fclose(file);
	for (size_t i = 0; i < s->nr && !err; i++)
		s->syms[i].name = s->names + (uintptr_t)s->syms[i].name;
	return err;
}

/* ---- memory ---- */

static int read_kcore(void *ctx, uint64_t addr, void *buf, size_t len)
{
	return vs_kcore__read(ctx, addr, buf, len);
}

static int memory_error(struct vs_inspection *in, int err)
{
	if (err == -EPERM || err == -EACCES)
		return vs_inspect__fail(in, -EPERM,
					"VFIO is built in: /proc/kallsyms and /proc/kcore "
					"can be read by root only (kptr_restrict, lockdown)");
	if (err == -ENOENT)
		return vs_inspect__fail(in, err,
					"VFIO is built in, and this kernel has no /proc/kcore or "
					" /proc/kallsyms: give its vmlinux");
	return vs_inspect__fail(in, err, "cannot read the kernel's memory: %s", strerror(-err));
}

static int scan_memory(struct vs_kernel_text *text, struct vs_inspection *in)
{
	struct vs_code code;
	int err = vs_scan__kernel(text, &code);

	if (err)
		return memory_error(in, err);
	err = vs_inspect__code(&code, in);
	vs_code__free(&code);
	return err;
}

static int inspect_text(struct vs_kcore *kcore, struct symbols *s, struct vs_inspection *in)
{
	struct vs_kernel_text text = {
		.machine = vs_kcore__machine(kcore), .syms = s->syms, .nr_syms = s->nr,
		.read = read_kcore, .ctx = kcore,
	};

	in->kind = VS_BINARY_RUNNING;
	snprintf(in->machine, sizeof(in->machine), "%s", text.machine);
	return scan_memory(&text, in);
}

static int inspect_memory(const char *root, struct vs_inspection *in)
{
	struct vs_kcore *kcore = NULL;
	struct symbols s = { 0 };
	int err = read_symbols(root, &s);

	if (!err) {
		kcore = vs_kcore__open(root);
		err = kcore ? 0 : -errno;
	}
	err = err ? memory_error(in, err) : inspect_text(kcore, &s, in);
	vs_kcore__free(kcore);
	free_symbols(&s);
	return err;
}

/* ---- vfio.ko ---- */

/* After an upgrade of the package the file can be of another build than the loaded one. */
static void check_loaded(const char *root, struct vs_inspection *in)
{
	char hex[VS_BUILD_ID_HEX];

	if (vs_kmod__running_build_id(root, "vfio", hex)) {
		vs_inspect__note(in, "the loaded vfio tells no build-id: this is of its file");
		return;
	}
	if (!strcmp(hex, in->build_id)) {
		vs_inspect__note(in, "the loaded vfio has the same build-id as its file");
		return;
	}
	vs_inspect__inconclusive(in, "the file is not what is loaded: that has build-id %.16s...",
				 hex);
}

static int inspect_module_file(const char *root, const char *release, bool loaded,
			       struct vs_inspection *in)
{
	char path[PATH_MAX];
	int err = vs_kmod__find(root, release, "vfio", path, sizeof(path));

	if (err)
		return vs_inspect__fail(in, err,
					"vfio is loaded, but there is no file of it for %.60s",
					release);
	free(in->path);
	err = vs_inspect__file(path, in);
	if (err)
		return err;
	if (loaded)
		check_loaded(root, in);
	else
		vs_inspect__note(in, "vfio is not loaded: this is what would be");
	return 0;
}

int vs_inspect__running(const char *root, struct vs_inspection *in)
{
	struct utsname uts;
	enum vs_kmod_state state;
	int err;

	memset(in, 0, sizeof(*in));
	in->compression = "none";
	in->path = strdup("");
	if (!in->path || uname(&uts))
		return vs_inspect__fail(in, -ENOMEM, "out of memory");
	state = vs_kmod__state(root, uts.release, "vfio");
	if (state == VS_KMOD_ABSENT)
		return vs_inspect__fail(in, -ENOENT,
					"the running kernel (%.60s) has no VFIO: "
					"no module, not built in",
					uts.release);
	err = state == VS_KMOD_BUILTIN ? inspect_memory(root, in) :
		inspect_module_file(root, uts.release, state == VS_KMOD_LOADED, in);
	in->running = true;
	if (!err && !in->release[0])
		snprintf(in->release, sizeof(in->release), "%s", uts.release);
	return err;
}
