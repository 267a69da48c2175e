/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One stranger's name in every place where names can stand, through every sink and every form; for
 * test_names.c and fuzz_names.c. What is written is compared with the same said of a tame name of the
 * same length, of x only: a name may change what stands between our words, never the words.
 */
#ifndef VFIOSCOPE_TESTS_NAMES_LAB_H
#define VFIOSCOPE_TESTS_NAMES_LAB_H

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/name.h"
#include "base/one_line.h"
#include "base/words.h"
#include "doctor/print.h"
#include "doctor/print_page.h"
#include "inspect/print.h"
#include "inspect/tree.h"
#include "latency/print.h"
#include "ledger/finding.h"
#include "sink/json_out.h"
#include "sink/sink.h"
#include "validate/print.h"
#include "why/print.h"

/* Into an array of characters; cut as the kernel would cut it. */
#define NAME_INTO(array, name) snprintf(array, sizeof(array), "%s", name)

/* -- the forms -- */

enum names_form { NAMES_TEXT, NAMES_JSON, NAMES_NDJSON, NAMES_XML, NAMES_MARKDOWN, NAMES_TAP };

struct names_page {
	const char *what;
	enum names_form form;
	char *text;
};

#define NAMES_PAGES 32

struct names_pages {
	struct names_page page[NAMES_PAGES];
	size_t nr;
};

static inline void names_keep(struct names_pages *p, const char *what, enum names_form form,
			      char *text)
{
	p->page[p->nr++] = (struct names_page){ what, form, text };
}

static inline void names_take(struct names_pages *p, const char *what, enum names_form form,
			      struct vs_out *o)
{
	vs_out__raw(o, "", 1);
	names_keep(p, what, form, o->buf);
}

static inline void names_free(struct names_pages *p)
{
	while (p->nr)
		free(p->page[--p->nr].text);
}

/* -- trace and refs: a sink that is spoken to as a session does -- */

/* The sinks of a stream write into a descriptor. */
static inline char *names_of_fd(FILE *file)
{
	long size = ftell(file);
	char *text;

	fseek(file, 0, SEEK_END);
	size = ftell(file);
	text = calloc(1, (size_t)size + 1);
	rewind(file);
	if (text && size && fread(text, 1, (size_t)size, file) != (size_t)size)
		text[0] = '\0';
	fclose(file);
	return text;
}

static inline void names_event(struct vs_sink *s, const char *name, unsigned int type)
{
	static char frames[3][VS_SITE_LEN];
	struct vs_event e = { .size = sizeof(e), .version = VS_ABI_VERSION, .type = (__u8)type,
			      .time_ns = 5000, .tid = 77, .tgid = 77, .refs = 2,
			      .flags = VS_F_REFS, .ip = 1, .action = VS_ACT_UNBOUND_DRIVER,
			      .context = VS_CTX_NOTIFIER };
	struct vs_view v = { .e = &e, .device = "", .site = name, .stack = frames, .nr_stack = 3,
			     .group = { .known = true, .number = 1, .devices = name } };
	char device[VS_DEVICE_LEN], site[VS_SITE_LEN];

	memcpy(e.comm, name, strnlen(name, sizeof(e.comm)));
	for (int i = 0; i < 3; i++)
		NAME_INTO(frames[i], name);
	NAME_INTO(device, name);
	NAME_INTO(site, name);
	v.device = device;
	v.site = site;
	s->ops->event(s, &v);
}

static inline void names_finding(struct vs_sink *s, const char *name, enum vs_finding_kind kind)
{
	struct vs_finding *f = calloc(1, sizeof(*f));

	*f = (struct vs_finding){ .kind = kind, .grade = vs_finding__grade(kind), .number = 1,
				  .tid = 77, .tgid = 77, .has_ref = kind >= VS_REF_LEAK,
				  .chain = 1, .release_seen = true, .said_ns = 9000, .time_ns = 8000,
				  .group = { .known = true, .number = 1, .devices = name } };
	memcpy(f->comm, name, strnlen(name, sizeof(f->comm)));
	memcpy(f->ref.comm, name, strnlen(name, sizeof(f->ref.comm)));
	NAME_INTO(f->site, name);
	if (f->has_ref)
		strcpy(f->words, "words of ours");
	NAME_INTO(f->chain_name, name);
	NAME_INTO(f->callback, name);
	NAME_INTO(f->call_place, name);
	NAME_INTO(f->change_place, name);
	f->picture.nr = 4;
	for (size_t i = 0; i < f->picture.nr; i++) {
		struct vs_picture_row *row = &f->picture.rows[i];

		*row = (struct vs_picture_row){ .type = VS_PUT, .other = i % 2, .tid = 77 + i % 2,
						.has_refs = true, .refs = 2 };
		memcpy(row->comm, name, strnlen(name, sizeof(row->comm)));
		NAME_INTO(row->site, name);
	}
	s->ops->finding(s, f);
	free(f);
}

