// SPDX-License-Identifier: GPL-2.0
/*
 * The module reader, on objects compiled from fixtures/kmod_*, on damaged ones,
 * and on made-up /lib/modules and /sys/module trees.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* nftw */
#endif
#include <elf.h>
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vfio/kmod.h"

#ifndef VS_FIXTURES
#define VS_FIXTURES "."
#endif

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const put_callee[] = { "refcount_dec_and_mutex_lock", NULL };
static const char *const all_callees[] = {
	"refcount_dec_and_mutex_lock", "mutex_unlock", "use", "complain", "__x86_return_thunk", NULL
};

static char scratch[64];

/* ---- helpers ---- */

static const char *fixture(const char *name)
{
	const char *dir = getenv("VFIOSCOPE_FIXTURES");
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : VS_FIXTURES, name);
	return path;
}

static void read_ok(const char *path, struct vs_kmod *kmod)
{
	int err = vs_kmod__read(path, put_callee, kmod);

	if (err)
		fail_msg("%s: %d %s", path, err, kmod->error);
}

static void assert_failed(const struct vs_kmod *kmod, const char *words)
{
	assert_non_null(strstr(kmod->error, words));
	assert_null(strchr(kmod->error, '\n'));
	assert_null(kmod->path);
	assert_null(kmod->machine);
	assert_null(kmod->funcs);
	assert_null(kmod->sites);
	assert_int_equal(kmod->nr_funcs, 0);
	assert_int_equal(kmod->nr_sites, 0);
}

static void assert_refused(const char *path, int err, const char *words)
{
	struct vs_kmod kmod;

	assert_int_equal(vs_kmod__read(path, put_callee, &kmod), err);
	assert_failed(&kmod, words);
}

static uint8_t *load(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(1 << 20);

	assert_non_null(file);
	assert_non_null(bytes);
	*len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

static const struct vs_kmod_site *site_in(const struct vs_kmod *kmod, enum vs_site_kind kind,
					  const char *func, size_t nth)
{
	for (size_t i = 0; i < kmod->nr_sites; i++) {
		const struct vs_kmod_site *site = &kmod->sites[i];

		if (site->kind == kind && !strcmp(kmod->funcs[site->func].name, func) && !nth--)
			return site;
	}
	return NULL;
}

static size_t count_sites(const struct vs_kmod *kmod, enum vs_site_kind kind)
{
	size_t nr = 0;

	for (size_t i = 0; i < kmod->nr_sites; i++)
		nr += kmod->sites[i].kind == kind;
	return nr;
}

static void make_dirs(char *path)
{
	for (char *c = path + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		mkdir(path, 0755);
		*c = '/';
	}
}

/* A file below the scratch folder, with the folders on its way. */
static void put_file(const char *rel, const void *bytes, size_t len)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scratch, rel);
	make_dirs(path);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void put_text(const char *rel, const char *text)
{
	put_file(rel, text, strlen(text));
}

