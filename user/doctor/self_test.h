/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Proves that armed probes fire: arms one of each kind that vfioscope uses, makes it fire by
 * renaming one of our own threads, and waits for its event.
 */
#ifndef VFIOSCOPE_DOCTOR_SELF_TEST_H
#define VFIOSCOPE_DOCTOR_SELF_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/self_test.h"
#include "probe/facts.h"

enum vs_test_outcome {
	VS_TEST_LEFT_OUT = 0,	/* nothing here could make it fire: words say why */
	VS_TEST_FIRED,
	VS_TEST_SILENT,		/* armed, and nothing came within a second */
	VS_TEST_REFUSED,	/* could not be loaded or armed: words say why */
};

struct vs_test_result {
	enum vs_test_outcome outcome;
	uint64_t latency_ns;	/* from the system call to the event read in user space */
	char words[120];
};

struct vs_self_test {
	struct vs_test_result results[VS_TEST_END];
};

/* "tracepoint", "tp_btf", "fentry", "fexit", "kprobe at entry", "kprobe inside", "watchpoint" */
const char *vs_test__name(enum vs_test_kind kind);

/* Takes a second for each kind that stays silent. Leaves nothing armed. */
void vs_self_test__run(const struct vs_facts *facts, struct vs_self_test *test);

/* Returns true if nothing was silent or refused. */
bool vs_self_test__passed(const struct vs_self_test *test);

#endif