static inline void names_summary(struct vs_sink *s, const char *name)
{
	struct vs_deferred_stats deferred = { .queued = 1 };
	struct vs_probe_row probes[2] = { { name, "armed", name, 1 }, { name, name, name, 0 } };
	struct vs_group_row group = { .gets = 1, .alive = true,
				      .group = { .known = true, .number = 1, .devices = name } };
	struct vs_loss_row losses[VS_LOSS_END] = { { .total = 1, .reported = true } };
	struct vs_summary sum = { .losses = losses, .time_ns = 9000, .duration_ns = 9000, .events = 3,
				  .groups = &group, .nr_groups = 1, .deferred = &deferred,
				  .probes = probes, .nr_probes = 2 };

	s->ops->summary(s, &sum);
}

static inline void names_stream(struct names_pages *p, const char *name, bool json, size_t width)
{
	FILE *file = tmpfile();
	struct vs_sink_opts opts = { .fd = fileno(file), .width = width };
	struct vs_sink *s = json ? vs_json_sink__new(&opts) : vs_text_sink__new(&opts);
	struct vs_start start = { .version = "0.1", .kernel = name, .mono_ns = 1, .wall_ns = 1 };
	struct vs_deferred put = { .queue_ns = 1, .end_ns = 2 };
	struct vs_group_view group = { .known = true, .number = 1, .devices = name };
	struct vs_gap_row gap = { .why = VS_GAP_LOADED, .from_ns = 1, .to_ns = 2 };

	memcpy(put.comm, name, strnlen(name, sizeof(put.comm)));
	memcpy(put.worker_comm, name, strnlen(name, sizeof(put.worker_comm)));
	s->ops->start(s, &start);
	for (unsigned int type = 0; type < VS_TYPE_END; type++)
		if (type != VS_CHAIN_DEADLOCK && vs_type__name(type))
			names_event(s, name, type);
	s->ops->deferred(s, &put, &group);
	for (int kind = 0; kind < VS_FINDING_KINDS; kind++)
		names_finding(s, name, kind);
	s->ops->gap(s, &gap);
	s->ops->notice(s, 5, name);
	names_summary(s, name);
	vs_sink__flush(s);
	vs_sink__free(s);
	names_keep(p, json ? "trace --json" : width ? "trace, 80 columns" : "trace",
		   json ? NAMES_NDJSON : NAMES_TEXT, names_of_fd(file));
}

/* -- latency -- */

static inline bool names_resolve(void *ctx, uint64_t addr, char *buf, size_t size)
{
	(void)addr;
	snprintf(buf, size, "%s", (const char *)ctx);
	return true;
}

static inline void names_latency(struct names_pages *p, const char *name, bool json)
{
	struct vs_latency_sink_opts opts = { .fd = -1, .json = json, .top = 10, .ctx = (void *)name,
					     .resolve = names_resolve };
	struct vs_latency_start start = { .version = "1", .kernel = name, .names = &name,
					  .nr_names = 1, .followed_by = "kprobes", .blame = "late" };
	struct vs_late late = { .kind = VS_LATE_OVERDUE, .func = 1, .time_ns = 5, .group = 1 };
	struct vs_report *r = calloc(1, sizeof(*r));
	struct vs_worst_row *row = &r->worst.rows[0];
	struct vs_latency_sink s;

	*r = (struct vs_report){ .deferred = true, .time_ns = 10, .armed_ns = 1,
				 .blame = { .when = "full" } };
	r->worst.nr = r->worst.room = 1;
	row->work = (struct vs_lat_event){ .func = 1, .start_ns = 9, .end_ns = 9 };
	NAME_INTO(row->work.name, name);
	row->blame = (struct vs_blame){ .nr = 2, .delay_ns = 8 };
	row->blame.parts[0] = (struct vs_blame_part){ .why = VS_BLAME_TASK, .ns = 4, .tid = 77 };
	memcpy(row->blame.parts[0].comm, name, strnlen(name, VS_COMM_LEN));
	row->blame.parts[1] = (struct vs_blame_part){ .why = VS_BLAME_HELD, .ns = 4, .func = 1 };
	vs_latency_sink__init(&s, &opts);
	s.ops->start(&s, &start);
	s.ops->notice(&s, 1, name);
	s.ops->work(&s, &row->work);
	s.ops->late(&s, &late);
	s.ops->report(&s, r);
	names_take(p, json ? "latency --json" : "latency", json ? NAMES_NDJSON : NAMES_TEXT, &s.out);
	vs_report__free(r);
	free(r);
}

