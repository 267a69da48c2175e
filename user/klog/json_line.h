/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the message in a line of JSON, as journalctl -o json, json-pretty and log shippers write it. */
#ifndef VFIOSCOPE_KLOG_JSON_LINE_H
#define VFIOSCOPE_KLOG_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns false if the line is no such JSON. Otherwise takes the message, cut at @size, and into @when
 * its time as the line has it; @when stays as it is if the line has none.
 */
bool klog_json_line__message(const char *line, char *message, size_t size, char *when,
			     size_t when_size);

#endif
