/* SPDX-License-Identifier: GPL-2.0 */
/* Sentences that the page of why and its Markdown share. */
#ifndef VFIOSCOPE_SINK_WHY_WORDS_H
#define VFIOSCOPE_SINK_WHY_WORDS_H

#include "why/classify.h"

#define VS_HOLDER_WORDS 700	/* enough for any names */

/* Writes "holder[284] fd 5: the device"; @shared: an earlier holder has the same open file. */
void vs_why_words__holder(const struct vs_why_holder *h, bool shared, char *buf, size_t size);

/* Writes "container 0f3c..., pod web/db-0" or "unit web.service"; "" if neither is known. */
void vs_why_words__origin(const struct vs_why_holder *h, char *buf, size_t size);

/* Returns true if a holder before the one at @i has the same open file. */
bool vs_why_words__is_shared(const struct vs_why_case *c, size_t i);

/* Returns " for 2.5 s at least, 4.0 s at most (its age)" with a comma before it; "" if no time is known. */
const char *vs_why_words__since(const struct vs_why_case *c, char *buf, size_t size);

#define VS_TIMES_WORDS 240

/* Writes "reported 3 times, first at [12.345], last at [99.000] Nov 30 09:28:18"; "" if nothing is known. */
void vs_why_words__times(const struct vs_ev_logged *l, char *buf, size_t size);

/* Writes "2 times by VFIO, first at [12.345], last at [99.000]". */
void vs_why_words__said(const struct vs_ev_message *m, char *buf, size_t size);

#endif
