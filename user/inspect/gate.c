// SPDX-License-Identifier: GPL-2.0
#include "inspect/gate.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"

static const char *const verdicts[] = { "FIXED", "VULNERABLE", "NOT-APPLICABLE", "INCONCLUSIVE",
					"FAILED" };

const char *vs_gate_kind__name(enum vs_gate_kind kind)
{
	static const char *const names[] = {
		[VS_GATE_VERDICT] = "verdict", [VS_GATE_GAINED] = "gained", [VS_GATE_LOST] = "lost",
		[VS_GATE_MOVED] = "moved", [VS_GATE_UNEXPECTED] = "unexpected",
		[VS_GATE_EXPECTED] = "expected", [VS_GATE_UNMATCHED] = "unmatched",
	};

	return names[kind];
}

static int add(struct vs_gate *gate, enum vs_gate_kind kind, const char *file, const char *format,
	       ...) __attribute__((format(printf, 4, 5)));

static int add(struct vs_gate *gate, enum vs_gate_kind kind, const char *file, const char *format,
	       ...)
{
	struct vs_gate_row *row = vs_rows__add(&gate->rows, &gate->nr, sizeof(*row));
	va_list args;
	int len;

	if (!row)
		return -ENOMEM;
	row->kind = kind;
	row->file = strdup(file);
	va_start(args, format);
	len = vasprintf(&row->words, format, args);
	va_end(args);
	if (len < 0)
		row->words = NULL;
	gate->nr_of[kind]++;
	return row->file && row->words ? 0 : -ENOMEM;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int refuse(struct vs_gate *gate, const char *words)
{
	snprintf(gate->error, sizeof(gate->error), "%s", words);
	return -EINVAL;
}

/* -- the baseline -- */

/*
 * A place without its offset: "put, calls vfio_group_put" in a function. The compiler's suffixes differ
 * between builds of the same source.
 */
struct place {
	char function[128], what[160];
	const char *where;	/* with its offset */
	bool matched;
};

static void describe(const json_t *object, struct place *place)
{
	const char *class = text_of(object, "class"), *callee = text_of(object, "callee");

	place->where = text_of(object, "where");
	snprintf(place->function, sizeof(place->function), "%.*s",
		 (int)strcspn(place->where, ".+"), place->where);
	if (!*class)
		snprintf(place->what, sizeof(place->what), "%.20s of %.100s", text_of(object, "kind"),
			 text_of(object, "target"));
	else if (*callee)
		snprintf(place->what, sizeof(place->what), "%s, calls %.100s", class, callee);
	else
		snprintf(place->what, sizeof(place->what), "%s", class);
}

static bool is_alike(const struct place *a, const struct place *b)
{
	return !a->matched && !b->matched && !strcmp(a->function, b->function) &&
	       !strcmp(a->what, b->what);
}

static struct place *places_of(const json_t *list, size_t *nr)
{
	struct place *places;

	*nr = json_array_size(list);
	places = calloc(*nr + 1, sizeof(*places));
	for (size_t i = 0; places && i < *nr; i++)
		describe(json_array_get(list, i), &places[i]);
	return places;
}

/* Exact matches come first, so that one new place among equal ones is the one that is new. */
static int match(struct vs_gate *gate, const char *file, struct place *old, size_t nr_old,
		 struct place *now, size_t nr_now, bool moved)
{
	int err = 0;

	for (size_t i = 0; !err && i < nr_old; i++) {
		for (size_t j = 0; !old[i].matched && j < nr_now; j++) {
			if (!is_alike(&old[i], &now[j]) ||
			    (!moved && strcmp(old[i].where, now[j].where)))
				continue;
			old[i].matched = now[j].matched = true;
			if (moved)
				err = add(gate, VS_GATE_MOVED, file, "%s: %s, was %s", now[j].where,
					  now[j].what, old[i].where);
		}
	}
	return err;
}

static int compare_places(struct vs_gate *gate, const char *file, const json_t *before,
			  const json_t *after)
{
	size_t nr_old, nr_now;
	struct place *old = places_of(before, &nr_old), *now = places_of(after, &nr_now);
	int err = old && now ? match(gate, file, old, nr_old, now, nr_now, false) : -ENOMEM;

	if (!err)
		err = match(gate, file, old, nr_old, now, nr_now, true);
	for (size_t i = 0; !err && i < nr_old; i++)
		if (!old[i].matched)
			err = add(gate, VS_GATE_LOST, file, "%s: %s", old[i].where, old[i].what);
	for (size_t j = 0; !err && j < nr_now; j++)
		if (!now[j].matched)
			err = add(gate, VS_GATE_GAINED, file, "%s: %s", now[j].where, now[j].what);
	free(old);
	free(now);
	return err;
}

static int compare_verdicts(struct vs_gate *gate, const char *file, const json_t *old,
			    const json_t *now)
{
	const char *before = text_of(old, "verdict"), *after = text_of(now, "verdict");

	return strcmp(before, after) ? add(gate, VS_GATE_VERDICT, file, "was %s, is %s: %s", before, after,
					   text_of(now, "reason")) : 0;
}

static const json_t *file_called(const json_t *files, const char *path)
{
	for (size_t i = 0; i < json_array_size(files); i++)
		if (!strcmp(text_of(json_array_get(files, i), "path"), path))
			return json_array_get(files, i);
	return NULL;
}

static int compare_folders(struct vs_gate *gate, const json_t *old, const json_t *now)
{
	const json_t *before = json_object_get(old, "files"), *after = json_object_get(now, "files");
	int err = 0;

	for (size_t i = 0; !err && i < json_array_size(before); i++) {
		const json_t *row = json_array_get(before, i);
		const char *path = text_of(row, "path");
		const json_t *same = file_called(after, path);

		err = same ? compare_verdicts(gate, path, row, same) :
			     add(gate, VS_GATE_LOST, path, "was %s", text_of(row, "verdict"));
	}
	for (size_t i = 0; !err && i < json_array_size(after); i++) {
		const json_t *row = json_array_get(after, i);

		if (!file_called(before, text_of(row, "path")))
			err = add(gate, VS_GATE_GAINED, text_of(row, "path"), "is %s",
				  text_of(row, "verdict"));
	}
	return err;
}

int vs_gate__baseline(struct vs_gate *gate, const json_t *old, const json_t *now)
{
	const char *type = text_of(old, "type"), *path = text_of(now, "path");
	int err;

	if (strcmp(type, "inspect") && strcmp(type, "inspect-table"))
		return refuse(gate, "is no output of inspect --json");
	if (json_integer_value(json_object_get(old, "schema")) != 1)
		return refuse(gate, "has a schema that this vfioscope does not know");
	if (strcmp(type, text_of(now, "type")))
		return refuse(gate, !strcmp(type, "inspect") ?
			      "is of one file: compare it with one" : "is of a folder: compare it with one");
	if (!strcmp(type, "inspect-table"))
		return compare_folders(gate, old, now);
	err = compare_verdicts(gate, path, old, now);
	if (!err)
		err = compare_places(gate, path, json_object_get(old, "sites"),
				     json_object_get(now, "sites"));
	return err ? err : compare_places(gate, path, json_object_get(old, "notifier_calls"),
					  json_object_get(now, "notifier_calls"));
}

/* -- the table of what is expected -- */

struct line {
	char verdict[16], pattern[300];
	unsigned int number;
	bool used;
};

static bool is_verdict(const char *word)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (!strcmp(word, verdicts[i]))
			return true;
	return false;
}

