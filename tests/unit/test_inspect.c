// SPDX-License-Identifier: GPL-2.0
/*
 * From files to verdicts: fixtures/inspect_vfio.c in all its eras, compiled for all
 * architectures; what is stripped, packed, damaged; kallsyms tables made here; folders.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* nftw */
#endif
#include <elf.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "code/boot_image.h"
#include "code/kallsyms_tables.h"
#include "code/unpack.h"
#include "inspect/inspect.h"
#include "inspect/tree.h"

#ifndef VS_FIXTURES
#define VS_FIXTURES "."
#endif

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static char scratch[64];

/* ---- helpers ---- */

static const char *fixture(const char *builder, int era)
{
	const char *dir = getenv("VFIOSCOPE_FIXTURES");
	static char path[PATH_MAX], full[PATH_MAX];

	snprintf(path, sizeof(path), "%s/inspect/%s-%d.o", dir ? dir : VS_FIXTURES, builder, era);
	return realpath(path, full) ? full : path;
}

static uint8_t *load(const char *path, size_t *len)
{
	struct vs_unpack u = { .max = 64 << 20 };

	if (vs_unpack__read(&u, path))
		fail_msg("%s: %s", path, u.error);
	*len = u.len;
	return u.bytes;
}

static const char *in_scratch(const char *rel)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", scratch, rel);
	return path;
}

