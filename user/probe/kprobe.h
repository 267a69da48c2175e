/* SPDX-License-Identifier: GPL-2.0 */
/* A kprobe through perf: gone with its file descriptor, and it does not hold the module. */
#ifndef VFIOSCOPE_KPROBE_H
#define VFIOSCOPE_KPROBE_H

#include <bpf/libbpf.h>
#include <stdint.h>

/* Perf's type number for kprobes, or a negative errno. */
int vs_kprobe__type(void);

/*
 * Attaches `prog` to the instruction at `addr`; `type` from vs_kprobe__type().
 * By address, because the kernel searches all its symbols, one by one, for each
 * name (v6.2 made that fast). NULL with errno set: EINVAL where the kernel
 * refuses a probe (not an instruction boundary, notrace), EPERM, EACCES.
 */
struct bpf_link *vs_kprobe__attach(struct bpf_program *prog, int type, uint64_t addr);

#endif
