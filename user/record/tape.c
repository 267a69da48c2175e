// SPDX-License-Identifier: GPL-2.0
#include "record/tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/record.h"
#include "record/symbols.h"

#define SYNC_NS 5000000000ull
#define HAZARD_SYNC_NS 1000000000ull
#define BEFORE_NS (60 * 1000000000ull)
#define AFTER_NS (10 * 1000000000ull)
#define CLOCK_NS (60 * 1000000000ull)	/* between two signs of life */
#define MOST_REFERENCES 1000	/* in a slot: 30 KiB of 256 */
#define ASK_NS 1000000000ull	/* between two attempts to name what has no name yet */

struct vs_tape {
	struct vs_tape_opts opts;
	struct vs_session_calls calls;	/* of the session's owner */
	void *ctx;
	struct vs_input_ear ear;
	struct vs_writer *writer;
	struct vs_rec_names *names;
	struct vs_pack body, snapshot, last_snapshot;
	struct vs_pack start, probes;	/* as inputs: the state repeats them */
	uint64_t nr;		/* the input that is being taken */
	bool inside, answered;	/* its session has asked something */
	uint64_t now_ns, unnamed;
	uint64_t clock_ns, sync_ns, asked_ns;	/* when that is due */
	bool dirty;		/* written and not synced */
	bool bug;		/* found in what waits */
	bool snapshot_put;	/* last_snapshot is in this slot */
	uint64_t keep_until_ns;	/* a bug keeps the slots up to then */
	uint64_t slot;		/* the one that the state was last put into */
	uint64_t *slot_ns;	/* of a ring: when each slot was last opened */
	size_t nr_pinned;
};

/* -- answers -- */

static void put_body(struct vs_tape *t, unsigned int kind)
{
	vs_writer__put(t->writer, kind, t->body.data, t->body.len);
	t->body.len = 0;
}

static void put_answer(struct vs_tape *t, unsigned int kind, uint64_t key, int64_t value, const char *text)
{
	struct vs_answer a = { key, value, text };

	if (t->inside && !t->answered)
		vs_writer__input_begins(t->writer);
	t->answered = true;
	vs_pack__answer(&t->body, &a);
	put_body(t, kind);
}

static void put_name(struct vs_tape *t, const struct vs_rec_name *name)
{
	put_answer(t, VS_REC_NAME, name->address, name->known, name->known ? name->text : "");
}

static bool ask_name(struct vs_tape *t, uint64_t ip, char *buf, size_t size)
{
	bool known = t->calls.resolve_ip && t->calls.resolve_ip(t->ctx, ip, buf, size);

	if (!known)
		buf[0] = '\0';
	return known;
}

/* Asks for a name once for each input: the session and its recording get the same answer. */
static struct vs_rec_name *name_now(struct vs_tape *t, struct vs_rec_name *name)
{
	char text[VS_SITE_LEN];
	bool known, first = !name->asked;

	if (name->asked == t->nr)
		return name;
	known = ask_name(t, name->address, text, sizeof(text));
	name->asked = t->nr;
	if (!first && known == name->known && (!known || !strcmp(text, name->text)))
		return name;
	t->unnamed += !known;
	t->unnamed -= !first && !name->known;
	name->known = known;
	memcpy(name->text, text, sizeof(text));
	put_name(t, name);
	return name;
}

static bool resolve_ip(void *ctx, uint64_t ip, char *buf, size_t size)
{
	struct vs_tape *t = ctx;
	struct vs_rec_name *name = vs_rec_names__at(t->names, ip);
	bool known;

	if (name) {
		name_now(t, name);
		strncpy(buf, name->text, size - 1);
		buf[size - 1] = '\0';
		return name->known;
	}
	known = ask_name(t, ip, buf, size);
	put_answer(t, VS_REC_NAME, ip, known, buf);
	return known;
}

/* Whatever a view asks for later must be there: this names all that an event has. */
static void name_early(struct vs_tape *t, uint64_t ip)
{
	struct vs_rec_name *name = vs_rec_names__at(t->names, ip);

	if (name && !name->asked)
		name_now(t, name);
}

static void name_frames(struct vs_tape *t, const __u64 *frames, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		name_early(t, frames[i]);
}

