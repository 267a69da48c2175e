// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"
#include "inspect/print.h"

#define LABEL_WIDTH	12
#define PLACE_WIDTH	40
#define WHY_INDENT	6

static void put_field(struct vs_out *o, const char *label, const char *text, unsigned int width)
{
	vs_out__printf(o, "  %-*s", LABEL_WIDTH, label);
	vs_words__wrap(o, text, LABEL_WIDTH + 2, LABEL_WIDTH + 2, width);
}

static void put_verdict(struct vs_out *o, const struct vs_inspection *in, unsigned int width, bool color)
{
	const char *name = vs_verdict__name(in->verdict);
	size_t indent = strlen(name) + 2;

	vs_out__style(o, color ? vs_verdict__style(in->verdict) : "");
	vs_out__text(o, name);
	vs_out__style(o, color ? VS_STYLE_OFF : "");
	vs_out__puts(o, "  ");
	vs_words__wrap(o, in->reason, indent, indent, width);
	if (in->era[0])
		vs_out__printf(o, "%*sera: %s\n", (int)indent, "", in->era);
}

static void put_identity(struct vs_out *o, const struct vs_inspection *in, unsigned int width)
{
	char path[1024], text[400];

	vs_out__puts(o, "\n");
	vs_name__escape(path, sizeof(path), in->path, sizeof(path) / 4 - 1);
	put_field(o, "file", in->path[0] ? path : "/proc/kallsyms and /proc/kcore", 0);
	snprintf(text, sizeof(text), "%s, %s, %s%s%s",
		 in->release[0] ? in->release : "of unknown release",
		 in->machine, vs_binary__name(in->kind),
		 strcmp(in->compression, "none") ? ", " : "",
		 strcmp(in->compression, "none") ? in->compression : "");
	put_field(o, "kernel", text, width);
	if (in->build_id[0])
		put_field(o, "build-id", in->build_id, width);
	if (in->srcversion[0])
		put_field(o, "srcversion", in->srcversion, width);
	for (size_t i = 0; i < in->nr_notes; i++)
		put_field(o, i ? "" : "note", in->notes[i], width);
}

static void put_source(struct vs_out *o, const struct vs_place *place, unsigned int width)
{
	if (!place->source[0])
		return;
	vs_out__printf(o, "%*s", WHY_INDENT, "");
	vs_out__text(o, place->source);
	if (place->inlined[0]) {
		vs_out__puts(o, "  inlined: ");
		vs_words__wrap(o, place->inlined, WHY_INDENT + strlen(place->source) + 11,
			       WHY_INDENT + 2, width);
		return;
	}
	vs_out__puts(o, "\n");
}

static void put_evidence(struct vs_out *o, const struct vs_inspection *in, unsigned int width)
{
	if (in->nr_evidence)
		vs_out__puts(o, "\nEvidence\n");
	for (size_t i = 0; i < in->nr_evidence; i++) {
		const struct vs_inspection_evidence *e = &in->evidence[i];
		char text[1024];

		snprintf(text, sizeof(text), "%s%s%s", e->place.where, e->place.where[0] ? " " : "",
			 e->what);
		vs_out__puts(o, "  ");
		vs_words__wrap(o, text, 2, WHY_INDENT, width);
		vs_out__fill(o, ' ', WHY_INDENT);
		vs_words__wrap(o, e->why, WHY_INDENT, WHY_INDENT, width);
		put_source(o, &e->place, width);
	}
}

static size_t count_sites(const struct vs_inspection *in, enum vs_site_class class,
			  size_t *functions)
{
	const char *last = "";
	size_t nr = 0;

	*functions = 0;
	for (size_t i = 0; i < in->nr_sites; i++) {
		const char *where = in->sites[i].place.where;
		size_t len = strcspn(where, "+");

		if (in->sites[i].class != class)
			continue;
		nr++;
		*functions += strncmp(last, where, len + 1) != 0;
		last = where;
	}
	return nr;
}

static void put_site(struct vs_out *o, const struct vs_inspection_site *site, unsigned int width)
{
	/* the code does not say whose count that is */
	const char *callee = site->callee[0] ? site->callee : "locked add (or of another count)";

	vs_out__printf(o, "  %-*s  %s%s\n", PLACE_WIDTH, site->place.where,
		       site->inlined ? "" : "calls ", callee);
	put_source(o, &site->place, width);
}