static int run(const char *fmt, ...)
{
	char command[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	return system(command);
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
	strcpy(scratch, "/tmp/vs-inspect-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int drop_scratch(void **state)
{
	(void)state;
	return nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void inspect_ok(const char *path, struct vs_inspection *in)
{
	int err = vs_inspect__file(path, in);

	if (err)
		fail_msg("%s: %d %s", path, err, in->error);
}

static bool says(const struct vs_inspection *in, const char *where, const char *what)
{
	for (size_t i = 0; i < in->nr_evidence; i++)
		if (!strncmp(in->evidence[i].place.where, where, strlen(where)) &&
		    strstr(in->evidence[i].what, what))
			return true;
	return false;
}

static void assert_says(const struct vs_inspection *in, const char *where, const char *what)
{
	if (!says(in, where, what))
		fail_msg("no evidence \"%s %s\"", where, what);
}

/* ---- verdicts ---- */

struct expectation {
	int era;
	enum vs_verdict verdict;
	const char *reason;	/* a part of it */
	const char *where, *what; /* of the evidence; NULL for none */
};

static const struct expectation expectations[] = {
	{ 1, VS_VERDICT_FIXED, "worker", "vfio_iommu_group_notifier+0x", "address of vfio_group_put_bg" },
	{ 2, VS_VERDICT_VULNERABLE, "itself", "vfio_iommu_group_notifier+0x",
	  "calls refcount_dec_and_mutex_lock" },
	{ 3, VS_VERDICT_VULNERABLE, "itself", "vfio_iommu_group_notifier+0x", "vfio_group_put" },
	{ 4, VS_VERDICT_VULNERABLE, "itself", "vfio_iommu_group_notifier+0x", "vfio_group_release" },
	{ 5, VS_VERDICT_NOT_APPLICABLE, "takes no reference", "vfio_register_group_dev+0x",
	  "calls cdev_device_add" },
	{ 6, VS_VERDICT_NOT_APPLICABLE, "no group notifier", "", "no vfio_iommu_group_notifier" },
	{ 7, VS_VERDICT_INCONCLUSIVE, "puts as well as defers", "vfio_iommu_group_notifier+0x",
	  "calls queue_work_on" },
	{ 8, VS_VERDICT_INCONCLUSIVE, "not one that is seen to put", "vfio_iommu_group_notifier+0x",
	  "calls queue_work_on" },
	{ 9, VS_VERDICT_INCONCLUSIVE, "cannot be told", "vfio_iommu_group_notifier+0x", "pointer" },
	{ 10, VS_VERDICT_INCONCLUSIVE, "drops it nowhere", "vfio_iommu_group_notifier+0x",
	  "refcount_warn_saturate" },
	{ 11, VS_VERDICT_FIXED, "worker", "vfio_group_put_bg+0x", "vfio_group_put" },
	{ 12, VS_VERDICT_INCONCLUSIVE, "not the core of VFIO", NULL, NULL },
	{ 13, VS_VERDICT_VULNERABLE, "itself", "vfio_iommu_group_notifier+0x", "forget" },
};

static const char *const builders[] = { "gcc", "x86_64", "aarch64", "s390x", "powerpc64le" };

static void check(const char *path, const struct expectation *e)
{
	struct vs_inspection in;

	inspect_ok(path, &in);
	if (in.verdict != e->verdict || !strstr(in.reason, e->reason))
		fail_msg("%s: %s: %s", path, vs_verdict__name(in.verdict), in.reason);
	if (e->where)
		assert_says(&in, e->where, e->what);
	assert_int_equal(in.kind, VS_BINARY_MODULE);
	assert_int_equal(in.has_vfio, e->era != 12);
	assert_int_equal(in.has_notifier, e->era != 12 && e->era != 6);
	vs_inspection__free(&in);
}

static void test_eras(void **state)
{
	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(builders); b++)
		for (size_t e = 0; e < ARRAY_SIZE(expectations); e++)
			check(fixture(builders[b], expectations[e].era), &expectations[e]);
}

static void check_linked(const char *builder, const struct expectation *e)
{
	struct vs_inspection in;

	inspect_ok(fixture(builder, e->era), &in);
	if (in.verdict != e->verdict)
		fail_msg("%s %d: %s: %s", builder, e->era, vs_verdict__name(in.verdict), in.reason);
	if (e->where && e->era != 6)
		assert_says(&in, e->where, e->what);
	assert_int_equal(in.kind, VS_BINARY_VMLINUX);
	assert_string_equal(in.release, "5.15.0-204-generic");
	assert_int_equal(in.has_vfio, e->era != 12);
	vs_inspection__free(&in);
}

/* the same, linked: no relocations, only instructions and addresses */
static void test_linked(void **state)
{
	(void)state;
	for (size_t e = 0; e < ARRAY_SIZE(expectations); e++) {
		check_linked("linked-x86_64", &expectations[e]);
		check_linked("linked-aarch64", &expectations[e]);
	}
}

static size_t count_sites(const struct vs_inspection *in, enum vs_site_class class,
			  const char *func)
{
	size_t nr = 0;

	for (size_t i = 0; i < in->nr_sites; i++)
		nr += in->sites[i].class == class &&
		      !strncmp(in->sites[i].place.where, func, strlen(func));
	return nr;
}

static void test_sites(void **state)
{
	struct vs_inspection in;

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(builders); b++) {
		inspect_ok(fixture(builders[b], 1), &in);
		assert_int_equal(count_sites(&in, VS_SITE_PUT, ""), 2);
		assert_int_equal(count_sites(&in, VS_SITE_PUT, "vfio_group_put_bg+0x"), 1);
		assert_int_equal(count_sites(&in, VS_SITE_PUT, "vfio_unregister_group_dev+0x"), 1);
		/* inlined gets are found on x86-64 only */
		assert_int_equal(count_sites(&in, VS_SITE_GET, "vfio_iommu_group_notifier+0x"), b < 2);
		assert_int_equal(count_sites(&in, VS_SITE_GET, "vfio_register_group_dev+0x"), b < 2);
		vs_inspection__free(&in);
	}
}

/* the notifier calls: what, in order */
static void test_calls(void **state)
{
	static const char *const targets[] = {
		"mutex_lock", "refcount_warn_saturate", "mutex_unlock",
		"refcount_dec_and_mutex_lock", "vfio_group_release"
	};
	struct vs_inspection in;
	size_t found = 0;

	(void)state;
	inspect_ok(fixture("gcc", 2), &in);
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
		for (size_t i = 0; i < in.nr_calls; i++)
			if (!strcmp(in.calls[i].target, targets[t])) {
				found++;
				break;
			}
	assert_int_equal(found, ARRAY_SIZE(targets));
	vs_inspection__free(&in);
}

static void test_debug_info(void **state)
{
	struct vs_inspection in;

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(builders); b++) {
		bool found = false;

		inspect_ok(fixture(builders[b], 2), &in);
		if (!in.debug_info)
			fail_msg("%s: no lines", builders[b]);
		for (size_t i = 0; i < in.nr_sites; i++)
			found |= !strncmp(in.sites[i].place.where, "vfio_iommu_group_notifier", 25) &&
				 strstr(in.sites[i].place.source, "inspect_vfio.c:") &&
				 strstr(in.sites[i].place.inlined, "vfio_group_put");
		if (!found)
			fail_msg("%s: the put in the notifier has no line", builders[b]);
		vs_inspection__free(&in);
	}
}

/* ---- stripped ---- */

static void check_stripped(const char *builder, int era, enum vs_verdict verdict)
{
	struct vs_inspection in;

	assert_int_equal(run("llvm-strip --strip-unneeded -o %s %s", in_scratch("s.ko"),
			     fixture(builder, era)), 0);
	inspect_ok(in_scratch("s.ko"), &in);
	if (in.verdict != verdict)
		fail_msg("%s %d: %s: %s", builder, era, vs_verdict__name(in.verdict), in.reason);
	assert_false(in.debug_info);
	vs_inspection__free(&in);
}

/* Only exported functions have names, and ftrace's list of the others is not there, either. */
static void test_stripped_of_names(void **state)
{
	static const char *const followed[] = { "gcc", "x86_64", "aarch64" };

	(void)state;
	for (size_t b = 0; b < ARRAY_SIZE(followed); b++)
		for (size_t e = 0; e < ARRAY_SIZE(expectations); e++) {
			const struct expectation *x = &expectations[e];

			/* vfio_device_put is global here; forget and vfio_group_put are not */
			check_stripped(followed[b], x->era, x->verdict);
		}
	/* where a function ends is a guess on these: a put is not believed */
	check_stripped("s390x", 2, VS_VERDICT_INCONCLUSIVE);
	check_stripped("powerpc64le", 2, VS_VERDICT_INCONCLUSIVE);
}

static void test_stripped_of_symbols(void **state)
{
	struct vs_inspection in;

	(void)state;
	assert_int_equal(run("objcopy --remove-section=.rela* %s %s 2>/dev/null && strip -s %s", fixture("gcc", 1),
			     in_scratch("nothing.ko"), in_scratch("nothing.ko")), 0);
	inspect_ok(in_scratch("nothing.ko"), &in);
	assert_int_equal(in.verdict, VS_VERDICT_INCONCLUSIVE);
	assert_non_null(strstr(in.reason, "no symbol table"));
	vs_inspection__free(&in);
}

/* ---- packed, damaged, hostile ---- */

static void test_packed(void **state)
{
	static const char *const commands[] = {
		"xz -c", "zstd -qc", "gzip -c", "bzip2 -c", "xz --format=lzma -c"
	};
	static const char *const names[] = { "xz", "zstd", "gzip", "bzip2", "lzma" };
	struct vs_inspection in;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		assert_int_equal(run("%s <%s >%s", commands[i], fixture("gcc", 2), in_scratch("packed")), 0);
		inspect_ok(in_scratch("packed"), &in);
		assert_string_equal(in.compression, names[i]);
		assert_int_equal(in.verdict, VS_VERDICT_VULNERABLE);
		vs_inspection__free(&in);
	}
}

