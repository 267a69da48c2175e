// SPDX-License-Identifier: GPL-2.0
#include "sink/json_gap.h"

#include "sink/json.h"

json_t *vs_json__gap(const struct vs_gap_row *row)
{
	json_t *o = json_object();
	char words[VS_GAP_WORDS];

	vs_gap__words(row, words, sizeof(words));
	set(o, "time_ns", json_integer((jint)(row->to_ns ? row->to_ns : row->from_ns)));
	set(o, "gap_ns", time_or_null(row->to_ns ? row->to_ns - row->from_ns : 0));
	set(o, "from_ns", json_integer((jint)row->from_ns));
	set(o, "to_ns", time_or_null(row->to_ns));
	set(o, "why", json_string(vs_gap_why__name(row->why)));
	set(o, "words", text(words, sizeof(words)));
	set(o, "empty", json_boolean(vs_gap__is_empty(row)));
	return o;
}

json_t *vs_json__gaps(const struct vs_gap_row *rows, size_t nr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, vs_json__gap(&rows[i]));
	return array;
}
