// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "snapshot/walk.h"
#include "why/works.h"

#define MAX_PWQS 8192		/* one for each CPU, or each node */
#define MAX_NODES 65536		/* works in a list, workers of a pool */

struct search {
	const struct vs_mem *mem;
	const struct vs_snap_layout *l;
	uint64_t func;
	void (*name)(void *ctx, uint64_t address, char *buf, size_t size);
	void *ctx;
	struct vs_evidence *e;
	uint64_t nodes[MAX_NODES];
};

static struct vs_ev_work *add_work(struct search *s, uint64_t work, int cpu)
{
	struct vs_ev_work *row = vs_rows__add(&s->e->works, &s->e->nr_works, sizeof(*row));

	if (!row)
		return NULL;
	row->address = work;
	row->cpu = cpu;
	row->group = vs_mem__pointer(s->mem, work + s->l->work_size);
	return row;
}

/* Items that wait in a list. */
static int look_at_list(struct search *s, uint64_t head, enum vs_ev_work_state state, int cpu)
{
	int nr = vs_walk__list(s->mem, head, s->nodes, MAX_NODES);

	for (int i = 0; i < nr; i++) {
		uint64_t work = s->nodes[i] - s->l->work_entry;
		struct vs_ev_work *row;

		if (vs_mem__pointer(s->mem, work + s->l->work_func) != s->func)
			continue;
		row = add_work(s, work, cpu);
		if (!row)
			return -ENOMEM;
		row->state = state;
		row->ahead = (uint32_t)i;
	}
	return nr < 0 ? nr : 0;
}

static int add_worker(struct search *s, uint64_t task, uint64_t func, int cpu)
{
	struct vs_ev_worker *w;
	char name[VS_SITE_LEN];

	s->name(s->ctx, func, name, sizeof(name));
	for (size_t i = 0; i < s->e->nr_workers; i++) {
		w = &s->e->workers[i];
		if (w->cpu == cpu && !strcmp(w->func, name)) {
			w->nr++;
			return 0;
		}
	}
	w = vs_rows__add(&s->e->workers, &s->e->nr_workers, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct vs_ev_worker){ .task = task, .nr = 1, .cpu = cpu };
	memcpy(w->func, name, sizeof(w->func));
	return 0;
}

/* Adds the work that a worker runs: a put, or another one that may delay puts. */
static int look_at_worker(struct search *s, uint64_t worker, int cpu)
{
	uint64_t func = vs_mem__pointer(s->mem, worker + s->l->worker_func);
	uint64_t task = vs_mem__pointer(s->mem, worker + s->l->worker_task);
	struct vs_ev_work *row;

	if (!func)
		return 0;
	if (func != s->func)
		return add_worker(s, task, func, cpu);
	row = add_work(s, vs_mem__pointer(s->mem, worker + s->l->worker_work), cpu);
	if (!row)
		return -ENOMEM;
	row->state = VS_EV_WORK_RUNNING;
	row->worker = task;
	return 0;
}

static int look_at_workers(struct search *s, uint64_t pool, int cpu)
{
	int nr = vs_walk__list(s->mem, pool + s->l->pool_workers, s->nodes, MAX_NODES), err = 0;

	for (int i = 0; i < nr && !err; i++)
		err = look_at_worker(s, s->nodes[i] - s->l->worker_node, cpu);
	return nr < 0 ? nr : err;
}

static int look_at_pwq(struct search *s, uint64_t pwq)
{
	int inactive = s->l->pwq_inactive >= 0 ? s->l->pwq_inactive : s->l->pwq_delayed;
	uint64_t pool = vs_mem__pointer(s->mem, pwq + s->l->pwq_pool);
	size_t before = s->e->nr_works, workers = s->e->nr_workers;
	int32_t cpu = -1;
	int err;

	if (!pool || vs_mem__read(s->mem, pool + s->l->pool_cpu, &cpu, sizeof(cpu)))
		return -EFAULT;
	err = look_at_list(s, pwq + inactive, VS_EV_WORK_INACTIVE, cpu);
	err = err ?: look_at_list(s, pool + s->l->pool_worklist, VS_EV_WORK_PENDING, cpu);
	err = err ?: look_at_workers(s, pool, cpu);
	if (s->e->nr_works == before)
		s->e->nr_workers = workers;
	return err;
}

static bool is_known(const struct vs_snap_layout *l)
{
	return l->wq_pwqs >= 0 && l->pwq_node >= 0 && l->pwq_pool >= 0 && l->pool_cpu >= 0 &&
	       (l->pwq_inactive >= 0 || l->pwq_delayed >= 0) && l->pool_worklist >= 0 &&
	       l->pool_workers >= 0 && l->worker_node >= 0 && l->worker_task >= 0 &&
	       l->worker_func >= 0 && l->worker_work >= 0 && l->work_entry >= 0 &&
	       l->work_func >= 0 && l->work_size > 0;
}

int vs_works__find(const struct vs_mem *mem, const struct vs_snap_layout *layout, uint64_t wq,
		   uint64_t func, void (*name)(void *ctx, uint64_t address, char *buf, size_t size),
		   void *ctx, struct vs_evidence *e)
{
	struct search *s;
	uint64_t *pwqs;
	int nr, err = 0;

	if (!is_known(layout))
		return -ENOTSUP;
	s = malloc(sizeof(*s));
	pwqs = malloc(MAX_PWQS * sizeof(*pwqs));
	if (!s || !pwqs) {
		free(s);
		free(pwqs);
		return -ENOMEM;
	}
	*s = (struct search){ mem, layout, func, name, ctx, e, {} };
	nr = vs_walk__list(mem, wq + layout->wq_pwqs, pwqs, MAX_PWQS);
	for (int i = 0; i < nr && !err; i++)
		err = look_at_pwq(s, pwqs[i] - layout->pwq_node);
	free(s);
	free(pwqs);
	return nr < 0 ? nr : err;
}
