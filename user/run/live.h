/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A live run: the engine's events go into a session until it is time to stop.
 * `trace`, `refs` and `validate` share it.
 *
 *	vs_live__open(l)	programs loaded, nothing attached
 *	vs_live__begin(l)	a session; its sinks must exist
 *	vs_live__arm(l)		probes armed, missing ones reported
 *	vs_live__run(l)		until a signal, the end of the duration, or `each` ends it
 *	vs_live__close(l)
 *
 * All return VS_EXIT_OK or an exit status, after one line on stderr.
 */
#ifndef VFIOSCOPE_LIVE_H
#define VFIOSCOPE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opts.h"
#include "privilege/keeper.h"
#include "privilege/sandbox.h"
#include "probe/engine.h"
#include "probe/symbolizer.h"
#include "run/session.h"

/* Private to live_pulse.c, except for `at_start`. */
struct vs_live_pulse {
	struct vs_beat_answer at_start;	/* if silent, no run begins */
	uint64_t asked_ns;	/* the time when we last asked probes to fire */
	bool blind;		/* a gap is open */
	bool doubted;		/* a check ahead of a finding found them silent: look at once */
};

/* Somebody who listens to the run, such as a recorder. */
struct vs_live_hooks {
	/* The session begins with these options: a listener may put itself in between. */
	void (*begins)(void *ctx, struct vs_session_opts *opts);
	/* Privileges are given away: threads may be started. 0 or a negative errno. */
	int (*runs)(void *ctx);
	void (*polled)(void *ctx, uint64_t now_ns);	/* after each fetch of events */
	void *ctx;
};

struct vs_live {
	/* The caller fills these in before vs_live__open(). */
	const struct vs_command *command;	/* the command that reports */
	struct vs_engine_opts engine_opts;	/* record and ctx are set by open */
	struct vs_session_opts session_opts;	/* calls and ctx are set by begin */
	uint64_t duration;	/* ns, 0: until a signal */
	const struct vs_sandbox_opts *sandbox;	/* run enters it; NULL: no sandbox */
	/* Called after each fetch of events; true ends the run. May be NULL. */
	bool (*each)(void *ctx, uint64_t now_ns);
	/* Called for each event, once the session has it. May be NULL. */
	void (*seen)(void *ctx, const struct vs_event *e);
	/*
	 * Called when vfio.ko was loaded and its probes are armed; none of their events is fed yet. May
	 * be NULL.
	 */
	void (*rearmed)(void *ctx);
	void *ctx;
	const struct vs_live_hooks *hooks;	/* borrowed, may be NULL */

	/* The caller may use these. */
	struct vs_engine *engine;
	struct vs_session *session;
	uint64_t started_ns, armed_ns;

	/* Private. */
	struct vs_symbolizer *symbolizer;
	struct vs_keeper *keeper;	/* NULL outside of the sandbox */
	struct vs_probe_row *rows;
	uint64_t loaded_ns;	/* vfio.ko was loaded then, and is not followed yet; 0: no */
	uint64_t gap_ns;	/* the time when it first existed unfollowed; 0: never */
	uint64_t gone_ns;	/* the time of an unload that was not reported yet */
	bool saw_all;		/* at the start every required hook was there */
	bool moved;		/* it is not the armed one, and no event came: look once more */
	uint64_t right_ns;	/* the last time when it was the armed one */
	uint64_t patches_ns;	/* the last time that we looked for livepatches */
	struct vs_text_watch text;
	struct vs_live_pulse pulse;
	uint64_t checked_ns;
};

int vs_live__open(struct vs_live *l);
int vs_live__begin(struct vs_live *l);
int vs_live__arm(struct vs_live *l);
int vs_live__run(struct vs_live *l);

/* Does the same as vs_host__kernel_stack(), and works inside the sandbox, too. */
int vs_live__kernel_stack(struct vs_live *l, uint32_t tid, char *buf, size_t size);

/*
 * Takes a snapshot like vs_snapper__take(), and notes between which records it was taken. Returns 0, or
 * a negative errno with words in @error, which has @size bytes. Free it with vs_snapshot__free().
 */
int vs_live__look(struct vs_live *l, struct vs_snapper *snapper, struct vs_snapshot *s, char *error,
		  size_t size);

/*
 * Returns true once the session has had every event up to the record @seq, for which it waits
 * @patience_ns at most: a CPU may stall.
 */
bool vs_live__caught_up(struct vs_live *l, uint64_t seq, uint64_t patience_ns);

/* Feeds the last events and losses to the session. Call it before vs_session__finish(). */
void vs_live__drain(struct vs_live *l);

/* Frees the session, too. It may follow any failure. */
void vs_live__close(struct vs_live *l);

#endif
