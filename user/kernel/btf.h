/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BTF as the kernel has it (/sys/kernel/btf), walked from front to back without building anything:
 * libbpf's parser would cost a third of the time that vfioscope may take to start. A module's BTF
 * continues that of vmlinux.
 */
#ifndef VFIOSCOPE_BTF_H
#define VFIOSCOPE_BTF_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_btf;

/*
 * Reads and checks a file. `base`: the BTF that a module's continues, which must live longer; NULL
 * for vmlinux. NULL with errno: ENOENT, EINVAL, ENOMEM...
 */
struct vs_btf *vs_btf__read(const char *path, const struct vs_btf *base);
void vs_btf__free(struct vs_btf *btf);	/* NULL is fine */

/* The same for bytes in memory: takes over the malloc'ed `data`, also on failure. NULL with errno. */
struct vs_btf *vs_btf__of(void *data, size_t len, const struct vs_btf *base);

/*
 * Calls `each` for every type of this file until it returns nonzero, and returns that. Ends early
 * at an unknown kind: its length, and so the place of the next type, is unknown.
 */
int vs_btf__each(const struct vs_btf *btf,
		 int (*each)(void *ctx, const struct btf_type *type, const char *name), void *ctx);

/* Returns the name of a type or member; "" when it has none. */
const char *vs_btf__name(const struct vs_btf *btf, uint32_t name_off);

/*
 * Name of the type of a struct's own member, "" when it has none; NULL when there is no such
 * member. Walks from the front to the member's type, so call it rarely.
 */
const char *vs_btf__member_type(const struct vs_btf *btf, const struct btf_type *type,
				const char *member);

/*
 * Finds a member of a struct that has bitfields: its start and its width (0: no bitfield), in bits.
 * Returns false if there is none.
 */
bool vs_btf__field(const struct vs_btf *btf, const char *type, const char *member, unsigned int *at,
		   unsigned int *bits);

/* One member wanted of a struct; several questions go through BTF in one walk. */
struct vs_btf_query {
	const char *type;	/* of a struct, without "struct" */
	const char *member;	/* NULL: the size is wanted */
	int answer;		/* bytes from the start; negative: not answered yet */
};

/*
 * Answers the open queries that this file can answer, looking into anonymous members too. Of
 * several structs of one name the first that has the member counts.
 */
void vs_btf__query(const struct vs_btf *btf, struct vs_btf_query *queries, size_t nr);

#endif
