/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel types that the BPF programs read, and of each only the members
 * they read. CO-RE finds the real offsets on the running kernel. How this file
 * is made and checked: README.md beside it.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

#include "pt_regs.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct blocking_notifier_head;

struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long action, void *data);
};

struct work_struct {
	struct {
		long counter;
	} data;
	void (*func)(struct work_struct *work);
};

struct worker_pool {
	int cpu;
	int id;
	int nr_idle;
};

struct workqueue_struct {
	int max_active;		/* since v6.9 */
	char name[32];		/* 24 before v6.9 */
};

struct pool_workqueue {
	struct worker_pool *pool;
	struct workqueue_struct *wq;
	int nr_active;
};

/* v6.9: 4cb1ef64609f */
enum worker_pool_flags {
	POOL_BH = 1 << 0,
};

struct worker {
	struct work_struct *current_work;
	void (*current_func)(struct work_struct *work);
	struct pool_workqueue *current_pwq;
	struct worker_pool *pool;
};

struct kthread {
	void *data;
};

struct sched_info {
	unsigned long long last_arrival;
};

struct task_struct {
	unsigned int __state;
	void *stack;
	unsigned int flags;
	struct sched_info sched_info;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct files_struct *files;
	__u64 start_time;
	__u64 utime;
	char comm[16];
	void *worker_private;	/* since v5.17 */
};

struct kobject {
	const char *name;
};

struct iommu_group {
	int id;
};

struct device {
	struct kobject kobj;
	struct iommu_group *iommu_group;
};

struct cdev;

struct inode {
	struct cdev *i_cdev;
};

struct file {
	void *private_data;
};

struct module {
	char name[56];
};

struct fdtable {
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct;

struct list_head {
	struct list_head *next;
};

struct trace_event_call {
	struct list_head list;
};

struct perf_event {
	struct trace_event_call *tp_event;
};

struct trace_probe_event {
	struct trace_event_call call;
	struct list_head probes;
};

struct trace_probe {
	struct list_head list;
};

struct kprobe {
	unsigned long nmissed;
	void *addr;
};

struct kretprobe {
	struct kprobe kp;
};

struct trace_kprobe {
	struct kretprobe rp;
	struct trace_probe tp;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
