/* SPDX-License-Identifier: GPL-2.0 */
/* Ends runs that have no end of their own. */
#ifndef VFIOSCOPE_STOP_H
#define VFIOSCOPE_STOP_H

#include <stdbool.h>

/* After this call SIGINT, SIGTERM and SIGHUP only ask to stop, and SIGPIPE does nothing. */
void vs_stop__catch(void);

/* Returns true if one of them came. */
bool vs_stop__asked(void);

#endif