static void name_event(struct vs_tape *t, const struct vs_input *in)
{
	_Alignas(16) struct vs_alarm_event copy;
	size_t len = in->len < sizeof(copy) ? in->len : sizeof(copy);
	const struct vs_stack_event *stack;
	const struct vs_alarm_event *alarm;
	const struct vs_event *e;

	memcpy(&copy, in->record, len);
	if (vs_record__check(&copy, len, &e))
		return;
	name_early(t, e->ip);
	stack = vs_record__stack(e);
	if (stack)
		name_frames(t, stack->stack, vs_stack__length(stack));
	alarm = vs_record__alarm(e);
	if (!alarm)
		return;
	name_early(t, alarm->callback);
	name_early(t, e->ctx_object);
	name_frames(t, alarm->stack, alarm->nr_stack < VS_STACK_LEN ? alarm->nr_stack : VS_STACK_LEN);
}

/* After a module came or went, addresses mean something else: each is asked for anew when it is needed. */
static void forget_names(struct vs_tape *t)
{
	for (struct vs_rec_name *n = NULL; (n = vs_rec_names__next(t->names, n));)
		n->asked = 0;
	t->unnamed = 0;
}

static int group_devices(void *ctx, int iommu_group, char *buf, size_t size)
{
	struct vs_tape *t = ctx;
	int err = t->calls.group_devices ?
		  t->calls.group_devices(t->ctx, iommu_group, buf, size) : -ENOTSUP;

	put_answer(t, VS_REC_DEVICES, (uint64_t)(int64_t)iommu_group, err, err ? "" : buf);
	return err;
}

static int kernel_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	struct vs_tape *t = ctx;
	int err = t->calls.kernel_stack ? t->calls.kernel_stack(t->ctx, tid, buf, size) : -ENOTSUP;

	put_answer(t, VS_REC_STACK, tid, err, err ? "" : buf);
	return err;
}

static uint64_t now_ns(void *ctx)
{
	struct vs_tape *t = ctx;
	uint64_t now = t->calls.now_ns ? t->calls.now_ns(t->ctx) : 0;

	if (t->inside)
		put_answer(t, VS_REC_NOW, now, 0, "");
	return now;
}

static bool task_alive(void *ctx, uint32_t tgid)
{
	struct vs_tape *t = ctx;
	bool alive = !t->calls.task_alive || t->calls.task_alive(t->ctx, tgid);

	put_answer(t, VS_REC_ALIVE, tgid, alive, "");
	return alive;
}

static bool yes_or_no(struct vs_tape *t, unsigned int kind, bool (*ask)(void *ctx))
{
	bool yes = ask && ask(t->ctx);

	put_answer(t, kind, 0, yes, "");
	return yes;
}

static bool was_lost(void *ctx)
{
	struct vs_tape *t = ctx;

	return yes_or_no(t, VS_REC_LOST, t->calls.was_lost);
}

static bool was_skipped(void *ctx)
{
	struct vs_tape *t = ctx;

	return yes_or_no(t, VS_REC_SKIPPED, t->calls.was_skipped);
}

static bool is_blind(void *ctx)
{
	struct vs_tape *t = ctx;

	return yes_or_no(t, VS_REC_BLIND, t->calls.is_blind);
}

/* -- the state at the start of a slot -- */

static uint64_t count_missing(const struct vs_tape *t)
{
	return vs_writer__missing(t->writer) + (t->opts.out.lost ? t->opts.out.lost(t->opts.out.ctx) : 0);
}

/* What could not be written ends its slot, so the next one tells of it. */
static void put_missing(struct vs_tape *t)
{
	struct vs_record_missing m = { .nr = count_missing(t), .to_ns = t->now_ns };
	struct vs_pack p = { 0 };

	if (!m.nr)
		return;
	vs_pack__missing(&p, &m);
	vs_writer__put(t->writer, VS_REC_NOT_RECORDED, p.data, p.len);
	vs_pack__free(&p);
}

static void put_run(struct vs_tape *t)
{
	struct vs_pack p = { 0 };

	vs_pack__run(&p, &t->opts.run);
	vs_writer__put(t->writer, VS_REC_RUN, p.data, p.len);
	vs_pack__free(&p);
}

