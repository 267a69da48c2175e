/* SPDX-License-Identifier: GPL-2.0 */
/* Only the files of the text sink include this. */
#ifndef VFIOSCOPE_SINK_TEXT_H
#define VFIOSCOPE_SINK_TEXT_H

#include "base/out.h"
#include "sink/sink.h"

enum vs_color { VS_PLAIN, VS_BUG, VS_HAZARD, VS_INFO, VS_LOST, VS_DIM, VS_COLORS };

#define VS_NAMED_GROUPS 64

struct vs_text {
	struct vs_sink base;
	struct vs_out out;
	size_t width;		/* 0: not a terminal */
	bool color;
	uint64_t start_ns;	/* times are shown relative to this */
	int named[VS_NAMED_GROUPS]; /* groups whose devices were named, newest over oldest */
	size_t nr_named;
};

/* Returns the escape sequence, "" without colour. VS_PLAIN ends any other. */
const char *vs_text__color(const struct vs_text *t, enum vs_color color);

/* Returns a width for the layout even if it is no terminal. */
size_t vs_text__page(const struct vs_text *t);

/* Writes the seconds since the start, the first column of each line. */
void vs_text__time(struct vs_text *t, uint64_t time_ns);

void vs_text__finding(struct vs_text *t, const struct vs_finding *f);
void vs_text__picture(struct vs_text *t, const struct vs_finding *f);
void vs_text__summary(struct vs_text *t, const struct vs_summary *sum);

void vs_text__ledger(struct vs_text *t, const struct vs_refs_report *r);
void vs_text__lifetimes(struct vs_text *t, const struct vs_refs_report *r);

/* Returns the seconds since the start. */
double vs_text__seconds(struct vs_text *t, uint64_t time_ns);

/* Prints the references of its devices below a group of the ledger. */
void vs_text__registrations(struct vs_text *t, const struct vs_refs_report *r,
			    const struct vs_group_view *g);
void vs_text__registration_totals(struct vs_text *t, const struct vs_refs_report *r);

/* Writes "unbind of 0000:00:05.0 by sh[12] waited 3.2 s for 1 reference; ...". */
void vs_text__wait_words(char *buf, size_t size, const struct vs_registration_book *b,
			 struct vs_sites *sites);

/* Writes "12 events within 1.0 s: ring buffer full (use --ring-size)"; 0 ns: the time is not known. */
void vs_text__loss_words(char *buf, size_t size, unsigned int cause, uint64_t nr,
			 uint64_t within_ns);

#endif
