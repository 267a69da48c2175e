// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "why/proc.h"
#include "why/start.h"

#define CAP_IPC_LOCK_BIT 14
#define PCI_DEVICES "/sys/bus/pci/devices"

struct place {
	const char *root;
	struct vs_start_facts *facts;
};

/* -- small files -- */

__attribute__((format(printf, 3, 4)))
static bool exists(const char *root, struct stat *st, const char *format, ...)
{
	char rest[PATH_MAX / 2], path[PATH_MAX];
	struct stat other;
	va_list args;

	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s%s", root, rest);
	return !stat(path, st ? st : &other);
}

/* Reads the beginning of a file, without the newline at its end. Returns false, and "", if it cannot be read. */
__attribute__((format(printf, 4, 5)))
static bool read_text(char *buf, size_t size, const char *root, const char *format, ...)
{
	char rest[PATH_MAX / 2], path[PATH_MAX];
	ssize_t len = -1;
	va_list args;
	int fd;

	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s%s", root, rest);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		len = read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	buf[len > 0 ? len : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return len >= 0;
}

static FILE *open_file(const char *root, const char *rest)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, rest);
	return fopen(path, "re");
}

/* -- the device and its group -- */

static void take_member(struct place *p, const struct vs_device *d)
{
	struct vs_start_facts *f = p->facts;
	struct vs_start_member *m = &f->members[f->nr_members];

	if (f->nr_members == VS_START_MEMBERS) {
		f->nr_more++;
		return;
	}
	f->nr_members++;
	m->device = *d;
	m->dead = m->resets = VS_START_UNKNOWN;
	if (d->bus != VS_BUS_PCI)
		return;
	read_text(m->power, sizeof(m->power), p->root, PCI_DEVICES "/%s/power_state", d->name);
	m->resets = exists(p->root, NULL, PCI_DEVICES "/%s/reset", d->name) ? VS_START_YES : VS_START_NO;
}

/* The device that was asked about comes first, so that it is never among those that are left out. */
static void take_members(struct place *p, const struct vs_inventory *inv)
{
	struct vs_start_facts *f = p->facts;
	const struct vs_device *d = f->device[0] ? vs_inventory__device(inv, f->device) : NULL;
	size_t at = 0;

	if (d) {
		f->group = d->group;
		take_member(p, d);
	}
	f->nr_groups = (uint32_t)inv->nr_groups;
	while ((d = vs_inventory__member(inv, f->group, &at))) {
		f->noiommu |= d->noiommu;
		if (strcmp(d->name, f->device))
			take_member(p, d);
	}
}

/* -- what may make the reader wait -- */

static int is_all_ones(const char *root, const char *name)
{
	unsigned char config[64];
	char path[PATH_MAX];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s" PCI_DEVICES "/%s/config", root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, config, sizeof(config));
	if (fd >= 0)
		close(fd);
	if (len != sizeof(config))
		return VS_START_UNKNOWN;
	for (size_t i = 0; i < sizeof(config); i++)
		if (config[i] != 0xff)
			return VS_START_NO;
	return VS_START_YES;
}

/* The kernel takes the device's lock for driver_override, and for config a lock against resets. */
static bool read_member(void *ctx, size_t i, void *row)
{
	const struct place *p = ctx;
	struct vs_start_member *m = row;

	*m = p->facts->members[i];
	if (m->device.bus != VS_BUS_PCI)
		return true;
	m->override_read = read_text(m->override, sizeof(m->override), p->root, PCI_DEVICES "/%s/driver_override",
				     m->device.name);
	if (!strcmp(m->override, "(null)"))
		m->override[0] = '\0';
	m->dead = is_all_ones(p->root, m->device.name);
	return true;
}

