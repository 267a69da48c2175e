// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "klog/klog.h"
#include "klog/scan_priv.h"

struct vs_klog {
	struct klog_lines *lines;
	struct klog_scan scan;
};

const struct klog_token klog_no_token;

bool klog_number(const char *text, uint32_t *value)
{
	uint64_t number = 0;
	size_t digits = 0;

	for (; isdigit((unsigned char)text[digits]) && digits <= 10; digits++)
		number = number * 10 + (uint64_t)(text[digits] - '0');
	if (!digits || digits > 10 || text[digits + strspn(text + digits, ".,:;)]!\"'")])
		return false;
	*value = (uint32_t)number;
	return number <= UINT32_MAX;
}

/* -- whose line it is -- */

static struct klog_caller *caller_of(struct klog_scan *s, uint32_t id)
{
	struct klog_caller *oldest = &s->callers[1];

	if (!id)
		return &s->callers[0];
	for (size_t i = 1; i < KLOG_CALLERS; i++) {
		if (s->callers[i].id == id)
			return &s->callers[i];
		if (s->callers[i].used < oldest->used)
			oldest = &s->callers[i];
	}
	klog_report__close(s, oldest);
	memset(oldest, 0, sizeof(*oldest));
	oldest->id = id;
	return oldest;
}

static void take_stamp(struct klog_scan *s, const struct klog_token *t)
{
	s->c = caller_of(s, t->caller);
	s->c->used = s->at + 1;
	s->of_kernel = true;
	if (t->time_ns == UINT64_MAX)
		return;
	s->time_ns = t->time_ns;
	if (s->highest_ns == UINT64_MAX || t->time_ns > s->highest_ns)
		s->highest_ns = t->time_ns;
}

/* syslog has no clock of the boot: "kernel: Linux version 6.1.0-26-amd64 (debian-kernel@...) (gcc-12 ..." */
static bool is_banner_without_clock(const struct klog_scan *s)
{
	const struct klog_token *before = klog_token__at(s, -2);

	return s->time_ns == UINT64_MAX && klog_word__at(s, 2)[0] == '(' &&
	       (klog_token__is_stamp(before) || !strcmp(klog_word__at(s, -2), "kernel:"));
}

/* "Linux version 6.1.0 ..." begins another boot if the clock of the lines so far was ahead. */
static void take_boot(struct klog_scan *s)
{
	if (klog_token__at(s, 0)->len != 7 || strcmp(klog_word__at(s, 0), "version") ||
	    strcmp(klog_word__at(s, -1), "Linux"))
		return;
	if (s->highest_ns != UINT64_MAX && s->time_ns != UINT64_MAX && s->highest_ns > s->time_ns) {
		s->boot++;
		s->highest_ns = s->time_ns;
	} else if (is_banner_without_clock(s)) {
		s->boot++;
	}
	snprintf(s->release, sizeof(s->release), "%.63s", klog_word__at(s, 1));
}

static void handle(struct klog_scan *s)
{
	const struct klog_token *t = klog_token__at(s, 0);

	if (t->first)
		memcpy(s->when, s->whens[s->at % KLOG_WINDOW], sizeof(s->when));
	if (t->kind == KLOG_STAMP) {
		take_stamp(s, t);
		return;
	}
	if (klog_stack__take(s))
		return;
	if (t->kind == KLOG_ADDRESS)
		return;
	s->text_before = true;
	s->of_kernel |= klog_word__is(s, 0, "kernel:");
	take_boot(s);
	if (!klog_headers__take(s))
		klog_messages__take(s);
}

static void take(void *ctx, const struct klog_token *t, const char *when)
{
	struct klog_scan *s = ctx;

	memcpy(&s->window[s->head % KLOG_WINDOW], t, offsetof(struct klog_token, text) + t->len + 1);
	s->whens[s->head % KLOG_WINDOW][0] = '\0';
	if (when[0])
		memcpy(s->whens[s->head % KLOG_WINDOW], when, KLOG_WHEN_LEN);
	s->head++;
	if (s->head - s->at > KLOG_AHEAD) {
		handle(s);
		s->at++;
	}
}

/* -- one text -- */

static void begin_text(struct klog_scan *s)
{
	s->time_ns = UINT64_MAX;
	s->highest_ns = UINT64_MAX;
	s->text_before = false;
	s->release[0] = '\0';
	s->c = &s->callers[0];
}

struct vs_klog *vs_klog__new(void)
{
	struct vs_klog *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->lines = klog_lines__new(take, &k->scan);
	k->scan.table = klog_table__new();
	klog_stack__index(&k->scan.index);
	klog_headers__index(&k->scan.index);
	klog_messages__index(&k->scan.index);
	begin_text(&k->scan);
	if (k->lines && k->scan.table)
		return k;
	vs_klog__free(k);
	errno = ENOMEM;
	return NULL;
}

void vs_klog__free(struct vs_klog *k)
{
	if (!k)
		return;
	klog_lines__free(k->lines);
	klog_table__free(k->scan.table);
	free(k);
}

void vs_klog__feed(struct vs_klog *k, const char *text, size_t len)
{
	klog_lines__feed(k->lines, text, len);
}

void vs_klog__end(struct vs_klog *k)
{
	struct klog_scan *s = &k->scan;

	klog_lines__end(k->lines);
	for (; s->at < s->head; s->at++)
		handle(s);
	for (size_t i = 0; i < KLOG_CALLERS; i++) {
		klog_report__close(s, &s->callers[i]);
		memset(&s->callers[i], 0, sizeof(s->callers[i]));
	}
	s->boot++;
	begin_text(s);
}

/* "level,sequence,microseconds,flags[,caller=T123];words", then lines of a dictionary. Nothing ends the record. */
void vs_klog__feed_kmsg(struct vs_klog *k, const char *record, size_t len)
{
	const char *end = memchr(record, '\n', len), *comma = memchr(record, ',', len);

	if (!comma || comma != record + 1 || record[0] > '7')	/* of another facility: user space wrote it */
		return;
	vs_klog__feed(k, record, end ? (size_t)(end - record) : len);
	vs_klog__feed(k, "\n", 1);
}

int vs_klog__evidence(const struct vs_klog *k, struct vs_evidence *e)
{
	e->log_lines += klog_lines__count(k->lines);
	if (k->scan.release[0] && !e->release[0])
		snprintf(e->release, sizeof(e->release), "%s", k->scan.release);
	e->log_of_kernel |= k->scan.of_kernel;
	return klog_table__give(k->scan.table, e);
}
