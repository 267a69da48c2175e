/* SPDX-License-Identifier: GPL-2.0 */
/* These members are needed by the reader of a dump alone; on a host the kernel itself reads them. */
#ifndef VFIOSCOPE_CORE_LAYOUT_H
#define VFIOSCOPE_CORE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

/* As in snapshot/layout.h: byte offsets, VS_ABSENT, and sizes where the name ends in _size. */
#define VS_CORE_FIELDS(FIELD) \
	FIELD(task_tasks, "task_struct", "tasks") \
	FIELD(task_thread_node, "task_struct", "thread_node") \
	FIELD(task_signal, "task_struct", "signal") \
	FIELD(signal_threads, "signal_struct", "thread_head") \
	FIELD(task_pid, "task_struct", "pid") \
	FIELD(task_tgid, "task_struct", "tgid") \
	FIELD(task_comm, "task_struct", "comm") \
	FIELD(task_state, "task_struct", "__state") /* v5.14 */ \
	FIELD(task_old_state, "task_struct", "state") \
	FIELD(task_flags, "task_struct", "flags") \
	FIELD(task_mm, "task_struct", "mm") \
	FIELD(task_stack, "task_struct", "stack") \
	FIELD(task_parent, "task_struct", "real_parent") \
	FIELD(task_blocker, "task_struct", "blocker") /* v6.15 */ \
	FIELD(task_start, "task_struct", "start_time") \
	FIELD(task_sched_info, "task_struct", "sched_info") \
	FIELD(sched_arrival, "sched_info", "last_arrival") \
	FIELD(task_thread, "task_struct", "thread") \
	FIELD(thread_sp, "thread_struct", "sp") \
	FIELD(frame_size, "inactive_task_frame", 0) \
	FIELD(frame_bp, "inactive_task_frame", "bp") \
	FIELD(frame_ip, "inactive_task_frame", "ret_addr") \
	FIELD(orc_size, "orc_entry", 0) \
	FIELD(orc_sp, "orc_entry", "sp_offset") \
	FIELD(orc_bp, "orc_entry", "bp_offset") \
	FIELD(regs_bp, "pt_regs", "bp") \
	FIELD(regs_ip, "pt_regs", "ip") \
	FIELD(regs_cs, "pt_regs", "cs") \
	FIELD(regs_sp, "pt_regs", "sp") \
	FIELD(module_list, "module", "list") \
	FIELD(module_state, "module", "state") \
	FIELD(module_name, "module", "name") \
	FIELD(module_text, "module", "mem") /* v6.4: that of code comes first */ \
	FIELD(memory_base, "module_memory", "base") \
	FIELD(memory_len, "module_memory", "size") \
	FIELD(module_core, "module", "core_layout") /* v4.5 to v6.3 */ \
	FIELD(core_base, "module_layout", "base") \
	FIELD(core_len, "module_layout", "size") \
	FIELD(module_arch, "module", "arch") \
	FIELD(arch_orcs, "mod_arch_specific", "num_orcs") \
	FIELD(arch_orc_ip, "mod_arch_specific", "orc_unwind_ip") \
	FIELD(arch_orc, "mod_arch_specific", "orc_unwind") \
	FIELD(btf_module_list, "btf_module", "list") /* v5.11 */ \
	FIELD(btf_module_of, "btf_module", "module") \
	FIELD(btf_module_btf, "btf_module", "btf") \
	FIELD(btf_data, "btf", "data") \
	FIELD(btf_len, "btf", "data_size") \
	FIELD(uts_name, "uts_namespace", "name") \
	FIELD(uts_release, "new_utsname", "release") \
	FIELD(rq_clock, "rq", "clock") \
	FIELD(rq_curr, "rq", "curr") \
	FIELD(mm_pgd, "mm_struct", "pgd") \
	FIELD(mm_arg_start, "mm_struct", "arg_start") \
	FIELD(mm_arg_end, "mm_struct", "arg_end") \
	FIELD(file_path, "file", "f_path") \
	FIELD(path_dentry, "path", "dentry") \
	FIELD(dentry_name, "dentry", "d_name") \
	FIELD(dentry_parent, "dentry", "d_parent") \
	FIELD(qstr_name, "qstr", "name") \
	FIELD(task_cgroups, "task_struct", "cgroups") \
	FIELD(css_set_cgroup, "css_set", "dfl_cgrp") \
	FIELD(cgroup_kn, "cgroup", "kn") \
	FIELD(kn_name, "kernfs_node", "name") \
	FIELD(kn_parent, "kernfs_node", "__parent") /* v6.15 */ \
	FIELD(kn_old_parent, "kernfs_node", "parent")

/* A bitfield of struct orc_entry: where it begins and its width, in bits; width 0: there is none. */
struct vs_core_bits {
	unsigned int at, bits;
};

#define VS_CORE_FIELD(name, type, member) int name;
struct vs_core_layout {
	VS_CORE_FIELDS(VS_CORE_FIELD)
	struct vs_core_bits orc_sp_reg, orc_bp_reg, orc_type, orc_signal, orc_end;
};
#undef VS_CORE_FIELD

/* Takes the offsets from the BTF of vmlinux. */
struct vs_btf;
void vs_core_layout__of(const struct vs_btf *btf, struct vs_core_layout *layout);

#endif
