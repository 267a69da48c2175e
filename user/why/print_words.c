// SPDX-License-Identifier: GPL-2.0
#include "why/print_words.h"

#include <stdio.h>

#include "base/name.h"
#include "base/words.h"
#include "why/holders.h"

const char *vs_why_words__since(const struct vs_why_case *c, char *buf, size_t size)
{
	char least[32], most[32];

	if (c->since_ns == VS_EV_UNKNOWN && c->at_most_ns == VS_EV_UNKNOWN)
		return "";
	vs_words__age(least, sizeof(least), c->since_ns == VS_EV_UNKNOWN ? 0 : c->since_ns);
	vs_words__age(most, sizeof(most), c->at_most_ns);
	if (c->verdict == VS_WHY_DEFERRED_LATE)
		snprintf(buf, size, ", for %s at least", least);
	else if (c->at_most_ns == VS_EV_UNKNOWN || c->at_most_ns <= c->since_ns + c->since_ns / 4)
		snprintf(buf, size, ", for %s", least);
	else
		snprintf(buf, size, ", for %s at least, %s at most (its age)", least, most);
	return buf;
}

static const char *kind_words(const struct vs_why_holder *h)
{
	static const char *const names[VS_SNAP_FILE_KINDS] = {
		[VS_SNAP_GROUP_FILE] = "the group's file",
		[VS_SNAP_DEVICE_FILE] = "the device",
		[VS_SNAP_CONTAINER_FILE] = "the container",
		[VS_SNAP_CDEV_FILE] = "the device (cdev)",
		[VS_SNAP_IOMMUFD_FILE] = "iommufd",
		[VS_SNAP_KVM_FILE] = "KVM's VFIO device",
	};

	return names[h->kind];
}

/*
 * Describes the holder of the address space of a process that has exited; @who is a name if it is
 * known, else "".
 */
static void memory(const struct vs_why_holder *h, const char *who, char *buf, size_t size)
{
	unsigned long long kib = (unsigned long long)h->bytes >> 10;
	char name[VS_TASK_LEN];

	vs_name__quote(name, sizeof(name), h->comm, sizeof(h->comm));
	if (h->tgid)
		snprintf(buf, size, "%s fd %d %s: %skeeps the memory of a process that has exited, with %llu KiB of "
			 "the device mapped", who, h->fd, h->path, h->likely ? "likely " : "", kib);
	else
		snprintf(buf, size, "%s%s%s%s: %llu KiB of the device mapped", who, h->comm[0] ? " (" : "",
			 h->comm[0] ? name : "", h->comm[0] ? ")" : "", kib);
}

void vs_why_words__holder(const struct vs_why_holder *h, bool shared, char *buf, size_t size)
{
	char who[VS_HOLDER_LEN];

	vs_holders__title(h, who, sizeof(who));
	if (h->how == VS_HOLD_FD && h->fd < 0)
		snprintf(buf, size, "%s: %s%s, one of its descriptors", who, h->likely ? "likely " : "", kind_words(h));
	else if (h->how == VS_HOLD_FD)
		snprintf(buf, size, "%s fd %d: %s%s%s", who, h->fd, h->likely ? "likely " : "", kind_words(h),
			 shared ? " (the same open file)" : "");
	else if (h->how == VS_HOLD_MAP)
		snprintf(buf, size, "%s: %llu KiB of the device mapped, no descriptor", who,
			 (unsigned long long)h->bytes >> 10);
	else if (h->how == VS_HOLD_SOCKET)
		snprintf(buf, size, "%s fd %d: a UNIX socket with %s in flight", who, h->fd, kind_words(h));
	else if (h->how == VS_HOLD_RING && h->fd >= 0)
		snprintf(buf, size, "%s fd %d: an io_uring with %s registered", who, h->fd, kind_words(h));
	else if (h->how == VS_HOLD_RING)
		snprintf(buf, size, "%s: an io_uring without a descriptor, with %s registered", who, kind_words(h));
	else if (h->how == VS_HOLD_CALL && h->fd >= 0)
		snprintf(buf, size, "%s fd %d: its task %u is in a call of %s iommufd", who, h->fd, h->tid,
			 h->likely ? "an" : "this");
	else if (h->how == VS_HOLD_CALL)
		snprintf(buf, size, "%s: its task %u is in a call of an iommufd", who, h->tid);
	else if (h->how == VS_HOLD_ARGUMENTS)
		snprintf(buf, size, "%s: its arguments name the device; its files were not to be seen", who);
	else if (h->how == VS_HOLD_RELEASE)
		snprintf(buf, size, "%s: its task %u has closed %s, and is not through with the release", who,
			 h->tid, kind_words(h));
	else
		memory(h, who, buf, size);
}

void vs_why_words__origin(const struct vs_why_holder *h, char *buf, size_t size)
{
	char unit[100];

	buf[0] = '\0';
	vs_name__in_quotes(unit, sizeof(unit), h->unit, sizeof(h->unit));
	if (h->container[0])
		snprintf(buf, size, "container %s%s%s", h->container, h->pod[0] ? ", pod " : "", h->pod);
	else if (h->unit[0])
		snprintf(buf, size, "unit %s", unit);
}

bool vs_why_words__is_shared(const struct vs_why_case *c, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (c->holders[j].file == c->holders[i].file && c->holders[i].file &&
		    c->holders[j].how == VS_HOLD_FD)
			return true;
	return false;
}

static void stamp(char *buf, size_t size, uint64_t ns, const char *when)
{
	size_t used = 0;

	buf[0] = '\0';
	if (ns != VS_EV_UNKNOWN)
		used = (size_t)snprintf(buf, size, "[%.3f]", (double)ns / 1e9);
	if (when[0] && used < size)
		snprintf(buf + used, size - used, "%s%s", used ? " " : "", when);
}

/* Several reports of one wait are one case. */
void vs_why_words__times(const struct vs_ev_logged *l, char *buf, size_t size)
{
	char first[40], last[100];

	buf[0] = '\0';
	stamp(first, sizeof(first), l->first_ns, "");
	stamp(last, sizeof(last), l->last_ns, l->when);
	if (l->reports > 1)
		snprintf(buf, size, "reported %u times%s%s%s%s", l->reports, first[0] ? ", first at " : "", first,
			 last[0] ? ", last at " : "", last);
	else if (last[0])
		snprintf(buf, size, "reported at %s", last);
}

void vs_why_words__said(const struct vs_ev_message *m, char *buf, size_t size)
{
	const char *who = m->kind == VS_MSG_NO_HOTPLUG ? "QEMU" : "VFIO";
	char first[40], last[100];

	stamp(first, sizeof(first), m->first_ns, "");
	stamp(last, sizeof(last), m->last_ns, m->when);
	if (m->nr == 1)
		snprintf(buf, size, "once by %s%s%s", who, last[0] ? ", at " : "", last);
	else
		snprintf(buf, size, "%u times by %s%s%s%s%s", m->nr, who, first[0] ? ", first at " : "", first,
			 last[0] ? ", last at " : "", last);
}
