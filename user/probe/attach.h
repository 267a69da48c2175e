/* SPDX-License-Identifier: GPL-2.0 */
/* The attached probes: arming a plan's places, naming them, taking them away. */
#ifndef VFIOSCOPE_ATTACH_H
#define VFIOSCOPE_ATTACH_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/missed.h"
#include "privilege/keeper.h"
#include "probe/plan.h"

struct vs_attach;

/*
 * `object` is loaded; `sites` its map of what to read where. After this, arming loads no
 * program and makes no map. NULL with errno set.
 */
struct vs_attach *vs_attach__new(struct bpf_object *object, struct bpf_map *sites);

/* Kprobes are opened by it from now on; it stays the caller's. */
void vs_attach__use_keeper(struct vs_attach *a, struct vs_keeper *keeper);

/*
 * No probe is put where this says that the instruction in memory is not that of the file (-EILSEQ);
 * NULL: everywhere. It stays the caller's, and valid while anything is armed.
 */
void vs_attach__use_text(struct vs_attach *a, const struct vs_text_image *text);

/* Detaches all. Takes some 50 ms per kprobe on old kernels. NULL is fine. */
void vs_attach__free(struct vs_attach *a);

/*
 * Another object that programs are taken from, those that the first one was loaded
 * without. It shares the maps of that one. -ENOSPC: enough of them.
 */
int vs_attach__add_object(struct vs_attach *a, struct bpf_object *object);

/*
 * Attaches what `plan` has in the kernel (`in_kernel`) and in VFIO (`in_vfio`); in the kernel
 * what is attached already stays, and what `plan` does not have any more goes.
 * One by one: two threads only wait for each other's locks. A place that cannot be armed makes its hook MISSING,
 * with the reason. Returns the number attached or -ENOMEM. `plan` must stay until
 * the next call that takes one.
 */
int vs_attach__arm(struct vs_attach *a, struct vs_plan *plan, bool in_kernel, bool in_vfio);

/*
 * Forgets the probes in VFIO, which went with the module. Their links are freed
 * by a thread beside: that takes long.
 */
void vs_attach__forget_vfio(struct vs_attach *a);

size_t vs_attach__nr(const struct vs_attach *a);

/* Why a place cannot be armed, by a negative errno: the kernel's own ENOTSUPP, too. */
const char *vs_attach_error__words(int error);

/* Whether `probe`, of a plan that was armed, is attached. */
bool vs_attach__has(const struct vs_attach *a, const struct vs_probe *probe);

/* Where a function of VFIO is now. 0 or negative errno. */
int vs_attach__address(struct vs_attach *a, const struct vs_kmod_func *func, uint64_t *addr);

/* "vfio_group_put_bg+0x19" of an armed place, NULL when there is none. */
const char *vs_attach__name_at(const struct vs_attach *a, uint64_t addr);

/* What is asked for them before v6.7: a loaded program of bpf/missed_programs.h, and its question. */
void vs_attach__use_missed(struct vs_attach *a, struct bpf_program *prog, struct vs_missed_ask *ask);

/* Hits that kprobes missed, -ENOTSUP where that cannot be known. */
int vs_attach__missed(const struct vs_attach *a, uint64_t *missed);

#endif
