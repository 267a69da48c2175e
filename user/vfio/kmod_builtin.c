// SPDX-License-Identifier: GPL-2.0
/* VFIO in the kernel image: functions by name from /proc/kallsyms, sites from their text. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kallsyms.h"
#include "kernel/kcore.h"
#include "vfio/kmod.h"
#include "vfio/kmod_priv.h"
#include "vfio/text_sites.h"

#define MAX_FUNCS	4096		/* VFIO and its drivers: some 300 */
#define MAX_FUNC_BYTES	(64u << 10)	/* the largest has 8 KiB */
#define MAX_CALLEES	16

struct builtin {
	const char *const *callees;
	uint64_t targets[MAX_CALLEES];	/* where they are, 0: not in this kernel */
	struct vs_kmod *kmod;
	bool ended;			/* what follows is no text, or init text, which is freed */
	uint32_t func;			/* the one that is swept over */
	size_t unread;
};

/* ---- functions ---- */

bool vs_kmod__is_vfio_function(const char *name)
{
	return !strncmp(name, "vfio_", 5) || !strncmp(name, "__vfio_", 7);
}

static void note_callee(struct builtin *b, const struct vs_symbol *symbol)
{
	for (size_t i = 0; i < MAX_CALLEES && b->callees[i]; i++)
		if (!strcmp(b->callees[i], symbol->name))
			b->targets[i] = symbol->addr;
}

/* /proc/kallsyms lists the image in the order of addresses: the next one ends the last. */
static void end_last(struct vs_kmod *kmod, uint64_t addr)
{
	struct vs_kmod_func *last = kmod->nr_funcs ? &kmod->funcs[kmod->nr_funcs - 1] : NULL;

	if (last && !last->size && addr > last->section_off)
		last->size = addr - last->section_off;
}

static int add_func(struct vs_kmod *kmod, const struct vs_symbol *symbol)
{
	struct vs_kmod_func *func, *last = kmod->nr_funcs ? &kmod->funcs[kmod->nr_funcs - 1] : NULL;

	/* An alias. Hidden addresses are all the same, and names are all there is then. */
	if (last && symbol->addr && last->section_off == symbol->addr)
		return 0;
	if (kmod->nr_funcs == MAX_FUNCS)
		return -E2BIG;
	func = reallocarray(kmod->funcs, kmod->nr_funcs + 1, sizeof(*func));
	if (!func)
		return -ENOMEM;
	kmod->funcs = func;
	func += kmod->nr_funcs++;
	*func = (struct vs_kmod_func){ .name = strdup(symbol->name), .section = strdup(""),
				       .section_off = symbol->addr };
	return func->name && func->section ? 0 : -ENOMEM;
}

static int take_symbol(void *ctx, const struct vs_symbol *symbol)
{
	struct builtin *b = ctx;

	if (symbol->module[0] || !strchr("tTwW", symbol->type))
		return 0;
	end_last(b->kmod, symbol->addr);
	note_callee(b, symbol);
	b->ended |= !strcmp(symbol->name, "_etext");
	return vs_kmod__is_vfio_function(symbol->name) && !b->ended ? add_func(b->kmod, symbol) : 0;
}

static int read_functions(struct builtin *b, const char *root)
{
	char path[PATH_MAX];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "re");
	if (!file)
		return vs_kmod__fail(b->kmod, -errno, "cannot read /proc/kallsyms");
	err = vs_kallsyms__each(file, take_symbol, b);
	fclose(file);
	if (err)
		return vs_kmod__fail(b->kmod, err, "%s", strerror(-err));
	if (!b->kmod->nr_funcs || !b->kmod->funcs[0].section_off)
		return vs_kmod__fail(b->kmod, -EPERM, "/proc/kallsyms hides addresses");
	return 0;
}

/* ---- sites ---- */

static const char *callee_at(const struct builtin *b, uint64_t target)
{
	for (size_t i = 0; i < MAX_CALLEES && b->callees[i]; i++)
		if (target && b->targets[i] == target)
			return b->callees[i];
	return NULL;
}

static int take_site(void *ctx, const struct vs_text_site *found)
{
	struct builtin *b = ctx;
	struct vs_kmod_site site = found->site;
	const char *callee = callee_at(b, found->target);

	if (site.kind == VS_SITE_CALL && !callee)
		return 0;
	site.func = b->func;
	site.callee = (char *)callee;
	return vs_kmod__add_site(b->kmod, &site) ?: 1;
}

static int sweep_func(struct builtin *b, const struct vs_kcore *kcore, uint8_t *buf)
{
	const struct vs_kmod_func *func = &b->kmod->funcs[b->func];
	struct vs_text_sweep sweep = {
		.bytes = buf, .pc = func->section_off, .site = take_site, .ctx = b,
		.len = func->size < MAX_FUNC_BYTES ? func->size : MAX_FUNC_BYTES,
	};
	int err = vs_kcore__read(kcore, func->section_off, buf, sweep.len);

	if (!err)
		err = vs_text_sweep__run(&sweep);
	b->unread += sweep.unread;
	return err;
}

static int sweep_all(struct builtin *b, const struct vs_kcore *kcore)
{
	uint8_t *buf = malloc(MAX_FUNC_BYTES);
	int err = buf ? 0 : -ENOMEM;

	for (b->func = 0; b->func < b->kmod->nr_funcs && !err; b->func++)
		err = sweep_func(b, kcore, buf);
	free(buf);
	vs_kmod__sort_sites(b->kmod);
	return err ? vs_kmod__fail(b->kmod, err, "/proc/kcore: %s", strerror(-err)) : 0;
}

static int read_sites(struct builtin *b, const char *root)
{
	struct vs_kcore *kcore = vs_kcore__open(root);
	int err = 0;

	if (!kcore)
		return vs_kmod__fail(b->kmod, -errno, "cannot read /proc/kcore: %s",
				     strerror(errno));
	b->kmod->machine = strdup(vs_kcore__machine(kcore));
	if (!b->kmod->machine)
		err = -ENOMEM;
	else if (strcmp(b->kmod->machine, "x86_64"))
		err = vs_kmod__fail(b->kmod, -ENOTSUP, "inlined code is found on x86-64 only");
	else
		err = sweep_all(b, kcore);
	vs_kcore__free(kcore);
	return err;
}

int vs_kmod__read_builtin(const char *root, const char *const *callees, struct vs_kmod *kmod)
{
	struct builtin b = { .callees = callees, .kmod = kmod };
	int err;

	memset(kmod, 0, sizeof(*kmod));
	kmod->compression = "none";
	kmod->path = strdup("/proc/kcore");
	if (!kmod->path)
		return vs_kmod__fail(kmod, -ENOMEM, "out of memory");
	err = read_functions(&b, root);
	if (!err)
		err = read_sites(&b, root);
	if (!err && b.unread)
		vs_kmod__fail(kmod, 0, "%zu bytes of VFIO's code are not what was compiled: "
			      "another tracer's probes hide inlined copies", b.unread);
	return err;
}
