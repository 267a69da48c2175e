// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO groups: their references, devices, files, notifier and release. Probes in
 * vfio.ko are kprobes: fentry would pin the module. Where VFIO is built in, there is
 * nothing to pin, and functions have a fentry program, too.
 */
#include "state.h"
#include "task.h"
#include "emit.h"
#include "group.h"
#include "device.h"
#include "probe.h"

/*
 * Argument n of a fentry program as a number: the verifier knows the argument as
 * a pointer and refuses to subtract from it what it cannot bound.
 */
static __always_inline __u64 argument(void *ctx, int n)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (__u64 *)ctx + n);
	return value;
}

static __always_inline void fill_put(struct vs_event *e, __u64 ip, __u64 group)
{
	e->ip = ip;
	e->group = group;
	e->iommu_group = group_number(group);
	read_counter(e, group);
	emit_context(e);
}

static __always_inline int emit_put_stack(struct pt_regs *ctx, __u64 group)
{
	__u64 wakeup;
	struct vs_stack_event *s = emit_begin(VS_PUT, struct vs_stack_event, &wakeup);

	if (!s)
		return 0;
	fill_put(&s->e, probe_ip(ctx), group);
	emit_stack(s, ctx);
	emit_end(s, wakeup);
	return 0;
}

static __always_inline int emit_put(struct pt_regs *ctx, __u64 group)
{
	struct vs_event *e;
	__u64 wakeup;

	if (cfg.stacks)
		return emit_put_stack(ctx, group);
	e = emit_begin(VS_PUT, struct vs_event, &wakeup);
	if (!e)
		return 0;
	fill_put(e, probe_ip(ctx), group);
	emit_end(e, wakeup);
	return 0;
}

/* At a call of refcount_dec_and_mutex_lock(&group->counter, &vfio.group_lock). */
SEC("kprobe")
int BPF_KPROBE(put_site, __u64 counter)
{
	return cfg.vfio_ready ? emit_put(ctx, counter - cfg.layout.group_counter) : 0;
}

/* Where vfio_group_put(group) is a function of its own. */
SEC("kprobe")
int BPF_KPROBE(put_group, __u64 group)
{
	return cfg.vfio_ready ? emit_put(ctx, group) : 0;
}

/* vfio_device_remove_group(device), v6.1 and later. */
SEC("kprobe")
int BPF_KPROBE(put_device_group, __u64 device)
{
	return cfg.vfio_ready ? emit_put(ctx, read_pointer(device, cfg.layout.device_group)) : 0;
}

static __always_inline void emit_open(__u64 ip, __u64 group, __u64 file)
{
	__u64 wakeup;
	struct vs_event *e = emit_begin(VS_OPEN, struct vs_event, &wakeup);

	if (!e)
		return;
	e->ip = ip;
	e->group = group;
	e->object = file;
	e->iommu_group = group_number(group);
	emit_context(e);
	emit_end(e, wakeup);
}

/* An open may still fail, so it is reported at its end where that is seen. */
static __always_inline void begin_open(__u64 ip, __u64 group, __u64 file)
{
	struct task_state *task;

	if (!cfg.open_returns) {
		emit_open(ip, group, file);
		return;
	}
	task = task_get_or_add();
	if (!task)
		return;
	task->opening = group;
	task->opening_ip = ip;
}

/*
 * chrdev_open() calls the open of every character device: a function of a module has no fexit for us. VFIO
 * sets private_data as its last act.
 */
SEC("fexit/chrdev_open")
int BPF_PROG(open_returned, struct inode *inode, struct file *file, int error)
{
	struct task_state *task = cfg.ready ? task_get() : 0;
	__u64 group;

	if (!task || !task->opening)
		return 0;
	group = task->opening;
	task->opening = 0;
	if (!error && (__u64)file->private_data == group && cfg.vfio_ready)
		emit_open(task->opening_ip, group, (__u64)file);
	task_put_if_idle(task);
	return 0;
}

/*
 * vfio's notifier finds its group by the offset of the notifier_block: what the
 * reference taken there says about the group must agree.
 */
static __always_inline void check_layout(const struct vs_event *e)
{
	if (e->context == VS_CTX_NOTIFIER && e->ctx_group && e->ctx_group != e->group)
		count_loss(VS_LOSS_LAYOUT);
}

static __always_inline void fill_get(struct vs_event *e, struct pt_regs *ctx,
				     const struct vs_site_action *site, __u64 group)
{
	e->ip = probe_ip(ctx);
	e->group = group;
	e->iommu_group = group_number(group);
	e->refs = (__s32)read_register(ctx, site->value_offset) + 1;
	e->flags = VS_F_REFS;
	emit_context(e);
	check_layout(e);
}

