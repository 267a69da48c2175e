// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/rows.h"
#include "why/holders.h"
#include "why/runtime.h"

#define SHORT_ID 12		/* as their tools print it */
#define ANCESTORS 6
#define VM_SHOWN 64		/* characters of a name that may be much longer */

/* -- names -- */

static void copy(char *buf, size_t size, const char *text, size_t len)
{
	snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), text);
}

/* -name guest=web1,debug-threads=on, or -name web1 */
static void vm_of_cmdline(const char *cmdline, char *buf, size_t size)
{
	const char *at = strstr(cmdline, " -name ");

	if (!at)
		return;
	at += strlen(" -name ");
	if (!strncmp(at, "guest=", 6))
		at += 6;
	copy(buf, size, at, strcspn(at, ", "));
}

/* systemd writes what may not stand in the name of a unit as \xNN. */
static void unescape(char *buf, size_t size, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len && used + 1 < size; i++) {
		unsigned int byte;

		if (i + 4 <= len && !strncmp(text + i, "\\x", 2) && sscanf(text + i + 2, "%2x", &byte) == 1) {
			buf[used++] = (char)byte;
			i += 3;
		} else {
			buf[used++] = text[i];
		}
	}
	buf[used] = '\0';
}

/* A part of the path that begins and ends so: what is between, or NULL. */
static const char *between(const char *path, const char *begin, const char *end, size_t *len)
{
	size_t first = strlen(begin), last = strlen(end), part;

	for (const char *at = path; *at; at += part) {
		at += *at == '/';
		part = strcspn(at, "/");
		if (part <= first + last || strncmp(at, begin, first) || strncmp(at + part - last, end, last))
			continue;
		*len = part - first - last;
		return at + first;
	}
	return NULL;
}

/* libvirt's name of a machine: "3-web1", of an embedded driver "embed-0123abcd-3-web1", of old ones "web1". */
static const char *name_of_machine(const char *machine)
{
	const char *name = machine;
	size_t digits;

	if (!strncmp(name, "embed-", 6))
		name += 6 + strcspn(name + 6, "-") + 1;
	digits = strspn(name, "0123456789");
	return digits && name[digits] == '-' ? name + digits + 1 : machine;
}

/*
 * machine-qemu\x2d3\x2dweb1.scope with systemd; without it (v1) qemu-3-web1.libvirt-qemu, before that
 * web1.libvirt-qemu and /libvirt/qemu/web1. Proxmox has /qemu.slice/100.scope.
 */
static void vm_of_cgroup(const char *cgroup, char *buf, size_t size)
{
	char machine[256];
	const char *at, *old = strstr(cgroup, "/libvirt/qemu/");
	size_t len;

	at = between(cgroup, "machine-qemu\\x2d", ".scope", &len);
	at = at ? at : between(cgroup, "qemu-", ".libvirt-qemu", &len);
	if (at) {
		unescape(machine, sizeof(machine), at, len);
		copy(buf, size, name_of_machine(machine), sizeof(machine));
		return;
	}
	at = between(cgroup, "", ".libvirt-qemu", &len);
	if (!at && strstr(cgroup, "/qemu.slice/"))
		at = between(cgroup, "", ".scope", &len);
	if (!at && old) {
		at = old + strlen("/libvirt/qemu/");
		len = strcspn(at, "/");
	}
	if (at)
		copy(buf, size, at, len);
}

void vs_holders__vm(const char *cmdline, const char *cgroup, char *buf, size_t size)
{
	buf[0] = '\0';
	vm_of_cmdline(cmdline, buf, size);
	if (!buf[0])
		vm_of_cgroup(cgroup, buf, size);
}

