// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/kinds.h"
#include "sink/sink.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define MOST_ROWS 1024	/* of a plan */

static const struct vs_field input_fields[] = {
	VS_FIELD(vs_input, what, VS_FIELD_NUMBER),
	VS_FIELD(vs_input, number, VS_FIELD_SIGNED),
	VS_FIELD(vs_input, time_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_input, since_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_input, total, VS_FIELD_NUMBER),
	VS_FIELD(vs_input, address, VS_FIELD_NUMBER),
	VS_FIELD(vs_input, seq, VS_FIELD_NUMBER),
};

static const struct vs_field gap_fields[] = {
	VS_FIELD(vs_gap_row, why, VS_FIELD_NUMBER),
	VS_FIELD(vs_gap_row, from_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_gap_row, to_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_gap_row, to_seq, VS_FIELD_NUMBER),
	VS_FIELD(vs_gap_row, groups, VS_FIELD_SIGNED),
	VS_FIELD(vs_gap_row, words, VS_FIELD_TEXT),
};

static const struct vs_field start_fields[] = {
	VS_FIELD(vs_start, mono_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_start, wall_ns, VS_FIELD_NUMBER),
};

static const struct vs_field run_fields[] = {
	VS_FIELD(vs_record_run, verb, VS_FIELD_TEXT),
	VS_FIELD(vs_record_run, version, VS_FIELD_TEXT),
	VS_FIELD(vs_record_run, keep_refs, VS_FIELD_FLAG),
	VS_FIELD(vs_record_run, exact, VS_FIELD_FLAG),
	VS_FIELD(vs_record_run, older_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_record_run, max_refs, VS_FIELD_NUMBER),
};

static const struct vs_field clock_fields[] = {
	VS_FIELD(vs_record_clock, mono_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_record_clock, boot_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_record_clock, wall_ns, VS_FIELD_NUMBER),
};

static const struct vs_field missing_fields[] = {
	VS_FIELD(vs_record_missing, nr, VS_FIELD_NUMBER),
	VS_FIELD(vs_record_missing, to_ns, VS_FIELD_NUMBER),
};

static const struct vs_field reference_fields[] = {
	VS_FIELD(vs_ref, class, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, group, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, object, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, get_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, get_ip, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, tid, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, tgid, VS_FIELD_NUMBER),
	VS_FIELD(vs_ref, comm, VS_FIELD_TEXT),
};

/* Texts of a recording that the session borrows until it ends. */
struct kept {
	struct kept *next;
	char data[];
};

struct vs_input_room {
	struct kept *kept;
	struct vs_start start;
	struct vs_gap_row gap;
	char words[1024];
};

/* -- small ones -- */

static int result(const struct vs_packed *u)
{
	return u->failed ? -EINVAL : 0;
}

void vs_pack__answer(struct vs_pack *p, const struct vs_answer *a)
{
	vs_pack__number(p, a->key);
	vs_pack__signed(p, a->value);
	if (a->text[0])
		vs_pack__text(p, a->text);
}

int vs_packed__answer(struct vs_packed *u, struct vs_answer *a, char *buf, size_t size)
{
	a->key = vs_packed__number(u);
	a->value = vs_packed__signed(u);
	a->text = buf;
	buf[0] = '\0';
	if (vs_packed__more(u))
		vs_packed__text(u, buf, size);
	return result(u);
}

void vs_pack__run(struct vs_pack *p, const struct vs_record_run *run)
{
	vs_pack__row(p, run_fields, NR(run_fields), run);
}

int vs_packed__run(struct vs_packed *u, struct vs_record_run *run)
{
	memset(run, 0, sizeof(*run));
	vs_packed__row(u, run_fields, NR(run_fields), run);
	return result(u);
}

void vs_pack__clock(struct vs_pack *p, const struct vs_record_clock *clock)
{
	vs_pack__row(p, clock_fields, NR(clock_fields), clock);
}

int vs_packed__clock(struct vs_packed *u, struct vs_record_clock *clock)
{
	memset(clock, 0, sizeof(*clock));
	vs_packed__row(u, clock_fields, NR(clock_fields), clock);
	return result(u);
}

void vs_pack__missing(struct vs_pack *p, const struct vs_record_missing *missing)
{
	vs_pack__row(p, missing_fields, NR(missing_fields), missing);
}

int vs_packed__missing(struct vs_packed *u, struct vs_record_missing *missing)
{
	memset(missing, 0, sizeof(*missing));
	vs_packed__row(u, missing_fields, NR(missing_fields), missing);
	return result(u);
}

void vs_pack__reference(struct vs_pack *p, const struct vs_record_reference *reference)
{
	vs_pack__row(p, reference_fields, NR(reference_fields), &reference->ref);
	vs_pack__number(p, reference->nr_frames);
	for (size_t i = 0; i < reference->nr_frames; i++)
		vs_pack__number(p, reference->frames[i]);
}