static __always_inline void emit_get_stack(struct pt_regs *ctx,
					   const struct vs_site_action *site, __u64 group)
{
	__u64 wakeup;
	struct vs_stack_event *s = emit_begin(VS_GET, struct vs_stack_event, &wakeup);

	if (!s)
		return;
	fill_get(&s->e, ctx, site, group);
	emit_stack(s, ctx);
	emit_end(s, wakeup);
}

static __always_inline void emit_get(struct pt_regs *ctx, const struct vs_site_action *site,
				     __u64 group)
{
	__u64 wakeup;
	struct vs_event *e = emit_begin(VS_GET, struct vs_event, &wakeup);

	if (!e)
		return;
	fill_get(e, ctx, site, group);
	emit_end(e, wakeup);
}

/* After the locked add of an inlined get: registers are per site. */
SEC("kprobe")
int BPF_KPROBE(get_site)
{
	__u64 ip = probe_ip(ctx), group;
	struct vs_site_action *site;

	if (!cfg.vfio_ready)
		return 0;
	site = bpf_map_lookup_elem(&sites, &ip);
	if (!site)
		return 0;
	group = read_register(ctx, site->base_offset) + site->disp - cfg.layout.group_counter;
	if (cfg.stacks)
		emit_get_stack(ctx, site, group);
	else
		emit_get(ctx, site, group);
	if (site->opens_file)
		begin_open(ip, group, 0);
	return 0;
}

/*
 * One call of a chain runs the notifier for two groups where one that is going has not unregistered
 * yet: the second entry is the first one's exit.
 */
static __always_inline void mark_notifier(__u64 block, __u8 action, __s32 number)
{
	struct task_state *task = task_get();
	struct chain_frame *frame = task ? task_top(task) : 0;

	if (!frame)
		return;
	if (frame->in_vfio)
		notifier_exit(frame);
	else
		frame->outer_notifier = task->notifier;
	task->notifier = task->depth;
	frame->in_vfio = 1;
	frame->block = block;
	frame->action = action;
	frame->group = cfg.layout.group_nb == VS_NO_OFFSET ? 0 : block - cfg.layout.group_nb;
	frame->iommu_group = number;
}

/*
 * The group may be gone already (the notifier looks it up under vfio.group_lock
 * for that reason), so nothing in it is read: the number comes from the device.
 */
