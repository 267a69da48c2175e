/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs a command that may hang or fail, and listens to what it says on stderr, which goes on to ours
 * unchanged. A command that is left running keeps its stderr: a process of ours goes on copying it.
 */
#ifndef VFIOSCOPE_WHY_COMMAND_H
#define VFIOSCOPE_WHY_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define VS_HEARD_LEN 65536

struct vs_heard {
	pid_t pid;
	bool ended;		/* false: it runs still, or is stopped */
	bool stopped;		/* by a signal, or by a terminal that it may not use */
	int status;		/* of one that ended, as a shell has it: 128 + the signal */
	char said[VS_HEARD_LEN]; /* the beginning of its stderr */
};

/*
 * Runs @argv, and waits for @wait_ns, 0: until it ends. It has 127 for its status, and one line is on
 * stderr, if it could not be run. Returns 0, or negative errno if nothing was started.
 */
int vs_heard__run(char **argv, uint64_t wait_ns, struct vs_heard *heard);

#endif
