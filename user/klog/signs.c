// SPDX-License-Identifier: GPL-2.0
#include "klog/signs.h"

#include <stddef.h>
#include <string.h>

/* The first match counts. */
static const struct {
	const char *begins;
	enum klog_sign sign;
} signs[] = {
	{ "WARNING: ", KLOG_SIGN_WARNS },		/* __warn(), lockdep: KERN_WARNING */
	{ "BUG: soft lockup", KLOG_SIGN_RUNS },		/* up to v4.18 */
	{ "BUG: workqueue lockup", KLOG_SIGN_RUNS },
	{ "BUG: unable to handle", KLOG_SIGN_KILLS },	/* x86 */
	{ "BUG: kernel NULL pointer", KLOG_SIGN_KILLS }, /* x86 from v5.0 on */
	{ "BUG: Unable to handle", KLOG_SIGN_KILLS },	/* ppc64 */
	{ "BUG: Kernel NULL pointer", KLOG_SIGN_KILLS },
	{ "BUG: ", KLOG_SIGN_WARNS },			/* KASAN, KCSAN, "scheduling while atomic" */
	{ "BUG ", KLOG_SIGN_WARNS },			/* SLUB */
	{ "[ BUG: ", KLOG_SIGN_WARNS },			/* lockdep */
	{ "watchdog: BUG: ", KLOG_SIGN_RUNS },		/* soft lockup */
	{ "kernel BUG at ", KLOG_SIGN_KILLS },
	{ "Kernel BUG at ", KLOG_SIGN_KILLS },
	{ "Oops: ", KLOG_SIGN_KILLS },
	{ "Oops [#", KLOG_SIGN_KILLS },			/* riscv */
	{ "general protection fault", KLOG_SIGN_KILLS },
	{ "segment-related general protection fault", KLOG_SIGN_KILLS },
	{ "Internal error: ", KLOG_SIGN_KILLS },	/* arm, arm64 */
	{ "Unable to handle kernel ", KLOG_SIGN_KILLS }, /* arm64, s390 */
	{ "addressing exception: ", KLOG_SIGN_KILLS },	/* s390, as all to "specification ..." */
	{ "data exception: ", KLOG_SIGN_KILLS },
	{ "execute exception: ", KLOG_SIGN_KILLS },
	{ "fixpoint divide exception: ", KLOG_SIGN_KILLS },
	{ "illegal operation: ", KLOG_SIGN_KILLS },
	{ "operand exception: ", KLOG_SIGN_KILLS },
	{ "privileged operation: ", KLOG_SIGN_KILLS },
	{ "specification exception: ", KLOG_SIGN_KILLS },
	{ "refcount_t: ", KLOG_SIGN_WARNS },
	{ "KASAN: ", KLOG_SIGN_WARNS },
	{ "UBSAN: ", KLOG_SIGN_WARNS },
};

enum klog_sign klog_sign__of(const char *words)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (!strncmp(words, signs[i].begins, strlen(signs[i].begins)))
			return signs[i].sign;
	return KLOG_SIGN_NONE;
}
