// SPDX-License-Identifier: GPL-2.0
#include "serve/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct page_sink {
	struct vs_sink base;	/* first */
	struct vs_page *page;
};

const unsigned int vs_page_codes[VS_PAGE_CODES] = { 200, 400, 404, 405, 421, 503 };

/* -- names -- */

const char *vs_page_how__name(enum vs_page_how how)
{
	static const char *const names[VS_HOWS] = { "fd", "file", "kernel" };

	return names[how];
}

const char *vs_page_class__name(unsigned int class)
{
	return class < VS_REF_CLASSES ? vs_ref_class__name(class) : "unknown";
}

/* -- times -- */

#define S 1000000000ull
const uint64_t vs_page_wait_bounds[VS_PAGE_WAIT_BOUNDS] = {
	S / 100, S / 10, S / 2, 1 * S, 5 * S, 10 * S, 30 * S, 60 * S, 300 * S, 600 * S, 1800 * S, 7200 * S,
};

uint64_t vs_page__put_bound(size_t i)
{
	return 1ull << (14 + i);
}

static void add_time(struct vs_page_times *t, uint64_t ns, uint64_t (*bound)(size_t i), size_t nr)
{
	size_t i = 0;

	while (i < nr && ns > bound(i))
		i++;
	if (i < nr)
		t->counts[i]++;
	t->count++;
	t->sum_ns += ns;
}

static uint64_t wait_bound(size_t i)
{
	return vs_page_wait_bounds[i];
}

uint64_t vs_page__wall_ns(const struct vs_page *p, uint64_t mono_ns)
{
	return mono_ns ? p->wall_ns - p->mono_ns + mono_ns : 0;
}

/* -- the plan -- */

void vs_page__take_plan(struct vs_page *p, const struct vs_plan *plan, const struct vs_facts *facts)
{
	static const char *const states[] = {
		[VS_KMOD_ABSENT] = "absent", [VS_KMOD_ON_DISK] = "module",
		[VS_KMOD_LOADED] = "module", [VS_KMOD_BUILTIN] = "builtin",
	};

	memset(p->hooks, 0, sizeof(p->hooks));
	for (size_t i = 0; i < plan->nr_rows; i++)
		p->hooks[plan->rows[i].status][plan->rows[i].hook->required]++;
	p->fix = plan->fix;
	p->kernel = facts->release;
	p->vfio = states[facts->vfio_state];
}

/* -- the ledger -- */

static void take_book(struct vs_page *p, const struct vs_book *b)
{
	enum vs_suspicion suspicion = vs_book__suspicion(b, 0, p->mono_ns);

	if (b->released && suspicion < VS_SUSPECT_LEAK)
		return;
	p->groups[suspicion]++;
	p->groups_differ += b->differs;
	p->references[VS_REF_CLASSES] += b->unknown;
	for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
		p->references[ref->class]++;
		if (!p->oldest_ns || ref->get_ns < p->oldest_ns)
			p->oldest_ns = ref->get_ns;
	}
}

static enum vs_page_how how_of(const struct vs_registration *ref)
{
	if (ref->class != VS_REGISTRATION_FILE)
		return VS_HOW_KERNEL;
	return ref->fd >= 0 ? VS_HOW_FD : VS_HOW_FILE;
}

static bool is_named(const struct vs_page_wait *w, const struct vs_page_holder *h)
{
	for (size_t i = 0; i < w->nr_holders; i++)
		if (w->holders[i].how == h->how && !memcmp(w->holders[i].comm, h->comm, sizeof(h->comm)))
			return true;
	return false;
}

/* Holders of one name and kind are one: a series may stand on the page only once. */
static void name_holders(struct vs_page *p, struct vs_page_wait *w, const struct vs_registration_book *b)
{
	for (const struct vs_registration *ref = b->newest; ref; ref = ref->older) {
		struct vs_page_holder h = { .how = how_of(ref) };

		strncpy(h.comm, ref->tgid ? ref->comm : "", sizeof(h.comm));
		if (ref->class == VS_REGISTRATION_DRIVER || is_named(w, &h))
			continue;
		if (w->nr_holders < VS_PAGE_HOLDERS)
			w->holders[w->nr_holders++] = h;
		else
			p->dropped++;
	}
}

/* Finds the place for a wait that began then, so that the longest stay; NULL where there is none. */
static struct vs_page_wait *wait_place(struct vs_page *p, uint64_t start_ns)
{
	size_t at = p->nr_waits;

	while (at && p->waits[at - 1].start_ns > start_ns)
		at--;
	p->dropped += p->nr_waits == VS_PAGE_WAITS;
	if (at == VS_PAGE_WAITS)
		return NULL;
	p->nr_waits += p->nr_waits < VS_PAGE_WAITS;
	memmove(&p->waits[at + 1], &p->waits[at], (p->nr_waits - 1 - at) * sizeof(p->waits[0]));
	return &p->waits[at];
}

/* Of a wait that began before the run, only the snapshot knows: the page counts it from the start of the run. */
static uint64_t wait_start(const struct vs_page *p, const struct vs_registration_book *b)
{
	return b->wait.start_ns ? b->wait.start_ns : p->started_ns;
}

