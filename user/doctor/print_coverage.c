// SPDX-License-Identifier: GPL-2.0
#include "doctor/print_coverage.h"

#include <stdint.h>
#include <stdio.h>

#include "base/json_text.h"
#include "base/words.h"

#define NARROWEST 60
#define LABEL 10	/* columns of "taken", "held by" ... and their indent */
#define INDENT (4 + LABEL)

static const char *const labels[VS_SEES_PARTS] = {
	[VS_SEES_GETS] = "taken",
	[VS_SEES_PUTS] = "dropped",
	[VS_SEES_HOLDERS] = "held by",
	[VS_SEES_WAITS] = "waits",
};

/* For holders and waits the words themselves give the answer. */
static const char *lead_in(const struct vs_sees_cell *cell, enum vs_sees_part part)
{
	bool who = part == VS_SEES_HOLDERS || part == VS_SEES_WAITS;

	switch (cell->answer) {
	case VS_SEES_YES:
	case VS_SEES_LATER:
		return "";
	case VS_SEES_PARTLY:
		return who ? "" : "partly: ";
	case VS_SEES_NO:
		return "not seen: ";
	case VS_SEES_NOTHING:
		return who ? "" : "none: ";
	}
	return "";
}

static void print_row(struct vs_out *out, const struct vs_sees *row, unsigned int width)
{
	char text[240];

	vs_out__printf(out, "  %s", row->what);
	if (row->counter)
		vs_out__printf(out, " (%s)", row->counter);
	vs_out__puts(out, "\n");
	for (int part = 0; part < VS_SEES_PARTS; part++) {
		const struct vs_sees_cell *cell = &row->cells[part];

		snprintf(text, sizeof(text), "%s%s", lead_in(cell, part), cell->words);
		vs_out__printf(out, "    %-*s", LABEL, labels[part]);
		vs_words__wrap(out, text, INDENT, INDENT, width);
	}
}

/* Returns true if nothing of the subject exists here: one line is enough. */
static bool is_nothing(const struct vs_sees *row)
{
	for (int part = 0; part < VS_SEES_PARTS; part++)
		if (row->cells[part].answer != VS_SEES_NOTHING)
			return false;
	return true;
}

static void print_nothing(struct vs_out *out, const struct vs_sees *row, unsigned int width)
{
	vs_out__printf(out, "  %s\n    %-*s", row->what, LABEL, "none");
	vs_words__wrap(out, row->cells[0].words, INDENT, INDENT, width);
}

void vs_doctor_sees__print(struct vs_out *out, const struct vs_facts *facts, const struct vs_plan *plan,
			   unsigned int width)
{
	struct vs_sees rows[VS_SEES_SUBJECTS];

	width = width < NARROWEST ? 0 : width;
	vs_sees__find(facts, plan, rows);
	vs_out__puts(out, "\nWhat can be seen here\n");
	for (size_t i = 0; i < VS_SEES_SUBJECTS; i++) {
		if (is_nothing(&rows[i]))
			print_nothing(out, &rows[i], width);
		else
			print_row(out, &rows[i], width);
	}
}

static json_t *cell_json(const struct vs_sees_cell *cell)
{
	return json_pack("{s:s, s:o, s:o}", "seen", vs_sees_answer__name(cell->answer),
			 "words", vs_json_text__new(cell->words, SIZE_MAX),
			 "how", cell->how[0] ? vs_json_text__new(cell->how, SIZE_MAX) : json_null());
}

static json_t *row_json(const struct vs_sees *row)
{
	json_t *o = json_pack("{s:s, s:s, s:o}", "subject", row->subject, "what", row->what,
			      "counter", row->counter ? json_string(row->counter) : json_null());

	for (int part = 0; part < VS_SEES_PARTS; part++)
		json_object_set_new(o, vs_sees_part__name(part), cell_json(&row->cells[part]));
	return o;
}

json_t *vs_doctor_sees__json(const struct vs_facts *facts, const struct vs_plan *plan)
{
	struct vs_sees rows[VS_SEES_SUBJECTS];
	json_t *array = json_array();

	vs_sees__find(facts, plan, rows);
	for (size_t i = 0; i < VS_SEES_SUBJECTS; i++)
		json_array_append_new(array, row_json(&rows[i]));
	return array;
}