/* -- why: the classifier and its advice as well -- */

static inline void names_evidence(struct vs_evidence *e, const char *name)
{
	struct vs_snapshot *s = &e->snapshot;

	for (size_t i = 0; i < e->nr_tasks; i++) {
		memset(e->tasks[i].comm, 0, VS_COMM_LEN);
		memcpy(e->tasks[i].comm, name, strnlen(name, VS_COMM_LEN));
	}
	for (size_t i = 0; i < e->nr_processes; i++) {
		memset(e->processes[i].comm, 0, VS_COMM_LEN);
		memcpy(e->processes[i].comm, name, strnlen(name, VS_COMM_LEN));
	}
	for (size_t i = 0; i < s->nr_fds; i++) {
		memset(s->fds[i].comm, 0, VS_COMM_LEN);
		memcpy(s->fds[i].comm, name, strnlen(name, VS_COMM_LEN));
	}
	for (size_t i = 0; i < s->nr_maps; i++) {
		memset(s->maps[i].comm, 0, VS_COMM_LEN);
		memcpy(s->maps[i].comm, name, strnlen(name, VS_COMM_LEN));
	}
	NAME_INTO(e->release, name);
	NAME_INTO(e->words, name);
}

/* The parsers of cmdline and cgroup would leave these names here. */
static inline void names_holders(struct vs_why *why, const char *name)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		for (size_t h = 0; h < why->cases[i].nr_holders; h++) {
			struct vs_why_holder *holder = &why->cases[i].holders[h];

			NAME_INTO(holder->vm, name);
			NAME_INTO(holder->pod, name);
			NAME_INTO(holder->container, name);
			NAME_INTO(holder->path, name);
		}
}

static inline void names_why(struct names_pages *p, const char *name, const char *evidence)
{
	struct vs_why_subject subject = { .group = -1 };
	struct vs_evidence e;
	struct vs_why why;
	char error[200];
	FILE *files[2];

	if (vs_evidence__from_json(evidence, &e, error, sizeof(error)))
		return;
	names_evidence(&e, name);
	if (!vs_classify(&e, &subject, &why)) {
		struct vs_why_report r = { &e, &why, 0, 0, false };

		names_holders(&why, name);
		files[0] = tmpfile();
		files[1] = tmpfile();
		vs_why__print_text(fileno(files[0]), &r);
		vs_why__print_json(fileno(files[1]), &r);
		names_keep(p, "why", NAMES_TEXT, names_of_fd(files[0]));
		names_keep(p, "why --json", NAMES_JSON, names_of_fd(files[1]));
		vs_why__free(&why);
	}
	names_keep(p, "evidence", NAMES_JSON, vs_evidence__to_json(&e));
	vs_evidence__free(&e);
}

/* -- validate and inspect -- */