static void put_clock(struct vs_tape *t)
{
	struct vs_record_clock clock;
	struct vs_pack p = { 0 };

	if (!t->opts.clock)
		return;
	t->opts.clock(&clock);
	vs_pack__clock(&p, &clock);
	vs_writer__put(t->writer, VS_REC_CLOCK, p.data, p.len);
	vs_pack__free(&p);
}

static void put_names(struct vs_tape *t)
{
	struct vs_pack p = { 0 };

	for (struct vs_rec_name *n = NULL; (n = vs_rec_names__next(t->names, n));) {
		struct vs_answer a = { n->address, n->known, n->known ? n->text : "" };

		if (!n->asked)
			continue;
		p.len = 0;
		vs_pack__answer(&p, &a);
		vs_writer__put(t->writer, VS_REC_NAME, p.data, p.len);
	}
	vs_pack__free(&p);
}

static void put_kept(struct vs_tape *t, unsigned int kind, const struct vs_pack *kept)
{
	if (kept->len)
		vs_writer__put(t->writer, kind, kept->data, kept->len);
}

static void put_reference(struct vs_tape *t, const struct vs_refs *refs, const struct vs_ref *ref)
{
	struct vs_record_reference known = { .ref = *ref };
	struct vs_pack p = { 0 };
	const __u64 *frames = vs_stacks__frames(vs_refs__stacks(refs), ref->stack, &known.nr_frames);

	if (known.nr_frames > VS_SHORT_STACK_LEN)
		known.nr_frames = VS_SHORT_STACK_LEN;
	if (known.nr_frames)
		memcpy(known.frames, frames, known.nr_frames * sizeof(*frames));
	vs_pack__reference(&p, &known);
	vs_writer__put(t->writer, VS_REC_REFERENCE, p.data, p.len);
	vs_pack__free(&p);
}

/* Who begins to read here gets the holders from the next snapshot, and from this when they took theirs. */
static void put_references(struct vs_tape *t)
{
	const struct vs_refs *refs = t->opts.of && *t->opts.of ?
				     vs_session__refs(*t->opts.of) : NULL;
	const struct vs_book *b = NULL;
	size_t nr = 0;

	while (refs && (b = vs_refs__next(refs, b)))
		for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
			if (!vs_ref__knows_get(ref) || !ref->object || nr++ >= MOST_REFERENCES)
				continue;
			put_reference(t, refs, ref);
		}
}

static void put_state(void *ctx, struct vs_writer *w)
{
	struct vs_tape *t = ctx;

	t->slot = vs_writer__slot(w);
	if (t->slot_ns)
		t->slot_ns[t->slot] = t->now_ns ? t->now_ns : 1;
	t->snapshot_put = false;
	put_run(t);
	put_clock(t);
	put_missing(t);
	put_kept(t, VS_IN_START, &t->start);
	put_kept(t, VS_IN_PROBES, &t->probes);
	put_names(t);
	put_references(t);
}

/* -- inputs -- */

static void put_snapshot(struct vs_tape *t, const struct vs_snapshot *s)
{
	bool same;

	t->snapshot.len = 0;
	vs_pack__snapshot(&t->snapshot, s);
	same = t->snapshot_put && t->snapshot.len == t->last_snapshot.len &&
	       !memcmp(t->snapshot.data, t->last_snapshot.data, t->snapshot.len);
	vs_pack__snapshot_times(&t->body, s);
	if (same) {
		put_body(t, VS_REC_SNAPSHOT_AGAIN);
		return;
	}
	vs_pack__bytes(&t->body, t->snapshot.data, t->snapshot.len);
	t->last_snapshot.len = 0;
	vs_pack__bytes(&t->last_snapshot, t->snapshot.data, t->snapshot.len);
	t->snapshot_put = true;
	put_body(t, VS_REC_SNAPSHOT);
}

static void keep(struct vs_pack *kept, const struct vs_pack *body)
{
	kept->len = 0;
	vs_pack__bytes(kept, body->data, body->len);
}

