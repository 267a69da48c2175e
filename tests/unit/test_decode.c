// SPDX-License-Identifier: GPL-2.0
/* Instructions: lengths and targets, as objdump has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "code/decode.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PC 0x1000

struct sample {
	const char *bytes;
	size_t len;
	enum vs_insn_kind kind;
	uint64_t target;
};

#define INSN(bytes, ...) { bytes, sizeof(bytes) - 1, __VA_ARGS__ }

static const struct sample x86[] = {
	INSN("\x90", VS_INSN_OTHER, 0),
	INSN("\xf3\x0f\x1e\xfa", VS_INSN_OTHER, 0),			/* endbr64 */
	INSN("\xe8\x10\x00\x00\x00", VS_INSN_CALL, PC + 5 + 16),
	INSN("\x2e\xe8\xfb\xff\xff\xff", VS_INSN_CALL, PC + 1),		/* cs call: padded */
	INSN("\xe9\xfb\xff\xff\xff", VS_INSN_JUMP, PC),
	INSN("\xeb\xfe", VS_INSN_JUMP, PC),
	INSN("\x74\x10", VS_INSN_JUMP, PC + 18),
	INSN("\x0f\x85\x00\x01\x00\x00", VS_INSN_JUMP, PC + 6 + 256),
	INSN("\xff\xd0", VS_INSN_INDIRECT_CALL, 0),			/* call *%rax */
	INSN("\xff\x15\x00\x00\x00\x00", VS_INSN_INDIRECT_CALL, 0),	/* call *(%rip) */
	INSN("\x41\xff\x54\x24\x08", VS_INSN_INDIRECT_CALL, 0),		/* call *8(%r12) */
	INSN("\x48\x8d\x35\x00\x01\x00\x00", VS_INSN_ADDRESS, PC + 7 + 256), /* lea (%rip),%rsi */
	INSN("\x48\xc7\xc6\x00\x00\x00\x81", VS_INSN_ADDRESS, 0xffffffff81000000ull),
	INSN("\x48\xc7\x40\x18\x10\x00\x00\x81", VS_INSN_ADDRESS, 0xffffffff81000010ull),
	INSN("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", VS_INSN_OTHER, 0),	/* movabs */
	INSN("\x66\xb8\x01\x02", VS_INSN_OTHER, 0),
	INSN("\x66\x81\x3c\x24\x01\x02", VS_INSN_OTHER, 0),		/* cmpw $,(%rsp) */
	INSN("\xf6\x05\x00\x00\x00\x00\x01", VS_INSN_ADDRESS, PC + 7),	/* testb $1,(%rip) */
	INSN("\xf7\xd8", VS_INSN_OTHER, 0),				/* neg */
	INSN("\xf7\xc7\x00\x01\x00\x00", VS_INSN_ADDRESS, 0x100),	/* test $,%edi */
	INSN("\xf0\x0f\xb1\x55\x00", VS_INSN_OTHER, 0),			/* lock cmpxchg */
	INSN("\x0f\x0b", VS_INSN_OTHER, 0),				/* ud2 */
	INSN("\x0f\x1f\x84\x00\x00\x00\x00\x00", VS_INSN_OTHER, 0),	/* nopl 8 */
	INSN("\x66\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", VS_INSN_OTHER, 0),
	INSN("\x65\x48\x8b\x04\x25\x28\x00\x00\x00", VS_INSN_OTHER, 0),	/* mov %gs:0x28,%rax */
	INSN("\xa1\x01\x02\x03\x04\x05\x06\x07\x08", VS_INSN_OTHER, 0),	/* movabs 0x..,%eax */
	INSN("\xc8\x01\x02\x03", VS_INSN_OTHER, 0),			/* enter */
	INSN("\x0f\x3a\x0f\xc1\x08", VS_INSN_OTHER, 0),			/* palignr */
	INSN("\x0f\x38\xf0\x07", VS_INSN_OTHER, 0),			/* movbe */
	INSN("\xc5\xf8\x77", VS_INSN_OTHER, 0),				/* vzeroupper */
	INSN("\xc4\xe2\xf8\xf7\xc1", VS_INSN_OTHER, 0),			/* bextr */
	INSN("\x62\xf1\x7c\x48\x28\x07", VS_INSN_OTHER, 0),		/* vmovaps (%rdi),%zmm0 */
};

static const struct sample aarch64[] = {
	INSN("\x04\x00\x00\x94", VS_INSN_CALL, PC + 16),
	INSN("\xff\xff\xff\x17", VS_INSN_JUMP, PC - 4),
	INSN("\x40\x00\x00\x54", VS_INSN_JUMP, PC + 8),			/* b.eq */
	INSN("\x40\x00\x00\xb4", VS_INSN_JUMP, PC + 8),			/* cbz */
	INSN("\x40\x00\x00\x37", VS_INSN_JUMP, PC + 8),			/* tbnz */
	INSN("\x20\x00\x3f\xd6", VS_INSN_INDIRECT_CALL, 0),		/* blr x1 */
	INSN("\x3f\x08\x3f\xd6", VS_INSN_INDIRECT_CALL, 0),		/* blraaz x1 */
	INSN("\x00\x00\x00\xb0", VS_INSN_PAGE, PC + 0x1000),		/* adrp x0 */
	INSN("\x00\x40\x04\x91", VS_INSN_PAGE_ADD, 0x110),		/* add x0,x0,#0x110 */
	INSN("\x20\x40\x04\x91", VS_INSN_OTHER, 0),			/* add x0,x1,#0x110 */
	INSN("\xc0\x03\x5f\xd6", VS_INSN_OTHER, 0),			/* ret */
};

