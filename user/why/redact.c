// SPDX-License-Identifier: GPL-2.0
#include "why/redact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "why/holders.h"

#define MOST_NAME 96	/* longer ones are cut */

/* The names so far, in order: the index + 1 stands for a name. */
struct names {
	char (*names)[MOST_NAME];
	size_t nr;
};

struct redaction {
	struct names processes, vms, pods, containers, devices, addresses;
	bool failed;
};

static size_t number(struct redaction *r, struct names *n, const char *name)
{
	char (*row)[MOST_NAME];

	for (size_t i = 0; i < n->nr; i++)
		if (!strncmp(n->names[i], name, MOST_NAME - 1))
			return i + 1;
	row = vs_rows__add(&n->names, &n->nr, sizeof(*row));
	if (!row) {
		r->failed = true;
		return 0;
	}
	snprintf(*row, sizeof(*row), "%s", name);
	return n->nr;
}

static bool is_of_kernel(const char *comm)
{
	static const char *const names[] = { "kworker/", "irq/", "ksoftirqd/", "migration/", "rcu_", "kthreadd",
		"khungtaskd", "vfio-irqfd", "kcompactd", "kswapd", "vhost-", "kvm-" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(comm, names[i], strlen(names[i])))
			return true;
	return false;
}

static void process(struct redaction *r, char *comm)
{
	char name[VS_COMM_LEN + 1] = "";

	memcpy(name, comm, VS_COMM_LEN);
	if (!name[0] || is_of_kernel(name))
		return;
	memset(comm, 0, VS_COMM_LEN);
	snprintf(comm, VS_COMM_LEN, "process-%zu", number(r, &r->processes, name) % 100000);
}

static void device(struct redaction *r, char *name)
{
	if (name[0])
		snprintf(name, VS_DEVICE_LEN, "device-%zu", number(r, &r->devices, name) % 100000);
}

/* Several with blanks between. */
static void devices(struct redaction *r, char *names, size_t size)
{
	char old[256], name[VS_DEVICE_LEN], *rest = old, *one;

	snprintf(old, sizeof(old), "%s", names);
	names[0] = '\0';
	while ((one = strsep(&rest, " "))) {
		size_t used = strlen(names);

		snprintf(name, sizeof(name), "%s", one);
		device(r, name);
		snprintf(names + used, size - used, "%s%s", used ? " " : "", name);
	}
}

/* Replaces the address of a lock: a report has no other addresses. */
static void address(struct redaction *r, uint64_t *value)
{
	char text[24];

	if (!*value)
		return;
	snprintf(text, sizeof(text), "%llx", (unsigned long long)*value);
	*value = number(r, &r->addresses, text);
}

/* "device lock of 0000:00:05.0" has the name of a device that may be in no table. */
static void lock_name(struct redaction *r, char *name, size_t size)
{
	char *at = strstr(name, " of ");
	char text[VS_DEVICE_LEN];

	if (!at || !strchr(at + 4, ':'))
		return;
	snprintf(text, sizeof(text), "%.*s", VS_DEVICE_LEN - 1, at + 4);
	device(r, text);
	snprintf(at + 4, size - (size_t)(at + 4 - name), "%s", text);
}

/* "BUG: unable to handle page fault for address: ffff90d7ea717880" */
static void hide_pointers(char *text)
{
	while (*text) {
		size_t digits = strspn(text, "0123456789abcdef");

		if (digits >= 8)
			memset(text, '?', digits);
		text += digits ? digits : 1;
	}
}

static void task(struct redaction *r, struct vs_ev_task *t)
{
	hide_pointers(t->logged.words);
	if (!t->kernel_thread)
		process(r, t->comm);
	address(r, &t->lock);
	for (size_t i = 0; i < t->nr_frames; i++)
		if (!strncmp(t->frames[i], "0x", 2))	/* without a symbol */
			snprintf(t->frames[i], VS_SITE_LEN, "0x?");
	lock_name(r, t->lock_name, sizeof(t->lock_name));
	for (size_t i = 0; i < t->nr_locked; i++)
		device(r, t->locked[i].name);
	devices(r, t->about, sizeof(t->about));
}

