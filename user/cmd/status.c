// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/plural.h"
#include "base/words.h"
#include "cmd/commands.h"
#include "serve/ask.h"
#include "serve/judge.h"
#include "serve/listen.h"
#include "vfio/fix.h"
#include "sink/json_out.h"

#define PATIENCE_NS 1000000000ull
#define OLDER_NS 300000000000ull

enum style { PLAIN, NPD, NAGIOS, STYLES };

struct status_options {
	const char *socket;
	const char *matter;
	const char *style;
	uint64_t older;
	bool json;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_status, status, words, what);
}

static enum style style_named(const char *name)
{
	static const char *const names[STYLES] = { "plain", "npd", "nagios" };
	enum style s = PLAIN;

	while (s < STYLES && name && strcmp(names[s], name))
		s++;
	return s;
}

/* -- exit statuses -- */

/* node-problem-detector: 0 the condition is false, 1 true, else unknown. Nagios: 1 warning, 2 critical, 3 unknown. */
static int exit_status(enum style style, enum vs_matter matter, enum vs_answer answer)
{
	static const int yes[VS_MATTERS] = {
		[VS_MATTER_DEADLOCK] = VS_EXIT_BUG, [VS_MATTER_UNBIND] = VS_EXIT_WAITS,
		[VS_MATTER_BLIND] = VS_EXIT_INCONCLUSIVE,
	};

	if (answer == VS_ANSWER_NO)
		return VS_EXIT_OK;
	if (style == NPD)
		return answer == VS_ANSWER_YES ? 1 : 2;
	if (style == NAGIOS)
		return answer == VS_ANSWER_UNKNOWN ? 3 : matter == VS_MATTER_DEADLOCK ? 2 : 1;
	return answer == VS_ANSWER_YES ? yes[matter] : VS_EXIT_INCONCLUSIVE;
}

/* Monitoring reads stdout only, so there a failure to ask is an answer, too. */
static int cannot_ask(enum style style, const char *socket, int err)
{
	const char *words = err == ENOENT || err == ECONNREFUSED ? "no vfioscope serve answers there" :
			    err == EACCES ? "this user may not ask: see the group of the socket" : strerror(err);

	if (style == PLAIN)
		return fail(VS_EXIT_FAILURE, socket, words);
	printf("unknown: %s\n", words);
	return exit_status(style, VS_MATTER_BLIND, VS_ANSWER_UNKNOWN);
}

/* -- for people -- */

static json_int_t number(const json_t *state, const char *key)
{
	return json_integer_value(json_object_get(state, key));
}

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

static void put_waits(struct vs_out *o, const json_t *state, double now)
{
	json_t *wait;
	size_t i;

	vs_out__printf(o, "unbinds     %lld wait%s\n", number(state, "unbinds_waiting"),
		       number(state, "unbinds_waiting") == 1 ? "s" : "");
	json_array_foreach(json_object_get(state, "waits"), i, wait) {
		char words[VS_JUDGE_WORDS] = "";

		vs_judge__wait_words(wait, now, words, sizeof(words));
		vs_out__printf(o, "            %s\n", words);
	}
}

/* "3 device, 2 file"; only what there is. */
static void put_counts(struct vs_out *o, const char *what, const json_t *counts)
{
	const char *name;
	json_t *value;
	bool any = false;

	vs_out__printf(o, "%-11s", what);
	json_object_foreach((json_t *)counts, name, value) {
		if (!json_integer_value(value))
			continue;
		vs_out__printf(o, "%s %lld %s", any ? "," : "", json_integer_value(value), name);
		any = true;
	}
	if (!any)
		vs_out__puts(o, " none");
	vs_out__puts(o, "\n");
}

static void put_findings(struct vs_out *o, const json_t *state, double now)
{
	json_t *all = json_object_get(state, "findings"), *one;
	size_t i;

	vs_out__printf(o, "findings    %s\n", json_array_size(all) ? "the last ones:" : "none");
	json_array_foreach(all, i, one) {
		double ago = now - json_number_value(json_object_get(one, "time"));
		char age[32];

		vs_words__age(age, sizeof(age), ago > 0 ? (uint64_t)(ago * 1e9) : 0);
		vs_out__printf(o, "            %s ago: %s %s: %s\n", age, text(one, "grade"), text(one, "name"),
			       text(one, "words"));
	}
}

static void put_page(struct vs_out *o, const json_t *state, double now)
{
	json_int_t stuck = number(state, "deadlocked_tasks"), probes = number(state, "probes");
	char doubt[VS_JUDGE_WORDS];

	vs_judge__doubt(state, now, doubt, sizeof(doubt));
	vs_out__printf(o, "vfioscope %s on %s: %lld probe%s\n", text(state, "version"), text(state, "kernel"),
		       probes, vs_plural((uint64_t)probes));
	vs_out__printf(o, "the fix     %s\n", vs_fix__words(vs_fix__named(text(state, "fix"))));
	vs_out__printf(o, "deadlocks   %lld task%s\n", stuck, vs_plural((uint64_t)stuck));
	put_waits(o, state, now);
	put_counts(o, "groups", json_object_get(state, "groups"));
	put_counts(o, "references", json_object_get(state, "references"));
	vs_out__printf(o, "deferred    %lld waiting, %lld lost\n", number(state, "deferred_puts_waiting"),
		       number(state, "deferred_puts_lost"));
	vs_out__printf(o, "not seen    %s\n", *doubt ? doubt : "nothing");
	put_findings(o, state, now);
}

