// SPDX-License-Identifier: GPL-2.0
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

#define DEVICE "/sys/bus/pci/devices/%s"
#define CLASS_BRIDGE 0x06

int st_bdf(char out[ST_BDF], const char *text)
{
	unsigned int domain = 0, bus = 0, slot, function;
	int end = 0;

	if ((sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 ||
	     text[end]) &&
	    ((domain = 0, sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end)) != 3 ||
	     text[end]) &&
	    ((bus = 0, sscanf(text, "%2x.%1x%n", &slot, &function, &end)) != 2 || text[end]))
		return -EINVAL;
	if (slot > 0x1f || function > 7)
		return -EINVAL;
	snprintf(out, ST_BDF, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, slot, function);
	return 0;
}

bool st_driver__is_stub(const char *driver)
{
	return !*driver || !strcmp(driver, "vfio-pci") || !strcmp(driver, "pci-stub");
}

static int group_of(const char *root, const char *bdf)
{
	char number[16];

	return st_link(number, sizeof(number), root, DEVICE "/iommu_group", bdf) ? -1 :
	       atoi(number);
}

int st_device__read(const char *root, const char *bdf, struct st_device *d)
{
	char class[16];

	*d = (struct st_device){ .group = -1 };
	snprintf(d->bdf, sizeof(d->bdf), "%s", bdf);
	if (!st_exists(root, DEVICE, bdf))
		return -ENODEV;
	if (st_link(d->driver, sizeof(d->driver), root, DEVICE "/driver", bdf))
		d->driver[0] = '\0';
	if (st_read(d->override, sizeof(d->override), root, DEVICE "/driver_override", bdf) ||
	    !strcmp(d->override, "(null)"))
		d->override[0] = '\0';
	d->group = group_of(root, bdf);
	d->bridge = !st_read(class, sizeof(class), root, DEVICE "/class", bdf) &&
		    strtoul(class, NULL, 16) >> 16 == CLASS_BRIDGE;
	return 0;
}

int st_device__override(const char *root, const char *bdf, const char *driver)
{
	char text[ST_DRIVER + 1];

	snprintf(text, sizeof(text), "%s\n", driver);
	return st_write(text, root, DEVICE "/driver_override", bdf);
}

int st_device__unbind(const char *root, const char *bdf)
{
	if (!st_exists(root, DEVICE "/driver", bdf))
		return 0;
	return st_write(bdf, root, DEVICE "/driver/unbind", bdf);
}

int st_device__bind(const char *root, const char *bdf, const char *driver)
{
	struct st_device now;
	int err = st_device__read(root, bdf, &now);

	if (!err)
		err = st_device__override(root, bdf, driver);
	if (err || !strcmp(now.driver, driver))
		return err;
	err = st_device__unbind(root, bdf);
	return err ? err : st_write(bdf, root, "/sys/bus/pci/drivers/%s/bind", driver);
}

int st_device__rescan(const char *root, const char *bdf)
{
	int err = st_write("1", root, "/sys/bus/pci/rescan");

	for (int tries = 0; !err && tries < 200; tries++) {
		if (st_exists(root, DEVICE "/driver_override", bdf))
			return 0;
		usleep(10000);
	}
	return err ? err : -ENODEV;
}

int st_device__restore(const char *root, const struct st_device *was)
{
	struct st_device now;
	int err = 0, last;

	if (!st_exists(root, DEVICE, was->bdf))
		err = st_device__rescan(root, was->bdf);
	if (err)
		return err;
	/* By override: the driver need not know this device otherwise. */
	if (was->driver[0])
		err = st_device__bind(root, was->bdf, was->driver);
	else
		err = st_device__unbind(root, was->bdf);
	last = st_device__override(root, was->bdf, was->override);
	if (err || last)
		return err ? err : last;
	return !st_device__read(root, was->bdf, &now) && now.group == was->group ? 0 : -EXDEV;
}
