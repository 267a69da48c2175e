// SPDX-License-Identifier: GPL-2.0
#include "record/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "record/kinds.h"
#include "record/rows.h"

#define MOST_LONG (8u << 20)	/* of a record in pieces */

struct slot {
	uint64_t number, seq;	/* of its first unit */
};

/* A record that comes in pieces. */
struct pieces {
	struct vs_pack bytes;
};

struct vs_reader {
	struct vs_source source;
	struct vs_vfr_super super;
	struct slot *slots;	/* in the order of writing */
	size_t nr_slots, next_slot;
	ZSTD_DCtx *frame;
	struct vs_event_rows *rows;
	struct pieces pieces[2];	/* of the state, and of all else */
	uint64_t slot;		/* the number of the one in `bytes` */
	size_t len, at;		/* of `bytes`, and how far they are read */
	uint64_t seq;		/* of the next unit; 0: any */
	uint64_t last_ns;
	bool in_slot, in_state, jump;
	struct vs_vfr_head head;
	struct vs_packed unit;	/* unpacked, in `raw` */
	struct vs_read_damage damage;
	uint8_t bytes[VS_VFR_SLOT];
	uint8_t raw[VS_VFR_UNIT_RAW];
	_Alignas(16) uint8_t event[VS_ROW_MOST];
};

static size_t read_at(const struct vs_source *s, uint64_t offset, void *buf, size_t len)
{
	size_t got = 0;

	if (offset >= s->len)
		return 0;
	if (len > s->len - offset)
		len = s->len - offset;
	if (s->fd < 0) {
		memcpy(buf, s->memory + offset, len);
		return len;
	}
	while (got < len) {
		ssize_t nr = pread(s->fd, (char *)buf + got, len - got, (off_t)(offset + got));

		if (nr <= 0)
			break;
		got += (size_t)nr;
	}
	return got;
}

/* -- opening -- */

static int refuse(const struct vs_vfr_super *s, char *error, size_t size)
{
	if (s->major > VS_VFR_MAJOR)
		snprintf(error, size, "a recording of format %u: this vfioscope reads up to %u",
			 s->major, VS_VFR_MAJOR);
	else if (s->incompatible & ~VS_VFR_INCOMPATIBLE)
		snprintf(error, size, "a recording with features that this vfioscope does not know (flags %#x): "
			 "a newer one reads it", s->incompatible & ~VS_VFR_INCOMPATIBLE);
	else if (s->slot_size != VS_VFR_SLOT || s->slots > VS_VFR_MOST_SLOTS)
		snprintf(error, size, "a recording with slots of another size");
	else
		return 0;
	return -ENOTSUP;
}

static int read_super(struct vs_reader *r, char *error, size_t size)
{
	uint8_t block[VS_VFR_SUPER];
	struct vs_vfr_super one;
	bool found = false;

	for (int i = 0; i < 2; i++) {
		if (read_at(&r->source, i * VS_VFR_SUPER, block, sizeof(block)) < sizeof(block) ||
		    vs_vfr_super__read(block, &one) || (found && one.generation <= r->super.generation))
			continue;
		r->super = one;
		found = true;
	}
	if (found)
		return refuse(&r->super, error, size);
	snprintf(error, size, "not a recording of vfioscope");
	return -EINVAL;
}

static int by_seq(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The first unit of a slot must be whole, or its number is worth nothing. */
static bool begins_slot(struct vs_reader *r, uint64_t number, uint64_t *seq)
{
	uint64_t offset = VS_VFR_SLOTS_AT + number * VS_VFR_SLOT;
	struct vs_vfr_head head;

	if (read_at(&r->source, offset, r->bytes, VS_VFR_HEAD) < VS_VFR_HEAD ||
	    !vs_vfr_head__read(r->bytes, &head) || !(head.flags & VS_UNIT_FIRST) || !head.seq)
		return false;
	if (read_at(&r->source, offset + VS_VFR_HEAD, r->bytes + VS_VFR_HEAD, head.stored) < head.stored)
		return false;
	*seq = head.seq;
	return vs_vfr_head__is_whole(r->bytes, &head);
}

static int list_slots(struct vs_reader *r)
{
	uint64_t nr = r->source.len > VS_VFR_SLOTS_AT ?
		      (r->source.len - VS_VFR_SLOTS_AT + VS_VFR_SLOT - 1) / VS_VFR_SLOT : 0;
	size_t room = 0;

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t seq;

		if (!begins_slot(r, i, &seq))
			continue;
		if (r->nr_slots == room) {
			struct slot *slots;

			room = room ? 2 * room : 64;
			slots = realloc(r->slots, room * sizeof(*slots));
			if (!slots)
				return -ENOMEM;
			r->slots = slots;
		}
		r->slots[r->nr_slots++] = (struct slot){ i, seq };
	}
	if (r->nr_slots)
		qsort(r->slots, r->nr_slots, sizeof(*r->slots), by_seq);
	return 0;
}

