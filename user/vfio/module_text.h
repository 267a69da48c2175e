/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text of the loaded vfio.ko as it is in memory, and nothing else of it: for a process
 * that reads it for one with less privileges (privilege/keeper.h).
 */
#ifndef VFIOSCOPE_MODULE_TEXT_H
#define VFIOSCOPE_MODULE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "privilege/keeper.h"

struct vs_module_text;

/* Opens /proc/kcore. NULL with errno as vs_kcore__open(). The module need not be loaded yet. */
struct vs_module_text *vs_module_text__open(const char *root);
void vs_module_text__free(struct vs_module_text *text);	/* NULL is fine */

/*
 * `len` bytes from `off` on of its section `section` (".text", ".text.unlikely"). It asks sysfs for
 * the address each time, and allocates nothing. 0; -ENOENT: it is not loaded, or has no such
 * section; -ERANGE: that is more than the module has; -EPERM (also for NULL), -EACCES, -EFAULT.
 */
int vs_module_text__read(const struct vs_module_text *text, const char *section, uint64_t off,
			 void *buf, size_t len);

/* The same of this host, for vs_keeper__start(). */
extern const struct vs_keeper_text vs_module_text__for_keeper;

#endif