static void put_input(struct vs_tape *t, const struct vs_input *in)
{
	if (in->snapshot)
		put_snapshot(t, in->snapshot);
	vs_pack__input(&t->body, in);
	vs_writer__put(t->writer, in->kind, t->body.data, t->body.len);
	/* Later slots repeat these, not the one that has them. */
	if (in->kind == VS_IN_START)
		keep(&t->start, &t->body);
	else if (in->kind == VS_IN_PROBES)
		keep(&t->probes, &t->body);
	t->body.len = 0;
}

static bool changes_addresses(const struct vs_input *in)
{
	const struct vs_event *e = in->record;

	if (in->kind == VS_IN_GAP)
		return true;
	return in->kind == VS_IN_EVENT && in->len >= sizeof(*e) &&
	       (e->type == VS_MODULE_LOAD || e->type == VS_MODULE_FREE);
}

static void begins(void *ctx)
{
	struct vs_tape *t = ctx;

	t->nr++;
	t->inside = true;
	t->answered = false;
}

static void heard(void *ctx, const struct vs_input *in, bool changed)
{
	struct vs_tape *t = ctx;

	t->inside = false;
	if (!changed && !t->answered)
		return;
	vs_writer__input_begins(t->writer);
	if (in->time_ns > t->now_ns && in->time_ns != UINT64_MAX)
		t->now_ns = in->time_ns;
	if (in->kind == VS_IN_EVENT) {
		name_event(t, in);
		vs_writer__event(t->writer, in->record, in->len);
	} else {
		put_input(t, in);
	}
	vs_writer__input_ends(t->writer);
	if (changes_addresses(in))
		forget_names(t);
}

static void pin(struct vs_tape *t, uint64_t slot)
{
	uint8_t *byte = &t->opts.super.pinned[slot / 8], bit = (uint8_t)(1u << slot % 8);

	if (*byte & bit || t->nr_pinned >= t->opts.super.slots / 2)
		return;
	*byte |= bit;
	t->nr_pinned++;
}

static bool is_pinned(void *ctx, uint64_t slot)
{
	const struct vs_tape *t = ctx;

	return t->opts.super.pinned[slot / 8] & 1u << slot % 8;
}

static bool wrote_since(const struct vs_tape *t, uint64_t slot, uint64_t since_ns)
{
	return t->slot_ns[slot] && t->slot_ns[slot] >= since_ns;
}

/* Keeps the slots around a bug, the one that was open when the time began included. */
static void pin_window(struct vs_tape *t, uint64_t from_ns)
{
	size_t before = t->nr_pinned;
	uint64_t slots = t->opts.super.slots, oldest = UINT64_MAX, at = t->slot;

	for (uint64_t i = 0; i < slots; i++)
		if (t->slot_ns[i] && !wrote_since(t, i, from_ns) &&
		    (oldest == UINT64_MAX || t->slot_ns[i] > t->slot_ns[oldest]))
			oldest = i;
	for (uint64_t i = 0; i < slots; i++, at = at ? at - 1 : slots - 1)
		if (wrote_since(t, at, from_ns))
			pin(t, at);
	if (oldest != UINT64_MAX)
		pin(t, oldest);
	if (t->nr_pinned == before || !t->opts.out.pinned)
		return;
	t->opts.super.generation++;
	t->opts.out.pinned(t->opts.out.ctx, &t->opts.super);
}

static void said(void *ctx, const struct vs_finding *f)
{
	struct vs_tape *t = ctx;

	if (f->grade == VS_GRADE_BUG)
		t->bug = true;
	else if (f->grade == VS_GRADE_HAZARD && t->sync_ns > t->now_ns + HAZARD_SYNC_NS)
		t->sync_ns = t->now_ns + HAZARD_SYNC_NS;
}

/* -- the owner's side -- */

static int write_out(void *ctx, uint64_t offset, const void *data, size_t len, uint32_t inputs)
{
	struct vs_tape *t = ctx;

	return t->opts.out.write(t->opts.out.ctx, offset, data, len, inputs);
}

static size_t count_pinned(const struct vs_vfr_super *s)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < s->slots; i++)
		nr += s->pinned[i / 8] >> i % 8 & 1;
	return nr;
}