static void put_le32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* lz4 -l of a file: the magic and one block of literals; Documentation: lz4_Block_format.md */
static size_t make_lz4(const uint8_t *bytes, size_t len, uint8_t *out)
{
	size_t at = 8, left = len - 15;

	memcpy(out, "\x02\x21\x4c\x18", 4);
	out[at++] = 0xf0;
	for (; left >= 255; left -= 255)
		out[at++] = 255;
	out[at++] = (uint8_t)left;
	memcpy(out + at, bytes, len);
	at += len;
	put_le32(out + 4, (uint32_t)(at - 8));
	return at;
}

static void test_lz4(void **state)
{
	size_t len, packed;
	uint8_t *bytes = load(fixture("gcc", 2), &len), *out = malloc(2 * len + 64);
	struct vs_inspection in;

	(void)state;
	packed = make_lz4(bytes, len, out);
	assert_int_equal(vs_inspect__bytes(out, packed, &in), 0);
	assert_string_equal(in.compression, "lz4");
	assert_int_equal(in.verdict, VS_VERDICT_VULNERABLE);
	vs_inspection__free(&in);
	free(bytes);
	free(out);
}

static void refuse(const void *data, size_t len, const char *words)
{
	struct vs_inspection in;

	assert_true(vs_inspect__bytes(data, len, &in) < 0);
	assert_non_null(strstr(in.error, words));
	assert_null(strchr(in.error, '\n'));
	vs_inspection__free(&in);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij"

static void test_refused(void **state)
{
	struct vs_inspection in;

	(void)state;
	refuse("", 0, "neither a kernel module nor a kernel image");
	refuse("#!/bin/sh\n", 10, "neither");
	refuse("\177ELF", 4, "damaged ELF file: it ends within its header");
	refuse("\177ELF\2\1\1\0\0\0", 10, "damaged ELF file: it ends within its header");
	refuse("\177ELF\1\1\1\0\0\0" LETTERS, 51, "damaged ELF file: it ends within its header");
	refuse("\177ELF\2\1\1\0\0\0" LETTERS, 63, "damaged ELF file: it ends within its header");
	refuse("\177ELF\7\1\1\0\0\0" LETTERS, 66, "damaged ELF file: ");
	refuse("\x1f\x8bxx", 4, "gzip");
	assert_int_equal(vs_inspect__file("/nowhere", &in), -ENOENT);
	vs_inspection__free(&in);
	assert_int_equal(vs_inspect__file("/dev/null", &in), -ENOEXEC);
	assert_non_null(strstr(in.error, "special file"));
	vs_inspection__free(&in);
	assert_int_equal(vs_inspect__file("/tmp", &in), -ENOEXEC);
	vs_inspection__free(&in);
	inspect_ok("/proc/self/exe", &in);
	assert_int_equal(in.verdict, VS_VERDICT_INCONCLUSIVE);
	vs_inspection__free(&in);
}

static void test_truncated(void **state)
{
	size_t len;
	uint8_t *bytes = load(fixture("gcc", 1), &len);

	(void)state;
	for (size_t cut = 0; cut < len; cut += 1 + cut % 13) {
		uint8_t *exact = malloc(cut + 1);
		struct vs_inspection in;

		memcpy(exact, bytes, cut);
		assert_true(vs_inspect__bytes(exact, cut, &in) < 0);
		assert_true(in.error[0]);
		vs_inspection__free(&in);
		free(exact);
	}
	free(bytes);
}

/* A gzip of a gzip of a gzip ...: no more layers than real images have. */
static void test_layers(void **state)
{
	struct vs_inspection in;

	(void)state;
	assert_int_equal(run("gzip -c <%s | gzip -c | gzip -c >%s", fixture("gcc", 1), in_scratch("deep")), 0);
	inspect_ok(in_scratch("deep"), &in);
	vs_inspection__free(&in);
	assert_int_equal(run("gzip -c <%s >%s", in_scratch("deep"), in_scratch("deeper")), 0);
	assert_true(vs_inspect__file(in_scratch("deeper"), &in) < 0);
	vs_inspection__free(&in);
}

static Elf64_Shdr *section_of_type(uint8_t *bytes, uint32_t type)
{
	Elf64_Ehdr *ehdr = (void *)bytes;
	Elf64_Shdr *sections = (void *)(bytes + ehdr->e_shoff);

	for (size_t i = 0; i < ehdr->e_shnum; i++)
		if (sections[i].sh_type == type)
			return &sections[i];
	fail_msg("no such section");
	return NULL;
}

static uint64_t section_size(uint8_t *bytes, size_t index)
{
	Elf64_Ehdr *ehdr = (void *)bytes;

	return ((Elf64_Shdr *)(void *)(bytes + ehdr->e_shoff))[index].sh_size;
}

/* All functions claim to be to reach to the end of their section: each byte is still read once. */
static void test_functions_that_lie(void **state)
{
	size_t len;
	uint8_t *bytes = load(fixture("gcc", 2), &len);
	Elf64_Shdr *symtab = section_of_type(bytes, SHT_SYMTAB);
	Elf64_Sym *syms = (void *)(bytes + symtab->sh_offset);
	struct vs_inspection in;

	(void)state;
	for (size_t i = 0; i < symtab->sh_size / sizeof(*syms); i++)
		if (ELF64_ST_TYPE(syms[i].st_info) == STT_FUNC && syms[i].st_size)
			syms[i].st_size = section_size(bytes, syms[i].st_shndx) - syms[i].st_value;
	assert_int_equal(vs_inspect__bytes(bytes, len, &in), 0);
	assert_int_equal(in.verdict, VS_VERDICT_VULNERABLE);
	assert_int_equal(count_sites(&in, VS_SITE_PUT, ""), 3);
	vs_inspection__free(&in);
	free(bytes);
}

/* A name with an escape sequence does not reach the terminal. */
static void test_names_are_printable(void **state)
{
	size_t len;
	uint8_t *bytes = load(fixture("gcc", 13), &len), *at;
	struct vs_inspection in;

	(void)state;
	while ((at = memmem(bytes, len, "\0forget", 8)))
		at[2] = 0x1b;
	assert_int_equal(vs_inspect__bytes(bytes, len, &in), 0);
	assert_says(&in, "vfio_iommu_group_notifier+0x", "f?rget");
	vs_inspection__free(&in);
	free(bytes);
}

/* Debug information that is garbage costs the lines, not the verdict. */
static void test_damaged_debug_info(void **state)
{
	struct vs_inspection in;
	size_t len;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(run("objcopy --add-section .debug_info=%s --add-section .debug_abbrev=/bin/sh -g %s %s",
			     "/bin/ls", fixture("gcc", 2), in_scratch("garbage.ko")), 0);
	bytes = load(in_scratch("garbage.ko"), &len);
	free(bytes);
	inspect_ok(in_scratch("garbage.ko"), &in);
	assert_int_equal(in.verdict, VS_VERDICT_VULNERABLE);
	vs_inspection__free(&in);
}

/* ---- boot images ---- */

static void test_bzimage(void **state)
{
	struct vs_inspection in;
	uint8_t *packed, *image;
	size_t len;

	(void)state;
	assert_int_equal(run("xz -c --check=crc32 <%s >%s", fixture("gcc", 2), in_scratch("payload")), 0);
	packed = load(in_scratch("payload"), &len);
	image = calloc(1, 1024 + len + 4);
	image[0x1f1] = 1;
	memcpy(image + 0x202, "HdrS", 4);
	image[0x206] = 0x0f;
	image[0x207] = 2;
	put_le32(image + 0x24c, (uint32_t)len + 4);
	memcpy(image + 1024, packed, len);
	put_le32(image + 1024 + len, 12345);
	assert_int_equal(vs_inspect__bytes(image, 1024 + len + 4, &in), 0);
	assert_string_equal(in.compression, "xz");
	assert_int_equal(in.verdict, VS_VERDICT_VULNERABLE);
	vs_inspection__free(&in);

	put_le32(image + 0x24c, (uint32_t)len + 5);
	refuse(image, 1024 + len + 4, "ends too early");
	memcpy(image + 1024, "lzop", 4);
	put_le32(image + 0x24c, (uint32_t)len);
	refuse(image, 1024 + len, "not known here");
	free(packed);
	free(image);
}

/* ---- kallsyms tables ---- */

struct tables {
	uint8_t *bytes;
	size_t len;
};

static void add(struct tables *t, const void *bytes, size_t len, size_t align)
{
	while (t->len % align)
		t->bytes[t->len++] = 0;
	memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
}

static void add_le32(struct tables *t, uint32_t value)
{
	uint8_t bytes[4];

	put_le32(bytes, value);
	add(t, bytes, 4, 1);
}

static void align(struct tables *t, size_t to)
{
	add(t, "", 0, to);
}

enum { NR_NAMES = 700, BASE = 0x81000000u };

static void name_of(int i, char name[32])
{
	static const char *const some[] = {
		"T_text", "tvfio_iommu_group_notifier", "tvfio_group_put_bg", "Tvfio_register_group_dev"
	};

	if (i < 4)
		strcpy(name, some[i]);
	else
		snprintf(name, 32, "tfunction_%d", i);
}

/* Token 1 is "function_", the others are single letters. */
static void add_name(struct tables *t, const char *name)
{
	const char *tail = strstr(name, "function_");
	size_t len = tail ? (size_t)(tail - name) + 1 + strlen(tail + 9) : strlen(name);
	uint8_t bytes[64] = { (uint8_t)len };
	size_t nr = 1;

	for (const char *c = name; *c; c++) {
		bytes[nr++] = c == tail ? 1 : (uint8_t)*c;
		if (c == tail)
			c += 8;
	}
	add(t, bytes, nr, 1);
}

static void add_offsets(struct tables *t, bool percpu)
{
	align(t, 8);
	for (int i = 0; i < NR_NAMES; i++)
		add_le32(t, percpu ? (uint32_t)(-1 - 16 * i) : (uint32_t)(16 * i));
	align(t, 8);
	add_le32(t, BASE);
	add_le32(t, 0xffffffff);
}

static void add_names(struct tables *t)
{
	uint32_t markers[(NR_NAMES + 255) / 256];
	size_t start;
	char name[32];

	align(t, 8);
	add_le32(t, NR_NAMES);
	align(t, 8);
	start = t->len;
	for (int i = 0; i < NR_NAMES; i++) {
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(t->len - start);
		name_of(i, name);
		add_name(t, name);
	}
	align(t, 8);
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++)
		add_le32(t, markers[i]);
}

