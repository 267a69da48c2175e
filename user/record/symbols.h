/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel addresses and their names, as many as there is room for. */
#ifndef VFIOSCOPE_RECORD_SYMBOLS_H
#define VFIOSCOPE_RECORD_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/view.h"

struct vs_rec_name {
	uint64_t address;	/* 0: an empty entry */
	uint64_t asked;		/* by the owner: when it was last asked for */
	bool known;
	char text[VS_SITE_LEN];
};

struct vs_rec_names;

struct vs_rec_names *vs_rec_names__new(void);	/* NULL: no memory */
void vs_rec_names__free(struct vs_rec_names *n);	/* NULL is fine */

/* Returns the entry of @address, or a new one that is zeroed but for the address; NULL: no room. */
struct vs_rec_name *vs_rec_names__at(struct vs_rec_names *n, uint64_t address);

/* Entries in no order; NULL gives the first, and comes at the end. */
struct vs_rec_name *vs_rec_names__next(struct vs_rec_names *n, struct vs_rec_name *name);

#endif
