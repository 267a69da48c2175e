// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the lock that a logged task asks for, and its owner, by the functions that the task stands in: a
 * log has no addresses of locks. It knows only locks that exist once, or whose holders' stacks show them.
 */
#include "klog/locks.h"

#include <stdio.h>
#include <string.h>

#define RESCAN "pci_rescan_remove_lock"
#define RESET "reset_lock of a hot-plug slot"
#define DEVICE "lock of a device"
#define IOMMU VS_LOCK_OF_IOMMU_GROUP

/* The innermost function of a waiting task tells the lock that it waits for. */
static const struct {
	const char *function, *lock;
	enum vs_ev_lock kind;
} asks[] = {
	{ "pci_lock_rescan_remove", RESCAN, VS_EV_MUTEX },
	{ "pciehp_unconfigure_device", RESCAN, VS_EV_MUTEX },
	{ "pciehp_configure_device", RESCAN, VS_EV_MUTEX },
	{ "pci_stop_and_remove_bus_device_locked", RESCAN, VS_EV_MUTEX },
	{ "pciehp_reset_slot", RESET, VS_EV_RWSEM },
	{ "pciehp_ist", RESET, VS_EV_RWSEM },
	{ "device_release_driver_internal", DEVICE, VS_EV_MUTEX },
	{ "__device_driver_lock", DEVICE, VS_EV_MUTEX },
	{ "device_driver_attach", DEVICE, VS_EV_MUTEX },
	{ "device_driver_detach", DEVICE, VS_EV_MUTEX },
	{ "__driver_attach", DEVICE, VS_EV_MUTEX },
	{ "__device_attach", DEVICE, VS_EV_MUTEX },
	{ "driver_set_override", DEVICE, VS_EV_MUTEX },
	{ "driver_override_store", DEVICE, VS_EV_MUTEX },
	{ "device_shutdown", DEVICE, VS_EV_MUTEX },
	{ "driver_detach", DEVICE, VS_EV_MUTEX },
	{ "unbind_store", DEVICE, VS_EV_MUTEX },
	{ "device_release_driver", DEVICE, VS_EV_MUTEX }, /* these four up to v3.x, RHEL 7 */
	{ "driver_unbind", DEVICE, VS_EV_MUTEX },
	{ "driver_bind", DEVICE, VS_EV_MUTEX },
	{ "bus_rescan_devices_helper", DEVICE, VS_EV_MUTEX },
	{ "bind_store", DEVICE, VS_EV_MUTEX },
	{ "sriov_numvfs_store", DEVICE, VS_EV_MUTEX },
	{ "sriov_numvfs_show", DEVICE, VS_EV_MUTEX },	/* from v5.8 on: DPDK reads it at each scan of the bus */
	{ "uevent_show", DEVICE, VS_EV_MUTEX },		/* v6.10 */
	{ "pci_dev_lock", DEVICE, VS_EV_MUTEX },	/* a reset through sysfs, of a bus or of a slot */
	{ "pci_reset_function", DEVICE, VS_EV_MUTEX },
	{ "report_error_detected", DEVICE, VS_EV_MUTEX }, /* AER */
	{ "report_mmio_enabled", DEVICE, VS_EV_MUTEX },
	{ "report_slot_reset", DEVICE, VS_EV_MUTEX },
	{ "report_resume", DEVICE, VS_EV_MUTEX },
	{ "iommu_device_unuse_default_domain", IOMMU, VS_EV_MUTEX },
	{ "iommu_device_use_default_domain", IOMMU, VS_EV_MUTEX },
	{ "iommu_group_release_dma_owner", IOMMU, VS_EV_MUTEX },
	{ "iommu_group_claim_dma_owner", IOMMU, VS_EV_MUTEX },
	{ "iommu_device_release_dma_owner", IOMMU, VS_EV_MUTEX },
	{ "iommu_device_claim_dma_owner", IOMMU, VS_EV_MUTEX },
	{ "iommu_attach_group", IOMMU, VS_EV_MUTEX },
	{ "iommu_detach_group", IOMMU, VS_EV_MUTEX },
	{ "iommu_group_remove_device", IOMMU, VS_EV_MUTEX },
};

static bool has(const struct vs_ev_task *t, const char *function)
{
	return vs_ev_task__find(t, 0, function) < t->nr_frames;
}

static void ask(struct vs_ev_task *t)
{
	if (t->logged.wait != VS_WAIT_MUTEX && t->logged.wait != VS_WAIT_RWSEM &&
	    t->logged.wait != VS_WAIT_UNKNOWN)
		return;
	for (size_t i = 0; t->nr_frames && i < sizeof(asks) / sizeof(asks[0]); i++) {
		if (vs_ev_task__find(t, 0, asks[i].function))
			continue;
		t->lock_kind = asks[i].kind;
		snprintf(t->lock_name, sizeof(t->lock_name), "%s", asks[i].lock);
		return;
	}
}

/* A task that removes a device for a slot or for sysfs has the lock. */
static bool has_rescan(const struct vs_ev_task *t)
{
	return strcmp(t->lock_name, RESCAN) &&
	       (has(t, "pci_stop_and_remove_bus_device") || has(t, "pci_stop_bus_device")) &&
	       (has(t, "pciehp_unconfigure_device") || has(t, "pci_stop_and_remove_bus_device_locked"));
}

static bool has_reset(const struct vs_ev_task *t)
{
	return strcmp(t->lock_name, RESET) && has(t, "pciehp_ist");
}

static bool may_be_owner(const struct vs_ev_task *owner, const struct vs_ev_task *t)
{
	return owner != t && !owner->logged.torn && owner->logged.boot == t->logged.boot &&
	       (!strcmp(t->lock_name, RESCAN) ? has_rescan(owner) : has_reset(owner));
}

/* With several slots any such task may be the owner: one that waits itself is the more likely. */
static void find_owner(struct vs_evidence *e, struct vs_ev_task *t)
{
	if (strcmp(t->lock_name, RESCAN) && strcmp(t->lock_name, RESET))
		return;
	for (size_t i = 0; i < e->nr_logged; i++) {
		struct vs_ev_task *owner = &e->logged[i];

		if (!may_be_owner(owner, t) || (t->owner && !owner->lock_name[0]))
			continue;
		t->owner = owner->address;
		t->owner_reads = !strcmp(t->lock_name, RESET);
	}
}

void klog_locks__find(struct vs_evidence *e)
{
	for (size_t i = 0; i < e->nr_logged; i++)
		if (!e->logged[i].logged.torn && e->logged[i].logged.wait != VS_WAIT_NOT)
			ask(&e->logged[i]);
	for (size_t i = 0; i < e->nr_logged; i++)
		if (!e->logged[i].owner)
			find_owner(e, &e->logged[i]);
}