static void take_device(struct vs_page *p, const struct vs_registration_book *b)
{
	uint64_t start = wait_start(p, b);
	struct vs_page_wait *w;

	p->devices++;
	if (!vs_registration_book__waits(b))
		return;
	p->unbinds_waiting++;
	if (!p->oldest_wait_ns || start < p->oldest_wait_ns)
		p->oldest_wait_ns = start;
	w = wait_place(p, start);
	if (!w)
		return;
	*w = (struct vs_page_wait){ .group = b->number, .start_ns = start };
	memcpy(w->device, b->device, sizeof(w->device));
	name_holders(p, w, b);
}

void vs_page__take_ledger(struct vs_page *p, const struct vs_refs *refs,
			  const struct vs_registrations *registrations)
{
	const struct vs_registration_book *device = NULL;
	const struct vs_book *book = NULL;

	memset(p->groups, 0, sizeof(p->groups));
	memset(p->references, 0, sizeof(p->references));
	p->oldest_ns = p->groups_differ = p->devices = p->unbinds_waiting = p->oldest_wait_ns = 0;
	p->nr_waits = p->dropped = 0;
	while ((book = vs_refs__next(refs, book)))
		take_book(p, book);
	while ((device = vs_registrations__next(registrations, device)))
		take_device(p, device);
	vs_refs__totals(refs, &p->totals);
}

/* -- what the session says -- */

static struct vs_page *page_of(struct vs_sink *s)
{
	return ((struct page_sink *)s)->page;
}

static void finding(struct vs_sink *s, const struct vs_finding *f)
{
	struct vs_page *p = page_of(s);
	struct vs_page_line *line = &p->lines[p->nr_lines++ % VS_PAGE_LINES];

	p->findings[f->kind][f->grade]++;
	p->last_finding_ns[f->grade] = f->time_ns;
	p->changed = true;
	*line = (struct vs_page_line){ .time_ns = f->time_ns, .kind = f->kind, .grade = f->grade };
	vs_finding__words(f, line->words, sizeof(line->words));
}

static void gap(struct vs_sink *s, const struct vs_gap_row *g)
{
	struct vs_page *p = page_of(s);

	p->changed = true;
	p->blind[g->why] = !g->to_ns;
	p->blind_from_ns[g->why] = g->from_ns;
	if (g->to_ns > g->from_ns && !vs_gap__is_empty(g))
		p->blind_ns[g->why] += g->to_ns - g->from_ns;
}

static void deferred(struct vs_sink *s, const struct vs_deferred *d, const struct vs_group_view *group)
{
	struct vs_page *p = page_of(s);

	(void)group;
	if (d->queue_ns && d->start_ns >= d->queue_ns)
		add_time(&p->put_start, d->start_ns - d->queue_ns, vs_page__put_bound, VS_PAGE_BOUNDS);
	if (d->queue_ns && d->end_ns >= d->queue_ns)
		add_time(&p->put_end, d->end_ns - d->queue_ns, vs_page__put_bound, VS_PAGE_BOUNDS);
}

static void waited(struct vs_sink *s, const struct vs_registration_book *b, const struct vs_group_view *group,
		   struct vs_sites *sites)
{
	(void)group;
	(void)sites;
	if (b->wait.start_ns && b->wait.end_ns >= b->wait.start_ns)
		add_time(&page_of(s)->waited, b->wait.end_ns - b->wait.start_ns, wait_bound, VS_PAGE_WAIT_BOUNDS);
}

static void summary(struct vs_sink *s, const struct vs_summary *sum)
{
	struct vs_page *p = page_of(s);

	memcpy(p->by_type, sum->by_type, sizeof(p->by_type));
	memcpy(p->losses, sum->losses, sizeof(p->losses));
	p->deferred = *sum->deferred;
	p->outstanding = sum->outstanding;
	p->overdue = sum->overdue;
	p->found = sum->found;
	p->not_found = sum->not_found;
}

static void start(struct vs_sink *s, const struct vs_start *st)
{
	(void)s;
	(void)st;
}

static void event(struct vs_sink *s, const struct vs_view *v)
{
	(void)s;
	(void)v;
}

static void loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	(void)s;
	(void)l;
}

static void notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	(void)s;
	(void)time_ns;
	(void)words;
}

static int flush(struct vs_sink *s)
{
	(void)s;
	return 0;
}

static void free_sink(struct vs_sink *s)
{
	free(s);
}

static const struct vs_sink_ops ops = {
	.start = start,
	.event = event,
	.deferred = deferred,
	.finding = finding,
	.loss = loss,
	.gap = gap,
	.notice = notice,
	.summary = summary,
	.waited = waited,
	.flush = flush,
	.free = free_sink,
};

struct vs_sink *vs_page__sink(struct vs_page *p)
{
	struct page_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->base.ops = &ops;
	s->page = p;
	return &s->base;
}

/* -- questions -- */

bool vs_page__is_blind(const struct vs_page *p)
{
	for (size_t why = 0; why < VS_GAP_REASONS; why++)
		if (p->blind[why])
			return true;
	return !p->up;
}

uint64_t vs_page__deadlocked(const struct vs_page *p, enum vs_finding_kind kind)
{
	return p->findings[kind][VS_GRADE_BUG];
}