static void add_tokens(struct tables *t)
{
	uint16_t index[256];
	size_t start;

	align(t, 8);
	start = t->len;
	for (int i = 0; i < 256; i++) {
		char text[16] = { (char)i };

		if (i == 1)
			strcpy(text, "function_");
		else if (i <= ' ' || i > '~')
			snprintf(text, sizeof(text), "x%02x", i);
		index[i] = (uint16_t)(t->len - start);
		add(t, text, strlen(text) + 1, 1);
	}
	align(t, 8);
	for (int i = 0; i < 256; i++) {
		uint8_t bytes[2] = { (uint8_t)index[i], (uint8_t)(index[i] >> 8) };

		add(t, bytes, 2, 1);
	}
}

static struct tables make_tables(bool offsets_behind, bool percpu)
{
	struct tables t = { .bytes = calloc(1, 1 << 16) };

	add(&t, "something before", 16, 1);
	if (!offsets_behind)
		add_offsets(&t, percpu);
	add_names(&t);
	add_tokens(&t);
	if (offsets_behind)
		add_offsets(&t, percpu);
	align(&t, 64);
	return t;
}

static void check_tables(bool offsets_behind, bool percpu)
{
	struct tables t = make_tables(offsets_behind, percpu);
	struct vs_image_syms syms;
	char name[32];

	assert_int_equal(vs_image_syms__read(t.bytes, t.len, 0, &syms), 0);
	assert_int_equal(syms.nr, NR_NAMES);
	for (int i = 0; i < NR_NAMES; i++) {
		name_of(i, name);
		assert_string_equal(syms.syms[i].name, name + 1);
		assert_int_equal(syms.syms[i].type, name[0]);
		assert_true(syms.syms[i].addr == 0xffffffff00000000ull + BASE + 16 * (uint64_t)i);
	}
	vs_image_syms__free(&syms);
	free(t.bytes);
}

