// SPDX-License-Identifier: GPL-2.0
/* What gets through of a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/name.h"
#include "base/out.h"
#include "base/words.h"

static char buf[256];

static void only_printable_ascii(void **state)
{
	char byte[VS_NAME_BYTE];

	(void)state;
	for (int c = 0; c < 256; c++) {
		size_t len = vs_name__byte(byte, (unsigned char)c);

		assert_int_equal(len, c >= 0x20 && c < 0x7f ? 1 : 4);
		for (size_t i = 0; i < len; i++)
			assert_true(byte[i] >= 0x20 && byte[i] < 0x7f);
	}
	/* a newline, an escape sequence, C1, a bidi mark, a zero width space, no UTF-8 */
	vs_name__escape(buf, sizeof(buf), "a\n\x1b[2J\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xff\x7f", 99);
	assert_string_equal(buf, "a\\x0a\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae\\xe2\\x80\\x8b\\xff\\x7f");
}

static void what_is_too_long_is_cut_between_bytes(void **state)
{
	static char name[4097];

	(void)state;
	memset(name, '\n', sizeof(name) - 1);
	for (size_t size = 0; size < 64; size++) {
		memset(buf, '!', sizeof(buf));
		vs_name__escape(buf, size, name, sizeof(name));
		assert_true(!size || strlen(buf) < size);
		assert_true(size <= 3 || !strcmp(buf + strlen(buf) - 3, "..."));
		assert_int_equal(size > 3 ? strlen(buf) % 4 : 3, 3);
		assert_int_equal(buf[size], '!');
		vs_name__quote(buf, size, name, sizeof(name));
		assert_true(!size || strlen(buf) < size);
		assert_int_equal(buf[size], '!');
	}
	assert_int_equal(vs_name__escape(buf, 4, "abcd", 4), 3);
	assert_string_equal(buf, "...");
	assert_int_equal(vs_name__escape(buf, 5, "abcd", 4), 4);
	assert_string_equal(buf, "abcd");
	assert_int_equal(vs_name__escape(buf, 5, "abcdef", 4), 4);
	assert_string_equal(buf, "abcd");
	assert_int_equal(vs_name__in_quotes(buf, 9, "abcdefgh", 8), 8);
	assert_string_equal(buf, "\"abc\"...");
}

