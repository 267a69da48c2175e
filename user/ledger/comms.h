/* SPDX-License-Identifier: GPL-2.0 */
/* Task names, each kept once: histories hold a number in place of 16 bytes. */
#ifndef VFIOSCOPE_LEDGER_COMMS_H
#define VFIOSCOPE_LEDGER_COMMS_H

#include <stdint.h>

#include "bpf/events.h"

struct vs_comms;

struct vs_comms *vs_comms__new(void);	/* NULL with errno set */
void vs_comms__free(struct vs_comms *c);	/* NULL is fine */

/* The number of a name; all names beyond the 2047th share number 0, "?". */
uint16_t vs_comms__number(struct vs_comms *c, const char comm[VS_COMM_LEN]);
const char *vs_comms__name(const struct vs_comms *c, uint16_t number);

#endif
