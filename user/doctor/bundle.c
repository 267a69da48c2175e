// SPDX-License-Identifier: GPL-2.0
#include "doctor/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/text_file.h"
#include "base/version.h"
#include "code/unpack.h"
#include "vfio/kmod.h"

#define SCHEMA 1
#define MAX_GROUPS 4096
#define LARGEST_CONFIG (4 << 20)

/* First line of a small file, NULL when there is none; the caller frees it. */
static char *line_of(const char *root, const char *fmt, const char *a, const char *b)
{
	char rest[PATH_MAX], path[PATH_MAX + 256], *text;

	snprintf(rest, sizeof(rest), fmt, a, b);
	snprintf(path, sizeof(path), "%s%s", root, rest);
	text = vs_text_file__read(path);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

static void set_line(json_t *object, const char *key, char *line)
{
	if (line)
		json_object_set_new(object, key, vs_json_text__new(line, SIZE_MAX));
	free(line);
}

/* -- system -- */

static json_t *kernel(void)
{
	struct utsname uts;

	uname(&uts);
	/* This leaves out nodename and domainname: the bundle must not identify the host. */
	return json_pack("{s:o, s:o, s:s}", "release", vs_json_text__new(uts.release, SIZE_MAX),
			 "version", vs_json_text__new(uts.version, SIZE_MAX),
			 "machine", uts.machine);
}

/* These parameters (their beginnings) change what we can see; others may name hosts and disks. */
static const char *const parameters[] = {
	"amd_iommu", "crashkernel", "cgroup", "debug_pagealloc", "default_hugepagesz",
	"ftrace", "hugepages", "hugepagesz", "ibt=", "intel_iommu", "intremap", "iommu", "isolcpus", "kaslr", "kprobe",
	"kvm", "livepatch", "lockdown", "lsm=", "mitigations", "module.sig", "nmi_watchdog", "nohz",
	"nokaslr", "nosmt", "page_owner", "panic", "pci", "perf", "preempt", "rcu", "security=",
	"selinux", "apparmor", "slub_debug", "slab", "swiotlb", "trace", "tsc", "vfio", "workqueue",
};

static bool matters(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		if (len >= strlen(parameters[i]) &&
		    !strncmp(word, parameters[i], strlen(parameters[i])))
			return true;
	return false;
}

char *vs_bundle__cmdline(const char *cmdline)
{
	char *kept = calloc(1, strlen(cmdline) + 1), *to = kept;
	const char *at = cmdline;

	while (kept && *at) {
		size_t len = strcspn(at, " \n");

		if (len && matters(at, len))
			to += sprintf(to, "%s%.*s", to > kept ? " " : "", (int)len, at);
		at += len;
		at += strspn(at, " \n");
	}
	return kept;
}

static char *cmdline(const char *root)
{
	char *whole = line_of(root, "%s%s", "/proc/cmdline", ""), *kept;

	if (!whole)
		return NULL;
	kept = vs_bundle__cmdline(whole);
	free(whole);
	return kept;
}

static json_t *settings(const char *root)
{
	static const char *const names[] = {
		"kernel/kptr_restrict", "kernel/perf_event_paranoid", "kernel/ftrace_enabled",
		"kernel/unprivileged_bpf_disabled", "kernel/modules_disabled", "kernel/tainted",
		"kernel/dmesg_restrict", "kernel/hung_task_timeout_secs", "kernel/cap_last_cap",
		"kernel/bpf_stats_enabled", "kernel/yama/ptrace_scope", "net/core/bpf_jit_enable",
		"net/core/bpf_jit_harden", "net/core/bpf_jit_limit",
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		set_line(object, names[i], line_of(root, "/proc/sys/%s%s", names[i], ""));
	return object;
}

/* -- the kernel's configuration -- */

static bool is_wanted(const char *line, size_t len)
{
	static const char *const words[] = {
		"BPF", "BTF", "KPROBE", "FTRACE", "FPROBE", "VFIO", "IOMMU", "IOMMUFD", "KALLSYMS",
		"PERF_EVENTS", "LOCKDOWN", "MODULE_SIG", "KCORE", "HW_BREAKPOINT", "LIVEPATCH",
		"PREEMPT", "DEBUG_MUTEX", "LOCKDEP", "X86_KERNEL_IBT", "RETHUNK", "CFI", "CC_VERSION",
		"SECCOMP", "DETECT_HUNG", "WQ_WATCHDOG", "IKCONFIG", "STACKTRACE", "UNWINDER",
	};

	if (len < 8 || (strncmp(line, "CONFIG_", 7) && strncmp(line, "# CONFIG_", 9)))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(line, len, words[i], strlen(words[i])))
			return true;
	return false;
}

static json_t *wanted_lines(const char *text, size_t size)
{
	const char *at = text, *end = text + size;
	json_t *list = json_array();

	while (at < end) {
		size_t len = strnlen(at, end - at);
		const char *newline = memchr(at, '\n', len);

		len = newline ? (size_t)(newline - at) : len;
		if (is_wanted(at, len))
			json_array_append_new(list, vs_json_text__new(at, len));
		at += len + 1;
	}
	return list;
}

static json_t *config_from(const char *root, const char *fmt, const char *release)
{
	struct vs_unpack file = { .max = LARGEST_CONFIG }, out = { .max = LARGEST_CONFIG };
	char rest[PATH_MAX], path[PATH_MAX + 256];
	json_t *lines = NULL;

	snprintf(rest, sizeof(rest), fmt, release);
	snprintf(path, sizeof(path), "%s%s", root, rest);
	if (!vs_unpack__read(&file, path) && file.len) {
		if (!vs_unpack__packed_with(file.bytes, file.len))
			lines = wanted_lines((const char *)file.bytes, file.len);
		else if (!vs_unpack__bytes(&out, file.bytes, file.len))
			lines = wanted_lines((const char *)out.bytes, out.len);
	}
	vs_unpack__free(&out);
	vs_unpack__free(&file);
	return lines;
}

static json_t *config(const char *root)
{
	static const char *const places[] = {
		"/proc/config.gz%.0s", "/boot/config-%s", "/lib/modules/%s/config",
		"/usr/lib/modules/%s/config",
	};
	struct utsname uts;
	json_t *lines = NULL;

	uname(&uts);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !lines; i++)
		lines = config_from(root, places[i], uts.release);
	return lines ? lines : json_null();
}

