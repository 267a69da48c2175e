// SPDX-License-Identifier: GPL-2.0
/* Sites found by decoding: against the lists of real modules, and in made-up text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code/unpack.h"
#include "vfio/kmod.h"
#include "vfio/text_sites.h"

#define PC 0xffffffff81000000ull
#define LOCK 0xffffffff82345678ull

/* ---- a sweep over bytes ---- */

struct found {
	struct vs_text_site sites[16];
	size_t nr;
	uint64_t wanted;	/* target of the calls that are taken */
};

static int note(void *ctx, const struct vs_text_site *site)
{
	struct found *found = ctx;

	if (site->site.kind == VS_SITE_CALL && site->target != found->wanted)
		return 0;
	assert_true(found->nr < 16);
	found->sites[found->nr++] = *site;
	return 1;
}

static size_t sweep(const uint8_t *bytes, size_t len, struct found *found)
{
	struct vs_text_sweep sweep = { .bytes = bytes, .len = len, .pc = PC, .site = note,
				       .ctx = found };

	memset(found, 0, sizeof(*found));
	found->wanted = PC + 0x1000;
	assert_int_equal(vs_text_sweep__run(&sweep), 0);
	return sweep.unread;
}

/* call PC + 0x1000, at `off` */
#define CALL_AT(off) 0xe8, (uint8_t)(0x1000 - (off) - 5), (uint8_t)((0x1000 - (off) - 5) >> 8), 0, 0
#define MOV_RSI 0x48, 0xc7, 0xc6, 0x78, 0x56, 0x34, 0x82
#define NOP 0x90
#define RET 0xc3

static void test_call_with_lock(void **state)
{
	static const uint8_t text[] = { MOV_RSI, 0x4c, 0x89, 0xe7, CALL_AT(10), RET };
	struct found found;

	(void)state;
	assert_int_equal(sweep(text, sizeof(text), &found), 0);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.sites[0].site.kind, VS_SITE_CALL);
	assert_int_equal(found.sites[0].site.func_off, 10);
	assert_true(found.sites[0].site.lock == LOCK);
}

static void test_lea_of_the_lock(void **state)
{
	static const uint8_t text[] = { 0x48, 0x8d, 0x35, 0x10, 0, 0, 0, CALL_AT(7) };
	struct found found;

	(void)state;
	sweep(text, sizeof(text), &found);
	assert_int_equal(found.nr, 1);
	assert_true(found.sites[0].site.lock == PC + 7 + 0x10);
}

static void test_lock_is_not_known(void **state)
{
	static const uint8_t texts[][24] = {
		{ MOV_RSI, 0x48, 0x89, 0xc6, CALL_AT(10) },		/* mov %rax,%rsi */
		{ MOV_RSI, 0xff, 0xd0, NOP, CALL_AT(10) },		/* call *%rax */
		{ MOV_RSI, 0xeb, 0x05, NOP, CALL_AT(10) },		/* jmp */
	};
	struct found found;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		sweep(texts[i], 15, &found);
		assert_int_equal(found.nr, 1);
		assert_true(found.sites[0].site.lock == 0);
	}
}

static void test_adds(void **state)
{
	static const uint8_t text[] = {
		0xb8, 1, 0, 0, 0, 0xf0, 0x0f, 0xc1, 0x45, 0x18,		/* 10: +1, 0x18(%rbp) */
		0x83, 0xc8, 0xff, 0xf0, 0x0f, 0xc1, 0x07,			/* or $-1: a put */
		0xf0, 0x41, 0x0f, 0xc1, 0x0c, 0x24,				/* 23: not known, (%r12) */
		0xb8, 0xff, 0xff, 0xff, 0xff, 0xc3,				/* another path ends */
		0x3e, 0x0f, 0xc1, 0x07, NOP, RET,				/* 33: one CPU */
	};
	struct found found;

	(void)state;
	assert_int_equal(sweep(text, sizeof(text), &found), 0);
	assert_int_equal(found.nr, 4);
	assert_int_equal(found.sites[0].site.kind, VS_SITE_LOCKED_ADD);
	assert_int_equal(found.sites[0].site.func_off, 10);
	assert_int_equal(found.sites[0].site.base_reg, 5);
	assert_int_equal(found.sites[0].site.value_reg, 0);
	assert_int_equal(found.sites[0].site.disp, 0x18);
	assert_int_equal(found.sites[1].site.kind, VS_SITE_LOCKED_SUB);
	assert_int_equal(found.sites[1].site.func_off, 17);
	assert_int_equal(found.sites[2].site.kind, VS_SITE_LOCKED_ADD);
	assert_int_equal(found.sites[2].site.func_off, 23);
	assert_int_equal(found.sites[2].site.base_reg, 12);
	assert_int_equal(found.sites[2].site.value_reg, 1);
	assert_int_equal(found.sites[3].site.func_off, 33);
}

