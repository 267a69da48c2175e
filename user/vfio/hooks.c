// SPDX-License-Identifier: GPL-2.0
#include "vfio/hooks.h"

/*
 * Functions that hold an inlined get of a group, by era (docs/kernel-facts.md).
 * The list keeps the container's own counter out, which is added to with the
 * same instruction.
 */
static const char *const get_functions[] = {
	"vfio_group_get_from_iommu",		/* lookups; 3.6 to 5.18 */
	"__vfio_group_get_from_iommu",		/* 5.19 to 6.1 */
	"vfio_group_get_external_user",		/* KVM and others, up to 5.18 */
	"vfio_group_fops_open",
	"vfio_create_group",
	"vfio_add_group_dev",
	"vfio_register_group_dev",		/* lost the race to create the group */
	"vfio_iommu_group_notifier",
	"vfio_group_find_or_alloc",		/* 6.2 and later */
	"vfio_device_set_group",		/* 6.12 and later */
	NULL
};

/*
 * Functions that take a registration of a device: it must not be unregistered before
 * it is put. In 6.1 and before that is inlined into its callers.
 */
static const char *const registration_get_functions[] = {
	"vfio_device_try_get_registration",	/* 6.2 and later */
	"vfio_group_get_device",		/* up to 6.1 */
	"vfio_group_fops_unl_ioctl",		/* the same, inlined */
	"__vfio_register_dev",			/* looks for a device registered twice; 6.1 */
	NULL
};

static const char *const registration_put_functions[] = {
	"vfio_device_put_registration",		/* 6.1 and later */
	"vfio_device_put",			/* before */
	NULL
};

const char *const vs_hook_callees[] = {
	"refcount_dec_and_mutex_lock",
	"queue_work_on",
	"iommu_group_unregister_notifier",
	"kfree",
	NULL
};

#define FUNCTION(t, p, ...) { .kind = VS_RUNG_FUNCTION, .target = t, .program = p, ##__VA_ARGS__ }
#define FENTRY(t, p, ...) { .kind = VS_RUNG_FENTRY, .target = t, .program = p, ##__VA_ARGS__ }
#define FEXIT(t, p, ...) { .kind = VS_RUNG_FENTRY, .target = t, .exit_program = p, ##__VA_ARGS__ }
#define BUILT_IN(t, p, ...) FENTRY(t, p, .built_in = true, ##__VA_ARGS__)
#define TRACEPOINT(t, p) { .kind = VS_RUNG_TRACEPOINT, .target = t, .program = p }

