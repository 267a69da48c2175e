/* SPDX-License-Identifier: GPL-2.0 */
/* The sentences of a case: what it is, and what an operator can do now. */
#ifndef VFIOSCOPE_WHY_ADVICE_H
#define VFIOSCOPE_WHY_ADVICE_H

#include "why/classify.h"

/* Fills c->says and c->next from the rest of the case. */
void vs_advice__write(const struct vs_evidence *e, struct vs_why_case *c);

/* Adds to c->next what the holders have to let go, and how, as half a sentence. */
void vs_advice__release(struct vs_why_case *c);

#endif