static int make_parts(struct vs_tape *t)
{
	const struct vs_tape_opts *o = &t->opts;
	struct vs_writer_opts w = {
		.slots = o->super.slots, .first_slot = o->first_slot, .first_seq = o->first_seq,
		.session = o->session, .write = write_out, .state = put_state, .ctx = t,
	};

	t->names = vs_rec_names__new();
	if (o->super.slots) {
		w.is_pinned = is_pinned;
		t->slot_ns = calloc(o->super.slots, sizeof(*t->slot_ns));
		t->nr_pinned = count_pinned(&o->super);
	}
	t->writer = vs_writer__new(&w);
	return t->names && t->writer && (t->slot_ns || !o->super.slots) ? 0 : -ENOMEM;
}

struct vs_tape *vs_tape__new(const struct vs_tape_opts *opts)
{
	struct vs_tape *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->opts = *opts;
	t->opts.sync_ns = opts->sync_ns ? opts->sync_ns : SYNC_NS;
	t->opts.before_ns = opts->before_ns ? opts->before_ns : BEFORE_NS;
	t->opts.after_ns = opts->after_ns ? opts->after_ns : AFTER_NS;
	t->ear = (struct vs_input_ear){ begins, heard, said, t };
	if (!make_parts(t))
		return t;
	vs_tape__free(t);
	errno = ENOMEM;
	return NULL;
}

void vs_tape__free(struct vs_tape *t)
{
	if (!t)
		return;
	vs_writer__free(t->writer);
	vs_rec_names__free(t->names);
	vs_pack__free(&t->body);
	vs_pack__free(&t->snapshot);
	vs_pack__free(&t->last_snapshot);
	vs_pack__free(&t->start);
	vs_pack__free(&t->probes);
	free(t->slot_ns);
	free(t);
}

void vs_tape__listen(struct vs_tape *t, struct vs_session_opts *opts)
{
	t->calls = opts->calls;
	t->ctx = opts->ctx;
	opts->calls = (struct vs_session_calls){
		resolve_ip, group_devices, kernel_stack, now_ns, task_alive, was_lost, was_skipped,
		is_blind,
	};
	opts->ctx = t;
	opts->ear = &t->ear;
}

/* Names become known while the table of symbols is read in the background. */
static void ask_again(struct vs_tape *t, uint64_t now)
{
	if (!t->unnamed || now < t->asked_ns)
		return;
	t->asked_ns = now + ASK_NS;
	t->nr++;
	for (struct vs_rec_name *n = NULL; (n = vs_rec_names__next(t->names, n));)
		if (n->asked && !n->known)
			name_now(t, n);
}

static void sync_if_due(struct vs_tape *t, uint64_t now)
{
	if (!t->dirty || (!t->bug && now < t->sync_ns) || !t->opts.out.sync)
		return;
	t->opts.out.sync(t->opts.out.ctx);
	t->dirty = false;
	t->sync_ns = now + t->opts.sync_ns;
}

void vs_tape__poll(struct vs_tape *t, uint64_t now)
{
	if (now > t->now_ns)
		t->now_ns = now;
	ask_again(t, now);
	if (now >= t->clock_ns) {
		put_clock(t);
		t->clock_ns = now + CLOCK_NS;
	}
	if (vs_writer__waits(t->writer)) {
		vs_writer__flush(t->writer, now, t->bug ? VS_UNIT_BUG : 0);
		t->dirty = true;
	}
	sync_if_due(t, now);
	if (t->bug && t->slot_ns) {
		pin_window(t, now > t->opts.before_ns ? now - t->opts.before_ns : 0);
		t->keep_until_ns = now + t->opts.after_ns;
	} else if (t->slot_ns && now < t->keep_until_ns && !is_pinned(t, t->slot)) {
		pin_window(t, now);
	}
	t->bug = false;
}

void vs_tape__end(struct vs_tape *t, int status, uint64_t now)
{
	put_answer(t, VS_REC_EXIT, 0, status, "");
	vs_tape__poll(t, now);
	if (t->opts.out.sync)
		t->opts.out.sync(t->opts.out.ctx);
}

uint64_t vs_tape__missing(const struct vs_tape *t)
{
	return vs_writer__missing(t->writer);
}

uint64_t vs_tape__written(const struct vs_tape *t)
{
	return vs_writer__written(t->writer);
}
