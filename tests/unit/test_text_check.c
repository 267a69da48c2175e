// SPDX-License-Identifier: GPL-2.0
/* The text of a module in memory against that of its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code/text_compare.h"
#include "code/unpack.h"
#include "probe/text_check.h"

#define BASE 0xffffffffc0123000ull

static const char *const none[] = { NULL };

/* ---- what may change ---- */

static void read_fixture(const char *name, struct vs_kmod *kmod)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", VS_FIXTURES, name);
	assert_int_equal(vs_kmod__read(path, none, kmod), 0);
	assert_non_null(kmod->text);
}

static const struct vs_text_func *func_named(const struct vs_text_image *image, const char *name)
{
	for (size_t i = 0; i < image->nr_funcs; i++)
		if (!strcmp(image->funcs[i].name, name))
			return &image->funcs[i];
	return NULL;
}

/* One character for each byte of the function: x where it may change. */
static void assert_may_change(const struct vs_text_image *image, const char *name,
			      const char *expected)
{
	const struct vs_text_func *func = func_named(image, name);
	char found[64] = "";

	assert_non_null(func);
	for (uint64_t i = 0; i < func->size && i < sizeof(found) - 1; i++)
		found[i] = image->sections[func->section].may_change[func->off + i] ? 'x' : '.';
	if (strcmp(found, expected))
		fail_msg("%s: %s, expected %s", name, found, expected);
}

static void lists_say_what_may_change(void **state)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "plain", "...." },
		{ "relocated", ".xxxx." },
		{ "absolute", "..xxxxxxxx." },
		{ "traced", "xxxxx." },
		{ "traced_endbr", "....xxxxx." },
		{ "sealed", "xxxx." },
		{ "locked", "x..." },
		{ "indirect", "xxxxxx." },
		{ "returns", "xxxxx." },
		{ "calls", "xxxxx." },
		{ "static_call", "xxxxx." },
		{ "branch_long", "xxxxx." },
		{ "branch_short", "xx." },
		{ "alternative", "xxx." },
		{ "paravirt", "xxxxxx." },
		{ "cold", "..." },
	};
	static const char *const files[] = { "text_lists_12.o", "text_lists_13.o",
					     "text_lists_14.o" };
	struct vs_kmod kmod;

	(void)state;
	for (size_t f = 0; f < 3; f++) {
		read_fixture(files[f], &kmod);
		assert_string_equal(kmod.text->error, "");
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			assert_may_change(kmod.text, cases[i].name, cases[i].expected);
		assert_null(func_named(kmod.text, "starts"));	/* is freed after init */
		vs_kmod__free(&kmod);
	}
}

static void an_unknown_form_is_said(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	read_fixture("text_lists_15.o", &kmod);
	assert_non_null(strstr(kmod.text->error, ".altinstructions"));
	vs_kmod__free(&kmod);
}

static void other_architectures_have_none(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	assert_int_equal(vs_kmod__read(VS_FIXTURES "/kmod_aarch64.o", none, &kmod), 0);
	assert_null(kmod.text);
	assert_false(vs_text_image__is_changed(kmod.text, ".text", 0));
	vs_kmod__free(&kmod);
}

/* Any byte of the file wrong: something or nothing is read, and nothing else happens. */
static void broken_files_do_no_harm(void **state)
{
	static const uint8_t values[] = { 0, 0x7f, 0xff };
	struct vs_unpack file = { .max = VS_UNPACK_MODULE };
	struct vs_kmod kmod;

	(void)state;
	assert_int_equal(vs_unpack__read(&file, VS_FIXTURES "/text_lists_14.o"), 0);
	for (size_t i = 0; i < file.len; i++) {
		uint8_t was = file.bytes[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			file.bytes[i] = values[v];
			if (!vs_kmod__parse(file.bytes, file.len, none, &kmod))
				vs_kmod__free(&kmod);
		}
		file.bytes[i] = was;
	}
	vs_unpack__free(&file);
}

/* ---- comparing ---- */

