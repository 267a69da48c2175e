// SPDX-License-Identifier: GPL-2.0
/* Readers of dumps, on made-up ones: formats, notes, page tables, stacks by ORC. */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/info.h"
#include "core/orc.h"
#include "core/paging.h"
#include "snapshot/layout.h"

#define PAGE VS_CORE_PAGE
#define ROOM (1 << 20)

static uint8_t file[ROOM];
static size_t file_len;
static struct vs_core core;
static char error[300];

static void put(size_t at, const void *bytes, size_t len)
{
	assert_true(at + len <= ROOM);
	memcpy(file + at, bytes, len);
	if (at + len > file_len)
		file_len = at + len;
}

static void put32(size_t at, uint32_t value)
{
	put(at, &value, sizeof(value));
}

static void put64(size_t at, uint64_t value)
{
	put(at, &value, sizeof(value));
}

static void fill(size_t at, int byte)
{
	uint8_t page[PAGE];

	memset(page, byte, sizeof(page));
	put(at, page, sizeof(page));
}

static int set_up(void **state)
{
	(void)state;
	memset(file, 0, sizeof(file));
	file_len = 0;
	error[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vs_core__close(&core);
	return 0;
}

static void open_ok(void)
{
	int err = vs_core__open_memory(file, file_len, &core, error, sizeof(error));

	if (err)
		fail_msg("%d %s", err, error);
}

static void refused(int err, const char *words)
{
	assert_int_equal(vs_core__open_memory(file, file_len, &core, error, sizeof(error)), err);
	if (!strstr(error, words))
		fail_msg("\"%s\" does not say \"%s\"", error, words);
	assert_null(strchr(error, '\n'));
}

static int byte_at(uint64_t physical)
{
	uint8_t byte;
	int err = vs_core__read(&core, physical, &byte, 1);

	return err ? err : byte;
}

/* -- ELF -- */

static size_t put_note(size_t at, const char *name, uint32_t type, const void *desc, uint32_t len)
{
	uint32_t name_len = (uint32_t)strlen(name) + 1;

	put32(at, name_len);
	put32(at + 4, len);
	put32(at + 8, type);
	put(at + 12, name, name_len);
	put32(at + 12 + ((name_len + 3) & ~3u) + (len & ~3u), 0);
	put(at + 12 + ((name_len + 3) & ~3u), desc, len);
	return at + 12 + ((name_len + 3) & ~3u) + ((len + 3) & ~3u);
}

static void put_header(uint16_t nr)
{
	Elf64_Ehdr e = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_phoff = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = nr, .e_shoff = 0x800,
	};

	put(0, &e, sizeof(e));
}

static void put_segment(int i, uint32_t type, uint64_t physical, uint64_t at, uint64_t len)
{
	Elf64_Phdr p = { .p_type = type, .p_offset = at, .p_paddr = physical, .p_filesz = len, .p_memsz = len };

	put(sizeof(Elf64_Ehdr) + (size_t)i * sizeof(p), &p, sizeof(p));
}

static void elf_pages(void **state)
{
	(void)state;
	put_header(3);
	put_segment(0, PT_LOAD, 0x200000, 0x3000, 2 * PAGE);
	put_segment(1, PT_LOAD, 0x1000, 0x1000, PAGE);
	put_segment(2, PT_LOAD, 0x9f000, 0x5000, 0xc00);	/* ends inside of a page */
	fill(0x1000, 1);
	fill(0x3000, 2);
	fill(0x4000, 3);
	fill(0x5000, 4);
	open_ok();
	assert_int_equal(byte_at(0x1000), 1);
	assert_int_equal(byte_at(0x1fff), 1);
	assert_int_equal(byte_at(0x200000), 2);
	assert_int_equal(byte_at(0x201fff), 3);
	assert_int_equal(byte_at(0x9fbff), 4);
	assert_int_equal(byte_at(0x9fc00), 0);
	assert_int_equal(byte_at(0x2000), -EFAULT);
	assert_int_equal(byte_at(0x202000), -EFAULT);
	assert_int_equal(byte_at(UINT64_MAX), -EFAULT);
}

