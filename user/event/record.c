// SPDX-License-Identifier: GPL-2.0
#include "event/record.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "event/names.h"

static size_t least_size(unsigned int type)
{
	switch (type) {
	case VS_REGISTER:
	case VS_UNREGISTER:
	case VS_NOTIFIER_ENTER:
	case VS_IOMMUFD_BIND:
	case VS_IOMMUFD_UNBIND:
	case VS_IOMMUFD_ATTACH:
	case VS_IOMMUFD_DETACH:
		return sizeof(struct vs_device_event);
	case VS_CHAIN_DEADLOCK:
		return sizeof(struct vs_alarm_event);
	case VS_CHANGE:
		return sizeof(struct vs_stack_event);
	case VS_REG_GET:
	case VS_REG_PUT:
		return sizeof(struct vs_registration_event);
	default:
		return sizeof(struct vs_event);
	}
}

int vs_record__check(const void *data, size_t len, const struct vs_event **event)
{
	const struct vs_event *e = data;

	if (len < sizeof(*e) || e->size < sizeof(*e) || e->size > len || !e->version)
		return -EINVAL;
	if (e->version > VS_ABI_VERSION)
		return -EOVERFLOW;
	if (!vs_type__name(e->type))
		return -ENOENT;
	if (e->size < least_size(e->type))
		return -EINVAL;
	*event = e;
	return 0;
}

bool vs_record__is_registration(const struct vs_event *e)
{
	return e->type == VS_REG_GET || e->type == VS_REG_PUT;
}

bool vs_record__is_container(const struct vs_event *e)
{
	return e->type == VS_CONTAINER_USE || e->type == VS_CONTAINER_UNUSE;
}

const char *vs_record__device(const struct vs_event *e)
{
	const struct vs_registration_event *r = (const void *)e;
	const struct vs_device_event *d = (const void *)e;
	const char *name;

	if (!vs_record__is_registration(e) && least_size(e->type) != sizeof(*d))
		return "";
	name = vs_record__is_registration(e) ? r->device : d->device;
	return memchr(name, '\0', VS_DEVICE_LEN) ? name : "";
}

const struct vs_alarm_event *vs_record__alarm(const struct vs_event *e)
{
	return e->type == VS_CHAIN_DEADLOCK ? (const void *)e : NULL;
}

const struct vs_stack_event *vs_record__stack(const struct vs_event *e)
{
	bool may = e->type == VS_GET || e->type == VS_PUT || e->type == VS_CHANGE ||
		   vs_record__is_registration(e);

	return may && e->size >= sizeof(struct vs_stack_event) ? (const void *)e : NULL;
}

size_t vs_stack__length(const struct vs_stack_event *s)
{
	return s->nr_stack < VS_SHORT_STACK_LEN ? s->nr_stack : VS_SHORT_STACK_LEN;
}
