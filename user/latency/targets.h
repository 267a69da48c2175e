/* SPDX-License-Identifier: GPL-2.0 */
/* Maps names of work functions to addresses, as modules come and go. Pure but for the FILE. */
#ifndef VFIOSCOPE_LATENCY_TARGETS_H
#define VFIOSCOPE_LATENCY_TARGETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/latency.h"

struct vs_targets {
	const char *names[VS_LAT_TARGETS];	/* borrowed */
	size_t nr_names;
	uint64_t addrs[VS_LAT_TARGETS];	/* each of a name, which may have several; 0: free */
	size_t name_of[VS_LAT_TARGETS];
	size_t nr;		/* addresses */
	size_t left_out;	/* addresses that there was no room for */
};

/* 0, or -ENOSPC when there are VS_LAT_TARGETS already. A name given twice counts once. */
int vs_targets__add(struct vs_targets *t, const char *name);

/*
 * Looks all names up anew in an open kallsyms file: functions of the kernel and of
 * loaded modules. 0, or -EPERM when addresses are hidden.
 */
int vs_targets__resolve(struct vs_targets *t, FILE *kallsyms);

/* Returns how many addresses a name has now. */
size_t vs_targets__found(const struct vs_targets *t, size_t name);

/* The name of an address, NULL when it is none of them. */
const char *vs_targets__name(const struct vs_targets *t, uint64_t addr);

#endif
