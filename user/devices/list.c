// SPDX-License-Identifier: GPL-2.0
#include "devices/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"

bool vs_device_list__is_user(const struct vs_why_holder *h, const char *name)
{
	const char *const names[] = { h->vm, h->pod_name, h->pod, h->container_name, h->container, h->unit };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i][0] && !strcmp(names[i], name))
			return true;
	return false;
}

static bool is_by(const struct vs_usage *u, const char *name)
{
	for (size_t i = 0; i < u->nr_holders; i++)
		if (vs_device_list__is_user(&u->holders[i], name))
			return true;
	return false;
}

/* VFIO has it, or had it, or refuses its group. */
static bool is_of_vfio(const struct vs_inventory *inv, const struct vs_usage *u)
{
	const struct vs_device *other;
	size_t at = 0;

	if (u->state < VS_USAGE_UNUSED || u->nr_holders)
		return true;
	while ((other = vs_inventory__member(inv, u->device->group, &at)))
		if (vs_device__is_vfio(other))
			return true;
	return false;
}

static bool is_chosen(const struct vs_inventory *inv, const struct vs_list_subject *s, const struct vs_usage *u)
{
	if (s->device)
		return !strcmp(u->device->name, s->device);
	if (s->group >= 0)
		return u->device->group == s->group;
	if (s->user)
		return is_by(u, s->user);
	return s->all || is_of_vfio(inv, u);
}

static int by_trouble(const void *a, const void *b)
{
	const struct vs_usage *x = a, *y = b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return strcmp(x->device->name, y->device->name);
}

static size_t count_elsewhere(const struct vs_why *why, const bool *about)
{
	size_t nr = 0;

	for (size_t i = 0; i < why->nr_cases; i++)
		nr += why->cases[i].verdict < VS_WHY_COLLATERAL && !about[i];
	return nr;
}

int vs_device_list__make(const struct vs_devices_facts *f, const struct vs_list_subject *subject,
			 struct vs_device_list *list)
{
	bool *about = calloc(f->why.nr_cases + 1, sizeof(*about));
	int err = about ? 0 : -ENOMEM;

	memset(list, 0, sizeof(*list));
	for (size_t i = 0; !err && i < f->inventory.nr_devices; i++) {
		struct vs_usage u, *row = NULL;

		err = vs_usage__of(&f->inventory, &f->evidence, &f->why, &f->inventory.devices[i], &u);
		if (err)
			break;
		if (u.trouble)
			about[u.trouble - f->why.cases] = true;
		if (is_chosen(&f->inventory, subject, &u)) {
			row = vs_rows__add(&list->rows, &list->nr_rows, sizeof(*row));
			err = row ? 0 : -ENOMEM;
		}
		if (row)
			*row = u;
		else
			vs_usage__free(&u);
	}
	if (!err)
		list->nr_elsewhere = count_elsewhere(&f->why, about);
	if (!err && list->nr_rows)
		qsort(list->rows, list->nr_rows, sizeof(*list->rows), by_trouble);
	free(about);
	if (err)
		vs_device_list__free(list);
	return err;
}

void vs_device_list__free(struct vs_device_list *list)
{
	for (size_t i = 0; i < list->nr_rows; i++)
		vs_usage__free(&list->rows[i]);
	free(list->rows);
	memset(list, 0, sizeof(*list));
}
