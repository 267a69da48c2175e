// SPDX-License-Identifier: GPL-2.0
#include "ledger/said.h"

#include <stddef.h>

uint64_t *vs_said__at(struct vs_said *s, unsigned int kind, uint64_t ip)
{
	size_t i = 0;

	while (i < VS_SAID_SITES - 1 && s->sites[i].said &&
	       (s->sites[i].ip != ip || s->sites[i].kind != kind))
		i++;
	s->sites[i].ip = ip;
	s->sites[i].kind = (uint8_t)kind;
	return &s->sites[i].said;
}
