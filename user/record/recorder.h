/* SPDX-License-Identifier: GPL-2.0 */
/* A live run that is recorded: the tape, its file, and the run's hooks for them. */
#ifndef VFIOSCOPE_RECORD_RECORDER_H
#define VFIOSCOPE_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/opts.h"
#include "run/live.h"

struct vs_recorder;

struct vs_recorder_opts {
	const struct vs_command *command;	/* reports, and is named in the recording */
	const char *path;
	uint64_t ring;		/* bytes, 0: the file grows */
	bool forget;		/* what earlier bugs have kept may be overwritten */
	uint64_t sync_ns, before_ns, after_ns;	/* as of the tape; 0: its defaults */
};

/*
 * Opens the file, which needs to be done before privileges are given away, and hooks itself into the
 * run, whose session_opts must be complete. Returns VS_EXIT_OK, or an exit status after one line on stderr.
 */
int vs_recorder__open(struct vs_recorder **recorder, const struct vs_recorder_opts *opts,
		      struct vs_live *live);

/*
 * The run has ended with @status; call it after the session has finished. Returns it, or another one
 * after a line on stderr where a part is not in the recording. NULL is fine.
 */
int vs_recorder__close(struct vs_recorder *r, int status);

#endif
