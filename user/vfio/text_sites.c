// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <string.h>

#include "code/decode.h"
#include "vfio/kmod_x86.h"
#include "vfio/text_sites.h"

#define INT3	0xcc
#define CALL_BYTES 5

/* The constants that registers hold where the sweep is, in the order of the text. */
struct regs {
	uint64_t value[16];
	uint32_t known;		/* a bit for each register */
};

static void learn(struct regs *regs, uint8_t reg, uint64_t value)
{
	regs->value[reg] = value;
	regs->known |= 1u << reg;
}

/* `lea sym(%rip),%rsi`, or another write of rsi that the decoder does not follow. */
static void follow_rsi(struct regs *regs, const uint8_t *p, const struct vs_insn *insn)
{
	if (insn->len == 7 && vs_x86__loads_rsi(p + 3, true))
		learn(regs, VS_X86_RSI, insn->target);
	else if (vs_x86__writes_rsi(p, p + insn->len))
		regs->known &= ~(1u << VS_X86_RSI);
}

/* After a jump away comes another path, of which nothing is known. */
static void follow(struct regs *regs, const uint8_t *p, const struct vs_insn *insn)
{
	if (insn->ends)
		regs->known = 0;
	else if (insn->kind == VS_INSN_CALL || insn->kind == VS_INSN_INDIRECT_CALL)
		regs->known &= ~VS_X86_CALLER_SAVED;
	else if (insn->constant)
		learn(regs, insn->reg, (uint64_t)(int64_t)insn->value);
	else
		follow_rsi(regs, p, insn);
}

static int tell_call(struct vs_text_sweep *sweep, size_t off, uint64_t target,
		     const struct regs *regs)
{
	struct vs_text_site found = {
		.site = { .kind = VS_SITE_CALL, .func_off = (uint32_t)off },
		.target = target,
	};

	if (regs->known >> VS_X86_RSI & 1)
		found.site.lock = regs->value[VS_X86_RSI];
	return sweep->site(sweep->ctx, &found);
}

/* The instruction after it is the site: there the register has the old value, or the new one. */
static int tell_locked(struct vs_text_sweep *sweep, size_t off, const struct vs_insn *insn,
		       enum vs_site_kind kind)
{
	const uint8_t *p = sweep->bytes + off;
	struct vs_text_site found = { .site = { .kind = kind } };
	size_t left = sweep->len - off;
	struct vs_x86_xadd x;

	if (insn->len >= left || !(kind == VS_SITE_LOCKED_EXCHANGE
				   ? vs_x86__locked_cmpxchg(p, left, &x)
				   : vs_x86__locked_xadd(p, left, &x)))
		return 0;
	found.site.func_off = (uint32_t)(off + insn->len);
	found.site.base_reg = x.base_reg;
	found.site.value_reg = x.value_reg;
	found.site.disp = x.disp;
	return sweep->site(sweep->ctx, &found);
}

static int tell_add(struct vs_text_sweep *sweep, size_t off, const struct vs_insn *insn,
		    struct regs *regs)
{
	uint32_t bit = 1u << insn->reg;
	bool drops = regs->known & bit && (int64_t)regs->value[insn->reg] < 0;

	regs->known &= ~bit;
	return tell_locked(sweep, off, insn, drops ? VS_SITE_LOCKED_SUB : VS_SITE_LOCKED_ADD);
}

static int take(struct vs_text_sweep *sweep, size_t off, const struct vs_insn *insn,
		struct regs *regs)
{
	int taken = 0;

	if (insn->locked_add)
		return tell_add(sweep, off, insn, regs);
	if (insn->locked_exchange)
		return tell_locked(sweep, off, insn, VS_SITE_LOCKED_EXCHANGE);
	if (insn->kind == VS_INSN_CALL)
		taken = tell_call(sweep, off, insn->target, regs);
	follow(regs, sweep->bytes + off, insn);
	return taken;
}

/*
 * A breakpoint of another tracer stands where an opcode stood. If that was the call of
 * something wanted, its four other bytes still say so. Otherwise the sweep goes on with
 * the next byte: x86 code is in step again after a few instructions, and the kernel
 * refuses probes that are not at one.
 */
static int pass_breakpoint(struct vs_text_sweep *sweep, size_t *off, struct regs *regs)
{
	const uint8_t *p = sweep->bytes + *off;
	int taken = 0;

	if (sweep->len - *off >= CALL_BYTES)
		taken = tell_call(sweep, *off, sweep->pc + *off + CALL_BYTES +
				  (uint64_t)(int64_t)vs_x86__s32(p + 1), regs);
	*off += taken > 0 ? CALL_BYTES : 1;
	sweep->unread += taken == 0;
	regs->known = 0;
	return taken;
}

/* int3 fills the text up to the next function, also after a call that does not return. */
static size_t code_bytes(const struct vs_text_sweep *sweep)
{
	size_t len = sweep->len;

	while (len && sweep->bytes[len - 1] == INT3)
		len--;
	return len;
}

int vs_text_sweep__run(struct vs_text_sweep *sweep)
{
	struct regs regs = { .known = 0 };
	bool padding = false;	/* after an end, an int3 is nobody's */
	size_t end = code_bytes(sweep);
	int err = 0;

	for (size_t off = 0; off < end && err >= 0;) {
		const uint8_t *p = sweep->bytes + off;
		struct vs_insn insn;

		if (*p == INT3 && !padding) {
			err = pass_breakpoint(sweep, &off, &regs);
			continue;
		}
		if (!vs_decode__x86(p, sweep->len - off, sweep->pc + off, &insn)) {
			sweep->unread++;
			off++;
			continue;
		}
		padding = insn.ends || (padding && *p == INT3);
		err = take(sweep, off, &insn, &regs);
		off += insn.len;
	}
	return err < 0 ? err : 0;
}
