// SPDX-License-Identifier: GPL-2.0
#include "record/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "record/kinds.h"
#include "record/rows.h"

#define LEVEL 3
#define PIECE 2048	/* longer records are cut: a slot is full when not even this fits */
#define OVERHEAD 32	/* kind and length of a record, and what a row may have beside its bytes */
#define ROOM (VS_VFR_UNIT_RAW + VS_VFR_UNIT_RAW / 64 + 1024)

struct vs_writer {
	struct vs_writer_opts opts;
	ZSTD_CCtx *frame;
	struct vs_event_rows *rows;
	struct vs_pack batch, row;
	uint32_t inputs;	/* in the batch */
	uint64_t slot, at;	/* where the next unit goes */
	uint64_t seq, written, missing, time_ns;
	bool open;		/* the slot is begun */
	bool opening;		/* its state is being put */
	bool full;		/* its state did not fit: the rest of that is left out */
	bool within;		/* an input has begun, and not ended */
	bool torn;		/* a part of it is lost */
	uint8_t out[VS_VFR_HEAD + ROOM];
};

static bool is_pinned(const struct vs_writer *w, uint64_t slot)
{
	return w->opts.is_pinned && w->opts.is_pinned(w->opts.ctx, slot);
}

static uint64_t slot_after(const struct vs_writer *w, uint64_t slot)
{
	for (uint64_t i = 0; i <= w->opts.slots; i++) {
		slot++;
		if (w->opts.slots)
			slot %= w->opts.slots;
		if (!is_pinned(w, slot))
			break;
	}
	return slot;
}

struct vs_writer *vs_writer__new(const struct vs_writer_opts *opts)
{
	struct vs_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->opts = *opts;
	w->slot = is_pinned(w, opts->first_slot) ? slot_after(w, opts->first_slot) : opts->first_slot;
	w->seq = opts->first_seq;
	w->frame = ZSTD_createCCtx();
	w->rows = vs_event_rows__new();
	if (w->frame && w->rows &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(w->frame, ZSTD_c_compressionLevel, LEVEL)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(w->frame, ZSTD_c_windowLog, VS_VFR_WINDOW_LOG)))
		return w;
	vs_writer__free(w);
	errno = ENOMEM;
	return NULL;
}

void vs_writer__free(struct vs_writer *w)
{
	if (!w)
		return;
	ZSTD_freeCCtx(w->frame);
	vs_event_rows__free(w->rows);
	vs_pack__free(&w->batch);
	vs_pack__free(&w->row);
	free(w);
}

/* The bytes that are sure to fit into this slot as one unit, whatever they are. */
static size_t fits(const struct vs_writer *w)
{
	size_t left = VS_VFR_SLOT - w->at;
	size_t spare = VS_VFR_HEAD + 128 + left / 128;

	left = left > spare ? left - spare : 0;
	return left < VS_VFR_UNIT_RAW ? left : VS_VFR_UNIT_RAW;
}

/* What was put is gone; the reader is told so in the next slot. */
static void lose(struct vs_writer *w)
{
	w->missing += w->inputs;
	w->inputs = 0;
	w->torn |= w->within;
	w->batch.len = 0;
	w->batch.failed = false;
	if (w->open && w->at)
		w->slot = slot_after(w, w->slot);
	w->open = false;
	w->at = 0;
}

static int compress(struct vs_writer *w, size_t *stored)
{
	ZSTD_inBuffer in = { w->batch.data, w->batch.len, 0 };
	ZSTD_outBuffer out = { w->out + VS_VFR_HEAD, ROOM, 0 };
	size_t left = ZSTD_compressStream2(w->frame, &out, &in, ZSTD_e_flush);

	*stored = out.pos;
	return ZSTD_isError(left) || left || w->at + VS_VFR_HEAD + out.pos > VS_VFR_SLOT ? -ENOSPC : 0;
}

static int write_unit(struct vs_writer *w, unsigned int flags)
{
	struct vs_vfr_head head = {
		.flags = (uint16_t)(flags | (w->at ? 0 : VS_UNIT_FIRST)),
		.session = w->opts.session, .raw = (uint32_t)w->batch.len, .seq = w->seq,
		.time_ns = w->time_ns, .inputs = w->inputs,
	};
	size_t stored;
	int err = w->batch.failed ? -ENOMEM : compress(w, &stored);

	if (err)
		return err;
	head.stored = (uint32_t)stored;
	vs_vfr_head__write(&head, w->out + VS_VFR_HEAD, w->out);
	err = w->opts.write(w->opts.ctx, VS_VFR_SLOTS_AT + w->slot * VS_VFR_SLOT + w->at, w->out,
			    VS_VFR_HEAD + stored, w->inputs);
	if (err)
		return err;
	w->at += VS_VFR_HEAD + stored;
	w->written += VS_VFR_HEAD + stored;
	return 0;
}

