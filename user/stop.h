/* SPDX-License-Identifier: GPL-2.0 */
/* Ending a run that goes on until somebody ends it. */
#ifndef VFIOSCOPE_STOP_H
#define VFIOSCOPE_STOP_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP only ask to stop, and SIGPIPE does nothing. */
void vs_stop__catch(void);

/* Whether one of them came. */
bool vs_stop__asked(void);

#endif
