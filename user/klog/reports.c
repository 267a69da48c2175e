// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "evidence/names.h"
#include "klog/functions.h"
#include "klog/locks.h"
#include "klog/scan_priv.h"

#define MOST_TASKS 1024		/* reports of one task are one */
#define MOST_OWNERS 256
#define MOST_MESSAGES 512
#define HASHED_FRAMES 4	/* of the same task: a later report may show less of the rest */

struct entry {
	struct vs_ev_logged about;
	char name[KLOG_NAME];
	uint32_t tid;
	char state;
	bool sleeps;
	uint64_t hash;		/* of its functions */
	size_t nr_frames;
	char (*frames)[VS_SITE_LEN];
};

struct owner {
	char name[KLOG_NAME], owner[KLOG_NAME];
	uint32_t tid, owner_tid;
	bool reads;
};

struct klog_table {
	struct entry entries[MOST_TASKS];
	uint64_t hashes[MOST_TASKS];	/* of the entries, again: side by side they are looked through quickly */
	struct owner owners[MOST_OWNERS];
	struct vs_ev_message messages[MOST_MESSAGES];
	size_t nr, nr_owners, nr_messages;
	uint64_t reports, left_out;
};

struct klog_table *klog_table__new(void)
{
	return calloc(1, sizeof(struct klog_table));
}

void klog_table__free(struct klog_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr; i++)
		free(t->entries[i].frames);
	free(t);
}

/* -- what a stack says -- */

static bool sleeps(enum vs_ev_told told)
{
	return told == VS_TOLD_HUNG || told == VS_TOLD_STATE || told == VS_TOLD_STACK ||
	       told == VS_TOLD_DUMP || told == VS_TOLD_BARE;
}

/* Picks the frames that the unwinder relies on; if there are none, it picks the loose ones. */
static size_t pick_frames(const struct klog_report *r, const struct klog_frame **frames, bool *loose)
{
	size_t nr = 0;

	for (unsigned int i = 0; i < r->nr; i++)
		if (!r->frames[i].loose)
			frames[nr++] = &r->frames[i];
	*loose = !nr;
	for (unsigned int i = 0; !nr && *loose && i < r->nr; i++)
		frames[i] = &r->frames[i];
	return nr ? nr : r->nr;
}

/* The outermost function of the scheduler or of a lock is the one that was called to wait. */
static enum vs_ev_wait wait_of(unsigned int flags)
{
	if (flags & KLOG_FN_MUTEX)
		return VS_WAIT_MUTEX;
	if (flags & KLOG_FN_RWSEM)
		return VS_WAIT_RWSEM;
	if (flags & KLOG_FN_SEMAPHORE)
		return VS_WAIT_SEMAPHORE;
	if (flags & KLOG_FN_COMPLETION)
		return VS_WAIT_COMPLETION;
	if (flags & KLOG_FN_TIMED)
		return VS_WAIT_TIMED;
	return VS_WAIT_EVENT;
}

static bool is_function(const char *frame, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(frame, name, len) && strchr("+. ", frame[len]);
}

/* The same function of the scheduler twice: frames of two tasks are mixed. */
static bool is_doubled(const struct klog_frame *const *frames, size_t run)
{
	unsigned int schedules = 0, bodies = 0;

	for (size_t i = 0; i < run; i++) {
		schedules += is_function(frames[i]->text, "schedule");
		bodies += is_function(frames[i]->text, "__schedule");
	}
	return schedules > 1 || bodies > 1;
}

/* What a task sleeps in is innermost: such a function further outside is of another task. */
static bool has_foreign(const struct klog_frame *const *frames, size_t nr, size_t run)
{
	for (size_t i = run; i < nr; i++)
		if (frames[i]->flags &
		    (KLOG_FN_MUTEX | KLOG_FN_RWSEM | KLOG_FN_SEMAPHORE | KLOG_FN_COMPLETION))
			return true;
	return false;
}

