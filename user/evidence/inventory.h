/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inventory has the devices of a host as sysfs shows them to everybody: what they are, which driver
 * has them, and which share an IOMMU group. It is plain data: vs_inventory__collect() fills it on a
 * host, vs_inventory__of_snapshot() from evidence; usage.h says who has a device.
 */
#ifndef VFIOSCOPE_EVIDENCE_INVENTORY_H
#define VFIOSCOPE_EVIDENCE_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "snapshot/snapshot.h"

#define VS_DRIVER_LEN 32

enum vs_device_bus {
	VS_BUS_PCI,
	VS_BUS_MDEV,		/* mediated: its name is a UUID */
	VS_BUS_OTHER,		/* platform, fsl-mc, ap, ccw: known from its IOMMU group only */
};

struct vs_device {
	char name[VS_DEVICE_LEN];	/* "0000:65:00.0", or the UUID of an mdev */
	enum vs_device_bus bus;
	int group;		/* number of its IOMMU group, -1: it has none */
	bool noiommu;		/* the group is VFIO's own substitute for one, without an IOMMU */
	bool registered;	/* VFIO shows it as a device of its own (v6.1 and later) */
	char driver[VS_DRIVER_LEN];	/* "" if none has it */
	char node[16];		/* "vfio0": its file in /dev/vfio/devices (v6.6); "" if none */
	char physical[VS_DEVICE_LEN];	/* of a virtual function: the device that made it; "" */
	bool has_id;		/* the next three are known */
	uint16_t vendor, device;
	uint32_t class_code;	/* 0xBBSSPP: base class, subclass, interface */
};

struct vs_inventory {
	struct vs_device *devices;	/* by name */
	size_t nr_devices;
	size_t *by_group;	/* indices of the same, by group and name */
	int nr_groups;		/* IOMMU groups of the host, VFIO's substitutes not among them */
};

/*
 * Reads the PCI and the mediated devices, and all members of IOMMU groups, below @root ("" is the host).
 * It reads no attribute for which the kernel takes the lock of a device, so it does not wait where tasks are
 * stuck. (driver_override and uevent are of those.) 0 or -ENOMEM. Free
 * with vs_inventory__free().
 */
int vs_inventory__collect(const char *root, struct vs_inventory *inv);

/* Makes one of what a snapshot shows, where there is no sysfs to ask: evidence, a dump. 0 or -ENOMEM. */
int vs_inventory__of_snapshot(const struct vs_snapshot *s, struct vs_inventory *inv);

void vs_inventory__free(struct vs_inventory *inv);	/* *inv is empty afterwards */

/* Returns the device of this name, NULL: there is none. */
const struct vs_device *vs_inventory__device(const struct vs_inventory *inv, const char *name);

/*
 * Lists the members of a group, by name: @at is 0 at first, and the caller's to keep. Returns NULL after
 * the last, and for group -1.
 */
const struct vs_device *vs_inventory__member(const struct vs_inventory *inv, int group, size_t *at);

/* The same for the virtual functions of a device. */
const struct vs_device *vs_inventory__function(const struct vs_inventory *inv, const struct vs_device *d,
					       size_t *at);

/* Returns true if the driver hands the device on to users: vfio-pci, its variants, drivers of mdevs. */
bool vs_device__is_vfio(const struct vs_device *d);

/* Returns true if it is a PCI bridge: VFIO takes none, and does not mind them in a group. */
bool vs_device__is_bridge(const struct vs_device *d);

/*
 * Returns true if VFIO refuses the whole group because of this member ("not viable"): a driver has it that
 * does DMA for the host. pci-stub does none, nor do the drivers of bridges.
 */
bool vs_device__spoils_group(const struct vs_device *d);

#endif
