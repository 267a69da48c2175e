// SPDX-License-Identifier: GPL-2.0
/* What is asked of a host, and what an answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probe/pulse.h"

#define TP VS_BEAT_BIT(VS_BEAT_TRACEPOINT)
#define FENTRY VS_BEAT_BIT(VS_BEAT_FENTRY)
#define ENTRY VS_BEAT_BIT(VS_BEAT_KPROBE_ENTRY)
#define INSIDE VS_BEAT_BIT(VS_BEAT_KPROBE_INSIDE)

static char *functions[] = { VS_PULSE_FUNCTION, VS_PULSE_SWITCH };
static char *tracepoints[] = { VS_PULSE_TRACEPOINT };

static struct vs_facts host(void)
{
	return (struct vs_facts){
		.machine = "x86_64", .vmlinux_btf = true, .kprobe_pmu = true, .tramp_image = true,
		.ftrace_enabled = 1, .btf_funcs = { functions, 2 }, .tracepoints = { tracepoints, 1 },
	};
}

static void a_host_is_asked_what_it_has(void **state)
{
	struct vs_facts facts = host();

	(void)state;
	assert_int_equal(vs_pulse__parts(&facts),
			 TP | FENTRY | ENTRY | INSIDE | VS_PULSE_TOUCHED | VS_PULSE_LEFT);
	facts.tramp_image = false;	/* the function sleeps: no fexit there */
	assert_int_equal(vs_pulse__parts(&facts), TP | FENTRY | ENTRY | INSIDE | VS_PULSE_TOUCHED);
	facts.btf_funcs.nr = 1;
	assert_int_equal(vs_pulse__parts(&facts), TP | FENTRY | ENTRY | INSIDE);
	facts.btf_funcs.nr = 0;
	assert_int_equal(vs_pulse__parts(&facts), TP | ENTRY | INSIDE);
	facts.vmlinux_btf = false;
	assert_int_equal(vs_pulse__parts(&facts), ENTRY | INSIDE);
	facts.kprobe_pmu = false;
	assert_int_equal(vs_pulse__parts(&facts), 0);
}

/* A fentry that is armed then makes ftrace give up. */
static void without_ftrace_nothing_is_put_at_an_entry(void **state)
{
	struct vs_facts facts = host();

	(void)state;
	facts.ftrace_enabled = 0;
	assert_int_equal(vs_pulse__parts(&facts), TP | INSIDE);
	facts.ftrace_enabled = VS_UNKNOWN;
	assert_true(vs_pulse__parts(&facts) & FENTRY);
	strcpy(facts.machine, "aarch64");
	assert_false(vs_pulse__parts(&facts) & INSIDE);
}

static void assert_says(unsigned int silent, bool switching, const char *words, const char *remedy)
{
	struct vs_beat_answer answer = { .silent = silent, .switching = switching };

	assert_non_null(strstr(vs_beat__words(&answer), words));
	assert_string_equal(vs_beat__remedy(&answer), remedy);
}

static void an_answer_names_what_is_at_fault(void **state)
{
	static const char on[] = "echo 1 | sudo tee /sys/kernel/debug/kprobes/enabled";
	static const char ftrace[] = "sudo sysctl kernel.ftrace_enabled=1";

	(void)state;
	assert_says(ENTRY | INSIDE, false, "switched off for the whole host", on);
	assert_says(INSIDE, false, "switched off for the whole host", on);
	assert_says(ENTRY | INSIDE, true, "somebody switched all kprobes", on);
	assert_says(0, true, "somebody switched all kprobes", "");
	assert_says(FENTRY | ENTRY, false, "ftrace is off", ftrace);
	assert_says(FENTRY, false, "ftrace is off", ftrace);
	assert_says(ENTRY, false, "ftrace is off", ftrace);
	assert_says(TP, false, "at tracepoints", "");
	assert_says(TP | FENTRY | ENTRY | INSIDE, false, "armed probes do not fire", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_asked_what_it_has),
		cmocka_unit_test(without_ftrace_nothing_is_put_at_an_entry),
		cmocka_unit_test(an_answer_names_what_is_at_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
