// SPDX-License-Identifier: GPL-2.0
/* Names, validation of records, filters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/filter.h"
#include "event/names.h"
#include "event/record.h"

static void every_type_has_a_name_that_parses(void **state)
{
	(void)state;
	for (int i = VS_CREATE; i < VS_TYPE_END; i++) {
		assert_non_null(vs_type__name(i));
		assert_int_equal(vs_type__parse(vs_type__name(i)), i);
	}
	assert_null(vs_type__name(0));
	assert_null(vs_type__name(VS_TYPE_END));
	assert_int_equal(vs_type__parse("gets"), -ENOENT);
}

static void every_loss_has_words(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VS_LOSS_END; i++) {
		assert_non_null(vs_loss__name(i));
		assert_true(strlen(vs_loss__words(i)) > 5);
		assert_non_null(vs_loss__hint(i));
		assert_non_null(vs_loss__unit(i));
	}
	assert_string_equal(vs_loss__name(VS_LOSS_END), "?");
}

static void contexts_and_actions_are_named(void **state)
{
	(void)state;
	assert_string_equal(vs_context__name(VS_CTX_CHAIN), "chain");
	assert_string_equal(vs_context__name(99), "?");
	assert_string_equal(vs_action__name(VS_ACT_NONE), "");
	assert_string_equal(vs_action__name(VS_ACT_UNBOUND_DRIVER), "UNBOUND_DRIVER");
	assert_string_equal(vs_action__name(7), "?");
}

static struct vs_event plain(unsigned int type)
{
	return (struct vs_event){ .size = sizeof(struct vs_event), .version = VS_ABI_VERSION,
				  .type = (__u8)type };
}

static int check(struct vs_event e, size_t len)
{
	struct vs_alarm_event room = { .e = e };
	const struct vs_event *out;

	return vs_record__check(&room, len, &out);
}

static void good_records_pass(void **state)
{
	struct vs_event e = plain(VS_GET);

	(void)state;
	assert_int_equal(check(e, sizeof(e)), 0);
	e.size += 8;	/* a later kernel side appends a field */
	assert_int_equal(check(e, sizeof(e) + 8), 0);
	e = plain(VS_REGISTER);
	e.size = sizeof(struct vs_device_event);
	assert_int_equal(check(e, sizeof(struct vs_device_event)), 0);
}

static void bad_sizes_are_refused(void **state)
{
	struct vs_event e = plain(VS_GET);

	(void)state;
	assert_int_equal(check(e, 0), -EINVAL);
	assert_int_equal(check(e, sizeof(e) - 1), -EINVAL);
	e.size = sizeof(e) + 1;
	assert_int_equal(check(e, sizeof(e)), -EINVAL);
	e.size = 4;
	assert_int_equal(check(e, sizeof(e)), -EINVAL);
	assert_int_equal(check(plain(VS_NOTIFIER_ENTER), sizeof(e)), -EINVAL);
	assert_int_equal(check(plain(VS_CHAIN_DEADLOCK), sizeof(e)), -EINVAL);
	e = plain(VS_GET);
	e.version = 0;
	assert_int_equal(check(e, sizeof(e)), -EINVAL);
}

static void the_unknown_is_told_from_the_broken(void **state)
{
	struct vs_event e = plain(VS_TYPE_END);

	(void)state;
	assert_int_equal(check(e, sizeof(e)), -ENOENT);
	e.version = VS_ABI_VERSION + 1;
	assert_int_equal(check(e, sizeof(e)), -EOVERFLOW);
}

static struct vs_event with_stack(unsigned int type)
{
	struct vs_event e = plain(type);

	e.size = sizeof(struct vs_stack_event);
	return e;
}

static void stacks_come_with_three_types(void **state)
{
	struct vs_stack_event s = { .e = with_stack(VS_GET), .nr_stack = 3 };
	struct vs_event e = plain(VS_PUT);

	(void)state;
	assert_int_equal(check(s.e, sizeof(s)), 0);
	assert_ptr_equal(vs_record__stack(&s.e), &s);
	s.e.type = VS_PUT;
	assert_int_equal(check(s.e, sizeof(s)), 0);
	assert_ptr_equal(vs_record__stack(&s.e), &s);
	s.e.type = VS_OPEN;	/* a longer record of a later version, but no stack */
	assert_null(vs_record__stack(&s.e));
	assert_int_equal(check(e, sizeof(e)), 0);
	assert_null(vs_record__stack(&e));
	e.size += 8;
	assert_null(vs_record__stack(&e));
	assert_int_equal(vs_stack__length(&s), 3);
	s.nr_stack = 1000;
	assert_int_equal(vs_stack__length(&s), VS_SHORT_STACK_LEN);
}

static void change_has_a_stack_always(void **state)
{
	struct vs_stack_event s = { .e = with_stack(VS_CHANGE) };

	(void)state;
	assert_int_equal(check(s.e, sizeof(s)), 0);
	assert_ptr_equal(vs_record__stack(&s.e), &s);
	s.e.size -= 8;
	assert_int_equal(check(s.e, sizeof(s)), -EINVAL);
	assert_int_equal(check(plain(VS_CHANGE), sizeof(struct vs_event)), -EINVAL);
	assert_int_equal(vs_type__parse("change"), VS_CHANGE);
}

static void unterminated_device_is_empty(void **state)
{
	struct vs_device_event d = { .e = plain(VS_REGISTER) };

	(void)state;
	memset(d.device, 'x', sizeof(d.device));
	assert_string_equal(vs_record__device(&d.e), "");
	d.device[3] = '\0';
	assert_string_equal(vs_record__device(&d.e), "xxx");
	d.e.type = VS_GET;
	assert_string_equal(vs_record__device(&d.e), "");
}

