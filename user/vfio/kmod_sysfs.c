// SPDX-License-Identifier: GPL-2.0
/* Finds a module: its file below /lib/modules, its state below /sys/module. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/kmod.h"
#include "vfio/kmod_priv.h"

#define MAX_MODULE_NAME 64	/* MODULE_NAME_LEN is 64 - sizeof(long) */

/* An unpacked package of a merged-/usr system has no /lib link. */
static const char *const module_dirs[] = { "/lib/modules", "/usr/lib/modules" };

#define for_each_module_dir(dir)						\
	for (dir = module_dirs;							\
	     dir < module_dirs + sizeof(module_dirs) / sizeof(*module_dirs); dir++)

__attribute__((format(printf, 3, 4)))
static int print_path(char *path, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(path, size, fmt, args);
	va_end(args);
	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

/* One component of a path, nothing that leads elsewhere. */
static bool is_component(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

static char underscore(char c)
{
	return c == '-' ? '_' : c;
}

/* "vfio.ko", "vfio.ko.xz", ... are files of module "vfio"; "-" and "_" are the same. */
static bool is_file_of(const char *base, size_t len, const char *name)
{
	static const char *const endings[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	size_t i = 0;

	while (i < len && name[i] && underscore(base[i]) == underscore(name[i]))
		i++;
	if (name[i])
		return false;
	for (size_t e = 0; e < sizeof(endings) / sizeof(endings[0]); e++)
		if (len - i == strlen(endings[e]) && !strncmp(base + i, endings[e], len - i))
			return true;
	return false;
}

/* Is `path`, `len` bytes long, a file of the module? */
static bool is_path_of(const char *path, size_t len, const char *name)
{
	size_t base = len;

	while (base > 0 && path[base - 1] != '/')
		base--;
	return is_file_of(path + base, len - base, name);
}

/* Finds the line of a modules.* file whose path (up to `end`) belongs to `name`. */
static int find_line(const char *list, const char *end, const char *name, char *found, size_t size)
{
	FILE *file = fopen(list, "re");
	int err = -ENOENT;
	char *line = NULL;
	size_t cap = 0;

	if (!file)
		return -errno;
	while (err == -ENOENT && getline(&line, &cap, file) > 0) {
		size_t len = strcspn(line, end);

		if (is_path_of(line, len, name))
			err = print_path(found, size, "%.*s", (int)len, line);
	}
	free(line);
	fclose(file);
	return err;
}

static int find_in_dep(const char *root, const char *dir, const char *release, const char *name,
		       char *path, size_t size)
{
	char list[PATH_MAX], found[PATH_MAX];
	int err;

	err = print_path(list, sizeof(list), "%s%s/%s/modules.dep", root, dir, release);
	if (!err)
		err = find_line(list, ":\n", name, found, sizeof(found));
	if (err)
		return err;
	if (found[0] == '/')
		err = print_path(path, size, "%s%s", root, found);
	else
		err = print_path(path, size, "%s%s/%s/%s", root, dir, release, found);
	if (err)
		return err;
	return access(path, F_OK) ? -errno : 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int find_in_tree(char *top, const char *name, char *path, size_t size)
{
	char *const tops[] = { top, NULL };
	FTS *fts = fts_open(tops, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	int err = -ENOENT;
	FTSENT *entry;

	if (!fts)
		return -errno;
	while (err == -ENOENT && (entry = fts_read(fts))) {
		if (entry->fts_info != FTS_F && entry->fts_info != FTS_SL)
			continue;
		if (is_file_of(entry->fts_name, entry->fts_namelen, name))
			err = print_path(path, size, "%s", entry->fts_path);
	}
	fts_close(fts);
	return err;
}

static int find_in_trees(const char *root, const char *dir, const char *release, const char *name,
			 char *path, size_t size)
{
	static const char *const trees[] = { "updates", "extra", "kernel" };
	char top[PATH_MAX];
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]) && err == -ENOENT; i++) {
		err = print_path(top, sizeof(top), "%s%s/%s/%s", root, dir, release, trees[i]);
		if (!err)
			err = find_in_tree(top, name, path, size);
	}
	return err;
}

int vs_kmod__find(const char *root, const char *release, const char *name,
		  char *path, size_t size)
{
	const char *const *dir;
	int err;

	if (!is_component(release) || !is_component(name))
		return -EINVAL;
	for_each_module_dir(dir) {
		err = find_in_dep(root, *dir, release, name, path, size);
		if (!err || err == -ENAMETOOLONG)
			return err;
	}
	for_each_module_dir(dir) {
		err = find_in_trees(root, *dir, release, name, path, size);
		if (!err || err == -ENAMETOOLONG)
			return err;
	}
	return -ENOENT;
}

/* <root>/sys/module/NAME and what follows; sysfs has "_" where a file name may have "-". */
static int module_path(const char *root, const char *name, const char *rest, char path[PATH_MAX])
{
	char module[MAX_MODULE_NAME];
	int err;

	if (!is_component(name))
		return -EINVAL;
	err = print_path(module, sizeof(module), "%s", name);
	if (err)
		return err;
	for (char *c = module; *c; c++)
		*c = underscore(*c);
	return print_path(path, PATH_MAX, "%s/sys/module/%s%s", root, module, rest);
}

static bool module_has(const char *root, const char *name, const char *rest)
{
	char path[PATH_MAX];

	return !module_path(root, name, rest, path) && !access(path, F_OK);
}

static bool is_listed_builtin(const char *root, const char *release, const char *name)
{
	char list[PATH_MAX], found[PATH_MAX];
	const char *const *dir;

	if (!is_component(release))
		return false;
	for_each_module_dir(dir)
		if (!print_path(list, sizeof(list), "%s%s/%s/modules.builtin", root, *dir,
				release) &&
		    !find_line(list, "\n", name, found, sizeof(found)))
			return true;
	return false;
}

bool vs_kmod__is_loaded(const char *root, const char *name)
{
	/* there from "coming" to "going"; built-in code has at most parameters/ */
	return module_has(root, name, "/initstate");
}

enum vs_kmod_state vs_kmod__state(const char *root, const char *release, const char *name)
{
	char path[PATH_MAX];

	if (vs_kmod__is_loaded(root, name))
		return VS_KMOD_LOADED;
	if (module_has(root, name, "") || is_listed_builtin(root, release, name))
		return VS_KMOD_BUILTIN;
	return vs_kmod__find(root, release, name, path, sizeof(path)) ? VS_KMOD_ABSENT :
									VS_KMOD_ON_DISK;
}

/* Reads at most `size` bytes; returns their number. */
static ssize_t read_module_file(const char *root, const char *name, const char *rest,
				void *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t got;
	int err, fd;

	err = module_path(root, name, rest, path);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	got = read(fd, buf, size);
	err = -errno;
	close(fd);
	return got < 0 ? err : got;
}

/* Length of the note at `bytes`, padding included; its id goes to `hex` if it is a build-id. */
static size_t note_build_id(const uint8_t *bytes, size_t len, char hex[VS_BUILD_ID_HEX])
{
	uint64_t desc, end;
	Elf64_Nhdr note;

	if (len < sizeof(note))
		return len;
	memcpy(&note, bytes, sizeof(note));
	desc = sizeof(note) + (((uint64_t)note.n_namesz + 3) & ~3ull);
	end = desc + (((uint64_t)note.n_descsz + 3) & ~3ull);
	if (end > len)
		return len;
	if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
	    !memcmp(bytes + sizeof(note), "GNU", 4))
		vs_kmod__hex(bytes + desc, note.n_descsz, hex);
	return end;
}

bool vs_kmod__is_going(const char *root, const char *name)
{
	char state[16];

	return read_module_file(root, name, "/initstate", state, sizeof(state)) >= 5 &&
	       !strncmp(state, "going", 5);
}

int vs_kmod__running_build_id(const char *root, const char *name, char hex[VS_BUILD_ID_HEX])
{
	uint8_t note[256];
	ssize_t len;

	hex[0] = '\0';
	len = read_module_file(root, name, "/notes/.note.gnu.build-id", note, sizeof(note));
	if (len < 0)
		return (int)len;
	for (size_t off = 0; off < (size_t)len && !hex[0];)
		off += note_build_id(note + off, (size_t)len - off, hex);
	return hex[0] ? 0 : -ENOENT;
}

static int parse_address(const char *text, uint64_t *addr)
{
	char *end;

	if (strncmp(text, "0x", 2))
		return -EINVAL;
	errno = 0;
	*addr = strtoull(text, &end, 16);
	if (errno || end == text + 2 || (*end && *end != '\n'))
		return -EINVAL;
	return *addr ? 0 : -EPERM;
}

int vs_kmod__section_addr(const char *root, const char *name, const char *section,
			  uint64_t *addr)
{
	char rest[PATH_MAX], text[32];
	ssize_t len;
	int err;

	*addr = 0;
	if (!is_component(section))
		return -EINVAL;
	err = print_path(rest, sizeof(rest), "/sections/%s", section);
	if (err)
		return err;
	len = read_module_file(root, name, rest, text, sizeof(text) - 1);
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	return parse_address(text, addr);
}

int vs_kmod__core_size(const char *root, const char *name, uint64_t *size)
{
	ssize_t len;
	char text[32], *end;

	*size = 0;
	len = read_module_file(root, name, "/coresize", text, sizeof(text) - 1);
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	errno = 0;
	*size = strtoull(text, &end, 10);
	return errno || end == text || *end != '\n' ? -EINVAL : 0;
}