int vs_packed__reference(struct vs_packed *u, struct vs_record_reference *reference)
{
	uint64_t nr;

	memset(reference, 0, sizeof(*reference));
	vs_packed__row(u, reference_fields, NR(reference_fields), &reference->ref);
	nr = vs_packed__number(u);
	if (nr > VS_SHORT_STACK_LEN)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++)
		reference->frames[i] = vs_packed__number(u);
	reference->nr_frames = nr;
	return result(u);
}

/* -- inputs -- */

static void pack_probes(struct vs_pack *p, const struct vs_probe_row *rows, size_t nr)
{
	vs_pack__number(p, nr);
	for (size_t i = 0; i < nr; i++) {
		vs_pack__text(p, rows[i].hook);
		vs_pack__text(p, rows[i].status);
		vs_pack__text(p, rows[i].how);
		vs_pack__number(p, rows[i].nr_probes);
	}
}

void vs_pack__input(struct vs_pack *p, const struct vs_input *in)
{
	if (in->kind == VS_IN_EVENT) {
		vs_pack__bytes(p, in->record, in->len);
		return;
	}
	vs_pack__row(p, input_fields, NR(input_fields), in);
	if (in->kind == VS_IN_START) {
		vs_pack__row(p, start_fields, NR(start_fields), in->start);
		vs_pack__text(p, in->start->version);
		vs_pack__text(p, in->start->kernel);
		pack_probes(p, in->start->probes, in->start->nr_probes);
	} else if (in->kind == VS_IN_PROBES) {
		pack_probes(p, in->rows, in->nr);
	} else if (in->kind == VS_IN_GAP) {
		vs_pack__row(p, gap_fields, NR(gap_fields), in->gap);
	} else if (in->words) {
		vs_pack__text(p, in->words);
	}
}

struct vs_input_room *vs_input_room__new(void)
{
	return calloc(1, sizeof(struct vs_input_room));
}

void vs_input_room__free(struct vs_input_room *room)
{
	struct kept *k, *next;

	for (k = room ? room->kept : NULL; k; k = next) {
		next = k->next;
		free(k);
	}
	free(room);
}

static void *keep(struct vs_input_room *room, size_t size)
{
	struct kept *k = calloc(1, sizeof(*k) + size);

	if (!k)
		return NULL;
	k->next = room->kept;
	room->kept = k;
	return k->data;
}

static const char *keep_text(struct vs_packed *u, struct vs_input_room *room)
{
	size_t len;
	const uint8_t *bytes = vs_packed__blob(u, &len);
	char *text = bytes ? keep(room, len + 1) : NULL;

	if (!text) {
		u->failed = true;
		return "";
	}
	memcpy(text, bytes, len);
	return text;
}

static const struct vs_probe_row *unpack_probes(struct vs_packed *u, struct vs_input_room *room,
						size_t *nr)
{
	struct vs_probe_row *rows;

	*nr = vs_packed__number(u);
	rows = *nr <= MOST_ROWS ? keep(room, (*nr + 1) * sizeof(*rows)) : NULL;
	if (!rows)
		u->failed = true;
	for (size_t i = 0; rows && i < *nr && !u->failed; i++) {
		rows[i].hook = keep_text(u, room);
		rows[i].status = keep_text(u, room);
		rows[i].how = keep_text(u, room);
		rows[i].nr_probes = (unsigned int)vs_packed__number(u);
	}
	return rows;
}

static void unpack_start(struct vs_packed *u, struct vs_input_room *room)
{
	struct vs_start *start = &room->start;

	*start = (struct vs_start){ .version = "", .kernel = "" };
	vs_packed__row(u, start_fields, NR(start_fields), start);
	start->version = keep_text(u, room);
	start->kernel = keep_text(u, room);
	start->probes = unpack_probes(u, room, &start->nr_probes);
}

static void unpack_gap(struct vs_packed *u, struct vs_input_room *room)
{
	memset(&room->gap, 0, sizeof(room->gap));
	vs_packed__row(u, gap_fields, NR(gap_fields), &room->gap);
	u->failed |= (unsigned int)room->gap.why >= VS_GAP_REASONS;
}

int vs_packed__input(struct vs_packed *u, unsigned int kind, struct vs_input_room *room,
		     struct vs_input *in)
{
	*in = (struct vs_input){ 0 };
	if (!kind || kind >= VS_IN_END)
		return -ENOENT;
	in->kind = kind;
	if (kind == VS_IN_EVENT) {
		in->record = u->data;
		in->len = u->len;
		return 0;
	}
	vs_packed__row(u, input_fields, NR(input_fields), in);
	in->start = &room->start;
	in->gap = &room->gap;
	in->words = room->words;
	room->words[0] = '\0';
	if (kind == VS_IN_START)
		unpack_start(u, room);
	else if (kind == VS_IN_PROBES)
		in->rows = unpack_probes(u, room, &in->nr);
	else if (kind == VS_IN_GAP)
		unpack_gap(u, room);
	else if (vs_packed__more(u))
		vs_packed__text(u, room->words, sizeof(room->words));
	return result(u);
}