static void expect_words(enum vs_filter_kind kind, const char *value, const char *part)
{
	struct vs_filter *f = vs_filter__new();
	char words[512] = "";

	assert_int_equal(vs_filter__add(f, kind, value, words, sizeof(words)), -EINVAL);
	assert_non_null(strstr(words, part));
	vs_filter__free(f);
}

static void wrong_values_are_explained(void **state)
{
	(void)state;
	expect_words(VS_FILTER_GROUP, "one", "'one' is not an IOMMU group number");
	expect_words(VS_FILTER_GROUP, "-1", "'-1'");
	expect_words(VS_FILTER_GROUP, "1,", "empty value");
	expect_words(VS_FILTER_GROUP, "99999999999", "not an IOMMU group number");
	expect_words(VS_FILTER_PID, "0", "not a process id");
	expect_words(VS_FILTER_PID, "12x", "not a process id");
	expect_words(VS_FILTER_DEVICE, "05.0", "PCI address");
	expect_words(VS_FILTER_DEVICE, "0000:00:05.8", "PCI address");
	expect_words(VS_FILTER_DEVICE, "0000:00:05.0x", "PCI address");
	expect_words(VS_FILTER_EVENT, "gets", "there are get, put");
	expect_words(VS_FILTER_COMM, "this-name-is-far-too-long-for-any-task-of-linux", "15");
}

static struct vs_view view_of(struct vs_event *e)
{
	return (struct vs_view){ .e = e, .device = "", .site = "",
				 .group = { .known = true, .number = 7,
					    .devices = "0000:00:05.0 0000:00:05.1" } };
}

static bool passes(enum vs_filter_kind kind, const char *value, const struct vs_view *v)
{
	struct vs_filter *f = vs_filter__new();
	char words[512];
	bool match;

	assert_int_equal(vs_filter__add(f, kind, value, words, sizeof(words)), 0);
	match = vs_filter__match(f, v);
	vs_filter__free(f);
	return match;
}

static void each_kind_matches(void **state)
{
	struct vs_event e = plain(VS_GET);
	struct vs_view v = view_of(&e);

	(void)state;
	e.tid = 12;
	e.tgid = 10;
	memcpy(e.comm, "qemu-system-x86", VS_COMM_LEN);
	assert_true(passes(VS_FILTER_GROUP, "1,7", &v));
	assert_false(passes(VS_FILTER_GROUP, "1", &v));
	assert_true(passes(VS_FILTER_DEVICE, "0000:00:05.1", &v));
	assert_true(passes(VS_FILTER_DEVICE, "00:05.1", &v));
	assert_false(passes(VS_FILTER_DEVICE, "0000:00:06.0", &v));
	assert_true(passes(VS_FILTER_PID, "10", &v));
	assert_true(passes(VS_FILTER_PID, "12", &v));
	assert_false(passes(VS_FILTER_PID, "11", &v));
	assert_true(passes(VS_FILTER_COMM, "qemu*", &v));
	assert_true(passes(VS_FILTER_COMM, "qemu-system-x86", &v));
	assert_false(passes(VS_FILTER_COMM, "sh", &v));
	assert_true(passes(VS_FILTER_EVENT, "put,get", &v));
	assert_false(passes(VS_FILTER_EVENT, "put", &v));
}

static void names_with_brackets_match_themselves(void **state)
{
	struct vs_event e = plain(VS_GET);
	struct vs_view v = view_of(&e);

	(void)state;
	memcpy(e.comm, "a[1]", 5);
	assert_true(passes(VS_FILTER_COMM, "a[1]", &v));
}

static void mdev_uuid_is_a_device(void **state)
{
	struct vs_event e = plain(VS_REGISTER);
	struct vs_view v = view_of(&e);

	(void)state;
	v.device = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	assert_true(passes(VS_FILTER_DEVICE, "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", &v));
}

static void kinds_are_combined(void **state)
{
	struct vs_filter *f = vs_filter__new();
	struct vs_event e = plain(VS_GET);
	struct vs_view v = view_of(&e);
	char words[512];

	(void)state;
	assert_true(vs_filter__is_empty(f));
	assert_true(vs_filter__is_empty(NULL));
	assert_true(vs_filter__match(NULL, &v));
	vs_filter__add(f, VS_FILTER_GROUP, "7", words, sizeof(words));
	vs_filter__add(f, VS_FILTER_EVENT, "put", words, sizeof(words));
	assert_false(vs_filter__is_empty(f));
	assert_false(vs_filter__match(f, &v));
	e.type = VS_PUT;
	assert_true(vs_filter__match(f, &v));
	v.group.known = false;
	assert_false(vs_filter__match(f, &v));
	vs_filter__free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_a_name_that_parses),
		cmocka_unit_test(every_loss_has_words),
		cmocka_unit_test(contexts_and_actions_are_named),
		cmocka_unit_test(good_records_pass),
		cmocka_unit_test(bad_sizes_are_refused),
		cmocka_unit_test(the_unknown_is_told_from_the_broken),
		cmocka_unit_test(stacks_come_with_three_types),
		cmocka_unit_test(change_has_a_stack_always),
		cmocka_unit_test(unterminated_device_is_empty),
		cmocka_unit_test(wrong_values_are_explained),
		cmocka_unit_test(each_kind_matches),
		cmocka_unit_test(names_with_brackets_match_themselves),
		cmocka_unit_test(mdev_uuid_is_a_device),
		cmocka_unit_test(kinds_are_combined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
