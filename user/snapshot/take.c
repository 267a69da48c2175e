// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "kernel/peek.h"
#include "snapshot/layout.h"
#include "snapshot/snapshot.h"
#include "snapshot/symbols.h"
#include "snapshot/sysfs.h"
#include "snapshot/walk.h"

#define INIT_PID_NAMESPACE 0xEFFFFFFCu	/* PROC_PID_INIT_INO, v3.8 and later */

struct vs_snapper {
	struct vs_snapshot_opts opts;
	const struct vs_snap_machine *machine; /* NULL: the running one */
	const char *root;
	/* Kept from one snapshot to the next, as long as vfio.ko stays. */
	struct vs_peek *peek;
	struct vs_mem mem;
	struct vs_snap_layout layout;
	bool has_layout;
	uint64_t vfio;		/* struct module * that the layout is of, 0 built in */
	uint64_t iommu_groups;	/* as in the symbols: the kernel's own do not move */
	/* The rest belongs to one snapshot. */
	struct vs_snapshot *s;
	struct vs_snap_symbols symbols;
	struct vs_snap_far far;
	struct vs_walk walk;
	struct vs_file_kinds *kinds;
	struct vs_task_row *tasks;
	size_t nr_tasks;
};

__attribute__((format(printf, 2, 3)))
static void say(struct vs_snapshot *s, const char *format, ...)
{
	size_t used = strlen(s->words);
	va_list args;

	if (used && used < sizeof(s->words) - 3)
		used += sprintf(s->words + used, "; ");
	va_start(args, format);
	vsnprintf(s->words + used, sizeof(s->words) - used, format, args);
	va_end(args);
}

/* Returns the address of a loaded module's struct module; 0 if the module is built in. */
static uint64_t module_address(const char *root, const char *name)
{
	char path[PATH_MAX];
	uint64_t address = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/module/%s/sections/.gnu.linkonce.this_module", root,
		 name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%" SCNx64, &address) != 1)
		address = 0;
	fclose(file);
	return address;
}

static int read_module(struct vs_snapper *t, const char *name)
{
	uint64_t module = module_address(t->root, name);

	return module ? vs_snap_symbols__of_module(&t->mem, &t->layout, module, &t->symbols)
		      : -ENOENT;
}

static int read_kallsyms(struct vs_snapper *t)
{
	char path[PATH_MAX];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", t->root);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	memset(&t->symbols, 0, sizeof(t->symbols));
	err = vs_snap_symbols__read(file, &t->symbols);
	fclose(file);
	return err;
}

/* Neither modules nor symbols change in a dump. */
static int read_machine_symbols(struct vs_snapper *t)
{
	FILE *file = fmemopen((void *)t->machine->kallsyms, t->machine->kallsyms_len, "r");
	int err;

	if (!file)
		return -errno;
	memset(&t->symbols, 0, sizeof(t->symbols));
	err = vs_snap_symbols__read(file, &t->symbols);
	fclose(file);
	return err;
}

static bool has_vfio(const struct vs_snapper *t)
{
	return t->machine ? t->machine->has_vfio : vs_sysfs__has_vfio(t->root);
}

/* Each time anew, as vfio.ko may have been loaded again elsewhere; what is built in stays. */
static int read_running_symbols(struct vs_snapper *t)
{
	int err = 0;

	if (!t->symbols.built_in) {
		memset(&t->symbols, 0, sizeof(t->symbols));
		t->symbols.iommu_groups = t->iommu_groups;
		if (read_module(t, "vfio") || !vs_snap_symbols__have_vfio(&t->symbols) ||
		    (!t->iommu_groups && vs_snap_layout__has_no_groups(&t->layout)))
			err = read_kallsyms(t);
		t->iommu_groups = t->symbols.iommu_groups;
	}
	read_module(t, "kvm");
	read_module(t, "iommufd");
	return err;
}

static int read_symbols(struct vs_snapper *t)
{
	int err = t->machine ? read_machine_symbols(t) : read_running_symbols(t);

	t->symbols.release[VS_FILE_SOCKET] = t->far.sock_close;
	t->symbols.release[VS_FILE_RING] = t->far.uring_release;
	return err;
}

