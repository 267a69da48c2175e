/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the parts that make reports of tokens: scan.c has the window of tokens, headers.c and
 * stack.c tell what begins and what belongs to a stack, messages.c what VFIO says, reports.c keeps what
 * is complete.
 */
#ifndef VFIOSCOPE_KLOG_SCAN_PRIV_H
#define VFIOSCOPE_KLOG_SCAN_PRIV_H

#include <string.h>

#include "evidence/evidence.h"
#include "klog/token.h"

#define KLOG_WINDOW 64		/* tokens that are kept */
#define KLOG_AHEAD 24		/* of them not yet handled */
#define KLOG_FRAMES 64		/* of a stack that are kept */
#define KLOG_CALLERS 32		/* whose lines may be mixed, by printk's caller ids */
#define KLOG_NAME 32
#define KLOG_STALLED 8	/* CPUs of one stall */
#define KLOG_UNENDED 8		/* reports that may be printed at the same time */

struct klog_frame {
	char text[VS_SITE_LEN];
	unsigned int flags;	/* KLOG_FN_... of its function */
	bool loose;		/* "? " */
};

#define KLOG_AFTER_STAMP 8
#define KLOG_AFTER_SYSLOG 16	/* "kernel:" */

/* A report of one task that is being read. */
struct klog_report {
	bool open, ended, proc_style, told_top, mixed;
	bool plain;		/* its frames have no lengths of functions */
	bool traced;		/* "Call Trace:" came */
	struct vs_ev_logged about;	/* times are those of its first token */
	char name[KLOG_NAME];
	uint32_t tid;
	char state;		/* '\0': not known */
	unsigned int style;	/* what stands before its frames; 0: not known yet */
	int row_style;		/* the same before its row of a table: KLOG_AFTER_..., 0; -1: there is none */
	unsigned int kept;	/* frames of the exception itself */
	uint64_t last_at;	/* token of the last frame */
	unsigned int nr, left_out;
	struct klog_frame frames[KLOG_FRAMES];
};

/* Lines of one caller of printk(); all of them where there are no ids. */
struct klog_caller {
	uint32_t id;
	uint64_t used;
	enum vs_ev_told pending;	/* of the stack that is to come */
	bool pending_hard;
	char words[100];
	struct klog_report report;
	/* The latest reports whose stack had no end, then the latest of all; index + 1, or 0. */
	size_t unended[KLOG_UNENDED], last;
	unsigned int nr_unended;
};

struct klog_table;

/* It keeps the first characters and lengths of known words: most tokens of a log are none of them. */
struct klog_index {
	uint64_t lengths[256];
};

static inline void klog_index__add(struct klog_index *x, const char *word)
{
	x->lengths[(unsigned char)word[0]] |= 1ull << strlen(word);
}

static inline bool klog_index__may_have(const struct klog_index *x, const struct klog_token *t)
{
	return t->len < 64 && x->lengths[(unsigned char)t->text[0]] >> t->len & 1;
}

struct klog_scan {
	bool of_kernel;		/* some line is one of a kernel: it has its clock, or follows "kernel:" */
	struct klog_index index;
	struct klog_token window[KLOG_WINDOW];
	uint64_t head, at;	/* tokens that came; the one that is handled */
	char when[KLOG_WHEN_LEN];
	char whens[KLOG_WINDOW][KLOG_WHEN_LEN];
	uint64_t time_ns;	/* of the last stamp */
	uint64_t highest_ns;	/* in this boot */
	uint32_t boot;
	uint64_t stalled_until;	/* a stall was reported: up to this token CPUs that print are its reason */
	unsigned int stalled[KLOG_STALLED], nr_stalled;	/* CPUs that it names */
	bool stalled_last;	/* no other report began since */
	bool text_before;	/* the text began with something else than a stack */
	char release[64];
	struct klog_caller callers[KLOG_CALLERS];
	struct klog_caller *c;	/* whose token it is */
	struct klog_table *table;
};

/* -- scan.c -- */

extern const struct klog_token klog_no_token;	/* an empty word */

/* Returns the token @n after the one that is handled, or before it; an empty word if there is none. */
static inline const struct klog_token *klog_token__at(const struct klog_scan *s, int n)
{
	uint64_t at = s->at + (uint64_t)(int64_t)n;

	if (at >= s->head || at + KLOG_WINDOW < s->head || (n < 0 && s->at < (uint64_t)-n))
		return &klog_no_token;
	return &s->window[at % KLOG_WINDOW];
}

/* Returns "" for stamps and addresses. */
static inline const char *klog_word__at(const struct klog_scan *s, int n)
{
	const struct klog_token *t = klog_token__at(s, n);

	return t->kind == KLOG_WORD ? t->text : "";
}

static inline bool klog_begins(const char *text, const char *with)
{
	return *text == *with && !strncmp(text, with, strlen(with));
}

static inline bool klog_word__is(const struct klog_scan *s, int n, const char *word)
{
	const char *text = klog_word__at(s, n);

	return *text == *word && !strcmp(text, word);
}

/* A stamp, or the end of one of `dmesg -T` that was broken over two lines: "2014]". */
static inline bool klog_token__is_stamp(const struct klog_token *t)
{
	return t->kind == KLOG_STAMP || (t->kind == KLOG_WORD && t->len == 5 && t->text[4] == ']' &&
					 strspn(t->text, "0123456789") == 4);
}

bool klog_number(const char *text, uint32_t *value);	/* digits, and maybe ".,:;)]" after them */

/* -- headers.c: true when the token is part of one; its stack follows -- */
bool klog_headers__take(struct klog_scan *s);
void klog_headers__index(struct klog_index *x);

/* -- stack.c -- */

void klog_report__begin(struct klog_scan *s, enum vs_ev_told told, const char *name, uint32_t tid);
void klog_report__close(struct klog_scan *s, struct klog_caller *c);
void klog_report__cut(struct klog_scan *s);	/* the rest of the stack was left out of the text */
bool klog_stack__take(struct klog_scan *s);	/* a frame, or what stands around frames */
void klog_stack__index(struct klog_index *x);

/* -- messages.c -- */
bool klog_messages__take(struct klog_scan *s);
void klog_messages__index(struct klog_index *x);

/* -- reports.c: bounded tables -- */

struct klog_table *klog_table__new(void);
void klog_table__free(struct klog_table *t);

/* Adds a complete report. Returns its index in the table + 1, or 0 if it was not kept. */
size_t klog_table__add(struct klog_table *t, const struct klog_report *r);
void klog_table__tear(struct klog_table *t, size_t index);	/* it was mixed with another */

/* "INFO: task A:1 is blocked on a mutex likely owned by task B:2." */
void klog_table__own(struct klog_table *t, const char *name, uint32_t tid, const char *owner,
		     uint32_t owner_tid, bool reads);
void klog_table__say(struct klog_table *t, const struct vs_ev_message *m);

/* Adds all of it to @e, and finds the owners of locks. Returns 0 or -ENOMEM. */
int klog_table__give(const struct klog_table *t, struct vs_evidence *e);

#endif
