// SPDX-License-Identifier: GPL-2.0
#include "doctor/env.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/text_file.h"
#include "code/unpack.h"
#include "kernel/btf_file.h"
#include "privilege/caps.h"
#include "probe/text_check.h"
#include "vfio/hooks.h"

/* PROC_USER_INIT_INO, PROC_PID_INIT_INO: the first namespaces have fixed numbers (v3.8). */
#define FIRST_USER_NS "user:[4026531837]"
#define FIRST_PID_NS "pid:[4026531836]"
#define SRCVERSION "srcversion="
/* The memory of all maps and programs of trace, and some more for refs, which reads memory too. */
#define RING_BYTES (8 << 20)

static void print_path(char path[PATH_MAX], const char *root, const char *rest)
{
	snprintf(path, PATH_MAX, "%s%s", root, rest);
}

static int is_mounted(const char *root, const char *where, long magic)
{
	char path[PATH_MAX];
	struct statfs fs;

	print_path(path, root, where);
	return !statfs(path, &fs) && (unsigned long)fs.f_type == (unsigned long)magic;
}

static int opens(const char *root, const char *rest)
{
	char path[PATH_MAX];
	int fd;

	print_path(path, root, rest);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 1 : errno == ENOENT ? VS_UNKNOWN : 0;
}

static int exists(const char *root, const char *rest)
{
	char path[PATH_MAX];

	print_path(path, root, rest);
	return !access(path, F_OK);
}

/* One line, without its end; "" when there is none. */
static void read_line(const char *root, const char *rest, char *buf, size_t size)
{
	char path[PATH_MAX], *text;

	print_path(path, root, rest);
	text = vs_text_file__read(path);
	snprintf(buf, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
	free(text);
}

static int is_namespace(const char *root, const char *kind, const char *first)
{
	char path[PATH_MAX], rest[40], link[64] = "";

	snprintf(rest, sizeof(rest), "/proc/self/ns/%s", kind);
	print_path(path, root, rest);
	if (readlink(path, link, sizeof(link) - 1) < 0)
		return VS_UNKNOWN;
	return !strcmp(link, first);
}

/* "Seccomp:\t2" */
static int number_in(const char *status, const char *name)
{
	const char *at = status ? strstr(status, name) : NULL;

	return at ? atoi(at + strlen(name)) : VS_UNKNOWN;
}

static void collect_process(const char *root, struct vs_env *env)
{
	char path[PATH_MAX], *status;

	env->uid = geteuid();
	env->cap_last = vs_caps__last(root);
	env->caps = vs_caps__effective();
	env->user_ns_initial = is_namespace(root, "user", FIRST_USER_NS);
	env->pid_ns_initial = is_namespace(root, "pid", FIRST_PID_NS);
	print_path(path, root, "/proc/self/status");
	status = vs_text_file__read(path);
	env->seccomp = number_in(status, "\nSeccomp:");
	env->no_new_privs = number_in(status, "\nNoNewPrivs:");
	free(status);
}

static void collect_mounts(const char *root, struct vs_env *env)
{
	env->proc_mounted = is_mounted(root, "/proc", PROC_SUPER_MAGIC);
	env->sys_mounted = is_mounted(root, "/sys", SYSFS_MAGIC);
	env->debugfs_mounted = is_mounted(root, "/sys/kernel/debug", DEBUGFS_MAGIC);
	env->tracefs_mounted = is_mounted(root, "/sys/kernel/tracing", TRACEFS_MAGIC) ||
			       is_mounted(root, "/sys/kernel/debug/tracing", TRACEFS_MAGIC);
	env->kcore_readable = opens(root, "/proc/kcore");
	env->kernel_btf = exists(root, "/sys/kernel/btf/vmlinux");
}

static void collect_kprobes(const char *root, struct vs_env *env)
{
	char line[16];

	read_line(root, "/sys/kernel/debug/kprobes/enabled", line, sizeof(line));
	env->kprobes_enabled = line[0] ? atoi(line) : VS_UNKNOWN;
}

/* -- the module's file -- */

static void find_srcversion(const uint8_t *bytes, size_t len, char *buf, size_t size)
{
	const char *at = memmem(bytes, len, SRCVERSION, strlen(SRCVERSION));
	size_t room;

	if (!at)
		return;
	at += strlen(SRCVERSION);
	room = bytes + len - (const uint8_t *)at;
	snprintf(buf, size, "%.*s", (int)strnlen(at, room < size ? room : size - 1), at);
}

static void read_srcversion(const char *path, char *buf, size_t size)
{
	struct vs_unpack file = { .max = VS_UNPACK_MODULE }, out = { .max = VS_UNPACK_MODULE };

	if (!vs_unpack__read(&file, path)) {
		if (!vs_unpack__packed_with(file.bytes, file.len))
			find_srcversion(file.bytes, file.len, buf, size);
		else if (!vs_unpack__bytes(&out, file.bytes, file.len))
			find_srcversion(out.bytes, out.len, buf, size);
	}
	vs_unpack__free(&out);
	vs_unpack__free(&file);
}

/* Reads the build of the module's file, also of one that is not loaded, which the facts forget. */
static void read_other_file(const char *root, const struct vs_facts *facts, struct vs_env *env)
{
	char path[PATH_MAX];
	struct vs_kmod kmod;

	if (vs_kmod__find(root, facts->release, "vfio", path, sizeof(path)))
		return;
	read_srcversion(path, env->file_srcversion, sizeof(env->file_srcversion));
	if (facts->vfio_file) {
		snprintf(env->file_build_id, sizeof(env->file_build_id), "%s",
			 facts->vfio.build_id);
	} else if (!vs_kmod__read(path, vs_hook_callees, &kmod)) {
		snprintf(env->file_build_id, sizeof(env->file_build_id), "%s", kmod.build_id);
		vs_kmod__free(&kmod);
	}
}

static void collect_vfio(const char *root, const struct vs_facts *facts, struct vs_env *env)
{
	read_line(root, "/sys/module/vfio/srcversion", env->srcversion, sizeof(env->srcversion));
	if (facts->vfio_state == VS_KMOD_LOADED || facts->vfio_state == VS_KMOD_ON_DISK)
		read_other_file(root, facts, env);
}

/* The line NAME=value or NAME="value". */
static void read_os_field(const char *text, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) || line[len] != '=')
			continue;
		line += len + 1;
		line += strspn(line, "\"'");
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\"'\n"), line);
		return;
	}
}