static void elf_across_pages(void **state)
{
	uint8_t bytes[3 * PAGE];

	(void)state;
	put_header(1);
	put_segment(0, PT_LOAD, 0x100000, 0x1000, 3 * PAGE);
	for (int i = 0; i < 3; i++)
		fill(0x1000 + (size_t)i * PAGE, i + 1);
	open_ok();
	assert_int_equal(vs_core__read(&core, 0x100800, bytes, 2 * PAGE), 0);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[0x800], 2);
	assert_int_equal(bytes[0x1800], 3);
	assert_int_equal(vs_core__read(&core, 0x100800, bytes, 3 * PAGE), -EFAULT);
}

static void elf_notes(void **state)
{
	uint8_t status[336] = {}, qemu[440] = {};
	const char info[] = "OSRELEASE=6.1.0\nKERNELOFFSET=1a000000\nNUMBER(phys_base)=-4096\n";
	uint64_t number;
	char text[20];
	size_t at;

	(void)state;
	put_header(2);
	put_segment(0, PT_LOAD, 0x1000, 0x1000, PAGE);
	memcpy(status + 112 + 8 * 4, &(uint64_t){ 0xb }, 8);
	memcpy(status + 112 + 8 * 16, &(uint64_t){ 0x11 }, 8);
	memcpy(status + 112 + 8 * 17, &(uint64_t){ 0x33 }, 8);
	memcpy(status + 112 + 8 * 19, &(uint64_t){ 0x55 }, 8);
	memcpy(qemu + 416, &(uint64_t){ 0x1234000 }, 8);
	memcpy(qemu + 424, &(uint64_t){ 0x1000 }, 8);
	at = put_note(0x2000, "CORE", NT_PRSTATUS, status, sizeof(status));
	at = put_note(at, "QEMU", 0, qemu, sizeof(qemu));
	at = put_note(at, "VMCOREINFO", 0, info, sizeof(info) - 1);
	put_segment(1, PT_NOTE, 0, 0x2000, at - 0x2000);
	fill(0x1000, 1);
	open_ok();
	assert_int_equal(core.nr_cpus, 1);
	assert_true(core.cpus[0].has_regs && core.cpus[0].user);
	assert_int_equal(core.cpus[0].ip, 0x11);
	assert_int_equal(core.cpus[0].sp, 0x55);
	assert_int_equal(core.cpus[0].bp, 0xb);
	assert_int_equal(core.cpus[0].cr3, 0x1234000);
	assert_int_equal(core.cpus[0].cr4, 0x1000);
	assert_true(vs_core_info__text(core.info, "OSRELEASE", text, sizeof(text)));
	assert_string_equal(text, "6.1.0");
	assert_true(vs_core_info__number(core.info, "KERNELOFFSET", 16, &number));
	assert_int_equal(number, 0x1a000000);
	assert_true(vs_core_info__number(core.info, "NUMBER(phys_base)", 10, &number));
	assert_int_equal(number, (uint64_t)-4096);
	assert_false(vs_core_info__number(core.info, "RELEASE", 16, &number));
	assert_false(vs_core_info__number(core.info, "OSRELEASE", 16, &number));
	assert_false(vs_core_info__number(NULL, "KERNELOFFSET", 16, &number));
}

/* Lengths that lead out of the notes end them. */
static void elf_bad_notes(void **state)
{
	(void)state;
	put_header(2);
	put_segment(0, PT_LOAD, 0x1000, 0x1000, PAGE);
	put_segment(1, PT_NOTE, 0, 0x2000, 64);
	fill(0x1000, 1);
	put32(0x2000, 0xffffffff);
	put32(0x2004, 0xffffffff);
	put32(0x2008, 1);
	put64(0x2038, 0);
	open_ok();
	assert_int_equal(core.nr_cpus, 0);
	assert_null(core.info);
}

static void elf_many_headers(void **state)
{
	Elf64_Shdr first = { .sh_info = 2 };

	(void)state;
	put_header(PN_XNUM);
	put(0x800, &first, sizeof(first));
	put_segment(0, PT_LOAD, 0x1000, 0x1000, PAGE);
	put_segment(1, PT_LOAD, 0x5000, 0x2000, PAGE);
	fill(0x1000, 1);
	fill(0x2000, 2);
	open_ok();
	assert_int_equal(byte_at(0x1000), 1);
	assert_int_equal(byte_at(0x5000), 2);
}