static void in_a_sentence_what_is_no_plain_word_is_quoted(void **state)
{
	static const char *const names[][2] = {
		{ "kworker/u16:2+ev", "kworker/u16:2+ev[7]" },
		{ "(sd-pam)", "(sd-pam)[7]" },
		{ "CPU 0/KVM", "\"CPU 0/KVM\"[7]" },
		{ "", "task 7" },
		{ "a[1]", "\"a[1]\"[7]" },
		{ "say \"no\"", "\"say \\x22no\\x22\"[7]" },
		{ "x\nVERDICT ID", "\"x\\x0aVERDICT ID\"[7]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char comm[VS_COMM_LEN] = "", task[VS_TASK_LEN];

		memcpy(comm, names[i][0], strnlen(names[i][0], VS_COMM_LEN));
		vs_name__task(task, comm, 7, 0);
		assert_string_equal(task, names[i][1]);
	}
	memset(buf, '\n', VS_COMM_LEN);
	vs_name__task(buf + VS_COMM_LEN, buf, UINT32_MAX, 0);
	assert_int_equal(strlen(buf + VS_COMM_LEN), 4 * VS_COMM_LEN + 2 + 12);
}

static void in_a_column_the_name_is_cut_not_the_number(void **state)
{
	(void)state;
	vs_name__task(buf, "kworker/u16:112", 4194303, 16);
	assert_string_equal(buf, "kworker[4194303]");
	vs_name__task(buf, "CPU 0/KVM\0\0\0\0\0\0", 7, 16);
	assert_string_equal(buf, "CPU 0/KVM[7]");
}

static char *written(struct vs_out *o)
{
	vs_out__raw(o, "", 1);
	return o->buf;
}

/* A format is ours, values are not; and it formats as printf() does. */
static void values_begin_no_line(void **state)
{
	struct vs_out o;
	char same[400];

	(void)state;
	vs_out__init(&o, -1);
	vs_out__printf(&o, "%s\n%.2s|%-6s|%6s|%c\n", "a\nb", "\n\n\n", "\n", "ab", '\n');
	vs_out__text(&o, "\n");
	vs_out__puts(&o, "\n");
	assert_string_equal(written(&o), "a\\x0ab\n\\x0a\\x0a|\\x0a  |    ab|\\x0a\n\\x0a\n");
	o.len = 0;
#define SAME "%5d|%-5u|%05x|%lu|%llx|%zu|%.3f|%8.1f|%*u|%-*s|%.*s|%%|%+d", -3, 7u, 255u, 9ul, \
	1ull << 40, (size_t)5, 2.0 / 3, 1e6, 6, 1u, 8, "left", 2, "precise", 4
	snprintf(same, sizeof(same), SAME);
	vs_out__printf(&o, SAME);
	assert_string_equal(written(&o), same);
	vs_out__fini(&o);
}

/* Lines are broken at blanks of ours, not at those of a name. */
static void a_name_begins_no_wrapped_line(void **state)
{
	struct vs_out o;
	char name[64];

	(void)state;
	vs_out__init(&o, -1);
	vs_name__in_quotes(name, sizeof(name), "a VERDICT IDLE NEXT reboot it now", 64);
	snprintf(buf, sizeof(buf), "the VM %s has the device", name);
	vs_words__wrap(&o, buf, 0, 0, 20);
	assert_string_equal(written(&o), "the VM\n\"a VERDICT IDLE NEXT reboot it now\"\nhas the "
			    "device\n");
	o.len = 0;
	vs_words__wrap(&o, "a lonely \" breaks as ever", 0, 0, 10);
	assert_string_equal(written(&o), "a lonely \"\nbreaks as\never\n");
	vs_out__fini(&o);
}

/* Half of "echo b > /proc/sysrq-trigger", pasted, is another command. */
static void no_command_is_broken(void **state)
{
	struct vs_out o;

	(void)state;
	vs_out__init(&o, -1);
	vs_words__wrap(&o, "sync, then: echo b > /proc/sysrq-trigger, or by the BMC", 0, 0, 32);
	assert_string_equal(written(&o), "sync, then:\necho b > /proc/sysrq-trigger, or\nby the BMC\n");
	o.len = 0;
	vs_words__wrap(&o, "who is it (vfioscope why pid 7). And then", 0, 0, 20);
	assert_string_equal(written(&o), "who is it\n(vfioscope why pid 7).\nAnd then\n");
	o.len = 0;
	vs_words__wrap(&o, "vfioscope why names who has the group's file and the container open", 0, 0, 40);
	assert_string_equal(written(&o), "vfioscope why names who has the group's\nfile and the "
			    "container open\n");
	vs_out__fini(&o);
}

static void json_keeps_the_name(void **state)
{
	static const char name[] = "a\n\x7f\x1b\xc2\x9b\xe2\x80\xae\xf0\x9f\x98\x80 \xff\xe2\x80 \xed\xa0\x80";
	json_t *o = json_object();
	char *text;

	(void)state;
	json_object_set_new(o, "name", vs_json_text__new(name, SIZE_MAX));
	json_object_set_new(o, "short", vs_json_text__new("abc", 2));
	text = vs_json_text__dump(o, JSON_COMPACT);
	json_decref(o);
	for (const char *c = text; *c; c++)
		assert_true(*c >= 0x20 && *c < 0x7f);
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "name")),
			    "a\n\x7f\x1b\xc2\x9b\xe2\x80\xae\xf0\x9f\x98\x80 \\xff\\xe2\\x80 "
			    "\\xed\\xa0\\x80");
	assert_string_equal(json_string_value(json_object_get(o, "short")), "ab");
	json_decref(o);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_printable_ascii),
		cmocka_unit_test(what_is_too_long_is_cut_between_bytes),
		cmocka_unit_test(in_a_sentence_what_is_no_plain_word_is_quoted),
		cmocka_unit_test(in_a_column_the_name_is_cut_not_the_number),
		cmocka_unit_test(values_begin_no_line),
		cmocka_unit_test(a_name_begins_no_wrapped_line),
		cmocka_unit_test(no_command_is_broken),
		cmocka_unit_test(json_keeps_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