static inline void names_inspection(struct vs_inspection *in, char *name)
{
	static struct vs_inspection_evidence evidence;
	static struct vs_inspection_site site;
	static struct vs_inspection_call call;

	evidence = (struct vs_inspection_evidence){ { name, 0, 0, name, name }, name, name };
	site = (struct vs_inspection_site){ .place = evidence.place, .class = VS_SITE_PUT,
					    .callee = name };
	call = (struct vs_inspection_call){ .place = evidence.place, .kind = VS_REF_CALL,
					    .target = name };
	*in = (struct vs_inspection){ .path = name, .kind = VS_BINARY_MODULE, .compression = "none",
				      .has_notifier = true, .evidence = &evidence, .nr_evidence = 1,
				      .sites = &site, .nr_sites = 1, .calls = &call, .nr_calls = 1 };
	NAME_INTO(in->machine, name);
	NAME_INTO(in->release, name);
	NAME_INTO(in->build_id, name);
	NAME_INTO(in->srcversion, name);
	NAME_INTO(in->reason, name);
	NAME_INTO(in->era, name);
	NAME_INTO(in->notes[0], name);
	in->nr_notes = 1;
}

static inline void names_inspect(struct names_pages *p, char *name)
{
	struct vs_tree_row row = { .path = name, .verdict = VS_VERDICT_FIXED };
	struct vs_tree tree = { .top = name, .rows = &row, .nr = 1 };
	struct vs_gate_row difference = { VS_GATE_UNMATCHED, (char []){ "4.4.*" }, name };
	struct vs_gate gate = { .rows = &difference, .nr = 1 };
	struct vs_inspection in;
	json_t *now;
	struct vs_out o;

	names_inspection(&in, name);
	NAME_INTO(row.kernel, name);
	NAME_INTO(row.machine, name);
	NAME_INTO(row.reason, name);
	vs_out__init(&o, -1);
	vs_inspect__print_text(&o, &in, 80, false);
	names_take(p, "inspect", NAMES_TEXT, &o);
	vs_out__init(&o, -1);
	now = vs_inspect__json(&in);
	vs_json_out__put(&o, json_incref(now), JSON_INDENT(1));
	names_take(p, "inspect --json", NAMES_JSON, &o);
	vs_out__init(&o, -1);
	vs_inspect__print_tree_text(&o, &tree, 80);
	names_take(p, "inspect DIR", NAMES_TEXT, &o);
	vs_out__init(&o, -1);
	vs_json_out__put(&o, vs_inspect__tree_json(&tree), JSON_INDENT(1));
	names_take(p, "inspect --json DIR", NAMES_JSON, &o);
	vs_out__init(&o, -1);
	vs_inspect__print_gate(&o, &gate, name, name, 80);
	names_take(p, "inspect --expect", NAMES_TEXT, &o);
	vs_out__init(&o, -1);
	vs_json_out__put(&o, vs_inspect__gate_json(&gate), JSON_INDENT(1));
	names_take(p, "inspect --expect --json", NAMES_JSON, &o);
	vs_out__init(&o, -1);
	vs_inspect__print_junit(&o, now, &gate);
	names_take(p, "inspect --junit", NAMES_XML, &o);
	json_decref(now);
}

/* Makes a plan that arms no hook, because of @name. */
static inline struct vs_plan names_plan(struct vs_plan_row rows[32], const char *name)
{
	struct vs_plan plan = { .rows = rows };

	for (; vs_hooks[plan.nr_rows].name && plan.nr_rows < 32; plan.nr_rows++) {
		struct vs_plan_row *row = &rows[plan.nr_rows];

		*row = (struct vs_plan_row){ .hook = &vs_hooks[plan.nr_rows],
					     .status = VS_HOOK_MISSING };
		NAME_INTO(row->how, name);
		NAME_INTO(row->advice, name);
	}
	return plan;
}

static inline void names_validation(struct vs_validation *v, const char *name)
{
	NAME_INTO(v->identity.release, name);
	NAME_INTO(v->identity.version, name);
	NAME_INTO(v->identity.srcversion, name);
	NAME_INTO(v->identity.livepatches, name);
	NAME_INTO(v->gap, name);
	for (size_t i = 0; i < 2; i++) {
		v->said[i].kind = i ? VS_REF_LEAK : VS_PUT_IN_NOTIFIER;
		v->said[i].grade = i ? VS_GRADE_BUG : VS_GRADE_HAZARD;
		v->findings[v->said[i].kind][v->said[i].grade] = 1;
		NAME_INTO(v->said[i].words, name);
		NAME_INTO(v->said[i].group, name);
		vs_name__quote(v->said[i].task, sizeof(v->said[i].task), name, VS_COMM_LEN);
		strcpy(v->said[i].stack, "one+0x1\ntwo+0x2\n");
	}
	v->nr_said = 2;
	v->kernel = (struct vs_kernel_state){ .taint_known = true, .log_read = true, .warnings = 1 };
	NAME_INTO(v->kernel.warning[0], name);
	v->stress.mode = VS_STRESS_DRIVEN;
	NAME_INTO(v->stress.step, name);
	NAME_INTO(v->stress.said, name);
	NAME_INTO(v->stress.devices, name);
	v->stress.nr_ran = 1;
	NAME_INTO(v->stress.ran[0].name, name);
	NAME_INTO(v->stress.ran[0].last, name);
}