/* mov %rdi,%rax; call; xor %eax,%eax; ret | xor %eax,%eax; jmp; ret */
static const uint8_t text[] = {
	0x48, 0x89, 0xf8, 0xe8, 0, 0, 0, 0, 0x31, 0xc0, 0xc3, 0xcc,
	0x31, 0xc0, 0xe9, 1, 2, 3, 4, 0xc3,
};

static uint8_t bytes[sizeof(text)], may_change[sizeof(text)], differing[sizeof(text)],
	       memory[sizeof(text)];
static struct vs_text_section section = { ".text", bytes, may_change, differing, sizeof(text) };
static struct vs_text_func funcs[] = { { "first", 0, 0, 11 }, { "second", 0, 12, 8 } };
static struct vs_text_image image = { &section, 1, funcs, 2, 1, "" };
static struct vs_text_diff diff;

static int fresh(void **state)
{
	(void)state;
	memcpy(bytes, text, sizeof(text));
	memcpy(memory, text, sizeof(text));
	memset(may_change, 0, sizeof(may_change));
	memset(differing, 0, sizeof(differing));
	vs_text_section__allow(&section, 4, 4);
	funcs[1].size = 8;
	image.nr_funcs = 2;
	return 0;
}

static void compare(const uint64_t *probes, size_t nr, bool known)
{
	struct vs_text_probes p = { probes, nr, known };

	memset(&diff, 0, sizeof(diff));
	assert_int_equal(vs_text_compare__section(&image, 0, memory, BASE, &p, &diff), 0);
}

static void assert_differs(const char *func, uint64_t off, size_t nr_bytes, size_t nr_funcs)
{
	assert_int_equal(diff.nr_differ, nr_funcs);
	assert_string_equal(diff.func->name, func);
	assert_int_equal(diff.off, off);
	assert_int_equal(diff.nr_bytes, nr_bytes);
}

static void assert_same(void)
{
	assert_int_equal(diff.nr_differ, 0);
	assert_null(diff.func);
	assert_int_equal(diff.nr_funcs, 2);
	assert_int_equal(diff.bytes, 19);
}

static void the_first_byte_that_differs_is_told(void **state)
{
	(void)state;
	compare(NULL, 0, true);
	assert_same();
	memset(memory + 4, 0x99, 4);	/* where the call goes */
	memory[11] = 0x90;		/* between functions */
	compare(NULL, 0, true);
	assert_same();
	assert_false(vs_text_image__is_changed(&image, ".text", 8));
	memory[9] = 0xc9;
	compare(NULL, 0, true);
	assert_differs("first", 9, 1, 1);
	memory[3] = 0xe9;
	memory[12] = 0x33;
	compare(NULL, 0, true);
	assert_differs("first", 3, 2, 2);
}

static void instructions_that_differ_are_known(void **state)
{
	(void)state;
	memory[9] = 0xc9;
	compare(NULL, 0, true);
	assert_true(vs_text_image__is_changed(&image, ".text", 8));
	assert_false(vs_text_image__is_changed(&image, ".text", 3));
	assert_false(vs_text_image__is_changed(&image, ".text", 10));
	assert_false(vs_text_image__is_changed(&image, ".text.unlikely", 8));
	assert_false(vs_text_image__is_changed(&image, ".text", sizeof(text)));
	assert_false(vs_text_image__is_changed(&image, ".text", UINT64_MAX));
	vs_text_image__forget(&image);
	assert_false(vs_text_image__is_changed(&image, ".text", 8));
	compare(NULL, 0, true);
	memory[9] = text[9];
	compare(NULL, 0, true);
	assert_false(vs_text_image__is_changed(&image, ".text", 8));
}

/* A breakpoint, and the jump of an optimised probe over three instructions. */
static void probes_that_are_listed_are_no_change(void **state)
{
	const uint64_t probes[] = { BASE + 8, BASE - 1, BASE + sizeof(text), BASE + 12, 0,
				    UINT64_MAX, BASE + sizeof(text) - 1 };

	(void)state;
	memory[8] = 0xcc;
	memset(memory + 12, 0xe9, 5);
	compare(probes, 7, true);
	assert_same();
	memory[17] = 0;
	compare(probes, 7, true);
	assert_differs("second", 5, 1, 1);
	compare(probes, 1, true);
	assert_differs("second", 1, 4, 1);	/* five are let pass from 8 on; one is what was there */
	compare(NULL, 0, true);
	assert_differs("first", 8, 1, 2);
}

