// SPDX-License-Identifier: GPL-2.0
#include "record/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/record.h"
#include "record/symbols.h"

#define MOST_ANSWERS 65536	/* to the questions of one input */
#define TEXT 8192
#define MOST_RECALLED 4096

struct answer {
	unsigned int kind;
	bool given;
	uint64_t key;
	int64_t value;
	size_t text;		/* in `texts` */
};

struct replay {
	struct vs_replay_opts opts;
	struct vs_replay_result *result;
	struct vs_session *session;
	struct vs_input_room *room;
	struct vs_rec_names *names;
	struct answer *answers;
	size_t nr_answers, first_answer;	/* the first one that is not given yet */
	struct vs_pack texts;
	struct vs_snapshot snapshot;
	bool has_snapshot;
	struct vs_record_run run;
	uint64_t time_ns;	/* of what is being taken */
	uint64_t missing;	/* inputs that were not recorded, as told so far */
	bool started, finished, over;
	bool blind;		/* after a hole, until the next snapshot */
	struct vs_record_reference *recalled;	/* what the state before a hole's end knew */
	size_t nr_recalled;
	char text[TEXT];
};

/* -- answers -- */

static void add_answer(struct replay *p, unsigned int kind, struct vs_packed *u)
{
	struct vs_answer a;
	struct answer *kept = &p->answers[p->nr_answers];

	if (vs_packed__answer(u, &a, p->text, sizeof(p->text)) || p->nr_answers == MOST_ANSWERS) {
		p->result->bad++;
		return;
	}
	*kept = (struct answer){ kind, false, a.key, a.value, p->texts.len };
	vs_pack__bytes(&p->texts, a.text, strlen(a.text) + 1);
	p->nr_answers += !p->texts.failed;
}

static void drop_answers(struct replay *p)
{
	p->nr_answers = p->first_answer = 0;
	p->texts.len = 0;
}

static const struct answer *find_answer(struct replay *p, unsigned int kind, uint64_t key)
{
	for (size_t i = p->first_answer; i < p->nr_answers; i++) {
		struct answer *a = &p->answers[i];

		if (a->given || a->kind != kind || a->key != key)
			continue;
		a->given = true;
		while (p->first_answer < p->nr_answers && p->answers[p->first_answer].given)
			p->first_answer++;
		return a;
	}
	p->result->unanswered++;
	return NULL;
}

static void set_name(struct replay *p, struct vs_packed *u)
{
	struct vs_rec_name *name;
	struct vs_answer a;

	if (vs_packed__answer(u, &a, p->text, sizeof(p->text))) {
		p->result->bad++;
		return;
	}
	name = vs_rec_names__at(p->names, a.key);
	if (!name)
		return;
	name->known = a.value;
	snprintf(name->text, sizeof(name->text), "%.*s", (int)sizeof(name->text) - 1, p->text);
}

static bool resolve_ip(void *ctx, uint64_t ip, char *buf, size_t size)
{
	struct replay *p = ctx;
	const struct vs_rec_name *name = vs_rec_names__at(p->names, ip);

	if (!name || !name->known)
		return false;
	snprintf(buf, size, "%s", name->text);
	return true;
}

static int text_answer(struct replay *p, unsigned int kind, uint64_t key, char *buf, size_t size)
{
	const struct answer *a = find_answer(p, kind, key);

	if (!a)
		return -ENOENT;
	snprintf(buf, size, "%s", (const char *)p->texts.data + a->text);
	return (int)a->value;
}

static int group_devices(void *ctx, int iommu_group, char *buf, size_t size)
{
	return text_answer(ctx, VS_REC_DEVICES, (uint64_t)(int64_t)iommu_group, buf, size);
}

static int kernel_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	return text_answer(ctx, VS_REC_STACK, tid, buf, size);
}

/* The answer is the key: a question about the time has none. */
static uint64_t now_ns(void *ctx)
{
	struct replay *p = ctx;

	for (size_t i = p->first_answer; i < p->nr_answers; i++)
		if (p->answers[i].kind == VS_REC_NOW && !p->answers[i].given)
			return p->answers[i].given = true, p->answers[i].key;
	p->result->unanswered++;
	return p->time_ns;
}

static bool task_alive(void *ctx, uint32_t tgid)
{
	const struct answer *a = find_answer(ctx, VS_REC_ALIVE, tgid);

	return !a || a->value;
}

static bool yes_or_no(struct replay *p, unsigned int kind)
{
	const struct answer *a = find_answer(p, kind, 0);

	return a && a->value;
}

static bool was_lost(void *ctx)
{
	return yes_or_no(ctx, VS_REC_LOST);
}

static bool was_skipped(void *ctx)
{
	return yes_or_no(ctx, VS_REC_SKIPPED);
}

static bool is_blind(void *ctx)
{
	return yes_or_no(ctx, VS_REC_BLIND);
}

/* -- inputs -- */

