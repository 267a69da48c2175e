/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns lines of text into tokens. It removes quote marks, terminal colours, JSON around a message and
 * entities of HTML; timestamps and addresses in brackets are separate tokens. The place of a line break
 * has little meaning, because mail programs break lines anywhere.
 */
#ifndef VFIOSCOPE_KLOG_TOKEN_H
#define VFIOSCOPE_KLOG_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KLOG_TOKEN_LEN 120	/* longer ones are cut: no symbol of the kernel is */
#define KLOG_WHEN_LEN 40

enum klog_token_kind {
	KLOG_WORD,
	KLOG_STAMP,	/* "[  123.456789]" */
	KLOG_ADDRESS,	/* "[<ffffffff810a97f7>]", "[c000003c4588bd10]" */
};

struct klog_token {
	enum klog_token_kind kind;
	bool first;		/* of its line */
	bool plus, slash, paren; /* the text has such a character */
	unsigned int len;
	uint64_t time_ns;	/* of a stamp; UINT64_MAX: it has none */
	uint32_t caller;	/* of a stamp: printk's caller id, 0: none. CPUs have the highest bit. */
	char text[KLOG_TOKEN_LEN];
};

struct klog_lines;

/* Called for each token; @when: the date that the line begins with, "" if none. */
typedef void (*klog_token_fn)(void *ctx, const struct klog_token *token, const char *when);

struct klog_lines *klog_lines__new(klog_token_fn take, void *ctx);	/* NULL without memory */
void klog_lines__free(struct klog_lines *l);
void klog_lines__feed(struct klog_lines *l, const char *text, size_t len);
void klog_lines__end(struct klog_lines *l);	/* the last line may lack its end */
size_t klog_lines__count(const struct klog_lines *l);

#endif