static const char *in_scratch(const char *rel)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", scratch, rel);
	return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int make_scratch(void **state)
{
	(void)state;
	strcpy(scratch, "/tmp/vs-kmod-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int drop_scratch(void **state)
{
	(void)state;
	return nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- a good module ---- */

static void test_facts(void **state)
{
	const struct vs_kmod_func *func;
	struct vs_kmod kmod;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	assert_string_equal(kmod.path, fixture("kmod.ko"));
	assert_string_equal(kmod.compression, "none");
	assert_string_equal(kmod.machine, "x86_64");
	assert_int_equal(strlen(kmod.build_id), 40);
	assert_int_equal(strspn(kmod.build_id, "0123456789abcdef"), 40);

	func = vs_kmod__func(&kmod, "put_init");
	assert_non_null(func);
	assert_string_equal(func->section, ".init.text");
	assert_int_equal(func->section_off, 0);
	assert_true(func->size > 10);
	assert_non_null(vs_kmod__func(&kmod, "aaa_local"));
	assert_string_equal(vs_kmod__func(&kmod, "put_split.cold")->section, ".text.unlikely");

	errno = 0;
	assert_null(vs_kmod__func(&kmod, "put_spli"));
	assert_int_equal(errno, ENOENT);
	assert_null(vs_kmod__func(&kmod, "__pfx_named"));
	assert_null(vs_kmod__func(&kmod, "sizeless"));
	assert_null(vs_kmod__func(&kmod, "refcount_dec_and_mutex_lock"));
	vs_kmod__free(&kmod);
	assert_null(kmod.funcs);
}

static void test_no_build_id(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	read_ok(fixture("kmod_put.o"), &kmod);
	assert_string_equal(kmod.build_id, "");
	assert_int_equal(count_sites(&kmod, VS_SITE_LOCKED_ADD), 0);
	vs_kmod__free(&kmod);
}

static void test_compressed(void **state)
{
	static const char *const names[] = { "xz", "zst", "gz" };
	static const char *const kinds[] = { "xz", "zstd", "gzip" };
	struct vs_kmod plain, packed;

	(void)state;
	read_ok(fixture("kmod.ko"), &plain);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char name[32];

		snprintf(name, sizeof(name), "kmod.ko.%s", names[i]);
		read_ok(fixture(name), &packed);
		assert_string_equal(packed.compression, kinds[i]);
		assert_string_equal(packed.build_id, plain.build_id);
		assert_int_equal(packed.nr_funcs, plain.nr_funcs);
		assert_int_equal(packed.nr_sites, plain.nr_sites);
		vs_kmod__free(&packed);
	}
	vs_kmod__free(&plain);
}

/* ---- call sites ---- */

static uint64_t lock_of(const struct vs_kmod *kmod, const char *func)
{
	const struct vs_kmod_site *site = site_in(kmod, VS_SITE_CALL, func, 0);

	if (!site)
		fail_msg("no call site in %s", func);
	assert_string_equal(site->callee, put_callee[0]);
	return site->lock;
}

static void test_call_sites(void **state)
{
	static const char *const same_lock[] = { "put_tail", "put_twice", "put_split.cold",
						 "put_init" };
	struct vs_kmod kmod;
	uint64_t lock;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	lock = lock_of(&kmod, "put_call");
	assert_int_not_equal(lock, 0);
	for (size_t i = 0; i < ARRAY_SIZE(same_lock); i++)
		assert_int_equal(lock_of(&kmod, same_lock[i]), lock);
	assert_int_equal(site_in(&kmod, VS_SITE_CALL, "put_twice", 1)->lock, lock);
	assert_null(site_in(&kmod, VS_SITE_CALL, "put_twice", 2));
	assert_null(site_in(&kmod, VS_SITE_CALL, "put_split", 0));
	assert_null(site_in(&kmod, VS_SITE_CALL, "no_put", 0));
	assert_null(site_in(&kmod, VS_SITE_CALL, "put_conditional", 0));
	assert_int_equal(count_sites(&kmod, VS_SITE_CALL), 14);
	vs_kmod__free(&kmod);
}

static void test_locks(void **state)
{
	static const char *const unknown[] = { "put_foreign", "put_argument", "put_own",
					       "put_replaced", "put_after_call" };
	struct vs_kmod kmod;
	uint64_t first, second, data;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	first = lock_of(&kmod, "put_call");
	second = lock_of(&kmod, "put_second");
	data = lock_of(&kmod, "put_data");
	assert_int_equal(first >> 32, second >> 32);
	assert_int_not_equal(first, second);
	assert_int_not_equal(data >> 32, first >> 32);
	assert_int_equal(data & UINT32_MAX, 0);
	assert_int_equal(lock_of(&kmod, "put_lea"), data);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(lock_of(&kmod, unknown[i]), 0);
	vs_kmod__free(&kmod);
}

/* The site is the instruction itself: e8 call, e9 jmp. */
static void test_call_bytes(void **state)
{
	const struct vs_kmod_func *func;
	const struct vs_kmod_site *site;
	struct vs_kmod kmod;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	site = site_in(&kmod, VS_SITE_CALL, "put_lea", 0);
	assert_int_equal(site->func_off, 7);
	func = &kmod.funcs[site->func];
	assert_string_equal(func->section, ".text");
	/* mov $first_lock,%rsi; jmp */
	assert_int_equal(site_in(&kmod, VS_SITE_CALL, "put_tail", 0)->func_off, 7);
	/* of two names at one address the global one is shown */
	assert_null(site_in(&kmod, VS_SITE_CALL, "aaa_local", 0));
	vs_kmod__free(&kmod);
}

static void test_no_callees(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const absent[] = { "refcount_dec", "", NULL };
	struct vs_kmod kmod;

	(void)state;
	assert_int_equal(vs_kmod__read(fixture("kmod.ko"), none, &kmod), 0);
	assert_int_equal(count_sites(&kmod, VS_SITE_CALL), 0);
	assert_true(count_sites(&kmod, VS_SITE_LOCKED_ADD) > 0);
	vs_kmod__free(&kmod);
	assert_int_equal(vs_kmod__read(fixture("kmod.ko"), absent, &kmod), 0);
	assert_int_equal(count_sites(&kmod, VS_SITE_CALL), 0);
	vs_kmod__free(&kmod);
}

static void test_other_machines(void **state)
{
	static const struct {
		const char *file, *machine;
		uint32_t align;
	} cases[] = {
		{ "kmod_aarch64.o", "aarch64", 4 },
		{ "kmod_s390x.o", "s390x", 2 },
		{ "kmod_powerpc64le.o", "ppc64", 4 },
	};
	struct vs_kmod kmod;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (access(fixture(cases[i].file), F_OK))
			continue;	/* made only where the compiler has the target */
		read_ok(fixture(cases[i].file), &kmod);
		assert_string_equal(kmod.machine, cases[i].machine);
		assert_int_equal(kmod.nr_sites, 2);
		assert_int_equal(lock_of(&kmod, "put_call"), 0);
		assert_int_equal(lock_of(&kmod, "put_tail"), 0);
		assert_int_equal(kmod.sites[0].func_off % cases[i].align, 0);
		vs_kmod__free(&kmod);
	}
}

/* ---- locked adds ---- */

static const struct {
	const char *func;
	uint8_t base, value;
	int32_t disp;
	uint32_t off;
} adds[] = {
	{ "inc_rax", 0, 1, 0, 9 },
	{ "inc_rcx", 1, 0, 0, 9 },
	{ "inc_rdx", 2, 0, 0, 9 },
	{ "inc_rbx", 3, 0, 0, 9 },
	{ "inc_rsp", 4, 0, 0, 10 },
	{ "inc_rbp", 5, 0, 0, 10 },
	{ "inc_rsi", 6, 0, 0, 9 },
	{ "inc_rdi", 7, 0, 0, 9 },
	{ "inc_r8", 8, 0, 0, 10 },
	{ "inc_r12", 12, 0, 0, 11 },
	{ "inc_r13", 13, 0, 0, 11 },
	{ "inc_r15", 15, 0, 0, 10 },
	{ "inc_disp8", 3, 0, -8, 10 },
	{ "inc_disp32", 3, 0, 0x368, 13 },
	{ "inc_rsp8", 4, 0, 8, 11 },
	{ "inc_r12_32", 12, 0, -0x1000, 15 },
	{ "inc_value_r9", 14, 9, 0x10, 12 },
	{ "inc_value_edx", 13, 2, 0, 11 },
	{ "add_variable", 7, 6, 0, 4 },
	{ "inc_after_dec", 7, 0, 0, 16 },
	{ "add_after_return", 7, 0, 0, 14 },
	{ "add_after_call", 3, 0, 0, 14 },
	{ "inc_other_reg", 7, 0, 0, 15 },
};

static void test_locked_adds(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	for (size_t i = 0; i < ARRAY_SIZE(adds); i++) {
		const struct vs_kmod_site *site =
			site_in(&kmod, VS_SITE_LOCKED_ADD, adds[i].func, 0);

		if (!site)
			fail_msg("no locked add in %s", adds[i].func);
		assert_int_equal(site->base_reg, adds[i].base);
		assert_int_equal(site->value_reg, adds[i].value);
		assert_int_equal(site->disp, adds[i].disp);
		assert_int_equal(site->func_off, adds[i].off);
		assert_null(site->callee);
		assert_int_equal(site->lock, 0);
	}
	/* none of dec_*, none of skip_* */
	assert_int_equal(count_sites(&kmod, VS_SITE_LOCKED_ADD), ARRAY_SIZE(adds));
	vs_kmod__free(&kmod);
}

static void assert_site(const struct vs_kmod *kmod, enum vs_site_kind kind, const char *func,
			uint8_t base, uint8_t value, int32_t disp)
{
	const struct vs_kmod_site *site = site_in(kmod, kind, func, 0);

	if (!site)
		fail_msg("no such site in %s", func);
	assert_int_equal(site->base_reg, base);
	assert_int_equal(site->value_reg, value);
	assert_int_equal(site->disp, disp);
}

static void test_subs_and_exchanges(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	assert_site(&kmod, VS_SITE_LOCKED_SUB, "dec_eax", 7, 0, 0);
	assert_site(&kmod, VS_SITE_LOCKED_SUB, "dec_or_r11", 7, 11, 0);
	assert_site(&kmod, VS_SITE_LOCKED_SUB, "dec_across_call", 5, 3, 0);
	assert_int_equal(count_sites(&kmod, VS_SITE_LOCKED_SUB), 6);
	assert_site(&kmod, VS_SITE_LOCKED_EXCHANGE, "exchange_rdi", 7, 1, 0);
	assert_site(&kmod, VS_SITE_LOCKED_EXCHANGE, "exchange_r12", 12, 2, 0x18);
	vs_kmod__free(&kmod);
}

/* In functions known to do little else; not where it cannot be told which one it is. */
static void test_unlisted_counters(void **state)
{
	struct vs_kmod kmod;

	(void)state;
	read_ok(fixture("kmod.ko"), &kmod);
	assert_site(&kmod, VS_SITE_LOCKED_EXCHANGE, "vfio_device_try_get_registration", 7, 1,
		    0x390);
	assert_int_equal(count_sites(&kmod, VS_SITE_LOCKED_EXCHANGE), 3);
	assert_null(site_in(&kmod, VS_SITE_LOCKED_SUB, "vfio_device_put_registration", 0));
	assert_null(site_in(&kmod, VS_SITE_LOCKED_ADD, "skip_unlisted", 0));
	vs_kmod__free(&kmod);
}

/* The number of the addresses and registers measured on Debian's 5.10.0-46 module. */
static void test_real_module(void **state)
{
	static const char *const gets[] = { "vfio_group_get_from_iommu", "vfio_register_group_dev",
					    "vfio_group_get_external_user", "vfio_group_fops_open",
					    "vfio_iommu_group_notifier" };
	const char *path = getenv("VFIOSCOPE_TEST_VFIO_KO");
	struct vs_kmod kmod;

	(void)state;
	if (!path || !*path)
		skip();	/* the lab has not fetched its kernel */
	read_ok(path, &kmod);
	assert_int_equal(count_sites(&kmod, VS_SITE_CALL), 13);
	assert_int_equal(count_sites(&kmod, VS_SITE_LOCKED_ADD), 6);
	assert_int_equal(site_in(&kmod, VS_SITE_CALL, "vfio_group_put_bg", 0)->func_off, 0x19);
	assert_non_null(site_in(&kmod, VS_SITE_CALL, "vfio_group_fops_open", 1));
	for (size_t i = 0; i < kmod.nr_sites; i++)
		if (kmod.sites[i].kind == VS_SITE_CALL)
			assert_int_equal(kmod.sites[i].lock, lock_of(&kmod, "vfio_group_put_bg"));
	assert_int_not_equal(kmod.sites[0].lock, 0);
	for (size_t i = 0; i < ARRAY_SIZE(gets); i++)
		assert_non_null(site_in(&kmod, VS_SITE_LOCKED_ADD, gets[i], 0));
	assert_int_equal(site_in(&kmod, VS_SITE_LOCKED_ADD, gets[0], 0)->func_off, 0x4f);
	assert_int_equal(site_in(&kmod, VS_SITE_LOCKED_ADD, gets[0], 0)->base_reg, 12);
	vs_kmod__free(&kmod);
}

/* ---- files that are no modules ---- */

static void test_wrong_files(void **state)
{
	(void)state;
	put_text("text", "obj-$(CONFIG_VFIO) += vfio.o\n");
	put_text("empty", "");
	put_text("short", "\177EL");
	put_text("magic", "\177ELF");
	assert_refused(in_scratch("none"), -ENOENT, "cannot open");
	assert_refused(in_scratch("text"), -ENOEXEC, "not an ELF file");
	assert_refused(in_scratch("empty"), -ENOEXEC, "not an ELF file");
	assert_refused(in_scratch("short"), -ENOEXEC, "not an ELF file");
	assert_refused(in_scratch("magic"), -ENOEXEC, "damaged ELF file");
	assert_refused(scratch, -ENOEXEC, "a directory");
	assert_refused("/dev/zero", -ENOEXEC, "a special file");
	assert_refused("/proc/self/exe", -ENOEXEC, "not relocatable");
	assert_int_equal(mkfifo(in_scratch("fifo"), 0600), 0);
	assert_refused(in_scratch("fifo"), -ENOEXEC, "a special file");
}

static void test_too_large(void **state)
{
	(void)state;
	put_text("large", "\177ELF");
	assert_int_equal(truncate(in_scratch("large"), 1ll << 40), 0);
	assert_refused(in_scratch("large"), -EFBIG, "larger than 256 MiB");
}

/* 300 MiB of zeros, made by the fixture rule */
static void test_bombs(void **state)
{
	static const char *const names[] = { "bomb.xz", "bomb.zst", "bomb.gz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_refused(fixture(names[i]), -EFBIG, "larger than 256 MiB");
}

static void test_packed_damage(void **state)
{
	static const char *const names[] = { "kmod.ko.xz", "kmod.ko.zst", "kmod.ko.gz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint8_t *bytes;
		size_t len;

		bytes = load(fixture(names[i]), &len);
		for (size_t cut = 0; cut < len; cut++) {
			struct vs_kmod kmod;

			assert_int_equal(vs_kmod__parse(bytes, cut, put_callee, &kmod), -ENOEXEC);
			assert_failed(&kmod, "");
		}
		bytes[len / 2] ^= 0x10;
		put_file("damaged", bytes, len);
		assert_refused(in_scratch("damaged"), -ENOEXEC, "");
		free(bytes);
	}
}

/* ---- a damaged image ---- */

struct image {
	uint8_t *bytes;
	size_t len;
	Elf64_Shdr *sections;
	size_t nr;
};

static void image__load(struct image *img)
{
	const Elf64_Ehdr *ehdr;

	img->bytes = load(fixture("kmod.ko"), &img->len);
	ehdr = (const void *)img->bytes;
	img->sections = (void *)(img->bytes + ehdr->e_shoff);
	img->nr = ehdr->e_shnum;
}

static Elf64_Shdr *image__find(struct image *img, const char *name)
{
	const Elf64_Ehdr *ehdr = (const void *)img->bytes;
	const char *names = (char *)img->bytes + img->sections[ehdr->e_shstrndx].sh_offset;

	for (size_t i = 0; i < img->nr; i++)
		if (!strcmp(names + img->sections[i].sh_name, name))
			return &img->sections[i];
	fail_msg("no section %s", name);
	return NULL;
}

/* Parses a copy that ends where its allocation does; frees the image. */
static int image__parse(struct image *img, struct vs_kmod *kmod)
{
	uint8_t *exact = malloc(img->len);
	int err;

	memcpy(exact, img->bytes, img->len);
	err = vs_kmod__parse(exact, img->len, all_callees, kmod);
	free(exact);
	free(img->bytes);
	return err;
}

static void image__assert_refused(struct image *img, const char *words)
{
	struct vs_kmod kmod;

	assert_int_equal(image__parse(img, &kmod), -ENOEXEC);
	assert_failed(&kmod, words);
}

static void test_truncated(void **state)
{
	struct image img;

	(void)state;
	image__load(&img);
	for (size_t len = 0; len < img.len; len += 1 + len % 7) {
		struct vs_kmod kmod;
		uint8_t *exact = malloc(len + 1);

		memcpy(exact, img.bytes, len);
		if (!vs_kmod__parse(exact, len, put_callee, &kmod))
			fail_msg("%zu bytes of %zu taken for a module", len, img.len);
		assert_failed(&kmod, "");
		free(exact);
	}
	free(img.bytes);
}

static void test_section_out_of_file(void **state)
{
	struct image img;

	(void)state;
	image__load(&img);
	image__find(&img, ".text")->sh_size = 1ull << 60;
	image__assert_refused(&img, "not inside the file");
	image__load(&img);
	image__find(&img, ".rela.text")->sh_offset = ~0ull - 8;
	image__assert_refused(&img, "not inside the file");
	image__load(&img);
	image__find(&img, ".text")->sh_offset = image__find(&img, ".symtab")->sh_offset;
	image__find(&img, ".text")->sh_size = img.len - image__find(&img, ".text")->sh_offset;
	image__assert_refused(&img, "not inside the file");
}

static void test_bad_tables(void **state)
{
	struct image img;

	(void)state;
	image__load(&img);
	image__find(&img, ".symtab")->sh_entsize = 0;
	image__assert_refused(&img, "bad table");
	image__load(&img);
	image__find(&img, ".rela.text")->sh_entsize = 0;
	image__assert_refused(&img, "bad table");
	image__load(&img);
	image__find(&img, ".rela.text")->sh_info = 0xfffffff0;
	image__assert_refused(&img, "relocations");
	image__load(&img);
	image__find(&img, ".symtab")->sh_link = 0x7fffffff;
	image__assert_refused(&img, "bad string table");
	image__load(&img);
	image__find(&img, ".symtab")->sh_type = SHT_PROGBITS;
	image__assert_refused(&img, "no symbol table");
	image__load(&img);
	image__find(&img, ".text")->sh_name = 0x7fffffff;
	image__assert_refused(&img, "has no name");
	image__load(&img);
	((Elf64_Ehdr *)(void *)img.bytes)->e_shoff = ~0ull - 63;
	image__assert_refused(&img, "damaged ELF file");
}

/* Wild indexes make an entry meaningless, not the module. */
static void test_wild_entries(void **state)
{
	struct vs_kmod kmod;
	struct image img;
	Elf64_Shdr *sect;
	Elf64_Rela *rela;
	Elf64_Sym *sym;

	(void)state;
	image__load(&img);
	sect = image__find(&img, ".rela.text");
	rela = (void *)(img.bytes + sect->sh_offset);
	for (size_t i = 0; i < sect->sh_size / sizeof(*rela); i++)
		rela[i].r_info = ELF64_R_INFO(0xfffffff0u + (i & 7), ELF64_R_TYPE(rela[i].r_info));
	assert_int_equal(image__parse(&img, &kmod), 0);
	assert_null(site_in(&kmod, VS_SITE_CALL, "put_call", 0));
	vs_kmod__free(&kmod);

	image__load(&img);
	sect = image__find(&img, ".rela.text");
	rela = (void *)(img.bytes + sect->sh_offset);
	for (size_t i = 0; i < sect->sh_size / sizeof(*rela); i++)
		rela[i].r_offset = ~0ull - i;
	assert_int_equal(image__parse(&img, &kmod), 0);
	vs_kmod__free(&kmod);

	image__load(&img);
	sect = image__find(&img, ".symtab");
	sym = (void *)(img.bytes + sect->sh_offset);
	for (size_t i = 0; i < sect->sh_size / sizeof(*sym); i++)
		sym[i].st_name = 0xfffffff0;
	assert_int_equal(image__parse(&img, &kmod), 0);
	assert_int_equal(kmod.nr_funcs, 0);
	assert_int_equal(kmod.nr_sites, 0);
	vs_kmod__free(&kmod);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

static void check_any_outcome(int err, struct vs_kmod *kmod)
{
	if (err) {
		assert_failed(kmod, "");
		assert_true(kmod->error[0]);
		return;
	}
	for (size_t i = 0; i < kmod->nr_sites; i++) {
		assert_true(kmod->sites[i].func < kmod->nr_funcs);
		assert_true(kmod->sites[i].func_off < kmod->funcs[kmod->sites[i].func].size);
	}
	vs_kmod__free(kmod);
}

static void test_flipped_bits(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	(void)state;
	for (size_t round = 0; round < 1000; round++) {
		struct vs_kmod kmod;
		struct image img;

		image__load(&img);
		for (size_t i = 0; i < 8; i++)
			img.bytes[next_random(&seed) % img.len] ^= 1u << (next_random(&seed) % 8);
		/* section headers are a small part of the file and the most dangerous one */
		((uint8_t *)img.sections)[next_random(&seed) % (img.nr * sizeof(*img.sections))] ^=
			1u << (next_random(&seed) % 8);
		check_any_outcome(image__parse(&img, &kmod), &kmod);
	}
}

/* ---- where modules are ---- */

static void assert_found(const char *release, const char *name, const char *rel)
{
	char path[512];

	assert_int_equal(vs_kmod__find(scratch, release, name, path, sizeof(path)), 0);
	assert_string_equal(path, in_scratch(rel));
}

static int find_err(const char *release, const char *name)
{
	char path[512];

	return vs_kmod__find(scratch, release, name, path, sizeof(path));
}

static void test_find(void **state)
{
	char path[16];

	(void)state;
	put_text("lib/modules/5.10/modules.dep",
		 "kernel/drivers/vfio/pci/vfio-pci.ko: kernel/drivers/vfio/vfio.ko\n"
		 "updates/vfio.ko.zst:\n"
		 "kernel/drivers/vfio/vfio.ko: kernel/virt/lib/irqbypass.ko\n"
		 "kernel/gone.ko.xz:\n");
	put_text("lib/modules/5.10/kernel/drivers/vfio/pci/vfio-pci.ko", "");
	put_text("lib/modules/5.10/kernel/drivers/vfio/vfio.ko", "");
	put_text("lib/modules/5.10/updates/vfio.ko.zst", "");
	put_text("lib/modules/5.10/kernel/gone.ko", "");
	put_text("lib/modules/5.10/extra/loose/un_listed.ko.gz", "");
	put_text("usr/lib/modules/6.12/kernel/drivers/vfio/vfio.ko.xz", "");

	assert_found("5.10", "vfio", "lib/modules/5.10/updates/vfio.ko.zst");
	assert_found("5.10", "vfio_pci", "lib/modules/5.10/kernel/drivers/vfio/pci/vfio-pci.ko");
	assert_found("5.10", "vfio-pci", "lib/modules/5.10/kernel/drivers/vfio/pci/vfio-pci.ko");
	assert_found("5.10", "gone", "lib/modules/5.10/kernel/gone.ko");
	assert_found("5.10", "un-listed", "lib/modules/5.10/extra/loose/un_listed.ko.gz");
	assert_found("6.12", "vfio", "usr/lib/modules/6.12/kernel/drivers/vfio/vfio.ko.xz");

	assert_int_equal(find_err("5.10", "vfi"), -ENOENT);
	assert_int_equal(find_err("5.10", "irqbypass"), -ENOENT);
	assert_int_equal(find_err("4.19", "vfio"), -ENOENT);
	assert_int_equal(find_err("5.10", "../vfio"), -EINVAL);
	assert_int_equal(find_err("..", "vfio"), -EINVAL);
	assert_int_equal(find_err("5.10", ""), -EINVAL);
	assert_int_equal(vs_kmod__find(scratch, "5.10", "vfio", path, sizeof(path)), -ENAMETOOLONG);
}

static void test_state(void **state)
{
	(void)state;
	put_text("lib/modules/5.10/modules.builtin",
		 "kernel/drivers/iommu/iommu-v2.ko\nkernel/drivers/pci/listed.ko\n");
	put_text("lib/modules/5.10/kernel/drivers/vfio/vfio.ko", "");
	put_text("lib/modules/5.10/kernel/drivers/vfio/vfio-pci.ko", "");
	put_text("lib/modules/5.10/kernel/drivers/vfio/vfio_type1.ko.xz", "");
	put_text("sys/module/vfio/initstate", "live\n");
	put_text("sys/module/vfio_pci/initstate", "coming\n");
	put_text("sys/module/pcie/parameters/off", "N\n");

	assert_int_equal(vs_kmod__state(scratch, "5.10", "vfio"), VS_KMOD_LOADED);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "vfio-pci"), VS_KMOD_LOADED);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "vfio_type1"), VS_KMOD_ON_DISK);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "pcie"), VS_KMOD_BUILTIN);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "listed"), VS_KMOD_BUILTIN);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "iommu_v2"), VS_KMOD_BUILTIN);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "mdev"), VS_KMOD_ABSENT);
	assert_int_equal(vs_kmod__state(scratch, "4.19", "listed"), VS_KMOD_ABSENT);
	assert_int_equal(vs_kmod__state(scratch, "5.10", "../vfio"), VS_KMOD_ABSENT);
}

