// SPDX-License-Identifier: GPL-2.0
/* What kprobes missed, asked for. */
#include "missed_programs.h"
