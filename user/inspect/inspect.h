/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The static verdict on a vfio.ko, a vmlinux, a vmlinuz or the running kernel, with
 * all that is shown of it. No privileges are needed for files. The input is not
 * trusted: whatever it is, memory and time stay bounded.
 */
#ifndef VFIOSCOPE_INSPECT_H
#define VFIOSCOPE_INSPECT_H

#include <limits.h>
#include <stdint.h>

#include "vfio/verdict.h"

enum vs_binary_kind {
	VS_BINARY_UNKNOWN = 0,
	VS_BINARY_MODULE,	/* relocatable */
	VS_BINARY_VMLINUX,	/* ELF, linked */
	VS_BINARY_VMLINUZ,	/* compressed, symbols from its kallsyms tables */
	VS_BINARY_RUNNING,	/* /proc/kallsyms and /proc/kcore */
};

/* "module", "vmlinux", "vmlinuz", "running" */
const char *vs_binary__name(enum vs_binary_kind kind);

/* A place in the code, with what debug information says about it. */
struct vs_place {
	char *where;		/* "vfio_group_put_bg+0x19", "" for the file as a whole */
	uint32_t section;	/* index in a module, 0 in a kernel */
	uint64_t addr;		/* bytes from the start of the section, or address */
	char *source;		/* "drivers/vfio/vfio.c:415", "" when not known */
	char *inlined;		/* "kref_put_mutex < vfio_group_put": inlined there, or "" */
};

struct vs_inspection_evidence {
	struct vs_place place;
	char *what, *why;
};

struct vs_inspection_site {
	struct vs_place place;
	enum vs_site_class class;
	bool inlined;		/* the operation itself */
	char *callee;		/* "" for a locked add */
};

struct vs_inspection_call {
	struct vs_place place;
	enum vs_ref_kind kind;
	char *target;
};

struct vs_inspection {
	char *path;		/* as given; "" for a running kernel with VFIO built in */
	enum vs_binary_kind kind;
	const char *compression; /* "none", "xz", "zstd", "gzip", "lz4", "bzip2", "lzma" */
	char machine[16];	/* "x86_64", "aarch64", "ppc64", "s390x", "other" */
	char release[128];	/* of the kernel, from vermagic or its banner; "" when not known */
	char build_id[65];	/* hex, "" when there is none */
	char srcversion[64];	/* of a module, "" when there is none */
	bool debug_info;	/* it was there and was read */
	bool running;		/* it is the running kernel's */

	enum vs_verdict verdict;
	enum vs_fix fix;	/* what the verdict rests on */
	char reason[200];	/* one sentence */
	char era[64];		/* "v4.13 to v5.15", "" when not known */
	bool has_vfio;		/* the core of VFIO is in it */
	bool has_notifier;
	char notes[4][200];	/* what limits the verdict, or its details */
	size_t nr_notes;

	struct vs_inspection_evidence *evidence;
	size_t nr_evidence;
	struct vs_inspection_site *sites;	/* where group references are taken and dropped */
	size_t nr_sites;
	struct vs_inspection_call *calls;	/* of the notifier */
	size_t nr_calls;

	char error[200];	/* words for the last failure, one line */
};

/*
 * Inspects a file. 0, or a negative errno with words in `error`: -ENOEXEC for what is
 * no module and no kernel, or damaged. After a failure only `error` and `path` are
 * set. Free in both cases.
 */
int vs_inspect__file(const char *path, struct vs_inspection *in);

/* Same from memory, not unpacked yet; `data` is not kept. */
int vs_inspect__bytes(const void *data, size_t len, struct vs_inspection *in);

/*
 * Inspects the running kernel below `root` ("" but for tests): the file of vfio.ko, checked against
 * what is loaded, or the kernel's memory when VFIO is built in. -ENOENT when this kernel has no
 * VFIO, -EPERM when its memory cannot be read.
 */
int vs_inspect__running(const char *root, struct vs_inspection *in);

void vs_inspection__free(struct vs_inspection *in);

#endif
