// SPDX-License-Identifier: GPL-2.0
/* arch/x86/kernel/unwind_orc.c, arch/x86/include/asm/orc_types.h */
#include "core/orc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "snapshot/layout.h"

#define MAX_ENTRIES (16u << 20)	/* of one table; Debian's kernels have about a million */
#define MAX_STEPS 512		/* frames of a stack of 16 KiB */
#define ENTRY_BYTES 16

#define REG_UNDEFINED 0u

static const struct vs_orc_numbers numbers[] = {
	{ .prev_sp = 1, .bp = 4, .sp = 5, .bp_indirect = 8, .sp_indirect = 9 },
	{ .prev_sp = 8, .bp = 4, .sp = 3, .bp_indirect = 10, .sp_indirect = 9 },
};

/* Kernels since v6.4 have these kinds; read_entry() converts older ones, which have a bit `end`. */
enum kind { KIND_UNDEFINED, KIND_END, KIND_CALL, KIND_REGS, KIND_IRET };

struct entry {
	int16_t sp_offset, bp_offset;
	unsigned int sp_reg, bp_reg;
	enum kind kind;
	bool signal;
};

struct walk {
	const struct vs_orc *orc;
	uint64_t ip, sp, bp;
	uint64_t low, high;
	bool signal;
	bool ended;		/* at the end of the stack, not because something made no sense */
};

/* -- tables -- */

static bool ip_at(const struct vs_orc *orc, const struct vs_orc_table *t, uint64_t i, uint64_t *ip)
{
	uint64_t at = t->ips + 4 * i;
	int32_t distance;

	if (vs_mem__read(orc->mem, at, &distance, sizeof(distance)))
		return false;
	*ip = at + (uint64_t)(int64_t)distance;
	return true;
}

int vs_orc__add(struct vs_orc *orc, const struct vs_orc_table *t)
{
	struct vs_orc_table *row;

	if (!t->ips || !t->entries || !t->nr || t->nr > MAX_ENTRIES || t->low >= t->high)
		return 0;
	row = vs_rows__add(&orc->tables, &orc->nr_tables, sizeof(*row));
	if (!row)
		return -ENOMEM;
	*row = *t;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct vs_orc_table *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

void vs_orc__sort(struct vs_orc *orc)
{
	if (orc->nr_tables)
		qsort(orc->tables, orc->nr_tables, sizeof(*orc->tables), by_address);
}

void vs_orc__free(struct vs_orc *orc)
{
	free(orc->tables);
	orc->tables = NULL;
	orc->nr_tables = 0;
}

static const struct vs_orc_table *table_of(const struct vs_orc *orc, uint64_t ip)
{
	for (size_t i = 0; i < orc->nr_tables && orc->tables[i].low <= ip; i++)
		if (ip < orc->tables[i].high)
			return &orc->tables[i];
	return NULL;
}

static unsigned int bits_at(const uint8_t *bytes, struct vs_core_bits b)
{
	uint32_t word = 0;

	if (!b.bits || b.bits > 16 || b.at / 8 + 4 > ENTRY_BYTES)
		return 0;
	memcpy(&word, bytes + b.at / 8, sizeof(word));
	return word >> b.at % 8 & ((1u << b.bits) - 1);
}

static enum kind kind_of(const struct vs_core_layout *l, const uint8_t *bytes, unsigned int sp_reg)
{
	unsigned int type = bits_at(bytes, l->orc_type);

	if (!l->orc_end.bits)
		return type <= KIND_IRET ? type : KIND_UNDEFINED;
	if (sp_reg == REG_UNDEFINED)
		return bits_at(bytes, l->orc_end) ? KIND_END : KIND_UNDEFINED;
	return type <= KIND_IRET - KIND_CALL ? KIND_CALL + type : KIND_UNDEFINED;
}

static bool read_entry(const struct vs_orc *orc, uint64_t at, struct entry *e)
{
	const struct vs_core_layout *l = orc->layout;
	uint8_t bytes[ENTRY_BYTES] = {};

	if (vs_mem__read(orc->mem, at, bytes, (size_t)l->orc_size))
		return false;
	memcpy(&e->sp_offset, bytes + l->orc_sp, sizeof(e->sp_offset));
	memcpy(&e->bp_offset, bytes + l->orc_bp, sizeof(e->bp_offset));
	e->sp_reg = bits_at(bytes, l->orc_sp_reg);
	e->bp_reg = bits_at(bytes, l->orc_bp_reg);
	e->kind = kind_of(l, bytes, e->sp_reg);
	e->signal = l->orc_signal.bits ? bits_at(bytes, l->orc_signal) : e->kind >= KIND_REGS;
	return true;
}

/* The last entry at or below the address. */
static bool find_entry(const struct vs_orc *orc, uint64_t ip, struct entry *e)
{
	const struct vs_orc_table *t = table_of(orc, ip);
	uint64_t low = 0, high = t ? t->nr : 0, at;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (!ip_at(orc, t, mid, &at))
			return false;
		if (at <= ip)
			low = mid + 1;
		else
			high = mid;
	}
	return low && read_entry(orc, t->entries + (low - 1) * (uint64_t)orc->layout->orc_size, e);
}

static bool is_known(const struct vs_core_layout *l)
{
	return l->orc_size > 0 && l->orc_size <= ENTRY_BYTES - 4 && l->orc_sp >= 0 && l->orc_bp >= 0 &&
	       l->orc_sp + 2 <= l->orc_size && l->orc_bp + 2 <= l->orc_size && l->orc_sp_reg.bits &&
	       l->orc_type.bits && l->regs_ip >= 0 && l->regs_sp >= 0 && l->regs_bp >= 0 && l->regs_cs >= 0;
}