static void elf_refused(void **state)
{
	(void)state;
	put_header(0);
	refused(-EINVAL, "no memory of a machine");
	put_header(1);
	put_segment(0, PT_LOAD, 0x1000, 0x1000, PAGE);
	file[EI_CLASS] = ELFCLASS32;
	vs_core__close(&core);
	refused(-EINVAL, "64-bit");
	put_header(1);
	file[16] = ET_EXEC;
	vs_core__close(&core);
	refused(-EINVAL, "no core");
	put_header(1);
	file[18] = EM_AARCH64;
	vs_core__close(&core);
	refused(-EINVAL, "x86_64");
	file_len = 40;
	put_header(1);
	file_len = 40;
	vs_core__close(&core);
	refused(-EINVAL, "cut off");
}

/* The file ends inside of a segment: what is there can be read. */
static void elf_cut_off(void **state)
{
	(void)state;
	put_header(1);
	put_segment(0, PT_LOAD, 0x100000, 0x1000, 1ull << 40);
	fill(0x1000, 7);
	open_ok();
	assert_int_equal(byte_at(0x100000), 7);
	assert_int_equal(byte_at(0x101000), -EFAULT);
	assert_int_equal(byte_at(0x100000 + (1ull << 39)), -EFAULT);
}

/* -- kdump-compressed -- */

#define SUB PAGE
#define MAPS (2 * PAGE)
#define DESCRIPTORS (4 * PAGE)
#define PAGES (5 * PAGE)

static size_t next_page;
static int nr_descriptors;

static void put_kdump(uint32_t version, uint32_t level)
{
	put(0, "KDUMP   ", 8);
	put32(8, version);
	put(12 + 4 * 65, "x86_64", 7);
	put32(428, PAGE);
	put32(432, 1);
	put32(436, 2);
	put32(440, 4096);
	put32(SUB + 8, level);
	put64(SUB + 96, 4096);
	put64(PAGES, 0);
	next_page = PAGES;
	nr_descriptors = 0;
}

static void set_bit(size_t map, unsigned int pfn)
{
	file[map + pfn / 8] |= (uint8_t)(1 << pfn % 8);
}

static void put_page(unsigned int pfn, const void *bytes, size_t len, uint32_t flags)
{
	size_t at = DESCRIPTORS + 24 * (size_t)nr_descriptors++;

	set_bit(MAPS, pfn);
	set_bit(MAPS + PAGE, pfn);
	put64(at, next_page);
	put32(at + 8, (uint32_t)len);
	put32(at + 12, flags);
	put(next_page, bytes, len);
	next_page += len;
}

static void put_packed_pages(void)
{
	uint8_t page[PAGE], packed[2 * PAGE];
	uLongf len = sizeof(packed);

	memset(page, 1, sizeof(page));
	put_page(3, page, PAGE, 0);
	memset(page, 2, sizeof(page));
	assert_int_equal(compress(packed, &len, page, PAGE), Z_OK);
	put_page(9, packed, len, 1);
	memset(page, 3, sizeof(page));
	put_page(4000, packed, ZSTD_compress(packed, sizeof(packed), page, PAGE, 1), 32);
}

static void kdump_pages(void **state)
{
	(void)state;
	put_kdump(6, 0);
	put_packed_pages();
	open_ok();
	assert_int_equal(byte_at(3 * PAGE), 1);
	assert_int_equal(byte_at(9 * PAGE + 4095), 2);
	assert_int_equal(byte_at(4000 * PAGE), 3);
	assert_int_equal(byte_at(4 * PAGE), -EFAULT);
	assert_int_equal(byte_at(5000ull * PAGE), -EFAULT);
	assert_false(core.incomplete);
}

/* A dump does not list its zero pages: they are those that exist and are not in it. */
static void kdump_zeros(void **state)
{
	(void)state;
	put_kdump(6, 31);
	put_packed_pages();
	set_bit(MAPS, 5);
	open_ok();
	assert_int_equal(byte_at(5 * PAGE), 0);
	assert_int_equal(byte_at(6 * PAGE), -EFAULT);
	assert_int_equal(byte_at(9 * PAGE), 2);
	assert_true(core.leaves_out);
}