static void probes_that_nobody_lists_are_told_from_others(void **state)
{
	(void)state;
	memory[8] = 0xcc;
	compare(NULL, 0, false);
	assert_same();
	assert_int_equal(diff.nr_jumps, 0);
	memset(memory + 12, 0xe9, 5);
	compare(NULL, 0, false);
	assert_same();
	assert_int_equal(diff.nr_jumps, 1);
	assert_string_equal(diff.jump->name, "second");
	memory[9] = 0xcc;		/* not where an instruction begins */
	compare(NULL, 0, false);
	assert_differs("first", 9, 1, 1);
}

static void functions_past_the_end_are_not_compared(void **state)
{
	(void)state;
	funcs[1].size = 9;
	memory[12] = 0;
	compare(NULL, 0, false);
	assert_int_equal(diff.nr_funcs, 1);
	funcs[1].size = UINT64_MAX;
	compare(NULL, 0, false);
	assert_int_equal(diff.nr_funcs, 1);
	funcs[1].size = 0;
	compare(NULL, 0, false);
	assert_int_equal(diff.nr_funcs, 2);
	assert_int_equal(diff.nr_differ, 0);
}

static void ranges_may_overlap_and_end_anywhere(void **state)
{
	(void)state;
	memset(may_change, 0, sizeof(may_change));
	vs_text_section__allow(&section, 0, 0);
	vs_text_section__allow(&section, sizeof(text), 5);
	vs_text_section__allow(&section, UINT64_MAX, UINT64_MAX);
	assert_null(memchr(may_change, 1, sizeof(may_change)));
	vs_text_section__allow(&section, 2, 3);
	vs_text_section__allow(&section, 3, 3);
	vs_text_section__allow(&section, sizeof(text) - 1, UINT64_MAX);
	assert_memory_equal(may_change, "\0\0\1\1\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1", sizeof(text));
}

static void lines_of_the_list_of_probes(void **state)
{
	uint64_t addr;

	(void)state;
	assert_true(vs_text_probes__parse("ffffffffc0012143  k  f+0x13  vfio [OPTIMIZED]\n", &addr));
	assert_true(addr == 0xffffffffc0012143ull);
	assert_false(vs_text_probes__parse("0000000000000000  k  f+0x13  vfio\n", &addr));
	assert_false(vs_text_probes__parse("(ptrval)  k  f+0x13  vfio\n", &addr));
	assert_false(vs_text_probes__parse("", &addr));
	assert_false(vs_text_probes__parse("ffff", &addr));
}

/* ---- a real module ---- */

/* Whatever the kernel may change is something else, and each other byte is seen to change. */
static void each_byte_of_a_real_module_counts(void **state)
{
	const char *path = getenv("VFIOSCOPE_TEST_VFIO_KO");
	struct vs_text_probes probes = { .known = true };
	const struct vs_text_section *s;
	struct vs_kmod kmod;
	uint8_t *loaded;
	size_t seen = 0;

	(void)state;
	if (!path || !*path)
		skip();	/* the lab has not fetched its kernel */
	assert_int_equal(vs_kmod__read(path, none, &kmod), 0);
	assert_string_equal(kmod.text->error, "");
	s = &kmod.text->sections[0];
	loaded = malloc(s->len);
	for (size_t i = 0; i < s->len; i++)
		loaded[i] = s->may_change[i] ? ~s->bytes[i] : s->bytes[i];
	for (size_t i = 0; i < s->len; i += 13) {
		loaded[i] ^= 1;
		memset(&diff, 0, sizeof(diff));
		vs_text_compare__section(kmod.text, 0, loaded, BASE, &probes, &diff);
		seen += diff.nr_differ > 0;
		assert_true(!diff.nr_differ || (!s->may_change[i] &&
						diff.func->off + diff.off == i));
		loaded[i] ^= 1;
	}
	assert_true(seen > s->len / 13 / 3);
	free(loaded);
	vs_kmod__free(&kmod);
}

