// SPDX-License-Identifier: GPL-2.0
/*
 * Loads workqueues with works of its own, each kind a function with its own name, and keeps the
 * true times:
 *
 *	echo "burn cpu=1 ms=40; victim cpu=1" > /sys/kernel/debug/wqload/run
 *	cat /sys/kernel/debug/wqload/log	FUNCTION CPU QUEUE_NS START_NS END_NS
 *
 * burn	  wqload_burn: keeps the CPU for ms, without sleeping
 * sleep  wqload_sleep: sleeps for ms
 * hog	  wqload_hog: sleeps until ms after the write, so all of them end at once
 * victim wqload_victim: does nothing; ms=N: keeps the CPU for that long
 * spin	  no work: a real-time kernel thread wqload_spin that keeps the CPU for ms
 * wait	  until everything queued has ended
 * clear  waits, then empties the log
 *
 * n=N (1) of them; cpu=N, else where the workqueue likes; wq=
 *	system (default), highpri, long, unbound: system_wq, system_highpri_wq and so on
 *	own: of this module, max_active 1
 * system_wq is saturated by as many works as its max_active: hog cpu=1 n=256 ms=500.
 *
 * The commands of one write are queued in one go, with preemption off: none of them starts on the
 * writer's CPU before the last is queued. Times are CLOCK_MONOTONIC, as BPF programs have it. The
 * log is in the order of queueing and has what has ended; CPU is where it started. It takes
 * MAX_ITEMS, then a write fails with ENOSPC.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#define MAX_ITEMS 8192
#define MAX_MS 10000
#define MAX_TEXT 4096

struct kind;

struct item {
	struct work_struct work;
	struct list_head node;
	const struct kind *kind;
	struct workqueue_struct *wq;
	struct task_struct *thread;	/* spin only */
	int cpu;
	unsigned int ms;
	u64 queued_ns;
	u64 started_ns;
	u64 ended_ns;			/* 0: not yet; set last */
};

struct kind {
	const char *name;
	work_func_t func;		/* NULL: a thread */
};

static LIST_HEAD(items);
static unsigned int nr_items;
static DEFINE_MUTEX(items_lock);	/* held by one write or read as a whole */
static struct workqueue_struct *own_wq;
static struct dentry *dir;

static void started(struct item *i)
{
	i->cpu = raw_smp_processor_id();
	i->started_ns = ktime_get_ns();
}

static void ended(struct item *i)
{
	smp_store_release(&i->ended_ns, ktime_get_ns());
}

static void keep_cpu(struct item *i)
{
	u64 until = i->started_ns + i->ms * (u64)NSEC_PER_MSEC;

	while (ktime_get_ns() < until)
		cpu_relax();
}

/* msleep() counts jiffies: some milliseconds too long, or, in a starved guest, too short. */
static void sleep_ms(unsigned int ms)
{
	usleep_range(ms * USEC_PER_MSEC, ms * USEC_PER_MSEC + 50);
}

static void wqload_burn(struct work_struct *work)
{
	struct item *i = container_of(work, struct item, work);

	started(i);
	keep_cpu(i);
	ended(i);
}

static void wqload_sleep(struct work_struct *work)
{
	struct item *i = container_of(work, struct item, work);

	started(i);
	sleep_ms(i->ms);
	ended(i);
}

static void wqload_hog(struct work_struct *work)
{
	struct item *i = container_of(work, struct item, work);
	u64 late_ms;

	started(i);
	late_ms = div_u64(i->started_ns - i->queued_ns, NSEC_PER_MSEC);
	if (late_ms < i->ms)
		sleep_ms(i->ms - late_ms);
	ended(i);
}

static void wqload_victim(struct work_struct *work)
{
	struct item *i = container_of(work, struct item, work);

	started(i);
	keep_cpu(i);
	ended(i);
}

static int wqload_spin(void *data)
{
	struct item *i = data;

	started(i);
	keep_cpu(i);
	ended(i);
	return 0;
}

static const struct kind kinds[] = {
	{ "wqload_burn", wqload_burn },
	{ "wqload_sleep", wqload_sleep },
	{ "wqload_hog", wqload_hog },
	{ "wqload_victim", wqload_victim },
	{ "wqload_spin", NULL },
};

static const struct kind *kind_named(const char *name)
{
	size_t prefix = strlen("wqload_"), k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		if (!strcmp(kinds[k].name + prefix, name))
			return &kinds[k];
	return NULL;
}

static struct workqueue_struct *wq_named(const char *name)
{
	if (!strcmp(name, "system"))
		return system_wq;
	if (!strcmp(name, "highpri"))
		return system_highpri_wq;
	if (!strcmp(name, "long"))
		return system_long_wq;
	if (!strcmp(name, "unbound"))
		return system_unbound_wq;
	return strcmp(name, "own") ? NULL : own_wq;
}

static int option(char *word, struct item *i, unsigned int *n)
{
	if (sscanf(word, "cpu=%d", &i->cpu) == 1)
		return i->cpu >= 0 && i->cpu < nr_cpu_ids && cpu_online(i->cpu) ? 0 : -EINVAL;
	if (sscanf(word, "ms=%u", &i->ms) == 1)
		return i->ms <= MAX_MS ? 0 : -EINVAL;
	if (sscanf(word, "n=%u", n) == 1)
		return *n <= MAX_ITEMS ? 0 : -ENOSPC;
	if (strncmp(word, "wq=", 3))
		return -EINVAL;
	i->wq = wq_named(word + 3);
	return i->wq ? 0 : -EINVAL;
}

