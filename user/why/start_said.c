// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of programs that start a machine with a device of VFIO. QEMU has changed some of them: up to 5.1
 * a file that cannot be opened is "failed to open", later "Could not open"; from 8.2 on some begin with a
 * capital letter. So letters are compared without their case.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/device_name.h"
#include "why/start.h"

/* A row fits a line that has all its parts, in this order. The first row that fits wins. */
struct message {
	const char *parts[3];
	enum vs_start_kind kind;
	const char *means;
};

static const struct message messages[] = {
	/* QEMU with groups and containers; Cloud Hypervisor and DPDK say some of them alike */
	{ { "group", "is not viable" }, VS_START_NOT_VIABLE,
	  "a device of the same group is at a driver of the host" },
	{ { "Not all devices in IOMMU group bound" }, VS_START_NOT_VIABLE,
	  "a device of the same group is at a driver of the host" },
	{ { "open", "/dev/vfio/", "resource busy" }, VS_START_BUSY,
	  "somebody else has the group open: it belongs to one VM as a whole" },
	{ { "open", "/dev/vfio/", "Permission denied" }, VS_START_PERMISSION,
	  "the user that the VM runs as may not open the file" },
	{ { "open", "/dev/vfio/", "Operation not permitted" }, VS_START_PERMISSION,
	  "the file may not be opened here: a cgroup without the device, or a security module" },
	{ { "open", "/dev/vfio/", "No such file" }, VS_START_NO_NODE,
	  "the file is not there: no device of the group is at VFIO, VFIO is not loaded, or a container lacks it" },
	{ { "set iommu for container", "Operation not permitted" }, VS_START_INTERRUPTS,
	  "most often: interrupts are not remapped on this machine (dmesg has \"No interrupt remapping\")" },
	{ { "set iommu", "Operation not permitted" }, VS_START_INTERRUPTS,
	  "most often: interrupts are not remapped on this machine (dmesg has \"No interrupt remapping\")" },
	{ { "set group container", "Invalid argument" }, VS_START_NOT_VIABLE,
	  "the kernel refuses the group: one of its devices is at a driver of the host, or the group is in use" },
	{ { "set group container", "resource busy" }, VS_START_BUSY,
	  "the group is in another container, or one of its devices is at a driver of the host" },
	{ { "No available IOMMU models" }, VS_START_KINDS,
	  "the container knows no IOMMU: modprobe vfio_iommu_type1" },
	{ { "DMA", "Cannot allocate memory" }, VS_START_MEMLOCK,
	  "the VM's memory could not be locked: more than its limit (RLIMIT_MEMLOCK), or more mappings than "
	  "vfio_iommu_type1's dma_entry_limit" },
	{ { "dma_map", "Cannot allocate memory" }, VS_START_MEMLOCK,
	  "the VM's memory could not be locked: more than its limit (RLIMIT_MEMLOCK), or more mappings than "
	  "vfio_iommu_type1's dma_entry_limit" },
	{ { "cannot limit locked memory" }, VS_START_MEMLOCK,
	  "libvirt may not raise the limit of locked memory of the VM (CAP_SYS_RESOURCE)" },
	{ { "getting device from group", "No such device" }, VS_START_WRONG_DRIVER,
	  "VFIO does not have the device: another driver has it, or none" },
	{ { "getting device from group" }, VS_START_KINDS,
	  "VFIO could not open the device itself: another VM has it, it does not answer, or its driver refuses it" },
	{ { "no iommu_group found" }, VS_START_NO_IOMMU,
	  "the device has no IOMMU group: the IOMMU is off, or does not know the device" },
	{ { "used in multiple address spaces" }, VS_START_KINDS,
	  "the VM has a virtual IOMMU, and two devices of one group cannot be apart in it: put both behind one bridge" },
	{ { "no such host device" }, VS_START_KINDS, "the machine has no device of that address" },
	{ { "host doesn't support passthrough" }, VS_START_NO_IOMMU,
	  "libvirt finds no IOMMU group, or VFIO is not loaded" },
	/* iommufd */
	{ { "open directory", "vfio-dev", "No such file" }, VS_START_WRONG_DRIVER,
	  "VFIO does not have the device, or this kernel gives devices no file of their own (v6.6, "
	  "CONFIG_VFIO_DEVICE_CDEV)" },
	{ { "failed to find vfio-dev" }, VS_START_WRONG_DRIVER, "VFIO does not have the device" },
	{ { "/dev/iommu", "No such file" }, VS_START_KINDS,
	  "there is no iommufd: the kernel is older than v6.2, lacks CONFIG_IOMMUFD, or modprobe iommufd" },
	{ { "error bind device fd", "Operation not permitted" }, VS_START_INTERRUPTS,
	  "most often: interrupts are not remapped on this machine" },
	{ { "error bind device fd" }, VS_START_BUSY,
	  "iommufd refuses the device: it or its group is open by somebody else, or a device of its group is at a driver of "
	  "the host" },
	{ { "error attach", "to id=" }, VS_START_KINDS,
	  "the IOMMU refuses the device: a device of its group is attached elsewhere, or it needs mappings of its own "
	  "(reserved regions)" },
	/* resets and devices that do not answer */
	{ { "Unknown PCI header type", "127" }, VS_START_GONE, "the device does not answer: its config space reads all ones" },
	{ { "unknown header type 7f" }, VS_START_GONE, "the device does not answer: its config space reads all ones" },
	{ { "which is not owned" }, VS_START_NOT_VIABLE,
	  "its bus cannot be reset, since a device on it belongs to another VM or to the host" },
	{ { "no available reset mechanism" }, VS_START_NO_RESET, "the kernel knows no way to reset the device" },
	{ { "Unable to reset PCI device" }, VS_START_NO_RESET, "the kernel knows no way to reset the device alone" },
	/* libvirt */
	{ { "is in use by driver", "domain" }, VS_START_BUSY, "libvirt has given the device to another domain" },
	{ { "must be manually detached" }, VS_START_WRONG_DRIVER,
	  "the device is at a driver of the host, and the domain's definition says managed='no'" },
	{ { "is not assignable" }, VS_START_KINDS, "libvirt found no isolation (ACS) between the device and others" },
	{ { "Non-endpoint PCI devices" }, VS_START_BRIDGE, "the device is a bridge" },
	{ { "Failed to bind PCI device", "vfio" }, VS_START_OVERRIDE, "vfio-pci did not take the device: dmesg says why" },
};

