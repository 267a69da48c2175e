// SPDX-License-Identifier: GPL-2.0
#include "serve/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"

#define STALE_S 5.0

const char *vs_matter__name(enum vs_matter matter)
{
	static const char *const names[VS_MATTERS] = { "deadlock", "unbind", "blind" };

	return names[matter];
}

enum vs_matter vs_matter__named(const char *name)
{
	enum vs_matter m = 0;

	while (m < VS_MATTERS && strcmp(vs_matter__name(m), name))
		m++;
	return m;
}

static json_int_t count(const json_t *state, const char *key)
{
	return json_integer_value(json_object_get(state, key));
}

static void append_age(char *buf, size_t size, double seconds)
{
	char age[32];

	vs_words__age(age, sizeof(age), seconds > 0 ? (uint64_t)(seconds * 1e9) : 0);
	vs_words__append(buf, size, "%s", age);
}

static void append_value(char *buf, size_t size, const json_t *value)
{
	char plain[200];
	const char *text = json_string_value(value);

	vs_name__escape(plain, sizeof(plain), text ? text : "", SIZE_MAX);
	vs_words__append(buf, size, "%s", plain);
}

/* -- what is not known -- */

static void append_losses(const json_t *state, char *buf, size_t size)
{
	json_t *losses = json_object_get(state, "losses"), *value;
	const char *cause;

	json_object_foreach(losses, cause, value) {
		vs_words__append(buf, size, "%slost ", *buf ? ", " : "");
		vs_words__append(buf, size, "%" JSON_INTEGER_FORMAT " ", json_integer_value(value));
		vs_words__append(buf, size, "%s", cause);
	}
}

static void append_blind(const json_t *state, char *buf, size_t size)
{
	json_t *why;
	size_t i;

	json_array_foreach(json_object_get(state, "blind"), i, why) {
		vs_words__append(buf, size, "%sblind: ", *buf ? ", " : "");
		append_value(buf, size, why);
	}
}

static double age_of(const json_t *state, double now_s)
{
	return now_s - json_number_value(json_object_get(state, "time"));
}

/* What keeps the run from seeing now; losses are not among it, as they are over. */
static void append_now(const json_t *state, double now_s, char *buf, size_t size)
{
	json_int_t missing = count(state, "required_hooks_missing");

	if (age_of(state, now_s) > STALE_S) {
		vs_words__append(buf, size, "vfioscope hangs: its page is from ");
		append_age(buf, size, age_of(state, now_s));
		vs_words__append(buf, size, " ago");
	}
	if (!json_is_true(json_object_get(state, "up"))) {
		vs_words__append(buf, size, "%sdoes not trace: ", *buf ? ", " : "");
		append_value(buf, size, json_object_get(state, "down"));
	} else if (missing) {
		vs_words__append(buf, size, "%s%d required hook%s missing or partial", *buf ? ", " : "",
				 (int)missing, vs_plural((size_t)missing));
	}
	append_blind(state, buf, size);
}

void vs_judge__doubt(const json_t *state, double now_s, char *buf, size_t size)
{
	*buf = '\0';
	append_now(state, now_s, buf, size);
	append_losses(state, buf, size);
}

/* -- the matters -- */

static void judge_deadlock(const json_t *state, struct vs_judgement *j)
{
	json_int_t nr = count(state, "deadlocked_tasks");

	j->answer = nr ? VS_ANSWER_YES : VS_ANSWER_NO;
	if (nr)
		snprintf(j->words, sizeof(j->words), "deadlock: %d task%s for a lock %s; only a reset helps",
			 (int)nr, nr == 1 ? " waits" : "s wait", nr == 1 ? "that it holds" : "they hold");
	else
		snprintf(j->words, sizeof(j->words), "deadlock: none seen");
}

void vs_judge__wait_words(const json_t *wait, double now_s, char *buf, size_t size)
{
	json_t *holders = json_object_get(wait, "holders"), *holder;
	size_t i;

	append_value(buf, size, json_object_get(wait, "device"));
	vs_words__append(buf, size, " waits for ");
	append_age(buf, size, now_s - json_number_value(json_object_get(wait, "since")));
	vs_words__append(buf, size, json_array_size(holders) ? " for " : " for nobody that can be seen");
	json_array_foreach(holders, i, holder) {
		vs_words__append(buf, size, i ? ", " : "");
		append_value(buf, size, json_object_get(holder, "comm"));
		vs_words__append(buf, size, " (");
		append_value(buf, size, json_object_get(holder, "how"));
		vs_words__append(buf, size, ")");
	}
}

/* The longest wait comes first. */
static void judge_unbind(const json_t *state, double now_s, double older_s, struct vs_judgement *j)
{
	const json_t *wait = json_array_get(json_object_get(state, "waits"), 0);
	json_int_t nr = count(state, "unbinds_waiting");

	if (!wait || now_s - json_number_value(json_object_get(wait, "since")) < older_s) {
		j->answer = VS_ANSWER_NO;
		snprintf(j->words, sizeof(j->words), "unbind: none waits for long");
		return;
	}
	j->answer = VS_ANSWER_YES;
	snprintf(j->words, sizeof(j->words), "unbind: ");
	vs_judge__wait_words(wait, now_s, j->words, sizeof(j->words));
	if (nr > 1)
		vs_words__append(j->words, sizeof(j->words), "; %d wait in all", (int)nr);
}

static void judge_blind(const char *now, struct vs_judgement *j)
{
	j->answer = *now ? VS_ANSWER_YES : VS_ANSWER_NO;
	snprintf(j->words, sizeof(j->words), "blind: %.250s", *now ? now : "no");
}

void vs_judge__state(const json_t *state, enum vs_matter matter, double now_s, double older_s,
		     struct vs_judgement *j)
{
	char doubt[VS_JUDGE_WORDS], now[VS_JUDGE_WORDS] = "";

	vs_judge__doubt(state, now_s, doubt, sizeof(doubt));
	append_now(state, now_s, now, sizeof(now));
	if (matter == VS_MATTER_DEADLOCK)
		judge_deadlock(state, j);
	else if (matter == VS_MATTER_UNBIND)
		judge_unbind(state, now_s, older_s, j);
	else
		judge_blind(now, j);
	if (matter == VS_MATTER_BLIND || !*doubt)
		return;
	/* A deadlock does not end; a wait may have, since that page. */
	if (j->answer == VS_ANSWER_YES && (matter == VS_MATTER_DEADLOCK || age_of(state, now_s) <= STALE_S))
		return;
	j->answer = VS_ANSWER_UNKNOWN;
	snprintf(j->words, sizeof(j->words), "%s: not known: %.250s", vs_matter__name(matter), doubt);
}
