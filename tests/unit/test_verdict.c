// SPDX-License-Identifier: GPL-2.0
/* The verdict on facts made up here: calls that go round, parts of functions, hostile numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vfio/verdict.h"

struct ref {
	const char *from;
	enum vs_ref_kind kind;
	const char *to;		/* a function here, or a symbol elsewhere */
};

static uint32_t func_of(struct vs_code *code, const char *name)
{
	for (uint32_t i = 0; i < code->nr_funcs; i++)
		if (!strcmp(code->funcs[i].name, name))
			return i;
	return VS_CODE_NONE;
}

static struct vs_code make(const char *const *funcs, const struct ref *refs)
{
	struct vs_code code = { .decoded = true };

	for (; *funcs; funcs++) {
		struct vs_code_func func = {
			.name = *funcs, .section = ".text", .addr = code.nr_funcs * 0x100,
			.size = 0x100, .named = true, .scanned = true,
		};

		assert_int_equal(vs_code__add_func(&code, &func), 0);
	}
	for (; refs->from; refs++) {
		struct vs_code_ref ref = {
			.func = func_of(&code, refs->from), .off = code.nr_refs * 5,
			.kind = refs->kind, .target = refs->to ? func_of(&code, refs->to) : VS_CODE_NONE,
			.symbol = refs->to,
		};

		assert_true(ref.func != VS_CODE_NONE);
		assert_int_equal(vs_code__add_ref(&code, &ref), 0);
	}
	vs_code__sort_refs(&code);
	return code;
}

static void judge(const char *const *funcs, const struct ref *refs, enum vs_verdict verdict,
		  const char *reason)
{
	struct vs_code code = make(funcs, refs);
	struct vs_judgement j;

	assert_int_equal(vs_judge(&code, &j), 0);
	if (j.verdict != verdict || !strstr(j.reason, reason))
		fail_msg("%s: %s", vs_verdict__name(j.verdict), j.reason);
	vs_judgement__free(&j);
	vs_code__free(&code);
}

#define NOTIFIER "vfio_iommu_group_notifier"