/* os-release(5): the first one is most often a link to the second. */
static void collect_os(const char *root, struct vs_env *env)
{
	static const char *const files[] = { "/etc/os-release", "/usr/lib/os-release" };
	char path[PATH_MAX], *text = NULL;

	for (size_t i = 0; !text && i < sizeof(files) / sizeof(files[0]); i++) {
		print_path(path, root, files[i]);
		text = vs_text_file__read(path);
	}
	if (!text)
		return;
	read_os_field(text, "ID", env->os_id, sizeof(env->os_id));
	read_os_field(text, "ID_LIKE", env->os_like, sizeof(env->os_like));
	free(text);
}

static void compare_text(const char *root, const struct vs_facts *facts, struct vs_env *env)
{
	struct vs_text_check check;

	vs_text_check__run(root, facts, NULL, &check);
	env->text_as_file = check.state == VS_TEXT_AS_FILE ? 1
			    : check.state == VS_TEXT_CHANGED ? 0 : VS_UNKNOWN;
	env->text_bytes = check.bytes;
	snprintf(env->text_words, sizeof(env->text_words), "%s", check.words);
}

/* Facts alone have only these three capabilities. */
static uint64_t known_caps(const struct vs_facts *facts)
{
	return (facts->cap_bpf ? VS_CAP_BIT(CAP_BPF) : 0) |
	       (facts->cap_perfmon ? VS_CAP_BIT(CAP_PERFMON) : 0) |
	       (facts->cap_syslog ? VS_CAP_BIT(CAP_SYSLOG) : 0);
}

void vs_env__unknown(const struct vs_facts *facts, struct vs_env *env)
{
	memset(env, 0, sizeof(*env));
	env->uid = env->cap_last = env->user_ns_initial = env->pid_ns_initial = VS_UNKNOWN;
	env->seccomp = env->no_new_privs = env->memlock_hard = VS_UNKNOWN;
	env->memlock_charged = env->memlock_raised = VS_UNKNOWN;
	env->proc_mounted = env->sys_mounted = env->debugfs_mounted = VS_UNKNOWN;
	env->tracefs_mounted = env->kcore_readable = VS_UNKNOWN;
	env->kprobes_enabled = env->text_as_file = VS_UNKNOWN;
	env->bpf_call = -EINVAL;
	env->fentry = VS_NOT_TRIED;
	env->debug_registers = -ENODATA;
	env->kernel_btf = facts->vmlinux_btf;
	env->caps = known_caps(facts);
}

void vs_env__collect(const char *root, const struct vs_facts *facts, struct vs_env *env)
{
	memset(env, 0, sizeof(*env));
	env->ring_bytes = RING_BYTES;
	snprintf(env->btf_file, sizeof(env->btf_file), "%.127s",
		 vs_btf_file__given() ? vs_btf_file__given() : "");
	collect_process(root, env);
	collect_mounts(root, env);
	collect_kprobes(root, env);
	collect_os(root, env);
	collect_vfio(root, facts, env);
	compare_text(root, facts, env);
	vs_env__try(facts, env);
}
