// SPDX-License-Identifier: GPL-2.0
/* Is the fix there: one answer, whoever asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/inspect.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "vfio/fix.h"
#include "vfio/hooks.h"

static void what_is_not_known_proves_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 81; i++) {
		struct vs_fix_facts f = { i % 3, i / 3 % 3, i / 9 % 3, i / 27 };
		enum vs_fix fix = vs_fix__of(&f);

		assert_true((f.notifier == VS_NO) == (fix == VS_FIX_NO_NOTIFIER));
		if (f.notifier != VS_YES || f.puts == VS_NOT_KNOWN || f.defers == VS_NOT_KNOWN)
			assert_true(fix == VS_FIX_UNKNOWN || fix == VS_FIX_NO_NOTIFIER);
		assert_true((fix == VS_FIX_PRESENT) ==
			    (f.notifier == VS_YES && f.puts == VS_NO && f.defers == VS_YES));
		assert_true((fix == VS_FIX_ABSENT) ==
			    (f.notifier == VS_YES && f.puts == VS_YES && f.defers == VS_NO));
		assert_true((fix == VS_FIX_BOTH) ==
			    (f.notifier == VS_YES && f.puts == VS_YES && f.defers == VS_YES));
		assert_true(fix != VS_FIX_NO_REFERENCE || f.takes == VS_NO);
	}
}

static void names_are_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < VS_FIXES; i++) {
		assert_int_equal(vs_fix__named(vs_fix__name(i)), i);
		assert_true(strlen(vs_fix__words(i)) > 10);
	}
	assert_int_equal(vs_fix__named(NULL), VS_FIX_UNKNOWN);
	assert_int_equal(vs_fix__named("?"), VS_FIX_UNKNOWN);
	for (int i = VS_NOT_KNOWN; i <= VS_YES; i++)
		assert_int_equal(vs_known__named(vs_known__name(i)), i);
}

/* The plan of the kernel that has this module, after the facts were saved and read again. */
static enum vs_fix planned(const char *path)
{
	struct vs_facts facts = { .vfio_state = VS_KMOD_ON_DISK, .vfio_file = true }, again;
	char *json, error[200];
	enum vs_fix fix;

	strcpy(facts.release, "5.10.0");
	strcpy(facts.machine, "x86_64");
	assert_int_equal(vs_kmod__read(path, vs_hook_callees, &facts.vfio), 0);
	fix = vs_plan__fix(&facts);
	json = vs_facts__to_json(&facts);
	assert_int_equal(vs_facts__from_json(json, &again, error, sizeof(error)), 0);
	assert_int_equal(vs_plan__fix(&again), fix);
	free(json);
	vs_facts__free(&again);
	vs_facts__free(&facts);
	return fix;
}

/* Modules of each era, by both compilers: `doctor` and `inspect` never differ. */
static void doctor_and_inspect_agree(void **state)
{
	int seen[VS_FIXES] = { 0 };

	(void)state;
	for (int era = 1; era <= 13; era++)
		for (int clang = 0; clang < 2; clang++) {
			struct vs_inspection in;
			char path[400];

			snprintf(path, sizeof(path), "%s/inspect/%s-%d.o", VS_FIXTURES,
				 clang ? "x86_64" : "gcc", era);
			assert_int_equal(vs_inspect__file(path, &in), 0);
			if (planned(path) != in.fix)
				fail_msg("%s: %s, and %s", path, vs_fix__name(planned(path)),
					 vs_fix__name(in.fix));
			seen[in.fix]++;
			vs_inspection__free(&in);
		}
	assert_true(seen[VS_FIX_PRESENT] && seen[VS_FIX_ABSENT] && seen[VS_FIX_NO_REFERENCE] &&
		    seen[VS_FIX_NO_NOTIFIER]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_proves_nothing),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(doctor_and_inspect_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
