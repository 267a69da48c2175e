/* SPDX-License-Identifier: GPL-2.0 */
/* start.c finds the blockers, start_words.c has the words for each. */
#ifndef VFIOSCOPE_WHY_START_PRIV_H
#define VFIOSCOPE_WHY_START_PRIV_H

#include "why/start.h"

struct vs_start_blocker *start__add(struct vs_start_report *s, enum vs_start_kind kind, bool blocks);

/* Returns the device that was asked about; NULL if only the group was. */
const struct vs_start_member *start__asked(const struct vs_start_facts *f);

/* Lists the other members of the group for which VFIO refuses it: *at is 0 at first. NULL after the last. */
const struct vs_start_member *start__next_spoiler(const struct vs_start_facts *f, size_t *at);

/* Each fills b->says and b->next. */
void start__say_gone(struct vs_start_blocker *b, const struct vs_start_member *m);
void start__say_bridge(struct vs_start_blocker *b, const struct vs_start_member *m);
void start__say_no_iommu(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_no_group(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_noiommu(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_no_driver(struct vs_start_blocker *b, const struct vs_start_facts *f,
			  const struct vs_start_member *m);
void start__say_override(struct vs_start_blocker *b, const struct vs_start_member *m);
void start__say_wrong_driver(struct vs_start_blocker *b, const struct vs_start_facts *f,
			     const struct vs_start_member *m);
void start__say_not_viable(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_busy(struct vs_start_blocker *b, const struct vs_start_facts *f, const struct vs_start_use *use);
void start__say_no_node(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_permission(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_interrupts(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_memlock(struct vs_start_blocker *b, const struct vs_start_facts *f);
void start__say_no_reset(struct vs_start_blocker *b, const struct vs_start_member *m);
void start__say_power(struct vs_start_blocker *b, const struct vs_start_member *m);

#endif
