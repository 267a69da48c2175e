// SPDX-License-Identifier: GPL-2.0
/* Symbols of a dump as the text of /proc/kallsyms, which all else reads. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "core/dump_priv.h"
#include "snapshot/symbols.h"
#include "snapshot/walk.h"

#define MAX_MODULES 4096
#define MAX_TEXT (256u << 20)
#define UNFORMED 3	/* enum module_state: being loaded, or gone */

struct writing {
	struct vs_dump *d;
	FILE *out;
	char module[64];
};

/* Names in a dump are not checked: a character that no name has could begin another line. */
static void write_name(FILE *out, const char *name)
{
	for (int i = 0; name[i] && i < 511; i++)
		fputc(name[i] > ' ' && name[i] < 0x7f ? name[i] : '?', out);
}

static int write_symbol(void *ctx, const struct vs_symbol *s)
{
	struct writing *w = ctx;

	if (ftell(w->out) > (long)MAX_TEXT)
		return -E2BIG;
	fprintf(w->out, "%016" PRIx64 " %c ", s->addr, s->type > ' ' && s->type < 0x7f ? s->type : '?');
	write_name(w->out, s->name);
	if (w->module[0])
		fprintf(w->out, "\t[%s]", w->module);
	fputc('\n', w->out);
	return 0;
}

static int write_image(struct writing *w)
{
	const struct vs_image_syms *syms = &w->d->image.syms;
	int err = 0;

	for (size_t i = 0; i < syms->nr && !err; i++) {
		const struct vs_symbol s = { syms->syms[i].addr, syms->syms[i].type, syms->syms[i].name, "" };

		err = write_symbol(w, &s);
	}
	return err;
}

static void module_name(const struct vs_dump *d, uint64_t module, char *buf, size_t size)
{
	vs_walk__string(&d->mem, module + (uint64_t)d->more.module_name, buf, size);
	for (char *at = buf; *at; at++)
		if (*at <= ' ' || *at == ']' || *at >= 0x7f)
			*at = '?';
}

/* Finds the code of the module; leaves @t as it is where the BTF does not describe that. */
static void find_text(const struct vs_dump *d, uint64_t module, struct vs_orc_table *t)
{
	const struct vs_core_layout *l = &d->more;
	bool new = l->module_text >= 0;
	uint64_t at = module + (uint64_t)(new ? l->module_text : l->module_core);
	int base = new ? l->memory_base : l->core_base, len = new ? l->memory_len : l->core_len;
	uint32_t size = 0;

	if ((!new && l->module_core < 0) || base < 0 || len < 0 ||
	    vs_mem__read(&d->mem, at + (uint64_t)len, &size, sizeof(size)))
		return;
	t->low = vs_mem__pointer(&d->mem, at + (uint64_t)base);
	t->high = t->low + size;
}

static int add_orc(struct vs_dump *d, uint64_t module)
{
	const struct vs_core_layout *l = &d->more;
	uint64_t arch = module + (uint64_t)l->module_arch;
	struct vs_orc_table t = {};
	uint32_t nr;

	if (l->module_arch < 0 || l->arch_orcs < 0 || l->arch_orc_ip < 0 || l->arch_orc < 0 ||
	    vs_mem__read(&d->mem, arch + (uint64_t)l->arch_orcs, &nr, sizeof(nr)))
		return 0;
	t.ips = vs_mem__pointer(&d->mem, arch + (uint64_t)l->arch_orc_ip);
	t.entries = vs_mem__pointer(&d->mem, arch + (uint64_t)l->arch_orc);
	t.nr = nr;
	find_text(d, module, &t);
	return vs_orc__add(&d->orc, &t);
}

static int take_module(struct writing *w, uint64_t module)
{
	struct vs_dump *d = w->d;
	uint32_t state = 0;
	int err;

	if (d->more.module_state >= 0)
		vs_mem__read(&d->mem, module + (uint64_t)d->more.module_state, &state, sizeof(state));
	if (state == UNFORMED)
		return 0;
	module_name(d, module, w->module, sizeof(w->module));
	d->has_vfio |= !strcmp(w->module, "vfio");
	err = add_orc(d, module) ?:
	      vs_snap_symbols__each_of_module(&d->mem, &d->layout, module, write_symbol, w);
	if (err == -EFAULT || err == -ENOTSUP) {
		core_dump__say(d, "symbols of module %s could not be read", w->module);
		d->incomplete = true;
		err = 0;
	}
	w->module[0] = '\0';
	return err;
}

static int take_modules(struct writing *w)
{
	struct vs_dump *d = w->d;
	uint64_t head = vs_core_image__symbol(&d->image, "modules"), *nodes;
	int nr, err = 0;

	if (!head || d->more.module_list < 0 || d->more.module_name < 0) {
		core_dump__say(d, "the list of modules was not found");
		d->incomplete = true;
		return 0;
	}
	nodes = malloc(MAX_MODULES * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	nr = vs_walk__list(&d->mem, head, nodes, MAX_MODULES);
	if (nr < 0)
		core_dump__say(d, "the list of modules could not be followed");
	d->incomplete |= nr < 0;
	for (int i = 0; i < nr && !err; i++)
		err = take_module(w, nodes[i] - (uint64_t)d->more.module_list);
	free(nodes);
	return err;
}

static int take_orc(struct vs_dump *d)
{
	uint64_t end = vs_core_image__symbol(&d->image, "__stop_orc_unwind_ip");
	struct vs_orc_table t = {
		.ips = vs_core_image__symbol(&d->image, "__start_orc_unwind_ip"),
		.entries = vs_core_image__symbol(&d->image, "__start_orc_unwind"),
		.low = d->image.start,
		.high = d->image.start + d->image.len,
	};

	t.nr = end > t.ips ? (end - t.ips) / 4 : 0;
	return vs_orc__add(&d->orc, &t);
}

static int read_ksyms(struct vs_dump *d)
{
	FILE *in = fmemopen(d->kallsyms, d->kallsyms_len, "r");

	d->ksyms = in ? vs_ksyms__read(in) : NULL;
	if (in)
		fclose(in);
	return d->ksyms ? 0 : -ENOMEM;
}

int core_dump__symbols(struct vs_dump *d)
{
	struct writing w = { .d = d, .out = open_memstream(&d->kallsyms, &d->kallsyms_len) };
	int err;

	if (!w.out)
		return -ENOMEM;
	err = write_image(&w) ?: take_orc(d) ?: take_modules(&w);
	if (fclose(w.out) && !err)
		err = -ENOMEM;
	vs_orc__sort(&d->orc);
	vs_orc__learn(&d->orc, vs_core_image__symbol(&d->image, "schedule"));
	if (!d->orc.numbers)
		core_dump__say(d, "no stacks: this kernel has no ORC tables, or they are of a kind that is not known");
	return err ?: read_ksyms(d);
}
