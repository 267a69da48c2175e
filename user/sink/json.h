/* SPDX-License-Identifier: GPL-2.0 */
/* Pieces of NDJSON records; only the files of the JSON sink include this. */
#ifndef VFIOSCOPE_SINK_JSON_H
#define VFIOSCOPE_SINK_JSON_H

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "ledger/finding.h"
#include "ledger/refs_report.h"

#define VS_JSON_SCHEMA 1

typedef json_int_t jint;

static inline json_t *hex(uint64_t value)
{
	char buf[24];

	if (!value)
		return json_null();
	snprintf(buf, sizeof(buf), "0x%llx", (unsigned long long)value);
	return json_string(buf);
}

static inline json_t *text(const char *s, size_t max)
{
	return vs_json_text__new(s, max);
}

static inline json_t *string_or_null(const char *s)
{
	return s && *s ? text(s, strlen(s)) : json_null();
}

static inline json_t *time_or_null(uint64_t ns)
{
	return ns ? json_integer((jint)ns) : json_null();
}

static inline void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new_nocheck(o, key, value);
}

static inline void set_int(json_t *o, const char *key, uint64_t value)
{
	set(o, key, json_integer((jint)value));
}

static inline json_t *record(const char *type)
{
	json_t *o = json_object();

	set(o, "type", json_string(type));
	set_int(o, "schema", VS_JSON_SCHEMA);
	return o;
}

static inline json_t *split(const char *list, const char *at)
{
	json_t *array = json_array();

	while (*list) {
		size_t len = strcspn(list, at);

		if (len)
			json_array_append_new(array, text(list, len));
		list += len + !!list[len];
	}
	return array;
}

static inline json_t *group_json(const struct vs_group_view *g)
{
	json_t *o;

	if (!g->known)
		return json_null();
	o = json_object();
	set(o, "number", g->number < 0 ? json_null() : json_integer(g->number));
	set(o, "address", hex(g->address));
	set_int(o, "generation", g->generation);
	set(o, "seen_before", json_boolean(g->seen_before));
	set(o, "devices", split(g->devices, " "));
	return o;
}

/* Makes the "wait" record. */
json_t *vs_json__wait(const struct vs_registration_book *b, const struct vs_group_view *g,
		      struct vs_sites *sites);

/* Make parts of the "ledger" record: the devices of a group; the sums over all devices. */
json_t *vs_json__registrations(const struct vs_refs_report *r, const struct vs_group_view *g);
json_t *vs_json__registration_totals(const struct vs_refs_report *r);

/* Makes the "ledger" record. */
json_t *vs_json__ledger(const struct vs_refs_report *r);

#endif
