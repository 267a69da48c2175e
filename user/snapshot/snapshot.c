// SPDX-License-Identifier: GPL-2.0
#include "snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

void vs_snapshot__free(struct vs_snapshot *s)
{
	if (!s)
		return;
	free(s->groups);
	free(s->devices);
	free(s->fds);
	free(s->maps);
	memset(s, 0, sizeof(*s));
}