static void put_sites(struct vs_out *o, const struct vs_inspection *in, enum vs_site_class class,
		      const char *title, unsigned int width)
{
	size_t functions, nr = count_sites(in, class, &functions);

	if (!nr)
		return;
	vs_out__printf(o, "\n%s: %zu place%s in %zu function%s\n", title, nr, vs_plural(nr),
		       functions, vs_plural(functions));
	for (size_t i = 0; i < in->nr_sites; i++)
		if (in->sites[i].class == class)
			put_site(o, &in->sites[i], width);
}

static const char *verb(enum vs_ref_kind kind)
{
	switch (kind) {
	case VS_REF_ADDRESS:
		return "address of ";
	case VS_REF_INDIRECT:
		return "through a pointer ";
	case VS_REF_JUMP:
		return "jumps to ";
	default:
		return "";
	}
}

static void put_calls(struct vs_out *o, const struct vs_inspection *in)
{
	if (!in->has_notifier)
		return;
	vs_out__printf(o, "\nThe notifier calls%s\n", in->nr_calls ? "" : " nothing");
	for (size_t i = 0; i < in->nr_calls; i++)
		vs_out__printf(o, "  %-*s  %s%s\n", PLACE_WIDTH, in->calls[i].place.where,
			       verb(in->calls[i].kind), in->calls[i].target);
}

void vs_inspect__print_text(struct vs_out *o, const struct vs_inspection *in, unsigned int width, bool color)
{
	put_verdict(o, in, width, color);
	put_identity(o, in, width);
	put_evidence(o, in, width);
	put_calls(o, in);
	put_sites(o, in, VS_SITE_PUT, "Drops a group reference", width);
	put_sites(o, in, VS_SITE_GET, "Takes a group reference", width);
}

/* ---- a folder ---- */

static size_t widest(const struct vs_tree *tree, bool kernel)
{
	size_t most = 6;

	for (size_t i = 0; i < tree->nr; i++) {
		size_t len = strlen(kernel ? tree->rows[i].kernel : tree->rows[i].machine);

		most = len > most ? len : most;
	}
	return most;
}

/* A path that does not fit loses its middle: the top folder tells kernels apart. */
static void put_path(struct vs_out *o, const char *path, size_t column, unsigned int width)
{
	const char *base = strrchr(path, '/');
	size_t tail = base ? strlen(base) : 0;

	if (width < column + tail + 8 || column + strlen(path) <= width) {
		vs_out__text(o, path);
		return;
	}
	vs_out__add(o, path, width - column - tail - 3);
	vs_out__puts(o, "...");
	vs_out__text(o, base ? base : "");
}

static void put_row(struct vs_out *o, const struct vs_tree_row *row, size_t kernel, size_t machine,
		    unsigned int width)
{
	char path[1024];

	vs_out__printf(o, "%-*s  %-*s  %-14s  ", (int)kernel, row->kernel, (int)machine,
		       row->machine,
		       row->failed ? "FAILED" : vs_verdict__name(row->verdict));
	vs_name__escape(path, sizeof(path), row->path, sizeof(path) / 4 - 1);
	put_path(o, path, kernel + machine + 20, width);
	vs_out__puts(o, "\n");
	if (!row->failed && row->verdict != VS_VERDICT_INCONCLUSIVE)
		return;
	vs_out__fill(o, ' ', kernel + machine + 4);
	vs_words__wrap(o, row->reason, kernel + machine + 4, kernel + machine + 4, width);
}

static void put_footer(struct vs_out *o, const struct vs_tree *tree)
{
	if (!tree->nr)
		vs_out__puts(o, "no vfio.ko, and no kernel image with VFIO built in\n");
	if (tree->images_without)
		vs_out__printf(o, "%zu kernel image%s without VFIO built in: not listed\n",
			       tree->images_without, vs_plural(tree->images_without));
	if (tree->unreadable)
		vs_out__printf(o, "%zu folder%s could not be read\n", tree->unreadable,
			       vs_plural(tree->unreadable));
	if (tree->cut)
		vs_out__puts(o, "the folder is too large or too deep: give parts of it\n");
}

void vs_inspect__print_tree_text(struct vs_out *o, const struct vs_tree *tree, unsigned int width)
{
	size_t kernel = widest(tree, true), machine = widest(tree, false);

	if (tree->nr)
		vs_out__printf(o, "%-*s  %-*s  %-14s  %s\n", (int)kernel, "KERNEL", (int)machine,
			       "CPU", "VERDICT", "FILE");
	for (size_t i = 0; i < tree->nr; i++)
		put_row(o, &tree->rows[i], kernel, machine, width);
	put_footer(o, tree);
}