struct vs_reader *vs_reader__new(const struct vs_source *source, char *error, size_t size)
{
	struct vs_reader *r = calloc(1, sizeof(*r));
	int err = r ? 0 : -ENOMEM;

	if (r) {
		r->source = *source;
		r->frame = ZSTD_createDCtx();
		r->rows = vs_event_rows__new();
		err = r->frame && r->rows ? read_super(r, error, size) : -ENOMEM;
		if (!err && ZSTD_isError(ZSTD_DCtx_setParameter(r->frame, ZSTD_d_windowLogMax,
								VS_VFR_WINDOW_LOG)))
			err = -ENOMEM;
	}
	if (!err)
		err = list_slots(r);
	if (!err) {
		vs_reader__rewind(r);
		return r;
	}
	if (err == -ENOMEM)
		snprintf(error, size, "%s", strerror(ENOMEM));
	vs_reader__free(r);
	errno = -err;
	return NULL;
}

void vs_reader__free(struct vs_reader *r)
{
	if (!r)
		return;
	ZSTD_freeDCtx(r->frame);
	vs_event_rows__free(r->rows);
	for (int i = 0; i < 2; i++)
		vs_pack__free(&r->pieces[i].bytes);
	free(r->slots);
	free(r);
}

void vs_reader__rewind(struct vs_reader *r)
{
	r->next_slot = 0;
	r->seq = r->super.slots ? 0 : 1;	/* a ring may have overwritten the first ones */
	r->in_slot = false;
	r->jump = true;
	r->unit.len = r->unit.at = 0;
	r->last_ns = 0;
	r->pieces[0].bytes.len = r->pieces[1].bytes.len = 0;
	memset(&r->damage, 0, sizeof(r->damage));
}

/* -- units -- */

static void note_hole(struct vs_reader *r, uint64_t units)
{
	r->damage.missing += units;
	r->damage.holes++;
	if (r->damage.holes == 1)
		r->damage.first_ns = r->last_ns;
	r->damage.last_ns = r->last_ns;
	r->jump = true;
	r->pieces[1].bytes.len = 0;
}

/* Nothing of this slot can be read any more: counts what is still there behind it. */
static uint64_t count_rest(const struct vs_reader *r)
{
	uint64_t last = 0;

	for (size_t at = r->at; at + VS_VFR_HEAD <= r->len; at++) {
		struct vs_vfr_head head;

		if (!vs_vfr_head__read(r->bytes + at, &head) || head.seq < r->seq ||
		    head.stored > r->len - at - VS_VFR_HEAD ||
		    !vs_vfr_head__is_whole(r->bytes + at, &head))
			continue;
		last = head.seq;
		at += VS_VFR_HEAD + head.stored - 1;
	}
	return last ? last - r->seq + 1 : 0;
}

static void end_slot(struct vs_reader *r, bool damaged)
{
	uint64_t rest = count_rest(r);

	r->in_slot = false;
	r->damage.damaged += damaged;
	if (damaged && !rest)
		rest = 1;
	if (!rest)
		return;
	note_hole(r, rest);
	r->seq += rest;
}

static bool begin_slot(struct vs_reader *r)
{
	const struct slot *slot;

	if (r->next_slot >= r->nr_slots)
		return false;
	slot = &r->slots[r->next_slot++];
	r->slot = slot->number;
	r->len = read_at(&r->source, VS_VFR_SLOTS_AT + slot->number * VS_VFR_SLOT, r->bytes,
			 sizeof(r->bytes));
	r->at = 0;
	if (r->seq && slot->seq > r->seq)
		note_hole(r, slot->seq - r->seq);
	r->seq = slot->seq;
	r->in_slot = true;
	r->in_state = false;
	r->pieces[0].bytes.len = 0;
	vs_event_rows__reset(r->rows);
	ZSTD_DCtx_reset(r->frame, ZSTD_reset_session_only);
	return true;
}

static bool unpack_unit(struct vs_reader *r)
{
	ZSTD_inBuffer in = { r->bytes + r->at + VS_VFR_HEAD, r->head.stored, 0 };
	ZSTD_outBuffer out = { r->raw, r->head.raw, 0 };

	while (in.pos < in.size || out.pos < out.size) {
		size_t before = in.pos + out.pos;

		if (ZSTD_isError(ZSTD_decompressStream(r->frame, &out, &in)) ||
		    in.pos + out.pos == before)
			break;
	}
	r->unit = (struct vs_packed){ .data = r->raw, .len = r->head.raw };
	return in.pos == in.size && out.pos == out.size;
}