/* Returns true if no innermost frame is missing, so that the frames show what it sleeps in. */
static bool has_top(const struct klog_report *r, const struct klog_frame *first)
{
	if (r->about.told == VS_TOLD_STACK || r->proc_style)
		return r->told_top || is_function(first->text, "vfio_unregister_group_dev") ||
		       is_function(first->text, "vfio_del_group_dev");
	if (r->about.told == VS_TOLD_BARE)
		return (first->flags & KLOG_FN_SWITCH) && !is_function(r->frames[0].text, "schedule");
	return (first->flags & KLOG_FN_WAITS) || (r->about.told == VS_TOLD_DUMP && r->told_top);
}

static void judge(const struct klog_report *r, struct entry *e, const struct klog_frame *const *frames, size_t nr,
		  size_t run)
{
	if (!sleeps(r->about.told) || r->state == 'R') {
		e->about.wait = VS_WAIT_NOT;
		return;
	}
	e->about.wait = run ? wait_of(frames[run - 1]->flags) : VS_WAIT_UNKNOWN;
	e->about.torn = r->mixed || !nr || !has_top(r, frames[0]) || is_doubled(frames, run) ||
			has_foreign(frames, nr, run);
}

static uint64_t hash_of(const struct entry *e)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < e->nr_frames && i < HASHED_FRAMES; i++)
		for (const char *c = e->frames[i]; *c && *c != '+'; c++)
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3ull;
	return hash;
}

static unsigned int frame_flags(const struct entry *e)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < e->nr_frames; i++)
		flags |= vs_frame__flags(e->frames[i]);
	return flags;
}

/* A table of all tasks has thousands that only wait for work: they are not kept. */
static bool is_of_interest(const struct entry *e)
{
	if (frame_flags(e) & (VS_FRAME_VFIO | VS_FRAME_DRIVER))
		return true;
	if (!e->sleeps)
		return e->about.told == VS_TOLD_RUNS || e->about.told == VS_TOLD_DIED;
	return e->state == 'D' || !e->state;
}

/* -- the table -- */

static bool is_same(const struct entry *a, const struct entry *b)
{
	return a->tid == b->tid && a->sleeps == b->sleeps &&
	       a->about.boot == b->about.boot && a->about.torn == b->about.torn &&
	       !strcmp(a->name, b->name);
}

/* Keeps the times of both, and the longer stack of the two. */
static void merge(struct entry *old, struct entry *new)
{
	char (*frames)[VS_SITE_LEN] = new->frames;
	size_t nr = new->nr_frames;
	uint64_t first = old->about.first_ns, hung = old->about.hung_ns;
	uint32_t reports = old->about.reports + 1;
	enum vs_ev_told told = old->about.told;

	if (new->about.told < told)
		told = new->about.told;
	old->about = new->about;
	old->about.told = told;
	old->about.first_ns = first;
	old->about.reports = reports;
	if (hung != VS_EV_UNKNOWN && (old->about.hung_ns == VS_EV_UNKNOWN || old->about.hung_ns < hung))
		old->about.hung_ns = hung;
	if (nr <= old->nr_frames)
		return;
	new->frames = old->frames;
	old->frames = frames;
	old->nr_frames = nr;
}

/* The kernel shows the owner of a lock after the line that names it, whatever the owner does. */
static bool is_owner(const struct klog_table *t, uint32_t tid)
{
	for (size_t i = 0; tid && i < t->nr_owners; i++)
		if (t->owners[i].owner_tid == tid)
			return true;
	return false;
}

static size_t keep(struct klog_table *t, struct entry *e)
{
	for (size_t i = t->nr; i-- > 0;)
		if (t->hashes[i] == e->hash && is_same(&t->entries[i], e)) {
			merge(&t->entries[i], e);
			free(e->frames);
			return i + 1;
		}
	if (t->nr == MOST_TASKS || !(is_of_interest(e) || is_owner(t, e->tid))) {
		t->left_out += t->nr == MOST_TASKS;
		free(e->frames);
		return 0;
	}
	t->hashes[t->nr] = e->hash;
	t->entries[t->nr++] = *e;
	return t->nr;
}

