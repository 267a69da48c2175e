// SPDX-License-Identifier: GPL-2.0
#include "vfio/functions.h"
#include "why/ways.h"

#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * If a stack has two rows of the table, the earlier one wins: something calls the kernel's own work,
 * and the caller tells more. Several names are those of several kernels.
 */
static const struct {
	const char *function;
	const char *module;	/* the function's, NULL: any, or none */
	const char *words;
} ways[] = {
	{ "device_shutdown", NULL, "shutdown of the host" },
	{ "__do_sys_delete_module", NULL, "a module is unloaded" },
	{ "__x64_sys_delete_module", NULL, "a module is unloaded" },
	{ "__arm64_sys_delete_module", NULL, "a module is unloaded" },
	{ "__se_sys_delete_module", NULL, "a module is unloaded" },
	{ "sriov_numvfs_store", NULL, "sriov_numvfs of its PF was set" },
	{ "mdev_device_remove", NULL, "removal of an mdev" },
	{ "mdev_device_remove_cb", NULL, "its mdev parent leaves" },
	{ "unbind_store", NULL, "unbind through sysfs" },
	{ "bind_store", NULL, "bind of another driver through sysfs" },
	{ "power_write_file", NULL, "power of its slot was switched through sysfs" },
	{ "acpi_eject_store", NULL, "eject through ACPI's sysfs" },
	{ "eject_store", NULL, "eject through ACPI's sysfs" },
	{ "hotplug_event", NULL, "hot-unplug by ACPI" },
	{ "acpiphp_hotplug_notify", NULL, "hot-unplug by ACPI" },
	{ "acpiphp_check_bridge", NULL, "hot-unplug by ACPI" },
	{ "acpiphp_disable_and_eject_slot", NULL, "hot-unplug by ACPI" },
	{ "acpi_device_hotplug", NULL, "hot-unplug by ACPI" },
	{ "pciehp_handle_presence_or_link_change", NULL,
	  "hot-unplug by pciehp: the card or its link is gone" },
	{ "pciehp_handle_disable_request", NULL, "hot-unplug by pciehp, as asked" },
	{ "pciehp_unconfigure_device", NULL, "hot-unplug by pciehp" },
	{ "shpchp_unconfigure_device", NULL, "hot-unplug by SHPC" },
	{ "cpqhp_unconfigure_device", NULL, "hot-unplug by cpqphp" },
	{ "pnv_php_disable_slot", NULL, "hot-unplug by pnv_php" },
	{ "dlpar_remove_slot", NULL, "hot-unplug by the hypervisor (DLPAR)" },
	{ "hv_eject_device_work", NULL, "hot-unplug by Hyper-V" },
	{ "pci_devices_present_work", NULL, "hot-unplug by Hyper-V" },
	{ "pcifront_detach_devices", NULL, "hot-unplug by Xen" },
	{ "dpc_reset_link", NULL, "recovery of a port after an error" },
	{ "eeh_handle_normal_event", NULL, "recovery by EEH" },
	{ "remove_store", "[mdev]", "removal of an mdev" },
	{ "remove_store", NULL, "removal through sysfs" },
	{ "device_driver_attach", NULL, "bind of another driver" },
	{ "device_reprobe", NULL, "bind of another driver" },
	{ "driver_unregister", NULL, "its driver unregisters" },
	{ VS_VFIO_DEVICE_CLOSE, NULL, "its file is closed" },
};

static bool is_in(const char *frame, size_t way)
{
	size_t len = strcspn(frame, "+. ");

	return strlen(ways[way].function) == len && !strncmp(frame, ways[way].function, len) &&
	       (!ways[way].module || strstr(frame, ways[way].module));
}

static bool has(const struct vs_ev_task *t, size_t way)
{
	for (size_t i = 0; i < t->nr_frames; i++)
		if (is_in(t->frames[i], way))
			return true;
	return false;
}

/* A VF leaves because of its PF's driver, and the PF leaves by its own way. */
static bool is_vf(const struct vs_ev_task *t)
{
	return vs_ev_task__find(t, 0, "pci_iov_remove_virtfn") < t->nr_frames ||
	       vs_ev_task__find(t, 0, "sriov_disable") < t->nr_frames ||
	       vs_ev_task__find(t, 0, "pci_disable_sriov") < t->nr_frames;
}

const char *vs_ways__of(const struct vs_ev_task *t, char *buf, size_t size)
{
	bool numvfs = vs_ev_task__find(t, 0, "sriov_numvfs_store") < t->nr_frames;
	const char *words = "";

	for (size_t i = 0; !*words && i < ARRAY_SIZE(ways); i++)
		if (has(t, i))
			words = ways[i].words;
	if (is_vf(t) && !numvfs)
		snprintf(buf, size, "its PF's driver leaves%s%s", *words ? ": " : "", words);
	else
		snprintf(buf, size, "%s", words);
	return buf;
}