static void name(struct redaction *r, struct names *n, const char *kind, char *text, size_t size)
{
	if (text[0])
		snprintf(text, size, "%s-%zu", kind, number(r, n, text));
}

/* A report prints the name of a VM, pod or container: only these are kept, as numbers. */
static void command(struct redaction *r, struct vs_ev_process *p)
{
	char vm[80], pod[64], container[80];

	process(r, p->comm);
	vs_holders__vm(p->cmdline, p->cgroup, vm, sizeof(vm));
	vs_holders__pod(p->cgroup, pod, sizeof(pod));
	vs_holders__container(p->cgroup, container, sizeof(container));
	name(r, &r->pods, "pod", p->pod_name, sizeof(p->pod_name));
	name(r, &r->containers, "container", p->container_name, sizeof(p->container_name));
	p->cmdline[0] = p->cgroup[0] = '\0';
	if (vm[0])
		snprintf(p->cmdline, sizeof(p->cmdline), "- -name guest=vm-%zu", number(r, &r->vms, vm));
	if (pod[0] || container[0])
		snprintf(p->cgroup, sizeof(p->cgroup), "/kubepods/pod%08zx/%064zx",
			 pod[0] ? number(r, &r->pods, pod) : 0,
			 container[0] ? number(r, &r->containers, container) : 0);
}

/* QEMU's arguments tell if a device is where it cannot be unplugged: only that is kept. */
static void arguments(const struct redaction *r, struct vs_ev_process *p)
{
	char told[sizeof(p->vfio_args)] = "";

	for (size_t i = 0; i < r->devices.nr; i++) {
		size_t used = strlen(told);

		if (vs_holders__is_fixed(p->vfio_args, p->q35, r->devices.names[i]) && used + 40 < sizeof(told))
			snprintf(told + used, sizeof(told) - used, "%sdevice-%zu,host,bus=pcie.0", used ? " " : "",
				 i + 1);
	}
	memcpy(p->vfio_args, told, sizeof(told));
}

static void snapshot(struct redaction *r, struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		device(r, s->devices[i].name);
	for (size_t i = 0; i < s->nr_fds; i++)
		process(r, s->fds[i].comm);
	for (size_t i = 0; i < s->nr_maps; i++)
		process(r, s->maps[i].comm);
}

static void start(struct redaction *r, struct vs_start_facts *f)
{
	device(r, f->device);
	for (size_t i = 0; i < f->nr_members; i++)
		device(r, f->members[i].device.name);
	f->owner[0] = f->owner_group[0] = f->user_name[0] = '\0';	/* their numbers stay */
}

int vs_redact(struct vs_evidence *e, char *asked)
{
	struct redaction r = {};

	for (size_t i = 0; i < e->nr_tasks; i++)
		task(&r, &e->tasks[i]);
	for (size_t i = 0; i < e->nr_processes; i++)
		command(&r, &e->processes[i]);
	snapshot(&r, &e->snapshot);
	for (size_t i = 0; i < e->nr_logged; i++) {
		task(&r, &e->logged[i]);
		process(&r, e->logged[i].logged.owner_comm);
	}
	for (size_t i = 0; i < e->nr_messages; i++) {
		device(&r, e->messages[i].device);
		process(&r, e->messages[i].comm);
	}
	if (asked)
		device(&r, asked);
	if (e->start)
		start(&r, e->start);
	for (size_t i = 0; i < e->nr_processes; i++)
		arguments(&r, &e->processes[i]);
	free(r.processes.names);
	free(r.vms.names);
	free(r.pods.names);
	free(r.containers.names);
	free(r.devices.names);
	free(r.addresses.names);
	return r.failed ? -ENOMEM : 0;
}
