/* SPDX-License-Identifier: GPL-2.0 */
/* Reads VMCOREINFO, in which a kernel describes itself to readers of its dump: lines NAME=VALUE. Pure. */
#ifndef VFIOSCOPE_CORE_INFO_H
#define VFIOSCOPE_CORE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the value of a line, cut to size. Returns false if there is no such line, or no text at all. */
bool vs_core_info__text(const char *info, const char *name, char *buf, size_t size);

/* The same as a number: @base 16 of SYMBOL(...) and KERNELOFFSET, 10 of NUMBER(...); negative ones wrap. */
bool vs_core_info__number(const char *info, const char *name, int base, uint64_t *value);

#endif
