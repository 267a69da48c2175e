/* SPDX-License-Identifier: GPL-2.0 */
/* A kprobe through perf: gone with its file descriptor, and it does not hold the module. */
#ifndef VFIOSCOPE_KPROBE_H
#define VFIOSCOPE_KPROBE_H

#include <bpf/libbpf.h>
#include <stdint.h>

#include "privilege/keeper.h"

/* Perf's type number for kprobes, or a negative errno. */
int vs_kprobe__type(void);

/*
 * libbpf loads a program to find out how perf events are attached here: once, for the first one.
 * Makes it do so now, for a process that may not load programs later. `prog`: any that is loaded.
 */
void vs_kprobe__get_ready(struct bpf_program *prog);

/*
 * Attaches `prog` to the instruction at `addr`; `type` from vs_kprobe__type().
 * By address, because the kernel searches all its symbols, one by one, for each
 * name (v6.2 made that fast). NULL with errno set: EINVAL where the kernel
 * refuses a probe (not an instruction boundary, notrace), EPERM, EACCES.
 * `keeper` opens it; NULL: this process.
 */
struct bpf_link *vs_kprobe__attach(struct bpf_program *prog, struct vs_keeper *keeper, int type,
				   uint64_t addr);

/* The same; *event: the descriptor of the perf event, which is the link's. */
struct bpf_link *vs_kprobe__attach_event(struct bpf_program *prog, struct vs_keeper *keeper, int type,
					 uint64_t addr, int *event);

#endif
