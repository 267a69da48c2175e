/* SPDX-License-Identifier: GPL-2.0 */
/* Turns kernel addresses into names and back, by reading /proc/kallsyms once; tells what a frame means. */
#ifndef VFIOSCOPE_WHY_NAMES_H
#define VFIOSCOPE_WHY_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "event/view.h"

/* The name of a frame tells what the task is inside of. */
enum vs_frame_flag {
	VS_FRAME_VFIO = 1,	/* VFIO's own code */
	VS_FRAME_CHAIN = 2,	/* changes a blocking notifier chain */
	VS_FRAME_CALL = 4,	/* calls one */
	VS_FRAME_DRIVER = 8,	/* the driver core binds or unbinds */
	VS_FRAME_RWSEM = 16,	/* asks for one; only up to v5.18 */
	VS_FRAME_SEMAPHORE = 32, /* the same */
	VS_FRAME_LOCK = 64,	/* of a lock's own code, where the kernel shows it: PREEMPT_RT */
	VS_FRAME_IOMMUFD = 128,	/* iommufd's own code; v6.2 and later */
};

unsigned int vs_frame__flags(const char *frame);

struct vs_why_names;

/* Returns NULL with errno if it fails: EPERM if addresses are hidden. */
struct vs_why_names *vs_why_names__read(void);

/* Does the same with a text like /proc/kallsyms, which is @len bytes long. */
struct vs_why_names *vs_why_names__of_text(const char *text, size_t len);
void vs_why_names__free(struct vs_why_names *n);	/* NULL is fine */

struct vs_why_name {
	uint64_t address;
	unsigned int flags;	/* enum vs_frame_flag */
	char text[VS_SITE_LEN];	/* "symbol+0x1 [module]", or "0x..." */
};

/* Kept from one call to the next; valid until n is freed. Never NULL but without memory. */
const struct vs_why_name *vs_why_names__of(struct vs_why_names *n, uint64_t address);

/* Returns true if it is in a function. */
bool vs_why_names__is_code(const struct vs_why_names *n, uint64_t address);

/* Returns the address of a symbol that the collector starts from; 0 if the kernel has none of this name. */
enum vs_why_symbol { VS_SYM_NOTIFIER, VS_SYM_PUT_BG, VS_SYM_SYSTEM_WQ, VS_SYM_DIRECT_MAP, VS_SYM_FPUT,
		     VS_SYM_WORK_RUN, VS_SYM_PUT_FILES, VS_SYM_SOCK_CLOSE, VS_SYM_RING_RELEASE, VS_SYMS };
uint64_t vs_why_names__symbol(const struct vs_why_names *n, enum vs_why_symbol symbol);

/* Returns the part with most of its code, if the compiler has split that function; 0 if it has not. */
uint64_t vs_why_names__part(const struct vs_why_names *n, enum vs_why_symbol symbol);

#endif
