/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds out if VFIO has a deferred put and where its function is, and attaches the kprobes at both
 * ends of its chain. It plans and attaches with user/probe/.
 */
#ifndef VFIOSCOPE_LATENCY_CHAIN_H
#define VFIOSCOPE_LATENCY_CHAIN_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/missed.h"
#include "privilege/keeper.h"
#include "probe/text_check.h"

struct vs_chain;

/* Collects facts and plans. NULL with errno set. */
struct vs_chain *vs_chain__new(void);
void vs_chain__free(struct vs_chain *c);	/* NULL is fine */

enum vs_chain_state {
	VS_CHAIN_READY,		/* vfio is there, and defers its put */
	VS_CHAIN_WAITING,	/* vfio.ko is not loaded */
	VS_CHAIN_NONE,		/* this VFIO does not defer its put */
};

/* As vs_attach__use_missed(). Call it before anything is attached. */
void vs_chain__use_missed(struct vs_chain *c, struct bpf_program *prog, struct vs_missed_ask *ask);

/* As vs_pulse__parts(). */
unsigned int vs_chain__pulse(const struct vs_chain *c);

/* Returns true if vfio.ko may come and go here, and calls a function of vmlinux for each new group. */
bool vs_chain__sees_births(const struct vs_chain *c);

/* `words` say why, for the last two. */
enum vs_chain_state vs_chain__state(const struct vs_chain *c, char *words, size_t size);

/* Return values that the programs need; 0 and VS_NO_OFFSET when vfio is not there. */
uint64_t vs_chain__deferred_func(const struct vs_chain *c);
int32_t vs_chain__group_iommu_group(const struct vs_chain *c);

/*
 * Attaches what it can of get_site, put_site and group_release of `object`. Returns
 * 0 with "" in `words`, or -ENOTSUP with what will not be known.
 */
int vs_chain__attach(struct vs_chain *c, struct bpf_object *object, struct bpf_map *sites,
		     char *words, size_t size);

/*
 * Follows the life of deferred puts by kprobes in vfio.ko: put_queue, put_queued, put_start and
 * put_end of `object`. Call it after vs_chain__attach(). 0; -ENOTSUP, with nothing attached, when
 * not all of the places can be reached: then use the tracepoints.
 */
int vs_chain__follow(struct vs_chain *c, struct bpf_object *object, struct bpf_map *sites);

/* From now on `keeper` opens kprobes. Call it after the first attach; the caller still owns it. */
void vs_chain__use_keeper(struct vs_chain *c, struct vs_keeper *keeper);

/* vfio.ko came or went: collects facts again, and drops dead probes. 0 or -ENOMEM. */
int vs_chain__changed(struct vs_chain *c);

/*
 * Says if the text of vfio.ko in memory is that of its file. It is compared before probes are
 * attached, and by vs_chain__check_text().
 */
const struct vs_text_check *vs_chain__text(const struct vs_chain *c);
void vs_chain__check_text(struct vs_chain *c);

/* Returns the number of attached kprobes. */
size_t vs_chain__nr(const struct vs_chain *c);

/* Hits that the probes missed; -ENOTSUP when this kernel does not count them. */
int vs_chain__missed(const struct vs_chain *c, uint64_t *missed);

#endif
