/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event ABI: what the BPF programs write into the ring buffer and what
 * the user side reads, live or from a recording.
 *
 * Rules:
 *  - every record starts with struct vs_event; `size` is the length of the
 *    whole record, `version` the ABI version, `type` one of enum vs_type;
 *  - types only ever get added; a reader skips a type it does not know;
 *  - VS_ABI_VERSION changes when an existing field changes its meaning;
 *  - records are zeroed before they are filled, padding is explicit, and each
 *    size is asserted: the same bytes on both sides.
 *
 * Included by BPF programs and by user space: fixed-width types only.
 */
#ifndef VFIOSCOPE_EVENTS_H
#define VFIOSCOPE_EVENTS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define VS_ABI_VERSION 2

#define VS_COMM_LEN 16	/* TASK_COMM_LEN */
#define VS_DEVICE_LEN 40	/* a PCI address, or an mdev UUID and its NUL */
#define VS_STACK_LEN 48	/* frames kept with an alarm */
#define VS_SHORT_STACK_LEN 20	/* frames kept with a get, a put, a change */
#define VS_CHAIN_DEPTH 8	/* nested notifier chains followed per task */

/*
 * `object` depends on the type:
 *   create, notifier-enter/exit, unregister-notifier   struct notifier_block *
 *   register, unregister, iommufd-*                     struct vfio_device *
 *   queue, start, end                                   struct work_struct *
 *   open, close                                         struct file * (0 if not known)
 *   change                                              the counter's address
 *   registration-get, registration-put                  struct vfio_device *
 *   chain-deadlock                                      struct notifier_block *
 */
enum vs_type {
	VS_CREATE = 1,		/* a group comes to exist */
	VS_REGISTER,		/* a device joins (entry of vfio_register_group_dev) */
	VS_UNREGISTER,		/* a device leaves (entry of vfio_unregister_group_dev) */
	VS_GET,			/* a reference was taken: refs is the value after it */
	VS_PUT,			/* a reference is about to be dropped: refs is a racy
				 * reading from just before */
	VS_NOTIFIER_ENTER,	/* vfio_iommu_group_notifier entered */
	VS_NOTIFIER_EXIT,	/* the chain that called it has returned, or calls it for another group */
	VS_QUEUE,		/* the deferred put was queued */
	VS_START,		/* a worker started it */
	VS_END,			/* and finished it */
	VS_RELEASE,		/* last put (<= 5.15) or memory freed (>= 5.16) */
	VS_UNREGISTER_NOTIFIER,	/* iommu_group_unregister_notifier entered */
	VS_OPEN,		/* /dev/vfio/N opened */
	VS_CLOSE,		/* the last user of that open file closed it */
	VS_MODULE_LOAD,		/* vfio.ko is loaded, its init not yet run */
	VS_MODULE_FREE,		/* vfio.ko is gone */
	VS_CHAIN_DEADLOCK,	/* a chain changed from inside itself: never returns */
	VS_CHANGE,		/* a watchpoint saw the counter change: refs is the value
				 * after, exact with VS_F_REFS; see VS_F_TAKEN */
	VS_REG_GET,		/* a device is kept registered: refs is the device's count after */
	VS_REG_PUT,		/* it is let go: refs is the count after; 0 ends an unregister's
				 * wait. Without VS_F_EXACT refs is a reading from before, less 1 */
	VS_CONTAINER_USE,	/* a device, or the group itself, begins to use its container; refs:
				 * container_users from just before; may still be refused */
	VS_CONTAINER_UNUSE,	/* it ends to */
	VS_IOMMUFD_BIND,	/* a device is bound to an iommufd, ctx_object; may still be refused */
	VS_IOMMUFD_UNBIND,	/* and is so no more */
	VS_IOMMUFD_ATTACH,	/* it gets an address space of its iommufd; may still be refused */
	VS_IOMMUFD_DETACH,	/* and has none any more */
	VS_TYPE_END
};

enum vs_context {
	VS_CTX_PROCESS = 0,
	VS_CTX_NOTIFIER,	/* inside vfio_iommu_group_notifier */
	VS_CTX_WORKER,		/* inside vfio_group_put_bg */
	VS_CTX_CHAIN,		/* inside some other blocking notifier chain */
};

/* IOMMU_GROUP_NOTIFY_*: include/linux/iommu.h, v3.6 to v5.18. */
enum vs_action {
	VS_ACT_NONE = 0,
	VS_ACT_ADD_DEVICE,
	VS_ACT_DEL_DEVICE,
	VS_ACT_BIND_DRIVER,
	VS_ACT_BOUND_DRIVER,
	VS_ACT_UNBIND_DRIVER,
	VS_ACT_UNBOUND_DRIVER,
};

