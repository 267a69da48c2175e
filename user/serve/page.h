/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers that a fleet's monitoring asks for, gathered from one session. A sink of that session keeps them
 * up to date: the session hands it findings, gaps and ended waits as they come, and a summary whenever its
 * owner asks for one. Pure; metrics.h and state.h turn the page into text.
 *
 * Times are ns. A label holds no address, process or thread number; only the holders of a device whose
 * unbind waits are named.
 */
#ifndef VFIOSCOPE_SERVE_PAGE_H
#define VFIOSCOPE_SERVE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/registrations.h"
#include "probe/plan.h"
#include "sink/sink.h"

#define VS_PAGE_WAITS 16	/* devices whose wait is listed, the longest first */
#define VS_PAGE_HOLDERS 4	/* holders named for each */
#define VS_PAGE_LINES 8		/* the last findings, in words */
#define VS_PAGE_LINE 400
#define VS_PAGE_WORDS 240
#define VS_PAGE_STATUSES (VS_HOOK_MISSING + 1)
#define VS_PAGE_SUSPICIONS (VS_SUSPECT_BROKEN + 1)
#define VS_PAGE_CLASSES (VS_REF_CLASSES + 1)	/* the last: not known */
#define VS_PAGE_PROCESSES 2
#define VS_PAGE_CODES 6

/* Upper bounds that the caller gives, and how many times lie at or below each. */
#define VS_PAGE_BOUNDS 21
struct vs_page_times {
	uint64_t counts[VS_PAGE_BOUNDS];	/* of the times up to each bound, not added up */
	uint64_t count, sum_ns;
};

/* FILE: its descriptor is not known, or it is only mapped. */
enum vs_page_how { VS_HOW_FD, VS_HOW_FILE, VS_HOW_KERNEL, VS_HOWS };

struct vs_page_holder {
	enum vs_page_how how;
	char comm[VS_COMM_LEN];
};

struct vs_page_wait {
	char device[VS_DEVICE_LEN];	/* "" if not known */
	int group;		/* IOMMU group, -1 if not known */
	uint64_t start_ns;	/* CLOCK_MONOTONIC */
	struct vs_page_holder holders[VS_PAGE_HOLDERS];
	size_t nr_holders;
};

/* One of the last findings. */
struct vs_page_line {
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	enum vs_finding_kind kind;
	enum vs_grade grade;
	char words[VS_PAGE_LINE];
};

struct vs_page {
	/* The owner fills these in. */
	const char *version, *kernel;
	bool up;		/* armed, and every required hook is there */
	char down[VS_PAGE_WORDS];	/* the reason if not */
	enum vs_fix fix;
	const char *vfio;	/* "module", "builtin", "absent" */
	uint64_t hooks[VS_PAGE_STATUSES][2];	/* by enum vs_hook_status, and if required */
	uint64_t probes_armed;
	uint64_t mono_ns, wall_ns;	/* the moment of the page, on both clocks */
	uint64_t started_ns;	/* CLOCK_MONOTONIC: the run began */
	uint64_t render_ns;	/* the time that the last page took */
	uint64_t failed_looks;	/* looks at the host that failed */
	int confined[VS_PAGE_PROCESSES];	/* tracer, porch; -1: not known */
	uint64_t requests[VS_PAGE_CODES];	/* answers of the porch, by vs_page_codes */
	uint64_t refused;	/* connections that the porch ended */
	uint64_t cpu_ns, resident_bytes;

	/* From the summary. */
	uint64_t by_type[VS_TYPE_END];
	struct vs_loss_row losses[VS_LOSS_END];
	struct vs_deferred_stats deferred;
	uint64_t outstanding, overdue;
	uint64_t found, not_found;
	/* From the ledger. */
	uint64_t groups[VS_PAGE_SUSPICIONS];
	uint64_t references[VS_PAGE_CLASSES];
	uint64_t oldest_ns;	/* 0: none */
	uint64_t groups_differ;
	uint64_t devices, unbinds_waiting, oldest_wait_ns;
	struct vs_page_wait waits[VS_PAGE_WAITS];
	size_t nr_waits;
	uint64_t dropped;	/* waits and holders beyond those limits, now */
	struct vs_refs_totals totals;
	/* From what the session says. */
	uint64_t findings[VS_FINDING_KINDS][VS_GRADES];
	uint64_t last_finding_ns[VS_GRADES];
	struct vs_page_line lines[VS_PAGE_LINES];	/* a ring: the newest at (nr_lines - 1) % VS_PAGE_LINES */
	size_t nr_lines;
	bool blind[VS_GAP_REASONS];
	uint64_t blind_from_ns[VS_GAP_REASONS], blind_ns[VS_GAP_REASONS];
	struct vs_page_times waited;		/* bounds: vs_page_wait_bounds */
	struct vs_page_times put_start, put_end;	/* bounds: 2^14 .. 2^34 ns */
	bool changed;		/* a finding or a gap came since the owner last cleared it */
};

/* The upper bounds of `waited`, VS_PAGE_WAIT_BOUNDS of them; of deferred puts, VS_PAGE_BOUNDS. ns. */
#define VS_PAGE_WAIT_BOUNDS 12
extern const uint64_t vs_page_wait_bounds[VS_PAGE_WAIT_BOUNDS];
uint64_t vs_page__put_bound(size_t i);

/* The HTTP statuses that the porch answers with. */
extern const unsigned int vs_page_codes[VS_PAGE_CODES];

/* Takes what the plan says of hooks, of the fix and of VFIO. @facts are those of the plan. */
void vs_page__take_plan(struct vs_page *p, const struct vs_plan *plan, const struct vs_facts *facts);

/* Takes what the ledgers know at p->mono_ns. Costs one walk over all references. */
void vs_page__take_ledger(struct vs_page *p, const struct vs_refs *refs,
			  const struct vs_registrations *registrations);

/*
 * Makes a sink that keeps @p up to date; it borrows @p. Give it to the session, and to
 * vs_session__summarize() before each page. NULL with errno.
 */
struct vs_sink *vs_page__sink(struct vs_page *p);

/* Returns CLOCK_REALTIME for a moment of CLOCK_MONOTONIC; 0 for 0. */
uint64_t vs_page__wall_ns(const struct vs_page *p, uint64_t mono_ns);

/* Returns true if something may be missed now: a gap is open, or the page is not up. */
bool vs_page__is_blind(const struct vs_page *p);

/* Returns how many tasks wait for a lock that they hold themselves: they never return. */
uint64_t vs_page__deadlocked(const struct vs_page *p, enum vs_finding_kind kind);

const char *vs_page_how__name(enum vs_page_how how);	/* "fd", "file", "kernel" */
/* "device", "file" ...; "unknown" for VS_REF_CLASSES. */
const char *vs_page_class__name(unsigned int class);

#endif
