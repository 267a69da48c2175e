/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A live run: the engine's events go into a session until it is time to stop.
 * What `trace` and `refs` have in common.
 *
 *	vs_live__open(l)	programs loaded, nothing attached
 *	vs_live__begin(l)	a session; its sinks must be there
 *	vs_live__arm(l)		probes armed, and what is missing said
 *	vs_live__run(l)		until a signal, the duration, or `each` says so
 *	vs_live__close(l)
 *
 * All return VS_EXIT_OK or an exit status, after one line on stderr.
 */
#ifndef VFIOSCOPE_LIVE_H
#define VFIOSCOPE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "opts.h"
#include "privilege/keeper.h"
#include "privilege/sandbox.h"
#include "probe/engine.h"
#include "probe/symbolizer.h"
#include "session.h"

/* Private to live_pulse.c, but for `at_start`. */
struct vs_live_pulse {
	struct vs_beat_answer at_start;	/* silent: then no run begins */
	uint64_t asked_ns;	/* when probes were asked to fire last */
	bool blind;		/* a gap is open */
	bool doubted;		/* who was about to say a finding found them silent: look at once */
};

struct vs_live {
	/* Filled in by the caller before vs_live__open(). */
	const struct vs_command *command;	/* who speaks */
	struct vs_engine_opts engine_opts;	/* record and ctx are set by open */
	struct vs_session_opts session_opts;	/* calls and ctx are set by begin */
	uint64_t duration;	/* ns, 0: until a signal */
	const struct vs_sandbox_opts *sandbox;	/* entered by run; NULL: not */
	/* After each fetch of events; true ends the run. May be NULL. */
	bool (*each)(void *ctx, uint64_t now_ns);
	/* Each event, once the session has it. May be NULL. */
	void (*seen)(void *ctx, const struct vs_event *e);
	/* vfio.ko was loaded and its probes are armed; nothing of that is fed yet. May be NULL. */
	void (*rearmed)(void *ctx);
	void *ctx;

	/* For the caller to use. */
	struct vs_engine *engine;
	struct vs_session *session;
	uint64_t started_ns, armed_ns;

	/* Private. */
	struct vs_symbolizer *symbolizer;
	struct vs_keeper *keeper;	/* NULL outside of the sandbox */
	struct vs_probe_row *rows;
	uint64_t loaded_ns;	/* vfio.ko was loaded, and is not followed yet; 0: no */
	uint64_t gap_ns;	/* when it was there first without being followed; 0: it was not */
	uint64_t gone_ns;	/* it was unloaded, and that is not said yet */
	bool saw_all;		/* at the start every required hook was there */
	bool moved;		/* it is not what was armed, and no event has told: look once more */
	uint64_t right_ns;	/* when it was last */
	uint64_t patches_ns;	/* when livepatches were looked for last */
	struct vs_text_watch text;
	struct vs_live_pulse pulse;
	uint64_t checked_ns;
};

int vs_live__open(struct vs_live *l);
int vs_live__begin(struct vs_live *l);
int vs_live__arm(struct vs_live *l);
int vs_live__run(struct vs_live *l);

/* As vs_host__kernel_stack(), inside of the sandbox, too. */
int vs_live__kernel_stack(struct vs_live *l, uint32_t tid, char *buf, size_t size);

/*
 * As vs_snapper__take(), and between which records it was taken. 0, or a negative errno with words in
 * @error, which has @size bytes. Free with vs_snapshot__free().
 */
int vs_live__look(struct vs_live *l, struct vs_snapper *snapper, struct vs_snapshot *s, char *error,
		  size_t size);

/*
 * True once the session has had every event up to the record @seq, for which it waits @patience_ns
 * at most: a CPU may stand still.
 */
bool vs_live__caught_up(struct vs_live *l, uint64_t seq, uint64_t patience_ns);

/* The last events and losses go to the session. Before vs_session__finish(). */
void vs_live__drain(struct vs_live *l);

/* Frees the session, too. Fine after any failure. */
void vs_live__close(struct vs_live *l);

#endif
