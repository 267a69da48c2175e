// SPDX-License-Identifier: GPL-2.0
#include "event/filter.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/device_name.h"
#include "event/names.h"

/* One accepted value; text for devices and comms, number for the rest. */
struct value {
	long number;
	char text[VS_DEVICE_LEN];
};

struct values {
	struct value *v;
	size_t nr;
};

struct vs_filter {
	struct values kinds[VS_FILTER_KINDS];
};

struct vs_filter *vs_filter__new(void)
{
	return calloc(1, sizeof(struct vs_filter));
}

void vs_filter__free(struct vs_filter *f)
{
	if (!f)
		return;
	for (int i = 0; i < VS_FILTER_KINDS; i++)
		free(f->kinds[i].v);
	free(f);
}

static int parse_number(const char *text, long max, struct value *out)
{
	char *end;

	errno = 0;
	out->number = strtol(text, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*text) || out->number > max)
		return -EINVAL;
	return 0;
}

static int parse_group(const char *text, struct value *out, char *words, size_t size)
{
	if (!parse_number(text, 0x7fffffff, out))
		return 0;
	snprintf(words, size, "'%.40s' is not an IOMMU group number: give the N of /dev/vfio/N",
		 text);
	return -EINVAL;
}

static int parse_pid(const char *text, struct value *out, char *words, size_t size)
{
	if (!parse_number(text, 0x3fffffff, out) && out->number)
		return 0;
	snprintf(words, size, "'%.40s' is not a process id", text);
	return -EINVAL;
}

static int parse_device(const char *text, struct value *out, char *words, size_t size)
{
	if (vs_device_name__parse(text, out->text))
		return 0;
	snprintf(words, size, "'%.40s' is not a device: give " VS_DEVICE_NAME_WANTED, text);
	return -EINVAL;
}

static int parse_comm(const char *text, struct value *out, char *words, size_t size)
{
	if (strlen(text) < sizeof(out->text)) {
		strcpy(out->text, text);
		return 0;
	}
	snprintf(words, size, "'%.40s' is too long: the kernel keeps %d characters of a task's name",
		 text, VS_COMM_LEN - 1);
	return -EINVAL;
}

/* The names of all types would make too long a line. */
static int parse_event(const char *text, struct value *out, char *words, size_t size)
{
	int type = vs_type__parse(text);

	if (type >= 0) {
		out->number = type;
		return 0;
	}
	snprintf(words, size, "'%.40s' is not an event: there are get, put, open, close, create, "
		 "release, queue, start, end and those in vfioscope-trace(8)", text);
	return -EINVAL;
}

typedef int (*parse_fn)(const char *text, struct value *out, char *words, size_t size);

static const parse_fn parsers[VS_FILTER_KINDS] = {
	[VS_FILTER_GROUP] = parse_group,
	[VS_FILTER_DEVICE] = parse_device,
	[VS_FILTER_PID] = parse_pid,
	[VS_FILTER_COMM] = parse_comm,
	[VS_FILTER_EVENT] = parse_event,
};

static int add_value(struct values *vs, const struct value *v)
{
	struct value *grown = realloc(vs->v, (vs->nr + 1) * sizeof(*v));

	if (!grown)
		return -ENOMEM;
	vs->v = grown;
	vs->v[vs->nr++] = *v;
	return 0;
}

static int add_text(struct vs_filter *f, enum vs_filter_kind kind, const char *text,
		    char *words, size_t size)
{
	struct value v = { 0 };

	if (!*text) {
		snprintf(words, size, "an empty value in the list");
		return -EINVAL;
	}
	if (parsers[kind](text, &v, words, size))
		return -EINVAL;
	return add_value(&f->kinds[kind], &v);
}

int vs_filter__add(struct vs_filter *f, enum vs_filter_kind kind, const char *values,
		   char *words, size_t size)
{
	char *copy = strdup(values), *rest = copy, *one;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (one = strsep(&rest, ",")))
		err = add_text(f, kind, one, words, size);
	free(copy);
	return err;
}

bool vs_filter__is_empty(const struct vs_filter *f)
{
	for (int i = 0; f && i < VS_FILTER_KINDS; i++)
		if (f->kinds[i].nr)
			return false;
	return true;
}

static bool exists(const char *root, const char *below, const char *name, const char *rest)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/%s/%s%s", root, below, name, rest);
	return !access(path, F_OK);
}

static bool is_absent(const char *root, const char *device, char *words, size_t size)
{
	if (exists(root, "bus/pci/devices", device, "/iommu_group") ||
	    exists(root, "bus/mdev/devices", device, ""))
		return false;
	snprintf(words, size, exists(root, "bus/pci/devices", device, "") ?
		 "device %s is in no IOMMU group: VFIO cannot have it" :
		 "there is no device %s now", device);
	return true;
}

bool vs_filter__absent(const struct vs_filter *f, const char *root, char *words, size_t size)
{
	const struct values *groups = &f->kinds[VS_FILTER_GROUP];
	const struct values *devices = &f->kinds[VS_FILTER_DEVICE];
	char number[24];

	words[0] = '\0';
	for (size_t i = 0; i < groups->nr; i++) {
		snprintf(number, sizeof(number), "%ld", groups->v[i].number);
		if (exists(root, "kernel/iommu_groups", number, ""))
			continue;
		snprintf(words, size, "there is no IOMMU group %s now", number);
		return true;
	}
	for (size_t i = 0; i < devices->nr; i++)
		if (is_absent(root, devices->v[i].text, words, size))
			return true;
	return false;
}

static bool has_device(const char *list, const char *device)
{
	size_t len = strlen(device);

	for (const char *at = list; (at = strstr(at, device)); at += len)
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static bool comm_matches(const char *pattern, const struct vs_event *e)
{
	char comm[VS_COMM_LEN + 1];

	memcpy(comm, e->comm, VS_COMM_LEN);
	comm[VS_COMM_LEN] = '\0';
	return !strcmp(pattern, comm) || !fnmatch(pattern, comm, 0);
}

static bool value_matches(enum vs_filter_kind kind, const struct value *x,
			  const struct vs_view *v)
{
	switch (kind) {
	case VS_FILTER_GROUP:
		return v->group.known && v->group.number == x->number;
	case VS_FILTER_DEVICE:
		return !strcmp(v->device, x->text) ||
		       (v->group.known && has_device(v->group.devices, x->text));
	case VS_FILTER_PID:
		return v->e->tgid == x->number || v->e->tid == x->number;
	case VS_FILTER_COMM:
		return comm_matches(x->text, v->e);
	case VS_FILTER_EVENT:
		return v->e->type == x->number;
	default:
		return false;
	}
}

static bool kind_matches(enum vs_filter_kind kind, const struct values *vs,
			 const struct vs_view *v)
{
	for (size_t i = 0; i < vs->nr; i++)
		if (value_matches(kind, &vs->v[i], v))
			return true;
	return !vs->nr;
}

bool vs_filter__match(const struct vs_filter *f, const struct vs_view *v)
{
	for (int i = 0; f && i < VS_FILTER_KINDS; i++)
		if (!kind_matches(i, &f->kinds[i], v))
			return false;
	return true;
}

bool vs_filter__match_group(const struct vs_filter *f, const struct vs_group_view *group)
{
	struct vs_view v = { .device = "", .site = "", .group = *group };

	return !f || (kind_matches(VS_FILTER_GROUP, &f->kinds[VS_FILTER_GROUP], &v) &&
		      kind_matches(VS_FILTER_DEVICE, &f->kinds[VS_FILTER_DEVICE], &v));
}
