/* SPDX-License-Identifier: GPL-2.0 */
/* engine.c and engine_vfio.c share this; the latter handles the loading and unloading of vfio.ko. */
#ifndef VFIOSCOPE_ENGINE_PRIV_H
#define VFIOSCOPE_ENGINE_PRIV_H

#include <bpf/libbpf.h>

#include "probe/attach.h"
#include "probe/engine.h"
#include "probe/merge.h"
#include "probe/pulse.h"
#include "probe/rings.h"
#include "probe/text_check.h"
#include "trace_bpf.skel.h"

#define VS_ENGINE_MORE 3	/* other builds of vfio.ko that programs are loaded for */

struct vs_engine {
	struct vs_engine_opts opts;
	struct vs_facts facts;
	struct vs_plan plan;
	struct trace_bpf *skel;
	struct trace_bpf *more[VS_ENGINE_MORE]; /* programs that were not wanted at first */
	size_t nr_more;
	uint32_t changes;	/* how often vfio.ko had come or gone before its probes were armed */
	uint64_t text_addr;	/* of the vfio.ko whose probes are armed, 0: none */
	struct ring_buffer *ring; /* over all rings */
	struct vs_rings *rings;
	struct vs_merge *merge;
	uint64_t forced_seq;	/* handed over up to here without waiting for what is unfinished */
	uint64_t late;		/* records that came after that */
	uint64_t urgent_seq;	/* of an alarm that was fetched and not handed over, 0: none */
	int record_error;
	struct vs_attach *attach;
	struct vs_pulse *pulse;
	struct vs_exact *exact;	/* NULL unless opts.exact */
	struct vs_keeper *keeper; /* NULL: privileges are our own */
	struct vs_text_check text; /* of vfio.ko, the last one */
	struct vs_engine_times times;
};

/*
 * Opens the programs; NULL with errno. Their bytes are in each file that calls trace_bpf__open_opts(), so only
 * this function does.
 */
struct trace_bpf *vs_engine__open_programs(void);

/* Some probe of the plan has this program. */
bool vs_engine__is_wanted(const struct vs_engine *engine, const struct bpf_program *prog);

/* Plans from the facts, without the hooks that are left out. 0 or -ENOMEM. */
int vs_engine__make_plan(struct vs_engine *engine);

bool vs_engine__vfio_present(const struct vs_engine *engine);

/* Tells the programs what the plan knows. */
void vs_engine__configure(struct vs_engine *engine);

/* Returns the address of vfio.ko's .text; 0 when it is not loaded or the kernel hides the address. */
uint64_t vs_engine__text_of_vfio(void);

/* Notes how often vfio.ko has come or gone, for vs_engine__set_vfio_ready(). */
void vs_engine__note_changes(struct vs_engine *engine);

/*
 * Sets the flag, unless vfio.ko came or went since, or kprobes are being switched: then probes are
 * missing.
 */
void vs_engine__set_vfio_ready(struct vs_engine *engine);

/* A program that sees the flag also sees everything written before it. */
static inline void vs_engine__set_flag(__u32 *flag, bool value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

#endif