/* .../kubepods-burstable-pod1234_abcd.slice/..., .../kubepods/burstable/pod1234-abcd/... */
void vs_holders__pod(const char *cgroup, char *buf, size_t size)
{
	const char *at = strstr(cgroup, "kubepods");
	size_t len;

	buf[0] = '\0';
	while (at && (at = strstr(at + 1, "pod")))
		if ((at[-1] == '-' || at[-1] == '/') && isxdigit((unsigned char)at[3]))
			break;
	if (!at)
		return;
	at += 3;
	len = strspn(at, "0123456789abcdefABCDEF-_");
	copy(buf, size, at, len);
	for (char *c = buf; *c; c++)
		*c = *c == '_' ? '-' : *c;
}

bool vs_holders__pod_name(const char *folder, const char *uid, char *buf, size_t size)
{
	const char *name = strchr(folder, '_'), *end = strrchr(folder, '_');

	if (!*uid || !name || end == name || strcmp(end + 1, uid))
		return false;
	snprintf(buf, size, "%.*s/%.*s", (int)(name - folder), folder, (int)(end - name - 1), name + 1);
	return true;
}

/* The innermost: a process of a user's session is in a unit of the user's manager, too. */
void vs_holders__unit(const char *cgroup, char *buf, size_t size)
{
	buf[0] = '\0';
	for (const char *at = cgroup; *at; at += strcspn(at, "/")) {
		size_t len;

		at += *at == '/';
		len = strcspn(at, "/");
		if ((len > 8 && !strncmp(at + len - 8, ".service", 8)) ||
		    (len > 6 && !strncmp(at + len - 6, ".scope", 6)))
			copy(buf, size, at, len);
	}
}

void vs_holders__container(const char *cgroup, char *buf, size_t size)
{
	char id[VS_CONTAINER_ID + 1];

	vs_runtime__id(cgroup, id);
	copy(buf, size, id, SHORT_ID);
}

void vs_holders__family(const struct vs_evidence *e, uint32_t tgid, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < ANCESTORS && used < size; i++) {
		const struct vs_ev_process *p = vs_evidence__process(e, tgid);
		char name[VS_TASK_LEN];

		if (!p)
			break;
		vs_name__task(name, p->comm, p->tgid, 0);
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " < " : "", name);
		tgid = p->parent;
	}
}

void vs_holders__title(const struct vs_why_holder *h, char *buf, size_t size)
{
	char name[VS_TASK_LEN], vm[VM_SHOWN], pod[VM_SHOWN], container[VM_SHOWN];
	int used;

	if (!h->tgid) {
		snprintf(buf, size, h->hidden ? "a process that is out of sight" :
			 "an address space that no process has any more");
		return;
	}
	vs_name__task(name, h->comm, h->tgid, 0);
	vs_name__in_quotes(vm, sizeof(vm), h->vm, sizeof(h->vm));
	vs_name__in_quotes(pod, sizeof(pod), h->pod_name, sizeof(h->pod_name));
	vs_name__in_quotes(container, sizeof(container), h->container_name, sizeof(h->container_name));
	used = snprintf(buf, size, "%s", name);
	if (h->vm[0])
		snprintf(buf + used, size - (size_t)used, " (VM %s)", vm);
	else if (h->pod_name[0])
		snprintf(buf + used, size - (size_t)used, " (pod %s)", pod);
	else if (h->pod[0])
		snprintf(buf + used, size - (size_t)used, " (pod %s)", h->pod);
	else if (h->container_name[0])
		snprintf(buf + used, size - (size_t)used, " (container %s)", container);
	else if (h->container[0])
		snprintf(buf + used, size - (size_t)used, " (container %s)", h->container);
}

/* host=65:00.0, host=0000:65:00.0, "host":"0000:65:00.0" */
static bool names_host(const char *arg, size_t len, const char *device)
{
	const char *brief = !strncmp(device, "0000:", 5) ? device + 5 : device;
	const char *at = memmem(arg, len, brief, strlen(brief));

	return *brief && at && memmem(arg, len, "host", 4) &&
	       !isxdigit((unsigned char)at[strlen(brief)]);
}

