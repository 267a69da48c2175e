// SPDX-License-Identifier: GPL-2.0
/* The capabilities that a kind of work lists here: "trace: needed cap_bpf,cap_perfmon" ... */
#include <stdio.h>

#include "privilege/caps.h"

int main(void)
{
	int last = vs_caps__last("");
	char list[200];

	for (enum vs_work work = 0; work < VS_WORK_END; work++) {
		vs_caps__list(vs_caps__needed(work, last), "cap_", list, sizeof(list));
		printf("%s: needed %s\n", vs_work__name(work), list);
		vs_caps__list(vs_caps__useful(work, last), "cap_", list, sizeof(list));
		printf("%s: useful %s\n", vs_work__name(work), list);
	}
	return 0;
}