static __always_inline int enter_notifier(__u64 ip, __u64 block, unsigned long action, __u64 dev)
{
	struct vs_device_event *d;
	__u64 wakeup;
	__s32 number;

	if (!cfg.vfio_ready)
		return 0;
	number = device_number(dev);
	mark_notifier(block, action, number);
	d = emit_begin(VS_NOTIFIER_ENTER, struct vs_device_event, &wakeup);
	if (!d)
		return 0;
	d->e.ip = ip;
	d->e.object = block;
	d->e.iommu_group = number;
	read_device_name(d->device, dev);
	emit_context(&d->e);
	d->e.action = action;
	emit_end(d, wakeup);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(notifier_enter, __u64 block, unsigned long action, __u64 dev)
{
	return enter_notifier(probe_ip(ctx), block, action, dev);
}

SEC("fentry/vfio_iommu_group_notifier")
int notifier_fentry(void *ctx)
{
	return enter_notifier(cfg.entry[VS_ENTRY_NOTIFIER], argument(ctx, 0), argument(ctx, 1),
			      argument(ctx, 2));
}

/*
 * The memory of a released group is soon something else's: its watchpoint is to
 * be taken away. True if there is one; one that is set from now on finds it ended.
 */
static __always_inline bool end_watch(__u64 group)
{
	__u64 counter = group + cfg.layout.group_counter;
	__u32 place = vs_ended__place(group);
	struct vs_watched *watch;

	ended.last[place].group = group;
	ended.last[place].seq = sequence.begun + 1;
	watch = bpf_map_lookup_elem(&watches, &counter);

	if (watch)
		watch->on = 0;
	return watch;
}

/*
 * Up to v5.15 the last put, with the kref as argument; later the last reference
 * of the embedded struct device. Both are the first member.
 */
static __always_inline int emit_release(__u64 ip, __u64 group)
{
	struct vs_event *e;
	bool watched;
	__u64 wakeup;

	if (!cfg.vfio_ready)
		return 0;
	watched = end_watch(group);
	e = emit_begin(VS_RELEASE, struct vs_event, &wakeup);
	if (!e)
		return 0;
	e->ip = ip;
	e->group = group;
	if (cfg.release_is_free)
		e->flags = VS_F_FREED;
	else
		e->iommu_group = group_number(group);
	emit_context(e);
	if (watched || e->context == VS_CTX_NOTIFIER)
		emit_end_now(e);
	else
		emit_end(e, wakeup);
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(group_release, __u64 group)
{
	return emit_release(probe_ip(ctx), group);
}

SEC("fentry/vfio_group_release")
int release_fentry(void *ctx)
{
	return emit_release(cfg.entry[VS_ENTRY_RELEASE], argument(ctx, 0));
}

SEC("kprobe")
int BPF_KPROBE(device_register, __u64 device)
{
	return cfg.vfio_ready ? emit_device(probe_ip(ctx), VS_REGISTER, device, 0, 0) : 0;
}

SEC("fentry/vfio_register_group_dev")
int register_fentry(void *ctx)
{
	return cfg.vfio_ready ? emit_device(cfg.entry[VS_ENTRY_REGISTER], VS_REGISTER,
					    argument(ctx, 0), 0, 0) : 0;
}

static __always_inline int emit_unregister(__u64 ip, __u64 device)
{
	if (!cfg.vfio_ready)
		return 0;
	return emit_device(ip, VS_UNREGISTER, device,
			   read_pointer(device, cfg.layout.device_group), 0);
}

SEC("kprobe")
int BPF_KPROBE(device_unregister, __u64 device)
{
	return emit_unregister(probe_ip(ctx), device);
}

SEC("fentry/vfio_unregister_group_dev")
int unregister_fentry(void *ctx)
{
	return emit_unregister(cfg.entry[VS_ENTRY_UNREGISTER], argument(ctx, 0));
}

/* vfio_create_group(iommu_group): the new group is not known yet. */
SEC("kprobe")
int BPF_KPROBE(group_create, __u64 iommu_group)
{
	struct vs_event *e;
	__u64 wakeup;

	if (!cfg.vfio_ready)
		return 0;
	e = emit_begin(VS_CREATE, struct vs_event, &wakeup);
	if (!e)
		return 0;
	e->ip = probe_ip(ctx);
	e->iommu_group = iommu_group_number(iommu_group);
	emit_context(e);
	emit_end(e, wakeup);
	return 0;
}

/* vfio_group_fops_open(inode, file) where the group embeds its cdev: v5.16 and later. */
SEC("kprobe")
int BPF_KPROBE(group_open, struct inode *inode, __u64 file)
{
	__u64 cdev;

	if (!cfg.vfio_ready)
		return 0;
	cdev = (__u64)BPF_CORE_READ(inode, i_cdev);
	begin_open(probe_ip(ctx), cdev ? cdev - cfg.layout.group_cdev : 0, file);
	return 0;
}

static __always_inline int emit_close(__u64 ip, struct file *file)
{
	struct vs_event *e;
	__u64 wakeup;

	if (!cfg.vfio_ready)
		return 0;
	e = emit_begin(VS_CLOSE, struct vs_event, &wakeup);
	if (!e)
		return 0;
	e->ip = ip;
	e->object = (__u64)file;
	e->group = (__u64)BPF_CORE_READ(file, private_data);
	e->iommu_group = group_number(e->group);
	emit_context(e);
	emit_end(e, wakeup);
	return 0;
}

/* vfio_group_fops_release(inode, file) */
SEC("kprobe")
int BPF_KPROBE(group_close, void *inode, struct file *file)
{
	return emit_close(probe_ip(ctx), file);
}

SEC("fentry/vfio_group_fops_release")
int close_fentry(void *ctx)
{
	return emit_close(cfg.entry[VS_ENTRY_CLOSE], (void *)argument(ctx, 1));
}

/* iommu_group_register_notifier(iommu_group, block) and its opposite */
static __always_inline int emit_block(void *ctx, __u8 type)
{
	__u64 block = argument(ctx, 1);
	struct vs_event *e;
	__u64 wakeup;

	e = emit_begin(type, struct vs_event, &wakeup);
	if (!e)
		return 0;
	e->object = block;
	if (cfg.layout.group_nb != VS_NO_OFFSET)
		e->group = block - cfg.layout.group_nb;
	e->iommu_group = iommu_group_number(argument(ctx, 0));
	emit_context(e);
	if (type != VS_CREATE && e->context == VS_CTX_NOTIFIER)
		emit_end_now(e);
	else
		emit_end(e, wakeup);
	return 0;
}

/*
 * Called by vfio_create_group() for the new group: inlined there, exported here. In
 * vmlinux, so that the birth of a group is seen before the probes in vfio.ko are armed.
 */
SEC("fentry/iommu_group_register_notifier")
int iommu_register(void *ctx)
{
	if (!cfg.ready)
		return 0;
	if (!cfg.vfio_ready)
		__sync_fetch_and_add(&unseen_groups, 1);
	return emit_block(ctx, VS_CREATE);
}

SEC("fentry/iommu_group_unregister_notifier")
int iommu_unregister(void *ctx)
{
	return cfg.vfio_ready ? emit_block(ctx, VS_UNREGISTER_NOTIFIER) : 0;
}

/* Where vfio_group_release() is inlined into its caller: it ends here. */
SEC("fentry/iommu_group_unregister_notifier")
int iommu_release(void *ctx)
{
	return cfg.vfio_ready ? emit_block(ctx, VS_RELEASE) : 0;
}
