// SPDX-License-Identifier: GPL-2.0
/* Copies the judgement out of the file that it points into. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/inspect_priv.h"
#include "vfio/functions.h"

/* Names in the file may go to a terminal, so replace other bytes than printable ASCII. */
static char *printable(char *text)
{
	for (char *c = text; c && *c; c++)
		if (*c < ' ' || *c >= 0x7f)
			*c = '?';
	return text;
}

static char *copy_text(const char *text)
{
	return printable(strdup(text));
}

static bool set_place(struct vs_place *place, const struct vs_code *code, uint32_t func,
		      uint64_t off, bool whole)
{
	const struct vs_code_func *f = func == VS_CODE_NONE ? NULL : &code->funcs[func];
	int len;

	place->source = strdup("");
	place->inlined = strdup("");
	if (f && !whole)
		len = asprintf(&place->where, "%s+0x%" PRIx64, f->name, off);
	else
		len = asprintf(&place->where, "%s", f ? f->name : "");
	if (len < 0)
		place->where = NULL;
	printable(place->where);
	place->section = f ? f->section_index : 0;
	place->addr = f ? f->addr + off : 0;
	return place->source && place->inlined && place->where;
}

static int copy_evidence(const struct vs_code *code, const struct vs_judgement *j,
			 struct vs_inspection *in)
{
	in->evidence = calloc(j->nr_evidence + 1, sizeof(*in->evidence));
	for (size_t i = 0; in->evidence && i < j->nr_evidence; i++) {
		struct vs_inspection_evidence *to = &in->evidence[in->nr_evidence++];
		const struct vs_citation *e = &j->evidence[i];

		to->what = copy_text(e->what);
		to->why = copy_text(e->why);
		if (!set_place(&to->place, code, e->func, e->off, e->whole) || !to->what ||
		    !to->why)
			return -ENOMEM;
	}
	return in->evidence ? 0 : -ENOMEM;
}

static int copy_sites(const struct vs_code *code, const struct vs_judgement *j,
		      struct vs_inspection *in)
{
	in->sites = calloc(j->nr_sites + 1, sizeof(*in->sites));
	for (size_t i = 0; in->sites && i < j->nr_sites; i++) {
		struct vs_inspection_site *to = &in->sites[in->nr_sites++];
		const struct vs_code_site *site = &j->sites[i];

		to->class = site->class;
		to->inlined = site->inlined;
		to->callee = copy_text(site->callee ? site->callee : "");
		if (!set_place(&to->place, code, site->func, site->off, false) || !to->callee)
			return -ENOMEM;
	}
	return in->sites ? 0 : -ENOMEM;
}

/* Returns true for calls that say nothing: every function makes them for ftrace or the compiler. */
static bool is_noise(const struct vs_code *code, const struct vs_code_ref *ref)
{
	static const char *const names[] = {
		"__fentry__", "_mcount", "mcount", "__stack_chk_fail", "__cfi_check", NULL
	};

	return vs_code__is_any_of(vs_code__target_name(code, ref), names) ||
	       /* its own parts */
	       (ref->kind == VS_REF_JUMP && ref->target != VS_CODE_NONE &&
		vs_code__is_part_of(code->funcs[ref->target].name, VS_VFIO_NOTIFIER));
}

static int copy_calls(const struct vs_code *code, const struct vs_judgement *j,
		      struct vs_inspection *in)
{
	in->calls = calloc(j->nr_calls + 1, sizeof(*in->calls));
	for (size_t i = 0; in->calls && i < j->nr_calls; i++) {
		const struct vs_code_ref *ref = j->calls[i];
		struct vs_inspection_call *to;

		in->has_notifier = true;
		if (is_noise(code, ref))
			continue;
		to = &in->calls[in->nr_calls++];
		to->kind = ref->kind;
		to->target = copy_text(vs_code__target_name(code, ref));
		if (!set_place(&to->place, code, ref->func, ref->off, false) || !to->target)
			return -ENOMEM;
	}
	return in->calls ? 0 : -ENOMEM;
}

int vs_inspect__code(const struct vs_code *code, struct vs_inspection *in)
{
	struct vs_judgement j;
	int err = vs_judge(code, &j);

	if (err)
		return vs_inspect__fail(in, err, "out of memory");
	in->verdict = j.verdict;
	in->fix = j.fix;
	in->has_vfio = j.has_vfio;
	memcpy(in->reason, j.reason, sizeof(in->reason));
	memcpy(in->era, j.era, sizeof(in->era));
	err = copy_evidence(code, &j, in);
	if (!err)
		err = copy_sites(code, &j, in);
	if (!err)
		err = copy_calls(code, &j, in);
	vs_judgement__free(&j);
	return err ? vs_inspect__fail(in, err, "out of memory") : 0;
}

static void free_place(struct vs_place *place)
{
	free(place->where);
	free(place->source);
	free(place->inlined);
}

void vs_inspection__free(struct vs_inspection *in)
{
	for (size_t i = 0; i < in->nr_evidence; i++) {
		free_place(&in->evidence[i].place);
		free(in->evidence[i].what);
		free(in->evidence[i].why);
	}
	for (size_t i = 0; i < in->nr_sites; i++) {
		free_place(&in->sites[i].place);
		free(in->sites[i].callee);
	}
	for (size_t i = 0; i < in->nr_calls; i++) {
		free_place(&in->calls[i].place);
		free(in->calls[i].target);
	}
	free(in->evidence);
	free(in->sites);
	free(in->calls);
	free(in->path);
	memset(in, 0, sizeof(*in));
}
