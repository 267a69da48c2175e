// SPDX-License-Identifier: GPL-2.0
/* Reads frames in the forms of all architectures and tools, and finds where stacks begin and end. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "klog/functions.h"
#include "klog/scan_priv.h"

/* -- reports -- */

static bool is_of_sleeper(const struct klog_report *r)
{
	return r->about.told == VS_TOLD_HUNG || (r->about.told == VS_TOLD_STATE && r->state == 'D');
}

/* If two tasks are named before any frame comes, nothing tells whose the frames are. */
void klog_report__begin(struct klog_scan *s, enum vs_ev_told told, const char *name, uint32_t tid)
{
	struct klog_report *r = &s->c->report;
	bool stackless = r->open && !r->nr && is_of_sleeper(r) && r->tid != tid;

	klog_report__close(s, s->c);
	s->stalled_last = false;
	r->open = true;
	r->ended = r->proc_style = r->told_top = r->plain = r->traced = false;
	r->mixed = stackless;
	r->nr = r->kept = r->left_out = r->style = 0;
	r->row_style = -1;
	r->state = '\0';
	r->tid = tid;
	snprintf(r->name, sizeof(r->name), "%s", name);
	memset(&r->about, 0, sizeof(r->about));
	r->about.told = told;
	r->about.cpu = -1;
	r->about.boot = s->boot;
	r->about.first_ns = r->about.last_ns = s->time_ns;
	r->about.hung_ns = VS_EV_UNKNOWN;
	memcpy(r->about.when, s->when, sizeof(r->about.when));
	memcpy(r->about.release, s->release, sizeof(r->about.release));
}

void klog_report__close(struct klog_scan *s, struct klog_caller *c)
{
	struct klog_report *r = &c->report;

	if (!r->open)
		return;
	r->open = false;
	c->last = klog_table__add(s->table, r);
	if (!r->ended && c->last)
		c->unended[c->nr_unended++ % KLOG_UNENDED] = c->last;
}

/*
 * Frames follow the end of a stack without a header: two reports were printed at the same time,
 * and nothing tells to which of them a frame belongs.
 */
static void tear(struct klog_scan *s)
{
	struct klog_caller *c = s->c;

	klog_report__close(s, c);
	klog_table__tear(s->table, c->last);
	for (unsigned int i = 0; i < KLOG_UNENDED; i++)
		klog_table__tear(s->table, c->unended[i]);
}

void klog_report__cut(struct klog_scan *s)
{
	struct klog_report *r = &s->c->report;

	if (r->open && r->nr > r->kept)	/* else registers were left out, between the exception and its stack */
		klog_report__close(s, s->c);
}

/* -- a frame as text -- */

