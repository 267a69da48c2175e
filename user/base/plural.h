/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFIOSCOPE_PLURAL_H
#define VFIOSCOPE_PLURAL_H

#include <stdint.h>

/* Returns the ending of a noun that is counted: "%d group%s". */
static inline const char *vs_plural(uint64_t nr)
{
	return nr == 1 ? "" : "s";
}

#endif
