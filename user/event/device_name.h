/* SPDX-License-Identifier: GPL-2.0 */
/* Names of devices as people give them. */
#ifndef VFIOSCOPE_DEVICE_NAME_H
#define VFIOSCOPE_DEVICE_NAME_H

#include <stdbool.h>

#include "bpf/events.h"

#define VS_DEVICE_NAME_WANTED "a PCI address (0000:65:00.0 or 65:00.0) or an mdev UUID"

/*
 * Writes the name as sysfs has it: "65:00.0" becomes "0000:65:00.0", letters become small. Returns
 * false if it is neither a PCI address nor the UUID of a mediated device; `name` is undefined then.
 */
bool vs_device_name__parse(const char *text, char name[VS_DEVICE_LEN]);

#endif
