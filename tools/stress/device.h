/* SPDX-License-Identifier: GPL-2.0 */
/* A PCI device as sysfs shows it, and what is done to it. `root` as in sysfs.h. */
#ifndef STRESS_DEVICE_H
#define STRESS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#define ST_BDF 16	/* "0000:00:05.0" */
#define ST_DRIVER 64

struct st_device {
	char bdf[ST_BDF];
	char driver[ST_DRIVER];		/* "" when none is bound */
	char override[ST_DRIVER];	/* "" when unset */
	int group;			/* IOMMU group, -1 when it is in none */
	bool bridge;
};

/* "05.0", "00:05.0" and "0000:00:05.0" in full. -EINVAL when it is no PCI address. */
int st_bdf(char out[ST_BDF], const char *text);

/* Reads it. -ENODEV when there is none. */
int st_device__read(const char *root, const char *bdf, struct st_device *d);

/* A driver that does nothing with the device for the host: vfio-pci, pci-stub, or none. */
bool st_driver__is_stub(const char *driver);

/* driver_override; "" unsets it. */
int st_device__override(const char *root, const char *bdf, const char *driver);

/* Whatever is bound is unbound. 0 when nothing was. */
int st_device__unbind(const char *root, const char *bdf);

/* Binds `driver`, by driver_override, which stays; 0 when it is bound already. */
int st_device__bind(const char *root, const char *bdf, const char *driver);

/*
 * Makes driver and driver_override what `was` says; looks for a removed device, too.
 * -EXDEV: it is in another group than it was.
 */
int st_device__restore(const char *root, const struct st_device *was);

/* Asks the PCI bus for what is new, and waits up to 2 s for the device. -ENODEV. */
int st_device__rescan(const char *root, const char *bdf);

#endif