/* Reads the next unit of this slot. */
static bool next_unit(struct vs_reader *r)
{
	const uint8_t *at = r->bytes + r->at;
	bool there = r->at + VS_VFR_HEAD <= r->len && vs_vfr_head__read(at, &r->head) &&
		     r->head.seq == r->seq;

	if (!there) {
		end_slot(r, false);
		return false;
	}
	if (r->head.stored > r->len - r->at - VS_VFR_HEAD || !vs_vfr_head__is_whole(at, &r->head) ||
	    !unpack_unit(r)) {
		end_slot(r, true);
		return false;
	}
	r->at += VS_VFR_HEAD + r->head.stored;
	r->seq++;
	r->last_ns = r->head.time_ns;
	return true;
}

/* -- records -- */

static void take_piece(struct vs_reader *r, struct vs_packed *u)
{
	struct vs_pack *bytes = &r->pieces[!r->in_state].bytes;
	uint64_t at = vs_packed__number(u);

	if (!at)
		bytes->len = 0;
	if (u->failed || at != bytes->len || at + (u->len - u->at) > MOST_LONG) {
		bytes->len = 0;
		return;
	}
	vs_pack__bytes(bytes, u->data + u->at, u->len - u->at);
}

static bool take_whole(struct vs_reader *r, struct vs_packed *u, struct vs_read *record)
{
	struct vs_pack *bytes = &r->pieces[!r->in_state].bytes;
	uint64_t kind = vs_packed__number(u), len = vs_packed__number(u);
	bool whole = !u->failed && len && bytes->len == len && !bytes->failed && kind <= UINT32_MAX;

	record->kind = (unsigned int)kind;
	record->body = bytes->data;
	record->len = bytes->len;
	bytes->len = 0;
	bytes->failed = false;
	r->damage.odd += !whole;
	return whole;
}

static bool take_row(struct vs_reader *r, struct vs_packed *u, struct vs_read *record)
{
	record->kind = VS_IN_EVENT;
	record->body = r->event;
	record->len = vs_event_rows__unpack(r->rows, u, r->event);
	r->damage.odd += !record->len;
	return record->len;
}

/* Returns true if there is a record for the caller. */
static bool take(struct vs_reader *r, unsigned int kind, struct vs_packed *u, struct vs_read *record)
{
	record->kind = kind;
	record->body = u->data;
	record->len = u->len;
	switch (kind) {
	case VS_REC_ROW:
		return take_row(r, u, record);
	case VS_REC_PART:
		take_piece(r, u);
		return false;
	case VS_REC_WHOLE:
		return take_whole(r, u, record);
	case VS_REC_STATE_BEGINS:
		r->in_state = true;
		return true;
	case VS_REC_STATE_ENDS:
		r->in_state = false;
		return true;
	case VS_IN_EVENT:
		if (u->len > sizeof(r->event))
			return false;
		memcpy(r->event, u->data, u->len);
		record->body = r->event;
		return true;
	default:
		return true;
	}
}

static bool next_record(struct vs_reader *r, struct vs_read *record)
{
	uint64_t kind = vs_packed__number(&r->unit);
	struct vs_packed body = { 0 };
	bool state = r->in_state;

	body.data = vs_packed__blob(&r->unit, &body.len);
	if (r->unit.failed || kind > UINT32_MAX) {
		r->damage.odd++;
		r->unit.at = r->unit.len;
		return false;
	}
	if (!take(r, (unsigned int)kind, &body, record))
		return false;
	record->state = state || r->in_state;
	record->jump = r->jump;
	record->bug = r->head.flags & VS_UNIT_BUG;
	record->session = r->head.session;
	record->slot = r->slot;
	record->seq = r->head.seq;
	record->time_ns = r->head.time_ns;
	r->jump = false;
	return true;
}

bool vs_reader__next(struct vs_reader *r, struct vs_read *record)
{
	for (;;) {
		if (r->unit.at < r->unit.len) {
			if (next_record(r, record))
				return true;
			continue;
		}
		if (!r->in_slot && !begin_slot(r))
			return false;
		next_unit(r);
	}
}

const struct vs_vfr_super *vs_reader__super(const struct vs_reader *r)
{
	return &r->super;
}

const struct vs_read_damage *vs_reader__damage(const struct vs_reader *r)
{
	return &r->damage;
}

uint64_t vs_reader__slots(const struct vs_reader *r)
{
	return r->nr_slots;
}

void vs_reader__end(struct vs_reader *r, struct vs_read_end *end)
{
	*end = (struct vs_read_end){ 0 };
	vs_reader__rewind(r);
	for (;;) {
		if (!r->in_slot && !begin_slot(r))
			break;
		if (!next_unit(r))
			continue;
		r->unit.at = r->unit.len;
		end->slot = r->slot;
		end->seq = r->head.seq;
		if (r->head.session > end->session)
			end->session = r->head.session;
	}
	if (r->seq > end->seq + 1)
		end->seq = r->seq - 1;
	vs_reader__rewind(r);
}
