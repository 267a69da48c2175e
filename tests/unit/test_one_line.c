// SPDX-License-Identifier: GPL-2.0
/* What goes wrong is told in one line, whatever was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/one_line.h"
#include "event/device_name.h"

static char line[VS_ONE_LINE + 1];

static void short_parts_are_whole(void **state)
{
	(void)state;
	vs_one_line__make(line, "vfioscope why", "/etc/x", "No such file or directory");
	assert_string_equal(line, "vfioscope why: /etc/x: No such file or directory");
	vs_one_line__make(line, "vfioscope", "words", NULL);
	assert_string_equal(line, "vfioscope: words");
	vs_one_line__make(line, "vfioscope", "", "");
	assert_string_equal(line, "vfioscope: : ");
}

static void control_characters_are_escaped(void **state)
{
	(void)state;
	vs_one_line__make(line, "vfioscope why", "a\x1b[31m\n", "\xff\x7f");
	assert_string_equal(line, "vfioscope why: a\\x1b[31m\\x0a: \\xff\\x7f");
}

static void the_shorter_part_stays_whole(void **state)
{
	static char path[10001];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[9999] = 'y';
	vs_one_line__make(line, "vfioscope why", path, "File name too long");
	assert_non_null(strstr(line, " ... "));
	assert_non_null(strstr(line, "y: File name too long"));
	assert_true(strlen(line) <= VS_ONE_LINE);
	vs_one_line__make(line, "vfioscope why", "no such command", path);
	assert_int_equal(strncmp(line, "vfioscope why: no such command: xxx", 35), 0);
	assert_true(strlen(line) <= VS_ONE_LINE);
	vs_one_line__make(line, "vfioscope why", path, path);
	assert_true(strlen(line) <= VS_ONE_LINE && strlen(line) > VS_ONE_LINE - 10);
}

/* What an operator types must be the whole of it. */
static void a_command_is_whole_or_not_there(void **state)
{
	static const char command[] = "grep -rs lockdown /proc/cmdline /etc/default/grub*";
	char words[300];

	(void)state;
	for (size_t i = 0; i < sizeof(words) - 1; i++) {
		memset(words, 'w', i);
		words[i] = '\0';
		vs_one_line__advise(line, "vfioscope trace", words, command);
		assert_true(strlen(line) <= VS_ONE_LINE);
		assert_non_null(strstr(line, "; try: grep -rs lockdown /proc/cmdline /etc/default/grub*; "
				       "see vfioscope doctor"));
	}
	memset(words, 'c', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (size_t i = sizeof(words) - 1; i > 0; words[--i] = '\0') {
		vs_one_line__advise(line, "vfioscope trace", "It is locked down", words);
		assert_true(!strstr(line, "try") || strstr(line, words));
		assert_non_null(strstr(line, "It is locked down"));
		assert_non_null(strstr(line, "; see vfioscope doctor"));
	}
	vs_one_line__advise(line, "vfioscope trace", "why", "");
	assert_string_equal(line, "vfioscope trace: why; see vfioscope doctor");
	vs_one_line__advise(line, "vfioscope trace", "why", "a\nb");
	assert_string_equal(line, "vfioscope trace: why; see vfioscope doctor");
}

/* Every length at which something begins to be cut, with the sanitizers on. */
static void any_length_fits(void **state)
{
	char words[600], what[600];

	(void)state;
	for (size_t i = 0; i < sizeof(words); i += 7)
		for (size_t k = 0; k < sizeof(what); k += 11) {
			memset(words, i % 2 ? 'a' : '\x1b', i);
			memset(what, k % 2 ? 'b' : '\xe2', k);
			words[i] = what[k] = '\0';
			vs_one_line__make(line, "vfioscope validate", words, what);
			assert_true(strlen(line) <= VS_ONE_LINE);
			assert_null(strchr(line, '\x1b'));
		}
}

static void devices_are_named_as_sysfs_does(void **state)
{
	static const char *const wrong[] = {
		"", "x", "05.0", "0000:00:05", "0000:00:05.8", "0000:00:20.0", " 00:05.0", "-1:05.0",
		"00:05.0 ", "0x00:05.0", "123456789:00:05.0", "0000:00:05.0.0", "::.", "00:05.0\n",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa100", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g",
	};
	char name[VS_DEVICE_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(vs_device_name__parse(wrong[i], name));
	assert_true(vs_device_name__parse("00:1F.7", name));
	assert_string_equal(name, "0000:00:1f.7");
	assert_true(vs_device_name__parse("10000:e1:00.0", name));
	assert_string_equal(name, "10000:e1:00.0");
	assert_true(vs_device_name__parse("83B8F4F2-509f-382f-3c1e-e6bfe0fa1001", name));
	assert_string_equal(name, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_parts_are_whole),
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(the_shorter_part_stays_whole),
		cmocka_unit_test(a_command_is_whole_or_not_there),
		cmocka_unit_test(any_length_fits),
		cmocka_unit_test(devices_are_named_as_sysfs_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
