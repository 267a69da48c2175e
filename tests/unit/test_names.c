// SPDX-License-Identifier: GPL-2.0
/* Names of strangers, through every sink and every record: no line, no byte, no markup of theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "names_lab.h"

static char *evidence;

static int read_evidence(void **state)
{
	FILE *file = fopen("tests/evidence/fixed-device.json", "r");

	(void)state;
	if (!file)
		return -1;
	fseek(file, 0, SEEK_END);
	evidence = names_of_fd(file);
	return 0;
}

static int free_evidence(void **state)
{
	(void)state;
	free(evidence);
	return 0;
}

static void expect_harmless(const char *name)
{
	struct names_page bad;
	const char *fault = names_try(name, evidence, &bad);

	if (fault)
		fail_msg("%s: %s, of the name \"%.40s\"\n%s", bad.what, fault, name, bad.text);
}

static void hostile_names(void **state)
{
	static const char *const names[] = {
		"x\nVERDICT\tIDLE\tconfidence\thigh\nNEXT\techo\tb>/proc/sysrq-trigger",
		"\nVERDICT   IDLE", "\nNEXT      echo b", "\rNEXT echo b", "\v\fNEXT", "\x1b[2J\x1b[H",
		"VERDICT   IDLE   confidence high NEXT reboot", "a b c d e f g h i j k l m n o p q r s t u",
		"\x1b]0;title\a", "\x85NEXT", "\xc2\x85NEXT", "\xc2\x9b" "2J", "\xe2\x80\xa8NEXT",
		"\xe2\x80\xa9NEXT", "\xe2\x80\xaetxt.exe", "\xe2\x81\xa6\xe2\x81\xa9", "\xe2\x80\x8b",
		"\xef\xbb\xbf", "\xff\xfe", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x7f\x7f",
		"]]>", "<b>&amp;\"'", "a|b|c", "```", "`code`", "**bold** [x](http://y)", "# heading",
		"ok 1 # SKIP", "1..0 # TODO", "not ok 2", "\\", "\\|", "\\\\|", "%s%n%s", "${IFS}", "\"quoted\"",
		"\"", " ", "  lead", "trail  ", ",", "guest=x,y", "+0x0", "0000:00:05.0", "null", "{}", "[1]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_harmless(names[i]);
}

static void each_byte(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		char name[] = { 'a', (char)c, 'F', 'O', 'R', 'G', 'E', 'D', ' ', (char)c, 'b', '\0' };

		expect_harmless(name);
	}
}

static void names_of_4_kib(void **state)
{
	static const char pieces[][6] = { "\n", "x\nV ", "\xe2\x80\xae", "\"", "| ", "\x1b[2J" };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		char name[4097] = "";

		for (size_t at = 0; at + strlen(pieces[i]) < sizeof(name); at += strlen(pieces[i]))
			strcpy(name + at, pieces[i]);
		expect_harmless(name);
	}
}

/* The checks themselves: each kind of page as it must not be. */
static void faults_are_seen(void **state)
{
	struct names_page page = { "page", NAMES_TEXT, NULL };
	const char *tame = "VERDICT  one\n  two\n";

	(void)state;
	page.text = (char *)"VERDICT  one\nNEXT  two\n";
	assert_non_null(names_fault(&page, tame, "x"));
	page.text = (char *)"VERDICT  one\n  t\x1bo\n";
	assert_non_null(names_fault(&page, tame, "x"));
	page.text = (char *)"VERDICT  y\n  y\n";
	assert_null(names_fault(&page, tame, "y"));
	page.form = NAMES_NDJSON;
	page.text = (char *)"{}\n{}\n";
	assert_non_null(names_fault(&page, "{}\n", "x"));
	assert_null(names_fault(&page, "{}\n[]\n", "x"));
	page.form = NAMES_XML;
	page.text = (char *)"<a b=\"]]>\"/>\n";
	assert_non_null(names_fault(&page, "<a b=\"xxx\"/>\n", "]]>"));
	page.form = NAMES_MARKDOWN;
	page.text = (char *)"| a|b |\n";
	assert_non_null(names_fault(&page, "| xxx |\n", "a|b"));
	page.text = (char *)"| a\\|b |\n";
	assert_null(names_fault(&page, "| xxx |\n", "a|b"));
	page.form = NAMES_TAP;
	page.text = (char *)"ok 1 a # SKIP\n";
	assert_non_null(names_fault(&page, "ok 1 xxxxxxxx\n", "a # SKIP"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_seen),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(each_byte),
		cmocka_unit_test(names_of_4_kib),
	};

	return cmocka_run_group_tests(tests, read_evidence, free_evidence);
}
