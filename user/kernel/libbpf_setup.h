/* SPDX-License-Identifier: GPL-2.0 */
/* All code that loads BPF programs calls these first. */
#ifndef VFIOSCOPE_LIBBPF_SETUP_H
#define VFIOSCOPE_LIBBPF_SETUP_H

#include <bpf/libbpf.h>
#include <stdbool.h>

/*
 * We report failures in our own words with the errno; libbpf prints to stderr with @debug only.
 * Returns the print function that was set before.
 */
libbpf_print_fn_t vs_libbpf__quiet(bool debug);

/*
 * Kernels before v5.11 charge maps to RLIMIT_MEMLOCK; libbpf raises it, too, but not before it
 * loads. RLIMIT_NOFILE: a ring is a descriptor for each possible CPU, a watchpoint two for each
 * online one, and the soft limit is 1024 mostly: up to the hard one, or 2^20. Children inherit
 * both. It never lowers a limit, and leaves one that it may not raise.
 */
void vs_libbpf__raise_limits(void);

#endif
