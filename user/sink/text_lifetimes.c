// SPDX-License-Identifier: GPL-2.0
/* Prints the lifetimes of references. */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"
#include "sink/text.h"

#define LABEL 24

static void say_class(struct vs_text *t, unsigned int class, const struct vs_lifetime *l)
{
	char min[32], avg[32], max[32];

	vs_words__age(min, sizeof(min), l->min_ns);
	vs_words__age(avg, sizeof(avg), l->sum_ns / l->count);
	vs_words__age(max, sizeof(max), l->max_ns);
	vs_out__printf(&t->out, "%-10s %10llu %10s %10s %10s\n", vs_ref_class__name(class),
		       (unsigned long long)l->count, min, avg, max);
}

static uint64_t most(const struct vs_lifetime *l, int *first, int *last)
{
	uint64_t n = 0;

	*first = -1;
	for (int i = 0; i < VS_LIFETIME_BUCKETS; i++) {
		if (!l->buckets[i])
			continue;
		*last = i;
		if (*first < 0)
			*first = i;
		if (l->buckets[i] > n)
			n = l->buckets[i];
	}
	return n;
}

static void say_bucket(struct vs_text *t, int bucket, uint64_t nr, uint64_t largest)
{
	size_t room = vs_text__page(t) - LABEL - 14;
	char from[32], to[32];

	vs_words__age(from, sizeof(from), 1ull << bucket);
	vs_words__age(to, sizeof(to), bucket < 63 ? 2ull << bucket : UINT64_MAX);
	vs_out__printf(&t->out, "%10s - %-10s %10llu |", from, to, (unsigned long long)nr);
	vs_out__fill(&t->out, '#', nr ? (size_t)((nr * (room - 1) + largest - 1) / largest) : 0);
	vs_out__puts(&t->out, "\n");
}

static void say_histogram(struct vs_text *t, unsigned int class, const struct vs_lifetime *l)
{
	int first, last = 0;
	uint64_t largest = most(l, &first, &last);

	if (first < 0)
		return;
	vs_out__printf(&t->out, "\nlifetimes of %s references\n", vs_ref_class__name(class));
	for (int i = first; i <= last; i++)
		say_bucket(t, i, l->buckets[i], largest);
}

static void say_longest(struct vs_text *t, const struct vs_refs_report *r)
{
	const struct vs_lifetimes *l = r->lifetimes;

	vs_out__puts(&t->out, "\nlongest of those that ended\n");
	for (size_t i = 0; i < l->nr_longest; i++) {
		const struct vs_ref *ref = &l->longest[i];
		char age[32], task[VS_TASK_LEN], get[VS_SITE_LEN], line[400];

		vs_words__age(age, sizeof(age), ref->put_ns - ref->get_ns);
		vs_name__task(task, ref->comm, ref->tid, 0);
		snprintf(get, sizeof(get), "%s", ref->get_ip ? vs_sites__name(r->sites, ref->get_ip)
							     : "born with the group");
		snprintf(line, sizeof(line), "%10s %-9s %s  %s -> %s", age,
			 vs_ref_class__name(ref->class), task, get,
			 vs_sites__name(r->sites, ref->put_ip));
		vs_words__wrap(&t->out, line, 0, 21, vs_text__page(t));
	}
}

void vs_text__lifetimes(struct vs_text *t, const struct vs_refs_report *r)
{
	const struct vs_lifetime *classes = r->lifetimes->classes;

	if (!r->lifetimes->nr_longest)
		return;
	vs_out__puts(&t->out, "\nended           count    minimum    average    maximum\n");
	for (unsigned int i = 0; i < VS_REF_CLASSES; i++)
		if (classes[i].count)
			say_class(t, i, &classes[i]);
	for (unsigned int i = 0; i < VS_REF_CLASSES; i++)
		say_histogram(t, i, &classes[i]);
	say_longest(t, r);
}