static int ask_members(struct place *p)
{
	struct vs_start_facts *f = p->facts;
	struct vs_start_member *rows = calloc(VS_START_MEMBERS, sizeof(*rows));
	signed char answered[VS_START_MEMBERS] = {};
	int err = rows ? vs_proc__guarded(read_member, p, f->nr_members, rows, sizeof(*rows), answered) : -ENOMEM;

	for (size_t i = 0; !err && i < f->nr_members; i++)
		if (answered[i] == 1)
			f->members[i] = rows[i];
	free(rows);
	return err == -ENOMEM ? err : 0;	/* else they stay unknown */
}

/* -- the host -- */

static void find_table(struct place *p)
{
	static const char *const tables[] = { "DMAR", "IVRS", "IORT", "VIOT" };
	struct vs_start_facts *f = p->facts;

	f->acpi = exists(p->root, NULL, "/sys/firmware/acpi/tables/FACP") ||
		  exists(p->root, NULL, "/sys/firmware/acpi/tables/APIC") ? VS_START_YES : VS_START_NO;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (!f->iommu_table[0] && exists(p->root, NULL, "/sys/firmware/acpi/tables/%s", tables[i]))
			snprintf(f->iommu_table, sizeof(f->iommu_table), "%s", tables[i]);
}

static void find_cpu(struct place *p)
{
	FILE *file = open_file(p->root, "/proc/cpuinfo");
	char line[8192];

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "vendor_id", 9))
			sscanf(line, "vendor_id : %15s", p->facts->vendor);
		if (!strncmp(line, "flags", 5)) {
			p->facts->guest = strstr(line, " hypervisor");
			break;
		}
	}
	if (file)
		fclose(file);
}

static void find_arguments(struct place *p)
{
	char text[4096], *rest = text, *word;
	size_t used = 0;

	read_text(text, sizeof(text), p->root, "/proc/cmdline");
	while ((word = strsep(&rest, " "))) {
		if (!strstr(word, "iommu") && !strstr(word, "intremap"))
			continue;
		if (used + strlen(word) + 2 > sizeof(p->facts->arguments))
			return;
		used += (size_t)sprintf(p->facts->arguments + used, "%s%s", used ? " " : "", word);
	}
}

/*
 * The names of interrupt chips tell it on x86: "IR-IO-APIC" where interrupts are remapped, "IO-APIC" where
 * they are not. Other machines, and guests of Xen or Hyper-V, have other chips, which tell nothing.
 */
static int find_remapping(struct place *p)
{
	char path[PATH_MAX], name[64];
	int found = VS_START_UNKNOWN;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/irq", p->root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		read_text(name, sizeof(name), path, "/%s/chip_name", entry->d_name);
		if (!strncmp(name, "IR-", 3))
			found = VS_START_YES;
		if (!strcmp(name, "IO-APIC") && found == VS_START_UNKNOWN)
			found = VS_START_NO;
	}
	if (dir)
		closedir(dir);
	return found;
}

static int find_switch(struct place *p, const char *module)
{
	char text[8];

	if (!read_text(text, sizeof(text), p->root, "/sys/module/%s/parameters/allow_unsafe_interrupts", module))
		return VS_START_UNKNOWN;
	return text[0] == 'Y' || text[0] == '1' ? VS_START_YES : VS_START_NO;
}

/* -- the node, and the user -- */

/* Only the files: other sources of names need libraries that a static program cannot load. */
static void name_user(const char *root, uint32_t id, char *buf, size_t size)
{
	FILE *file = open_file(root, "/etc/passwd");
	const struct passwd *entry;

	buf[0] = '\0';
	while (file && (entry = fgetpwent(file)))
		if (entry->pw_uid == id)
			snprintf(buf, size, "%s", entry->pw_name);
	if (file)
		fclose(file);
}

static void name_group(const char *root, uint32_t id, char *buf, size_t size)
{
	FILE *file = open_file(root, "/etc/group");
	const struct group *entry;

	buf[0] = '\0';
	while (file && (entry = fgetgrent(file)))
		if (entry->gr_gid == id)
			snprintf(buf, size, "%s", entry->gr_name);
	if (file)
		fclose(file);
}

