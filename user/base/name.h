/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names that strangers chose: of tasks, virtual machines, files, drivers, options. They may hold any
 * bytes, and root reads them at three in the morning, so only printable ASCII gets through; every
 * other byte becomes \xNN, as bash's $'...' takes it back. That leaves no way to command a terminal,
 * to begin a line, or to hide or turn around letters (C1 controls and bidi marks are not ASCII).
 * JSON keeps the name itself, see json_text.h.
 */
#ifndef VFIOSCOPE_NAME_H
#define VFIOSCOPE_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

#define VS_NAME_BYTE 4		/* a byte takes at most this many characters */
#define VS_NAME_CUT "..."	/* marks the end of a name that was cut */
#define VS_TASK_LEN (VS_NAME_BYTE * VS_COMM_LEN + 24)

/* Writes one byte, or its escape, without a NUL. Returns the number of characters. */
size_t vs_name__byte(char to[VS_NAME_BYTE], unsigned char byte);

/*
 * Writes the name's bytes up to a NUL, @max at most, into @buf of @size bytes, and ends them with a
 * NUL. A name that does not fit is cut between two of its bytes, and ends with VS_NAME_CUT. Returns the
 * length.
 */
size_t vs_name__escape(char *buf, size_t size, const char *name, size_t max);

/*
 * Does the same for a name in a sentence: a name that is not one plain word stands in quotation marks,
 * so that nobody takes it for our words. A cut one has VS_NAME_CUT after them.
 */
size_t vs_name__quote(char *buf, size_t size, const char *name, size_t max);

/* Does the same, but always quotes: for names that a person chose, such as a virtual machine's. */
size_t vs_name__in_quotes(char *buf, size_t size, const char *name, size_t max);

/*
 * Writes "comm[tid]". With @width 0 it is for a sentence, quoted as by vs_name__quote(); a task without
 * a name, as in a log, is "task 7", or "a task" if it has no number either. Otherwise it is for a
 * column of @width characters: the name is cut, not the number, and there are no quotation marks.
 */
void vs_name__task(char buf[VS_TASK_LEN], const char comm[VS_COMM_LEN], uint32_t tid,
		   size_t width);

#endif
