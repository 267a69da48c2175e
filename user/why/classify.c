// SPDX-License-Identifier: GPL-2.0
#include "why/classify.h"

#include <stdlib.h>
#include <string.h>

#include "base/exit_codes.h"
#include "why/advice.h"
#include "why/classify_priv.h"
#include "why/holders.h"

/* A log's message of a wait that may have ended long ago comes after all whose reason is seen. */
static unsigned int weight(const struct vs_why_case *c)
{
	return why_logged__is_vague(c) ? 2 * VS_WHY_NOT_VFIO + 1 : 2 * c->verdict;
}

static int by_weight(const void *a, const void *b)
{
	const struct vs_why_case *x = a, *y = b;

	if (weight(x) != weight(y))
		return weight(x) < weight(y) ? -1 : 1;
	if (x->iommufd != y->iommufd) /* others wait for what this one has closed */
		return x->iommufd ? -1 : 1;
	return x->group - y->group;
}

/* A holder that may not answer a signal may never let go. */
static void doubt_its_end(struct vs_why_case *c, const struct vs_evidence *e)
{
	if (c->reboot == VS_REBOOT_NO && !c->iommufd && !c->in_iommufd && vs_holders__sleeping(e, c))
		c->reboot = VS_REBOOT_UNKNOWN;
}

static int find_cases(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		err = why_roots__add(why, e, &e->tasks[i]);
	err = err ?: why_roots__add_unseen(why, e);
	why_iommufd__link(why);
	for (size_t i = 0; !err && i < why->nr_cases; i++) {
		err = why_victims__add(&why->cases[i], e) ?:
		      why_cycles__find_back(&why->cases[i]);
		doubt_its_end(&why->cases[i], e);
	}
	return err ?: why_victims__add_dead_owners(why, e) ?:
	       why_victims__add_driver_locks(why, e) ?:
	       why_victims__add_unexplained(why, e) ?:
	       why_puts__add_late(why, e) ?: why_puts__add_leaks(why, e);
}

/* A task is in a driver, and nothing tells if it stays there for a moment or forever. */
static bool has_open(const struct vs_evidence *e)
{
	for (size_t i = 0; i < e->nr_tasks; i++)
		if (why_frames__is_open(&e->tasks[i]))
			return true;
	return false;
}

int vs_classify(const struct vs_evidence *e, const struct vs_why_subject *subject,
		struct vs_why *why)
{
	int err;

	memset(why, 0, sizeof(*why));
	why->blind = e->weaker || e->incomplete || e->snapshot.hidden_tasks || !e->snapshot.scope.fds || has_open(e);
	err = e->from_log ? why_logged__add(why, e) : find_cases(why, e);
	if (!err) {
		why_asked__keep(why, e, subject);
		if (!why->nr_cases)
			err = e->from_log ? why_logged__add_nothing(why, e, subject) :
					    why_asked__add_nothing(why, e, subject);
	}
	if (!err && !e->from_log)
		err = why_logged__add_notes(why, e, subject);
	if (err) {
		vs_why__free(why);
		return err;
	}
	why_asked__find(why, e, subject);
	qsort(why->cases, why->nr_cases, sizeof(*why->cases), by_weight);
	for (size_t i = 0; i < why->nr_cases; i++)
		if (e->from_log)
			why_logged__advise(e, &why->cases[i]);
		else
			vs_advice__write(e, &why->cases[i]);
	return 0;
}

void vs_why__free(struct vs_why *why)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		why_case__free(&why->cases[i]);
	free(why->cases);
	free(why->notes);
	memset(why, 0, sizeof(*why));
}

int vs_why__status(const struct vs_why *why)
{
	enum vs_why_verdict verdict = why->cases[0].verdict;

	if (verdict == VS_WHY_NOTIFIER_DEADLOCK || verdict == VS_WHY_CHAIN_DEADLOCK ||
	    verdict == VS_WHY_LEAK_SUSPECT)
		return VS_EXIT_BUG;
	if (verdict == VS_WHY_UNEXPLAINED || verdict == VS_WHY_NOT_SEEN ||
	    verdict == VS_WHY_NOT_SHOWN)
		return VS_EXIT_INCONCLUSIVE;
	if (verdict == VS_WHY_IDLE || verdict == VS_WHY_NOT_APPLICABLE)
		return why->blind ? VS_EXIT_INCONCLUSIVE : VS_EXIT_OK;
	return VS_EXIT_WAITS;
}
