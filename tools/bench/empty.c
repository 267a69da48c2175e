// SPDX-License-Identifier: GPL-2.0
/*
 * Attaches those of empty.bpf.c that are named, says "attached", and holds them until a
 * signal ends this. usage: empty PROGRAM...
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "empty.skel.h"

static int choose(struct empty_bpf *skel, int argc, char **argv)
{
	struct bpf_program *prog;
	int found = 0;

	bpf_object__for_each_program(prog, skel->obj) {
		bool wanted = false;

		for (int i = 1; i < argc; i++)
			wanted |= !strcmp(bpf_program__name(prog), argv[i]);
		bpf_program__set_autoload(prog, wanted);
		found += wanted;
	}
	return argc > 1 && found == argc - 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct empty_bpf *skel = empty_bpf__open();

	if (!skel || choose(skel, argc, argv))
		return 1;
	if (empty_bpf__load(skel) || empty_bpf__attach(skel))
		return 1;
	puts("attached");
	fflush(stdout);
	signal(SIGINT, SIG_DFL);	/* a shell lets what it starts in the background ignore it */
	pause();
	return 0;
}