static bool is_on_root_bus(const char *arg, size_t len, bool q35)
{
	const char *bus = memmem(arg, len, "bus", 3);

	if (!bus)
		return q35;
	bus += 3 + strspn(bus + 3, "\"=: ");
	return !strncmp(bus, "pcie.0", 6) && !isalnum((unsigned char)bus[6]);
}

/* The argument that names the device, NULL: none does. */
static const char *argument_of(const char *vfio_args, const char *device)
{
	for (const char *at = vfio_args; *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (names_host(at, len, device))
			return at;
		at += len;
	}
	return NULL;
}

bool vs_holders__names(const char *vfio_args, const char *device)
{
	return argument_of(vfio_args, device);
}

bool vs_holders__is_fixed(const char *vfio_args, bool q35, const char *device)
{
	const char *at = argument_of(vfio_args, device);

	return at && is_on_root_bus(at, strcspn(at, " "), q35);
}

/* -- holders -- */

static struct vs_why_holder *add(const struct vs_evidence *e, struct vs_why_case *c, uint32_t tgid,
				 const char *comm)
{
	struct vs_why_holder *h = vs_rows__add(&c->holders, &c->nr_holders, sizeof(*h));
	const struct vs_ev_process *p = vs_evidence__process(e, tgid);

	if (!h)
		return NULL;
	h->tgid = tgid;
	h->fd = -1;
	memcpy(h->comm, comm, sizeof(h->comm));
	if (!p)
		return h;
	vs_holders__vm(p->cmdline, p->cgroup, h->vm, sizeof(h->vm));
	vs_holders__pod(p->cgroup, h->pod, sizeof(h->pod));
	vs_holders__container(p->cgroup, h->container, sizeof(h->container));
	vs_holders__unit(p->cgroup, h->unit, sizeof(h->unit));
	memcpy(h->pod_name, p->pod_name, sizeof(h->pod_name));
	memcpy(h->container_name, p->container_name, sizeof(h->container_name));
	vs_holders__family(e, tgid, h->family, sizeof(h->family));
	h->exiting = p->exiting;
	h->fixed = vs_holders__is_fixed(p->vfio_args, p->q35, c->device);
	return h;
}

static int add_fd(const struct vs_evidence *e, const struct vs_snap_fd *f, struct vs_why_case *c)
{
	static const enum vs_why_hold how[] = {
		[VS_VIA_FD] = VS_HOLD_FD,
		[VS_VIA_SOCKET] = VS_HOLD_SOCKET,
		[VS_VIA_RING] = VS_HOLD_RING,
		[VS_VIA_RELEASE] = VS_HOLD_RELEASE,
	};
	struct vs_why_holder *h = add(e, c, f->tgid, f->comm);

	if (!h)
		return -ENOMEM;
	h->how = how[f->via];
	h->kind = f->kind;
	h->tid = f->tid;
	h->fd = f->fd;
	h->file = f->file;
	return 0;
}

int vs_holders__add_call(const struct vs_evidence *e, const struct vs_ev_task *t, int fd, bool likely,
			 struct vs_why_case *c)
{
	struct vs_why_holder *h = add(e, c, t->tgid, t->comm);

	if (!h)
		return -ENOMEM;
	h->how = VS_HOLD_CALL;
	h->kind = VS_SNAP_IOMMUFD_FILE;
	h->tid = t->tid;
	h->fd = fd;
	h->likely = likely;
	return 0;
}

static bool is_kept(const struct vs_evidence *e, uint64_t mm)
{
	for (size_t i = 0; mm && i < e->nr_openers; i++)
		if (e->openers[i].mm == mm)
			return true;
	return false;
}

/*
 * If no vhost device was found to keep the address space, it names all processes that have one. In a PID
 * namespace a process out of sight more likely has it, and needs no vhost device for that.
 */
