/* SPDX-License-Identifier: GPL-2.0 */
/*
 * This is all the evidence that `validate` has for its verdict: plain data, from
 * which rule.h judges and the sinks write.
 */
#ifndef VFIOSCOPE_VALIDATION_H
#define VFIOSCOPE_VALIDATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "event/names.h"
#include "inspect/inspect.h"
#include "ledger/finding.h"
#include "ledger/gaps.h"
#include "ledger/refs.h"
#include "probe/plan.h"

#define VS_ACTIONS (VS_ACT_UNBOUND_DRIVER + 1)
#define VS_WARNINGS_KEPT 8
#define VS_FINDINGS_SAID 8
#define VS_STACK_SAID 2048

struct vs_identity {
	char release[65], version[65], machine[65];	/* uname -r, -v, -m */
	char srcversion[64], build_id[VS_BUILD_ID_HEX];	/* of the loaded vfio.ko, "" not known */
	char livepatches[256];		/* all of them, space-separated; "" none */
	char vfio_livepatch[64];	/* one in force that patches vfio, "" none */
	uint64_t started_wall_ns;	/* CLOCK_REALTIME */
	uint64_t duration_ns;		/* observed */
};

/* /proc/sys/kernel/tainted and the kernel's log since the start. */
struct vs_kernel_state {
	bool taint_known;
	uint64_t taint_before, taint_after;
	bool log_read;			/* /dev/kmsg could be followed */
	uint64_t log_lost;		/* times that it was overwritten before it was read */
	uint64_t warnings;
	char warning[VS_WARNINGS_KEPT][160];	/* the first ones */
};

/* Counted from the events themselves. */
struct vs_path_counts {
	uint64_t entered[VS_ACTIONS];	/* notifier events by enum vs_action */
	uint64_t left;			/* returns of their chains */
	uint64_t found, not_found;	/* did (not) find their group */
	uint64_t queued, started, ended, outstanding, unpaired;
	uint64_t near_misses;
	uint64_t last_puts;		/* vfio_group_release inside vfio_group_put_bg */
	uint64_t other_releases;	/* elsewhere, not in the notifier */
};

struct vs_loss_count {
	uint64_t total;
	bool reported;			/* false: this kernel does not report it */
};

struct vs_finding_said {
	enum vs_finding_kind kind;
	enum vs_grade grade;
	char words[320];
	char group[96];
	char task[48];
	uint64_t after_ns;		/* said so long after it happened; 0 not known */
	char stack[VS_STACK_SAID];	/* a frame a line, "" if there is none */
};

enum vs_stress_mode {
	VS_STRESS_OBSERVED = 0,		/* --observe-only: the host's own load */
	VS_STRESS_DRIVEN,
	VS_STRESS_NOT_STARTED,		/* nothing to provoke on this kernel */
};

enum vs_stress_end {
	VS_STRESS_RUNNING = 0,		/* not waited for: a deadlock was found */
	VS_STRESS_DONE,			/* done, everything put back */
	VS_STRESS_STUCK,		/* its task hangs in the kernel */
	VS_STRESS_REFUSED,
	VS_STRESS_FAILED,
};

/* A strategy of vfio-stress that it began steps of. */
struct vs_strategy_ran {
	char name[24];
	uint64_t steps;
	char last[240];			/* the last of them: "unbind and bind of ... against ..." */
};

#define VS_STRATEGIES_KEPT 8

struct vs_stress_result {
	enum vs_stress_mode mode;
	enum vs_stress_end end;
	int status;			/* of the process, -1 not known */
	uint64_t steps;
	struct vs_strategy_ran ran[VS_STRATEGIES_KEPT];
	size_t nr_ran;
	char step[320];			/* the last step it announced */
	char said[320];			/* its last other line: the sum, or why it failed */
	char devices[256];
};

struct vs_validation {
	struct vs_identity identity;
	const struct vs_inspection *inspection;	/* borrowed; NULL: could not be made */
	char inspection_error[200];
	const struct vs_plan *plan;	/* borrowed; NULL: nothing was armed */
	size_t probes;			/* armed */
	uint64_t gaps;			/* times in which something may have been missed */
	char gap[VS_GAP_WORDS];		/* the first of them, in words */
	bool text_changed;		/* one of them: the text of vfio.ko in memory is not its file's */
	struct vs_path_counts path;
	uint64_t min_last_puts;
	uint64_t findings[VS_FINDING_KINDS][VS_GRADES];
	struct vs_finding_said said[VS_FINDINGS_SAID];	/* hazards and bugs, bugs first */
	size_t nr_said;
	struct vs_loss_count losses[VS_LOSS_END];
	uint64_t lost;
	bool refs_kept;			/* the ledger of references had a snapshot to begin with */
	bool refs_checked;		/* and one at the end, to be compared with */
	bool refs_differ;
	struct vs_refs_uncompared refs_uncompared;	/* no look at the end compared these */
	uint64_t unattributed;
	struct vs_kernel_state kernel;
	struct vs_stress_result stress;
	bool interrupted;		/* by a signal, while something was driven */
};

#endif
