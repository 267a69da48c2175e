// SPDX-License-Identifier: GPL-2.0
/* What a watchpoint saw, decoded: bytes, registers and flags as real kernels have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "code/exact_decode.h"

#define COUNTER 0xffff888004a1c000ull
#define ELSEWHERE 0xffff888001234560ull

enum { AX, CX, DX, BX, SP, BP, SI, DI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, REST = 0x202 };

/* All registers point elsewhere; the code before is a filler that is no such instruction. */
static struct vs_trap trap_of(const char *code, size_t len)
{
	struct vs_trap trap = { .ip = 0xffffffff8148d839, .flags = REST, .nr_code = VS_CODE_LEN };

	for (int i = 0; i < VS_REGISTERS; i++)
		trap.registers[i] = ELSEWHERE + 8 * i;
	memset(trap.code, 0x90, sizeof(trap.code));
	memcpy(trap.code + VS_CODE_LEN - len, code, len);
	return trap;
}

#define TRAP(bytes) trap_of(bytes, sizeof(bytes) - 1)

static void expect(const struct vs_trap *trap, int direction, int32_t value)
{
	struct vs_write w = vs_write__decode(trap, COUNTER);

	assert_int_equal(w.kind, VS_WRITE_CHANGE);
	assert_true(w.has_value);
	assert_int_equal(w.direction, direction);
	assert_int_equal(w.value, value);
}

static void expect_kind(const struct vs_trap *trap, enum vs_write_kind kind)
{
	struct vs_write w = vs_write__decode(trap, COUNTER);

	assert_int_equal(w.kind, kind);
	assert_false(w.has_value);
}

static struct vs_trap xadd(struct vs_trap trap, int reg, uint32_t old, uint64_t flags)
{
	trap.registers[reg] = old;
	trap.flags = REST | flags;
	return trap;
}

/* 5.10 vfio.ko: mov $1,%eax; lock xadd %eax,(%rbx) */
#define GET_5_10 "\xb8\x01\x00\x00\x00\xf0\x0f\xc1\x03"

static void get_is_old_value_and_one(void **state)
{
	struct vs_trap trap = xadd(TRAP(GET_5_10), AX, 2, PF);	/* 2 + 1 = 3 */

	(void)state;
	trap.registers[BX] = COUNTER;
	expect(&trap, 1, 3);
	trap = xadd(trap, AX, 1, 0);				/* 1 + 1 = 2 */
	expect(&trap, 1, 2);
	trap = xadd(trap, AX, 15, AF);				/* 16: carry out of bit 3 */
	expect(&trap, 1, 16);
	trap = xadd(trap, AX, 0x7fffffff, PF | AF | SF | OF);
	expect(&trap, 1, INT32_MIN);
}

/* 5.10 lib/refcount.c: mov $-1,%eax; lock xadd %eax,(%rbx) */
static void put_is_told_by_the_flags(void **state)
{
	struct vs_trap trap = TRAP("\xb8\xff\xff\xff\xff\xf0\x0f\xc1\x03");

	(void)state;
	trap.registers[BX] = COUNTER;
	trap = xadd(trap, AX, 1, CF | PF | AF | ZF);		/* the last one */
	expect(&trap, -1, 0);
	trap = xadd(trap, AX, 3, CF | AF);			/* 2: one bit, odd parity */
	expect(&trap, -1, 2);
	trap = xadd(trap, AX, 0, PF | SF);			/* underflow */
	expect(&trap, -1, -1);
}

/* The addend need not stand before it, and 1 and -1 cannot be mixed up for any old value. */
#ifdef __x86_64__
static void every_small_count_is_told_both_ways(void **state)
{
	struct vs_trap trap = TRAP("\xf0\x0f\xc1\x03");

	(void)state;
	trap.registers[BX] = COUNTER;
	for (int64_t old = -70000; old < 70000; old++) {
		for (int added = -1; added <= 1; added += 2) {
			uint32_t value = (uint32_t)old;
			unsigned long flags;

			/* The processor itself is asked for its flags. */
			__asm__ volatile("addl %2, %0; pushfq; popq %1"
					 : "+r"(value), "=r"(flags) : "r"(added) : "cc");
			trap = xadd(trap, AX, (uint32_t)old, flags & 0x8d5);
			expect(&trap, added, (int32_t)value);
		}
	}
}

#else
static void every_small_count_is_told_both_ways(void **state)
{
	(void)state;
	skip();
}
#endif

static void other_addends_are_not_guessed(void **state)
{
	/* mov $5,%eax; lock xadd: 11 + 5 = 16 carries out of bit 3, 11 + 1 would not */
	struct vs_trap trap = TRAP("\xb8\x05\x00\x00\x00\xf0\x0f\xc1\x03");

	(void)state;
	trap.registers[BX] = COUNTER;
	trap = xadd(trap, AX, 11, AF);
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	/* 4 + 5 = 9 leaves the flags of 4 + 1, but the 5 is seen. */
	trap = xadd(trap, AX, 4, PF);
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	trap = xadd(TRAP("\xf0\x0f\xc1\x03"), AX, 2, OF);	/* no addition does that */
	trap.registers[BX] = COUNTER;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
}