static const struct sample ppc64[] = {
	INSN("\x11\x00\x00\x48", VS_INSN_CALL, PC + 16),
	INSN("\xfc\xff\xff\x4b", VS_INSN_JUMP, PC - 4),
	INSN("\x08\x00\x82\x41", VS_INSN_JUMP, PC + 8),			/* beq */
	INSN("\x21\x04\x80\x4e", VS_INSN_INDIRECT_CALL, 0),		/* bctrl */
	INSN("\x20\x00\x80\x4e", VS_INSN_OTHER, 0),			/* blr */
	INSN("\x00\x00\x10\x06\x00\x00\x60\x38", VS_INSN_OTHER, 0),	/* pla */
};

static const struct sample s390[] = {
	INSN("\xc0\xe5\x00\x00\x00\x08", VS_INSN_CALL, PC + 16),
	INSN("\xc0\xf4\xff\xff\xff\xfe", VS_INSN_JUMP, PC - 4),
	INSN("\xc0\x04\x00\x00\x00\x00", VS_INSN_OTHER, 0),		/* nop */
	INSN("\xc0\x20\x00\x00\x00\x08", VS_INSN_ADDRESS, PC + 16),	/* larl */
	INSN("\xa7\x84\x00\x04", VS_INSN_JUMP, PC + 8),			/* je */
	INSN("\x0d\xe1", VS_INSN_INDIRECT_CALL, 0),			/* basr */
	INSN("\x07\xfe", VS_INSN_OTHER, 0),				/* br %r14 */
	INSN("\xeb\x6f\xf0\x30\x00\x24", VS_INSN_OTHER, 0),		/* stmg */
};

static void check(vs_decoder decoder, const struct sample *samples, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct sample *s = &samples[i];
		uint8_t bytes[32];
		struct vs_insn insn;

		memset(bytes, 0xcc, sizeof(bytes));
		memcpy(bytes, s->bytes, s->len);
		if (!decoder(bytes, sizeof(bytes), PC, &insn) || insn.len != s->len ||
		    insn.kind != s->kind || (s->kind != VS_INSN_OTHER && insn.target != s->target))
			fail_msg("sample %zu: length %d of %zu, kind %d, target %llx", i, insn.len,
				 s->len, insn.kind, (unsigned long long)insn.target);
		for (size_t cut = 0; cut < s->len; cut++)
			assert_false(decoder(bytes, cut, PC, &insn) && insn.len > cut);
	}
}

static void test_samples(void **state)
{
	(void)state;
	check(vs_decode__for("x86_64"), x86, ARRAY_SIZE(x86));
	check(vs_decode__for("aarch64"), aarch64, ARRAY_SIZE(aarch64));
	check(vs_decode__for("ppc64"), ppc64, ARRAY_SIZE(ppc64));
	check(vs_decode__for("s390x"), s390, ARRAY_SIZE(s390));
	assert_null(vs_decode__for("other"));
}

/* mov $1,%eax; lock xadd %eax,(%rbx): the register and what is in it */
static void test_locked_add(void **state)
{
	static const uint8_t load[] = "\xb8\x01\x00\x00\x00", add[] = "\xf0\x0f\xc1\x03";
	static const uint8_t less[] = "\x41\x83\xcc\xff", high[] = "\xf0\x44\x0f\xc1\x23";
	struct vs_insn insn;

	(void)state;
	assert_true(vs_decode__x86(load, 5, PC, &insn));
	assert_true(insn.constant && insn.reg == 0 && insn.value == 1);
	assert_true(vs_decode__x86(add, 4, PC, &insn));
	assert_true(insn.locked_add && insn.reg == 0 && insn.len == 4);
	assert_true(vs_decode__x86(less, 4, PC, &insn));
	assert_true(insn.constant && insn.reg == 12 && insn.value == -1);
	assert_true(vs_decode__x86(high, 5, PC, &insn));
	assert_true(insn.locked_add && insn.reg == 12 && insn.len == 5);
}

static void test_no_instruction(void **state)
{
	static const char *const bad[] = { "\x06", "\x0f\x04", "\x62", "\xd5\x00", "\x0f\x0f" };
	struct vs_insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(vs_decode__x86((const uint8_t *)bad[i], strlen(bad[i]), PC, &insn));
	assert_false(vs_decode__x86((const uint8_t *)"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66"
				    "\x66\x66\x66\x90", 17, PC, &insn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_locked_add),
		cmocka_unit_test(test_no_instruction),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