static int add_mm(const struct vs_evidence *e, const struct vs_snap_map *m, struct vs_why_case *c)
{
	bool kept = is_kept(e, m->mm), guess = !e->snapshot.hidden_tasks;
	struct vs_why_holder *h;

	for (size_t i = 0; i < e->nr_openers; i++) {
		const struct vs_ev_process *p = vs_evidence__process(e, e->openers[i].tgid);

		if (kept ? e->openers[i].mm != m->mm : !guess)
			continue;
		h = add(e, c, e->openers[i].tgid, p ? p->comm : m->comm);
		if (!h)
			return -ENOMEM;
		h->how = VS_HOLD_MM;
		h->file = m->file;
		h->fd = e->openers[i].fd;
		h->likely = !kept;
		h->bytes = m->end - m->start;
		memcpy(h->path, e->openers[i].path, sizeof(h->path));
	}
	if (kept || (guess && e->nr_openers))
		return 0;
	h = add(e, c, 0, m->comm);
	if (!h)
		return -ENOMEM;
	h->how = VS_HOLD_MM;
	h->hidden = e->snapshot.hidden_tasks;
	h->bytes = m->end - m->start;
	return 0;
}

static int add_map(const struct vs_evidence *e, const struct vs_snap_map *m, struct vs_why_case *c)
{
	struct vs_why_holder *h;

	if (!m->tgid)
		return add_mm(e, m, c);
	for (size_t i = 0; i < c->nr_holders; i++)	/* another piece of the same */
		if (c->holders[i].how == VS_HOLD_MAP && c->holders[i].tgid == m->tgid &&
		    c->holders[i].file == m->file) {
			c->holders[i].bytes += m->end - m->start;
			return 0;
		}
	h = add(e, c, m->tgid, m->comm);
	if (!h)
		return -ENOMEM;
	h->how = VS_HOLD_MAP;
	h->file = m->file;
	h->bytes = m->end - m->start;
	return 0;
}

/* A mapping by a process that has the file's descriptor, too, goes with the process. */
static bool has_fd(const struct vs_why_case *c, const struct vs_snap_map *m)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (c->holders[i].how == VS_HOLD_FD && c->holders[i].file == m->file &&
		    c->holders[i].tgid == m->tgid)
			return true;
	return false;
}

int vs_holders__with_open(const struct vs_evidence *e, const char *path, enum vs_snap_file_kind kind,
			  struct vs_why_case *c)
{
	for (size_t i = 0; i < e->nr_openers; i++) {
		const struct vs_ev_process *p = vs_evidence__process(e, e->openers[i].tgid);
		struct vs_why_holder *h;

		if (!p || strcmp(e->openers[i].path, path))
			continue;
		h = add(e, c, p->tgid, p->comm);
		if (!h)
			return -ENOMEM;
		h->how = VS_HOLD_FD;
		h->kind = kind;
		h->fd = e->openers[i].fd;
	}
	return 0;
}

int vs_holders__by_arguments(const struct vs_evidence *e, struct vs_why_case *c)
{
	for (size_t i = 0; i < e->nr_processes; i++) {
		const struct vs_ev_process *p = &e->processes[i];
		struct vs_why_holder *h;

		if (!vs_holders__names(p->vfio_args, c->device))
			continue;
		h = add(e, c, p->tgid, p->comm);
		if (!h)
			return -ENOMEM;
		h->how = VS_HOLD_ARGUMENTS;
		h->likely = true;
	}
	return 0;
}

