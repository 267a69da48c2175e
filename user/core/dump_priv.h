/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files that make a struct vs_dump only. */
#ifndef VFIOSCOPE_CORE_DUMP_PRIV_H
#define VFIOSCOPE_CORE_DUMP_PRIV_H

#include "core/dump.h"

/* One more thing that the dump does not show, and why. */
__attribute__((format(printf, 2, 3)))
void core_dump__say(struct vs_dump *d, const char *format, ...);

/* Types, symbols of modules, ORC tables; 0 or a negative errno with words. */
int core_dump__types(struct vs_dump *d, const char *vmlinux, char *error, size_t size);
int core_dump__symbols(struct vs_dump *d);

/* Rows and tasks; 0 or a negative errno. */
int core_dump__tasks(struct vs_dump *d);

#endif