const struct vs_hook vs_hooks[] = {
	{
		.name = "chain-call",
		.what = "which blocking notifier chains a task is inside",
		.lost = "no deadlock can be recognised",
		.required = true,
		.rungs = {
			FENTRY("blocking_notifier_call_chain", "chain_call_enter",
			       .exit_program = "chain_call_exit"),
			FENTRY("blocking_notifier_call_chain_robust", "chain_robust_enter",
			       .exit_program = "chain_robust_exit", .together = true),
		},
	}, {
		.name = "chain-change",
		.what = "a chain changed from inside itself: a deadlock, in any subsystem",
		.lost = "no deadlock can be proven",
		.required = true,
		.rungs = {
			FENTRY("blocking_notifier_chain_unregister", "chain_unregister"),
			FENTRY("blocking_notifier_chain_register", "chain_register",
			       .together = true),
		},
	}, {
		.name = "notifier",
		.what = "vfio_iommu_group_notifier entered and left",
		.lost = "puts from inside the notifier cannot be told from others",
		.applies = VS_APPLIES_NOTIFIER,
		.required = true,
		.rungs = {
			BUILT_IN("vfio_iommu_group_notifier", "notifier_fentry"),
			FUNCTION("vfio_iommu_group_notifier", "notifier_enter"),
		},
	}, {
		.name = "put",
		.what = "every put of a group reference, with its call site",
		.lost = "single puts are not seen",
		.applies = VS_APPLIES_GROUP,
		.required = true,
		.rungs = {
			FUNCTION("vfio_group_put", "put_group"),
			{ .kind = VS_RUNG_CALL_SITES, .target = "refcount_dec_and_mutex_lock",
			  .program = "put_site", .needs = VS_NEEDS_COUNTER },
			FUNCTION("vfio_device_remove_group", "put_device_group",
				 .needs = VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_group_release", "group_release", .remainder = true),
		},
	}, {
		.name = "get",
		.what = "every get of a group reference (inlined), with the exact count after it",
		.lost = "gets are not seen; the counter is still read at each put",
		.applies = VS_APPLIES_GROUP,
		.rungs = {
			{ .kind = VS_RUNG_LOCKED_ADDS, .target = "refcount_inc",
			  .program = "get_site", .within = get_functions,
			  .needs = VS_NEEDS_COUNTER },
		},
	}, {
		.name = "release",
		.what = "the last put (up to 5.15), or the group's memory freed (later)",
		.lost = "the end of a group is not seen",
		.applies = VS_APPLIES_GROUP,
		.required = true,
		.rungs = {
			BUILT_IN("vfio_group_release", "release_fentry"),
			FUNCTION("vfio_group_release", "group_release"),
			FUNCTION("vfio_group_unlock_and_free", "group_release"),
			/* Both are inlined: probe what they call, when the group has left the list. */
			FENTRY("iommu_group_unregister_notifier", "iommu_release",
			       .needs = VS_NEEDS_NB),
		},
	}, {
		.name = "group-unregister",
		.what = "the release path unregisters from the IOMMU group's chain",
		.lost = "one of two proofs of the deadlock",
		.applies = VS_APPLIES_NOTIFIER,
		.rungs = {
			FENTRY("iommu_group_unregister_notifier", "iommu_unregister"),
		},
	}, {
		.name = "create",
		.what = "a group comes to exist",
		.lost = "groups are known from their first reference only",
		.applies = VS_APPLIES_GROUP,
		.rungs = {
			FENTRY("iommu_group_register_notifier", "iommu_register",
			       .needs = VS_NEEDS_NB),
			FUNCTION("vfio_create_group", "group_create"),
		},
	}, {
		.name = "register",
		.what = "a device joins its group",
		.lost = "which device an event is about",
		.rungs = {
			BUILT_IN("vfio_register_group_dev", "register_fentry",
				 .needs = VS_NEEDS_DEVICE_DEV),
			FUNCTION("vfio_register_group_dev", "device_register",
				 .needs = VS_NEEDS_DEVICE_DEV),
		},
	}, {
		.name = "unregister",
		.what = "a device leaves its group",
		.lost = "which device an event is about",
		.rungs = {
			BUILT_IN("vfio_unregister_group_dev", "unregister_fentry",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_unregister_group_dev", "device_unregister",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP),
		},
	}, {
		.name = "registration-get",
		.what = "a device is kept registered: its file opened, and others; the exact count",
		.lost = "who keeps a device registered is only known from looking once a second",
		.applies = VS_APPLIES_REGISTRATION,
		.rungs = {
			{ .kind = VS_RUNG_LOCKED_EXCHANGES, .target = "refcount_inc_not_zero",
			  .program = "registration_get", .within = registration_get_functions,
			  .needs = VS_NEEDS_DEVICE_REFCOUNT },
		},
	}, {
		.name = "registration-put",
		.what = "a device is let go; the last one ends the wait of an unbind",
		.lost = "since when an unbind waits for users of a device, and who lets go last",
		.applies = VS_APPLIES_REGISTRATION,
		.rungs = {
			{ .kind = VS_RUNG_LOCKED_SUBS, .target = "refcount_dec_and_test",
			  .program = "registration_put", .within = registration_put_functions,
			  .needs = VS_NEEDS_DEVICE_REFCOUNT },
			FUNCTION("vfio_device_put_registration", "registration_put_entry",
				 .needs = VS_NEEDS_DEVICE_REFCOUNT),
			FUNCTION("vfio_device_put", "registration_put_entry",
				 .needs = VS_NEEDS_DEVICE_REFCOUNT),
		},
	}, {
		.name = "container-use",
		.what = "a group gets a container, its devices begin to use it",
		.lost = "users of a container are only known from looking once a second",
		.applies = VS_APPLIES_CONTAINER_LOCKED,
		.rungs = {
			FUNCTION("vfio_group_use_container", "container_use",
				 .needs = VS_NEEDS_CONTAINER_USERS),
			FUNCTION("vfio_container_attach_group", "container_attach",
				 .needs = VS_NEEDS_CONTAINER_USERS, .together = true),
			FUNCTION("vfio_device_assign_container", "container_use_device",
				 .needs = VS_NEEDS_CONTAINER_USERS | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_container_attach_group", "container_attach",
				 .needs = VS_NEEDS_CONTAINER_USERS, .together = true),
		},
	}, {
		.name = "container-unuse",
		.what = "devices end to use the container of their group, it is taken away",
		.lost = "users of a container are only known from looking once a second",
		.applies = VS_APPLIES_CONTAINER_LOCKED,
		.rungs = {
			FUNCTION("vfio_group_unuse_container", "container_unuse",
				 .needs = VS_NEEDS_CONTAINER_USERS),
			FUNCTION("vfio_group_detach_container", "container_unuse",
				 .needs = VS_NEEDS_CONTAINER_USERS, .together = true),
			FUNCTION("vfio_device_unassign_container", "container_unuse_device",
				 .needs = VS_NEEDS_CONTAINER_USERS | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_group_detach_container", "container_unuse",
				 .needs = VS_NEEDS_CONTAINER_USERS, .together = true),
		},
	}, {
		.name = "iommufd-bind",
		.what = "a device is bound to an iommufd, by its own node or by its group",
		.lost = "which devices an iommufd has is only known from looking",
		.applies = VS_APPLIES_IOMMUFD,
		.rungs = {
			FUNCTION("vfio_iommufd_physical_bind", "iommufd_bind",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_iommufd_emulated_bind", "iommufd_bind",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP, .together = true),
		},
	}, {
		.name = "iommufd-unbind",
		.what = "a device is bound to its iommufd no more",
		.lost = "since when a device has left its iommufd",
		.applies = VS_APPLIES_IOMMUFD,
		.rungs = {
			FUNCTION("vfio_iommufd_physical_unbind", "iommufd_unbind",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_iommufd_emulated_unbind", "iommufd_unbind",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP, .together = true),
		},
	}, {
		.name = "iommufd-attach",
		.what = "a device gets an address space of its iommufd",
		.lost = "when DMA of a device was allowed by iommufd",
		.applies = VS_APPLIES_IOMMUFD,
		.rungs = {
			FUNCTION("vfio_iommufd_physical_attach_ioas", "iommufd_attach",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_iommufd_emulated_attach_ioas", "iommufd_attach",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP, .together = true),
		},
	}, {
		.name = "iommufd-detach",
		.what = "a device has no address space of its iommufd any more",
		.lost = "when DMA of a device was taken away by iommufd",
		.applies = VS_APPLIES_IOMMUFD,
		.rungs = {
			FUNCTION("vfio_iommufd_physical_detach_ioas", "iommufd_detach",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP),
			FUNCTION("vfio_iommufd_emulated_detach_ioas", "iommufd_detach",
				 .needs = VS_NEEDS_DEVICE_DEV | VS_NEEDS_DEVICE_GROUP, .together = true),
		},
	}, {
		.name = "open",
		.what = "/dev/vfio/N opened",
		.lost = "who opened a group",
		.applies = VS_APPLIES_GROUP,
		.rungs = {
			FUNCTION("vfio_group_fops_open", "group_open", .needs = VS_NEEDS_CDEV),
			FEXIT("chrdev_open", "open_returned", .together = true),
			{ .kind = VS_RUNG_LOCKED_ADDS, .target = "refcount_inc",
			  .program = "get_site",
			  .within = (const char *const[]){ "vfio_group_fops_open", NULL },
			  .needs = VS_NEEDS_COUNTER },
			FEXIT("chrdev_open", "open_returned", .together = true),
		},
	}, {
		.name = "close",
		.what = "/dev/vfio/N closed by its last user",
		.lost = "when a group's file was closed",
		.applies = VS_APPLIES_GROUP,
		.rungs = {
			BUILT_IN("vfio_group_fops_release", "close_fentry"),
			FUNCTION("vfio_group_fops_release", "group_close"),
		},
	}, {
		.name = "deferred-queue",
		.what = "the notifier's put handed to a worker",
		.lost = "deferred puts are not followed",
		.applies = VS_APPLIES_DEFERRED,
		.required = true,
		.rungs = { TRACEPOINT("workqueue_queue_work", "deferred_queue") },
	}, {
		.name = "deferred-start",
		.what = "the worker starts the deferred put",
		.lost = "deferred puts are not followed",
		.applies = VS_APPLIES_DEFERRED,
		.required = true,
		.rungs = { TRACEPOINT("workqueue_execute_start", "deferred_start") },
	}, {
		.name = "deferred-end",
		.what = "the worker is done with it",
		.lost = "deferred puts are not followed",
		.applies = VS_APPLIES_DEFERRED,
		.required = true,
		.rungs = { TRACEPOINT("workqueue_execute_end", "deferred_end") },
	}, {
		.name = "module-load",
		.what = "vfio.ko loaded: probes are armed then",
		.lost = "vfio.ko loaded or reloaded later is not noticed",
		.applies = VS_APPLIES_MODULE,
		.rungs = { TRACEPOINT("module_load", "module_load") },
	}, {
		.name = "module-free",
		.what = "vfio.ko unloaded: its probes went with it",
		.lost = "vfio.ko loaded or reloaded later is not noticed",
		.applies = VS_APPLIES_MODULE,
		.rungs = { TRACEPOINT("module_free", "module_free") },
	},
	{ .name = NULL },
};
