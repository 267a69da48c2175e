/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFIOSCOPE_IDENTITY_H
#define VFIOSCOPE_IDENTITY_H

#include "validate/validation.h"

/* Reads which kernel and vfio this is, below `root` ("" but for tests). A missing item stays "". */
void vs_identity__read(const char *root, struct vs_identity *id);

#endif