/* The worst first, as every verb has it. */
static int page_status(const json_t *state, double now, double older)
{
	struct vs_judgement j;

	if (number(state, "bugs"))
		return VS_EXIT_BUG;
	if (!json_is_true(json_object_get(state, "up")))
		return VS_EXIT_UNAVAILABLE;
	vs_judge__state(state, VS_MATTER_UNBIND, now, older, &j);
	return exit_status(PLAIN, VS_MATTER_UNBIND, j.answer);
}

/* -- both -- */

static int answer_matter(const struct status_options *opts, const json_t *state, double now)
{
	enum vs_matter matter = vs_matter__named(opts->matter);
	struct vs_judgement j;

	vs_judge__state(state, matter, now, opts->older / 1e9, &j);
	printf("%s\n", j.words);
	return exit_status(style_named(opts->style), matter, j.answer);
}

static int answer(const struct status_options *opts, json_t *state, double now)
{
	int status = page_status(state, now, opts->older / 1e9);
	struct vs_out o;

	vs_out__init(&o, STDOUT_FILENO);
	if (opts->json)
		vs_json_out__put(&o, json_incref(state), JSON_INDENT(2));
	else
		put_page(&o, state, now);
	status = vs_command__written(&vs_cmd_status, status, vs_out__flush(&o));
	vs_out__fini(&o);
	return status;
}

static int ask(const struct status_options *opts)
{
	char *body = vs_ask__get(opts->socket, "/status.json", PATIENCE_NS);
	json_t *state = body ? json_loads(body, 0, NULL) : NULL;
	double now = vs_host__wall_ns() / 1e9;
	int status;

	if (!state)
		status = cannot_ask(style_named(opts->style), opts->socket, body ? EPROTO : errno);
	else
		status = opts->matter ? answer_matter(opts, state, now) : answer(opts, state, now);
	json_decref(state);
	free(body);
	return status;
}

/* -- options -- */

static const struct vs_opt status_opts[] = {
	{ "json", 'j', VS_OPT_FLAG, NULL, "the record of serve as it is (docs/fleet.md)",
	  offsetof(struct status_options, json), 0, 0, NULL, 0 },
	{ "for", 'f', VS_OPT_TEXT, "MATTER", "one line, and a status: deadlock, unbind or blind",
	  offsetof(struct status_options, matter), 0, 0, NULL, 0 },
	{ "exit-style", 0, VS_OPT_TEXT, "STYLE", "plain, npd or nagios, with --for",
	  offsetof(struct status_options, style), 0, 0, NULL, 0 },
	{ "older", 'a', VS_OPT_DURATION, "TIME", "an unbind may wait this long (5m)",
	  offsetof(struct status_options, older), 1000000, 1000 * 3600000000000ull, NULL, 0 },
	{ "socket", 0, VS_OPT_TEXT, "PATH", "ask there (" VS_LISTEN_UNIX ")",
	  offsetof(struct status_options, socket), 0, 0, NULL, 0 },
	{ .name = NULL },
};

static int check(const struct status_options *opts)
{
	if (opts->matter && vs_matter__named(opts->matter) == VS_MATTERS)
		return fail(VS_EXIT_USAGE, opts->matter, "--for knows deadlock, unbind and blind");
	if (style_named(opts->style) == STYLES)
		return fail(VS_EXIT_USAGE, opts->style, "--exit-style knows plain, npd and nagios");
	if (opts->style && !opts->matter)
		return fail(VS_EXIT_USAGE, "--exit-style needs --for", NULL);
	if (opts->json && opts->matter)
		return fail(VS_EXIT_USAGE, "either --json or --for", NULL);
	return VS_EXIT_OK;
}

static int cmd_status(int argc, char **argv)
{
	struct status_options opts = { .socket = VS_LISTEN_UNIX, .older = OLDER_NS };
	int first = vs_opts__parse(&vs_cmd_status, argc, argv, &opts), status;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope status --help", NULL);
	status = check(&opts);
	return status ? status : ask(&opts);
}

const struct vs_command vs_cmd_status = {
	.name = "status",
	.summary = "what a running serve knows; answers on a host that hangs",
	.operands = "",
	.opts = status_opts,
	.epilogue =
		"examples\n"
		"  vfioscope status\n"
		"  vfioscope status --for deadlock --exit-style npd\n"
		"npd: 0 no, 1 yes, 2 not known. nagios: 0 no, 1 warning, 2 critical, 3 not known.\n",
	.run = cmd_status,
};