static void say_nothing_seen(struct vs_snapshot *s, const char *why)
{
	say(s, "files, counters and mappings not looked at: %s", why);
}

static int say_layout(struct vs_snapshot *s, int err)
{
	if (err == -ENOENT)
		say_nothing_seen(s, "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
	else if (err == -ENOTSUP)
		say_nothing_seen(s, "no BTF describes VFIO, and this kernel's locks have another "
				 "size");
	else if (err && err != -ENOMEM)
		say_nothing_seen(s, strerror(-err));
	return err;
}

static int get_layout(struct vs_snapper *t)
{
	uint64_t vfio = t->machine ? 0 : module_address(t->root, "vfio");
	int err;

	if (t->has_layout && vfio == t->vfio)
		return 0;
	t->vfio = vfio;
	err = say_layout(t->s, vs_snap_layout__collect(t->root, &t->layout));
	t->has_layout = !err;
	return err;
}

static const char *why_no_peek(int err)
{
	if (err == -EPERM)
		return "needs root, or CAP_BPF, CAP_PERFMON and CAP_SYSLOG";
	if (err == -EACCES)
		return "the kernel forbids reading its memory (lockdown=confidentiality)";
	if (err == -ESRCH || err == -ENOENT)
		return "this kernel offers no BTF in /sys/kernel/btf (see vfioscope doctor)";
	if (err == -EINVAL)
		return "the kernel refuses the programs that read it, as in lockdown (see vfioscope doctor)";
	return strerror(-err);
}

static int open_peek(struct vs_snapper *t)
{
	int err;

	t->peek = vs_peek__new();
	if (t->peek) {
		t->mem = vs_peek__mem(t->peek);
		return 0;
	}
	err = -errno;
	if (err != -ENOMEM)
		say_nothing_seen(t->s, why_no_peek(err));
	return err;
}

static int get_symbols(struct vs_snapper *t)
{
	int err = read_symbols(t);

	if (err)
		say_nothing_seen(t->s, "/proc/kallsyms shows no addresses (needs CAP_SYSLOG and "
				 "kernel.kptr_restrict below 2)");
	else if (!vs_snap_symbols__have_vfio(&t->symbols))
		say_nothing_seen(t->s, "the functions of VFIO are not in /proc/kallsyms");
	return err ?: vs_snap_symbols__have_vfio(&t->symbols) ? 0 : -ENOENT;
}

/* Prepares everything that the walks need, and reports what is missing. */
static int get_ready(struct vs_snapper *t)
{
	int err = t->peek || t->machine ? 0 : open_peek(t);

	return err ?: get_layout(t) ?: get_symbols(t);
}

/*
 * With an assumed layout a list can look whole and be something else. A dump has no sysfs to ask: there a group
 * has a number at least.
 */
static bool groups_are_real(const struct vs_snapper *t)
{
	char path[PATH_MAX];

	for (size_t i = 0; t->machine && i < t->s->nr_groups; i++)
		if (t->s->groups[i].number < 0)
			return false;
	if (t->machine)
		return true;
	for (size_t i = 0; i < t->s->nr_groups; i++) {
		snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups/%d", t->root,
			 t->s->groups[i].number);
		if (access(path, F_OK))
			return false;
	}
	return true;
}

static void forget_groups(struct vs_snapshot *s)
{
	free(s->groups);
	free(s->devices);
	s->groups = NULL;
	s->devices = NULL;
	s->nr_groups = s->nr_devices = 0;
}

static int look_at_groups(struct vs_snapper *t)
{
	struct vs_snapshot *s = t->s;
	int err = vs_walk__groups(&t->walk, s);

	if (err == -ENOMEM)
		return err;
	if (t->layout.vfio_assumed && !groups_are_real(t)) {
		forget_groups(s);
		err = -EFAULT;
	}
	s->scope.groups = !err;
	s->files_counted = t->layout.group_drivers == VS_ABSENT;
	s->users_counted = t->layout.device_refcount == VS_ABSENT &&
			   t->layout.device_kref != VS_ABSENT;
	s->scope.counters = s->nr_groups || !err;
	if (err == -ENOENT && vs_snap_layout__has_no_groups(&t->layout))
		say(s, "devices only as sysfs and open files show them: no symbol leads to the IOMMU's groups");
	else if (err == -ENOENT)
		say(s, "groups only as sysfs shows them: no symbol leads to the kernel's list");
	else if (err)
		say(s, "the kernel's list of groups could not be followed");
	return 0;
}

