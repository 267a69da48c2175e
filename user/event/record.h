/* SPDX-License-Identifier: GPL-2.0 */
/* Validation of raw records before anything else looks into them. */
#ifndef VFIOSCOPE_EVENT_RECORD_H
#define VFIOSCOPE_EVENT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/events.h"

/*
 * Checks that @len bytes at @data hold one whole record that this program
 * understands. Returns 0 and sets *@event, or
 *   -ENOENT	 unknown type: skip it,
 *   -EOVERFLOW	 newer ABI version: skip it,
 *   -EINVAL	 sizes that cannot be.
 * A record may be longer than its structure: later versions append.
 */
int vs_record__check(const void *data, size_t len, const struct vs_event **event);

/* Device name of a checked record; "" for types that carry none. Always terminated. */
const char *vs_record__device(const struct vs_event *e);

/* Returns true if it is about the references of a device, not those of its group. */
bool vs_record__is_registration(const struct vs_event *e);

/* Returns true if it is about the users of its group's container. */
bool vs_record__is_container(const struct vs_event *e);

/* A checked get, put or change that carries a stack (it may be empty), else NULL. */
const struct vs_stack_event *vs_record__stack(const struct vs_event *e);

/* Counts the frames in it, VS_SHORT_STACK_LEN at most, whatever the record says. */
size_t vs_stack__length(const struct vs_stack_event *s);

/* The alarm of a checked VS_CHAIN_DEADLOCK record, else NULL. */
const struct vs_alarm_event *vs_record__alarm(const struct vs_event *e);

#endif
