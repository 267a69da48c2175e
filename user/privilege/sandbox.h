/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Least privilege of a run: once everything is open and armed, this process gives away
 * what it does not need any more, for good.
 *
 * Capabilities: of all only CAP_SYSLOG stays, to find functions of modules that are loaded
 * later; and CAP_BPF where the kernel does not let open maps and programs be used without
 * it (up to v5.18, see c8644cd0efe7; the running kernel is asked).
 *
 * System calls: a list of what the loops of the live verbs use. bpf(2) can neither load a
 * program nor make a map, files can be opened for reading only, no perf event can be opened
 * but by the keeper (keeper.h), nothing can be executed, traced, mounted or connected to.
 * What is not on the list fails with ENOSYS; execve and the like end the process.
 */
#ifndef VFIOSCOPE_SANDBOX_H
#define VFIOSCOPE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_sandbox_opts {
	/*
	 * Files are written by name until the end: they may be created, replaced and removed,
	 * and the capabilities to do that in folders of others stay.
	 */
	bool writes_files;
};

/*
 * For the calling thread and those it starts, so before there are others; the filter is
 * for all threads. 0, or a negative errno with one line of words in `error`: what could be
 * given away is given away then, too. -EOPNOTSUPP where the kernel has no filters
 * (CONFIG_SECCOMP_FILTER), or when built with sanitizers, which need more.
 */
int vs_sandbox__enter(const struct vs_sandbox_opts *opts, char *error, size_t size);

/*
 * For the keeper (keeper.h): a list of its own, with perf_event_open(2). Keeps of `caps`
 * what there is. Same errors.
 */
int vs_sandbox__enter_keeper(uint64_t caps, char *error, size_t size);

#endif