enum vs_flags {
	VS_F_REFS = 1 << 0,	/* refs is valid */
	VS_F_LAST_SURE = 1 << 1, /* queue: refs was 1, so this put was the last one */
	VS_F_REGISTERING = 1 << 2, /* chain-deadlock: by register, not unregister */
	VS_F_FREED = 1 << 3,	/* release: means memory freed (5.16 and later) */
	VS_F_TAKEN = 1 << 4,	/* change: the counter went up */
	VS_F_DROPPED = 1 << 5,	/* change: the counter went down; neither: not known */
	VS_F_EXACT = 1 << 6,	/* registration-put: refs was seen by the instruction itself */
};

struct vs_event {
	__u16 size;
	__u8 version;
	__u8 type;		/* enum vs_type */
	__u32 cpu;
	__u64 time_ns;		/* CLOCK_MONOTONIC as this CPU read it: may step back, tells no order */
	__u64 seq;		/* the order: what ended before another record began has a lower one */
	__u32 tgid;
	__u32 tid;
	char comm[VS_COMM_LEN];
	__u64 group;		/* struct vfio_group *, 0 if not known */
	__u64 ip;		/* the probed instruction, 0 for fentry and tracepoints */
	__u64 object;
	__u64 ctx_object;	/* chain head (notifier, chain), work (worker); of iommufd-bind the context */
	__u64 ctx_group;	/* the group that the notifier or work is about */
	__s32 iommu_group;	/* its number, -1 if not known */
	__s32 refs;
	__u32 flags;		/* enum vs_flags */
	__u8 context;		/* enum vs_context: where the task is */
	__u8 action;		/* enum vs_action: what the notifier was called for */
	__u16 pad;
};
_Static_assert(sizeof(struct vs_event) == 104, "struct vs_event is ABI");

/* VS_REGISTER, VS_UNREGISTER, VS_NOTIFIER_ENTER, VS_IOMMUFD_*: which device. */
struct vs_device_event {
	struct vs_event e;
	char device[VS_DEVICE_LEN];	/* dev_name(), NUL-terminated, may be empty */
};
_Static_assert(sizeof(struct vs_device_event) == 144, "struct vs_device_event is ABI");

/*
 * VS_GET and VS_PUT when stacks are wanted (else a plain vs_event), VS_CHANGE
 * always. The first frame is e.ip.
 */
struct vs_stack_event {
	struct vs_event e;
	__u32 nr_stack;
	__u32 pad;
	__u64 stack[VS_SHORT_STACK_LEN]; /* innermost first, kernel addresses */
};
_Static_assert(sizeof(struct vs_stack_event) == 112 + 8 * VS_SHORT_STACK_LEN,
	       "struct vs_stack_event is ABI");

/* VS_REG_GET, VS_REG_PUT: begins as struct vs_stack_event. */
struct vs_registration_event {
	struct vs_event e;
	__u32 nr_stack;
	__u32 pad;
	__u64 stack[VS_SHORT_STACK_LEN];
	char device[VS_DEVICE_LEN];	/* dev_name() */
};
_Static_assert(sizeof(struct vs_registration_event) ==
	       sizeof(struct vs_stack_event) + VS_DEVICE_LEN,
	       "struct vs_registration_event is ABI");

/* VS_CHAIN_DEADLOCK: e.ctx_object is the chain, e.object the block. */
struct vs_alarm_event {
	struct vs_event e;
	__u64 callback;		/* notifier_block.notifier_call of e.object */
	__u64 entered_ns;	/* when the task entered the chain */
	__u32 nr_stack;
	__u32 depth;		/* chains the task was inside */
	__u64 stack[VS_STACK_LEN]; /* innermost first, kernel addresses */
};
_Static_assert(sizeof(struct vs_alarm_event) == 128 + 8 * VS_STACK_LEN,
	       "struct vs_alarm_event is ABI");

/* Why something was not seen. Kept in the kernel, read at the end and every second. */
enum vs_loss {
	VS_LOSS_RING_FULL,	/* no room in the ring buffer: an event is missing */
	VS_LOSS_TASK_MAP_FULL,	/* the context of a task could not be kept */
	VS_LOSS_CHAIN_DEPTH,	/* more than VS_CHAIN_DEPTH nested chains */
	VS_LOSS_STALE_FRAME,	/* the return of a chain was missed (recursion) */
	VS_LOSS_READ_FAULT,	/* kernel memory could not be read */
	VS_LOSS_LAYOUT,		/* an assumed structure offset was proven wrong */
	VS_LOSS_KERNEL_END,
};

#endif
