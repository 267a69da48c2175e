// SPDX-License-Identifier: GPL-2.0
/* Attaches miss.bpf.c, says "attached", and holds it until a signal ends this. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "bpf/latency.h"
#include "miss.skel.h"

int main(void)
{
	struct miss_bpf *skel = miss_bpf__open();

	if (!skel)
		return 1;
	skel->rodata->all_works = false;
	skel->rodata->many_targets = false;
	skel->rodata->want_blame = true;
	skel->bss->cfg.ready = 1;
	/* As an address of vfio.ko: no task began then. */
	skel->bss->cfg.targets[0] = 0xffffffffc0001130;
	if (miss_bpf__load(skel) || miss_bpf__attach(skel))
		return 1;
	puts("attached");
	fflush(stdout);
	signal(SIGINT, SIG_DFL);	/* a shell lets what it starts in the background ignore it */
	pause();
	return 0;
}
