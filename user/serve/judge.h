/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the record of a running `serve` (state.h) to one answer: is this host deadlocked, does an unbind wait, is
 * the tracing blind? Pure. What was not seen is not known: a page that is old, a run that is down or that lost
 * events never says that all is well.
 */
#ifndef VFIOSCOPE_SERVE_JUDGE_H
#define VFIOSCOPE_SERVE_JUDGE_H

#include <jansson.h>
#include <stdint.h>

enum vs_matter { VS_MATTER_DEADLOCK, VS_MATTER_UNBIND, VS_MATTER_BLIND, VS_MATTERS };
enum vs_answer { VS_ANSWER_NO, VS_ANSWER_YES, VS_ANSWER_UNKNOWN };

#define VS_JUDGE_WORDS 300

struct vs_judgement {
	enum vs_answer answer;
	char words[VS_JUDGE_WORDS];	/* one line; the first 80 bytes have the matter */
};

const char *vs_matter__name(enum vs_matter matter);	/* "deadlock", "unbind", "blind" */
/* Returns VS_MATTERS for another word. */
enum vs_matter vs_matter__named(const char *name);

/* @now_s: seconds since 1970; @older_s: an unbind that waits for less is no matter. */
void vs_judge__state(const json_t *state, enum vs_matter matter, double now_s, double older_s,
		     struct vs_judgement *j);

/* Writes why the record does not show all: "" if it does. */
void vs_judge__doubt(const json_t *state, double now_s, char *buf, size_t size);

/* Writes "0000:00:05.0 waits for 8m 20s for qemu (fd), vhost (kernel)". */
void vs_judge__wait_words(const json_t *wait, double now_s, char *buf, size_t size);

#endif
