/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run over a stream of events, live or recorded: records go in, the ledger
 * is kept, findings are made, sinks are served. It knows no libbpf and needs no
 * privileges. It is not thread-safe: one thread calls it.
 *
 *	s = vs_session__new(&opts);
 *	vs_session__start(s, &start);		once the probes are armed
 *	loop:
 *		vs_session__feed(s, record, len) for each record
 *		vs_session__tick(s, now)
 *		vs_session__flush(s)
 *		wait, at most until vs_session__deadline(s)
 *	vs_session__finish(s, &result);
 *	vs_session__free(s);
 */
#ifndef VFIOSCOPE_SESSION_H
#define VFIOSCOPE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/filter.h"
#include "event/names.h"
#include "ledger/refs.h"
#include "ledger/registrations.h"
#include "run/input.h"
#include "sink/sink.h"

/* Calls that the session makes to its owner. Each may be NULL. */
struct vs_session_calls {
	/* Writes "vfio_group_fops_release+0x31" for a kernel address; false when unknown. */
	bool (*resolve_ip)(void *ctx, uint64_t ip, char *buf, size_t size);
	/* Writes the space-separated device names of an iommu group; 0 or negative errno. */
	int (*group_devices)(void *ctx, int iommu_group, char *buf, size_t size);
	/* Writes /proc/TID/stack unchanged; 0 or negative errno. Called only for deadlocks. */
	int (*kernel_stack)(void *ctx, uint32_t tid, char *buf, size_t size);
	/* Returns CLOCK_MONOTONIC now. NULL for recordings: no "said after" times. */
	uint64_t (*now_ns)(void *ctx);
	/* True if the process exists. */
	bool (*task_alive)(void *ctx, uint32_t tgid);
	/* True if anything was lost up to now, reported to the session or not. */
	bool (*was_lost)(void *ctx);
	/* True if the kernel skipped probes up to now, reported to the session or not. */
	bool (*was_skipped)(void *ctx);
	/* True if probes are silent now; called before a finding that rests on them. */
	bool (*is_blind)(void *ctx);
};

struct vs_session_opts {
	struct vs_session_calls calls;
	void *ctx;		/* first argument of all calls */
	const struct vs_filter *filter;	/* display only, borrowed, may be NULL */
	struct vs_sink *const *sinks;	/* pointers are copied, sinks borrowed */
	size_t nr_sinks;
	bool no_events;		/* show findings and the rest, but not each event */
	bool no_deferred;	/* do not show the line of each deferred put */
	bool no_waits;		/* do not show the line of each unbind that had to wait */
	bool no_stacks;		/* show events without the stacks they carry */
	bool no_ledger;		/* do not show the ledger when it is said */
	size_t max_groups;	/* 0: 4096 */
	size_t history;		/* records kept per group, 0: 64 */
	size_t max_deferred;	/* outstanding deferred puts, 0: 4096 */
	size_t max_tasks;	/* tasks inside a notifier, 0: 4096 */
	bool keep_refs;		/* the ledger of references, with its findings */
	struct vs_refs_opts refs;	/* its limits; the session sets its calls */
	const struct vs_input_ear *ear;	/* borrowed, hears all that the session is told; may be NULL */
};

struct vs_session_result {
	uint64_t events;
	uint64_t findings[VS_FINDING_KINDS];
	uint64_t by_grade[VS_GRADES];
	uint64_t lost;		/* sum over all causes */
	uint64_t blind_gaps;	/* gaps in which we may have missed something */
	size_t outstanding;	/* deferred puts that have not ended yet */
	int write_error;	/* first write error of a sink, negative errno, or 0 */
};

struct vs_session;

/* NULL with errno set. */
struct vs_session *vs_session__new(const struct vs_session_opts *opts);
void vs_session__free(struct vs_session *s);	/* NULL is fine; frees no sinks */

/*
 * Takes one input. Each function below that tells the session something makes one of these, and a
 * recording gives them as they were. Returns what that function does.
 */
int vs_session__take(struct vs_session *s, const struct vs_input *in);

/* Reports the version, kernel and probes. Strings and probe rows stay the caller's until finish. */
void vs_session__start(struct vs_session *s, const struct vs_start *start);

/* Starts the ledger from a snapshot: call it after start(), before the first feed(). */
void vs_session__seed(struct vs_session *s, const struct vs_snapshot *snapshot);