static void kdump_damaged_pages(void **state)
{
	uint8_t page[PAGE] = {};

	(void)state;
	put_kdump(6, 0);
	put_page(1, page, 100, 1);
	put_page(2, page, 100, 32);
	put_page(3, page, 100, 0);
	put_page(4, page, 100, 0);
	put32(DESCRIPTORS + 3 * 24 + 8, 0x7fffffff);
	put_page(5, page, 100, 0);
	put64(DESCRIPTORS + 4 * 24, 0);
	put_page(6, page, 100, 0);
	put64(DESCRIPTORS + 5 * 24, 1ull << 60);
	open_ok();
	for (unsigned int pfn = 1; pfn <= 4; pfn++)
		assert_int_equal(byte_at(pfn * PAGE), -EIO);
	assert_int_equal(byte_at(5 * PAGE), -EFAULT);
	assert_int_equal(byte_at(6 * PAGE), -EFAULT);
}

static void kdump_info(void **state)
{
	const char info[] = "OSRELEASE=5.10\n";

	(void)state;
	put_kdump(6, 0);
	put_packed_pages();
	put64(SUB + 32, 0x20000);
	put64(SUB + 40, sizeof(info) - 1);
	put(0x20000, info, sizeof(info));
	put32(424, 8);
	open_ok();
	assert_string_equal(core.info, info);
	assert_true(core.incomplete);
}

static void kdump_refused(void **state)
{
	uint8_t page[PAGE] = {};

	(void)state;
	put_kdump(6, 0);
	put_page(256, page, 100, 2);
	refused(-ENOTSUP, "makedumpfile -c");
	vs_core__close(&core);
	put_kdump(6, 0);
	put32(SUB + 12, 1);
	refused(-EINVAL, "--reassemble");
	vs_core__close(&core);
	put_kdump(6, 0);
	put32(SUB + 12, 0);
	put(12 + 4 * 65, "aarch64", 8);
	refused(-EINVAL, "x86_64");
	vs_core__close(&core);
	put_kdump(6, 0);
	put32(436, 0xffffffff);
	refused(-EINVAL, "damaged");
	vs_core__close(&core);
	put_kdump(6, 0);
	put32(428, 65536);
	refused(-EINVAL, "blocks");
}

/* -- streams -- */

static size_t put_piece(size_t to, uint64_t at, const uint8_t *bytes, uint64_t len)
{
	put64(to, htobe64(at));
	put64(to + 8, htobe64(len));
	put(to + 16, bytes, len);
	return to + 16 + len;
}

/* Pieces may come in any order, and a later one replaces an earlier one. */
static void stream(void **state)
{
	static uint8_t plain[ROOM];
	uint8_t nothing[2 * PAGE] = {};
	size_t len, to = PAGE;

	(void)state;
	put_kdump(6, 0);
	put_packed_pages();
	len = file_len;
	memcpy(plain, file, len);
	set_up(NULL);
	put(0, "makedumpfile", 13);
	to = put_piece(to, 0, nothing, sizeof(nothing));
	to = put_piece(to, MAPS, plain + MAPS, 100);
	to = put_piece(to, MAPS + 100, plain + MAPS + 100, len - MAPS - 100);
	to = put_piece(to, 0, plain, MAPS);
	put64(to, UINT64_MAX);
	put64(to + 8, UINT64_MAX);
	open_ok();
	assert_int_equal(byte_at(3 * PAGE), 1);
	assert_int_equal(byte_at(9 * PAGE), 2);
	assert_int_equal(byte_at(4000 * PAGE), 3);
}

static void stream_cut_off(void **state)
{
	(void)state;
	put(0, "makedumpfile", 13);
	put64(PAGE, htobe64(0));
	put64(PAGE + 8, htobe64(1ull << 62));
	refused(-ENODATA, "");
}

