/* SPDX-License-Identifier: GPL-2.0 */
/* Searches tables that are sorted by a number, such as symbols by their address. Pure. */
#ifndef VFIOSCOPE_NEAREST_H
#define VFIOSCOPE_NEAREST_H

#include <stddef.h>

/*
 * Counts the rows whose @member is at most @value: the last of them is the one at or below it, and 0 means that there
 * is none. @rows has @nr rows in ascending order of @member; O(log nr).
 */
#define VS_ROWS_UP_TO(rows, nr, member, value) ({			\
	size_t low_ = 0, high_ = (nr);					\
									\
	while (low_ < high_) {						\
		size_t mid_ = low_ + (high_ - low_) / 2;		\
									\
		if ((rows)[mid_].member <= (value))			\
			low_ = mid_ + 1;				\
		else							\
			high_ = mid_;					\
	}								\
	low_;								\
})

#endif