static void test_exchange(void **state)
{
	static const uint8_t text[] = {
		0xf0, 0x0f, 0xb1, 0x4b, 0x18, 0x75, 0xf0,	/* lock cmpxchg %ecx,0x18(%rbx); jne */
		0x3e, 0x0f, 0xb1, 0x16, RET,			/* one CPU: %edx,(%rsi) */
	};
	struct found found;

	(void)state;
	assert_int_equal(sweep(text, sizeof(text), &found), 0);
	assert_int_equal(found.nr, 2);
	assert_int_equal(found.sites[0].site.kind, VS_SITE_LOCKED_EXCHANGE);
	assert_int_equal(found.sites[0].site.func_off, 5);
	assert_int_equal(found.sites[0].site.base_reg, 3);
	assert_int_equal(found.sites[0].site.value_reg, 1);
	assert_int_equal(found.sites[0].site.disp, 0x18);
	assert_int_equal(found.sites[1].site.func_off, 11);
}

/* An add at the very end has no instruction behind it that could be probed. */
static void test_ends(void **state)
{
	static const uint8_t text[] = { 0xf0, 0x0f, 0xc1, 0x07 };
	static const uint8_t call[] = { 0xe8, 0, 0 };
	struct found found;

	(void)state;
	sweep(text, sizeof(text), &found);
	assert_int_equal(found.nr, 0);
	assert_int_not_equal(sweep(call, sizeof(call), &found), 0);
	assert_int_equal(sweep(text, 0, &found), 0);
}

/* Another tracer's kprobe on the very call, and on an instruction of no interest. */
static void test_breakpoints(void **state)
{
	static const uint8_t on_call[] = { MOV_RSI, 0xcc, (uint8_t)(0x1000 - 12), 0x0f, 0, 0,
					   0xb8, 1, 0, 0, 0, 0xf0, 0x0f, 0xc1, 0x07, RET };
	static const uint8_t on_mov[] = { 0xcc, 0x89, 0xe7, CALL_AT(3), RET };
	static const uint8_t no_return[] = { CALL_AT(0), 0xcc, 0xcc, 0xcc };
	static const uint8_t padding[] = { RET, 0xcc, 0xcc, CALL_AT(3), RET, 0xcc };
	struct found found;

	(void)state;
	assert_int_equal(sweep(on_call, sizeof(on_call), &found), 0);
	assert_int_equal(found.nr, 2);
	assert_int_equal(found.sites[0].site.func_off, 7);
	assert_true(found.sites[0].site.lock == LOCK);
	assert_int_equal(sweep(on_mov, sizeof(on_mov), &found), 1);
	assert_int_equal(found.nr, 1);
	assert_int_equal(sweep(padding, sizeof(padding), &found), 0);
	assert_int_equal(found.nr, 1);
	assert_int_equal(sweep(no_return, sizeof(no_return), &found), 0);
	assert_int_equal(found.nr, 1);
}

static void test_any_bytes_end(void **state)
{
	uint8_t bytes[64];
	struct found found;

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rand();
		sweep(bytes, (size_t)rand() % sizeof(bytes), &found);
	}
}

/* ---- a module with and without its list ---- */

static void hide_list(uint8_t *bytes, size_t len)
{
	static const char name[] = ".smp_locks";
	uint8_t *at, *from = bytes;

	while ((at = memmem(from, len - (size_t)(from - bytes), name, sizeof(name) - 1))) {
		at[1] = 'x';
		from = at;
	}
}

static void assert_same_sites(const struct vs_kmod *a, const struct vs_kmod *b)
{
	assert_int_equal(a->nr_sites, b->nr_sites);
	for (size_t i = 0; i < a->nr_sites; i++) {
		const struct vs_kmod_site *s = &a->sites[i], *t = &b->sites[i];

		assert_string_equal(a->funcs[s->func].name, b->funcs[t->func].name);
		assert_int_equal(s->kind, t->kind);
		assert_int_equal(s->func_off, t->func_off);
		assert_int_equal(s->base_reg, t->base_reg);
		assert_int_equal(s->value_reg, t->value_reg);
		assert_int_equal(s->disp, t->disp);
	}
}

static void test_decoded_as_listed(void **state)
{
	const char *path = getenv("VFIOSCOPE_TEST_VFIO_KO");
	static const char *const none[] = { NULL };
	struct vs_unpack file = { .max = VS_UNPACK_MODULE };
	struct vs_kmod listed, decoded;

	(void)state;
	if (!path || !*path)
		skip();	/* the lab has not fetched its kernel */
	assert_int_equal(vs_unpack__read(&file, path), 0);
	assert_int_equal(vs_kmod__parse(file.bytes, file.len, none, &listed), 0);
	hide_list(file.bytes, file.len);
	assert_int_equal(vs_kmod__parse(file.bytes, file.len, none, &decoded), 0);
	assert_true(listed.nr_sites >= 9);
	assert_same_sites(&listed, &decoded);
	vs_kmod__free(&listed);
	vs_kmod__free(&decoded);
	vs_unpack__free(&file);
}