static void others(void **state)
{
	(void)state;
	put(0, "LibvirtQemudSave", 16);
	refused(-EINVAL, "--memory-only");
	vs_core__close(&core);
	set_up(NULL);
	put(0, "\x1f\x8b\x08", 4);
	refused(-EINVAL, "gunzip");
	vs_core__close(&core);
	set_up(NULL);
	put(0, "hello", 5);
	refused(-EINVAL, "neither");
	vs_core__close(&core);
	file_len = 0;
	refused(-EINVAL, "neither");
}

/* -- page tables -- */

#define TABLES 0x100000ull	/* physical; at 0x1000 in the file */

static void put_entry(uint64_t table, unsigned int i, uint64_t entry)
{
	put64(0x1000 + (size_t)(table - TABLES) + 8 * i, entry);
}

static void put_tables(void)
{
	put_header(1);
	put_segment(0, PT_LOAD, TABLES, 0x1000, 16 * PAGE);
	for (size_t i = 0; i < 16; i++)
		fill(0x1000 + i * PAGE, 0);
	put_entry(TABLES, 511, (TABLES + PAGE) | 1);			/* 5th level */
	put_entry(TABLES + PAGE, 511, (TABLES + 2 * PAGE) | 1);		/* 4th */
	put_entry(TABLES + 2 * PAGE, 510, (TABLES + 3 * PAGE) | 1);	/* 3rd */
	put_entry(TABLES + 2 * PAGE, 511, 0x40000000ull | 0x81);	/* 1 GiB */
	put_entry(TABLES + 3 * PAGE, 8, (TABLES + 4 * PAGE) | 1);	/* 2nd */
	put_entry(TABLES + 3 * PAGE, 9, 0x8000000000200000ull | 0x81);	/* 2 MiB, not to be executed */
	put_entry(TABLES + 4 * PAGE, 3, (TABLES + 5 * PAGE) | (1ull << 47) | 1);
	fill(0x1000 + 5 * PAGE, 0x5a);
	open_ok();
}

static void check_tables(struct vs_paging *p)
{
	uint64_t at, size;
	uint8_t byte = 0;

	assert_int_equal(vs_paging__find(p, 0xffffffff81003123ull, &at, &size), 0);
	assert_int_equal(at, TABLES + 5 * PAGE + 0x123);
	assert_int_equal(size, PAGE);
	assert_int_equal(vs_paging__find(p, 0xffffffff81212345ull, &at, &size), 0);
	assert_int_equal(at, 0x212345);
	assert_int_equal(size, 2 << 20);
	assert_int_equal(vs_paging__find(p, 0xffffffffc1234567ull, &at, &size), 0);
	assert_int_equal(at, 0x41234567);
	assert_int_equal(size, 1 << 30);
	assert_int_equal(vs_paging__find(p, 0xffffffff82000000ull, &at, &size), -EFAULT);
	assert_int_equal(size, 2 << 20);
	assert_int_equal(vs_paging__find(p, 0xffffffff81004000ull, &at, &size), -EFAULT);
	assert_int_equal(size, PAGE);
	assert_int_equal(vs_paging__find(p, 0x7ffffff81003000ull, &at, NULL), -EFAULT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vs_paging__read(p, 0xffffffff81003001ull, &byte, 1), 0);
		assert_int_equal(byte, 0x5a);
	}
	assert_int_equal(vs_paging__read(p, 0xffffffff81003ffful, &byte, 2), -EFAULT);
	assert_int_equal(vs_paging__read(p, UINT64_MAX, &byte, 2), -EFAULT);
}

static void four_levels(void **state)
{
	struct vs_paging p;

	(void)state;
	put_tables();
	vs_paging__begin(&p, &core, TABLES + PAGE, false, 1ull << 47);
	check_tables(&p);
}

static void five_levels(void **state)
{
	struct vs_paging p;

	(void)state;
	put_tables();
	vs_paging__begin(&p, &core, TABLES, true, 1ull << 47);
	check_tables(&p);
}

/* A table that is its own parent ends where the levels end. */
static void tables_in_a_circle(void **state)
{
	struct vs_paging p;
	uint64_t at;

	(void)state;
	put_tables();
	for (unsigned int i = 0; i < 512; i++)
		put_entry(TABLES, i, TABLES | 1);
	vs_core__close(&core);
	open_ok();
	vs_paging__begin(&p, &core, TABLES, true, 0);
	assert_int_equal(vs_paging__find(&p, 0, &at, NULL), 0);
	assert_int_equal(at, TABLES);
}