static void test_is_loaded(void **state)
{
	(void)state;
	put_text("lib/modules/5.10/modules.builtin", "kernel/drivers/vfio/vfio.ko\n");
	put_text("lib/modules/5.10/kernel/drivers/vfio/vfio.ko", "");
	assert_false(vs_kmod__is_loaded(scratch, "vfio"));
	put_text("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
	assert_false(vs_kmod__is_loaded(scratch, "vfio"));
	put_text("sys/module/vfio/initstate", "going\n");
	assert_true(vs_kmod__is_loaded(scratch, "vfio"));
	assert_true(vs_kmod__is_going(scratch, "vfio"));
	put_text("sys/module/vfio_pci/initstate", "coming\n");
	assert_false(vs_kmod__is_going(scratch, "vfio-pci"));
	assert_false(vs_kmod__is_going(scratch, "vfio-none"));
	assert_true(vs_kmod__is_loaded(scratch, "vfio-pci"));
	assert_false(vs_kmod__is_loaded(scratch, "../vfio"));
}

static void test_running_build_id(void **state)
{
	static const uint32_t head[] = { 4, 4, NT_GNU_BUILD_ID };
	static const uint32_t huge[] = { 4, 0xfffffff0, NT_GNU_BUILD_ID };
	char hex[VS_BUILD_ID_HEX];
	uint8_t note[20];

	(void)state;
	memcpy(note, head, sizeof(head));
	memcpy(note + 12, "GNU\0\xde\xad\x00\x0f", 8);
	put_file("sys/module/vfio_pci/notes/.note.gnu.build-id", note, sizeof(note));
	put_file("sys/module/cut/notes/.note.gnu.build-id", note, sizeof(note) - 1);
	memcpy(note, huge, sizeof(huge));
	put_file("sys/module/huge/notes/.note.gnu.build-id", note, sizeof(note));

	assert_int_equal(vs_kmod__running_build_id(scratch, "vfio-pci", hex), 0);
	assert_string_equal(hex, "dead000f");
	assert_int_equal(vs_kmod__running_build_id(scratch, "cut", hex), -ENOENT);
	assert_string_equal(hex, "");
	assert_int_equal(vs_kmod__running_build_id(scratch, "huge", hex), -ENOENT);
	assert_int_equal(vs_kmod__running_build_id(scratch, "vfio", hex), -ENOENT);
}

static void test_section_addr(void **state)
{
	uint64_t addr;

	(void)state;
	put_text("sys/module/vfio/sections/.text", "0xffffffffc0a51000\n");
	put_text("sys/module/vfio/sections/.bss", "0x0000000000000000\n");
	put_text("sys/module/vfio/sections/.data", "not a number\n");
	put_text("sys/module/vfio/sections/.init.text", "0xffffffffc0a5100g\n");
	put_text("sys/module/vfio/sections/.exit.text", "");

	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", ".text", &addr), 0);
	assert_int_equal(addr, 0xffffffffc0a51000ull);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", ".bss", &addr), -EPERM);
	assert_int_equal(addr, 0);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", ".data", &addr), -EINVAL);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", ".init.text", &addr), -EINVAL);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", ".exit.text", &addr), -EINVAL);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", ".rodata", &addr), -ENOENT);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio", "../x", &addr), -EINVAL);
	assert_int_equal(vs_kmod__section_addr(scratch, "vfio_pci", ".text", &addr), -ENOENT);
}

#define in_scratch_test(name) cmocka_unit_test_setup_teardown(name, make_scratch, drop_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_no_build_id),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_call_sites),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_call_bytes),
		cmocka_unit_test(test_no_callees),
		cmocka_unit_test(test_other_machines),
		cmocka_unit_test(test_locked_adds),
		cmocka_unit_test(test_subs_and_exchanges),
		cmocka_unit_test(test_unlisted_counters),
		cmocka_unit_test(test_real_module),
		in_scratch_test(test_wrong_files),
		in_scratch_test(test_too_large),
		cmocka_unit_test(test_bombs),
		in_scratch_test(test_packed_damage),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_section_out_of_file),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_wild_entries),
		cmocka_unit_test(test_flipped_bits),
		in_scratch_test(test_find),
		in_scratch_test(test_state),
		in_scratch_test(test_is_loaded),
		in_scratch_test(test_running_build_id),
		in_scratch_test(test_section_addr),
	};

	return cmocka_run_group_tests_name("kmod", tests, NULL, NULL);
}
