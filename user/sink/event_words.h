/* SPDX-License-Identifier: GPL-2.0 */
/* Pieces of text about what a ledger knows: gaps, groups. */
#ifndef VFIOSCOPE_EVENT_WORDS_H
#define VFIOSCOPE_EVENT_WORDS_H

#include "event/view.h"
#include "ledger/gaps.h"

#define VS_GAP_LINE (VS_GAP_WORDS + 64)

/* Writes "GAP of 1.2 s: ...", or "GAP from here on: ..." while it has no end. */
void vs_words__gap(char *buf, size_t size, const struct vs_gap_row *row);

/* Writes "group 1 (0000:00:05.0 0000:00:05.1 +6)", or without devices; "" if not known. */
void vs_words__group(char *buf, size_t size, const struct vs_group_view *g, bool devices);

#endif
