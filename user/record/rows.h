/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events as rows: each says how it differs from the last one of its type, and names pointers, tasks,
 * stacks and devices by the number that they got when they first came. No byte of an event is lost.
 */
#ifndef VFIOSCOPE_RECORD_ROWS_H
#define VFIOSCOPE_RECORD_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "record/pack.h"

#define VS_ROW_MOST 4096	/* bytes of an event; the longest of today has 512 */

struct vs_event_rows;

/* NULL: no memory. A writer and its reader begin with the same state: none. */
struct vs_event_rows *vs_event_rows__new(void);
void vs_event_rows__free(struct vs_event_rows *r);	/* NULL is fine */
void vs_event_rows__reset(struct vs_event_rows *r);

/* Packs one record of the event ABI. Returns false if it is none that a row can say. */
bool vs_event_rows__pack(struct vs_event_rows *r, const void *record, size_t len, struct vs_pack *p);

/* Reads it back into @buf of VS_ROW_MOST bytes, aligned as an event. Returns its length; 0: it is damaged. */
size_t vs_event_rows__unpack(struct vs_event_rows *r, struct vs_packed *u, void *buf);

#endif