size_t klog_table__add(struct klog_table *t, const struct klog_report *r)
{
	struct entry e = { .about = r->about, .tid = r->tid, .state = r->state };
	const struct klog_frame *frames[KLOG_FRAMES];
	size_t nr = pick_frames(r, frames, &e.about.loose), run = 0;

	if (!nr && e.about.told != VS_TOLD_HUNG)	/* a console may leave out all but the line of the error */
		return 0;
	t->reports++;
	if (e.about.told == VS_TOLD_BARE && (frames[0]->flags & KLOG_FN_DUMP))
		e.about.told = VS_TOLD_WARNED;
	if (e.about.told == VS_TOLD_NOTHING)
		e.about.told = VS_TOLD_CPU;
	e.sleeps = sleeps(e.about.told);
	e.about.reports = 1;
	memcpy(e.name, r->name, sizeof(e.name));
	while (e.sleeps && run < nr && (frames[run]->flags & KLOG_FN_WAITS))
		run++;
	judge(r, &e, frames, nr, run);
	e.frames = calloc(nr - run + 1, sizeof(*e.frames));
	if (!e.frames)
		return 0;
	for (size_t i = run; i < nr; i++)
		memcpy(e.frames[e.nr_frames++], frames[i]->text, VS_SITE_LEN);
	e.hash = hash_of(&e);
	return keep(t, &e);
}

void klog_table__tear(struct klog_table *t, size_t index)
{
	if (index)
		t->entries[index - 1].about.torn = true;
}

void klog_table__own(struct klog_table *t, const char *name, uint32_t tid, const char *owner,
		     uint32_t owner_tid, bool reads)
{
	struct owner o = { .tid = tid, .owner_tid = owner_tid, .reads = reads };

	snprintf(o.name, sizeof(o.name), "%s", name);
	snprintf(o.owner, sizeof(o.owner), "%s", owner);
	for (size_t i = 0; i < t->nr_owners; i++)
		if (t->owners[i].tid == tid) {
			t->owners[i] = o;
			return;
		}
	if (t->nr_owners < MOST_OWNERS)
		t->owners[t->nr_owners++] = o;
}

static bool is_same_message(const struct vs_ev_message *a, const struct vs_ev_message *b)
{
	return a->kind == b->kind && a->boot == b->boot && !strcmp(a->device, b->device);
}

/* Requests are counted from #0 on, one in 10 s: a lower one, or a later one of the same, is of another wait. */
static bool begins_anew(const struct vs_ev_message *old, const struct vs_ev_message *m)
{
	if (m->kind != VS_MSG_REQUESTED)
		return false;
	if (m->rounds != old->rounds)
		return m->rounds < old->rounds;
	return m->last_ns == VS_EV_UNKNOWN || old->last_ns == VS_EV_UNKNOWN ||
	       m->last_ns > old->last_ns + 5000000000ull;
}

void klog_table__say(struct klog_table *t, const struct vs_ev_message *m)
{
	for (size_t i = t->nr_messages; i-- > 0;) {
		struct vs_ev_message *old = &t->messages[i];

		if (!is_same_message(old, m))
			continue;
		if (begins_anew(old, m)) {
			uint32_t earlier = old->earlier + 1;

			*old = *m;
			old->earlier = earlier;
			return;
		}
		old->nr++;
		old->last_ns = m->last_ns;
		old->order = m->order;
		old->rounds = m->rounds;
		old->pid = m->pid;
		memcpy(old->comm, m->comm, sizeof(old->comm));
		memcpy(old->when, m->when, sizeof(old->when));
		return;
	}
	if (t->nr_messages < MOST_MESSAGES)
		t->messages[t->nr_messages++] = *m;
}

/* -- to evidence -- */

