// SPDX-License-Identifier: GPL-2.0
/* Parses by hand: libelf would map a file as large as the address space. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/kcore.h"

#define MAX_SEGMENTS	4096

struct vs_kcore {
	int fd;
	Elf64_Phdr *segments;
	size_t nr;
	const char *machine;
};

static const char *machine_name(uint16_t machine)
{
	return machine == EM_X86_64 ? "x86_64" : machine == EM_AARCH64 ? "aarch64" : "other";
}

static int read_exactly(int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t got = pread(fd, buf, len, (off_t)off);

	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EFAULT;
}

static int read_segments(struct vs_kcore *kcore)
{
	Elf64_Ehdr ehdr;
	int err = read_exactly(kcore->fd, &ehdr, sizeof(ehdr), 0);

	if (err)
		return err;
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_phentsize != sizeof(Elf64_Phdr) || ehdr.e_phnum > MAX_SEGMENTS)
		return -ENOEXEC;
	kcore->machine = machine_name(ehdr.e_machine);
	kcore->segments = calloc(ehdr.e_phnum + 1, sizeof(*kcore->segments));
	if (!kcore->segments)
		return -ENOMEM;
	kcore->nr = ehdr.e_phnum;
	return read_exactly(kcore->fd, kcore->segments, kcore->nr * sizeof(*kcore->segments),
			    ehdr.e_phoff);
}

struct vs_kcore *vs_kcore__open(const char *root)
{
	struct vs_kcore *kcore = calloc(1, sizeof(*kcore));
	char path[PATH_MAX];
	int err;

	if (!kcore)
		return NULL;
	snprintf(path, sizeof(path), "%s/proc/kcore", root);
	kcore->fd = open(path, O_RDONLY | O_CLOEXEC);
	err = kcore->fd < 0 ? -errno : read_segments(kcore);
	if (!err)
		return kcore;
	vs_kcore__free(kcore);
	errno = -err;
	return NULL;
}

void vs_kcore__free(struct vs_kcore *kcore)
{
	if (!kcore)
		return;
	if (kcore->fd >= 0)
		close(kcore->fd);
	free(kcore->segments);
	free(kcore);
}

const char *vs_kcore__machine(const struct vs_kcore *kcore)
{
	return kcore->machine;
}

int vs_kcore__read(const struct vs_kcore *kcore, uint64_t addr, void *buf, size_t len)
{
	for (size_t i = 0; i < kcore->nr; i++) {
		const Elf64_Phdr *seg = &kcore->segments[i];
		uint64_t off = addr - seg->p_vaddr;

		if (seg->p_type == PT_LOAD && addr >= seg->p_vaddr && off <= seg->p_filesz &&
		    len <= seg->p_filesz - off)
			return read_exactly(kcore->fd, buf, len, seg->p_offset + off);
	}
	return -EFAULT;
}
