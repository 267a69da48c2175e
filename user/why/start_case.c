// SPDX-License-Identifier: GPL-2.0
/* A case about a start that fails: from the evidence, who has the group, and what else stands in the way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "why/classify_priv.h"
#include "why/holders.h"
#include "why/start_priv.h"

/* Names the first holder of the case that has such a file, or any with VS_SNAP_FILE_KINDS. */
static bool name_holder(const struct vs_why_case *c, enum vs_snap_file_kind kind, struct vs_start_use *use)
{
	for (size_t i = 0; i < c->nr_holders; i++) {
		const struct vs_why_holder *h = &c->holders[i];

		if (kind != VS_SNAP_FILE_KINDS && (h->how != VS_HOLD_FD || h->kind != kind))
			continue;
		if (!h->tgid || h->likely)
			continue;
		vs_holders__title(h, use->who, sizeof(use->who));
		return true;
	}
	return false;
}

/* Without kernel memory the names of open files tell: /dev/vfio/17 is that of the group. */
static bool find_opener(const struct vs_evidence *e, int group, struct vs_start_use *use)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	for (size_t i = 0; i < e->nr_openers; i++) {
		const struct vs_ev_process *p = vs_evidence__process(e, e->openers[i].tgid);

		if (strcmp(e->openers[i].path, path))
			continue;
		if (p)
			vs_name__task(use->who, p->comm, p->tgid, 0);
		else
			snprintf(use->who, sizeof(use->who), "process %u", e->openers[i].tgid);
		return true;
	}
	return false;
}

/* An iommufd alone has nothing; a device's own file keeps others out once it is bound to one. */
static bool is_bound(const struct vs_evidence *e, const struct vs_why_case *c)
{
	for (size_t i = 0; i < e->snapshot.nr_fds; i++) {
		const struct vs_snap_fd *f = &e->snapshot.fds[i];

		for (size_t j = 0; f->kind == VS_SNAP_CDEV_FILE && f->iommufd && j < c->nr_holders; j++)
			if (c->holders[j].file == f->file)
				return true;
	}
	return false;
}

static void find_use(const struct vs_evidence *e, const struct vs_why_case *c, struct vs_start_use *use)
{
	const struct vs_snap_group *g = why_group__numbered(e, c->group);

	memset(use, 0, sizeof(*use));
	if (name_holder(c, VS_SNAP_GROUP_FILE, use) || (c->group >= 0 && find_opener(e, c->group, use)) ||
	    (g && g->opened > 0))
		use->busy = VS_START_GROUP_OPEN;
	else if (g && g->container) {
		use->busy = VS_START_IN_CONTAINER;
		name_holder(c, VS_SNAP_FILE_KINDS, use);
	} else if (is_bound(e, c) && name_holder(c, VS_SNAP_CDEV_FILE, use))
		use->busy = VS_START_CDEV_OPEN;
}

/* The facts may be of another device than the one that is asked about: evidence of a file. */
static bool is_about(const struct vs_evidence *e, const struct vs_start_facts *f, const struct vs_why_subject *s)
{
	for (size_t i = 0; s->pid && s->pid == f->pid && i < e->snapshot.nr_fds; i++)
		if (e->snapshot.fds[i].tgid == s->pid)
			return true;
	return s->device ? !strcmp(f->device, s->device) : s->group >= 0 && f->group == s->group;
}

int why_start__add(const struct vs_evidence *e, const struct vs_why_subject *s, struct vs_why_case *c)
{
	const struct vs_start_member *m;
	struct vs_start_use use;

	if (!e->start || !is_about(e, e->start, s))
		return 0;
	c->start = calloc(1, sizeof(*c->start));
	if (!c->start)
		return -ENOMEM;
	if (c->group < 0)
		c->group = e->start->group;
	find_use(e, c, &use);
	vs_start__judge(e->start, &use, e->said ? e->said->kind : VS_START_KINDS, c->start);
	if (!c->start->nr_blocks)
		return 0;
	m = start__asked(e->start);
	if (m)
		memcpy(c->driver, m->device.driver, sizeof(c->driver));
	c->verdict = VS_WHY_CANNOT_START;
	c->reboot = VS_REBOOT_NO;
	c->confidence = VS_HIGH;
	return 0;
}

/* "1) ", "2) " where there are several. */
static void number(char *buf, size_t size, size_t i, size_t nr)
{
	if (nr > 1)
		vs_words__append(buf, size, "%s%zu) ", i ? " " : "", i + 1);
}

void why_start__advise(struct vs_why_case *c, const char *what)
{
	const struct vs_start_report *s = c->start;
	bool other = s->rows[0].kind == VS_START_BUSY;

	vs_words__append(c->says, sizeof(c->says), "no %sVM can start with %s: ", other ? "other " : "", what);
	for (size_t i = 0; i < s->nr_blocks; i++) {
		number(c->says, sizeof(c->says), i, s->nr_blocks);
		number(c->next, sizeof(c->next), i, s->nr_blocks);
		vs_words__append(c->says, sizeof(c->says), "%s", s->rows[i].says);
		vs_words__append(c->next, sizeof(c->next), "%s%s", s->rows[i].next, i + 1 < s->nr_blocks ? "." : "");
	}
}

void why_start__note(struct vs_why_case *c)
{
	if (c->start)
		vs_words__append(c->says, sizeof(c->says), " Nothing that is seen from here keeps a VM from starting with it.");
	for (size_t i = c->start ? c->start->nr_blocks : 0; c->start && i < c->start->nr; i++)
		vs_words__append(c->says, sizeof(c->says), " %s", c->start->rows[i].says);
}