static int give_task(struct vs_evidence *e, const struct entry *from)
{
	struct vs_ev_task *t = vs_rows__add(&e->logged, &e->nr_logged, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->address = e->nr_logged;
	t->tid = t->tgid = from->tid;
	t->state = from->state ? from->state : '?';
	t->waited_ns = from->about.hung_ns;
	t->age_ns = t->stayed_ns = VS_EV_UNKNOWN;
	t->lock_group = -1;
	t->logged = from->about;
	if (from->about.wait == VS_WAIT_MUTEX)
		t->lock_kind = VS_EV_MUTEX;
	else if (from->about.wait == VS_WAIT_RWSEM)
		t->lock_kind = VS_EV_RWSEM;
	memcpy(t->comm, from->name, sizeof(t->comm) - 1);
	t->frames = calloc(from->nr_frames + 1, sizeof(*t->frames));
	if (!t->frames)
		return -ENOMEM;
	memcpy(t->frames, from->frames, from->nr_frames * sizeof(*t->frames));
	t->nr_frames = from->nr_frames;
	if (from->about.release[0] && e->from_log)
		snprintf(e->release, sizeof(e->release), "%s", from->about.release);
	return 0;
}

/* A torn report of a task adds nothing if another report has its stack whole. */
static bool is_told_better(const struct klog_table *t, const struct entry *e)
{
	for (size_t i = 0; e->about.torn && e->tid && i < t->nr; i++)
		if (!t->entries[i].about.torn && t->entries[i].tid == e->tid &&
		    t->entries[i].sleeps == e->sleeps && t->entries[i].about.boot == e->about.boot)
			return true;
	return false;
}

/* Finds it by its tid and name. An anonymised text may have lost the tid: then a name that is unique. */
static struct vs_ev_task *task_of(struct vs_evidence *e, uint32_t tid, const char *name)
{
	struct vs_ev_task *named = NULL;
	size_t nr = 0;

	for (size_t i = e->nr_logged; i-- > 0;)
		if (e->logged[i].tid == tid && !strncmp(e->logged[i].comm, name, VS_COMM_LEN - 1))
			return &e->logged[i];
	for (size_t i = 0; i < e->nr_logged; i++)
		if (!strncmp(e->logged[i].comm, name, VS_COMM_LEN - 1)) {
			named = &e->logged[i];
			nr++;
		}
	return nr == 1 ? named : NULL;
}

static void give_owners(const struct klog_table *t, struct vs_evidence *e)
{
	for (size_t i = 0; i < t->nr_owners; i++) {
		const struct owner *o = &t->owners[i];
		struct vs_ev_task *task = task_of(e, o->tid, o->name);
		struct vs_ev_task *owner = task_of(e, o->owner_tid, o->owner);

		if (!task)
			continue;
		task->logged.owner = o->owner_tid;
		memcpy(task->logged.owner_comm, o->owner, sizeof(task->logged.owner_comm));
		if (owner && owner != task)
			task->owner = owner->address;
		task->owner_reads = o->reads;
	}
}

int klog_table__give(const struct klog_table *t, struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < t->nr; i++)
		if (!is_told_better(t, &t->entries[i]))
			err = give_task(e, &t->entries[i]);
	for (size_t i = 0; !err && i < t->nr_messages; i++) {
		struct vs_ev_message *m = vs_rows__add(&e->messages, &e->nr_messages, sizeof(*m));

		if (!m)
			return -ENOMEM;
		*m = t->messages[i];
	}
	if (err)
		return err;
	give_owners(t, e);
	klog_locks__find(e);
	if (!e->from_log)	/* nr_seen are the tasks of the host */
		return 0;
	e->nr_seen += (uint32_t)(t->reports > UINT32_MAX ? UINT32_MAX : t->reports);
	if (t->left_out && !e->words[0])
		snprintf(e->words, sizeof(e->words), "the text has more than %d tasks: %llu reports were "
			 "left out", MOST_TASKS, (unsigned long long)t->left_out);
	return 0;
}
