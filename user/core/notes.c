// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/rows.h"
#include "core/file_priv.h"

#define MAX_NOTES (16u << 20)	/* bytes; a CPU takes some 800 */
#define MAX_INFO 65536		/* the kernel has one page of it */

/* struct elf_prstatus of x86_64: its registers, in the order of struct pt_regs. */
#define PRSTATUS_REGS 112
#define PRSTATUS_SIZE 336
#define REG_BP 4
#define REG_IP 16
#define REG_CS 17
#define REG_SP 19

/* QEMU's own note: version, size, 16 registers, rip, rflags, 10 segments of 24 bytes, cr0 to cr4. */
#define QEMU_CR3 (8 + 18 * 8 + 10 * 24 + 3 * 8)
#define QEMU_CR4 (QEMU_CR3 + 8)

static uint64_t align4(uint64_t n)
{
	return (n + 3) & ~(uint64_t)3;
}

static struct vs_core_cpu *add_cpu(struct vs_core *core)
{
	struct vs_core_cpu *cpu = vs_rows__add(&core->cpus, &core->nr_cpus, sizeof(*cpu));

	if (cpu)
		cpu->cr3 = cpu->cr4 = VS_CORE_NOT_KNOWN;
	return cpu;
}

static int take_registers(struct vs_core *core, const uint8_t *desc, uint32_t len)
{
	const uint8_t *regs = desc + PRSTATUS_REGS;
	struct vs_core_cpu *cpu;

	if (len < PRSTATUS_SIZE || core->nr_cpus == VS_CORE_MAX_CPUS)
		return 0;
	cpu = add_cpu(core);
	if (!cpu)
		return -ENOMEM;
	cpu->has_regs = true;
	cpu->bp = core_le64(regs + 8 * REG_BP);
	cpu->ip = core_le64(regs + 8 * REG_IP);
	cpu->sp = core_le64(regs + 8 * REG_SP);
	cpu->user = core_le64(regs + 8 * REG_CS) & 3;
	return 0;
}

/* They follow the notes of registers, in the same order. */
static void take_qemu(struct vs_core *core, const uint8_t *desc, uint32_t len, size_t *nr)
{
	struct vs_core_cpu *cpu = *nr < core->nr_cpus ? &core->cpus[*nr] : NULL;

	if (len < QEMU_CR4 + 8 || !cpu)
		return;
	cpu->cr3 = core_le64(desc + QEMU_CR3);
	cpu->cr4 = core_le64(desc + QEMU_CR4);
	++*nr;
}

static int keep_info(struct vs_core *core, const uint8_t *text, size_t len)
{
	if (core->info || !len)
		return 0;
	core->info = calloc(1, len + 1);
	if (!core->info)
		return -ENOMEM;
	memcpy(core->info, text, len);
	return 0;
}

int vs_core__take_info(struct vs_core *core, uint64_t at, uint64_t len)
{
	uint8_t *text;
	int err = 0;

	if (!len || len > MAX_INFO)
		return 0;
	text = malloc(len);
	if (!text)
		return -ENOMEM;
	if (!vs_core_bytes__read(&core->bytes, at, text, len))
		err = keep_info(core, text, len);
	free(text);
	return err;
}

static bool is_named(const uint8_t *name, uint32_t len, const char *wanted)
{
	size_t wanted_len = strlen(wanted);

	return len >= wanted_len && len <= wanted_len + 1 && !memcmp(name, wanted, wanted_len);
}

static int take_note(struct vs_core *core, const uint8_t *note, size_t *nr_qemu)
{
	uint32_t name_len = core_le32(note), len = core_le32(note + 4), type = core_le32(note + 8);
	const uint8_t *name = note + 12, *desc = name + align4(name_len);

	if (type == NT_PRSTATUS && is_named(name, name_len, "CORE"))
		return take_registers(core, desc, len);
	if (is_named(name, name_len, "QEMU"))
		take_qemu(core, desc, len, nr_qemu);
	else if (is_named(name, name_len, "VMCOREINFO") && len <= MAX_INFO)
		return keep_info(core, desc, len);
	return 0;
}

static int take_all(struct vs_core *core, const uint8_t *notes, uint64_t len)
{
	size_t nr_qemu = core->nr_cpus;
	uint64_t at = 0, size;
	int err = 0;

	for (; !err && len - at >= 12; at += size) {
		size = 12 + align4(core_le32(notes + at)) + align4(core_le32(notes + at + 4));
		if (size > len - at)
			break;
		err = take_note(core, notes + at, &nr_qemu);
	}
	return err;
}

int vs_core__take_notes(struct vs_core *core, uint64_t at, uint64_t len)
{
	uint8_t *notes;
	int err;

	if (!len || len > MAX_NOTES)
		return 0;
	notes = malloc(len);
	if (!notes)
		return -ENOMEM;
	err = vs_core_bytes__read(&core->bytes, at, notes, len) ? 0 : take_all(core, notes, len);
	free(notes);
	return err;
}