static void flush(struct vs_writer *w, unsigned int flags)
{
	int err;

	if (!w->batch.len && !w->batch.failed)
		return;
	err = write_unit(w, flags);
	w->seq++;	/* also of a unit that is lost: the hole in the numbers tells of it */
	if (err) {
		lose(w);
		return;
	}
	w->batch.len = 0;
	w->inputs = 0;
}

static void open_slot(struct vs_writer *w)
{
	w->open = w->opening = true;
	w->full = false;
	w->at = 0;
	ZSTD_CCtx_reset(w->frame, ZSTD_reset_session_only);
	vs_event_rows__reset(w->rows);
	vs_writer__put(w, VS_REC_STATE_BEGINS, "", 0);
	w->opts.state(w->opts.ctx, w);
	vs_writer__put(w, VS_REC_STATE_ENDS, "", 0);
	w->opening = false;
}

static void next_slot(struct vs_writer *w)
{
	w->slot = slot_after(w, w->slot);
	open_slot(w);
}

/* Makes room for @len more bytes. Returns false if they must be left out. */
static bool make_room(struct vs_writer *w, size_t len)
{
	if (!w->open && !w->opening)
		open_slot(w);
	if (w->open && w->batch.len + len <= fits(w))
		return true;
	flush(w, 0);
	if (w->opening)
		return w->open && len <= fits(w);
	if (!w->open)
		open_slot(w);
	else if (len > fits(w))
		next_slot(w);
	if (w->batch.len + len > fits(w))
		flush(w, 0);
	return w->open && len <= fits(w);
}

static void put_piece(struct vs_writer *w, unsigned int kind, const void *body, size_t len)
{
	bool fit = !(w->opening && w->full) && make_room(w, len + OVERHEAD);

	w->full |= !fit;
	w->torn |= !fit && !w->opening;
	if (!fit)
		return;
	vs_pack__number(&w->batch, kind);
	vs_pack__blob(&w->batch, body, len);
}

static void put_long(struct vs_writer *w, unsigned int kind, const uint8_t *body, size_t len)
{
	struct vs_pack piece = { 0 };

	for (size_t at = 0; at < len; at += PIECE) {
		piece.len = 0;
		vs_pack__number(&piece, at);
		vs_pack__bytes(&piece, body + at, len - at < PIECE ? len - at : PIECE);
		put_piece(w, VS_REC_PART, piece.data, piece.len);
	}
	piece.len = 0;
	vs_pack__number(&piece, kind);
	vs_pack__number(&piece, len);
	w->batch.failed |= piece.failed;
	put_piece(w, VS_REC_WHOLE, piece.data, piece.len);
	vs_pack__free(&piece);
}

void vs_writer__put(struct vs_writer *w, unsigned int kind, const void *body, size_t len)
{
	if (len > PIECE)
		put_long(w, kind, body, len);
	else
		put_piece(w, kind, body, len);
}

void vs_writer__event(struct vs_writer *w, const void *record, size_t len)
{
	w->row.len = 0;
	if (!make_room(w, len + 2 * OVERHEAD)) {
		w->torn = true;
	} else if (vs_event_rows__pack(w->rows, record, len, &w->row)) {
		w->batch.failed |= w->row.failed;
		w->row.failed = false;
		vs_pack__number(&w->batch, VS_REC_ROW);
		vs_pack__blob(&w->batch, w->row.data, w->row.len);
	} else {
		vs_writer__put(w, VS_IN_EVENT, record, len);
	}
}

void vs_writer__input_begins(struct vs_writer *w)
{
	w->within = true;
}

void vs_writer__input_ends(struct vs_writer *w)
{
	if (w->torn)
		w->missing++;
	else
		w->inputs++;
	w->torn = w->within = false;
}

void vs_writer__flush(struct vs_writer *w, uint64_t time_ns, unsigned int flags)
{
	w->time_ns = time_ns;
	flush(w, flags);
}

bool vs_writer__waits(const struct vs_writer *w)
{
	return w->batch.len || w->batch.failed;
}

uint64_t vs_writer__slot(const struct vs_writer *w)
{
	return w->slot;
}

uint64_t vs_writer__written(const struct vs_writer *w)
{
	return w->written;
}

uint64_t vs_writer__missing(const struct vs_writer *w)
{
	return w->missing;
}
