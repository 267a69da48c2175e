/* SPDX-License-Identifier: GPL-2.0 */
/* The number of works that wait, over time: a series of bounded length, however long the run. Pure. */
#ifndef VFIOSCOPE_LATENCY_BACKLOG_H
#define VFIOSCOPE_LATENCY_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#define VS_BACKLOG_CELLS 64

struct vs_backlog {
	uint64_t start_ns;
	uint64_t cell_ns;	/* time that one cell covers; doubles when all are used */
	uint64_t cells[VS_BACKLOG_CELLS]; /* the most that was seen in that time */
	size_t nr;
};

/* @cell_ns: how fine it begins. */
void vs_backlog__init(struct vs_backlog *b, uint64_t start_ns, uint64_t cell_ns);
void vs_backlog__sample(struct vs_backlog *b, uint64_t now_ns, uint64_t waiting);
uint64_t vs_backlog__peak(const struct vs_backlog *b);	/* the most of all samples */

#endif