/* -- modules -- */

static const char *const modules[] = {
	"vfio", "vfio_pci", "vfio_pci_core", "vfio_iommu_type1", "vfio_virqfd", "vfio_mdev", "mdev",
	"iommufd", "kvm", "kvm_intel", "kvm_amd", "mlx5_vfio_pci", "vfio_ap", "vfio_ccw",
};

static json_t *module(const char *root, const char *name)
{
	char *refs = line_of(root, "/sys/module/%s/%s", name, "refcnt");
	char build_id[VS_BUILD_ID_HEX];
	json_t *object;

	/* The module is built in, or not there. */
	if (!refs)
		return NULL;
	object = json_object();
	set_line(object, "users", refs);
	set_line(object, "srcversion", line_of(root, "/sys/module/%s/%s", name, "srcversion"));
	set_line(object, "version", line_of(root, "/sys/module/%s/%s", name, "version"));
	set_line(object, "taint", line_of(root, "/sys/module/%s/%s", name, "taint"));
	if (!vs_kmod__running_build_id(root, name, build_id))
		json_object_set_new(object, "build_id", json_string(build_id));
	return object;
}

static json_t *all_modules(const char *root)
{
	json_t *object = json_object(), *one;

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		one = module(root, modules[i]);
		if (one)
			json_object_set_new(object, modules[i], one);
	}
	return object;
}

/* -- IOMMU groups -- */

static char *driver_of(const char *root, const char *device)
{
	char path[PATH_MAX], target[PATH_MAX] = "", *name;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", root, device);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return NULL;
	name = strrchr(target, '/');
	return strdup(name ? name + 1 : target);
}

/* Mediated devices have UUIDs, which are names of guests: we count them and do not name them. */
static json_t *device(const char *root, const char *name)
{
	json_t *object = json_object();
	unsigned int domain, bus, slot, function;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) {
		json_object_set_new(object, "name", json_string("(not a PCI device)"));
		return object;
	}
	json_object_set_new(object, "name", vs_json_text__new(name, NAME_MAX));
	set_line(object, "vendor", line_of(root, "/sys/bus/pci/devices/%s/%s", name, "vendor"));
	set_line(object, "device", line_of(root, "/sys/bus/pci/devices/%s/%s", name, "device"));
	set_line(object, "class", line_of(root, "/sys/bus/pci/devices/%s/%s", name, "class"));
	set_line(object, "driver", driver_of(root, name));
	return object;
}

static json_t *group(const char *root, const char *number)
{
	json_t *devices = json_array(), *object = json_object();
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups/%s/devices", root, number);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			json_array_append_new(devices, device(root, entry->d_name));
	if (dir)
		closedir(dir);
	json_object_set_new(object, "group", json_integer(atoi(number)));
	set_line(object, "type", line_of(root, "/sys/kernel/iommu_groups/%s/%s", number, "type"));
	json_object_set_new(object, "devices", devices);
	return object;
}

static json_t *groups(const char *root)
{
	json_t *list = json_array();
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups", root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && json_array_size(list) < MAX_GROUPS)
			json_array_append_new(list, group(root, entry->d_name));
	if (dir)
		closedir(dir);
	return list;
}

/* -- all -- */

/* Functions that come from /proc/kallsyms have their address where others have an offset. */
static void hide_addresses(json_t *facts)
{
	json_t *funcs = json_object_get(json_object_get(facts, "vfio"), "funcs"), *func;
	size_t i;

	json_array_foreach(funcs, i, func) {
		const char *section = json_string_value(json_object_get(func, "section"));

		if (section && !section[0])
			json_object_set_new(func, "offset", json_integer(0));
	}
}

json_t *vs_bundle__make(const char *root, json_t *doctor, json_t *facts)
{
	json_t *bundle = json_pack("{s:s, s:i, s:s}", "type", "bundle", "schema", SCHEMA,
				   "version", VS_VERSION);

	if (!bundle || !doctor || !facts) {
		json_decref(bundle);
		json_decref(doctor);
		json_decref(facts);
		errno = ENOMEM;
		return NULL;
	}
	hide_addresses(facts);
	json_object_set_new(bundle, "kernel", kernel());
	set_line(bundle, "cmdline", cmdline(root));
	json_object_set_new(bundle, "settings", settings(root));
	json_object_set_new(bundle, "config", config(root));
	json_object_set_new(bundle, "modules", all_modules(root));
	json_object_set_new(bundle, "iommu_groups", groups(root));
	json_object_set_new(bundle, "doctor", doctor);
	json_object_set_new(bundle, "facts", facts);
	return bundle;
}
