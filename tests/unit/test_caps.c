// SPDX-License-Identifier: GPL-2.0
/* Which capabilities are asked for, on kernels with and without CAP_BPF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/capability.h>

#include "privilege/caps.h"

#define BIT VS_CAP_BIT
#define OLD CAP_AUDIT_READ	/* the last one before v5.8 */
#define NEW CAP_CHECKPOINT_RESTORE

static const uint64_t tracing = BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYSLOG);

static void tracing_needs_three(void **state)
{
	(void)state;
	assert_int_equal(vs_caps__needed(VS_WORK_TRACE, NEW), tracing);
	assert_int_equal(vs_caps__needed(VS_WORK_REFS, NEW), tracing);
	assert_int_equal(vs_caps__needed(VS_WORK_LATENCY, NEW), tracing);
	assert_int_equal(vs_caps__useful(VS_WORK_TRACE, NEW), BIT(CAP_SYS_ADMIN));
	assert_int_equal(vs_caps__useful(VS_WORK_LATENCY, NEW), 0);
}

static void old_kernels_want_sys_admin(void **state)
{
	(void)state;
	assert_int_equal(vs_caps__needed(VS_WORK_TRACE, OLD), BIT(CAP_SYS_ADMIN) | BIT(CAP_SYSLOG));
	assert_int_equal(vs_caps__useful(VS_WORK_TRACE, OLD), 0);
}

static void watchpoints_want_sys_admin(void **state)
{
	(void)state;
	assert_int_equal(vs_caps__needed(VS_WORK_REFS_EXACT, NEW), tracing | BIT(CAP_SYS_ADMIN));
}

static void why_looks_into_processes(void **state)
{
	(void)state;
	assert_true(vs_caps__useful(VS_WORK_WHY, NEW) & BIT(CAP_SYS_PTRACE));
	assert_false(vs_caps__needed(VS_WORK_WHY, NEW) & BIT(CAP_SYS_PTRACE));
	assert_int_equal(vs_caps__later(VS_WORK_WHY, NEW), 0);
}

static void arming_again_is_later(void **state)
{
	(void)state;
	assert_int_equal(vs_caps__later(VS_WORK_TRACE, NEW),
			 BIT(CAP_PERFMON) | BIT(CAP_SYSLOG) | BIT(CAP_SYS_ADMIN));
}

static void sys_admin_covers_bpf_and_perfmon_only(void **state)
{
	(void)state;
	assert_int_equal(vs_caps__missing(tracing, BIT(CAP_SYS_ADMIN)), BIT(CAP_SYSLOG));
	assert_int_equal(vs_caps__missing(tracing, tracing), 0);
	assert_int_equal(vs_caps__missing(tracing, 0), tracing);
	assert_int_equal(vs_caps__missing(tracing, tracing & ~BIT(CAP_BPF)), BIT(CAP_BPF));
}

static void words_and_lists(void **state)
{
	char buf[200], little[20];

	(void)state;
	vs_caps__words(tracing, buf, sizeof(buf));
	assert_string_equal(buf, "CAP_BPF, CAP_PERFMON and CAP_SYSLOG");
	vs_caps__words(BIT(CAP_BPF), buf, sizeof(buf));
	assert_string_equal(buf, "CAP_BPF");
	vs_caps__words(0, buf, sizeof(buf));
	assert_string_equal(buf, "");
	vs_caps__list(tracing, "+", buf, sizeof(buf));
	assert_string_equal(buf, "+bpf,+perfmon,+syslog");
	vs_caps__words(tracing | BIT(63), buf, sizeof(buf));
	assert_string_equal(buf, "CAP_63, CAP_BPF, CAP_PERFMON and CAP_SYSLOG");
	vs_caps__words(tracing, little, sizeof(little));
	assert_string_equal(little, "CAP_BPF, CAP_PERFMO");
	vs_caps__list(tracing, "+", little, sizeof(little));
	assert_string_equal(little, "+bpf,+perfmon,+sysl");
}

static void every_work_has_a_name_and_uses(void **state)
{
	(void)state;
	for (enum vs_work work = 0; work < VS_WORK_END; work++) {
		assert_true(strlen(vs_work__name(work)) > 2);
		assert_true(vs_caps__uses(work)[0].cap >= 0);
		for (const struct vs_cap_use *use = vs_caps__uses(work); use->cap >= 0; use++)
			assert_true(!strncmp(use->for_what, "to ", 3));
	}
}

static void the_running_kernel_tells_its_last(void **state)
{
	(void)state;
	assert_true(vs_caps__last("") >= CAP_AUDIT_READ);
	/* Without the file the kernel is asked, which comes to the same. */
	assert_int_equal(vs_caps__last("/nowhere"), vs_caps__last(""));
	assert_int_equal(vs_caps__missing(vs_caps__effective(), vs_caps__permitted()), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracing_needs_three),
		cmocka_unit_test(old_kernels_want_sys_admin),
		cmocka_unit_test(watchpoints_want_sys_admin),
		cmocka_unit_test(why_looks_into_processes),
		cmocka_unit_test(arming_again_is_later),
		cmocka_unit_test(sys_admin_covers_bpf_and_perfmon_only),
		cmocka_unit_test(words_and_lists),
		cmocka_unit_test(every_work_has_a_name_and_uses),
		cmocka_unit_test(the_running_kernel_tells_its_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
