/* SPDX-License-Identifier: GPL-2.0 */
/* Checks the arguments of `validate` before anything is provoked. */
#ifndef VFIOSCOPE_VALIDATE_ARGUMENTS_H
#define VFIOSCOPE_VALIDATE_ARGUMENTS_H

#include <stdbool.h>

/* Returns true if it is a comma-separated list of devices, each as vfio-stress takes it. */
bool vs_arguments__are_devices(const char *list);

/* Returns 0, or a negative errno if no report can be written there. Creates nothing. */
int vs_arguments__cannot_be_written(const char *path);

#endif
