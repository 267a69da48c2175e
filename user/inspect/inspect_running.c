// SPDX-License-Identifier: GPL-2.0
/* The running kernel: the file of its vfio.ko, or its own memory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "inspect/inspect_priv.h"
#include "probe/kallsyms.h"
#include "probe/kmod.h"

#define MAX_SYMS	(1u << 21)
#define MAX_SEGMENTS	4096

/* ---- symbols ---- */

struct symbols {
	struct vs_ksym *syms;
	size_t nr;
	char *names;		/* one block: a symbol's name is its place there, until all are in */
	size_t len, room;
};

static void free_symbols(struct symbols *s)
{
	free(s->syms);
	free(s->names);
}

static int add_name(struct symbols *s, const char *name)
{
	size_t len = strlen(name) + 1;
	char *grown;

	if (s->len + len > s->room) {
		s->room = 2 * s->room + len + 4096;
		grown = realloc(s->names, s->room);
		if (!grown)
			return -ENOMEM;
		s->names = grown;
	}
	memcpy(s->names + s->len, name, len);
	s->len += len;
	return 0;
}

static int take_symbol(void *ctx, const struct vs_symbol *symbol)
{
	struct symbols *s = ctx;
	struct vs_ksym *grown;

	if (symbol->module[0] || !strchr("tTwW", symbol->type) || s->nr >= MAX_SYMS)
		return 0;
	if (!symbol->addr)
		return -EPERM;
	grown = vs_elf__grow(s->syms, s->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->syms = grown;
	s->syms[s->nr++] = (struct vs_ksym){ symbol->addr, symbol->type,
					     (const char *)(uintptr_t)s->len };
	return add_name(s, symbol->name);
}

static int read_symbols(const char *root, struct symbols *s)
{
	char path[PATH_MAX];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	err = vs_kallsyms__each(file, take_symbol, s);
	fclose(file);
	for (size_t i = 0; i < s->nr && !err; i++)
		s->syms[i].name = s->names + (uintptr_t)s->syms[i].name;
	return err;
}

/* ---- memory ---- */

struct kcore {
	int fd;
	GElf_Phdr *segments;
	size_t nr;
	char machine[16];
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

/* By hand: libelf would map what is as large as the address space. */
static int open_kcore(const char *root, struct kcore *kcore)
{
	Elf64_Ehdr ehdr;
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/proc/kcore", root);
	kcore->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (kcore->fd < 0)
		return -errno;
	err = read_exactly(kcore->fd, &ehdr, sizeof(ehdr), 0);
	if (err)
		return err;
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_phentsize != sizeof(Elf64_Phdr) || ehdr.e_phnum > MAX_SEGMENTS)
		return -ENOEXEC;
	snprintf(kcore->machine, sizeof(kcore->machine), "%s", machine_name(ehdr.e_machine));
	kcore->segments = calloc(ehdr.e_phnum + 1, sizeof(*kcore->segments));
	if (!kcore->segments)
		return -ENOMEM;
	kcore->nr = ehdr.e_phnum;
	return read_exactly(kcore->fd, kcore->segments, kcore->nr * sizeof(*kcore->segments),
			    ehdr.e_phoff);
}

static void close_kcore(struct kcore *kcore)
{
	if (kcore->fd >= 0)
		close(kcore->fd);
	free(kcore->segments);
}

static int read_kcore(void *ctx, uint64_t addr, void *buf, size_t len)
{
	const struct kcore *kcore = ctx;

	for (size_t i = 0; i < kcore->nr; i++) {
		const GElf_Phdr *seg = &kcore->segments[i];
		uint64_t off = addr - seg->p_vaddr;

		if (seg->p_type == PT_LOAD && addr >= seg->p_vaddr && off <= seg->p_filesz &&
		    len <= seg->p_filesz - off)
			return read_exactly(kcore->fd, buf, len, seg->p_offset + off);
	}
	return -EFAULT;
}

static int memory_error(struct vs_inspection *in, int err)
{
	if (err == -EPERM || err == -EACCES)
		return vs_inspect__fail(in, -EPERM, "VFIO is built in: /proc/kallsyms and /proc/kcore "
					"can be read by root only (kptr_restrict, lockdown)");
	if (err == -ENOENT)
		return vs_inspect__fail(in, err, "VFIO is built in, and this kernel has no /proc/kcore "
					"or /proc/kallsyms: give its vmlinux");
	return vs_inspect__fail(in, err, "cannot read the kernel's memory: %s", strerror(-err));
}

static int scan_memory(struct vs_kernel_text *text, struct vs_inspection *in)
{
	struct vs_code code;
	int err = vs_scan__kernel(text, &code);

	if (err)
		return memory_error(in, err);
	err = vs_inspect__code(&code, in);
	vs_code__free(&code);
	return err;
}

static int inspect_memory(const char *root, struct vs_inspection *in)
{
	struct kcore kcore = { .fd = -1 };
	struct symbols s = { 0 };
	int err = read_symbols(root, &s);

	if (!err)
		err = open_kcore(root, &kcore);
	if (err) {
		memory_error(in, err);
	} else {
		struct vs_kernel_text text = {
			.machine = kcore.machine, .syms = s.syms, .nr_syms = s.nr,
			.read = read_kcore, .ctx = &kcore,
		};

		in->kind = VS_BINARY_RUNNING;
		snprintf(in->machine, sizeof(in->machine), "%s", kcore.machine);
		err = scan_memory(&text, in);
	}
	close_kcore(&kcore);
	free_symbols(&s);
	return err;
}

/* ---- vfio.ko ---- */

/* The file can be of another build than what is loaded: after an upgrade of the package. */
static void check_loaded(const char *root, struct vs_inspection *in)
{
	char hex[VS_BUILD_ID_HEX];

	if (vs_kmod__running_build_id(root, "vfio", hex)) {
		vs_inspect__note(in, "the build-id of the loaded vfio cannot be read: this is of its file");
		return;
	}
	if (!strcmp(hex, in->build_id)) {
		vs_inspect__note(in, "the loaded vfio has the same build-id as its file");
		return;
	}
	vs_inspect__inconclusive(in, "the file is not what is loaded: its build-id differs (%.16s...)", hex);
}

static int inspect_module_file(const char *root, const char *release, bool loaded,
			       struct vs_inspection *in)
{
	char path[PATH_MAX];
	int err = vs_kmod__find(root, release, "vfio", path, sizeof(path));

	if (err)
		return vs_inspect__fail(in, err, "vfio is loaded, but there is no file of it for %.60s", release);
	free(in->path);
	err = vs_inspect__file(path, in);
	if (err)
		return err;
	if (loaded)
		check_loaded(root, in);
	else
		vs_inspect__note(in, "vfio is not loaded: this is what would be");
	return 0;
}

int vs_inspect__running(const char *root, struct vs_inspection *in)
{
	struct utsname uts;
	enum vs_kmod_state state;
	int err;

	memset(in, 0, sizeof(*in));
	in->compression = "none";
	in->path = strdup("");
	if (!in->path || uname(&uts))
		return vs_inspect__fail(in, -ENOMEM, "out of memory");
	state = vs_kmod__state(root, uts.release, "vfio");
	if (state == VS_KMOD_ABSENT)
		return vs_inspect__fail(in, -ENOENT,
					"the running kernel (%.60s) has no VFIO: no module, not built in",
					uts.release);
	err = state == VS_KMOD_BUILTIN ? inspect_memory(root, in) :
		inspect_module_file(root, uts.release, state == VS_KMOD_LOADED, in);
	in->running = true;
	if (!err && !in->release[0])
		snprintf(in->release, sizeof(in->release), "%s", uts.release);
	return err;
}
