/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A run has least privilege: once everything is open and armed, this process gives away
 * what it does not need any more, for good.
 *
 * Capabilities: only CAP_SYSLOG stays, to find functions of modules that are loaded later;
 * and CAP_BPF where the kernel requires it to use open maps and programs (up to v5.18, see
 * c8644cd0efe7; we test the running kernel).
 *
 * System calls: a list allows those that the loops of the live verbs use. bpf(2) can neither
 * load a program nor make a map, files can be opened for reading only, no perf event can be
 * opened but by the keeper (keeper.h), nothing can be executed, traced, mounted or connected
 * to. A call that is not on the list fails with ENOSYS; execve and the like end the process.
 */
#ifndef VFIOSCOPE_SANDBOX_H
#define VFIOSCOPE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_sandbox_opts {
	/*
	 * The run writes files by name until the end: it may create, replace and remove them, and
	 * keeps the capabilities to do that in other users' folders.
	 */
	bool writes_files;
};

/*
 * Restricts the calling thread and those it starts, so call it before there are others; the filter
 * is for all threads. 0, or a negative errno with one line of words in `error`: it has then still
 * given away what it could. -EOPNOTSUPP where the kernel has no filters (CONFIG_SECCOMP_FILTER), or
 * when built with sanitizers, which need more.
 */
int vs_sandbox__enter(const struct vs_sandbox_opts *opts, char *error, size_t size);

/*
 * The same for the keeper (keeper.h), with a list of its own that has perf_event_open(2). Keeps
 * those of `caps` that it has. Same errors.
 */
int vs_sandbox__enter_keeper(uint64_t caps, char *error, size_t size);

/*
 * The same for the porch (serve/porch.h), which keeps no capability, and can only use the sockets that it has:
 * accept, receive, send, close. It opens nothing, not even for reading. Same errors.
 */
int vs_sandbox__enter_porch(char *error, size_t size);

#endif