/* -- ORC -- */

#define MEM 0x10000ull
#define CODE 0x4000000ull

static uint8_t memory[0x10000];
static struct vs_core_layout layout;

static int memory_read(void *ctx, uint64_t address, void *buf, size_t len)
{
	(void)ctx;
	if (address < MEM || address - MEM > sizeof(memory) - len)
		return -EFAULT;
	memcpy(buf, memory + (address - MEM), len);
	return 0;
}

static const struct vs_mem mem = { memory_read, NULL, NULL };

static bool is_code(void *ctx, uint64_t address)
{
	(void)ctx;
	return address >= CODE && address < CODE + 0x1000;
}

static bool is_skipped(void *ctx, uint64_t address)
{
	(void)ctx;
	return address < CODE + 0x10;
}

static bool whole;
static struct vs_orc orc = { .mem = &mem, .layout = &layout, .is_code = is_code, .is_skipped = is_skipped };

static void word(uint64_t at, uint64_t value)
{
	memcpy(memory + (at - MEM), &value, sizeof(value));
}

/* One entry for each 0x100 bytes of code. */
static void entry(int i, int16_t sp, int16_t bp, unsigned int bits)
{
	int32_t distance = (int32_t)(CODE + 0x100 * (uint64_t)i - (MEM + 4 * (uint64_t)i));
	uint16_t flags = (uint16_t)bits;

	memcpy(memory + 4 * i, &distance, 4);
	memcpy(memory + 0x100 + 6 * i, &sp, 2);
	memcpy(memory + 0x102 + 6 * i, &bp, 2);
	memcpy(memory + 0x104 + 6 * i, &flags, 2);
}

static void begin_orc(bool new)
{
	memset(memory, 0, sizeof(memory));
	memset(&layout, 0xff, sizeof(layout));
	layout.orc_size = 6;
	layout.orc_sp = 0;
	layout.orc_bp = 2;
	layout.regs_bp = 32;
	layout.regs_ip = 128;
	layout.regs_cs = 136;
	layout.regs_sp = 152;
	layout.orc_sp_reg = (struct vs_core_bits){ 32, 4 };
	layout.orc_bp_reg = (struct vs_core_bits){ 36, 4 };
	layout.orc_type = (struct vs_core_bits){ 40, new ? 3 : 2 };
	layout.orc_signal = (struct vs_core_bits){ 43, new };
	layout.orc_end = (struct vs_core_bits){ 42, !new };
	vs_orc__free(&orc);
}

#define NR 5

static const struct vs_orc_table table = { MEM, MEM + 0x100, NR, CODE, CODE + 0x500 };

static void end_orc(uint64_t function)
{
	entry(NR - 1, 8, 0, 0);
	assert_int_equal(vs_orc__add(&orc, &table), 0);
	vs_orc__sort(&orc);
	vs_orc__learn(&orc, function);
}

/* Three frames: by the stack pointer, by the frame pointer, the end. */
static void put_frames(void)
{
	word(MEM + 0x1018, CODE + 0x150);	/* who called the first, above its 3 words */
	word(MEM + 0x1040, MEM + 0x2000);	/* the saved frame pointer of the second */
	word(MEM + 0x1048, CODE + 0x250);
}

static const struct vs_orc_start start = { CODE + 0x50, MEM + 0x1000, MEM + 0x1040, false, MEM + 0x1000, MEM + 0x5000 };

static void check_frames(void)
{
	uint64_t frames[8];

	assert_int_equal(vs_orc__walk(&orc, &start, frames, 8, &whole), 3);
	assert_int_equal(frames[0], CODE + 0x50);
	assert_int_equal(frames[1], CODE + 0x150);
	assert_int_equal(frames[2], CODE + 0x250);
	assert_int_equal(vs_orc__walk(&orc, &start, frames, 2, &whole), 2);
}

static void orc_old(void **state)
{
	(void)state;
	begin_orc(false);
	entry(0, 0x20, 0, 5);
	entry(1, 0x10, -16, 4 | 1 << 4);
	entry(2, 0, 0, 1 << 10);
	entry(3, 8, 0, 5);
	end_orc(CODE + 0x300);
	put_frames();
	check_frames();
}

