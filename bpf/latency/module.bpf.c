// SPDX-License-Identifier: GPL-2.0
/* Modules come and go: functions in them get and lose their addresses. */
#include "ring.h"

static __always_inline void tell_module(__u8 type, struct module *module)
{
	struct vs_lat_event *e = ring_event(type, bpf_ktime_get_ns());

	if (!e)
		return;
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), module->name);
	ring_send(e, true);
}

/* Before the module's init runs. */
SEC("tp_btf/module_load")
int BPF_PROG(module_load, struct module *module)
{
	tell_module(VS_LAT_MODULE_LOAD, module);
	return 0;
}

SEC("tp_btf/module_free")
int BPF_PROG(module_free, struct module *module)
{
	tell_module(VS_LAT_MODULE_FREE, module);
	return 0;
}
