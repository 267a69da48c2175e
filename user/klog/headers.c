// SPDX-License-Identifier: GPL-2.0
/* The lines that begin a report: of which task it is, and what became of that. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "klog/scan_priv.h"
#include "klog/signs.h"

#define STALL_TOKENS 3000	/* what an RCU stall has the CPUs print comes within so many */
#define NAME_TOKENS 5		/* words in a name: "CPU 1/KVM" */

/* Tokens from @from to @to as one name, without what is before the first letter of the name. */
static void join(const struct klog_scan *s, int from, int to, size_t skip, char *buf)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int n = from; n <= to && used < KLOG_NAME; n++) {
		int len = snprintf(buf + used, KLOG_NAME - used, "%s%s", n > from ? " " : "",
				   klog_word__at(s, n) + (n == from ? skip : 0));

		used += len > 0 ? (size_t)len : 0;
	}
}

/* "CPU 1/KVM:4545" ends with its tid. */
static bool split_name(char *name, uint32_t *tid)
{
	char *colon = strrchr(name, ':');

	if (!colon || !klog_number(colon + 1, tid))
		return false;
	*colon = '\0';
	return true;
}

/* From the word @word, at most so many tokens before @n, to the token before @n. */
static bool name_before(const struct klog_scan *s, int n, const char *word, char *name,
			uint32_t *tid)
{
	for (int from = n - 1; from >= n - 1 - NAME_TOKENS; from--) {
		if (!klog_word__is(s, from, word))
			continue;
		join(s, from + 1, n - 1, 0, name);
		return split_name(name, tid);
	}
	return false;
}

/* -- the release: "Not tainted 6.1.0-10-amd64 #1", "Tainted: G           O    4.14.0-9.el7 #1" -- */

static bool is_release(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits < 3 && text[digits] == '.' && isdigit((unsigned char)text[digits + 1]) &&
	       !strpbrk(text, "/,()");
}

static void take_release(struct klog_scan *s)
{
	struct klog_report *r = &s->c->report;

	for (int n = 1; n < 16; n++) {
		const char *word = klog_word__at(s, n);

		if (!word[0])
			return;
		if (!is_release(word))
			continue;
		snprintf(s->release, sizeof(s->release), "%.63s", word);
		if (r->open && !r->nr)
			memcpy(r->about.release, s->release, sizeof(s->release));
		return;
	}
}

/* -- hung tasks -- */

/* "INFO: task bash:8657 blocked for more than 120 seconds." */
static bool take_hung(struct klog_scan *s)
{
	char name[KLOG_NAME];
	uint32_t tid, seconds;
	int n = 1;

	while (n < 9 && !klog_word__is(s, n, "than"))	/* from v6.18 on maybe "blocked in I/O wait for more than" */
		n++;
	if (!klog_word__is(s, n, "than") || !klog_number(klog_word__at(s, n + 1), &seconds) ||
	    !name_before(s, 0, "task", name, &tid))
		return false;
	klog_report__begin(s, VS_TOLD_HUNG, name, tid);
	s->c->report.state = 'D';
	s->c->report.about.hung_ns = seconds * 1000000000ull;
	return true;
}

/*
 * "INFO: task A:1 is blocked on a mutex likely owned by task B:2.", from v6.16 on; then also
 * "INFO: task A:1 <reader> blocked on an rw-semaphore likely owned by task B:2 <writer>"
 */
static bool take_owner(struct klog_scan *s)
{
	char name[KLOG_NAME], owner[KLOG_NAME];
	uint32_t tid, owner_tid;
	int before = klog_word__is(s, -1, "is") ? -1 : 0, n = 1;
	bool found;

	if (klog_word__is(s, before - 1, "<reader>") || klog_word__is(s, before - 1, "<writer>"))
		before--;
	found = name_before(s, before, "task", name, &tid);

	while (n < 12 && !klog_word__is(s, n, "task"))
		n++;
	if (!found || !klog_word__is(s, n, "task"))
		return found;
	for (int to = n + 1; to <= n + NAME_TOKENS; to++) {
		join(s, n + 1, to, 0, owner);
		if (!split_name(owner, &owner_tid))
			continue;
		klog_table__own(s->table, name, tid, owner, owner_tid, klog_word__is(s, to + 1, "<reader>"));
		break;
	}
	return true;
}