static void orc_new(void **state)
{
	(void)state;
	begin_orc(true);
	entry(0, 0x20, 0, 3 | 2 << 8);
	entry(1, 0x10, -16, 4 | 8 << 4 | 2 << 8);
	entry(2, 0, 0, 1 << 8);
	entry(3, 8, 0, 3 | 2 << 8);
	end_orc(CODE + 0x300);
	put_frames();
	check_frames();
}

/* An interrupt has saved all registers; where it came is no return address. */
static void orc_regs(void **state)
{
	uint64_t frames[8], regs = MEM + 0x1100;

	(void)state;
	begin_orc(false);
	entry(0, 0x100, 0, 5 | 1 << 8);
	entry(1, 0x20, 0, 5);
	entry(2, 0, 0, 1 << 10);
	entry(3, 8, 0, 5);
	end_orc(CODE + 0x300);
	word(regs + 128, CODE + 0x100);		/* the first byte of its function */
	word(regs + 136, 0x10);
	word(regs + 152, MEM + 0x2000);
	word(MEM + 0x2018, CODE + 0x250);
	assert_int_equal(vs_orc__walk(&orc, &start, frames, 8, &whole), 3);
	assert_int_equal(frames[1], CODE + 0x100);
	assert_int_equal(frames[2], CODE + 0x250);
	word(regs + 136, 0x33);			/* it came from user space */
	assert_int_equal(vs_orc__walk(&orc, &start, frames, 8, &whole), 1);
}

static void orc_hostile(void **state)
{
	uint64_t frames[600];

	(void)state;
	begin_orc(false);
	entry(0, 0, 0, 5);	/* a frame that never moves */
	entry(3, 8, 0, 5);
	end_orc(CODE + 0x300);
	word(MEM + 0x1000 - 8, CODE + 0x50);
	assert_int_equal(vs_orc__walk(&orc, &start, frames, 600, &whole), 1);
	begin_orc(false);
	entry(0, 8, 0, 15);	/* no such register */
	entry(3, 8, 0, 5);
	end_orc(CODE + 0x300);
	assert_int_equal(vs_orc__walk(&orc, &start, frames, 600, &whole), 1);
	begin_orc(false);
	entry(3, 8, 0, 12);	/* numbers that nobody knows: no stacks */
	end_orc(CODE + 0x300);
	assert_null(orc.numbers);
	assert_int_equal(vs_orc__walk(&orc, &start, frames, 600, &whole), 0);
	for (int i = 0; i < 3; i++) {
		struct vs_orc_table bad = table;

		bad.nr = i == 0 ? 1ull << 40 : bad.nr;
		bad.high = i == 1 ? bad.low : bad.high;
		bad.ips = i == 2 ? 0 : bad.ips;
		assert_int_equal(vs_orc__add(&orc, &bad), 0);
	}
	assert_int_equal(orc.nr_tables, 1);
	vs_orc__free(&orc);
}

/* The walk leaves the scheduler's own functions out, as the kernel's does. */
static void orc_skips(void **state)
{
	uint64_t frames[8];
	struct vs_orc_start in_scheduler = start;

	(void)state;
	orc_old(NULL);
	in_scheduler.ip = CODE + 0x8;
	assert_int_equal(vs_orc__walk(&orc, &in_scheduler, frames, 8, &whole), 2);
	assert_int_equal(frames[0], CODE + 0x150);
	vs_orc__free(&orc);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(elf_pages), TEST(elf_across_pages), TEST(elf_notes), TEST(elf_bad_notes), TEST(elf_many_headers),
		TEST(elf_refused), TEST(elf_cut_off),
		TEST(kdump_pages), TEST(kdump_zeros), TEST(kdump_damaged_pages), TEST(kdump_info), TEST(kdump_refused),
		TEST(stream), TEST(stream_cut_off), TEST(others),
		TEST(four_levels), TEST(five_levels), TEST(tables_in_a_circle),
		TEST(orc_old), TEST(orc_new), TEST(orc_regs), TEST(orc_hostile), TEST(orc_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