/* Returns 1 for a line of the table, 0 for an empty one, -EINVAL. */
static int parse_line(const char *text, size_t len, struct line *line)
{
	char copy[400];
	int nr;

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	copy[strcspn(copy, "#")] = '\0';
	nr = sscanf(copy, "%15s %299s %*c", line->verdict, line->pattern);
	if (nr <= 0)
		return 0;
	return nr == 2 && is_verdict(line->verdict) ? 1 : -EINVAL;
}

static int read_table(struct vs_gate *gate, const char *table, struct line **lines, size_t *nr)
{
	unsigned int number = 0;

	for (const char *at = table; *at; at += strcspn(at, "\n"), at += !!*at) {
		struct line line = { .number = ++number };
		int is = parse_line(at, strcspn(at, "\n"), &line);
		struct line *row;

		if (is < 0) {
			snprintf(gate->error, sizeof(gate->error), "line %u is not a verdict and a pattern, "
				 "such as: FIXED 5.10.*", number);
			return is;
		}
		row = is ? vs_rows__add(lines, nr, sizeof(*row)) : NULL;
		if (is && !row)
			return -ENOMEM;
		if (is)
			*row = line;
	}
	return *nr ? 0 : refuse(gate, "has no line with a verdict and a pattern");
}

static bool matches(const struct line *line, const json_t *file)
{
	char anywhere[sizeof(line->pattern) + 2];

	snprintf(anywhere, sizeof(anywhere), "*/%s", line->pattern);
	return !fnmatch(line->pattern, text_of(file, "path"), 0) ||
	       !fnmatch(anywhere, text_of(file, "path"), 0) ||
	       !fnmatch(line->pattern, text_of(file, "kernel"), 0);
}

static int expect_file(struct vs_gate *gate, struct line *lines, size_t nr, const json_t *file)
{
	const char *path = text_of(file, "path"), *verdict = text_of(file, "verdict");
	struct line *line = NULL;

	for (size_t i = 0; !line && i < nr; i++)
		if (matches(&lines[i], file))
			line = &lines[i];
	if (!line)
		return add(gate, VS_GATE_UNEXPECTED, path, "is %s, and no line of the table has it",
			   verdict);
	line->used = true;
	if (strcmp(line->verdict, verdict))
		return add(gate, VS_GATE_UNEXPECTED, path, "is %s, line %u expects %s", verdict,
			   line->number, line->verdict);
	return add(gate, VS_GATE_EXPECTED, path, "is %s, as line %u expects", verdict, line->number);
}

int vs_gate__expect(struct vs_gate *gate, const char *table, const json_t *now)
{
	const json_t *files = json_object_get(now, "files");
	struct line *lines = NULL;
	size_t nr = 0;
	int err = read_table(gate, table, &lines, &nr);

	if (!err && !files)
		err = expect_file(gate, lines, nr, now);
	for (size_t i = 0; !err && i < json_array_size(files); i++)
		err = expect_file(gate, lines, nr, json_array_get(files, i));
	for (size_t i = 0; !err && i < nr; i++)
		if (!lines[i].used)
			err = add(gate, VS_GATE_UNMATCHED, lines[i].pattern,
				  "line %u expects %s of it, and no file has it", lines[i].number,
				  lines[i].verdict);
	free(lines);
	return err;
}

/* -- the result -- */

bool vs_gate__passes(const struct vs_gate *gate)
{
	return gate->nr == gate->nr_of[VS_GATE_MOVED] + gate->nr_of[VS_GATE_EXPECTED];
}

bool vs_gate__is_expected(const struct vs_gate *gate, const char *file)
{
	for (size_t i = 0; i < gate->nr; i++)
		if (gate->rows[i].kind == VS_GATE_EXPECTED && !strcmp(gate->rows[i].file, file))
			return true;
	return false;
}

void vs_gate__free(struct vs_gate *gate)
{
	for (size_t i = 0; i < gate->nr; i++) {
		free(gate->rows[i].file);
		free(gate->rows[i].words);
	}
	free(gate->rows);
}
