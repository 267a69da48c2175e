// SPDX-License-Identifier: GPL-2.0
#include "ledger/finding.h"

#include <stdio.h>
#include <string.h>

#include "event/names.h"

static const struct {
	const char *name;
	enum vs_grade grade;
} kinds[VS_FINDING_KINDS] = {
	[VS_NEAR_MISS] = { "near-miss", VS_GRADE_INFO },
	[VS_PUT_IN_NOTIFIER] = { "put-in-notifier", VS_GRADE_HAZARD },
	[VS_NOTIFIER_DEADLOCK] = { "notifier-deadlock", VS_GRADE_BUG },
	[VS_CHAIN_DEADLOCK_FOUND] = { "chain-deadlock", VS_GRADE_BUG },
	[VS_REF_LEAK] = { "reference-leak", VS_GRADE_BUG },
	[VS_PUT_WITHOUT_GET] = { "put-without-get", VS_GRADE_BUG },
	[VS_RELEASED_WHILE_HELD] = { "released-while-held", VS_GRADE_BUG },
	[VS_USE_AFTER_RELEASE] = { "use-after-release", VS_GRADE_BUG },
	[VS_OLD_REFERENCE] = { "old-reference", VS_GRADE_INFO },
	[VS_UNREGISTER_WAITS] = { "unregister-waits", VS_GRADE_INFO },
};

const char *vs_grade__name(enum vs_grade grade)
{
	static const char *const names[VS_GRADES] = { "info", "hazard", "bug" };

	return grade < VS_GRADES ? names[grade] : "?";
}

const char *vs_finding__name(enum vs_finding_kind kind)
{
	return kind < VS_FINDING_KINDS ? kinds[kind].name : "?";
}

enum vs_grade vs_finding__grade(enum vs_finding_kind kind)
{
	return kind < VS_FINDING_KINDS ? kinds[kind].grade : VS_GRADE_INFO;
}

static const char *skipped_words(const struct vs_finding *f)
{
	return f->uncertain ? " (the kernel skipped probes before: this may be wrong)" : "";
}

static int chain_words(const struct vs_finding *f, char *buf, size_t size)
{
	const char *verb = f->registering ? "registers on" : "unregisters from";

	if (f->chain_name[0])
		return snprintf(buf, size, "%s chain %s while inside it%s", verb, f->chain_name,
				skipped_words(f));
	return snprintf(buf, size, "%s chain 0x%llx while inside it%s", verb,
			(unsigned long long)f->chain, skipped_words(f));
}

static int near_miss_words(char *buf, size_t size)
{
	return snprintf(buf, size,
			"its deferred put was queued while the count was 1: made in the notifier, it would have deadlocked");
}

static int put_words(const struct vs_finding *f, char *buf, size_t size)
{
	return snprintf(buf, size, "reference dropped inside the notifier%s%s, at %s%s",
			f->action ? ", for " : "", vs_action__name(f->action),
			f->site[0] ? f->site : "an unknown place", skipped_words(f));
}

static const char *class_of(const struct vs_finding *f)
{
	return f->has_ref ? vs_ref_class__name(f->ref.class) : "";
}

static int ref_words(const struct vs_finding *f, char *buf, size_t size)
{
	const char *place = f->site[0] ? f->site : "a place that was not seen";
	char doubt[VS_DOUBT_LEN + 30] = "";

	if (f->uncertain)
		snprintf(doubt, sizeof(doubt), " (%s: this may be wrong)", f->doubt);

	switch (f->kind) {
	case VS_REF_LEAK:
		return snprintf(buf, size, "%s reference taken at %s leaks: %s%s", class_of(f),
				place, f->words, doubt);
	case VS_OLD_REFERENCE:
		return snprintf(buf, size, "%s reference taken at %s: %s", class_of(f), place,
				f->words);
	case VS_UNREGISTER_WAITS:
		return snprintf(buf, size, "vfio_unregister_group_dev of %s", f->words);
	case VS_RELEASED_WHILE_HELD:
		return snprintf(buf, size, "%s; the last one: %s, taken at %s%s", f->words,
				class_of(f), place, doubt);
	case VS_PUT_WITHOUT_GET:
		return snprintf(buf, size, "at %s: %s%s", place, f->words, doubt);
	default:
		return snprintf(buf, size, "at %s, %s%s", place, f->words, doubt);
	}
}

bool vs_finding__is_deadlock(enum vs_finding_kind kind)
{
	return kind == VS_NOTIFIER_DEADLOCK || kind == VS_CHAIN_DEADLOCK_FOUND;
}

size_t vs_finding__words(const struct vs_finding *f, char *buf, size_t size)
{
	int len;

	if (f->kind == VS_NEAR_MISS)
		len = near_miss_words(buf, size);
	else if (f->kind == VS_PUT_IN_NOTIFIER)
		len = put_words(f, buf, size);
	else if (f->kind == VS_NOTIFIER_DEADLOCK)
		len = snprintf(buf, size,
			       "last put inside the notifier: the task waits for a lock that it holds itself%s",
			       skipped_words(f));
	else if (f->kind == VS_CHAIN_DEADLOCK_FOUND)
		len = chain_words(f, buf, size);
	else
		len = ref_words(f, buf, size);
	return len < 0 ? 0 : (size_t)len;
}

void vs_finding__set_task(struct vs_finding *f, const struct vs_event *e)
{
	f->time_ns = e->time_ns;
	f->tid = e->tid;
	f->tgid = e->tgid;
	f->cpu = e->cpu;
	f->action = e->action;
	memcpy(f->comm, e->comm, VS_COMM_LEN);
}
