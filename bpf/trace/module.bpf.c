// SPDX-License-Identifier: GPL-2.0
/*
 * vfio.ko comes and goes: user space must know at once, its probes go with it. Until it
 * does, nothing is to look as if they were armed.
 */
#include "state.h"
#include "emit.h"

static __always_inline int module_event(__u8 type, struct module *mod)
{
	struct vs_event *e;
	__u64 wakeup;

	if (mod->name[0] != 'v' || mod->name[1] != 'f' || mod->name[2] != 'i' ||
	    mod->name[3] != 'o' || mod->name[4])
		return 0;
	cfg.vfio_ready = 0;
	if (type == VS_MODULE_LOAD)
		unseen_groups = 0;
	__sync_fetch_and_add(&module_changes, 1);
	e = emit_begin(type, struct vs_event, &wakeup);
	if (e)
		emit_end_now(e);
	return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(module_load, struct module *mod)
{
	return module_event(VS_MODULE_LOAD, mod);
}

SEC("tp_btf/module_free")
int BPF_PROG(module_free, struct module *mod)
{
	return module_event(VS_MODULE_FREE, mod);
}