/* The kernel's iterator shows the tasks of our own PID namespace. */
static bool sees_all_tasks(const struct vs_snapper *t)
{
	char path[PATH_MAX];
	struct stat st;

	if (t->machine)
		return true;
	snprintf(path, sizeof(path), "%s/proc/self/ns/pid", t->root);
	return stat(path, &st) || st.st_ino == INIT_PID_NAMESPACE;
}

static void say_hidden(struct vs_snapshot *s)
{
	if (s->hidden_tasks)
		say(s, "only processes of this PID namespace are seen: run it on the host");
}

static int copy_tasks(struct vs_snapper *t)
{
	t->nr_tasks = t->machine->nr_tasks;
	t->tasks = calloc(t->nr_tasks + 1, sizeof(*t->tasks));
	if (!t->tasks)
		return -ENOMEM;
	if (t->nr_tasks)
		memcpy(t->tasks, t->machine->tasks, t->nr_tasks * sizeof(*t->tasks));
	return 0;
}

static int look_at_tasks(struct vs_snapper *t)
{
	if (t->machine)
		return copy_tasks(t);
	t->tasks = vs_peek__tasks(t->peek, &t->nr_tasks);
	if (!t->tasks && errno == ENOMEM)
		return -ENOMEM;
	if (!t->tasks)
		say(t->s, "descriptors not looked at: the kernel lists no tasks (%s)",
		    strerror(errno));
	return 0;
}

/* Does nothing, at no cost, unless the caller has asked for it. */
static int look_far(struct vs_snapper *t, const struct vs_carriers *carriers)
{
	int err = vs_walk__sockets(&t->walk, t->kinds, carriers, t->s);

	if (!err && t->far.uring_release)
		err = vs_walk__rings(&t->walk, t->kinds, carriers, &t->far, t->s);
	return err ?: vs_walk__releases(&t->walk, t->kinds, &t->far, t->s);
}

static int look_at_fds(struct vs_snapper *t)
{
	struct vs_carriers carriers = {};
	int unread = vs_walk__fds(&t->walk, t->kinds, t->tasks, t->nr_tasks, t->s, &carriers);
	int err = unread == -ENOMEM ? unread : look_far(t, &carriers);

	free(carriers.rows);
	if (err)
		return err;
	t->s->scope.fds = t->tasks && !unread && !t->s->hidden_tasks;
	if (unread)
		say(t->s, "descriptors of %d process%s changed while they were read", unread,
		    unread == 1 ? "" : "es");
	say_hidden(t->s);
	return 0;
}

static int look_at_maps(struct vs_snapper *t)
{
	int unread = vs_walk__maps(&t->walk, t->kinds, t->tasks, t->nr_tasks, t->s);

	if (unread == -ENOMEM)
		return unread;
	t->s->scope.maps = !unread;
	if (unread == -ENOENT)
		say(t->s, "mappings not looked at: no symbol leads to them");
	else if (unread)
		say(t->s, "mappings changed all the time while they were read");
	return 0;
}

/* On kernels where all anonymous files share one tree of mappings: the way to it. */
static uint64_t anonymous_file(const struct vs_snapper *t)
{
	for (size_t i = 0; i < t->nr_tasks; i++)
		if (t->tasks[i].is_reader && t->tasks[i].files)
			return vs_walk__file_of(&t->walk, t->tasks[i].files,
						vs_peek__anonymous_fd(t->peek));
	return 0;
}

static int look_into_memory(struct vs_snapper *t)
{
	int err;

	t->walk = (struct vs_walk){ &t->mem, &t->layout, &t->symbols, 0,
				    t->machine ? t->machine->anonymous_inode : 0 };
	t->kinds = vs_file_kinds__new(&t->walk);
	if (!t->kinds)
		return -ENOMEM;
	err = look_at_groups(t) ?: look_at_tasks(t) ?: look_at_fds(t);
	t->walk.anonymous_file = t->machine ? 0 : anonymous_file(t);
	return err ?: look_at_maps(t) ?: vs_walk__devices_of_files(&t->walk, t->s);
}

