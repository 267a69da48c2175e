/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files of a session of `latency` only. Functions that return int give an exit
 * status, 0 to continue; otherwise they have printed the error to stderr.
 */
#ifndef VFIOSCOPE_LATENCY_SESSION_PRIV_H
#define VFIOSCOPE_LATENCY_SESSION_PRIV_H

#include "kernel/kallsyms.h"
#include "latency/chain.h"
#include "latency/duty.h"
#include "latency/gather.h"
#include "latency/loader.h"
#include "latency/options.h"
#include "latency/print.h"
#include "latency/report.h"
#include "latency/watch.h"
#include "privilege/keeper.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

struct vs_lat_session {
	struct vs_latency_options opts;
	bool deferred;		/* the default: deferred puts, with their chain */
	struct vs_chain *chain;
	struct vs_keeper *keeper;	/* arms the chain's probes anew */
	struct vs_lat *lat;
	struct vs_ksyms *names;	/* read when one is needed first; NULL: not yet, or not readable */
	struct vs_latency_sink sink;
	struct vs_watch watch;
	struct vs_duty duty;	/* what is attached only now and then */
	struct vs_report report;
	char chain_words[240];	/* what will not be known of the chain */
	bool by_kprobes;	/* deferred puts are followed in vfio.ko alone */
	bool modules_changed, vfio_changed;	/* since the last look */
	uint64_t loaded_ns;	/* when a module was that may matter; 0: none was */
	char loaded[64];	/* its name */
	uint64_t patches_ns;	/* when livepatches were looked for last */
	struct vs_text_watch text;
	uint64_t asked_ns;	/* when probes were asked to fire last */
	bool blind;		/* some do not fire */
	uint64_t told_since_ns;
	unsigned int nr_told;
	uint64_t started_ns;
	uint64_t looked_ns, watched_ns;
	struct vs_gather_before before;	/* the last interval */
};

/* One line on stderr. Returns `status`. */
int lat_fail(const struct vs_lat_session *s, int status, const char *words, const char *what);

/* Sends a notice to the sink, unless `words` is empty. */
void lat_notice(struct vs_lat_session *s, const char *words);

/* -- session_arm.c: what is followed, and how -- */

/* Looks for the chain of a deferred put, if deferred puts are followed. */
int lat_check_chain(struct vs_lat_session *s);

/* Finds the addresses of the functions that are followed. */
int lat_read_symbols(struct vs_lat_session *s);

/* Attaches to the chain and to the works. */
int lat_arm_chain(struct vs_lat_session *s);

/* Tells what is attached, and so what other works pay. */
void lat_say_probes(struct vs_lat_session *s);

/* Tells of functions that no module has brought so far. */
void lat_say_missing(struct vs_lat_session *s);

/* Modules have come or gone: finds and attaches again where that matters. */
int lat_follow_modules(struct vs_lat_session *s);

/* -- session_gaps.c: times that are not seen -- */

/* Reports a loaded module whose works were not followed up to now. */
void lat_say_loaded(struct vs_lat_session *s);

/* Looks for livepatches of deferred puts. Times in ns of CLOCK_MONOTONIC, here and below. */
void lat_check_patches(struct vs_lat_session *s, uint64_t now);

/* Reports the comparison of vfio.ko's text that was made last. `from`: since when a change may be there. */
void lat_tell_text(struct vs_lat_session *s, uint64_t from, uint64_t now);

/* Ask if probes fire: at the start this gives an exit status; later a gap begins or ends. */
int lat_pulse_begins(struct vs_lat_session *s);
void lat_pulse(struct vs_lat_session *s, uint64_t now);

/* Compares vfio.ko's text again, and reports. */
void lat_compare_text(struct vs_lat_session *s, uint64_t now);

/* -- session_late.c: records, and works that are overdue or lost -- */

/* For vs_lat_opts.record; `ctx` is the session. */
void lat_take_record(void *ctx, const struct vs_lat_event *e);

/* Looks through the works that are queued or running now. */
void lat_look_for_late(struct vs_lat_session *s, uint64_t now);

#endif