/* Without kernel memory any process that has a device of VFIO open may be a holder. */
static int add_likely(const struct vs_evidence *e, struct vs_why_case *c)
{
	for (size_t i = 0; i < e->nr_openers; i++) {
		const struct vs_ev_opener *o = &e->openers[i];
		const struct vs_ev_process *p = vs_evidence__process(e, o->tgid);
		struct vs_why_holder *h;

		if (strcmp(o->path, "anon_inode:[vfio-device]") &&
		    strncmp(o->path, "/dev/vfio/devices/", 18))
			continue;
		h = add(e, c, o->tgid, p ? p->comm : "?\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
		if (!h)
			return -ENOMEM;
		h->how = VS_HOLD_FD;
		h->kind = VS_SNAP_DEVICE_FILE;
		h->fd = o->fd;
		h->likely = true;
	}
	return 0;
}

/* KVM given a device's own file (v6.6) keeps that file open after its descriptor is closed. */
static bool is_of_device(const struct vs_snap_fd *f, uint64_t device)
{
	if (f->kind == VS_SNAP_KVM_FILE)
		return f->device == device;
	return (f->kind == VS_SNAP_DEVICE_FILE || f->kind == VS_SNAP_CDEV_FILE) &&
	       f->object == device;
}

/*
 * A stack shows a release, but may keep a file that is long gone: if another process has the device,
 * too, the release is not proven.
 */
static void doubt_releases(struct vs_why_case *c)
{
	bool others = false;

	for (size_t i = 0; i < c->nr_holders; i++)
		others |= c->holders[i].how != VS_HOLD_RELEASE;
	for (size_t i = 0; others && i < c->nr_holders; i++)
		c->holders[i].likely |= c->holders[i].how == VS_HOLD_RELEASE;
}

int vs_holders__of_device(const struct vs_evidence *e, uint64_t device, struct vs_why_case *c)
{
	const struct vs_snapshot *s = &e->snapshot;
	int err = 0;

	for (size_t i = 0; device && !err && i < s->nr_fds; i++)
		if (is_of_device(&s->fds[i], device))
			err = add_fd(e, &s->fds[i], c);
	for (size_t i = 0; device && !err && i < s->nr_maps; i++)
		if (s->maps[i].device == device && !has_fd(c, &s->maps[i]))
			err = add_map(e, &s->maps[i], c);
	doubt_releases(c);
	return err ?: e->weaker ? add_likely(e, c) : 0;
}

/* Adds the holders of every device of VFIO: nothing tells which of them it is about. */
int vs_holders__of_any(const struct vs_evidence *e, struct vs_why_case *c)
{
	const struct vs_snapshot *s = &e->snapshot;
	size_t from = c->nr_holders;
	int err = 0;

	for (size_t i = 0; !err && i < s->nr_fds; i++)
		if (s->fds[i].kind == VS_SNAP_DEVICE_FILE || s->fds[i].kind == VS_SNAP_CDEV_FILE)
			err = add_fd(e, &s->fds[i], c);
	for (size_t i = 0; !err && i < s->nr_maps; i++)
		if (!has_fd(c, &s->maps[i]))
			err = add_map(e, &s->maps[i], c);
	for (size_t i = from; i < c->nr_holders; i++)
		c->holders[i].likely = true;
	return err ?: e->weaker ? add_likely(e, c) : 0;
}

static bool is_of_group(const struct vs_snap_fd *f, const struct vs_snap_group *g)
{
	if (f->kind == VS_SNAP_GROUP_FILE || f->kind == VS_SNAP_KVM_FILE)
		return f->object && f->object == g->address && !f->device;
	return f->kind == VS_SNAP_CONTAINER_FILE && g->container && f->object == g->container;
}

int vs_holders__of_group(const struct vs_evidence *e, const struct vs_snap_group *group,
			 struct vs_why_case *c)
{
	const struct vs_snapshot *s = &e->snapshot;
	int err = 0;

	for (size_t i = 0; !err && i < s->nr_fds; i++)
		if (is_of_group(&s->fds[i], group))
			err = add_fd(e, &s->fds[i], c);
	return err;
}

const struct vs_ev_process *vs_holders__sleeping(const struct vs_evidence *e,
						 const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++) {
		const struct vs_ev_process *p = vs_evidence__process(e, c->holders[i].tgid);

		if (p && p->uninterruptible && c->holders[i].tgid)
			return p;
	}
	return NULL;
}