/* ---- a made-up system ---- */

static char root[] = "/tmp/vs-text-check-XXXXXX";

static void put(const char *name, const void *data, size_t len)
{
	char path[200], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(data, 1, len, file);
	fclose(file);
}

static void drop(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(unlink(path), 0);
}

static void put_text(const char *name, const char *words)
{
	put(name, words, strlen(words));
}

static void put_memory(const struct vs_text_image *from)
{
	const struct vs_text_section *s = &from->sections[0], *cold = &from->sections[1];
	Elf64_Ehdr ehdr = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 }, .e_machine = EM_X86_64,
			    .e_phoff = sizeof(ehdr), .e_phnum = 1, .e_phentsize = sizeof(Elf64_Phdr) };
	Elf64_Phdr phdr = { .p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = s->len + cold->len,
			    .p_offset = sizeof(ehdr) + sizeof(phdr) };
	uint8_t core[4096];

	memcpy(core, &ehdr, sizeof(ehdr));
	memcpy(core + sizeof(ehdr), &phdr, sizeof(phdr));
	memcpy(core + phdr.p_offset, s->bytes, s->len);
	memcpy(core + phdr.p_offset + s->len, cold->bytes, cold->len);
	put("proc/kcore", core, phdr.p_offset + phdr.p_filesz);
}

static void put_system(const struct vs_text_image *from)
{
	char addr[32];

	put_memory(from);
	snprintf(addr, sizeof(addr), "0x%llx\n", BASE);
	put_text("sys/module/vfio/sections/.text", addr);
	snprintf(addr, sizeof(addr), "0x%llx\n", BASE + from->sections[0].len);
	put_text("sys/module/vfio/sections/.text.unlikely", addr);
	put_text("sys/module/vfio/coresize", "4096\n");
	put_text("sys/kernel/debug/kprobes/list", "ffffffff81000000  k  elsewhere+0x0\n");
}

static void assert_check(const struct vs_facts *facts, enum vs_text_state state, const char *words)
{
	struct vs_text_check check;

	vs_text_check__run(root, facts, NULL, &check);
	if (check.state != state || !strstr(check.words, words))
		fail_msg("state %d: %s", check.state, check.words);
}

static void a_system_is_compared(void **state)
{
	struct vs_facts facts = { .vfio_state = VS_KMOD_LOADED, .vfio_file = true };
	struct vs_text_section *s;
	uint64_t plain;

	(void)state;
	read_fixture("text_lists_14.o", &facts.vfio);
	s = &facts.vfio.text->sections[0];
	plain = func_named(facts.vfio.text, "plain")->off;
	put_system(facts.vfio.text);
	assert_check(&facts, VS_TEXT_AS_FILE, "");
	s->bytes[plain + 1] ^= 2;	/* memory has the other one */
	assert_check(&facts, VS_TEXT_CHANGED, "text of plain in memory is not that of ");
	assert_check(&facts, VS_TEXT_CHANGED, " (+0x1, 1 byte)");
	assert_true(vs_text_image__is_changed(facts.vfio.text, ".text", plain));
	put_text("sys/kernel/debug/kprobes/list", "ffffffffc0123000  k  plain+0x0  vfio\n");
	assert_check(&facts, VS_TEXT_AS_FILE, "");
	put_text("sys/kernel/debug/kprobes/list", "0000000000000000  k  plain+0x0  vfio\n");
	s->bytes[plain + 2] ^= 8;
	s->bytes[func_named(facts.vfio.text, "traced_endbr")->off] ^= 1;
	assert_check(&facts, VS_TEXT_CHANGED, " (+0x1, 2 bytes; 1 more function)");
	put_text("sys/module/vfio/coresize", "16\n");
	assert_check(&facts, VS_TEXT_NOT_COMPARED, "cannot be read");
	assert_false(vs_text_image__is_changed(facts.vfio.text, ".text", plain));
	put_text("sys/module/vfio/coresize", "4096\n");
	put_text("sys/module/vfio/sections/.text", "0x0\n");
	assert_check(&facts, VS_TEXT_NOT_COMPARED, "CAP_SYS_RAWIO");
	drop("sys/module/vfio/sections/.text");
	assert_check(&facts, VS_TEXT_NOT_LOADED, "not loaded");
	put_text("proc/kcore", "");
	assert_check(&facts, VS_TEXT_NOT_COMPARED, "memory of vfio.ko cannot be read");
	vs_kmod__free(&facts.vfio);
}

