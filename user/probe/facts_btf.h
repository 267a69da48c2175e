/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the facts that comes from BTF. */
#ifndef VFIOSCOPE_FACTS_BTF_H
#define VFIOSCOPE_FACTS_BTF_H

#include "probe/facts.h"

/*
 * Fills vmlinux_btf, btf_funcs, tracepoints, mutex_size, work_size, tramp_image, ring_lock_spins,
 * layout_source and btf_layout. It looks only for the functions and tracepoints that the hook table
 * names. Missing BTF is not an error. -ENOMEM.
 */
int vs_facts__collect_btf(struct vs_facts *facts);

/* Only what the BTF of the loaded vfio.ko says, when it has any. -ENOMEM. */
int vs_facts__collect_module_btf(struct vs_facts *facts);

#endif