static void find_node(struct place *p)
{
	struct vs_start_facts *f = p->facts;
	char path[PATH_MAX];
	struct stat st;

	f->node = f->may_open = VS_START_UNKNOWN;
	f->user = geteuid();
	name_user(p->root, f->user, f->user_name, sizeof(f->user_name));
	if (f->group < 0 || !exists(p->root, NULL, "/dev"))
		return;
	f->node = exists(p->root, &st, "/dev/vfio/%s%d", f->noiommu ? "noiommu-" : "", f->group) ? VS_START_YES
				    : VS_START_NO;
	if (f->node == VS_START_NO)
		return;
	f->mode = st.st_mode & 07777;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	name_user(p->root, f->uid, f->owner, sizeof(f->owner));
	name_group(p->root, f->gid, f->owner_group, sizeof(f->owner_group));
	snprintf(path, sizeof(path), "%s/dev/vfio/%s%d", p->root, f->noiommu ? "noiommu-" : "", f->group);
	f->may_open = !faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? VS_START_YES :
		      errno == EACCES ? VS_START_NO : VS_START_UNKNOWN;
}

/* -- limits -- */

/* Copies a file of a process, and returns what stands after @name in it; NULL if it is not there. */
static const char *field_of(struct place *p, uint32_t pid, const char *file_name, const char *name, char *text,
			    size_t size)
{
	char rest[64], *at;
	FILE *file;

	snprintf(rest, sizeof(rest), "/proc/%u/%s", pid, file_name);
	file = open_file(p->root, rest);
	text[file ? fread(text, 1, size - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
	at = strstr(text, name);
	return at ? at + strlen(name) + strspn(at + strlen(name), " \t") : NULL;
}

/* "Max locked memory  8388608  8388608  bytes": the soft limit decides. */
static void find_memlock(struct place *p, uint32_t pid)
{
	struct vs_start_facts *f = p->facts;
	char text[8192];
	const char *at = field_of(p, pid, "limits", "Max locked memory", text, sizeof(text));

	if (!at)
		return;
	f->pid = pid;
	f->memlock = !strncmp(at, "unlimited", 9) ? VS_START_NO_LIMIT : strtoull(at, NULL, 10);
	at = field_of(p, pid, "status", "\nVmLck:", text, sizeof(text));
	f->locked = at ? strtoull(at, NULL, 10) << 10 : 0;
	at = field_of(p, pid, "status", "\nCapEff:", text, sizeof(text));
	if (at)
		f->ipc_lock = strtoull(at, NULL, 16) >> CAP_IPC_LOCK_BIT & 1 ? VS_START_YES : VS_START_NO;
}

int vs_start__collect(const char *root, const char *device, int group, uint32_t pid, bool quiet,
		      struct vs_start_facts *f)
{
	struct place p = { .root = root, .facts = f };
	struct vs_inventory inv;
	int err = vs_inventory__collect(root, &inv);

	memset(f, 0, sizeof(*f));
	if (err)
		return err;
	f->group = device ? -1 : group;
	if (device)
		snprintf(f->device, sizeof(f->device), "%s", device);
	take_members(&p, &inv);
	vs_inventory__free(&inv);
	find_table(&p);
	find_cpu(&p);
	find_arguments(&p);
	f->remaps = find_remapping(&p);
	f->unsafe_type1 = find_switch(&p, "vfio_iommu_type1");
	f->unsafe_iommufd = find_switch(&p, "iommufd");
	f->has_vfio_pci = exists(root, NULL, "/sys/bus/pci/drivers/vfio-pci") ? VS_START_YES : VS_START_NO;
	find_node(&p);
	f->ipc_lock = VS_START_UNKNOWN;
	if (pid)
		find_memlock(&p, pid);
	return quiet ? ask_members(&p) : 0;
}
