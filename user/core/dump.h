/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine as its dump shows it: kernel memory by virtual address, symbols as in /proc/kallsyms, where
 * members are, and all tasks with their stacks. The rows are those that the running kernel
 * gives, so all that walks and judges is the same.
 */
#ifndef VFIOSCOPE_CORE_DUMP_H
#define VFIOSCOPE_CORE_DUMP_H

#include "bpf/peek.h"
#include "bpf/stacks.h"
#include "core/image.h"
#include "core/layout.h"
#include "core/orc.h"
#include "kernel/kallsyms.h"
#include "kernel/mem.h"
#include "snapshot/layout.h"

struct vs_dump {
	struct vs_core core;
	struct vs_paging paging;	/* the kernel's */
	struct vs_mem mem;
	struct vs_core_image image;
	char release[80];
	char *kallsyms;		/* text, as of /proc/kallsyms */
	size_t kallsyms_len;
	struct vs_ksyms *ksyms;
	struct vs_snap_layout layout;
	struct vs_core_layout more;
	struct vs_orc orc;
	struct vs_stack_row *rows; /* by tid */
	size_t nr_rows;
	struct vs_task_row *tasks;
	size_t nr_tasks;
	uint64_t *running;	/* struct task_struct * of each CPU, 0: not known */
	size_t nr_running;
	uint64_t *torn;		/* struct task_struct * of tasks whose stacks were not walked to their end */
	size_t nr_torn;
	bool incomplete;	/* something is missing that may hide a hang: then no verdict is "all fine" */
	uint64_t now_ns;	/* the scheduler's clock when it was taken, as late as it is known */
	bool has_vfio;
	char words[300];	/* what could not be read, "" if nothing */
};

/*
 * @vmlinux: a file with the kernel's types (an ELF file with BTF) or its System.map, for dumps that lack them;
 * NULL: none. 0; negative errno with a sentence in `error`. Close it in either case.
 */
int vs_dump__open(const char *path, const char *vmlinux, struct vs_dump *d, char *error, size_t size);
void vs_dump__close(struct vs_dump *d);

#define VS_DUMP_ARGUMENTS 65536	/* bytes of one process that are looked at */

/*
 * The arguments of a process, each with its NUL, and one more at the end, from its own memory. Returns their length;
 * 0 where they are not in the dump.
 */
size_t vs_dump__cmdline(struct vs_dump *d, uint64_t mm, char *buf, size_t size);

/* The path of its control group (v2), or "". */
void vs_dump__cgroup(struct vs_dump *d, uint64_t task, char *buf, size_t size);

/* The last two names of an open file's path: "0000:00:05.0/remove", "/vhost-net". */
void vs_dump__file_name(struct vs_dump *d, uint64_t file, char *buf, size_t size);

#endif