/* parse: what is asked for goes into @i and @n; @text is cut into words. */
static int parse(char *text, struct item *i, unsigned int *n)
{
	char *word;

	while ((word = strsep(&text, " \t"))) {
		int err = *word ? option(word, i, n) : 0;

		if (err)
			return err;
	}
	return 0;
}

static int make_thread(struct item *i)
{
	struct task_struct *t = kthread_create(wqload_spin, i, "wqload_spin");

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (i->cpu != WORK_CPU_UNBOUND)
		kthread_bind(t, i->cpu);
	sched_set_fifo(t);
	get_task_struct(t);
	i->thread = t;
	return 0;
}

static int make_item(const struct item *like, struct list_head *made)
{
	struct item *i = kmemdup(like, sizeof(*like), GFP_KERNEL);
	int err;

	if (!i)
		return -ENOMEM;
	err = i->kind->func ? 0 : make_thread(i);
	if (err) {
		kfree(i);
		return err;
	}
	if (i->kind->func)
		INIT_WORK(&i->work, i->kind->func);
	list_add_tail(&i->node, made);
	nr_items++;
	return 0;
}

/* make: one command, with its first word taken off. */
static int make(const char *name, char *options, struct list_head *made)
{
	struct item like = { .kind = kind_named(name), .wq = system_wq, .cpu = WORK_CPU_UNBOUND };
	unsigned int n = 1;
	int err;

	if (!like.kind)
		return -EINVAL;
	err = parse(options, &like, &n);
	if (!err && n > MAX_ITEMS - nr_items)
		err = -ENOSPC;
	while (n-- && !err)
		err = make_item(&like, made);
	return err;
}

static void start(struct item *i)
{
	i->queued_ns = ktime_get_ns();
	if (i->thread)
		wake_up_process(i->thread);
	else
		queue_work_on(i->cpu, i->wq, &i->work);
}

static void start_all(struct list_head *made)
{
	struct item *i, *next;

	preempt_disable();
	list_for_each_entry_safe(i, next, made, node) {
		list_move_tail(&i->node, &items);
		start(i);
	}
	preempt_enable();
}

/* stop_thread: one that was never started never runs; else until it has left this module's text. */
static void stop_thread(struct task_struct *t)
{
	kthread_stop(t);
	put_task_struct(t);
}

static void drop(struct list_head *list)
{
	struct item *i, *next;

	list_for_each_entry_safe(i, next, list, node) {
		if (i->thread)
			stop_thread(i->thread);
		list_del(&i->node);
		kfree(i);
		nr_items--;
	}
}

static void wait_all(void)
{
	struct item *i;

	list_for_each_entry(i, &items, node) {
		if (!i->thread)
			flush_work(&i->work);
		while (!smp_load_acquire(&i->ended_ns))
			msleep(4);
	}
}

/* command: adds to @made, or does what needs no work. */
static int command(char *text, struct list_head *made)
{
	char *name = strsep(&text, " \t");

	if (!strcmp(name, "wait") || !strcmp(name, "clear")) {
		start_all(made);
		wait_all();
		if (*name == 'c')
			drop(&items);
		return 0;
	}
	return make(name, text, made);
}

static int run(char *text)
{
	LIST_HEAD(made);
	char *one;
	int err = 0;

	while (!err && (one = strsep(&text, ";\n"))) {
		one = strim(one);
		if (*one)
			err = command(one, &made);
	}
	if (err)
		drop(&made);
	else
		start_all(&made);
	return err;
}

static ssize_t run_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	char *text;
	int err;

	if (size > MAX_TEXT)
		return -E2BIG;
	text = memdup_user_nul(from, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&items_lock);
	err = run(text);
	mutex_unlock(&items_lock);
	kfree(text);
	return err ?: size;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

static int log_show(struct seq_file *m, void *unused)
{
	struct item *i;

	mutex_lock(&items_lock);
	list_for_each_entry(i, &items, node) {
		u64 ended_ns = smp_load_acquire(&i->ended_ns);

		if (ended_ns)
			seq_printf(m, "%s %d %llu %llu %llu\n", i->kind->name, i->cpu,
				   i->queued_ns, i->started_ns, ended_ns);
	}
	mutex_unlock(&items_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(log);

static int __init wqload_init(void)
{
	own_wq = alloc_workqueue("wqload", 0, 1);
	if (!own_wq)
		return -ENOMEM;
	dir = debugfs_create_dir("wqload", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("log", 0400, dir, NULL, &log_fops);
	return 0;
}

static void __exit wqload_exit(void)
{
	debugfs_remove(dir);
	wait_all();
	drop(&items);
	destroy_workqueue(own_wq);
}

module_init(wqload_init);
module_exit(wqload_exit);

MODULE_DESCRIPTION("Loads workqueues on request, and keeps the true times");
MODULE_LICENSE("GPL");
