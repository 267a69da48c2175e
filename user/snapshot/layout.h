/* SPDX-License-Identifier: GPL-2.0 */
/*
 * This is the layout of the members that the snapshot reads: from BTF, and for VFIO and KVM
 * structures that BTF does not describe (before v5.11) as they were from 4.15 to
 * 5.15. The walks check each assumption on the running kernel.
 */
#ifndef VFIOSCOPE_SNAPSHOT_LAYOUT_H
#define VFIOSCOPE_SNAPSHOT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#define VS_ABSENT (-1)	/* there is no such member */

/* Byte offsets, and sizes where the name ends in _size. FIELD(name, struct, member). */
#define VS_LAYOUT_VMLINUX(FIELD) \
	FIELD(mutex_size, "mutex", 0) \
	FIELD(completion_size, "completion", 0) \
	FIELD(task_files, "task_struct", "files") \
	FIELD(files_fdt, "files_struct", "fdt") \
	FIELD(fdt_max, "fdtable", "max_fds") \
	FIELD(fdt_fd, "fdtable", "fd") \
	FIELD(file_op, "file", "f_op") \
	FIELD(file_private, "file", "private_data") \
	FIELD(file_mapping, "file", "f_mapping") \
	FIELD(op_release, "file_operations", "release") \
	FIELD(inode_mapping, "inode", "i_mapping") \
	FIELD(mapping_tree, "address_space", "i_mmap") \
	FIELD(root_node, "rb_root_cached", "rb_root") \
	FIELD(node_parent, "rb_node", "__rb_parent_color") \
	FIELD(node_left, "rb_node", "rb_left") \
	FIELD(node_right, "rb_node", "rb_right") \
	FIELD(vma_start, "vm_area_struct", "vm_start") \
	FIELD(vma_end, "vm_area_struct", "vm_end") \
	FIELD(vma_mm, "vm_area_struct", "vm_mm") \
	FIELD(vma_file, "vm_area_struct", "vm_file") \
	FIELD(vma_node, "vm_area_struct", "shared") \
	FIELD(iommu_group_id, "iommu_group", "id") \
	FIELD(iommu_group_kobj, "iommu_group", "kobj") \
	FIELD(kobj_entry, "kobject", "entry") \
	FIELD(kset_list, "kset", "list") \
	FIELD(iommu_group_devices, "iommu_group", "devices") \
	FIELD(iommu_member_list, "group_device", "list") \
	FIELD(iommu_member_dev, "group_device", "dev") \
	FIELD(dev_driver_data, "device", "driver_data") \
	FIELD(dev_driver, "device", "driver") \
	FIELD(dev_iommu_group, "device", "iommu_group") \
	FIELD(driver_name, "device_driver", "name") \
	FIELD(device_kobj, "device", "kobj") \
	FIELD(kobj_name, "kobject", "name") \
	FIELD(device_mutex, "device", "mutex") \
	FIELD(mutex_owner, "mutex", "owner") \
	FIELD(mutex_waiters, "mutex", "wait_list") /* to v6.19 */ \
	FIELD(mutex_first, "mutex", "first_waiter") /* after that */ \
	FIELD(mutex_waiter_list, "mutex_waiter", "list") \
	FIELD(mutex_waiter_task, "mutex_waiter", "task") \
	FIELD(rwsem_owner, "rw_semaphore", "owner") \
	FIELD(rwsem_waiters, "rw_semaphore", "wait_list") /* to v6.19 */ \
	FIELD(rwsem_first, "rw_semaphore", "first_waiter") /* after that */ \
	FIELD(rwsem_waiter_list, "rwsem_waiter", "list") \
	FIELD(rwsem_waiter_task, "rwsem_waiter", "task") \
	FIELD(rq_curr, "rq", "curr") \
	FIELD(rq_donor, "rq", "donor") /* v6.12; elsewhere than curr with SCHED_PROXY_EXEC */ \
	/* With PREEMPT_RT a mutex, and a part of an rwsem, is an rt_mutex (v5.15). */ \
	FIELD(mutex_rt, "mutex", "rtmutex") \
	FIELD(rwsem_rwbase, "rw_semaphore", "rwbase") \
	FIELD(rwbase_readers, "rwbase_rt", "readers") \
	FIELD(rwbase_rt, "rwbase_rt", "rtmutex") \
	FIELD(rt_owner, "rt_mutex_base", "owner") \
	FIELD(rt_waiters, "rt_mutex_base", "waiters") \
	FIELD(root_leftmost, "rb_root_cached", "rb_leftmost") \
	FIELD(rt_waiter_tree, "rt_mutex_waiter", "tree") /* v6.4 */ \
	FIELD(rt_waiter_entry, "rt_mutex_waiter", "tree_entry") /* before that */ \
	FIELD(rt_waiter_task, "rt_mutex_waiter", "task") \
	FIELD(rt_waiter_lock, "rt_mutex_waiter", "lock") \
	FIELD(task_blocked_on, "task_struct", "pi_blocked_on") \
	FIELD(completion_wait, "completion", "wait") \
	FIELD(swait_head, "swait_queue_head", "task_list") \
	FIELD(swait_list, "swait_queue", "task_list") \
	FIELD(swait_task, "swait_queue", "task") \
	FIELD(wait_head, "wait_queue_head", "head") \
	FIELD(wait_list, "wait_queue_entry", "entry") \
	FIELD(wait_task, "wait_queue_entry", "private") \
	FIELD(iommu_group_notifier, "iommu_group", "notifier") /* to v5.18 */ \
	FIELD(work_size, "work_struct", 0) \
	FIELD(work_entry, "work_struct", "entry") \
	FIELD(work_func, "work_struct", "func") \
	FIELD(wq_pwqs, "workqueue_struct", "pwqs") \
	FIELD(pwq_node, "pool_workqueue", "pwqs_node") \
	FIELD(pwq_pool, "pool_workqueue", "pool") \
	FIELD(pwq_inactive, "pool_workqueue", "inactive_works") /* v5.15 */ \
	FIELD(pwq_delayed, "pool_workqueue", "delayed_works") /* before that */ \
	FIELD(pool_cpu, "worker_pool", "cpu") \
	FIELD(pool_worklist, "worker_pool", "worklist") \
	FIELD(pool_workers, "worker_pool", "workers") \
	FIELD(worker_node, "worker", "node") \
	FIELD(worker_task, "worker", "task") \
	FIELD(worker_work, "worker", "current_work") \
	FIELD(worker_func, "worker", "current_func") \
	FIELD(task_works, "task_struct", "task_works") \
	FIELD(task_uring, "task_struct", "io_uring") \
	FIELD(work_func_of, "callback_head", "func") \
	FIELD(file_task_work, "file", "f_task_work") /* v6.12 */ \
	FIELD(file_rcuhead, "file", "f_rcuhead") /* v5.18 to v6.11 */ \
	FIELD(file_union, "file", "f_u") /* before that: the same place */ \
	FIELD(socket_sk, "socket", "sk") \
	FIELD(sock_family, "sock_common", "skc_family") \
	FIELD(sock_state, "sock_common", "skc_state") \
	FIELD(sock_queue, "sock", "sk_receive_queue") \
	FIELD(skb_cb, "sk_buff", "cb") \
	FIELD(skb_sk, "sk_buff", "sk") \
	FIELD(unix_fp, "unix_skb_parms", "fp") \
	FIELD(fp_count, "scm_fp_list", "count") \
	FIELD(fp_files, "scm_fp_list", "fp") \
	FIELD(ring_table, "io_ring_ctx", "file_table") /* v5.13 */ \
	FIELD(ring_nr, "io_ring_ctx", "nr_user_files") /* to v6.12 */ \
	FIELD(ring_files, "io_file_table", "files") /* to v6.12 */ \
	FIELD(ring_data, "io_file_table", "data") /* v6.13 */ \
	FIELD(rsrc_nr, "io_rsrc_data", "nr") \
	FIELD(rsrc_nodes, "io_rsrc_data", "nodes") /* v6.13 */ \
	FIELD(rsrc_file, "io_rsrc_node", "file_ptr") /* v6.13 */ \
	FIELD(uring_registered, "io_uring_task", "registered_rings") /* v5.18 */ \
	FIELD(module_kallsyms, "module", "kallsyms") /* v4.5 */ \
	FIELD(kallsyms_symtab, "mod_kallsyms", "symtab") \
	FIELD(kallsyms_nr, "mod_kallsyms", "num_symtab") \
	FIELD(kallsyms_strtab, "mod_kallsyms", "strtab")