static bool take_blocked(struct klog_scan *s)
{
	return klog_word__is(s, -1, "is") || klog_word__is(s, 1, "on") ? take_owner(s) : take_hung(s);
}

/* -- tables of tasks -- */

/* Reads the number after "pid:", with or without a blank. */
static bool number_after(const struct klog_scan *s, const char *key, uint32_t *value)
{
	size_t len = strlen(key);

	for (int n = 1; n < 14; n++) {
		const char *word = klog_word__at(s, n);

		if (klog_begins(word, key))
			return klog_number(word[len] ? word + len : klog_word__at(s, n + 1), value);
	}
	return false;
}

/* A table's line after "INFO: task ..." is of the same report if it names the same task. */
static void take_row(struct klog_scan *s, const char *name, uint32_t tid, char state)
{
	struct klog_report *r = &s->c->report;

	if (r->open && r->about.told == VS_TOLD_HUNG && !r->nr && !strcmp(r->name, name))
		return;
	if (r->open && r->about.told == VS_TOLD_HUNG && !r->nr && r->tid == tid)
		return;
	/* "Task dump for CPU 8:" of an RCU stall shows the task that runs there. */
	klog_report__begin(s, state == 'R' && s->at < s->stalled_until ? VS_TOLD_RUNS : VS_TOLD_STATE, name,
			   tid);
	s->c->report.state = state;
}

/* "task:driverctl       state:D stack:0     pid:2443  ppid:1727   flags:0x00000002", from v5.9 on */
static bool take_state(struct klog_scan *s)
{
	char name[KLOG_NAME], state = klog_word__at(s, 0)[6];
	uint32_t tid;
	int from = -1;

	while (from > -NAME_TOKENS && !klog_begins(klog_word__at(s, from), "task:"))
		from--;
	if (!klog_begins(klog_word__at(s, from), "task:") || !number_after(s, "pid:", &tid))
		return false;
	join(s, from, -1, 5, name);
	take_row(s, name, tid, state);
	s->c->report.row_style = klog_token__is_stamp(klog_token__at(s, from - 1)) ? KLOG_AFTER_STAMP :
				 klog_word__is(s, from - 1, "kernel:") ? KLOG_AFTER_SYSLOG : 0;
	return true;
}