/* Nothing in the kernel belongs to a VFIO that is not loaded. Who waits may still be hidden. */
static void nothing_there(struct vs_snapper *t)
{
	t->s->scope = (struct vs_snap_scope){ true, true, !t->s->hidden_tasks, true };
	say(t->s, "VFIO is not loaded");
	say_hidden(t->s);
}

static int take(struct vs_snapper *t)
{
	int err = 0;

	t->s->hidden_tasks = !sees_all_tasks(t);
	if (!has_vfio(t))
		nothing_there(t);
	else if (t->opts.no_memory)
		say_nothing_seen(t->s, "as asked");
	else if (!(err = get_ready(t)))
		err = look_into_memory(t);
	if (err == -ENOMEM || (t->machine && err))
		return err == -ENOMEM ? err : 0;
	return t->machine ? vs_walk__neighbours(&t->walk, t->s) : vs_sysfs__complete(t->root, t->s);
}

struct vs_snapper *vs_snapper__new(const struct vs_snapshot_opts *opts)
{
	struct vs_snapper *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (opts)
		t->opts = *opts;
	t->root = t->opts.root ? t->opts.root : "";
	t->machine = t->opts.machine;
	if (t->machine) {
		t->mem = *t->machine->mem;
		t->layout = *t->machine->layout;
		t->has_layout = true;
	}
	return t;
}

void vs_snapper__free(struct vs_snapper *t)
{
	if (!t)
		return;
	vs_peek__free(t->peek);
	free(t);
}

/* Also where there is no VFIO: then the snapshot has not looked into memory. */
static int need_peek(struct vs_snapper *t)
{
	if (t->peek || t->machine)
		return 0;
	t->peek = vs_peek__new();
	if (!t->peek)
		return -errno;
	t->mem = vs_peek__mem(t->peek);
	return 0;
}

void vs_snapper__look_for(struct vs_snapper *t, const struct vs_snap_far *far)
{
	t->far = *far;
}

int vs_snapper__get_ready(struct vs_snapper *t)
{
	return need_peek(t);
}

const struct vs_mem *vs_snapper__memory(struct vs_snapper *t, const struct vs_snap_layout **layout)
{
	int err = need_peek(t);

	if (!err && !t->has_layout) {
		t->vfio = module_address(t->root, "vfio");
		err = vs_snap_layout__collect(t->root, &t->layout);
		t->has_layout = !err;
	}
	*layout = &t->layout;
	errno = -err;
	return err ? NULL : &t->mem;
}

static struct vs_stack_row *copy_rows(const struct vs_snap_machine *machine, size_t *nr)
{
	struct vs_stack_row *rows = calloc(machine->nr_rows + 1, sizeof(*rows));

	if (rows && machine->nr_rows)
		memcpy(rows, machine->rows, machine->nr_rows * sizeof(*rows));
	*nr = machine->nr_rows;
	return rows;
}

struct vs_stack_row *vs_snapper__stacks(struct vs_snapper *t, size_t *nr)
{
	int err = need_peek(t);

	if (t->machine)
		return copy_rows(t->machine, nr);
	errno = -err;
	return err ? NULL : vs_peek__stacks(t->peek, nr);
}

int vs_snapper__take(struct vs_snapper *t, struct vs_snapshot *s, char *error, size_t size)
{
	int err;

	memset(s, 0, sizeof(*s));
	t->s = s;
	s->start_ns = vs_host__mono_ns();
	err = take(t);
	s->end_ns = vs_host__mono_ns();
	vs_file_kinds__free(t->kinds);
	free(t->tasks);
	t->kinds = NULL;
	t->tasks = NULL;
	t->nr_tasks = 0;
	if (err) {
		vs_snapshot__free(s);
		snprintf(error, size, "no snapshot: %s", strerror(-err));
	}
	return err;
}

int vs_snapshot__take(const struct vs_snapshot_opts *opts, struct vs_snapshot *s, char *error,
		      size_t size)
{
	struct vs_snapper *t = vs_snapper__new(opts);
	int err = t ? vs_snapper__take(t, s, error, size) : -ENOMEM;

	if (!t)
		snprintf(error, size, "no snapshot: %s", strerror(ENOMEM));
	vs_snapper__free(t);
	return err;
}