/* Starts the references of groups alone from a snapshot, where gets are not seen. */
void vs_session__reseed(struct vs_session *s, const struct vs_snapshot *snapshot);

/* Tells the ledgers if this kernel shows gets at all, which is the default. */
void vs_session__gets_seen(struct vs_session *s, bool groups, bool devices);

/* Does the same as vs_refs__watched(). */
void vs_session__watched(struct vs_session *s, uint64_t address, int number, uint64_t since_ns,
			 uint64_t since_seq);

/* Compares the ledger with a snapshot taken after every event fed so far. */
void vs_session__check(struct vs_session *s, const struct vs_snapshot *snapshot);

/* Does the same for the references of devices. */
void vs_session__check_registrations(struct vs_session *s, const struct vs_snapshot *snapshot);

struct vs_ledger_opts {
	const struct vs_snapshot *snapshot;	/* taken just now */
	uint64_t now_ns;	/* CLOCK_MONOTONIC */
	bool traced;		/* false: the snapshot is all there is */
	bool last;		/* with lifetimes */
	bool stacks;		/* of each get, not only of suspects */
};

/* Shows the ledger for the groups that the filter selects. Returns 0 or -ENOMEM; needs keep_refs. */
int vs_session__say_ledger(struct vs_session *s, const struct vs_ledger_opts *opts);

/* The ledger of references; NULL without keep_refs. */
struct vs_refs *vs_session__refs(const struct vs_session *s);

/* The ledger of the devices' own references; it is always kept. */
struct vs_registrations *vs_session__registrations(const struct vs_session *s);

/* Returns the devices of a group in one line; "" when not known. Valid until the next feed(). */
const char *vs_session__devices(const struct vs_session *s, int number);

/* Replaces the probe rows of the summary (module reloaded). They are borrowed until finish. */
void vs_session__set_probes(struct vs_session *s, const struct vs_probe_row *rows, size_t nr);

/*
 * Takes one raw record. Returns 0, or -ENOENT, -EOVERFLOW, -EINVAL of vs_record__check(): then it
 * skipped and counted the record, and the caller may go on. It writes deadlock findings before it
 * returns, unless it still waits for their proof.
 */
int vs_session__feed(struct vs_session *s, const void *record, size_t len);

/* Reports findings that have waited long enough; @now_ns is CLOCK_MONOTONIC. */
void vs_session__tick(struct vs_session *s, uint64_t now_ns);

/* Returns the time when the next tick is due, CLOCK_MONOTONIC ns; 0: nothing is waiting. */
uint64_t vs_session__deadline(const struct vs_session *s);

/*
 * Takes the present total of one cause of loss (enum vs_loss or enum vs_user_loss), and reports it in
 * the stream when it has grown. The session itself counts the causes of the ledger (evictions, skipped
 * records).
 */
void vs_session__loss(struct vs_session *s, unsigned int cause, uint64_t total);

/* This kernel does not report that cause: the summary says so instead of 0. */
void vs_session__loss_not_reported(struct vs_session *s, unsigned int cause);

/* Adds a gap that is over: vfio.ko was (re)loaded and its probes are armed now, or it is gone again. */
void vs_session__gap(struct vs_session *s, const struct vs_gap_row *row);

/* Begin a gap, unless it has begun already, and end it, if it had. There is at most one of a kind. */
void vs_session__gap_begins(struct vs_session *s, enum vs_gap_why why, uint64_t from_ns,
			    const char *words);
void vs_session__gap_ends(struct vs_session *s, enum vs_gap_why why, uint64_t to_ns);

/* Puts a sentence of the caller into the stream, at @time_ns (CLOCK_MONOTONIC). */
void vs_session__notice(struct vs_session *s, uint64_t time_ns, const char *words);

/* Writes what the sinks have buffered. Returns 0 or the first write error so far. */
int vs_session__flush(struct vs_session *s);

/*
 * Settles what still waits, writes the summary, flushes. @now_ns 0 means the time of the last event
 * (recordings). Returns 0 or the first write error; @result may be NULL.
 */
int vs_session__finish(struct vs_session *s, uint64_t now_ns, struct vs_session_result *result);

/* Gives one sink the summary that finish() would give all of them now. */
void vs_session__summarize(struct vs_session *s, uint64_t now_ns, struct vs_sink *sink);

/* Fills in the @result that finish() would give now; write_error as of the last flush. */
void vs_session__result(const struct vs_session *s, struct vs_session_result *result);

#endif