static bool is_hex(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static bool is_letter_of_state(const char *text)
{
	return text[0] && strchr("RSDTtXZPIKWx", text[0]) && (!text[1] || (text[1] == '+' && !text[2]));
}

/*
 * Up to v5.8: "bash            D    0  8657   7784 0x00000080", up to v4.13 with an address or "running
 * task" after the letter. This is called at the flags; the header "task PC stack pid father" has none.
 */
static bool take_old_row(struct klog_scan *s)
{
	uint32_t tid, parent, stack;
	char name[KLOG_NAME];
	int letter = -4, from;

	if (!klog_number(klog_word__at(s, -1), &parent) || !klog_number(klog_word__at(s, -2), &tid) ||
	    !klog_number(klog_word__at(s, -3), &stack))
		return false;
	if (klog_word__is(s, -4, "task") && klog_word__is(s, -5, "running"))
		letter = -6;
	else if (is_hex(klog_word__at(s, -4), 16) || is_hex(klog_word__at(s, -4), 8))
		letter = -5;
	if (!is_letter_of_state(klog_word__at(s, letter)))
		return false;
	for (from = letter - 1; from > letter - NAME_TOKENS; from--)
		if (klog_token__at(s, from)->first || klog_token__at(s, from - 1)->kind != KLOG_WORD ||
		    klog_begins(klog_word__at(s, from - 1), "kernel:"))
			break;
	join(s, from, letter - 1, 0, name);
	take_row(s, name, tid, klog_word__at(s, letter)[0]);
	return true;
}

/* -- lockups and stalls -- */

/* "watchdog: BUG: soft lockup - CPU#7 stuck for 41s! [worker:5452]" */
static bool take_soft_lockup(struct klog_scan *s)
{
	char name[KLOG_NAME];
	uint32_t tid, cpu = 0;
	int seconds = atoi(klog_word__at(s, 2));

	if (!klog_begins(klog_word__at(s, -1), "CPU#") || klog_word__at(s, 3)[0] != '[')
		return false;
	for (int to = 3; to < 3 + NAME_TOKENS; to++) {
		join(s, 3, to, 1, name);
		if (!split_name(name, &tid))
			continue;
		klog_report__begin(s, VS_TOLD_RUNS, name, tid);
		klog_number(klog_word__at(s, -1) + 4, &cpu);
		s->c->report.about.cpu = (int)cpu;
		s->c->report.about.hung_ns = (uint64_t)seconds * 1000000000ull;
		return true;
	}
	return false;
}

static void expect(struct klog_scan *s, enum vs_ev_told what, bool hard)
{
	s->stalled_last = false;
	s->c->pending = what;
	s->c->pending_hard = hard;
	s->c->words[0] = '\0';
}

static bool take_lockup(struct klog_scan *s)
{
	if (!klog_word__is(s, -1, "hard"))
		return false;
	klog_report__close(s, s->c);
	expect(s, VS_TOLD_RUNS, true);
	return true;
}

static bool take_stall(struct klog_scan *s)
{
	const char *before = klog_word__at(s, -1);

	if (strcmp(before, "detected") && strcmp(before, "self-detected") && strcmp(before, "expedited"))
		return false;
	s->stalled_until = s->at + STALL_TOKENS;
	s->stalled_last = true;
	s->nr_stalled = 0;
	return true;
}

/* "17-....: (59997 ticks this GP)", before v4.8 also "{ 17}" */
static bool take_stalled_cpu(struct klog_scan *s)
{
	const char *word = klog_word__at(s, 0);
	size_t digits = strspn(word, "0123456789");

	if (s->nr_stalled < KLOG_STALLED && digits && digits < 6 &&
	    (word[digits] == '-' || (word[digits] == '}' && klog_word__is(s, -1, "{"))))
		s->stalled[s->nr_stalled++] = (unsigned int)atoi(word);
	return false;
}

static bool is_stalled(const struct klog_scan *s, int cpu)
{
	for (unsigned int i = 0; s->at < s->stalled_until && i < s->nr_stalled; i++)
		if ((int)s->stalled[i] == cpu)
			return true;
	return false;
}

/* "NMI backtrace for cpu 8": what each CPU does, also of those that do not hang. */
static bool take_cpu_backtrace(struct klog_scan *s)
{
	bool stalled = s->at < s->stalled_until;

	if (!klog_word__is(s, -1, "NMI") || !klog_word__is(s, 1, "for"))
		return false;
	if (s->c->pending == VS_TOLD_RUNS && s->c->pending_hard)
		return true;
	klog_report__close(s, s->c);
	expect(s, stalled ? VS_TOLD_RUNS : VS_TOLD_CPU, false);
	return true;
}

/* -- faults -- */

/* Keeps the line from this token on, for people. */
static void keep_words(struct klog_scan *s, int from)
{
	size_t used = 0;

	for (int n = from; n < 16 && (n == from || !klog_token__at(s, n)->first); n++) {
		const struct klog_token *t = klog_token__at(s, n);

		if (!t->len || t->kind == KLOG_STAMP || used >= sizeof(s->c->words) - 1)
			break;
		used += (size_t)snprintf(s->c->words + used, sizeof(s->c->words) - used, "%s%s",
					 used ? " " : "", t->text);
	}
}

static bool fault(struct klog_scan *s, int from)
{
	if (s->c->pending == VS_TOLD_DIED)
		return true;
	klog_report__close(s, s->c);
	expect(s, VS_TOLD_DIED, false);
	keep_words(s, from);
	return true;
}

/* s390: "illegal operation: 0001 ilc:1 [#1] SMP" */
static bool take_program_check(struct klog_scan *s)
{
	int from = 0;

	if (!klog_begins(klog_word__at(s, 1), "[#"))
		return false;
	while (from > -6 && !klog_token__at(s, from)->first && klog_token__at(s, from - 1)->kind == KLOG_WORD)
		from--;
	return fault(s, from);
}

static bool warning(struct klog_scan *s)
{
	klog_report__close(s, s->c);
	expect(s, VS_TOLD_WARNED, false);
	keep_words(s, 0);
	return true;
}

/*
 * Takes a sign of the table at this token. "traps: foo[9] general protection fault ip:..." is about a
 * process: a sign of the kernel's own begins a line, or follows a stamp or a prefix.
 */
static bool take_sign_from(struct klog_scan *s, int from)
{
	char phrase[KLOG_TOKEN_LEN];
	size_t used = 0;

	if (klog_begins(klog_word__at(s, from - 1), "traps:") || strchr(klog_word__at(s, from - 1), '['))
		return false;
	for (int n = from; n < from + 5 && used < sizeof(phrase); n++)
		used += (size_t)snprintf(phrase + used, sizeof(phrase) - used, "%.40s ", klog_word__at(s, n));
	switch (klog_sign__of(phrase)) {
	case KLOG_SIGN_KILLS:
		return fault(s, from);
	case KLOG_SIGN_WARNS:
		return warning(s);
	default:
		return false;
	}
}

static bool take_sign(struct klog_scan *s)
{
	return take_sign_from(s, 0);
}

static bool take_kernel_bug(struct klog_scan *s)	/* "kernel BUG at drivers/..." */
{
	return take_sign_from(s, klog_word__is(s, -1, "kernel") || klog_word__is(s, -1, "Kernel") ? -1 : 0);
}

static bool take_warning(struct klog_scan *s)
{
	static const char *const lockdep[] = { "possible", "inconsistent", "suspicious", "bad", "lock",
		"held", "Nested", "nested" };

	if (s->c->pending == VS_TOLD_WARNED && klog_begins(s->c->words, "WARNING:"))
		return true;	/* inlined: the same again */
	for (size_t i = 0; i < sizeof(lockdep) / sizeof(lockdep[0]); i++)
		if (klog_word__is(s, 1, lockdep[i])) {
			klog_report__close(s, s->c);
			expect(s, VS_TOLD_POSSIBLE, false);
			return true;
		}
	return warning(s);
}

static bool take_cut_here(struct klog_scan *s)
{
	if (!klog_word__is(s, -1, "cut") || !klog_begins(klog_word__at(s, 1), "]"))
		return false;
	klog_report__close(s, s->c);
	expect(s, VS_TOLD_WARNED, false);
	return true;
}

/* "-> #3 (&state_mutex){+.+.}-{3:3}:", "stack backtrace:": lockdep shows how locks were taken. */
static bool take_chain(struct klog_scan *s)
{
	if (klog_word__at(s, 1)[0] != '#' || !strstr(klog_word__at(s, 2), "("))
		return false;
	klog_report__close(s, s->c);
	expect(s, VS_TOLD_POSSIBLE, false);
	return true;
}

static bool take_backtrace(struct klog_scan *s)
{
	if (klog_word__is(s, -1, "stack") && s->c->pending != VS_TOLD_WARNED) {
		klog_report__close(s, s->c);
		expect(s, VS_TOLD_POSSIBLE, false);
	}
	return klog_word__is(s, -1, "stack");
}

/* "CPU: 8 UID: 0 PID: 50411 Comm: vfio_test Kdump: loaded Tainted: G ..." of what was announced. */
static bool take_comm(struct klog_scan *s)
{
	struct klog_report *r = &s->c->report;
	uint32_t tid, cpu;
	char name[KLOG_NAME];
	int to = 1;

	if (!klog_word__is(s, -2, "PID:") || !klog_number(klog_word__at(s, -1), &tid))
		return false;
	while (to < NAME_TOKENS && !klog_word__is(s, to + 1, "Not") && !klog_word__is(s, to + 1, "Tainted:") &&
	       !klog_word__is(s, to + 1, "Kdump:") && !klog_word__is(s, to + 1, "tainted"))
		to++;
	join(s, 1, to, 0, name);
	if (r->open && r->tid == tid && !r->nr)
		return true;	/* the header named it already */
	klog_report__begin(s, s->c->pending, name, tid);
	r->about.hard = s->c->pending_hard;
	memcpy(r->about.words, s->c->words, sizeof(r->about.words));
	for (int n = -3; n > -7; n--)
		if (klog_word__is(s, n, "CPU:") && klog_number(klog_word__at(s, n + 1), &cpu))
			r->about.cpu = (int)cpu;
	if (r->about.told == VS_TOLD_NOTHING && is_stalled(s, r->about.cpu))
		r->about.told = VS_TOLD_RUNS;	/* it found itself stalled */
	if (s->c->pending != VS_TOLD_POSSIBLE)
		expect(s, VS_TOLD_NOTHING, false);
	return true;
}

/* -- other tools -- */

/* Returns true if the text is digits and then @end alone. */
static bool digits_to(const char *text, char end, uint32_t *value)
{
	char *behind;

	*value = (uint32_t)strtoul(text, &behind, 10);
	return behind != text && behind[0] == end && !behind[1];
}

/* crash: PID: 1  TASK: ffff...  CPU: 24  COMMAND: "systemd-shutdow" */
static bool take_crash(struct klog_scan *s)
{
	char name[KLOG_NAME] = "";
	uint32_t tid;

	if (!klog_word__is(s, 2, "TASK:") || !klog_number(klog_word__at(s, 1), &tid))
		return false;
	for (int n = 3; n < 9 && !name[0]; n++)
		if (klog_word__is(s, n, "COMMAND:")) {
			int to = n + 1;

			while (to < n + NAME_TOKENS && klog_word__at(s, to)[0] &&
			       !strchr(klog_word__at(s, to) + 1, '"'))
				to++;
			join(s, n + 1, to, klog_word__at(s, n + 1)[0] == '"', name);
		}
	name[strcspn(name, "\"")] = '\0';
	klog_report__begin(s, VS_TOLD_DUMP, name, tid);
	return true;
}

/* ">>> prog.stack_trace(11032)" */
static bool take_drgn(struct klog_scan *s, const char *call)
{
	uint32_t tid;

	if (!klog_number(call + strlen("stack_trace("), &tid))
		tid = 0;
	klog_report__begin(s, VS_TOLD_DUMP, "", tid);
	return true;
}

/* The last number in a path: "/proc/166961/task/167481/stack" */
static uint32_t task_of_path(const char *path)
{
	uint32_t tid = 0, tgid;
	const char *task = strstr(path, "/task/");

	tgid = (uint32_t)strtoul(path + strlen("/proc/"), NULL, 10);
	if (task)
		tid = (uint32_t)strtoul(task + strlen("/task/"), NULL, 10);
	return tid ? tid : tgid;
}

/* "cat /proc/719/stack", "==> /proc/719/stack <==", "/proc/719/stack:[<0>] ..." as grep has it */
static bool take_proc_stack(struct klog_scan *s, const char *path)
{
	struct klog_report *r = &s->c->report;
	uint32_t tid = task_of_path(path);
	char name[KLOG_NAME] = "";
	int n = 0;

	if (!tid)
		return false;
	if (r->open && r->about.told == VS_TOLD_STACK && r->tid == tid)
		return true;
	while (n > -8 && !klog_token__at(s, n)->first)
		n--;
	if (n < 0 && klog_begins(klog_word__at(s, n + 1), "stack"))	/* "irq/149-pciehp stack, cat /proc/..." */
		join(s, n, n, 0, name);
	klog_report__begin(s, VS_TOLD_STACK, name, tid);
	r->told_top = true;
	return true;
}

/* Returns true if a name begins here: it begins the line, or follows its prefix or another task's frame. */
static bool begins_name(const struct klog_scan *s, int n)
{
	const struct klog_token *before = klog_token__at(s, n - 1);

	return klog_token__at(s, n)->first || before->kind != KLOG_WORD || !before->len || before->plus ||
	       klog_token__is_stamp(before) || klog_word__is(s, n - 1, "kernel:") || before->text[0] == '[';
}

/* `why --all-stacks`: "CPU 1/KVM[4545] process 4540 parent 1 state S for 8.100 s" */
static bool take_all_stacks(struct klog_scan *s)
{
	char name[KLOG_NAME], *bracket;
	const char *state = klog_word__at(s, 5);
	uint32_t tid, number;
	int from = -1;

	if (!klog_word__is(s, 2, "parent") || !klog_word__is(s, 4, "state") || !state[0] || state[1] ||
	    !klog_number(klog_word__at(s, 1), &number) || !klog_number(klog_word__at(s, 3), &number))
		return false;
	while (from > -NAME_TOKENS && !begins_name(s, from))
		from--;
	join(s, from, -1, 0, name);
	bracket = strrchr(name, '[');
	if (!bracket || !digits_to(bracket + 1, ']', &tid))
		return false;
	*bracket = '\0';
	klog_report__begin(s, VS_TOLD_STACK, name, tid);
	s->c->report.state = state[0];
	s->c->report.told_top = s->c->report.plain = true;
	return true;
}

/* -- all of them -- */

static bool take_tainted(struct klog_scan *s)
{
	take_release(s);
	return false;
}

/* uname -a: "Linux host 5.15.0-91-generic #101-Ubuntu SMP ..." */
static bool take_uname(struct klog_scan *s)
{
	if (is_release(klog_word__at(s, 2)) && klog_word__at(s, 3)[0] == '#')
		snprintf(s->release, sizeof(s->release), "%.63s", klog_word__at(s, 2));
	return false;
}

static const struct {
	const char *word;
	bool (*take)(struct klog_scan *s);
} words[] = {
	{ "Linux", take_uname },
	{ "blocked", take_blocked },
	{ "stuck", take_soft_lockup },
	{ "LOCKUP", take_lockup },
	{ "stall", take_stall },
	{ "stalls", take_stall },
	{ "backtrace", take_cpu_backtrace },
	{ "backtrace:", take_backtrace },
	{ "BUG:", take_sign },
	{ "BUG", take_kernel_bug },
	{ "Oops:", take_sign },
	{ "Oops", take_sign },
	{ "Unable", take_sign },
	{ "Internal", take_sign },
	{ "general", take_sign },
	{ "WARNING:", take_warning },
	{ "here", take_cut_here },
	{ "->", take_chain },
	{ "Comm:", take_comm },
	{ "PID:", take_crash },
	{ "process", take_all_stacks },
	{ "Tainted:", take_tainted },
	{ "tainted", take_tainted },
};

void klog_headers__index(struct klog_index *x)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		klog_index__add(x, words[i].word);
}

bool klog_headers__take(struct klog_scan *s)
{
	const struct klog_token *t = klog_token__at(s, 0);
	bool known = klog_index__may_have(&s->index, t);
	const char *at;

	for (size_t i = 0; known && i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].word[0] == t->text[0] && !strcmp(words[i].word, t->text))
			return words[i].take(s);
	if (t->len == 7 && klog_begins(t->text, "state:"))
		return take_state(s);
	if (t->len == 10 && klog_begins(t->text, "0x") && is_hex(t->text + 2, 8))
		return take_old_row(s);
	if (t->len == 5 && klog_begins(t->text, "ilc:"))
		return take_program_check(s);
	if (s->at < s->stalled_until && isdigit((unsigned char)t->text[0]))
		return take_stalled_cpu(s);
	at = t->slash && t->len > 8 ? strstr(t->text, "/proc/") : NULL;
	if (at && strstr(at, "/stack"))
		return take_proc_stack(s, at);
	at = t->paren && t->len > 12 ? strstr(t->text, "stack_trace(") : NULL;
	return at ? take_drgn(s, at) : false;
}