static inline void names_validate(struct names_pages *p, char *name)
{
	static const struct {
		const char *what;
		enum names_form form;
		vs_validate_printer *print;
	} printers[] = {
		{ "validate", NAMES_TEXT, vs_validate__text },
		{ "validate --tap", NAMES_TAP, vs_validate__tap },
		{ "validate --junit", NAMES_XML, vs_validate__junit },
		{ "validate --json", NAMES_JSON, vs_validate__json },
		{ "validate --markdown", NAMES_MARKDOWN, vs_validate__markdown },
	};
	struct vs_plan_row rows[32];
	struct vs_plan plan = names_plan(rows, name);
	struct vs_validation *v = calloc(1, sizeof(*v));
	struct vs_inspection in;
	struct vs_ruling r;

	names_inspection(&in, name);
	names_validation(v, name);
	v->inspection = &in;
	v->plan = &plan;
	vs_rule(v, &r);
	for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
		struct vs_validate_page page = { v, &r, 0, 0, false };
		struct vs_out o;

		vs_out__init(&o, -1);
		printers[i].print(&o, &page);
		names_take(p, printers[i].what, printers[i].form, &o);
	}
	free(v);
}

/* -- doctor -- */

static inline void names_doctor(struct names_pages *p, char *name)
{
	struct vs_facts facts = { .vfio_state = VS_KMOD_LOADED, .vfio_file = true,
				  .vfio = { .path = name } };
	struct vs_plan_row rows[32];
	struct vs_plan plan = names_plan(rows, name);
	struct vs_diags *checks = calloc(1, sizeof(*checks));
	struct vs_doctor_report r = { .facts = &facts, .plan = &plan, .checks = checks,
				      .tested = true, .nr_failures = 1 };
	struct vs_out o;

	NAME_INTO(facts.release, name);
	NAME_INTO(facts.machine, name);
	NAME_INTO(facts.vfio_error, name);
	NAME_INTO(r.failures[0], name);
	checks->nr = 1;
	checks->results[0] = (struct vs_diag_result){ .id = "id", .knob = "knob",
						      .status = VS_DIAG_BLOCKS };
	NAME_INTO(checks->results[0].value, name);
	NAME_INTO(checks->results[0].what, name);
	NAME_INTO(checks->results[0].remedy, name);
	NAME_INTO(checks->results[0].command, name);
	vs_out__init(&o, -1);
	vs_doctor__print_text(&o, &r, 0);
	names_take(p, "doctor", NAMES_TEXT, &o);
	vs_out__init(&o, -1);
	vs_doctor__print_json(&o, &r);
	names_take(p, "doctor --json", NAMES_JSON, &o);
	free(checks);
}

/* -- all, and what holds of all -- */

static inline void names_line(struct names_pages *p, const char *name)
{
	char *line = malloc(VS_ONE_LINE + 2);

	vs_one_line__make(line, "vfioscope why", name, name);
	strcat(line, "\n");
	names_keep(p, "an error", NAMES_TEXT, line);
}

static inline void names_say_all(struct names_pages *p, char *name, const char *evidence)
{
	p->nr = 0;
	names_stream(p, name, false, 0);
	names_stream(p, name, false, 80);
	names_stream(p, name, true, 0);
	names_latency(p, name, false);
	names_latency(p, name, true);
	names_why(p, name, evidence);
	names_inspect(p, name);
	names_validate(p, name);
	names_doctor(p, name);
	names_line(p, name);
}

static inline size_t names_count(const char *text, const char *set)
{
	size_t nr = 0;

	for (const char *c = text; *c; c++)
		nr += (set[1] || c == text || c[-1] != '\\') && strchr(set, *c) != NULL;
	return nr;
}

