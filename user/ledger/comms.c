// SPDX-License-Identifier: GPL-2.0
#include "ledger/comms.h"

#include <stdlib.h>
#include <string.h>

#define MAX 2048
#define BUCKETS 4096

struct vs_comms {
	uint16_t nr;
	uint16_t buckets[BUCKETS];	/* open addressing, 0: empty */
	char names[MAX][VS_COMM_LEN];
};

struct vs_comms *vs_comms__new(void)
{
	struct vs_comms *c = calloc(1, sizeof(*c));

	if (c) {
		c->names[0][0] = '?';
		c->nr = 1;
	}
	return c;
}

void vs_comms__free(struct vs_comms *c)
{
	free(c);
}

static uint64_t hash(const char comm[VS_COMM_LEN])
{
	uint64_t half[2];

	memcpy(half, comm, sizeof(half));
	return (half[0] * 0x9e3779b97f4a7c15ull ^ half[1]) * 0xff51afd7ed558ccdull >> 48;
}

uint16_t vs_comms__number(struct vs_comms *c, const char comm[VS_COMM_LEN])
{
	uint64_t at = hash(comm);

	for (;; at++) {
		uint16_t *slot = &c->buckets[at % BUCKETS];

		if (*slot && !memcmp(c->names[*slot], comm, VS_COMM_LEN))
			return *slot;
		if (*slot)
			continue;
		if (c->nr == MAX)
			return 0;
		memcpy(c->names[c->nr], comm, VS_COMM_LEN);
		return *slot = c->nr++;
	}
}

const char *vs_comms__name(const struct vs_comms *c, uint16_t number)
{
	return c->names[number < c->nr ? number : 0];
}