#define VS_LAYOUT_VFIO(FIELD) \
	FIELD(vfio_group_list, "vfio", "group_list") \
	FIELD(group_drivers, "vfio_group", "drivers") /* v6.1 */ \
	FIELD(group_users, "vfio_group", "users") /* v5.16 to v6.0 */ \
	FIELD(group_kref, "vfio_group", "kref") /* to v5.15 */ \
	FIELD(group_container_users, "vfio_group", "container_users") \
	FIELD(group_iommu_group, "vfio_group", "iommu_group") \
	FIELD(group_container, "vfio_group", "container") \
	FIELD(group_device_list, "vfio_group", "device_list") \
	FIELD(group_dev, "vfio_group", "dev") \
	FIELD(group_cdev, "vfio_group", "cdev") /* v5.16: and dev is embedded */ \
	FIELD(group_next, "vfio_group", "vfio_next") \
	FIELD(group_opened, "vfio_group", "opened") \
	FIELD(group_opened_file, "vfio_group", "opened_file") /* v5.18 */ \
	FIELD(group_container_wait, "vfio_group", "container_q") /* to v6.0 */ \
	FIELD(device_dev, "vfio_device", "dev") \
	FIELD(device_node, "vfio_device", "device") /* v6.1 */ \
	FIELD(device_group, "vfio_device", "group") \
	FIELD(device_refcount, "vfio_device", "refcount") \
	FIELD(device_kref, "vfio_device", "kref") /* before v5.13, 5.10.137 */ \
	FIELD(device_completion, "vfio_device", "comp") /* v5.13, 5.10.137 */ \
	FIELD(device_open_count, "vfio_device", "open_count") /* v5.15 */ \
	FIELD(device_next, "vfio_device", "group_next") \
	FIELD(device_inode, "vfio_device", "inode") /* v6.10: a mapping of its own */ \
	FIELD(device_file_device, "vfio_device_file", "device") /* v6.6 */ \
	FIELD(device_file_group, "vfio_device_file", "group") /* NULL: opened by cdev */ \
	FIELD(device_file_iommufd, "vfio_device_file", "iommufd") /* v6.6 */

