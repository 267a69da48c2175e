/* SPDX-License-Identifier: GPL-2.0 */
/* One line for each finding, loss, gap and notice, for the log of a service. */
#ifndef VFIOSCOPE_SERVE_LOG_SINK_H
#define VFIOSCOPE_SERVE_LOG_SINK_H

#include <stdbool.h>

#include "sink/sink.h"

/*
 * Makes a sink that writes to @fd, which stays the caller's. @priorities: each line begins with "<N>", as
 * sd-daemon(3) has it: 2 for a bug, 4 for a hazard, a loss or a gap, 5 for other findings, 6 for notices.
 * NULL with errno.
 */
struct vs_sink *vs_log_sink__new(int fd, bool priorities);

#endif
