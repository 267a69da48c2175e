/* SPDX-License-Identifier: GPL-2.0 */
/* The exit statuses of all commands. There is one table: help and docs use it, too. */
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

/* Lines of the table, and the table of `vfioscope --help`; each verb shows those that it has. */
#define VS_EXIT_HEAD "exit status\n"
#define VS_EXIT_LINE(status, words) "  " status "  " words "\n"
#define VS_EXIT_LINES_FAILED \
	VS_EXIT_LINE("1", "it failed: the message says why") \
	VS_EXIT_LINE("2", "wrong usage")
#define VS_EXIT_LINE_BUG VS_EXIT_LINE("3", "a finding of grade bug: the deadlock happened, or can")
#define VS_EXIT_LINE_UNAVAILABLE VS_EXIT_LINE("4", "this kernel does not offer what is required: see doctor")
#define VS_EXIT_LINE_LOST VS_EXIT_LINE("5", "no bug was found, but events were lost, or it cannot be told")
#define VS_EXIT_LINE_PRIVILEGES VS_EXIT_LINE("6", "privileges are missing")

/* What a run over events has. */
#define VS_EXIT_OF_RUN \
	VS_EXIT_HEAD VS_EXIT_LINE("0", "nothing of grade bug was found, nothing was lost") \
	VS_EXIT_LINES_FAILED VS_EXIT_LINE_BUG VS_EXIT_LINE_UNAVAILABLE VS_EXIT_LINE_LOST \
	VS_EXIT_LINE_PRIVILEGES
#define VS_EXIT_HELP \
	VS_EXIT_OF_RUN VS_EXIT_LINE("7", "it waits, no VM can start (why); no (can); not as it should be (inspect)")

#endif
