/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs: each is in a file cmd_VERB.c. */
#ifndef VFIOSCOPE_COMMANDS_H
#define VFIOSCOPE_COMMANDS_H

#include "base/opts.h"

extern const struct vs_command vs_cmd_can;
extern const struct vs_command vs_cmd_devices;
extern const struct vs_command vs_cmd_doctor;
extern const struct vs_command vs_cmd_inspect;
extern const struct vs_command vs_cmd_latency;
extern const struct vs_command vs_cmd_record;
extern const struct vs_command vs_cmd_refs;
extern const struct vs_command vs_cmd_report;
extern const struct vs_command vs_cmd_serve;
extern const struct vs_command vs_cmd_status;
extern const struct vs_command vs_cmd_trace;
extern const struct vs_command vs_cmd_validate;
extern const struct vs_command vs_cmd_why;

#endif
