/* SPDX-License-Identifier: GPL-2.0 */
/* Counts the findings of each kind per place: only the first few are reported. */
#ifndef VFIOSCOPE_LEDGER_SAID_H
#define VFIOSCOPE_LEDGER_SAID_H

#include <stdint.h>

#define VS_SAID_PER_SITE 3
#define VS_SAID_SITES 64	/* places of VFIO: 13 puts on 5.10 */

struct vs_said {
	struct {
		uint64_t ip;
		uint64_t said;
		uint8_t kind;
	} sites[VS_SAID_SITES];
};

/* Returns the count of one place, which the caller raises. Places beyond the table share the last one. */
uint64_t *vs_said__at(struct vs_said *s, unsigned int kind, uint64_t ip);

#endif
