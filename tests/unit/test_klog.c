// SPDX-License-Identifier: GPL-2.0
/* Verdicts on texts of kernel logs, as they came and as mail programs, terminals and CPUs leave them. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "klog/klog.h"
#include "sink/words.h"
#include "why/classify.h"

static struct vs_evidence evidence;
static struct vs_why why;

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(getdelim(&text, &room, '\0', file) > 0);
	fclose(file);
	return text;
}

static char *read_log(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "tests/klog/%s.log", name);
	return read_file(path);
}

static void forget(void)
{
	vs_why__free(&why);
	vs_evidence__free(&evidence);
}

/* In pieces of @piece bytes; 0: at once. */
static void explain(const char *text, size_t piece)
{
	struct vs_why_subject subject = { NULL, -1, 0 };
	struct vs_klog *k = vs_klog__new();
	size_t len = strlen(text), part;

	forget();
	assert_non_null(k);
	for (size_t at = 0; at < len; at += part) {
		part = piece && piece < len - at ? piece : len - at;
		vs_klog__feed(k, text + at, part);
	}
	vs_klog__end(k);
	evidence.from_log = evidence.weaker = evidence.has_vfio = true;
	assert_int_equal(vs_klog__evidence(k, &evidence), 0);
	vs_klog__free(k);
	assert_int_equal(vs_classify(&evidence, &subject, &why), 0);
	assert_true(why.nr_cases);
}

static int teardown(void **state)
{
	(void)state;
	forget();
	return 0;
}

/* One line for all that a reader acts upon. */
static const char *summary(void)
{
	static char buf[400];
	const struct vs_why_case *c = &why.cases[0];

	snprintf(buf, sizeof(buf), "%zu %s %s %u %s ", why.nr_cases, vs_why_verdict__name(c->verdict),
		 c->reboot == VS_REBOOT_YES ? "yes" : c->reboot ? "?" : "no", c->task ? c->task->tid : 0,
		 c->device[0] ? c->device : "-");
	for (size_t i = 0; i < c->nr_victims; i++)
		vs_words__append(buf, sizeof(buf), "%s%u/%u", i ? "," : "", c->victims[i].task->tid,
				 c->victims[i].depth);
	if (!c->nr_victims)
		vs_words__append(buf, sizeof(buf), "-");
	return buf;
}

/* -- what becomes of texts on their way -- */

/* As `fmt` fills paragraphs: lines are joined, and broken before column 72. */
static char *fill(const char *text)
{
	char *out = calloc(2, strlen(text) + 2), *to = out;
	size_t column = 0;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, " \t\n");

		if (p[0] == '\n' && p[1] == '\n') {
			*to++ = '\n';
			*to++ = '\n';
			column = 0;
		}
		if (len) {
			if (column && column + 1 + len > 72) {
				*to++ = '\n';
				column = 0;
			} else if (column) {
				*to++ = ' ';
				column++;
			}
			memcpy(to, p, len);
			to += len;
			column += len;
		}
		p += len + (p[len] ? 1 : 0);
	}
	return out;
}

/* As mail programs do: only what is too long is broken. */
static char *wrap(const char *text)
{
	char *out = calloc(2, strlen(text) + 2), *to = out;
	size_t column = 0;

	for (const char *p = text; *p; p++) {
		size_t word = strcspn(p + 1, " \n");

		if (*p == ' ' && column && column + 1 + word > 72) {
			*to++ = '\n';
			column = 0;
			continue;
		}
		*to++ = *p;
		column = *p == '\n' ? 0 : column + 1;
	}
	return out;
}

static char *before_each_line(const char *text, const char *prefix)
{
	size_t lines = 2;
	char *out, *to;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	out = calloc(1, strlen(text) + lines * strlen(prefix) + 1);
	to = out;
	while (*text) {
		size_t len = strcspn(text, "\n");

		to += sprintf(to, "%s%.*s%s", prefix, (int)len, text, text[len] ? "\n" : "");
		text += len + (text[len] ? 1 : 0);
	}
	return out;
}

static char *quote(const char *text)
{
	return before_each_line(text, "> ");
}

static char *quote_twice_and_wrap(const char *text)
{
	char *once = wrap(text), *out = before_each_line(once, ">> ");

	free(once);
	return out;
}

static char *as_journal(const char *text)
{
	return before_each_line(text, "Nov 30 09:28:18 host kernel: ");
}

static char *as_rsyslog(const char *text)
{
	return before_each_line(text, "2026-06-16T16:06:02.098191+02:00 host kernel: ");
}

static char *with_returns(const char *text)
{
	char *out = calloc(2, strlen(text) + 1), *to = out;

	for (; *text; text++) {
		if (*text == '\n')
			*to++ = '\r';
		*to++ = *text;
	}
	return out;
}

static char *as_html(const char *text)
{
	char *out = calloc(5, strlen(text) + 1), *to = out;

	for (; *text; text++) {
		if (*text == '<' || *text == '>')
			to = stpcpy(to, *text == '<' ? "&lt;" : "&gt;");
		else
			*to++ = *text;
	}
	return out;
}

static char *as_json(const char *text)
{
	char *out = calloc(8, strlen(text) + 400), *to = out;
	bool begin = true;

	for (; *text; text++) {
		if (begin)
			to = stpcpy(to, "{\"__REALTIME_TIMESTAMP\":\"1796030898000000\",\"PRIORITY\":\"4\",\"MESSAGE\":\"");
		begin = *text == '\n';
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		if (*text == '\n')
			to = stpcpy(to, "\",\"_TRANSPORT\":\"kernel\"}\n");
		else if (*text == '\t')
			to = stpcpy(to, "\\t");
		else
			*to++ = *text;
		out = realloc(out, (size_t)(to - out) + 8 * strlen(text) + 400 + 200);
		to = out + strlen(out);
		memset(to, 0, 300);
	}
	return out;
}

