// SPDX-License-Identifier: GPL-2.0
#include "ledger/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lru.h"

struct vs_tasks {
	struct vs_lru *tasks;	/* by tid */
};

struct vs_tasks *vs_tasks__new(size_t max)
{
	struct vs_tasks *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tasks = vs_lru__new(max, sizeof(struct vs_task), NULL, NULL);
	if (t->tasks)
		return t;
	free(t);
	errno = ENOMEM;
	return NULL;
}

void vs_tasks__free(struct vs_tasks *t)
{
	if (!t)
		return;
	vs_lru__free(t->tasks);
	free(t);
}

const struct vs_task *vs_tasks__find(struct vs_tasks *t, uint32_t tid)
{
	return vs_lru__find(t->tasks, tid);
}

/* An exit may be lost, so the next enter also ends the notifier before it. */
static bool leave(struct vs_tasks *t, uint32_t tid, struct vs_task *gone)
{
	const struct vs_task *task = vs_lru__find(t->tasks, tid);
	bool missed;

	if (!task)
		return false;
	*gone = *task;
	missed = task->enter_ns && !task->got;
	vs_lru__del(t->tasks, tid);
	return missed;
}

static struct vs_task *enter(struct vs_tasks *t, const struct vs_event *e)
{
	struct vs_task *task = vs_lru__add(t->tasks, e->tid);

	if (!task)
		return NULL;
	*task = (struct vs_task){
		.tid = e->tid,
		.cpu = e->cpu,
		.action = e->action,
		.enter_ns = e->type == VS_NOTIFIER_ENTER ? e->time_ns : 0,
		.enter_seq = e->type == VS_NOTIFIER_ENTER ? e->seq : 0,
		.ip = e->ip,
		.chain = e->ctx_object,
		.group = e->ctx_group ? e->ctx_group : e->group,
		.iommu_group = e->iommu_group,
	};
	memcpy(task->comm, e->comm, VS_COMM_LEN);
	return task;
}

static void got(struct vs_tasks *t, const struct vs_event *e)
{
	struct vs_task *task = vs_lru__find(t->tasks, e->tid);

	if (!task)
		task = enter(t, e);
	if (!task || task->got)
		return;
	task->got = true;
	if (e->type == VS_GET) {
		task->get_ns = e->time_ns;
		task->get_seq = e->seq;
		task->get_ip = e->ip;
		task->get_cpu = e->cpu;
		task->get_refs = e->refs;
	}
	if (e->group)
		task->group = e->group;
}

/* Without a probe on gets, the put or its deferral still proves that there was one. */
static bool proves_get(const struct vs_event *e)
{
	return e->context == VS_CTX_NOTIFIER &&
	       (e->type == VS_GET || e->type == VS_PUT || e->type == VS_QUEUE);
}

bool vs_tasks__feed(struct vs_tasks *t, const struct vs_event *e, struct vs_task *gone)
{
	bool missed = false;

	if (e->type == VS_NOTIFIER_ENTER || e->type == VS_NOTIFIER_EXIT)
		missed = leave(t, e->tid, gone);
	if (e->type == VS_NOTIFIER_ENTER)
		enter(t, e);
	else if (proves_get(e))
		got(t, e);
	return missed;
}

uint64_t vs_tasks__evicted(const struct vs_tasks *t)
{
	return vs_lru__evicted(t->tasks);
}
