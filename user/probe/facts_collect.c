// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel/kallsyms.h"
#include "probe/facts.h"
#include "probe/facts_btf.h"
#include "vfio/hooks.h"

#define REALTIME "/sys/kernel/realtime"	/* of the PREEMPT_RT patches, then of the kernel */

static int read_line(const char *root, const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "re");
	if (!file)
		return -errno;
	if (!fgets(buf, size, file))
		buf[0] = '\0';
	fclose(file);
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static int read_knob(const char *root, const char *path)
{
	char line[64];

	return read_line(root, path, line, sizeof(line)) ? VS_UNKNOWN : atoi(line);
}

/* The active one of "none [integrity] confidentiality". */
static void read_lockdown(const char *root, struct vs_facts *facts)
{
	char line[128], *mode;

	if (read_line(root, "/sys/kernel/security/lockdown", line, sizeof(line)))
		return;
	mode = strchr(line, '[');
	if (!mode)
		return;
	mode++;
	mode[strcspn(mode, "]")] = '\0';
	snprintf(facts->lockdown, sizeof(facts->lockdown), "%.31s", mode);
}

/* Calls for each entry of a folder but "." and ".."; a missing folder is empty. */
static int each_entry(const char *root, const char *path,
		      int (*each)(void *ctx, const char *name), void *ctx)
{
	char full[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(full, sizeof(full), "%s%s", root, path);
	dir = opendir(full);
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = each(ctx, entry->d_name);
	closedir(dir);
	return err;
}

static int add_name(void *set, const char *name)
{
	return vs_names__add(set, name);
}

static int count_entry(void *count, const char *name)
{
	(void)name;
	++*(int *)count;
	return 0;
}

static bool has_capability(cap_t caps, cap_value_t cap)
{
	cap_flag_value_t value;

	return !cap_get_flag(caps, cap, CAP_EFFECTIVE, &value) && value == CAP_SET;
}

static void collect_capabilities(struct vs_facts *facts)
{
	cap_t caps = cap_get_proc();
	bool admin;

	if (!caps)
		return;
	admin = has_capability(caps, CAP_SYS_ADMIN);
	facts->cap_bpf = admin || has_capability(caps, CAP_BPF);
	facts->cap_perfmon = admin || has_capability(caps, CAP_PERFMON);
	facts->cap_syslog = has_capability(caps, CAP_SYSLOG);
	cap_free(caps);
}

static int collect_host(const char *root, struct vs_facts *facts)
{
	char line[64];
	int err;

	facts->kptr_restrict = read_knob(root, "/proc/sys/kernel/kptr_restrict");
	facts->perf_event_paranoid = read_knob(root, "/proc/sys/kernel/perf_event_paranoid");
	facts->ftrace_enabled = read_knob(root, "/proc/sys/kernel/ftrace_enabled");
	facts->unprivileged_bpf_disabled =
		read_knob(root, "/proc/sys/kernel/unprivileged_bpf_disabled");
	facts->realtime = read_knob(root, REALTIME);
	read_lockdown(root, facts);
	facts->kprobe_pmu = !read_line(root, "/sys/bus/event_source/devices/kprobe/type",
				       line, sizeof(line));
	facts->iommu_groups = 0;
	err = each_entry(root, "/sys/kernel/iommu_groups", count_entry, &facts->iommu_groups);
	if (err)
		facts->iommu_groups = VS_UNKNOWN;
	err = each_entry(root, "/sys/kernel/livepatch", add_name, &facts->livepatches);
	return err == -ENOMEM ? err : 0;
}

/* Functions of vfio.ko by name, where there is no file to read them from. */
static bool is_vfio_function(const struct vs_symbol *symbol)
{
	return strchr("tTwW", symbol->type) && vs_kmod__is_vfio_function(symbol->name);
}

static int add_symbol(void *ctx, const struct vs_symbol *symbol)
{
	struct vs_kmod *vfio = ctx;
	struct vs_kmod_func *grown;

	if (strcmp(symbol->module, "vfio") || !is_vfio_function(symbol))
		return 0;
	grown = realloc(vfio->funcs, (vfio->nr_funcs + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	vfio->funcs = grown;
	grown += vfio->nr_funcs;
	memset(grown, 0, sizeof(*grown));
	grown->name = strdup(symbol->name);
	grown->section = strdup("");
	grown->section_off = symbol->addr;
	vfio->nr_funcs++;
	return grown->name && grown->section ? 0 : -ENOMEM;
}

static int collect_symbols(const char *root, struct vs_facts *facts)
{
	char path[PATH_MAX];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "re");
	if (!file)
		return 0;
	err = vs_kallsyms__each(file, add_symbol, &facts->vfio);
	fclose(file);
	facts->addresses = facts->vfio.nr_funcs && facts->vfio.funcs[0].section_off;
	return err;
}

/* In place of a file there is the text as it is executed. */
static int collect_builtin(const char *root, struct vs_facts *facts)
{
	struct vs_kmod *vfio = &facts->vfio;
	int err = vs_kmod__read_builtin(root, vs_hook_callees, vfio);

	facts->vfio_file = !err;
	facts->addresses = vfio->nr_funcs && vfio->funcs[0].section_off;
	snprintf(facts->vfio_error, sizeof(facts->vfio_error), "%s", vfio->error);
	return err == -ENOMEM ? err : 0;
}

/* A struct vs_kmod that could not be read holds nothing but its error. */
static int collect_file(const char *root, struct vs_facts *facts)
{
	char path[PATH_MAX];
	int err;

	if (vs_kmod__find(root, facts->release, "vfio", path, sizeof(path))) {
		snprintf(facts->vfio_error, sizeof(facts->vfio_error),
			 "no vfio.ko in /lib/modules/%s", facts->release);
		return 0;
	}
	err = vs_kmod__read(path, vs_hook_callees, &facts->vfio);
	if (err) {
		snprintf(facts->vfio_error, sizeof(facts->vfio_error), "%.60s: %.130s", path,
			 facts->vfio.error);
		memset(&facts->vfio, 0, sizeof(facts->vfio));
		return err == -ENOMEM ? err : 0;
	}
	facts->vfio_file = true;
	return 0;
}

/* Believing the wrong file would put probes into the middle of nowhere. */
static void drop_wrong_file(struct vs_facts *facts)
{
	if (!facts->vfio_file || vs_facts__build_id_matches(facts))
		return;
	snprintf(facts->vfio_error, sizeof(facts->vfio_error),
		 "%.100s is not the loaded vfio: its build-id differs", facts->vfio.path);
	vs_kmod__free(&facts->vfio);
	memset(&facts->vfio, 0, sizeof(facts->vfio));
	facts->vfio_file = false;
}

static void collect_loaded(const char *root, struct vs_facts *facts)
{
	uint64_t addr;

	vs_kmod__running_build_id(root, "vfio", facts->running_build_id);
	facts->addresses = !vs_kmod__section_addr(root, "vfio", ".text", &addr);
}

/* A user other than root may see addresses, but not the files with those of the sections. */
static void look_for_addresses(const char *root, struct vs_facts *facts)
{
	uint64_t addr;

	for (size_t i = 0; i < facts->vfio.nr_funcs && !facts->addresses; i++) {
		const struct vs_kmod_func *func = &facts->vfio.funcs[i];

		if (strcmp(func->section, ".text") || strncmp(func->name, "vfio_", 5))
			continue;
		facts->addresses = !vs_kmod__section_by_symbol(root, "vfio", func, &addr);
		return;
	}
}

static void forget_vfio(struct vs_facts *facts)
{
	vs_kmod__free(&facts->vfio);
	memset(&facts->vfio, 0, sizeof(facts->vfio));
	facts->vfio_file = facts->addresses = false;
	facts->vfio_error[0] = facts->running_build_id[0] = '\0';
}

static int collect_vfio(const char *root, struct vs_facts *facts)
{
	int err = 0;

	facts->vfio_state = vs_kmod__state(root, facts->release, "vfio");
	if (facts->vfio_state == VS_KMOD_LOADED)
		collect_loaded(root, facts);
	if (facts->vfio_state == VS_KMOD_LOADED || facts->vfio_state == VS_KMOD_ON_DISK)
		err = collect_file(root, facts);
	else if (facts->vfio_state == VS_KMOD_BUILTIN)
		err = collect_builtin(root, facts);
	drop_wrong_file(facts);
	if (facts->vfio_state == VS_KMOD_LOADED && facts->vfio_file && !facts->addresses)
		look_for_addresses(root, facts);
	if (!err && !facts->vfio_file && facts->vfio_state == VS_KMOD_LOADED)
		err = collect_symbols(root, facts);
	return err;
}

/*
 * Returns true if the loaded build is the file that was read: then only the addresses are new,
 * which is fast.
 */
static bool is_known_build(const char *root, struct vs_facts *facts)
{
	char id[VS_BUILD_ID_HEX];

	return facts->vfio_file && facts->vfio.build_id[0] &&
	       vs_kmod__is_loaded(root, "vfio") &&
	       !vs_kmod__running_build_id(root, "vfio", id) && !strcmp(id, facts->vfio.build_id);
}

int vs_facts__collect_vfio(const char *root, struct vs_facts *facts)
{
	int err = 0;

	if (is_known_build(root, facts)) {
		facts->vfio_state = VS_KMOD_LOADED;
		collect_loaded(root, facts);
		if (!facts->addresses)
			look_for_addresses(root, facts);
	} else {
		forget_vfio(facts);
		err = collect_vfio(root, facts);
	}
	return err ? err : vs_facts__collect_module_btf(facts);
}

/* Does not ask /sys/module: the tracepoint module_free comes before the module leaves it. */
int vs_facts__vfio_unloaded(const char *root, struct vs_facts *facts)
{
	int err = 0;

	if (!facts->vfio_file) {
		forget_vfio(facts);
		err = collect_file(root, facts);
	}
	facts->vfio_state = facts->vfio_file ? VS_KMOD_ON_DISK : VS_KMOD_ABSENT;
	facts->addresses = false;
	facts->running_build_id[0] = '\0';
	return err;
}

int vs_facts__collect(const char *root, struct vs_facts *facts)
{
	struct utsname uts;
	int err;

	memset(facts, 0, sizeof(*facts));
	uname(&uts);
	snprintf(facts->release, sizeof(facts->release), "%s", uts.release);
	snprintf(facts->machine, sizeof(facts->machine), "%s", uts.machine);
	collect_capabilities(facts);
	err = collect_host(root, facts);
	if (!err)
		err = collect_vfio(root, facts);
	if (!err)
		err = vs_facts__collect_btf(facts);
	if (err)
		vs_facts__free(facts);
	return err;
}

bool vs_facts__ring_may_sleep_here(const char *root)
{
	struct vs_facts facts;
	bool may;

	if (read_knob(root, REALTIME) != 1)
		return false;
	if (vs_facts__collect(root, &facts))
		return true;
	may = vs_facts__ring_may_sleep(&facts);
	vs_facts__free(&facts);
	return may;
}
