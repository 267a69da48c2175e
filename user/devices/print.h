/* SPDX-License-Identifier: GPL-2.0 */
/* Prints lists of devices, and answers of `can`, for people and for programs. */
#ifndef VFIOSCOPE_DEVICES_PRINT_H
#define VFIOSCOPE_DEVICES_PRINT_H

#include "devices/can.h"
#include "devices/list.h"
#include "devices/pci_ids.h"

struct vs_devices_report {
	const struct vs_devices_facts *facts;
	const struct vs_device_list *list;
	const struct vs_pci_ids *ids;	/* NULL: names are not known */
	int exit_status;	/* enum vs_exit */
	unsigned int width;	/* columns; 0: no terminal, 80 are assumed */
	bool color;
	bool details;		/* more than a row a device */
};

/* Both return 0 or negative errno of the write. JSON is one object: docs/devices.md. */
int vs_devices__print_text(int fd, const struct vs_devices_report *r);
int vs_devices__print_json(int fd, const struct vs_devices_report *r);

struct vs_can_report {
	const struct vs_devices_facts *facts;
	const struct vs_can *can;
	unsigned int width;
	bool color;
	bool quiet;		/* the first line only */
};

int vs_can__print_text(int fd, const struct vs_can_report *r);
int vs_can__print_json(int fd, const struct vs_can_report *r);

/* Copies the name of a device, or what is known instead of it; "" for one that has no numbers. */
void vs_devices__name(const struct vs_pci_ids *ids, const struct vs_device *d, char *buf, size_t size);

#endif