static void all_forms_of_addresses(void **state)
{
	struct vs_trap trap;

	(void)state;
	trap = xadd(TRAP("\xf0\x41\x0f\xc1\x04\x24"), AX, 1, 0);	/* (%r12) */
	trap.registers[R12] = COUNTER;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x41\x0f\xc1\x45\x00"), AX, 1, 0);	/* 0x0(%r13) */
	trap.registers[R13] = COUNTER;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x0f\xc1\x87\x78\x03\x00\x00"), AX, 1, 0); /* 6.12: 0x378(%rdi) */
	trap.registers[DI] = COUNTER - 0x378;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x0f\xc1\x90\x58\x03\x00\x00"), DX, 1, 0); /* 6.1: %edx,0x358(%rax) */
	trap.registers[AX] = COUNTER - 0x358;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x0f\xc1\x47\xf8"), AX, 1, 0);	/* -0x8(%rdi) */
	trap.registers[DI] = COUNTER + 8;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x46\x0f\xc1\x44\xbb\x10"), R8, 1, 0); /* %r8d,0x10(%rbx,%r15,4) */
	trap.registers[BX] = COUNTER - 0x10 - 4 * 6;
	trap.registers[R15] = 6;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x0f\xc1\x05\x00\x10\x00\x00"), AX, 1, 0); /* 0x1000(%rip) */
	trap.ip = COUNTER - 0x1000;
	expect(&trap, 1, 2);
	trap = xadd(TRAP("\xf0\x0f\xc1\x04\x25\x00\xc0\xa1\x84"), AX, 1, 0); /* absolute */
	assert_int_equal(vs_write__decode(&trap, 0xffffffff84a1c000).value, 2);
}

/* A kernel that boots on one CPU has "ds" for "lock". */
static void lock_patched_out(void **state)
{
	struct vs_trap trap = xadd(TRAP("\xb8\x01\x00\x00\x00\x3e\x0f\xc1\x03"), AX, 1, 0);

	(void)state;
	trap.registers[BX] = COUNTER;
	expect(&trap, 1, 2);
	trap = TRAP("\x3e\x0f\xb1\x17");
	trap.registers[DI] = COUNTER;
	trap.registers[AX] = 2;
	trap.registers[DX] = 1;
	trap.flags = REST | ZF | PF;
	expect(&trap, -1, 1);
}

/* refcount_dec_not_one(): lea -0x1(%rax),%edx; cmp %eax,%edx; ja; lock cmpxchg %edx,(%rdi) */
#define DEC_NOT_ONE "\x8d\x50\xff\x39\xc2\x77\x17\xf0\x0f\xb1\x17"

static void exchange_that_succeeds_is_the_new_value(void **state)
{
	struct vs_trap trap = TRAP(DEC_NOT_ONE);

	(void)state;
	trap.registers[DI] = COUNTER;
	trap.registers[AX] = 3;
	trap.registers[DX] = 2;
	trap.flags = REST | ZF | PF;
	expect(&trap, -1, 2);
	/* refcount_inc_not_zero() of 6.x: lock cmpxchg %ecx,(%rdi) */
	trap = TRAP("\x8d\x4a\x01\x89\xd0\xf0\x0f\xb1\x0f");
	trap.registers[DI] = COUNTER;
	trap.registers[AX] = 1;
	trap.registers[CX] = 2;
	trap.flags = REST | ZF | PF;
	expect(&trap, 1, 2);
}

static void exchange_that_fails_is_no_change(void **state)
{
	struct vs_trap trap = TRAP(DEC_NOT_ONE);

	(void)state;
	trap.registers[DI] = COUNTER;
	trap.registers[AX] = 4;		/* what another CPU made of it */
	trap.registers[DX] = 2;
	trap.flags = REST | CF;
	expect_kind(&trap, VS_WRITE_NO_CHANGE);
}

static void set_is_what_was_set(void **state)
{
	struct vs_trap trap = TRAP("\xc7\x03\x01\x00\x00\x00");	/* movl $1,(%rbx): kref_init() */

	(void)state;
	trap.registers[BX] = COUNTER;
	expect(&trap, 0, 1);
	trap = TRAP("\x41\xc7\x85\x48\x03\x00\x00\x01\x00\x00\x00"); /* 6.1: 0x348(%r13) */
	trap.registers[R13] = COUNTER - 0x348;
	expect(&trap, 0, 1);
	trap = TRAP("\xc7\x07\x00\x00\x00\xc0");	/* saturated */
	trap.registers[DI] = COUNTER;
	expect(&trap, 0, (int32_t)0xc0000000);
	trap = TRAP("\x89\x03");		/* mov %eax,(%rbx) */
	trap.registers[BX] = COUNTER;
	trap.registers[AX] = 7;
	expect(&trap, 0, 7);
}