static void test_tables(void **state)
{
	(void)state;
	check_tables(false, false);
	check_tables(false, true);
	check_tables(true, false);
	check_tables(true, true);
}

static void test_damaged_tables(void **state)
{
	struct tables t = make_tables(true, false);
	struct vs_image_syms syms;

	(void)state;
	for (size_t at = 0; at < t.len; at += 11) {
		uint8_t was = t.bytes[at];

		t.bytes[at] ^= 0x5a;
		if (!vs_image_syms__read(t.bytes, t.len, 0, &syms))
			vs_image_syms__free(&syms);
		t.bytes[at] = was;
	}
	for (size_t cut = 0; cut < t.len; cut += 97) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, t.bytes, cut);
		if (!vs_image_syms__read(exact, cut, 0, &syms))
			vs_image_syms__free(&syms);
		free(exact);
	}
	free(t.bytes);
}

/* ---- folders ---- */

static void test_folder(void **state)
{
	struct vs_tree tree;

	(void)state;
	assert_int_equal(run("cd %s && mkdir -p t/a/b t/c && cp %s t/a/b/vfio.ko && ln -s .. t/a/loop && "
			     "ln -s b/vfio.ko t/a/vfio.ko && ln -s /dev/zero t/vmlinux", scratch, fixture("gcc", 2)), 0);
	assert_int_equal(run("cd %s && xz -c <%s >t/c/vfio.ko.xz && echo no >t/c/vmlinuz-1 && mkfifo t/vfio.ko && "
			     "echo no >t/c/vfio.ko.gz", scratch, fixture("gcc", 1)), 0);
	assert_int_equal(run("cp %s %s/t/vmlinux-other", fixture("gcc", 12), scratch), 0);
	assert_int_equal(vs_tree__inspect(in_scratch("t"), &tree), 0);
	assert_int_equal(tree.nr, 3);
	assert_string_equal(tree.rows[0].path, "a/b/vfio.ko");
	assert_int_equal(tree.rows[0].verdict, VS_VERDICT_VULNERABLE);
	assert_string_equal(tree.rows[1].path, "c/vfio.ko.gz");
	assert_true(tree.rows[1].failed);
	assert_string_equal(tree.rows[2].path, "c/vfio.ko.xz");
	assert_int_equal(tree.rows[2].verdict, VS_VERDICT_FIXED);
	assert_int_equal(tree.images_without, 1);
	assert_false(tree.cut);
	vs_tree__free(&tree);

	assert_int_equal(vs_tree__inspect("/nowhere", &tree), -ENOENT);
	assert_non_null(strstr(tree.error, "No such file"));
	vs_tree__free(&tree);
}

static void test_deep_folder(void **state)
{
	struct vs_tree tree;

	(void)state;
	assert_int_equal(run("cd %s && p=d && for i in $(seq 80); do p=$p/d; done && mkdir -p $p && cp %s $p/vfio.ko",
			     scratch, fixture("gcc", 2)), 0);
	assert_int_equal(vs_tree__inspect(in_scratch("d"), &tree), 0);
	assert_int_equal(tree.nr, 0);
	assert_true(tree.cut);
	vs_tree__free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eras),
		cmocka_unit_test(test_linked),
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_debug_info),
		cmocka_unit_test(test_stripped_of_names),
		cmocka_unit_test(test_stripped_of_symbols),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_lz4),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_functions_that_lie),
		cmocka_unit_test(test_names_are_printable),
		cmocka_unit_test(test_damaged_debug_info),
		cmocka_unit_test(test_bzimage),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_damaged_tables),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_deep_folder),
	};

	return cmocka_run_group_tests_name("inspect", tests, make_scratch, drop_scratch);
}