static bool is_symbol(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static void copy_frame(char frame[VS_SITE_LEN], const char *text, size_t len)
{
	if (len > VS_SITE_LEN - 1)
		len = VS_SITE_LEN - 1;
	memcpy(frame, text, len);
	memset(frame + len, 0, VS_SITE_LEN - len);
}

/* "symbol+0x12/0x34" or "(symbol+0x12/0x34)" to "symbol+0x12"; false if it is none. */
static bool parse_frame(const char *text, char frame[VS_SITE_LEN])
{
	const char *at, *plus;
	size_t digits;

	text += *text == '(' || *text == '`';
	for (at = text; is_symbol(*at); at++)
		;
	plus = at;
	if (at == text || isdigit((unsigned char)*text) || strncmp(at, "+0x", 3))
		return false;
	digits = strspn(at + 3, "0123456789abcdef");
	at += 3 + digits;
	if (!digits || strncmp(at, "/0x", 3) || !isxdigit((unsigned char)at[3]))
		return false;
	copy_frame(frame, text, (size_t)(plus + 3 + digits - text));
	return true;
}

/* "symbol+0x12", as `why --all-stacks` writes it. */
static bool parse_plain(const struct klog_scan *s, const char *text, char frame[VS_SITE_LEN])
{
	const char *plus = strstr(text, "+0x");
	size_t len = 0;

	while (is_symbol(text[len]))
		len++;
	if (!s->c->report.open || !s->c->report.plain || !plus || text + len != plus || !len || plus[3 + strspn(plus + 3, "0123456789abcdef")] || !plus[3])
		return false;
	copy_frame(frame, text, strlen(text));
	return true;
}

/* A name without an offset, as crash and drgn have it. */
static bool parse_symbol(const char *text, char frame[VS_SITE_LEN])
{
	size_t len = 0;

	text += *text == '(';
	while (is_symbol(text[len]))
		len++;
	if (!len || len >= VS_SITE_LEN || isdigit((unsigned char)*text) ||
	    (text[len] && text[len] != ')' && strncmp(text + len, "+0x", 3)))
		return false;
	copy_frame(frame, text, len);
	return true;
}

/* -- where a frame may stand -- */

static bool is_module(const char *word)
{
	size_t len = strlen(word);

	return len > 2 && word[0] == '[' && word[len - 1] == ']';
}

static bool is_source(const char *word)	/* "drivers/vfio/vfio.c:12" */
{
	return strstr(word, ".c:") || strstr(word, ".h:") || strstr(word, ".S:");
}

/* The second half of "[kvmgt 9e409fa241f2d2383ee11f819fa53d6ec8fbdf7a]". */
static bool is_build_id(const char *word)
{
	size_t len = strspn(word, "0123456789abcdef");

	return len >= 16 && word[len] == ']' && !word[len + 1];
}

/* s390: the frame after "Last Breaking-Event-Address:" is no caller. */
static bool is_last_break(const struct klog_scan *s)
{
	int n = -1;

	while (klog_token__at(s, n)->kind != KLOG_WORD && n > -4)
		n--;
	return !strcmp(klog_word__at(s, n), "Breaking-Event-Address:");
}

static bool is_one_of(const char *word, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (*word == *words[i] && !strcmp(word, words[i]))
			return true;
	return false;
}

/* "(symbol) at:", "called by symbol+0x12/0x34", "LR [...] symbol+0x12/0x34" are no frames. */
static bool is_mention(const struct klog_scan *s)
{
	static const char *const before[] = { "at", "at:", "by", "last", "function", "calling", "initcall", "to", "in",
		"of", "LR", "lr", "NIP" };
	const char *word;
	int n = -1;

	while (klog_token__at(s, n)->kind == KLOG_ADDRESS && n > -4)
		n--;
	word = klog_token__at(s, n + 1)->first ? "" : klog_word__at(s, n);	/* a comment's last word */
	return is_one_of(word, before, sizeof(before) / sizeof(before[0])) ||
	       (word[0] == '(' && word[strlen(word) - 1] == ':') || is_last_break(s);
}

static bool is_place_for_frame(const struct klog_scan *s)
{
	static const char *const before[] = { "?", "from", "Trace:", "trace:", "Backtrace:", "<TASK>",
		"<IRQ>", "</IRQ>", "<NMI>", "</NMI>", "<EOI>", "<SOFTIRQ>", "(T)", "(P)", "(O)", "(L)", "(K)",
		"(F)", "(PT)", "(FP)", "(unreliable)", "kernel:", "<IRQ>?", "!", "(C)", "[inline]" };
	const struct klog_token *p = klog_token__at(s, -1);
	char frame[VS_SITE_LEN];

	if (is_mention(s))
		return false;
	return klog_token__at(s, 0)->first || p->kind != KLOG_WORD || !p->len || klog_token__is_stamp(p) ||
	       is_one_of(p->text, before, sizeof(before) / sizeof(before[0])) || is_module(p->text) ||
	       (p->plus && parse_frame(p->text, frame)) || is_build_id(p->text) || is_source(p->text);
}

/* -- adding frames -- */

/* /proc has no stamps, and no prefix of syslog: "[<0>] vfio_del_group_dev+0x216/0x3c0 [vfio]" */
static bool is_proc_style(const struct klog_scan *s)
{
	return klog_token__at(s, -1)->kind == KLOG_ADDRESS && klog_token__at(s, -1)->text[1] == '<' &&
	       klog_token__at(s, -2)->kind != KLOG_STAMP && !klog_word__is(s, -2, "kernel:") && s->time_ns == UINT64_MAX;
}

static bool sleeps(enum vs_ev_told told)
{
	return told == VS_TOLD_HUNG || told == VS_TOLD_STATE || told == VS_TOLD_STACK ||
	       told == VS_TOLD_DUMP || told == VS_TOLD_BARE;
}

/* "--- 912", "PID 719:": a number in the short line before a stack of /proc. */
static uint32_t number_before(const struct klog_scan *s)
{
	uint32_t number, found = 0;

	for (int n = -2; n > -6 && klog_token__at(s, n)->kind == KLOG_WORD; n--) {
		if (!found && klog_number(klog_word__at(s, n), &number))
			found = number;
		if (klog_token__at(s, n)->first || klog_begins(klog_word__at(s, n), "==") || klog_begins(klog_word__at(s, n), "--"))
			return found;
	}
	return 0;
}

/* Without a header, after an RCU stall was reported, a stack that does not sleep is of the CPU that stalls. */
static void begin_bare(struct klog_scan *s, unsigned int flags)
{
	bool runs = s->stalled_last && s->at < s->stalled_until && !(flags & KLOG_FN_WAITS);
	enum vs_ev_told told = s->c->pending != VS_TOLD_NOTHING ? s->c->pending : runs ? VS_TOLD_RUNS : VS_TOLD_BARE;
	bool proc = is_proc_style(s);

	klog_report__begin(s, told, "", proc ? number_before(s) : 0);
	s->c->report.proc_style = proc;
	s->c->report.told_top = proc && s->text_before;
	s->c->report.about.hard = s->c->pending_hard;
	memcpy(s->c->report.about.words, s->c->words, sizeof(s->c->words));
	if (s->c->pending != VS_TOLD_POSSIBLE)
		s->c->pending = VS_TOLD_NOTHING;
}

/* Returns true if some frame is the task's own, not one of the scheduler or of a lock. */
static bool has_own_frame(const struct klog_report *r)
{
	for (unsigned int i = 0; i < r->nr; i++)
		if (!r->frames[i].loose && !(r->frames[i].flags & KLOG_FN_WAITS))
			return true;
	return false;
}

/*
 * The style is what stands before a frame: a stamp, "kernel:", an address of some form. All frames of a
 * stack have the same style, unless those of another came between them.
 */
static unsigned int style_of(const struct klog_scan *s)
{
	unsigned int style = 1;
	int n = klog_word__is(s, -1, "?") ? -2 : -1;

	if (klog_word__is(s, n, "from"))
		return 0;
	for (; klog_token__at(s, n)->kind == KLOG_ADDRESS && n > -4; n--)
		style |= klog_token__at(s, n)->text[1] == '<' ? 2u : 4u;
	if (klog_token__is_stamp(klog_token__at(s, n)))
		return style | KLOG_AFTER_STAMP;
	return style | (klog_word__is(s, n, "kernel:") ? KLOG_AFTER_SYSLOG : 0);
}

/* "[<ffffffff8163a909>] schedule+0x29/0x70": x86 showed its addresses up to v4.9. */
static bool has_address_of_x86(const struct klog_scan *s)
{
	const struct klog_token *t = klog_token__at(s, klog_word__is(s, -1, "?") ? -2 : -1);

	return t->kind == KLOG_ADDRESS && klog_begins(t->text, "[<ffffffff");
}

static void mind_style(struct klog_scan *s, struct klog_report *r)
{
	unsigned int style = style_of(s);

	r->about.addresses |= has_address_of_x86(s);
	if (r->row_style >= 0 && style && (style & (KLOG_AFTER_STAMP | KLOG_AFTER_SYSLOG)) != (unsigned int)r->row_style)
		r->mixed = true;
	if (!r->style)
		r->style = style;
	else if (style && style != r->style)
		r->mixed = true;
}

/* "ret_from_fork_asm" is the only end that follows another. */
static bool is_same_end(const struct klog_report *r, const char *frame, unsigned int flags)
{
	return (flags & KLOG_FN_END) &&
	       strcspn(frame, "+") != strcspn(r->frames[r->nr - 1].text, "+");
}

/* Makes sure that there is a report to which this frame belongs. */
static void find_report(struct klog_scan *s, const char *frame, unsigned int flags, bool loose)
{
	struct klog_report *r = &s->c->report;

	if (!r->open) {
		begin_bare(s, flags);
	} else if (r->ended && !r->mixed && (r->proc_style || r->about.told == VS_TOLD_STACK) && is_proc_style(s) &&
		   !is_same_end(r, frame, flags)) {
		begin_bare(s, flags);	/* cat /proc/1/stack /proc/2/stack: nothing else comes between */
		s->c->report.told_top = true;
	} else if (r->ended && !loose && r->nr && !is_same_end(r, frame, flags)) {
		if (!(flags & KLOG_FN_SWITCH) && strncmp(frame, "0x", 2))
			tear(s);
		begin_bare(s, flags);
	} else if (!loose && (flags & KLOG_FN_SWITCH) && sleeps(r->about.told) && r->about.told != VS_TOLD_DUMP &&
		   has_own_frame(r)) {
		begin_bare(s, flags);
	}
}

/* @frame has no module yet. */
static bool is_same_place(const char *before, const char *frame)
{
	size_t len = strcspn(before, " ");

	return len == strlen(frame) && !strncmp(before, frame, len);
}

static void push(struct klog_scan *s, const char *frame, bool loose)
{
	struct klog_report *r;
	unsigned int flags = klog_function__flags(frame);

	find_report(s, frame, flags, loose);
	r = &s->c->report;
	if ((flags & KLOG_FN_IRQ) && !loose && !sleeps(r->about.told)) {
		r->nr = 0;	/* all frames so far are of the interrupt */
		return;
	}
	if (r->nr == KLOG_FRAMES) {
		r->left_out++;
		return;
	}
	if (r->kept && r->nr == r->kept && is_same_place(r->frames[0].text, frame))
		r->nr = 0;	/* arm64 and riscv begin the stack with the place of the exception */
	mind_style(s, r);
	r->last_at = s->at;
	r->frames[r->nr].loose = loose;
	r->frames[r->nr].flags = flags;
	memcpy(r->frames[r->nr++].text, frame, VS_SITE_LEN);
	if ((flags & KLOG_FN_END) && !loose)
		r->ended = true;
}

/* Appends " [module]" to the frame that was added last. */
static void push_module(struct klog_scan *s, const char *word)
{
	struct klog_report *r = &s->c->report;
	char *frame = r->nr ? r->frames[r->nr - 1].text : NULL;
	size_t used = frame ? strlen(frame) : 0, len;

	if (!r->open || !frame || strchr(frame, '['))
		return;
	len = strcspn(word + 1, "](");
	if (used + len + 4 > VS_SITE_LEN)
		return;
	memcpy(frame + used, " [", 2);
	memcpy(frame + used + 2, word + 1, len);
	frame[used + len + 2] = ']';
}

/* Adds the place of the exception itself: the frames so far are inside of it. */
static void push_exception(struct klog_scan *s, const char *frame)
{
	struct klog_report *r = &s->c->report;

	if (!r->open)
		begin_bare(s, klog_function__flags(frame));
	if (sleeps(r->about.told))
		return;
	r->nr = 0;
	push(s, frame, false);
	r->kept = r->nr;
}

/* -- tokens -- */

/* "RIP: 0010:qi_submit_sync+0x6cf/0x8d0", "RIP: 0010:[<...>]  [<...>] symbol+...": only the kernel's. */
static bool take_rip(struct klog_scan *s)
{
	const char *word = klog_word__at(s, 1), *colon = strchr(word, ':');
	char frame[VS_SITE_LEN];
	int n = 2;

	if (klog_begins(word, "0033:") || klog_begins(word, "0023:") || klog_begins(word, "002b:")) {
		if (s->c->report.open && s->c->report.nr)
			s->c->report.ended = true;
		return true;
	}
	if (parse_frame(colon ? colon + 1 : word, frame)) {
		push_exception(s, frame);
		if (is_module(klog_word__at(s, 2)))
			push_module(s, klog_word__at(s, 2));
		return true;
	}
	while (n < 5 && klog_token__at(s, n)->kind == KLOG_ADDRESS)
		n++;
	if (parse_frame(klog_word__at(s, n), frame))
		push_exception(s, frame);
	return true;
}

/* arm64 "pc : symbol+...", arm "PC is at symbol+...", ppc64 "NIP [c00...] symbol+...", riscv "epc : ..." */
static bool take_pc(struct klog_scan *s)
{
	char frame[VS_SITE_LEN];

	for (int n = 1; n < 5; n++)
		if (parse_frame(klog_word__at(s, n), frame)) {
			push_exception(s, frame);
			if (is_module(klog_word__at(s, n + 1)))
				push_module(s, klog_word__at(s, n + 1));
			return true;
		}
	return true;
}

/* The frames before the exception or the interrupt are not the task's own. */
static bool take_section(struct klog_scan *s)
{
	struct klog_report *r = &s->c->report;

	if (r->open && !sleeps(r->about.told) && r->nr > r->kept)
		r->nr = r->kept;
	return true;
}

static bool take_end(struct klog_scan *s)
{
	if (s->c->report.open && s->c->report.nr)
		s->c->report.ended = true;
	return true;
}

static bool take_cut(struct klog_scan *s)
{
	klog_report__cut(s);
	return true;
}

/* "---[ end trace 0000000000000000 ]---" */
static bool take_end_trace(struct klog_scan *s)
{
	if (!klog_word__is(s, 1, "trace"))
		return false;
	klog_report__close(s, s->c);
	s->c->pending = VS_TOLD_NOTHING;
	return true;
}

/* s390: the symbol that follows is no frame. */
static bool take_breaking_event(struct klog_scan *s)
{
	klog_report__close(s, s->c);
	return true;
}

/* "Call Trace:" without a header begins a separate stack. */
static bool take_trace(struct klog_scan *s)
{
	struct klog_report *r = &s->c->report;

	if (!klog_word__is(s, -1, "Call"))
		return false;
	if (r->open && r->nr && !r->traced && is_of_sleeper(r))
		r->mixed = true;	/* they came before it, so they are another's */
	if (r->open && (r->ended || (r->nr > r->kept && sleeps(r->about.told))))
		klog_report__close(s, s->c);
	r->traced = true;
	if (!r->open && s->c->pending == VS_TOLD_WARNED)
		begin_bare(s, 0);
	return true;
}

static const struct {
	const char *word;
	bool (*take)(struct klog_scan *s);
} words[] = {
	{ "RIP:", take_rip },
	{ "EIP:", take_rip },
	{ "pc", take_pc },
	{ "PC", take_pc },
	{ "epc", take_pc },
	{ "NIP", take_pc },
	{ "</IRQ>", take_section },
	{ "</NMI>", take_section },
	{ "</SOFTIRQ>", take_section },
	{ "<EOI>", take_section },
	{ "<<EOE>>", take_section },
	{ "</TASK>", take_end },
	{ "...", take_cut },
	{ "[...]", take_cut },
	{ "end", take_end_trace },
	{ "Breaking-Event-Address:", take_breaking_event },
	{ "Trace:", take_trace },
	{ "trace:", take_trace },
};

/* crash: "#4 [ffffa8c04005fbb0] iavf_remove at fffffdefc12b9b4c [iavf]"; drgn: "#6  name (../file.c:382:2)" */
static bool take_numbered(struct klog_scan *s)
{
	const char *text = klog_token__at(s, 0)->text;
	char frame[VS_SITE_LEN];
	uint32_t number;
	bool crash = klog_token__at(s, 1)->kind == KLOG_ADDRESS;
	int at = crash ? 2 : 1;

	if (text[1 + strspn(text + 1, "0123456789")] || !klog_number(text + 1, &number))
		return false;	/* "#0:" is a lock that is held */
	if (crash ? !klog_word__is(s, 3, "at") : klog_word__at(s, 2)[0] != '(' && !klog_word__is(s, 2, "in") &&
				      !parse_frame(klog_word__at(s, 1), frame))
		return false;
	if (klog_word__is(s, 2, "in"))	/* gdb: "#1 0xffffffff8108 in name (" */
		at = 3;
	if (!parse_symbol(klog_word__at(s, at), frame))
		return false;
	if (!number && s->c->report.open && s->c->report.nr)
		klog_report__close(s, s->c);
	if (!s->c->report.open)
		klog_report__begin(s, VS_TOLD_DUMP, "", 0);
	if (!number)
		s->c->report.told_top = true;
	push(s, frame, false);
	if (crash && is_module(klog_word__at(s, 5)))
		push_module(s, klog_word__at(s, 5));
	return true;
}

/* arm: "[<c0607cfc>] (__schedule) from [<c060811c>] (schedule+0x40/0xa0)", later "__schedule from schedule+..." */
static void take_inner(struct klog_scan *s)
{
	struct klog_report *r = &s->c->report;
	int before = klog_token__at(s, -1)->kind == KLOG_ADDRESS ? -3 : -2;
	char frame[VS_SITE_LEN];

	if (!klog_word__is(s, before + 1, "from") || (r->open && r->nr && !r->ended))
		return;
	if (parse_symbol(klog_word__at(s, before), frame))
		push(s, frame, false);
}

/* syzbot: "vfs_ioctl fs/ioctl.c:51 [inline]"; decode_stacktrace.sh: "name (drivers/vfio/vfio.c:12)" */
static bool take_inlined(struct klog_scan *s)
{
	const char *next = klog_word__at(s, 1);
	char frame[VS_SITE_LEN];

	if (!klog_token__at(s, 1)->slash || !s->c->report.open || !is_source(next) || klog_word__at(s, -1)[0] == '#' || !(klog_word__is(s, 2, "[inline]") || next[0] == '(') ||
	    !is_place_for_frame(s) || !parse_symbol(klog_word__at(s, 0), frame))
		return false;
	push(s, frame, klog_word__is(s, -1, "?"));
	return true;
}

/* ppc64: "[c000003c21eb35a0] [c000003c21eb3630] 0xc000003c21eb3630 (unreliable)" */
static bool take_nameless(struct klog_scan *s)
{
	const struct klog_token *t = klog_token__at(s, 0);
	char frame[VS_SITE_LEN];

	if (strspn(t->text + 2, "0123456789abcdef") + 2 != t->len || t->len < 10 ||
	    klog_token__at(s, -1)->kind != KLOG_ADDRESS || !s->c->report.open)
		return false;
	if (klog_begins(t->text, "0xffffffffffffffff")) {	/* of /proc up to v5.1 */
		s->c->report.ended = s->c->report.nr;
		return true;
	}
	copy_frame(frame, t->text, t->len);
	push(s, frame, klog_word__is(s, 1, "(unreliable)"));
	return true;
}

void klog_stack__index(struct klog_index *x)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		klog_index__add(x, words[i].word);
}