/* ---- VFIO built in: a made-up kernel ---- */

static char root[] = "/tmp/vs-text-XXXXXX";

static FILE *create(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/proc/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static void drop(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/proc/%s", root, name);
	unlink(path);
}

static void put_symbols(bool hidden)
{
	FILE *file = create("kallsyms");
	unsigned long long pc = hidden ? 0 : PC, more = hidden ? 0 : 1;

	fprintf(file, "%016llx T before\n%016llx t vfio_group_get\n%016llx t vfio_group_put_bg\n"
		"%016llx t alias\n%016llx T after\n%016llx T refcount_dec_and_mutex_lock\n"
		"%016llx T _etext\n%016llx t vfio_init\n%016llx t vfio_group_get\t[vfio]\n",
		pc - 16 * more, pc, pc + 16 * more, pc + 16 * more, pc + 32 * more,
		pc + 0x1000 * more, pc + 0x2000 * more, pc + 0x3000 * more, pc + 0x9000 * more);
	fclose(file);
}

static void put_memory(uint16_t machine)
{
	static const uint8_t text[32] = {
		0xb8, 1, 0, 0, 0, 0xf0, 0x0f, 0xc1, 0x07, RET, [10 ... 15] = 0xcc,
		[16] = MOV_RSI, CALL_AT(23), RET, 0xcc, 0xcc, 0xcc,
	};
	Elf64_Ehdr ehdr = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 }, .e_machine = machine,
			    .e_phoff = sizeof(ehdr), .e_phnum = 1, .e_phentsize = sizeof(Elf64_Phdr) };
	Elf64_Phdr phdr = { .p_type = PT_LOAD, .p_vaddr = PC, .p_filesz = sizeof(text),
			    .p_offset = sizeof(ehdr) + sizeof(phdr) };
	FILE *file = create("kcore");

	fwrite(&ehdr, sizeof(ehdr), 1, file);
	fwrite(&phdr, sizeof(phdr), 1, file);
	fwrite(text, sizeof(text), 1, file);
	fclose(file);
}

static const char *const callees[] = { "refcount_dec_and_mutex_lock", "queue_work_on", NULL };

static void test_built_in(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	put_symbols(false);
	put_memory(EM_X86_64);
	assert_int_equal(vs_kmod__read_builtin(root, callees, &kmod), 0);
	assert_string_equal(kmod.error, "");
	assert_string_equal(kmod.path, "/proc/kcore");
	assert_int_equal(kmod.nr_funcs, 2);
	assert_int_equal(kmod.funcs[0].size, 16);
	assert_int_equal(kmod.funcs[1].size, 16);
	assert_true(kmod.funcs[1].section_off == PC + 16);
	assert_int_equal(kmod.nr_sites, 2);
	assert_string_equal(kmod.sites[0].callee, "refcount_dec_and_mutex_lock");
	assert_int_equal(kmod.sites[0].func, 1);
	assert_int_equal(kmod.sites[0].func_off, 7);
	assert_true(kmod.sites[0].lock == LOCK);
	assert_int_equal(kmod.sites[1].kind, VS_SITE_LOCKED_ADD);
	assert_int_equal(kmod.sites[1].func, 0);
	assert_int_equal(kmod.sites[1].func_off, 9);
	vs_kmod__free(&kmod);
}

static void assert_refused(int err, size_t nr_funcs, const char *words)
{
	struct vs_kmod kmod;

	assert_int_equal(vs_kmod__read_builtin(root, callees, &kmod), err);
	assert_int_equal(kmod.nr_funcs, nr_funcs);
	assert_int_equal(kmod.nr_sites, 0);
	assert_non_null(strstr(kmod.error, words));
	vs_kmod__free(&kmod);
}

static void test_built_in_refused(void **state)
{
	(void)state;
	put_symbols(true);
	put_memory(EM_X86_64);
	assert_refused(-EPERM, 2, "hides addresses");
	put_symbols(false);
	put_memory(EM_AARCH64);
	assert_refused(-ENOTSUP, 2, "x86-64");
	fclose(create("kcore"));
	assert_refused(-EFAULT, 2, "kcore");
	drop("kcore");
	assert_refused(-ENOENT, 2, "kcore");
	drop("kallsyms");
	assert_refused(-ENOENT, 0, "kallsyms");
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	drop("kallsyms");
	drop("kcore");
	snprintf(path, sizeof(path), "%s/proc", root);
	rmdir(path);
	return rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_with_lock),
		cmocka_unit_test(test_lea_of_the_lock),
		cmocka_unit_test(test_lock_is_not_known),
		cmocka_unit_test(test_adds),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_breakpoints),
		cmocka_unit_test(test_any_bytes_end),
		cmocka_unit_test(test_decoded_as_listed),
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_built_in_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