static void steps_give_a_direction(void **state)
{
	struct vs_trap trap = TRAP("\xf0\xff\x0b");	/* lock decl (%rbx) */
	struct vs_write w;

	(void)state;
	trap.registers[BX] = COUNTER;
	w = vs_write__decode(&trap, COUNTER);
	assert_int_equal(w.kind, VS_WRITE_CHANGE);
	assert_int_equal(w.direction, -1);
	assert_false(w.has_value);
	trap.flags = REST | ZF | PF;
	expect(&trap, -1, 0);
	trap = TRAP("\xf0\x41\xff\x44\x24\x08");	/* lock incl 0x8(%r12) */
	trap.registers[R12] = COUNTER - 8;
	assert_int_equal(vs_write__decode(&trap, COUNTER).direction, 1);
	trap = TRAP("\xf0\x83\x28\x02");		/* lock subl $2,(%rax) */
	trap.registers[AX] = COUNTER;
	assert_int_equal(vs_write__decode(&trap, COUNTER).direction, -1);
	trap = TRAP("\xf0\x81\x00\xff\xff\xff\xff");	/* lock addl $-1,(%rax) */
	trap.registers[AX] = COUNTER;
	assert_int_equal(vs_write__decode(&trap, COUNTER).direction, -1);
	trap = TRAP("\xf0\x29\x08");			/* lock sub %ecx,(%rax) */
	trap.registers[AX] = COUNTER;
	trap.registers[CX] = 1;
	assert_int_equal(vs_write__decode(&trap, COUNTER).direction, -1);
}

/* "44 89 03" is mov %r8d,(%rbx), or what ends in 44 and then mov %eax,(%rbx). */
static void two_readings_that_differ_are_unknown(void **state)
{
	struct vs_trap trap = TRAP("\x44\x89\x03");

	(void)state;
	trap.registers[BX] = COUNTER;
	trap.registers[AX] = 7;
	trap.registers[R8] = 1;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	trap.registers[AX] = 1;	/* both say the same */
	expect(&trap, 0, 1);
	/* The same with a lock in front cannot be read in two ways. */
	trap = xadd(TRAP("\xf0\x44\x0f\xc1\x03"), R8, 1, 0);
	trap.registers[BX] = COUNTER;
	trap.registers[AX] = 9;
	expect(&trap, 1, 2);
	/* A second reading within the displacement: %rbx is the counter, too. */
	trap = TRAP("\xc7\x85\x89\x03\x00\x00\x01\x00\x89\x03");
	trap.registers[BP] = COUNTER - 0x389;
	trap.registers[BX] = COUNTER;
	trap.registers[AX] = 5;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
}

static void what_is_elsewhere_does_not_count(void **state)
{
	struct vs_trap trap = xadd(TRAP(GET_5_10), AX, 2, PF);

	(void)state;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	/* With the REX byte left out this would be (%rsp). */
	trap = xadd(TRAP("\xf0\x41\x0f\xc1\x04\x24"), AX, 1, 0);
	trap.registers[SP] = COUNTER;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
}

static void what_is_not_understood_is_unknown(void **state)
{
	struct vs_trap trap = TRAP("\xf3\x48\xab");	/* rep stos: the memory was freed */

	(void)state;
	trap.registers[DI] = COUNTER;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	trap = TRAP("\xf0\x48\x0f\xc1\x03");		/* eight bytes */
	trap.registers[BX] = COUNTER;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	trap = TRAP("\x87\x03");			/* xchg: the new value is gone */
	trap.registers[BX] = COUNTER;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	/* lock xadd %eax,(%rax): where it wrote is gone. */
	trap = xadd(TRAP("\xf0\x0f\xc1\x00"), AX, 1, 0);
	expect_kind(&trap, VS_WRITE_UNKNOWN);
	trap = xadd(TRAP(GET_5_10), AX, 2, PF);
	trap.registers[BX] = COUNTER;
	trap.nr_code = 0;
	expect_kind(&trap, VS_WRITE_UNKNOWN);
}

/* Whatever the bytes are: no read outside of them (the sanitizers look on). */
static void any_bytes_are_survived(void **state)
{
	struct vs_trap trap = TRAP("\x90");
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		for (int j = 0; j < VS_CODE_LEN; j++) {
			seed = seed * 1664525 + 1013904223;
			trap.code[j] = (uint8_t)(seed >> 24);
		}
		vs_write__decode(&trap, COUNTER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_is_old_value_and_one),
		cmocka_unit_test(put_is_told_by_the_flags),
		cmocka_unit_test(every_small_count_is_told_both_ways),
		cmocka_unit_test(other_addends_are_not_guessed),
		cmocka_unit_test(all_forms_of_addresses),
		cmocka_unit_test(lock_patched_out),
		cmocka_unit_test(exchange_that_succeeds_is_the_new_value),
		cmocka_unit_test(exchange_that_fails_is_no_change),
		cmocka_unit_test(set_is_what_was_set),
		cmocka_unit_test(steps_give_a_direction),
		cmocka_unit_test(two_readings_that_differ_are_unknown),
		cmocka_unit_test(what_is_elsewhere_does_not_count),
		cmocka_unit_test(what_is_not_understood_is_unknown),
		cmocka_unit_test(any_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
