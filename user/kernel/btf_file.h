/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's BTF is read from /sys/kernel/btf/vmlinux, or from the file that was given with
 * --btf. This is one setting for the whole program, made once, before anything reads.
 */
#ifndef VFIOSCOPE_BTF_FILE_H
#define VFIOSCOPE_BTF_FILE_H

#include <bpf/libbpf.h>
#include <limits.h>
#include <stdbool.h>

#define VS_BTF_VMLINUX "/sys/kernel/btf/vmlinux"

/*
 * Takes `path`, which must outlive all, instead of the kernel's own. 0; a negative
 * errno when it cannot be read, -EINVAL when it is no BTF, -EEXIST when one was given.
 */
int vs_btf_file__give(const char *path);

/* Returns the file that was given, or NULL. */
const char *vs_btf_file__given(void);

/* The path of the kernel's BTF below `root` ("" for the system); a given file has no root. */
const char *vs_btf_file__path(const char *root, char buf[PATH_MAX]);

/*
 * Returns true if the kernel has BTF of its own. Without it there is no fentry and no BTF-typed
 * tracepoint, whatever file is given: the kernel looks its own types up.
 */
bool vs_btf_file__in_kernel(const char *root);

/*
 * For libbpf's btf_custom_path: the given file; the kernel's own where this process
 * may not list the BTF of modules (that takes CAP_SYS_ADMIN, and libbpf 1.1 gives up without);
 * else NULL. `bpf_object_open_opts` to be used with skeletons.
 */
void vs_btf_file__open_opts(struct bpf_object_open_opts *opts);

#endif