static void what_cannot_be_compared_is_said(void **state)
{
	struct vs_facts facts = { .vfio_state = VS_KMOD_ON_DISK };

	(void)state;
	assert_check(&facts, VS_TEXT_NOT_LOADED, "not loaded");
	facts.vfio_state = VS_KMOD_BUILTIN;
	assert_check(&facts, VS_TEXT_NOT_COMPARED, "built in");
	facts.vfio_state = VS_KMOD_LOADED;
	assert_check(&facts, VS_TEXT_NOT_COMPARED, "file");
	facts.vfio_file = true;
	assert_check(&facts, VS_TEXT_NOT_COMPARED, "x86-64");
	read_fixture("text_lists_15.o", &facts.vfio);
	assert_check(&facts, VS_TEXT_NOT_COMPARED, ".altinstructions");
	vs_kmod__free(&facts.vfio);
}

static void assert_news(struct vs_text_watch *w, enum vs_text_state state, enum vs_text_news news,
			const char *expected)
{
	struct vs_text_check check = { .state = state, .words = "here" };
	char words[VS_TEXT_NEWS_WORDS];

	assert_int_equal(vs_text_watch__take(w, &check, 7000000000ull, words), news);
	assert_string_equal(words, expected);
	assert_false(vs_text_watch__is_due(w, 11999999999ull));
	assert_true(vs_text_watch__is_due(w, 12000000000ull));
}

/* Where it never could be compared nothing is said of it. */
static void only_what_was_compared_can_lapse(void **state)
{
	struct vs_text_watch w = { 0 };

	(void)state;
	assert_true(vs_text_watch__is_due(&w, 7000000000ull));
	assert_news(&w, VS_TEXT_NOT_COMPARED, VS_TEXT_NO_NEWS, "here");
	assert_news(&w, VS_TEXT_CHANGED, VS_TEXT_IS_OTHER, "here");
	assert_news(&w, VS_TEXT_NOT_LOADED, VS_TEXT_IN_ORDER, "here");
	assert_news(&w, VS_TEXT_NOT_COMPARED, VS_TEXT_LAPSED,
		    "text of vfio.ko in memory: not compared any more: here");
	assert_news(&w, VS_TEXT_NOT_COMPARED, VS_TEXT_NO_NEWS, "here");
	assert_news(&w, VS_TEXT_AS_FILE, VS_TEXT_IN_ORDER, "here");
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[80];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_say_what_may_change),
		cmocka_unit_test(an_unknown_form_is_said),
		cmocka_unit_test(other_architectures_have_none),
		cmocka_unit_test(broken_files_do_no_harm),
		cmocka_unit_test_setup(the_first_byte_that_differs_is_told, fresh),
		cmocka_unit_test_setup(instructions_that_differ_are_known, fresh),
		cmocka_unit_test_setup(probes_that_are_listed_are_no_change, fresh),
		cmocka_unit_test_setup(probes_that_nobody_lists_are_told_from_others, fresh),
		cmocka_unit_test_setup(functions_past_the_end_are_not_compared, fresh),
		cmocka_unit_test_setup(ranges_may_overlap_and_end_anywhere, fresh),
		cmocka_unit_test(lines_of_the_list_of_probes),
		cmocka_unit_test(each_byte_of_a_real_module_counts),
		cmocka_unit_test(a_system_is_compared),
		cmocka_unit_test(what_cannot_be_compared_is_said),
		cmocka_unit_test(only_what_was_compared_can_lapse),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
