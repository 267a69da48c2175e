/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads /proc of processes that may be stuck, and is not stuck with them: a child reads, and a
 * process that does not answer in time is left out. (cmdline takes the mmap lock of its process,
 * cgroup a mutex of the kernel, stack a lock against exec.)
 */
#ifndef VFIOSCOPE_WHY_PROC_H
#define VFIOSCOPE_WHY_PROC_H

#include <stddef.h>
#include <stdint.h>

#include "evidence/evidence.h"

/* A child calls it to write `size` bytes for item @i. Returns false to leave the item out. */
typedef bool (*vs_proc_read_fn)(void *ctx, size_t i, void *row);

/*
 * Calls @read for items 0 to nr - 1 in a child, a row of @size bytes each into @rows. answered[i]
 * is 1 if the row came, 0 if @read returned false, -1 if it did not return in 200 ms (5 s where the
 * child only has no CPU). After three of the latter the rest is left out, too. 0 or negative errno.
 */
int vs_proc__guarded(vs_proc_read_fn read, void *ctx, size_t nr, void *rows, size_t size,
		     signed char *answered);

/* The same, where an item may rightly take longer than 200 ms: @patience in ms. */
int vs_proc__guarded_for(int patience, vs_proc_read_fn read, void *ctx, size_t nr, void *rows, size_t size,
			 signed char *answered);

/* Says in e->words how many of @nr @what ("processes") did not answer or were left out. */
void vs_proc__say_unread(struct vs_evidence *e, const signed char *answered, size_t nr,
			 const char *what);

/*
 * Fills cmdline and cgroup of e->processes. no_cmdline[i]: a task of it sleeps
 * uninterruptibly, so its mmap lock is left alone.
 */
int vs_proc__describe(struct vs_evidence *e, const bool *no_cmdline);

/* What /proc/TID/stat tells. */
struct vs_proc_stat {
	uint32_t parent, flags;
	char state;
	char comm[VS_COMM_LEN];
	uint64_t start_ns;	/* CLOCK_BOOTTIME, in steps of a tick */
};

/* @root is prefixed to /proc in the next four. Returns false if there is no such task. */
bool vs_proc__stat(const char *root, uint32_t tid, struct vs_proc_stat *stat);

/* Since p was created, by @root/proc/uptime; 0 if that cannot be read. */
uint64_t vs_proc__age(const char *root, const struct vs_proc_stat *stat);

/* Fills in the names of the process p->tgid; a caller calls it in a child. Without @cmdline that one is left alone. */
void vs_proc__describe_one(const char *root, struct vs_ev_process *p, bool cmdline);

/*
 * Finds a process's open vhost devices and, with @vfio, files of VFIO; a caller calls it in a child. Returns
 * how many there are, of which the first @most are in @openers; or -EACCES.
 */
int vs_proc__open_files(const char *root, uint32_t tgid, bool vfio, struct vs_ev_opener *openers, int most);

/*
 * Takes the arguments of a process as the kernel has them, each with its NUL; there is one more NUL at @text[len].
 * The text is changed.
 */
void vs_proc__take_cmdline(struct vs_ev_process *p, char *text, size_t len);

/* Adds the numbers in a folder such as /proc to a malloc'ed array. 0 or -ENOMEM. */
int vs_proc__add_numbers(const char *path, uint32_t **numbers, size_t *nr);

/*
 * Adds e->openers: processes with a vhost device open and, with @vfio, with a file of VFIO, as
 * far as names of files tell.
 */
int vs_proc__find_open(struct vs_evidence *e, const uint32_t *tgids, size_t nr, bool vfio);

#endif