bool klog_stack__take(struct klog_scan *s)
{
	const struct klog_token *t = klog_token__at(s, 0);
	bool known = klog_index__may_have(&s->index, t);
	char frame[VS_SITE_LEN];

	if (t->kind != KLOG_WORD)
		return false;
	if (t->plus && parse_frame(t->text, frame) && is_place_for_frame(s)) {
		if (!s->c->report.open && s->c->pending == VS_TOLD_WARNED)
			return true;	/* where the warning is, not yet its stack */
		if (s->c->report.open && s->c->report.plain) {
			s->c->report.mixed = true;
			klog_report__close(s, s->c);
		}
		take_inner(s);
		push(s, frame, klog_word__is(s, -1, "?") || klog_word__is(s, 1, "(unreliable)"));
		return true;
	}
	if (t->plus && parse_plain(s, t->text, frame)) {
		push(s, frame, false);
		return true;
	}
	if (t->text[0] == '[' && s->c->report.open && s->c->report.last_at + 1 == s->at &&
	    (is_module(t->text) || is_build_id(klog_word__at(s, 1)))) {
		push_module(s, t->text);
		return true;
	}
	for (size_t i = 0; known && i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].word[0] == t->text[0] && !strcmp(words[i].word, t->text))
			return words[i].take(s);
	if (t->text[0] == '#' && isdigit((unsigned char)t->text[1]))
		return take_numbered(s);
	if (t->text[0] == '0' && t->text[1] == 'x')
		return take_nameless(s);
	return take_inlined(s);
}