static int make_session(struct replay *p)
{
	struct vs_session_opts opts = p->opts.session;

	opts.calls = (struct vs_session_calls){
		resolve_ip, group_devices, kernel_stack, now_ns, task_alive, was_lost, was_skipped,
		is_blind,
	};
	opts.ctx = p;
	opts.keep_refs = p->run.keep_refs;
	opts.refs = (struct vs_refs_opts){
		.older_ns = p->run.older_ns,
		.max_refs = p->run.max_refs < 1 << 22 ? p->run.max_refs : 1 << 22,
	};
	p->session = vs_session__new(&opts);
	return p->session ? 0 : -ENOMEM;
}

static uint64_t time_of(const struct vs_input *in, uint64_t fallback)
{
	const struct vs_event *e = in->record;

	if (in->kind == VS_IN_EVENT)
		return in->len >= sizeof(*e) ? e->time_ns : fallback;
	if (in->kind == VS_IN_START)
		return in->start->mono_ns;
	return in->time_ns ? in->time_ns : fallback;
}

static bool needs_snapshot(unsigned int kind)
{
	return kind == VS_IN_SEED || kind == VS_IN_RESEED || kind == VS_IN_CHECK ||
	       kind == VS_IN_CHECK_REGISTRATIONS || kind == VS_IN_LEDGER;
}

static void show_ledger(struct replay *p, uint64_t time_ns, bool last)
{
	struct vs_snapshot none = { 0 };

	vs_session__say_ledger(p->session, &(struct vs_ledger_opts){
		.snapshot = p->has_snapshot ? &p->snapshot : &none,
		.now_ns = time_ns,
		.traced = true,
		.last = last,
	});
}

static void show_at(struct replay *p)
{
	show_ledger(p, p->opts.at_ns, false);
	p->over = true;
}

/*
 * What happened in a hole is not known, so the ledgers begin anew behind it, as after any time in which a
 * run saw nothing.
 */
static void blind(struct replay *p, const char *words)
{
	p->result->whole = false;
	if (!p->session || !p->started)
		return;
	vs_session__gap_begins(p->session, VS_GAP_SILENT, p->time_ns, words);
	p->blind = true;
	if (p->run.keep_refs)
		return;
	vs_session__gap_ends(p->session, VS_GAP_SILENT, p->time_ns);
	p->blind = false;
}

static void recall(struct replay *p)
{
	struct vs_refs *refs = vs_session__refs(p->session);

	for (size_t i = 0; refs && i < p->nr_recalled; i++)
		vs_refs__recall(refs, &p->recalled[i].ref, p->recalled[i].frames,
				p->recalled[i].nr_frames);
	p->nr_recalled = 0;
}

static void see_again(struct replay *p)
{
	vs_session__gap_ends(p->session, VS_GAP_SILENT, p->snapshot.end_ns);
	vs_session__seed(p->session, &p->snapshot);
	recall(p);
	p->blind = false;
}

static void take_reference(struct replay *p, struct vs_packed *u)
{
	size_t nr = p->nr_recalled;

	if (!p->blind || nr == MOST_RECALLED)
		return;
	if (vs_packed__reference(u, &p->recalled[nr]))
		p->result->bad++;
	else
		p->nr_recalled++;
}

/* A file or device that comes or goes meanwhile is another one, though its address may be the same. */
static void forget_reference(struct replay *p, const struct vs_input *in)
{
	const struct vs_event *e = in->record;

	if (in->kind != VS_IN_EVENT || in->len < sizeof(*e) ||
	    (e->type != VS_OPEN && e->type != VS_CLOSE && e->type != VS_REGISTER && e->type != VS_UNREGISTER))
		return;
	for (size_t i = 0; i < p->nr_recalled; i++)
		if (p->recalled[i].ref.object == e->object)
			p->recalled[i--] = p->recalled[--p->nr_recalled];
}

static void take_input(struct replay *p, const struct vs_read *r)
{
	struct vs_packed u = { .data = r->body, .len = r->len };
	struct vs_input in;

	if (vs_packed__input(&u, r->kind, p->room, &in) ||
	    (needs_snapshot(r->kind) && !p->has_snapshot)) {
		p->result->bad++;
		return;
	}
	p->time_ns = time_of(&in, r->time_ns);
	if (p->opts.at_ns && p->time_ns > p->opts.at_ns) {
		show_at(p);
		return;
	}
	if (p->opts.before)
		p->opts.before(p->opts.ctx, p->time_ns);
	in.snapshot = needs_snapshot(r->kind) ? &p->snapshot : NULL;
	if (p->blind && in.snapshot)
		see_again(p);
	else if (p->blind)
		forget_reference(p, &in);
	p->started |= in.kind == VS_IN_START;
	p->finished |= in.kind == VS_IN_FINISH;
	if (vs_session__take(p->session, &in) == -ENOMEM)
		p->result->bad++;
	drop_answers(p);
}

