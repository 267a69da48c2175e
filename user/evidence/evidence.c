// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "evidence/evidence.h"

void vs_evidence__free(struct vs_evidence *e)
{
	for (size_t i = 0; i < e->nr_tasks; i++)
		free(e->tasks[i].frames);
	for (size_t i = 0; i < e->nr_logged; i++)
		free(e->logged[i].frames);
	free(e->tasks);
	free(e->logged);
	free(e->messages);
	free(e->processes);
	free(e->works);
	free(e->workers);
	free(e->openers);
	free(e->start);
	vs_snapshot__free(&e->snapshot);
	memset(e, 0, sizeof(*e));
}

const struct vs_ev_task *vs_evidence__task_at(const struct vs_evidence *e, uint64_t address)
{
	for (size_t i = 0; address && i < e->nr_tasks; i++)
		if (e->tasks[i].address == address)
			return &e->tasks[i];
	return NULL;
}

const struct vs_ev_process *vs_evidence__process(const struct vs_evidence *e, uint32_t tgid)
{
	for (size_t i = 0; tgid && i < e->nr_processes; i++)
		if (e->processes[i].tgid == tgid)
			return &e->processes[i];
	return NULL;
}

static bool is_in(const char *frame, const char *function)
{
	size_t len = strlen(function);

	return !strncmp(frame, function, len) && (!frame[len] || strchr("+. ", frame[len]));
}

size_t vs_ev_task__find(const struct vs_ev_task *t, size_t from, const char *function)
{
	for (size_t i = from; i < t->nr_frames; i++)
		if (is_in(t->frames[i], function))
			return i;
	return t->nr_frames;
}