#define VS_LAYOUT_KVM(FIELD) \
	FIELD(kvm_device_ops, "kvm_device", "ops") \
	FIELD(kvm_device_private, "kvm_device", "private") \
	FIELD(kvm_vfio_groups, "kvm_vfio", "group_list") \
	FIELD(kvm_vfio_files, "kvm_vfio", "file_list") /* v6.6, with kvm_vfio_file */ \
	FIELD(kvm_group_node, "kvm_vfio_group", "node") \
	FIELD(kvm_group_group, "kvm_vfio_group", "vfio_group") /* to v5.19 */ \
	FIELD(kvm_group_file, "kvm_vfio_group", "file") /* v6.0 */ \
	FIELD(kvm_file_node, "kvm_vfio_file", "node") \
	FIELD(kvm_file_file, "kvm_vfio_file", "file")

#define VS_LAYOUT_FIELD(name, type, member) int name;
struct vs_snap_layout {
	VS_LAYOUT_VMLINUX(VS_LAYOUT_FIELD)
	VS_LAYOUT_VFIO(VS_LAYOUT_FIELD)
	VS_LAYOUT_KVM(VS_LAYOUT_FIELD)
	bool vfio_assumed;	/* no BTF describes VFIO's structures */
};
#undef VS_LAYOUT_FIELD

/*
 * Takes the layout of the running kernel. `root` is prefixed to /sys/kernel/btf. Returns 0,
 * -ENOENT without BTF of vmlinux, -ENOTSUP if BTF does not describe VFIO's structures and they
 * cannot be assumed (locks of another size: lock debugging), or -ENOMEM.
 */
int vs_snap_layout__collect(const char *root, struct vs_snap_layout *layout);

/* Does the same with types that were read already: those of vmlinux, then those of modules. */
struct vs_btf;
int vs_snap_layout__of(const struct vs_btf *const *btfs, size_t nr, struct vs_snap_layout *layout);

/* Returns true if BTF describes VFIO's devices and they are in no group: without CONFIG_VFIO_GROUP (v6.6). */
bool vs_snap_layout__has_no_groups(const struct vs_snap_layout *layout);

/*
 * Fills in VFIO's structures as they were from 4.15 to 5.15 on 64-bit kernels.
 * vfio_device: as in v5.13, 5.10.137 and later. -ENOTSUP if locks have another size.
 */
int vs_snap_layout__assume_vfio(struct vs_snap_layout *layout);

/* vfio_device as it was before that: with a kref, which stands first. */
void vs_snap_layout__assume_old_device(struct vs_snap_layout *layout);

/* KVM's structures up to 5.19. */
void vs_snap_layout__assume_kvm(struct vs_snap_layout *layout);

#endif
