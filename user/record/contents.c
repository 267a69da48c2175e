// SPDX-License-Identifier: GPL-2.0
#include "record/contents.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/name.h"
#include "base/plural.h"

#define SECOND UINT64_C(1000000000)

static void print_time(FILE *out, uint64_t wall_ns)
{
	time_t at = (time_t)(wall_ns / SECOND);
	char text[40];
	struct tm tm;

	if (!gmtime_r(&at, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(text, sizeof(text), "at an unknown time");
	fputs(text, out);
}

static uint64_t wall(const struct vs_run_row *row, uint64_t mono_ns)
{
	return row->clock.wall_ns + (mono_ns - row->clock.mono_ns);
}

static void print_run(FILE *out, const struct vs_run_row *row)
{
	uint64_t length = row->last_ns > row->clock.mono_ns ? row->last_ns - row->clock.mono_ns : 0;
	char verb[64], version[80];

	vs_name__quote(verb, sizeof(verb), row->run.verb[0] ? row->run.verb : "?", sizeof(row->run.verb));
	vs_name__quote(version, sizeof(version), row->run.version, sizeof(row->run.version));
	fprintf(out, "  run %u: %s, vfioscope %s, ", row->session, verb, version);
	print_time(out, wall(row, row->clock.mono_ns));
	fprintf(out, ", %" PRIu64 ".%" PRIu64 " s, %" PRIu64 " event%s\n", length / SECOND,
		length / (SECOND / 10) % 10, row->events, vs_plural(row->events));
	if (!row->begun)
		fprintf(out, "    its beginning is not there: overwritten, or not readable\n");
	if (row->bugs)
		fprintf(out, "    BUG: it has findings of grade bug\n");
	if (row->not_recorded)
		fprintf(out, "    %" PRIu64 " inputs were not recorded: its disk was full, or too slow\n",
			row->not_recorded);
	if (row->unknown)
		fprintf(out, "    %" PRIu64 " records of a newer version are left out\n", row->unknown);
	if (row->ended) {
		fprintf(out, "    ended with exit status %d\n", row->status);
		return;
	}
	fprintf(out, "    ended without an end: killed, or its host was; last sign of life ");
	print_time(out, wall(row, row->last_ns));
	fputc('\n', out);
}

bool vs_contents__are_whole(const struct vs_reader *reader, const struct vs_run_row *rows, int nr)
{
	const struct vs_read_damage *d = vs_reader__damage(reader);
	bool whole = !d->missing && !d->odd;

	for (int i = 0; i < nr; i++)
		whole &= !rows[i].not_recorded && !rows[i].unknown && (rows[i].ended || i < nr - 1);
	return whole;
}

void vs_contents__print(FILE *out, const char *path, const struct vs_reader *reader,
			const struct vs_run_row *rows, int nr)
{
	const struct vs_vfr_super *super = vs_reader__super(reader);
	const struct vs_read_damage *d = vs_reader__damage(reader);
	uint64_t slots = vs_reader__slots(reader);
	char name[300];

	vs_name__quote(name, sizeof(name), path, strlen(path));
	fprintf(out, "%s: %s of format %u.%u, %d run%s, ", name, super->slots ? "a ring" : "a recording",
		super->major, super->minor, nr, vs_plural((size_t)nr));
	if (super->slots)
		fprintf(out, "%" PRIu64 " of %u slots in use\n", slots, super->slots);
	else
		fprintf(out, "%" PRIu64 " slot%s\n", slots, vs_plural(slots));
	for (int i = 0; i < nr; i++)
		print_run(out, &rows[i]);
	if (d->missing)
		fprintf(out, "  %" PRIu64 " unit%s missing in %" PRIu64 " place%s: overwritten, or not readable; "
			"%" PRIu64 " of them damaged\n", d->missing, d->missing == 1 ? " is" : "s are",
			d->holes, vs_plural(d->holes), d->damaged);
	if (d->odd)
		fprintf(out, "  %" PRIu64 " record%s nothing sensible\n", d->odd, d->odd == 1 ? " says" : "s say");
}
