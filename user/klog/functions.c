// SPDX-License-Identifier: GPL-2.0
#include "klog/functions.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct known {
	const char *name;
	unsigned int flags;
};

/* Sorted as strcmp(3) does: bsearch(3) wants it. */
static const struct known exact[] = {
	{ "___down_common", KLOG_FN_SEMAPHORE },
	{ "__common_interrupt", KLOG_FN_IRQ },
	{ "__cond_resched", KLOG_FN_SWITCH },
	{ "__down", KLOG_FN_SEMAPHORE },
	{ "__down_common", KLOG_FN_SEMAPHORE },
	{ "__down_interruptible", KLOG_FN_SEMAPHORE },
	{ "__down_killable", KLOG_FN_SEMAPHORE },
	{ "__down_read", KLOG_FN_RWSEM },
	{ "__down_read_common", KLOG_FN_RWSEM },
	{ "__down_timeout", KLOG_FN_SEMAPHORE | KLOG_FN_TIMED },
	{ "__down_write", KLOG_FN_RWSEM },
	{ "__down_write_common", KLOG_FN_RWSEM },
	{ "__down_write_killable", KLOG_FN_RWSEM },
	{ "__dump_stack", KLOG_FN_DUMP },
	{ "__irq_svc", KLOG_FN_IRQ },
	{ "__mutex_lock", KLOG_FN_MUTEX },
	{ "__mutex_lock_common", KLOG_FN_MUTEX },
	{ "__mutex_lock_interruptible_slowpath", KLOG_FN_MUTEX },
	{ "__mutex_lock_killable_slowpath", KLOG_FN_MUTEX },
	{ "__mutex_lock_slowpath", KLOG_FN_MUTEX },
	{ "__rt_mutex_lock", KLOG_FN_MUTEX },
	{ "__rt_mutex_slowlock", KLOG_FN_MUTEX },
	{ "__rt_mutex_slowlock_locked", KLOG_FN_MUTEX },
	{ "__rwbase_read_lock", KLOG_FN_RWSEM },
	{ "__sched_text_start", KLOG_FN_SWITCH }, /* __schedule() has the same address */
	{ "__schedule", KLOG_FN_SWITCH },
	{ "__schedule_loop", KLOG_FN_SWITCH },
	{ "__switch_to", KLOG_FN_SWITCH },
	{ "__switch_to_asm", KLOG_FN_SWITCH },
	{ "__wait_for_common", KLOG_FN_COMPLETION },
	{ "__ww_mutex_lock", KLOG_FN_MUTEX },
	{ "_cond_resched", KLOG_FN_SWITCH },
	{ "apic_timer_interrupt", KLOG_FN_IRQ },
	{ "asm_common_interrupt", KLOG_FN_IRQ },
	{ "call_rwsem_down_read_failed", KLOG_FN_RWSEM },
	{ "call_rwsem_down_write_failed", KLOG_FN_RWSEM },
	{ "common_interrupt", KLOG_FN_IRQ },
	{ "context_switch", KLOG_FN_SWITCH },
	{ "decrementer_common", KLOG_FN_IRQ },
	{ "decrementer_common_virt", KLOG_FN_IRQ },
	{ "do_IRQ", KLOG_FN_IRQ },
	{ "do_wait_for_common", KLOG_FN_COMPLETION },
	{ "down", KLOG_FN_SEMAPHORE },
	{ "down_interruptible", KLOG_FN_SEMAPHORE },
	{ "down_killable", KLOG_FN_SEMAPHORE },
	{ "down_read", KLOG_FN_RWSEM },
	{ "down_read_interruptible", KLOG_FN_RWSEM },
	{ "down_read_killable", KLOG_FN_RWSEM },
	{ "down_read_nested", KLOG_FN_RWSEM },
	{ "down_timeout", KLOG_FN_SEMAPHORE | KLOG_FN_TIMED },
	{ "down_write", KLOG_FN_RWSEM },
	{ "down_write_killable", KLOG_FN_RWSEM },
	{ "down_write_nested", KLOG_FN_RWSEM },
	{ "dump_backtrace", KLOG_FN_DUMP },
	{ "dump_stack", KLOG_FN_DUMP },
	{ "dump_stack_lvl", KLOG_FN_DUMP },
	{ "el0_svc_naked", KLOG_FN_END },
	{ "el0_sync", KLOG_FN_END },
	{ "el0_sync_compat", KLOG_FN_END },
	{ "el0t_32_sync", KLOG_FN_END },
	{ "el0t_64_sync", KLOG_FN_END },
	{ "el1_irq", KLOG_FN_IRQ },
	{ "el1h_64_irq", KLOG_FN_IRQ },
	{ "entry_INT80_compat", KLOG_FN_END },
	{ "entry_SYSCALL_64", KLOG_FN_END },
	{ "entry_SYSCALL_64_after_hwframe", KLOG_FN_END },
	{ "entry_SYSCALL_64_fastpath", KLOG_FN_END },
	{ "entry_SYSENTER_32", KLOG_FN_END },
	{ "entry_SYSENTER_compat", KLOG_FN_END },
	{ "fsleep", KLOG_FN_TIMED },
	{ "hardware_interrupt_common", KLOG_FN_IRQ },
	{ "io_schedule", KLOG_FN_SWITCH },
	{ "io_schedule_timeout", KLOG_FN_SWITCH | KLOG_FN_TIMED },
	{ "kernel_thread_helper", KLOG_FN_END },
	{ "kernel_thread_starter", KLOG_FN_END },
	{ "msleep", KLOG_FN_TIMED },
	{ "msleep_interruptible", KLOG_FN_TIMED },
	{ "mutex_lock", KLOG_FN_MUTEX },
	{ "mutex_lock_interruptible", KLOG_FN_MUTEX },
	{ "mutex_lock_interruptible_nested", KLOG_FN_MUTEX },
	{ "mutex_lock_io", KLOG_FN_MUTEX },
	{ "mutex_lock_killable", KLOG_FN_MUTEX },
	{ "mutex_lock_killable_nested", KLOG_FN_MUTEX },
	{ "mutex_lock_nested", KLOG_FN_MUTEX },
	{ "preempt_schedule", KLOG_FN_SWITCH },
	{ "preempt_schedule_common", KLOG_FN_SWITCH },
	{ "preempt_schedule_irq", KLOG_FN_SWITCH },
	{ "preempt_schedule_notrace", KLOG_FN_SWITCH },
	{ "ret_fast_syscall", KLOG_FN_END },
	{ "ret_from_except", KLOG_FN_END },
	{ "ret_from_except_lite", KLOG_FN_END },
	{ "ret_from_fork", KLOG_FN_END },
	{ "ret_from_fork_asm", KLOG_FN_END },
	{ "ret_from_intr", KLOG_FN_IRQ },
	{ "ret_from_kernel_thread", KLOG_FN_END },
	{ "ret_from_kernel_user_thread", KLOG_FN_END },
	{ "rt_mutex_lock", KLOG_FN_MUTEX },
	{ "rt_mutex_schedule", KLOG_FN_SWITCH },
	{ "rt_mutex_slowlock", KLOG_FN_MUTEX },
	{ "rt_mutex_slowlock_block", KLOG_FN_MUTEX },
	{ "rwbase_write_lock", KLOG_FN_RWSEM },
	{ "rwsem_down_read_failed", KLOG_FN_RWSEM },
	{ "rwsem_down_read_failed_killable", KLOG_FN_RWSEM },
	{ "rwsem_down_read_slowpath", KLOG_FN_RWSEM },
	{ "rwsem_down_write_failed", KLOG_FN_RWSEM },
	{ "rwsem_down_write_failed_killable", KLOG_FN_RWSEM },
	{ "rwsem_down_write_slowpath", KLOG_FN_RWSEM },
	{ "schedule", KLOG_FN_SWITCH },
	{ "schedule_hrtimeout", KLOG_FN_TIMED },
	{ "schedule_hrtimeout_range", KLOG_FN_TIMED },
	{ "schedule_hrtimeout_range_clock", KLOG_FN_TIMED },
	{ "schedule_preempt_disabled", KLOG_FN_SWITCH },
	{ "schedule_rtlock", KLOG_FN_SWITCH },
	{ "schedule_timeout", KLOG_FN_TIMED },
	{ "schedule_timeout_idle", KLOG_FN_TIMED },
	{ "schedule_timeout_interruptible", KLOG_FN_TIMED },
	{ "schedule_timeout_killable", KLOG_FN_TIMED },
	{ "schedule_timeout_uninterruptible", KLOG_FN_TIMED },
	{ "show_stack", KLOG_FN_DUMP },
	{ "smp_apic_timer_interrupt", KLOG_FN_IRQ },
	{ "system_call", KLOG_FN_END },
	{ "system_call_common", KLOG_FN_END },
	{ "system_call_fastpath", KLOG_FN_END },
	{ "system_call_vectored_common", KLOG_FN_END },
	{ "usleep_range", KLOG_FN_TIMED },
	{ "usleep_range_state", KLOG_FN_TIMED },
	{ "wait_for_common", KLOG_FN_COMPLETION },
	{ "wait_for_completion", KLOG_FN_COMPLETION },
	{ "wait_for_completion_interruptible", KLOG_FN_COMPLETION },
	{ "wait_for_completion_interruptible_timeout", KLOG_FN_TIMED },
	{ "wait_for_completion_io", KLOG_FN_COMPLETION },
	{ "wait_for_completion_io_timeout", KLOG_FN_TIMED },
	{ "wait_for_completion_killable", KLOG_FN_COMPLETION },
	{ "wait_for_completion_killable_timeout", KLOG_FN_TIMED },
	{ "wait_for_completion_state", KLOG_FN_COMPLETION },
	{ "wait_for_completion_timeout", KLOG_FN_TIMED },
	{ "wait_woken", KLOG_FN_TIMED },
	{ "work_pending", KLOG_FN_END },
	{ "ww_mutex_lock", KLOG_FN_MUTEX },
	{ "ww_mutex_lock_interruptible", KLOG_FN_MUTEX },
};

struct span {
	const char *at;
	size_t len;
};

static int compare(const void *key, const void *row)
{
	const struct span *span = key;
	const struct known *known = row;
	int order = *span->at - *known->name;

	if (!order)
		order = strncmp(span->at, known->name, span->len);
	return order ? order : known->name[span->len] ? -1 : 0;
}

unsigned int klog_function__flags(const char *frame)
{
	struct span span = { frame, strcspn(frame, "+. [") };
	const struct known *found;

	if (!strncmp(frame, "asm_sysvec_", 11) || !strncmp(frame, "sysvec_", 7))
		return KLOG_FN_IRQ;
	found = bsearch(&span, exact, sizeof(exact) / sizeof(exact[0]), sizeof(exact[0]), compare);
	return found ? found->flags : 0;
}