static void test_parts(void **state)
{
	static const char *const funcs[] = { NOTIFIER, NOTIFIER ".cold", "vfio_group_put_bg", NULL };
	static const struct ref refs[] = {
		{ NOTIFIER, VS_REF_JUMP, NOTIFIER ".cold" },
		{ NOTIFIER ".cold", VS_REF_CALL, "refcount_dec_and_mutex_lock" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge(funcs, refs, VS_VERDICT_VULNERABLE, "itself");
}

static void test_isra(void **state)
{
	static const char *const funcs[] = { NOTIFIER ".isra.0", "vfio_group_put.part.0",
					     "vfio_group_put_bg.constprop.0", NULL };
	static const struct ref refs[] = {
		{ NOTIFIER ".isra.0", VS_REF_ADDRESS, "vfio_group_put_bg.constprop.0" },
		{ NOTIFIER ".isra.0", VS_REF_CALL, "queue_work_on" },
		{ "vfio_group_put_bg.constprop.0", VS_REF_JUMP, "vfio_group_put.part.0" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge(funcs, refs, VS_VERDICT_FIXED, "worker");
}

/* a name that only begins like one of a put is none */
static void test_prefixes(void **state)
{
	static const char *const funcs[] = { NOTIFIER, "vfio_group_put_bg", NULL };
	static const struct ref refs[] = {
		{ NOTIFIER, VS_REF_CALL, "vfio_group_put_bg" },
		{ NOTIFIER, VS_REF_CALL, "vfio_group_putter" },
		{ NOTIFIER, VS_REF_CALL, "refcount_dec_and_mutex_lock_not" },
		{ "vfio_group_put_bg", VS_REF_CALL, "kfree" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge(funcs, refs, VS_VERDICT_INCONCLUSIVE, "no put of a group is recognised");
}

static void test_recursion(void **state)
{
	static const char *const funcs[] = { NOTIFIER, "a", "b", "vfio_group_put_bg", NULL };
	static const struct ref refs[] = {
		{ NOTIFIER, VS_REF_CALL, "a" }, { "a", VS_REF_CALL, "b" }, { "b", VS_REF_CALL, "a" },
		{ "b", VS_REF_CALL, NOTIFIER }, { "a", VS_REF_CALL, "a" },
		{ "b", VS_REF_CALL, "queue_work_on" },
		{ "b", VS_REF_ADDRESS, "vfio_group_put_bg" },
		{ "vfio_group_put_bg", VS_REF_CALL, "refcount_dec_and_mutex_lock" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge(funcs, refs, VS_VERDICT_FIXED, "worker");
}

static void test_unread_code(void **state)
{
	static const char *const funcs[] = { NOTIFIER, "vfio_group_put_bg", NULL };
	static const struct ref refs[] = {
		{ NOTIFIER, VS_REF_CALL, "queue_work_on" },
		{ NOTIFIER, VS_REF_ADDRESS, "vfio_group_put_bg" },
		{ "vfio_group_put_bg", VS_REF_CALL, "refcount_dec_and_mutex_lock" },
		{ NULL, 0, NULL },
	};
	struct vs_code code = make(funcs, refs);
	struct vs_judgement j;

	(void)state;
	code.funcs[0].unread = 12;
	assert_int_equal(vs_judge(&code, &j), 0);
	assert_int_equal(j.verdict, VS_VERDICT_INCONCLUSIVE);
	assert_non_null(strstr(j.reason, "completely"));
	vs_judgement__free(&j);
	code.funcs[0].unread = 0;
	code.decoded = false;
	assert_int_equal(vs_judge(&code, &j), 0);
	assert_int_equal(j.verdict, VS_VERDICT_INCONCLUSIVE);
	assert_non_null(strstr(j.reason, "architecture"));
	vs_judgement__free(&j);
	vs_code__free(&code);
}

static void judge_open_end(const struct ref *refs, const char *open, enum vs_verdict without)
{
	static const char *const funcs[] = { NOTIFIER, "vfio_group_put_bg", "helper",
					     "vfio_unregister_group_dev", NULL };
	struct vs_code code = make(funcs, refs);
	struct vs_judgement j;

	assert_int_equal(vs_judge(&code, &j), 0);
	assert_int_equal(j.verdict, without);
	vs_judgement__free(&j);
	code.funcs[func_of(&code, open)].end_unsure = true;
	assert_int_equal(vs_judge(&code, &j), 0);
	assert_int_equal(j.verdict, VS_VERDICT_INCONCLUSIVE);
	assert_non_null(strstr(j.reason, "stripped"));
	vs_judgement__free(&j);
	vs_code__free(&code);
}

/* where a function ends is a guess: of the notifier, or of what it calls */
static void test_open_ends(void **state)
{
	struct ref refs[] = {
		{ NOTIFIER, VS_REF_CALL, "helper" },
		{ NOTIFIER, VS_REF_ADDRESS, "vfio_group_put_bg" },
		{ "vfio_group_put_bg", VS_REF_CALL, "refcount_dec_and_mutex_lock" },
		{ "vfio_unregister_group_dev", VS_REF_CALL, "refcount_dec_and_mutex_lock" },
		{ "helper", VS_REF_CALL, "queue_work_on" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge_open_end(refs, NOTIFIER, VS_VERDICT_FIXED);
	judge_open_end(refs, "helper", VS_VERDICT_FIXED);
	refs[4].to = "mutex_lock";
	judge_open_end(refs, NOTIFIER, VS_VERDICT_NOT_APPLICABLE);
	judge_open_end(refs, "helper", VS_VERDICT_NOT_APPLICABLE);
	refs[4].to = "refcount_dec_and_mutex_lock";
	judge_open_end(refs, "helper", VS_VERDICT_VULNERABLE);
}

/* pv_ops are the kernel's own; any other pointer may lead to a put */
static void test_pointers(void **state)
{
	static const char *const funcs[] = { NOTIFIER, "vfio_group_put_bg", NULL };
	struct ref refs[] = {
		{ NOTIFIER, VS_REF_CALL, "queue_work_on" },
		{ NOTIFIER, VS_REF_ADDRESS, "vfio_group_put_bg" },
		{ NOTIFIER, VS_REF_INDIRECT, "pv_ops" },
		{ "vfio_group_put_bg", VS_REF_CALL, "refcount_dec_and_mutex_lock" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge(funcs, refs, VS_VERDICT_FIXED, "worker");
	refs[2].to = NULL;
	judge(funcs, refs, VS_VERDICT_INCONCLUSIVE, "cannot be told");
}

static void test_registered_without_a_name(void **state)
{
	static const char *const funcs[] = { "vfio_register_group_dev", NULL };
	static const struct ref refs[] = {
		{ "vfio_register_group_dev", VS_REF_CALL, "iommu_group_register_notifier" },
		{ NULL, 0, NULL },
	};

	(void)state;
	judge(funcs, refs, VS_VERDICT_INCONCLUSIVE, "has no name");
}

static void test_eras_without_notifier(void **state)
{
	static const char *const v5_19[] = { "vfio_unregister_group_dev", NULL };
	static const char *const v6_1[] = { "vfio_unregister_group_dev",
					    "vfio_device_remove_group.isra.0", NULL };
	static const char *const other[] = { "nvme_probe", NULL };
	static const struct ref none[] = { { NULL, 0, NULL } };
	struct vs_code code = make(v6_1, none);
	struct vs_judgement j;

	(void)state;
	judge(v5_19, none, VS_VERDICT_NOT_APPLICABLE, "no group notifier");
	judge(other, none, VS_VERDICT_INCONCLUSIVE, "not the core of VFIO");
	assert_int_equal(vs_judge(&code, &j), 0);
	assert_string_equal(j.era, "v6.1 or later");
	vs_judgement__free(&j);
	vs_code__free(&code);
}

/* a chain of 30,000 calls, and as many addresses: time and stack stay small */
static void test_long_chains(void **state)
{
	enum { NR = 30000 };
	struct vs_code code = { .decoded = true };
	struct vs_judgement j;

	(void)state;
	for (uint32_t i = 0; i < NR; i++) {
		struct vs_code_func func = { .name = i ? "f" : NOTIFIER, .section = "", .addr = i,
					     .size = 1, .named = true, .scanned = true };
		struct vs_code_ref call = { .func = i, .kind = VS_REF_CALL, .target = (i + 1) % NR };
		struct vs_code_ref address = { .func = 0, .kind = VS_REF_ADDRESS, .target = i };

		assert_int_equal(vs_code__add_func(&code, &func), 0);
		assert_int_equal(vs_code__add_ref(&code, &call), 0);
		assert_int_equal(vs_code__add_ref(&code, &address), 0);
	}
	struct vs_code_ref queue = { .func = NR - 1, .kind = VS_REF_CALL, .target = VS_CODE_NONE,
				     .symbol = "queue_work_on" };

	assert_int_equal(vs_code__add_ref(&code, &queue), 0);
	vs_code__sort_refs(&code);
	assert_int_equal(vs_judge(&code, &j), 0);
	assert_int_equal(j.verdict, VS_VERDICT_INCONCLUSIVE);
	vs_judgement__free(&j);
	vs_code__free(&code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_isra),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_recursion),
		cmocka_unit_test(test_unread_code),
		cmocka_unit_test(test_open_ends),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_registered_without_a_name),
		cmocka_unit_test(test_eras_without_notifier),
		cmocka_unit_test(test_long_chains),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
