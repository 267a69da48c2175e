/* SPDX-License-Identifier: GPL-2.0 */
/* What everybody who loads BPF programs does first. */
#ifndef VFIOSCOPE_LIBBPF_SETUP_H
#define VFIOSCOPE_LIBBPF_SETUP_H

#include <bpf/libbpf.h>
#include <stdbool.h>

/*
 * What fails is told in our own words with the errno; libbpf speaks, on stderr, with
 * @debug only. Returns the print function that was set before.
 */
libbpf_print_fn_t vs_libbpf__quiet(bool debug);

/*
 * Kernels before v5.11 charge maps to RLIMIT_MEMLOCK. Only ever raised; libbpf does
 * the same, but not before it loads.
 */
void vs_libbpf__raise_memlock(void);

#endif
