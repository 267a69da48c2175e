/* SPDX-License-Identifier: GPL-2.0 */
/* The checks share these; they are private to this folder. */
#ifndef VFIOSCOPE_DOCTOR_JUDGE_H
#define VFIOSCOPE_DOCTOR_JUDGE_H

#include <stdbool.h>

#include "base/exit_codes.h"
#include "doctor/checks.h"

struct vs_host_state {
	const struct vs_facts *facts;
	const struct vs_env *env;
	uint64_t caps;		/* those that count */
};

struct vs_diag {
	const char *id;
	const char *knob;
	/* Leaves it as VS_DIAG_OK, or calls one of the functions below. */
	void (*judge)(const struct vs_host_state *h, struct vs_diag_result *r);
};

/* Tables, each ended by a check without id. */
extern const struct vs_diag vs_diags_privilege[];
extern const struct vs_diag vs_diags_kernel[];
extern const struct vs_diag vs_diags_mounts[];
extern const struct vs_diag vs_diags_vfio[];

#define WORK(name) (1u << VS_WORK_##name)
/* The kinds of work that arm probes. */
#define LIVE (WORK(TRACE) | WORK(REFS) | WORK(REFS_EXACT) | WORK(VALIDATE))
#define BPF_USERS (LIVE | WORK(LATENCY) | WORK(WHY))

bool vs_judge__has(const struct vs_host_state *h, int cap);

void vs_judge__value(struct vs_diag_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void vs_judge__number(struct vs_diag_result *r, int value);
void vs_judge__unknown(struct vs_diag_result *r, const char *value);
/* `exit_status`: that of the works which do not run. */
void vs_judge__bad(struct vs_diag_result *r, enum vs_diag_status status, unsigned int works,
		   int exit_status);
void vs_judge__what(struct vs_diag_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void vs_judge__cost(struct vs_diag_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void vs_judge__remedy(struct vs_diag_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void vs_judge__command(struct vs_diag_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
