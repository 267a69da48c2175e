// SPDX-License-Identifier: GPL-2.0
#include "latency/backlog.h"

#include <string.h>

void vs_backlog__init(struct vs_backlog *b, uint64_t start_ns, uint64_t cell_ns)
{
	*b = (struct vs_backlog){ .start_ns = start_ns, .cell_ns = cell_ns };
}

static void halve(struct vs_backlog *b)
{
	for (size_t i = 0; i < VS_BACKLOG_CELLS / 2; i++) {
		uint64_t first = b->cells[2 * i], second = b->cells[2 * i + 1];

		b->cells[i] = first > second ? first : second;
	}
	memset(&b->cells[VS_BACKLOG_CELLS / 2], 0, VS_BACKLOG_CELLS / 2 * sizeof(b->cells[0]));
	b->nr = VS_BACKLOG_CELLS / 2;
	b->cell_ns *= 2;
}

void vs_backlog__sample(struct vs_backlog *b, uint64_t now_ns, uint64_t waiting)
{
	uint64_t cell = now_ns > b->start_ns ? (now_ns - b->start_ns) / b->cell_ns : 0;

	for (; cell >= VS_BACKLOG_CELLS; cell /= 2)
		halve(b);
	if (cell >= b->nr)
		b->nr = cell + 1;
	if (waiting > b->cells[cell])
		b->cells[cell] = waiting;
}

uint64_t vs_backlog__peak(const struct vs_backlog *b)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < b->nr; i++)
		peak = b->cells[i] > peak ? b->cells[i] : peak;
	return peak;
}