static void take_snapshot(struct replay *p, struct vs_packed *u, bool whole)
{
	struct vs_snapshot times = { 0 };
	int err = vs_packed__snapshot_times(u, &times);

	if (!err && whole) {
		vs_snapshot__free(&p->snapshot);
		err = vs_packed__snapshot(u, &p->snapshot);
		p->has_snapshot = !err;
	}
	p->result->bad += err != 0;
	p->snapshot.start_ns = times.start_ns;
	p->snapshot.end_ns = times.end_ns;
	p->snapshot.start_seq = times.start_seq;
	p->snapshot.end_seq = times.end_seq;
}

static void say(struct replay *p, const char *words)
{
	p->result->whole = false;
	if (p->session && p->started)
		vs_session__notice(p->session, p->time_ns, words);
}

static void take_missing(struct replay *p, struct vs_packed *u)
{
	struct vs_record_missing m;
	char words[160];

	if (vs_packed__missing(u, &m) || m.nr <= p->missing)
		return;
	p->missing = m.nr;
	snprintf(words, sizeof(words), "%" PRIu64 " inputs of this run before this moment are not in the "
		 "recording: its disk was full, or too slow", m.nr);
	say(p, words);
}

static void take_exit(struct replay *p, struct vs_packed *u)
{
	struct vs_answer a;

	if (vs_packed__answer(u, &a, p->text, sizeof(p->text)) || a.value < 0 || a.value > 255)
		return;
	p->result->ended = true;
	p->result->status = (int)a.value;
}

/* The slot's state is news only to a reader who begins there. */
static bool is_news(const struct replay *p, const struct vs_read *r)
{
	return !r->state || r->kind == VS_REC_NOT_RECORDED || (!p->started && (r->kind == VS_IN_START || r->kind == VS_IN_PROBES));
}

static void take_record(struct replay *p, const struct vs_read *r)
{
	struct vs_packed u = { .data = r->body, .len = r->len };

	if (r->kind == VS_REC_NAME)
		set_name(p, &u);
	else if (r->kind == VS_REC_REFERENCE)
		take_reference(p, &u);
	else if (!is_news(p, r))
		return;
	else if (r->kind < VS_IN_END)
		take_input(p, r);
	else if (r->kind >= VS_REC_DEVICES && r->kind <= VS_REC_NOW)
		add_answer(p, r->kind, &u);
	else if (r->kind == VS_REC_SNAPSHOT || r->kind == VS_REC_SNAPSHOT_AGAIN)
		take_snapshot(p, &u, r->kind == VS_REC_SNAPSHOT);
	else if (r->kind == VS_REC_NOT_RECORDED)
		take_missing(p, &u);
	else if (r->kind == VS_REC_EXIT)
		take_exit(p, &u);
	if (r->state && r->kind == VS_IN_START)
		blind(p, "the recording begins in the middle of the run");
}

static int begin(struct replay *p, const struct vs_read *r)
{
	struct vs_packed u = { .data = r->body, .len = r->len };

	if (p->session || r->kind != VS_REC_RUN || vs_packed__run(&u, &p->run))
		return 0;
	return make_session(p);
}

static int go_through(struct replay *p, struct vs_reader *reader)
{
	struct vs_read r;
	bool first = true;

	vs_reader__rewind(reader);
	while (!p->over && vs_reader__next(reader, &r)) {
		if (r.session != p->opts.number)
			continue;
		if (r.jump && !first) {
			drop_answers(p);
			blind(p, "a part of the recording was overwritten, or cannot be read");
		}
		first = false;
		if (begin(p, &r))
			return -ENOMEM;
		if (p->session)
			take_record(p, &r);
	}
	return p->session ? 0 : -ENOENT;
}

static void finish(struct replay *p)
{
	if (p->opts.at_ns && !p->over)
		show_at(p);
	if (!p->opts.at_ns && !p->finished && p->started) {
		say(p, "the recording ends here, but the run did not: it was killed, or its host was");
		if (p->run.keep_refs && p->has_snapshot)
			show_ledger(p, p->time_ns, true);
		vs_session__finish(p->session, p->time_ns, NULL);
	}
	vs_session__flush(p->session);
	vs_session__result(p->session, &p->result->session);
	p->result->whole &= p->started && p->finished;
}

int vs_replay__run(struct vs_reader *reader, const struct vs_replay_opts *opts,
		   struct vs_replay_result *result)
{
	struct replay p = { .opts = *opts, .result = result };
	int err = -ENOMEM;

	*result = (struct vs_replay_result){ .whole = true };
	p.room = vs_input_room__new();
	p.names = vs_rec_names__new();
	p.answers = calloc(MOST_ANSWERS, sizeof(*p.answers));
	p.recalled = calloc(MOST_RECALLED, sizeof(*p.recalled));
	if (p.room && p.names && p.answers && p.recalled)
		err = go_through(&p, reader);
	if (!err)
		finish(&p);
	vs_session__free(p.session);
	vs_input_room__free(p.room);
	vs_rec_names__free(p.names);
	vs_snapshot__free(&p.snapshot);
	vs_pack__free(&p.texts);
	free(p.answers);
	free(p.recalled);
	return err;
}
