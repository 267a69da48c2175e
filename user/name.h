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

#define VS_NAME_BYTE 4		/* characters that a byte takes at most */
#define VS_NAME_CUT "..."	/* stands at the end of what was cut */
#define VS_TASK_LEN (VS_NAME_BYTE * VS_COMM_LEN + 24)

/* Writes one byte, or what stands for it, without a NUL. Returns how many characters that are. */
size_t vs_name__byte(char to[VS_NAME_BYTE], unsigned char byte);

/*
 * Writes the name's bytes up to a NUL, @max at most, into @buf of @size bytes, and ends them with a
 * NUL. What does not fit is cut, between two bytes of the name, and ends with VS_NAME_CUT. Returns
 * the length.
 */
size_t vs_name__escape(char *buf, size_t size, const char *name, size_t max);

/*
 * The same for a name in a sentence: a name that is not one plain word stands in quotation marks,
 * so that nobody takes it for our words. A cut one has VS_NAME_CUT behind them.
 */
size_t vs_name__quote(char *buf, size_t size, const char *name, size_t max);

/* The same, in quotation marks always: what a person named, such as a virtual machine. */
size_t vs_name__in_quotes(char *buf, size_t size, const char *name, size_t max);

/*
 * "comm[tid]". @width 0: for a sentence, as vs_name__quote() has it; one without a name, as a log may
 * have it, is "task 7", or "a task" where there is no number either. Otherwise for a column of that
 * many characters: the name is cut, not the number, and there are no quotation marks.
 */
void vs_name__task(char buf[VS_TASK_LEN], const char comm[VS_COMM_LEN], uint32_t tid,
		   size_t width);

#endif