void vs_orc__learn(struct vs_orc *orc, uint64_t function)
{
	struct entry e;

	orc->numbers = NULL;
	if (!is_known(orc->layout) || !function || !find_entry(orc, function, &e) || e.kind != KIND_CALL ||
	    e.sp_offset != 8)
		return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].sp == e.sp_reg)
			orc->numbers = &numbers[i];
}

/* -- one step -- */

static bool is_on_stack(const struct walk *w, uint64_t at)
{
	return !w->high || (at >= w->low && at + 8 <= w->high && at + 8 > at);
}

static bool read_word(const struct walk *w, uint64_t at, uint64_t *value)
{
	return is_on_stack(w, at) && !vs_mem__read(w->orc->mem, at, value, sizeof(*value));
}

static bool find_frame(const struct walk *w, const struct entry *e, uint64_t *frame)
{
	const struct vs_orc_numbers *n = w->orc->numbers;
	uint64_t offset = (uint64_t)(int64_t)e->sp_offset, word;

	if (e->sp_reg == n->sp || e->sp_reg == n->bp) {
		*frame = (e->sp_reg == n->sp ? w->sp : w->bp) + offset;
		return true;
	}
	if (e->sp_reg == n->bp_indirect)
		return read_word(w, w->bp + offset, frame);
	if (e->sp_reg != n->sp_indirect)
		return false;
	/* Up to v5.11 the offset is where the pointer is; later it is added to the pointer. */
	if (read_word(w, w->sp, frame) && read_word(w, *frame + offset, &word)) {
		*frame += offset;
		return true;
	}
	return read_word(w, w->sp + offset, frame);
}

static bool find_bp(struct walk *w, const struct entry *e, uint64_t frame)
{
	uint64_t offset = (uint64_t)(int64_t)e->bp_offset;

	if (e->bp_reg == w->orc->numbers->prev_sp)
		return read_word(w, frame + offset, &w->bp);
	if (e->bp_reg == w->orc->numbers->bp)
		return read_word(w, w->bp + offset, &w->bp);
	return e->bp_reg == REG_UNDEFINED;
}

/* Registers that an interrupt has saved: all of them, or those of an iret frame. */
static bool take_regs(struct walk *w, const struct entry *e, uint64_t regs)
{
	const struct vs_core_layout *l = w->orc->layout;
	uint64_t base = e->kind == KIND_REGS ? regs : regs - (uint64_t)l->regs_ip, cs, bp = w->bp;

	if (!read_word(w, base + (uint64_t)l->regs_ip, &w->ip) ||
	    !read_word(w, base + (uint64_t)l->regs_cs, &cs) ||
	    !read_word(w, base + (uint64_t)l->regs_sp, &w->sp))
		return false;
	w->ended = cs & 3;	/* it came from user space */
	if (w->ended)
		return false;
	if (e->kind == KIND_REGS && !read_word(w, base + (uint64_t)l->regs_bp, &bp))
		return false;
	w->bp = bp;
	return true;
}

static bool step(struct walk *w)
{
	/* Code that no table describes (BPF, ftrace) keeps a frame pointer. */
	const struct entry by_bp = { 16, -16, w->orc->numbers->bp, w->orc->numbers->prev_sp, KIND_CALL, false };
	uint64_t frame, before = w->sp;
	struct entry e;

	if (!find_entry(w->orc, w->signal ? w->ip : w->ip - 1, &e))
		e = by_bp;
	w->ended = e.kind == KIND_END;
	if (e.kind == KIND_UNDEFINED || e.kind == KIND_END || !find_frame(w, &e, &frame))
		return false;
	if (e.kind != KIND_CALL)
		return take_regs(w, &e, frame) && (w->signal = e.signal, true);
	if (!read_word(w, frame - 8, &w->ip) || !find_bp(w, &e, frame))
		return false;
	w->sp = frame;
	w->signal = e.signal;
	/* Frames ascend, except where the stack of an interrupt ends and the interrupted one follows. */
	return frame > before || e.sp_reg == w->orc->numbers->sp_indirect ||
	       e.sp_reg == w->orc->numbers->bp_indirect;
}

size_t vs_orc__walk(const struct vs_orc *orc, const struct vs_orc_start *start, uint64_t *frames, size_t max,
		    bool *whole)
{
	struct walk w = { orc, start->ip, start->sp, start->bp, start->stack, start->stack_end, start->signal, false };
	size_t nr = 0;

	*whole = false;
	if (!orc->numbers)
		return 0;
	for (int i = 0; i < MAX_STEPS && nr < max && orc->is_code(orc->ctx, w.ip); i++) {
		if (!orc->is_skipped(orc->ctx, w.ip))
			frames[nr++] = w.ip;
		if (!step(&w))
			break;
	}
	*whole = w.ended || nr == max;
	return nr;
}

bool vs_orc__of_sleeper(const struct vs_orc *orc, uint64_t task, struct vs_orc_start *start)
{
	const struct vs_core_layout *l = orc->layout;
	uint64_t sp;

	if (l->task_thread < 0 || l->thread_sp < 0 || l->frame_size <= 0 || l->frame_bp < 0 || l->frame_ip < 0)
		return false;
	sp = vs_mem__pointer(orc->mem, task + (uint64_t)(l->task_thread + l->thread_sp));
	if (!sp)
		return false;
	start->bp = vs_mem__pointer(orc->mem, sp + (uint64_t)l->frame_bp);
	start->ip = vs_mem__pointer(orc->mem, sp + (uint64_t)l->frame_ip);
	start->sp = sp + (uint64_t)l->frame_size;
	start->signal = false;
	return start->ip;
}
