// SPDX-License-Identifier: GPL-2.0
/* Which runs a recording has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/replay.h"

static struct vs_run_row *row_of(struct vs_run_row *rows, int *nr, uint16_t session)
{
	for (int i = *nr; i--;)
		if (rows[i].session == session)
			return &rows[i];
	if (*nr == VS_RUNS_MOST)
		return NULL;
	rows[*nr] = (struct vs_run_row){ .session = session };
	return &rows[(*nr)++];
}

static bool is_known(unsigned int kind)
{
	return (kind && kind < VS_IN_END) || (kind >= VS_REC_NAME && kind <= VS_REC_NOW) ||
	       (kind >= VS_REC_ROW && kind <= VS_REC_REFERENCE);
}

static void take_clock(struct vs_run_row *row, struct vs_packed *u)
{
	struct vs_record_clock clock;

	if (!row->clock.mono_ns && !vs_packed__clock(u, &clock))
		row->clock = clock;
}

static void take_exit(struct vs_run_row *row, struct vs_packed *u)
{
	struct vs_answer a;
	char text[8];

	if (vs_packed__answer(u, &a, text, sizeof(text)))
		return;
	row->ended = true;
	row->status = (int)a.value;
}

static void take_missing(struct vs_run_row *row, struct vs_packed *u)
{
	struct vs_record_missing m;

	if (!vs_packed__missing(u, &m) && m.nr > row->not_recorded)
		row->not_recorded = m.nr;
}

static void take(struct vs_run_row *row, const struct vs_read *r)
{
	struct vs_packed u = { .data = r->body, .len = r->len };

	row->unknown += !is_known(r->kind);
	if (r->kind == VS_REC_RUN && !row->run.verb[0])
		vs_packed__run(&u, &row->run);
	else if (r->kind == VS_REC_CLOCK)
		take_clock(row, &u);
	else if (r->kind == VS_IN_EVENT)
		row->events++;
	else if (r->kind == VS_IN_START && !r->state)
		row->begun = true;
	else if (r->kind == VS_REC_NOT_RECORDED)
		take_missing(row, &u);
	else if (r->kind == VS_REC_EXIT)
		take_exit(row, &u);
}

int vs_replay__list(struct vs_reader *reader, struct vs_run_row **rows)
{
	struct vs_run_row *all = calloc(VS_RUNS_MOST, sizeof(*all)), *row;
	uint64_t unit = 0;
	struct vs_read r;
	int nr = 0;

	if (!all)
		return -ENOMEM;
	vs_reader__rewind(reader);
	while (vs_reader__next(reader, &r)) {
		row = row_of(all, &nr, r.session);
		if (!row)
			continue;
		if (!row->first_ns)
			row->first_ns = r.time_ns;
		row->last_ns = r.time_ns;
		if (r.seq != unit) {
			row->units++;
			row->bugs += r.bug;
		}
		unit = r.seq;
		take(row, &r);
	}
	*rows = all;
	return nr;
}
