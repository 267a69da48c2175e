/* SPDX-License-Identifier: GPL-2.0 */
/* The exit statuses of all commands. There is one table: help and docs use it too. */
#ifndef VFIOSCOPE_EXIT_CODES_H
#define VFIOSCOPE_EXIT_CODES_H

enum vs_exit {
	VS_EXIT_OK = 0,
	VS_EXIT_FAILURE = 1,
	VS_EXIT_USAGE = 2,
	VS_EXIT_BUG = 3,
	VS_EXIT_UNAVAILABLE = 4,
	VS_EXIT_INCONCLUSIVE = 5,
	VS_EXIT_PERMISSION = 6,
	VS_EXIT_WAITS = 7,
};

#define VS_EXIT_HELP \
	"exit status\n" \
	"  0  nothing of grade bug was found, nothing was lost\n" \
	"  1  it failed: the message says why\n" \
	"  2  wrong usage\n" \
	"  3  a finding of grade bug: the deadlock happened, or can\n" \
	"  4  this kernel does not offer what is required: see doctor\n" \
	"  5  no bug was found, but events were lost, or it cannot be told (can, too)\n" \
	"  6  privileges are missing\n" \
	"  7  it waits, no VM can start (why); no (can); not as it should be (inspect)\n"

#endif
