// SPDX-License-Identifier: GPL-2.0
/* Modules come and go: functions in them get and lose their addresses. */
#include "ring.h"

static __always_inline bool is_vfio(const char *name)
{
	return name[0] == 'v' && name[1] == 'f' && name[2] == 'i' && name[3] == 'o' && !name[4];
}

static __always_inline void tell_module(__u8 type, struct module *module)
{
	struct vs_lat_event *e = ring_event(type, bpf_ktime_get_ns());

	if (!e)
		return;
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), module->name);
	if (type == VS_LAT_MODULE_LOAD && is_vfio(e->name))
		groups_born = 0;
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

/* vfio_create_group() calls it for each new group, followed or not. */
SEC("fentry/iommu_group_register_notifier")
int group_born(void *ctx)
{
	__sync_fetch_and_add(&groups_born, 1);
	return 0;
}
