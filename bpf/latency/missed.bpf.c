// SPDX-License-Identifier: GPL-2.0
/* This program tells user space how many hits kprobes missed. */
#include "missed_programs.h"
