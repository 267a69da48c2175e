/* SPDX-License-Identifier: GPL-2.0 */
/* What `validate` is given, looked at before anything is provoked. */
#ifndef VFIOSCOPE_VALIDATE_ARGUMENTS_H
#define VFIOSCOPE_VALIDATE_ARGUMENTS_H

#include <stdbool.h>

/* A comma-separated list of devices, each as vfio-stress takes it. */
bool vs_arguments__are_devices(const char *list);

/* 0, or why no report can be written there: negative errno. Creates nothing. */
int vs_arguments__cannot_be_written(const char *path);

#endif