static const struct {
	const char *name;
	char *(*make)(const char *text);
} ways[] = {
	{ "filled", fill },
	{ "wrapped", wrap },
	{ "quoted", quote },
	{ "quoted twice and wrapped", quote_twice_and_wrap },
	{ "journalctl", as_journal },
	{ "rsyslog", as_rsyslog },
	{ "carriage returns", with_returns },
	{ "HTML", as_html },
};

/* -- the texts -- */

static void each_expected(void (*run)(const char *name, const char *expected))
{
	char *text = read_file("tests/klog/expected"), *save = NULL;
	size_t nr = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *space = strchr(line, ' ');

		if (*line == '#' || !space)
			continue;
		*space = '\0';
		run(line, space + 1);
		nr++;
	}
	free(text);
	assert_true(nr >= 22);
}

static unsigned int wrong;

static void compare(const char *name, const char *how, const char *expected)
{
	if (!strcmp(summary(), expected))
		return;
	print_error("%s, %s: %s, expected %s\n", name, how, summary(), expected);
	wrong++;
}

static void as_it_came_one(const char *name, const char *expected)
{
	char *text = read_log(name);

	explain(text, 0);
	compare(name, "as it came", expected);
	free(text);
}

static void as_it_came(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(as_it_came_one);
	assert_int_equal(wrong, 0);
}

static void in_pieces_one(const char *name, const char *expected)
{
	char *text = read_log(name);

	for (size_t piece = 1; piece < 100; piece += 13) {
		explain(text, piece);
		compare(name, "in pieces", expected);
	}
	free(text);
}

static void in_pieces(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(in_pieces_one);
	assert_int_equal(wrong, 0);
}

static void on_all_ways_one(const char *name, const char *expected)
{
	char *text = read_log(name);

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char *changed = ways[i].make(text);

		explain(changed, 0);
		compare(name, ways[i].name, expected);
		free(changed);
	}
	free(text);
}

static void on_all_ways(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(on_all_ways_one);
	assert_int_equal(wrong, 0);
}

static void as_json_one(const char *name, const char *expected)
{
	char *text = read_log(name), *changed = as_json(text);

	explain(changed, 0);
	compare(name, "JSON", expected);
	free(changed);
	free(text);
}

static void as_json_lines(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(as_json_one);
	assert_int_equal(wrong, 0);
}

/* -- what is cut off is not guessed -- */

static bool cannot_be_told(enum vs_why_verdict v)
{
	return v == VS_WHY_NOT_SHOWN || v == VS_WHY_COLLATERAL || v == VS_WHY_UNEXPLAINED;
}

/* The verdict is the one of the whole text, or none is given. */
static void never_wrong(const char *name, const char *how, const char *expected)
{
	char verdict[40];

	assert_int_equal(sscanf(expected, "%*s %39s", verdict), 1);
	for (size_t i = 0; i < why.nr_cases; i++) {
		const struct vs_why_case *c = &why.cases[i];

		if (cannot_be_told(c->verdict) || !strcmp(vs_why_verdict__name(c->verdict), verdict))
			continue;
		print_error("%s, %s: %s, expected %s or nothing\n", name, how, summary(), verdict);
		wrong++;
	}
}

static void cut_at_each_line_one(const char *name, const char *expected)
{
	char *text = read_log(name), how[40];

	for (size_t at = 0; text[at]; at += strcspn(text + at, "\n") + (text[at + strcspn(text + at, "\n")] ? 1 : 0)) {
		char saved = text[at];

		snprintf(how, sizeof(how), "from byte %zu on", at);
		explain(text + at, 0);
		never_wrong(name, how, expected);
		text[at] = '\0';
		snprintf(how, sizeof(how), "up to byte %zu", at);
		explain(text, 0);
		never_wrong(name, how, expected);
		text[at] = saved;
	}
	free(text);
}

static void cut_at_each_line(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(cut_at_each_line_one);
	assert_int_equal(wrong, 0);
}

/* Two texts printed at the same time, line by line, in runs that a seed chooses. */
static char *mix(const char *a, const char *b, unsigned int seed)
{
	char *out = calloc(1, strlen(a) + strlen(b) + 4), *to = out;

	while (*a || *b) {
		const char **from = (*a && (rand_r(&seed) & 1)) || !*b ? &a : &b;
		size_t len = strcspn(*from, "\n");

		to += sprintf(to, "%.*s\n", (int)len, *from);
		*from += len + ((*from)[len] ? 1 : 0);
	}
	return out;
}

static const char *mix_with[] = { "hung-owner-arm64", "sysrq-w-3.x", "hung-ppc64", "warn-arm64" };

static void mixed_one(const char *name, const char *expected)
{
	char *text = read_log(name), how[60];

	for (size_t i = 0; i < sizeof(mix_with) / sizeof(mix_with[0]); i++) {
		char *other = read_log(mix_with[i]);

		for (unsigned int seed = 1; seed <= 20; seed++) {
			char *mixed = mix(text, other, seed);

			snprintf(how, sizeof(how), "mixed with %s, seed %u", mix_with[i], seed);
			explain(mixed, 0);
			never_wrong(name, how, expected);
			free(mixed);
		}
		free(other);
	}
	free(text);
}

static void mixed(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(mixed_one);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(as_it_came, teardown),
		cmocka_unit_test_teardown(in_pieces, teardown),
		cmocka_unit_test_teardown(on_all_ways, teardown),
		cmocka_unit_test_teardown(as_json_lines, teardown),
		cmocka_unit_test_teardown(cut_at_each_line, teardown),
		cmocka_unit_test_teardown(mixed, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
