/* SPDX-License-Identifier: GPL-2.0 */
/* Arms the places of a plan, names them, and detaches the probes. */
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

/* From now on `keeper` opens the kprobes. The caller still owns it. */
void vs_attach__use_keeper(struct vs_attach *a, struct vs_keeper *keeper);

/*
 * Puts no probe where `text` says that the instruction in memory is not that of the file (-EILSEQ);
 * NULL: puts probes everywhere. The caller owns it, and keeps it valid while anything is armed.
 */
void vs_attach__use_text(struct vs_attach *a, const struct vs_text_image *text);

/* Detaches all. Takes some 50 ms per kprobe on old kernels. NULL is fine. */
void vs_attach__free(struct vs_attach *a);

/*
 * Adds an object to take programs from, those that the first one was loaded without. It shares the
 * maps of the first one. -ENOSPC: there is no room for another object.
 */
int vs_attach__add_object(struct vs_attach *a, struct bpf_object *object);

/*
 * Attaches what `plan` has in the kernel (`in_kernel`) and in VFIO (`in_vfio`). In the kernel it
 * keeps what is attached already, and detaches what `plan` does not have any more. It attaches one
 * by one: two threads would only wait for each other's locks. A place that cannot be armed makes
 * its hook MISSING, with the reason. Returns the number attached or -ENOMEM. `plan` must stay until
 * the next call that takes one.
 */
int vs_attach__arm(struct vs_attach *a, struct vs_plan *plan, bool in_kernel, bool in_vfio);

/*
 * Forgets the probes in VFIO, which went with the module. A thread frees their links, because that
 * takes long.
 */
void vs_attach__forget_vfio(struct vs_attach *a);

size_t vs_attach__nr(const struct vs_attach *a);

/* Says why a place cannot be armed, by a negative errno; it knows the kernel's own ENOTSUPP, too. */
const char *vs_attach_error__words(int error);

/* Returns true if `program` is attached somewhere in the kernel itself. */
bool vs_attach__runs(const struct vs_attach *a, const char *program);

/* Returns true if `probe`, of a plan that was armed, is attached. */
bool vs_attach__has(const struct vs_attach *a, const struct vs_probe *probe);

/* Finds the current address of a function of VFIO. 0 or negative errno. */
int vs_attach__address(struct vs_attach *a, const struct vs_kmod_func *func, uint64_t *addr);

/* "vfio_group_put_bg+0x19" of an armed place, NULL when there is none. */
const char *vs_attach__name_at(const struct vs_attach *a, uint64_t addr);

/*
 * Before v6.7 `prog` reads the missed hits: a loaded program of bpf/missed_programs.h; `ask` is its
 * question.
 */
void vs_attach__use_missed(struct vs_attach *a, struct bpf_program *prog, struct vs_missed_ask *ask);

/* Hits that kprobes missed, -ENOTSUP where that cannot be known. */
int vs_attach__missed(const struct vs_attach *a, uint64_t *missed);

#endif