static bool has(const char *line, size_t len, const char *part, const char **after)
{
	size_t size = strlen(part);

	for (size_t i = 0; i + size <= len; i++)
		if (!strncasecmp(line + i, part, size)) {
			*after = line + i + size;
			return true;
		}
	return false;
}

static bool fits(const struct message *m, const char *line, size_t len)
{
	const char *at = line;

	for (size_t i = 0; i < 3 && m->parts[i]; i++)
		if (!has(at, len - (size_t)(at - line), m->parts[i], &at))
			return false;
	return true;
}

/* "0000:65:00.0" somewhere in the line, an mdev's UUID after its folder. */
static void take_device(const char *line, size_t len, struct vs_start_said *said)
{
	char word[VS_DEVICE_LEN + 1];
	size_t size;

	for (size_t i = 0; i < len; i += size + 1) {
		size = strspn(line + i, "0123456789abcdefABCDEF:.-");
		if (size > len - i)
			size = len - i;
		while (size && strchr(":.-", line[i + size - 1]))
			size--;
		if (size < 12 || size >= VS_DEVICE_LEN)
			continue;
		memcpy(word, line + i, size);
		word[size] = '\0';
		if (vs_device_name__parse(word, said->device))
			return;
	}
	said->device[0] = '\0';
}

static void take_group(const char *line, size_t len, struct vs_start_said *said)
{
	const char *at;

	said->group = -1;
	if (((has(line, len, "/dev/vfio/", &at) && at < line + len && isdigit((unsigned char)*at)) ||
	     (has(line, len, "group ", &at) && at < line + len && isdigit((unsigned char)*at))))
		said->group = atoi(at);
}

bool vs_start__recognise(const char *text, struct vs_start_said *said)
{
	memset(said, 0, sizeof(*said));
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t len = strcspn(text, "\n");

		for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
			if (!fits(&messages[i], text, len))
				continue;
			said->kind = messages[i].kind;
			said->means = messages[i].means;
			snprintf(said->line, sizeof(said->line), "%.*s", (int)len, text);
			take_device(text, len, said);
			take_group(text, len, said);
			return true;
		}
	}
	return false;
}
