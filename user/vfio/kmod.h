/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads what a kernel module file says about VFIO group references: its functions,
 * the places where an inlined get or put sits, its build-id. The ELF file alone
 * is enough: no debug information, no privileges, nothing loaded. Any
 * architecture can be read (relocations are symbolic); get sites need an
 * instruction decoder and are found on x86-64 only.
 *
 * All functions return 0 or a negative errno; -ENOEXEC is "not a module that
 * can be read", with words in vs_kmod.error.
 */
#ifndef VFIOSCOPE_KMOD_H
#define VFIOSCOPE_KMOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/fix.h"

struct vs_text_image;

#define VS_BUILD_ID_HEX 65	/* 32 bytes in hex and NUL */

struct vs_kmod_func {
	char *name;		/* as in .symtab, suffixes (.isra.0) kept */
	char *section;		/* ".text", ".text.unlikely", ".init.text" ... */
	uint64_t section_off;	/* bytes from the start of that section */
	uint64_t size;		/* bytes */
};

enum vs_site_kind {
	VS_SITE_CALL = 1,	/* the call instruction of a named callee */
	VS_SITE_LOCKED_ADD,	/* the instruction after a `lock xadd` (refcount_inc) */
	VS_SITE_LOCKED_SUB,	/* the same of -1 (refcount_dec and its kind) */
	VS_SITE_LOCKED_EXCHANGE, /* after a `lock cmpxchg` (refcount_inc_not_zero) */
};

struct vs_kmod_site {
	enum vs_site_kind kind;
	uint32_t func;		/* index into vs_kmod.funcs */
	uint32_t func_off;	/* bytes from the function's start to the instruction to probe */
	char *callee;		/* VS_SITE_CALL: the symbol called; otherwise NULL */
	/*
	 * VS_SITE_CALL: identity of the second argument, where it is a link-time
	 * constant loaded by the nearest instruction before the call in the same
	 * function (`mov $sym+off,%rsi`): section index << 32 | addend. 0 when not
	 * known. All puts of one kind of object pass the same lock.
	 */
	uint64_t lock;
	/* VS_SITE_LOCKED_*: x86 register numbers (0 rax .. 15 r15) and displacement. */
	uint8_t base_reg;	/* the counter is at base_reg + disp */
	/*
	 * At the probed instruction it has the value from before the add; after an exchange that
	 * has succeeded (the zero flag is set), the new value.
	 */
	uint8_t value_reg;
	int32_t disp;
};

struct vs_kmod {
	char *path;		/* as given */
	const char *compression; /* "none", "xz", "zstd", "gzip" */
	char *machine;		/* "x86_64", "aarch64", "ppc64", "s390x", "other" */
	char build_id[VS_BUILD_ID_HEX]; /* hex, "" when there is none */
	struct vs_kmod_func *funcs;
	size_t nr_funcs;
	struct vs_kmod_site *sites;
	size_t nr_sites;
	bool followed;		/* from call to call: then `code` tells of the fix */
	struct vs_fix_facts code;
	struct vs_text_image *text; /* of the file, x86-64 (code/text_image.h), or NULL */
	char error[160];	/* words for the last failure, one line */
};

/*
 * Reads the module at `path` (.ko, .ko.xz, .ko.zst, .ko.gz; told apart by
 * content, not by name) into *kmod: all functions, every call to one of
 * `callees` (NULL-terminated), every locked change of a 32-bit counter.
 * On failure *kmod holds only `error` and needs no free.
 */
int vs_kmod__read(const char *path, const char *const *callees, struct vs_kmod *kmod);

/* Same from memory; `data` is not kept. */
int vs_kmod__parse(const void *data, size_t len, const char *const *callees,
		   struct vs_kmod *kmod);

/*
 * VFIO built into the running kernel: functions by name out of /proc/kallsyms (section "",
 * section_off is the address), sites by decoding their text in /proc/kcore (x86-64 only).
 * Without the text (-EPERM, -ENOENT, -ENOTSUP, words in kmod->error) there are still the
 * functions: *kmod has to be freed in any case. After success kmod->error may hold a
 * warning. `root` as below.
 */
int vs_kmod__read_builtin(const char *root, const char *const *callees, struct vs_kmod *kmod);

/*
 * Returns true if a function of that name is VFIO's, in a kernel image, where nothing else tells
 * them apart: "vfio_..." and "__vfio_...". It looks only at the start of `name`.
 */
bool vs_kmod__is_vfio_function(const char *name);

void vs_kmod__free(struct vs_kmod *kmod);

/* The function called exactly `name`, or NULL with errno ENOENT. */
const struct vs_kmod_func *vs_kmod__func(const struct vs_kmod *kmod, const char *name);

/*
 * Finds the file of module `name` ("vfio") of kernel `release`: through modules.dep of
 * /lib/modules/RELEASE, then the updates/, extra/ and kernel/ folders. `root` is prefixed to all
 * paths ("" for the running system). -ENOENT when there is none.
 */
int vs_kmod__find(const char *root, const char *release, const char *name,
		  char *path, size_t size);

enum vs_kmod_state {
	VS_KMOD_ABSENT = 0,	/* no such module on this system */
	VS_KMOD_ON_DISK,	/* there is a file, it is not loaded */
	VS_KMOD_LOADED,
	VS_KMOD_BUILTIN,	/* part of vmlinux: modules.builtin names it */
};

/* Asks /sys/module and /lib/modules; `release` as from uname. */
enum vs_kmod_state vs_kmod__state(const char *root, const char *release, const char *name);

/*
 * Returns true if module `name` is loaded ("coming" and "going" included); false when it is built
 * in. This is one access(2), so call it each second if you like: vs_kmod__state() of a module that
 * is not loaded reads modules.builtin and looks for a file in all of /lib/modules.
 */
bool vs_kmod__is_loaded(const char *root, const char *name);

/* Returns true if it is being unloaded: the kernel has said so, or is about to. */
bool vs_kmod__is_going(const char *root, const char *name);

/* Build-id of the loaded module, hex, from its sysfs note. -ENOENT, -EACCES. */
int vs_kmod__running_build_id(const char *root, const char *name, char hex[VS_BUILD_ID_HEX]);

/*
 * Load address of a section of the loaded module. -ENOENT; -EPERM when the
 * kernel shows zero (no CAP_SYSLOG, or kptr_restrict=2).
 */
int vs_kmod__section_addr(const char *root, const char *name, const char *section,
			  uint64_t *addr);

/*
 * The same from /proc/kallsyms, by one of the section's functions: only root can read sections/,
 * whatever capabilities another user has. Reads that whole file. -ENOENT; -EPERM when the kernel
 * hides addresses; -ENOTUNIQ when the module has several functions of that name.
 */
int vs_kmod__section_by_symbol(const char *root, const char *name,
			       const struct vs_kmod_func *func, uint64_t *addr);

/* Bytes of the loaded module, without what is freed after its init. -ENOENT, -EINVAL. */
int vs_kmod__core_size(const char *root, const char *name, uint64_t *size);

#endif