/* Without the blocks of code of Markdown, where every character stands for itself. */
static inline char *names_prose(const char *text)
{
	char *prose = calloc(1, strlen(text) + 1), *to = prose;

	for (size_t len; *text; text += len) {
		len = strcspn(text, "\n") + 1;
		len -= !text[len - 1];
		if (strncmp(text, "    ", 4))
			to = mempcpy(to, text, len);
	}
	return prose;
}

static inline const char *names_bad_bytes(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c != '\n' && (*c < 0x20 || *c >= 0x7f))
			return c;
	return NULL;
}

/*
 * Does the line begin with a word that the tame page has anywhere, with a blank, or with the name,
 * where a table begins with names?
 */
static inline bool names_is_ours(const char *line, const char *tame, const char *shown)
{
	size_t len = strcspn(line, " \n");
	const char *at = tame;

	if (!len || *line == '"' || !strncmp(line, shown, strcspn(shown, " ")))
		return true;
	for (; (at = memmem(at, strlen(at), line, len)); at++)
		if ((at == tame || strchr(" \n", at[-1])) && strchr(" \n", at[len]))
			return true;
	return false;
}

/* Returns what is wrong with a line that is not ours, or NULL. */
static inline const char *names_forged(const char *text, const char *tame, const char *name)
{
	static char found[200];
	char shown[64];

	vs_name__escape(shown, sizeof(shown), name, 12);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (!names_is_ours(line, tame, shown)) {
			snprintf(found, sizeof(found), "a line of its own: %.160s", line);
			return found;
		}
	return NULL;
}

static inline bool names_is_json(const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);

	json_decref(o);
	return o;
}

static inline const char *names_fault_json(const struct names_page *page, const char *tame)
{
	if (page->form == NAMES_JSON)
		return names_is_json(page->text, strlen(page->text)) ? NULL : "no JSON";
	if (names_count(page->text, "\n\n") != names_count(tame, "\n\n"))
		return "another number of lines";
	for (const char *line = page->text; *line; line += strcspn(line, "\n") + 1)
		if (!names_is_json(line, strcspn(line, "\n")))
			return "a line that is no JSON";
	return NULL;
}

static inline const char *names_fault_markup(const struct names_page *page, const char *tame)
{
	static const char *const marks[] = {
		[NAMES_XML] = "<>\"", [NAMES_MARKDOWN] = "|`<*", [NAMES_TAP] = "#",
	};

	char *prose = names_prose(page->text), *other = names_prose(tame);
	const char *fault = NULL;

	for (const char *mark = marks[page->form]; *mark; mark++) {
		char set[3] = { *mark, page->form == NAMES_MARKDOWN ? '\0' : *mark };

		if (names_count(prose, set) != names_count(other, set))
			fault = "markup of its own";
	}
	if (names_count(page->text, "\n\n") != names_count(tame, "\n\n"))
		fault = "another number of lines";
	free(prose);
	free(other);
	return fault;
}

/* What is wrong with a page, NULL: nothing. @tame: the same page about a tame name. */
static inline const char *names_fault(const struct names_page *page, const char *tame,
				      const char *name)
{
	if (names_bad_bytes(page->text))
		return "a byte that is not printable";
	if (page->form == NAMES_JSON || page->form == NAMES_NDJSON)
		return names_fault_json(page, tame);
	if (page->form != NAMES_TEXT)
		return names_fault_markup(page, tame);
	return names_forged(page->text, tame, name);
}

/* Every page about @name, against those about a tame one. The page with a fault is kept in @bad. */
static inline const char *names_try(const char *name, const char *evidence, struct names_page *bad)
{
	struct names_pages pages, tame;
	char *wild = strdup(name), *mild = strdup(name);
	const char *fault = NULL;

	memset(mild, 'x', strlen(mild));
	names_say_all(&pages, wild, evidence);
	names_say_all(&tame, mild, evidence);
	for (size_t i = 0; i < pages.nr && !fault; i++) {
		fault = names_fault(&pages.page[i], tame.page[i].text, name);
		if (!fault)
			continue;
		*bad = pages.page[i];
		bad->text = strdup(bad->text);
	}
	names_free(&pages);
	names_free(&tame);
	free(wild);
	free(mild);
	return fault;
}

#endif
