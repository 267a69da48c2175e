// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "snapshot/walk.h"

#define MAX_WAITERS 64		/* of one device; one is usual */
#define LARGEST_NUMBER (1 << 24)	/* of an IOMMU group: more is not a number */

struct walking {
	struct vs_walk *walk;
	struct vs_snapshot *snapshot;
	uint64_t *nodes;	/* room for one list */
	bool device_layout_seen;	/* an assumed layout has proved right */
};

static int32_t number_at(const struct vs_walk *walk, uint64_t base, int offset)
{
	int32_t value;

	if (offset == VS_ABSENT || vs_mem__read(walk->mem, base + offset, &value, sizeof(value)))
		return VS_SNAP_UNKNOWN;
	return value;
}

static uint64_t pointer_at(const struct vs_walk *walk, uint64_t base, int offset)
{
	return offset == VS_ABSENT ? 0 : vs_mem__pointer(walk->mem, base + offset);
}

/* dev_name() of a device that is registered. */
static void device_name(const struct vs_walk *walk, uint64_t device, char *buf, size_t size)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t name = device ? pointer_at(walk, device, l->device_kobj + l->kobj_name) : 0;

	*buf = '\0';
	if (name)
		vs_walk__string(walk->mem, name, buf, size);
}

/* The group's own device is named after the number: "26", "noiommu-0". */
static int number_by_name(const struct vs_walk *walk, uint64_t group)
{
	const struct vs_snap_layout *l = walk->layout;
	bool embedded = l->group_cdev != VS_ABSENT;
	char name[VS_DEVICE_LEN], *at = name, *end;
	long number;

	device_name(walk, embedded ? group + l->group_dev : pointer_at(walk, group, l->group_dev),
		    name, sizeof(name));
	at += strcspn(at, "0123456789");
	number = strtol(at, &end, 10);
	return *at && !*end && number < LARGEST_NUMBER ? number : -1;
}

/* v6.2 and later: a group whose last device has left has no IOMMU group any more. */
static int group_number(const struct vs_walk *walk, uint64_t group)
{
	uint64_t iommu_group = pointer_at(walk, group, walk->layout->group_iommu_group);
	int32_t id = iommu_group ? number_at(walk, iommu_group, walk->layout->iommu_group_id)
				 : VS_SNAP_UNKNOWN;

	return id >= 0 && id < LARGEST_NUMBER ? id : number_by_name(walk, group);
}

static int counter_offset(const struct vs_snap_layout *l)
{
	if (l->group_drivers != VS_ABSENT)
		return l->group_drivers;
	return l->group_users != VS_ABSENT ? l->group_users : l->group_kref;
}

/*
 * The first task in a list of waiters. The list's head and its nodes are of the same kind in a
 * completion (swait) and in a wait queue, with and without PREEMPT_RT.
 */
static uint64_t first_waiter(const struct vs_walk *walk, uint64_t head, int list, int task)
{
	uint64_t nodes[MAX_WAITERS];
	int nr = list == VS_ABSENT || task == VS_ABSENT ? 0 :
		 vs_walk__list(walk->mem, head, nodes, MAX_WAITERS);

	return nr > 0 ? pointer_at(walk, nodes[0] - (uint64_t)list, task) : 0;
}

static uint64_t device_waiter(const struct vs_walk *walk, uint64_t device)
{
	const struct vs_snap_layout *l = walk->layout;

	if (l->device_completion == VS_ABSENT || l->completion_wait == VS_ABSENT ||
	    l->swait_head == VS_ABSENT)
		return 0;
	return first_waiter(walk, device + l->device_completion + l->completion_wait +
			    l->swait_head, l->swait_list, l->swait_task);
}

static uint64_t container_waiter(const struct vs_walk *walk, uint64_t group)
{
	const struct vs_snap_layout *l = walk->layout;

	if (l->group_container_wait == VS_ABSENT || l->wait_head == VS_ABSENT)
		return 0;
	return first_waiter(walk, group + l->group_container_wait + l->wait_head, l->wait_list,
			    l->wait_task);
}

static void read_group(const struct vs_walk *walk, uint64_t address, struct vs_snap_group *group)
{
	const struct vs_snap_layout *l = walk->layout;

	group->address = address;
	group->number = group_number(walk, address);
	group->refs = number_at(walk, address, counter_offset(l));
	group->container_users = number_at(walk, address, l->group_container_users);
	group->container = pointer_at(walk, address, l->group_container);
	group->group_file = pointer_at(walk, address, l->group_opened_file);
	group->waiter = container_waiter(walk, address);
	group->opened = number_at(walk, address, l->group_opened);
	if (l->group_opened_file != VS_ABSENT)
		group->opened = !!group->group_file;
}

/* sysfs forgets the driver before its remove() runs, which may hang: this one does not. */
static void driver_name(const struct vs_walk *walk, uint64_t dev, char *buf, size_t size)
{
	uint64_t driver = dev ? pointer_at(walk, dev, walk->layout->dev_driver) : 0;
	uint64_t name = driver ? pointer_at(walk, driver, walk->layout->driver_name) : 0;

	if (name)
		vs_walk__string(walk->mem, name, buf, size);
}

static void read_device(const struct vs_walk *walk, uint64_t address, int number,
			struct vs_snap_device *device)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t dev = pointer_at(walk, address, l->device_dev);

	device->address = address;
	device->group = pointer_at(walk, address, l->device_group);
	device->number = number;
	device->refs = number_at(walk, address, l->device_refcount != VS_ABSENT ?
				 l->device_refcount : l->device_kref);
	device->waiter = device_waiter(walk, address);
	device->open_count = number_at(walk, address, l->device_open_count);
	device_name(walk, dev, device->name, sizeof(device->name));
	driver_name(walk, dev, device->driver, sizeof(device->driver));
}

/* Before v5.13 (and 5.10.137) vfio_device was another: its group pointer tells. */
static void check_device_layout(struct walking *w, uint64_t group, uint64_t node)
{
	struct vs_snap_layout *l = w->walk->layout, old = *l;

	if (w->device_layout_seen || !l->vfio_assumed)
		return;
	vs_snap_layout__assume_old_device(&old);
	if (pointer_at(w->walk, node - l->device_next, l->device_group) == group)
		w->device_layout_seen = true;
	else if (pointer_at(w->walk, node - old.device_next, old.device_group) == group)
		*l = old;
}

static int add_device(struct walking *w, uint64_t address, int number, bool leaving)
{
	struct vs_snapshot *s = w->snapshot;
	struct vs_snap_device *device = vs_rows__add(&s->devices, &s->nr_devices, sizeof(*device));

	if (!device)
		return -ENOMEM;
	read_device(w->walk, address, number, device);
	device->leaving = leaving;
	return 0;
}

static bool has_device(const struct vs_snapshot *s, uint64_t address)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address == address)
			return true;
	return false;
}

/*
 * VFIO's drivers have a structure that begins with vfio_device as their data. Any other
 * data does not point to this device and this group at the same places.
 */
static uint64_t vfio_device_of(const struct vs_walk *walk, uint64_t dev, uint64_t group)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t data = dev ? pointer_at(walk, dev, l->dev_driver_data) : 0;

	return data && pointer_at(walk, data, l->device_dev) == dev &&
	       pointer_at(walk, data, l->device_group) == group ? data : 0;
}

/*
 * v6.12 takes a device off the list before it waits for its users, so the very device
 * whose unbind hangs is not there: found through its IOMMU group.
 */
static int add_leaving(struct walking *w, uint64_t group, int number)
{
	const struct vs_snap_layout *l = w->walk->layout;
	uint64_t iommu_group = pointer_at(w->walk, group, l->group_iommu_group), device;
	int nr, err = 0;

	if (!iommu_group || l->iommu_group_devices == VS_ABSENT)
		return 0;
	nr = vs_walk__list(w->walk->mem, iommu_group + l->iommu_group_devices, w->nodes,
			   VS_WALK_MAX_LIST);
	for (int i = 0; i < nr && !err; i++) {
		device = vfio_device_of(w->walk, pointer_at(w->walk, w->nodes[i] -
					l->iommu_member_list, l->iommu_member_dev), group);
		if (device && !has_device(w->snapshot, device))
			err = add_device(w, device, number, true);
	}
	return err ?: nr < 0 ? nr : 0;
}

static int add_listed(struct walking *w, uint64_t group, int number)
{
	const struct vs_snap_layout *l = w->walk->layout;
	int nr = vs_walk__list(w->walk->mem, group + l->group_device_list, w->nodes,
			       VS_WALK_MAX_LIST);
	int err = 0;

	for (int i = 0; i < nr && !err; i++) {
		check_device_layout(w, group, w->nodes[i]);
		err = add_device(w, w->nodes[i] - l->device_next, number, false);
	}
	return err ?: nr < 0 ? nr : 0;
}

static int add_devices(struct walking *w, uint64_t group, int number)
{
	int err = add_listed(w, group, number);

	return err ?: add_leaving(w, group, number);
}

static int add_group(struct walking *w, uint64_t address)
{
	struct vs_snap_group *group;

	group = vs_rows__add(&w->snapshot->groups, &w->snapshot->nr_groups, sizeof(*group));
	if (!group)
		return -ENOMEM;
	read_group(w->walk, address, group);
	return 0;
}

/* Several objects may be called vfio: it takes the one with a whole list where the list must be. */
static int find_list(struct walking *w)
{
	const struct vs_snap_symbols *symbols = w->walk->symbols;
	int nr = -ENOENT;

	for (size_t i = 0; i < symbols->nr_vfio && nr < 0; i++)
		nr = vs_walk__list(w->walk->mem,
				   symbols->vfio[i] + w->walk->layout->vfio_group_list,
				   w->nodes, VS_WALK_MAX_LIST);
	return nr;
}

/* Groups first: their list is in the room that the lists of devices need, too. */
static int add_groups(struct walking *w)
{
	struct vs_snapshot *s = w->snapshot;
	int nr = find_list(w), err = nr < 0 ? nr : 0, broken = 0;

	for (int i = 0; i < nr && !err; i++)
		err = add_group(w, w->nodes[i] - w->walk->layout->group_next);
	for (size_t i = 0; i < s->nr_groups && !err; i++) {
		err = add_devices(w, s->groups[i].address, s->groups[i].number);
		if (err == -EFAULT) {
			broken = err;
			err = 0;
		}
	}
	return err ?: broken;
}

/* -- where VFIO has no groups of its own -- */

/* VFIO's own part of a device is called after its node. */
static bool has_node(const struct vs_walk *walk, uint64_t device)
{
	char name[VS_DEVICE_LEN];

	if (walk->layout->device_node == VS_ABSENT)
		return false;
	device_name(walk, device + walk->layout->device_node, name, sizeof(name));
	return !strncmp(name, "vfio", 4) && isdigit((unsigned char)name[4]);
}

static int add_members(struct walking *w, uint64_t iommu_group)
{
	const struct vs_snap_layout *l = w->walk->layout;
	int number = number_at(w->walk, iommu_group, l->iommu_group_id), err = 0;
	int nr = vs_walk__list(w->walk->mem, iommu_group + l->iommu_group_devices, w->nodes,
			       VS_WALK_MAX_LIST);

	for (int i = 0; i < nr && !err; i++) {
		uint64_t device = vfio_device_of(w->walk, pointer_at(w->walk, w->nodes[i] -
						 l->iommu_member_list, l->iommu_member_dev), 0);

		if (device && has_node(w->walk, device))
			err = add_device(w, device, number, false);
	}
	return err ?: nr < 0 ? nr : 0;
}

/* All IOMMU groups of the host are asked for devices of VFIO. */
static int add_ungrouped(struct walking *w)
{
	const struct vs_snap_layout *l = w->walk->layout;
	uint64_t set = w->walk->symbols->iommu_groups;
	uint64_t *groups;
	int nr, err = 0;

	set = set ? vs_mem__pointer(w->walk->mem, set) : 0;
	if (!set || l->kset_list == VS_ABSENT || l->kobj_entry == VS_ABSENT ||
	    l->iommu_group_kobj == VS_ABSENT || l->iommu_group_devices == VS_ABSENT)
		return -ENOENT;
	groups = malloc(VS_WALK_MAX_LIST * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	nr = vs_walk__list(w->walk->mem, set + (uint64_t)l->kset_list, groups, VS_WALK_MAX_LIST);
	for (int i = 0; i < nr && !err; i++)
		err = add_members(w, groups[i] - (uint64_t)(l->kobj_entry + l->iommu_group_kobj));
	free(groups);
	return err ?: nr < 0 ? nr : 0;
}

int vs_walk__groups(struct vs_walk *walk, struct vs_snapshot *snapshot)
{
	bool grouped = !vs_snap_layout__has_no_groups(walk->layout);
	struct walking w = { .walk = walk, .snapshot = snapshot };
	int err;

	if (grouped && walk->layout->vfio_group_list == VS_ABSENT)
		return -ENOENT;
	w.nodes = malloc(VS_WALK_MAX_LIST * sizeof(*w.nodes));
	if (!w.nodes)
		return -ENOMEM;
	err = grouped ? add_groups(&w) : add_ungrouped(&w);
	free(w.nodes);
	return err;
}

/* It may have been added after its group was walked. */
static bool is_listed_now(const struct walking *w, uint64_t group, uint64_t device)
{
	const struct vs_snap_layout *l = w->walk->layout;
	int nr = vs_walk__list(w->walk->mem, group + l->group_device_list, w->nodes,
			       VS_WALK_MAX_LIST);

	for (int i = 0; i < nr; i++)
		if (w->nodes[i] - (uint64_t)l->device_next == device)
			return true;
	return nr < 0;
}

/* Where VFIO has no groups, a device's IOMMU group has the number; -1. */
static int number_of(const struct vs_walk *walk, uint64_t address)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t dev = pointer_at(walk, address, l->device_dev);
	uint64_t group = dev ? pointer_at(walk, dev, l->dev_iommu_group) : 0;
	int32_t id = group ? number_at(walk, group, l->iommu_group_id) : -1;

	return id >= 0 && id < LARGEST_NUMBER ? id : -1;
}

/* A device without a name is none. */
static int add_named(struct walking *w, uint64_t address, int number, bool leaving)
{
	int err = add_device(w, address, number, leaving);

	if (!err && !w->snapshot->devices[w->snapshot->nr_devices - 1].name[0])
		w->snapshot->nr_devices--;
	return err;
}

/* Only a device of a known group with a name is one; whatever else was read is not. */
static int add_device_of_file(struct walking *w, uint64_t address)
{
	uint64_t group = pointer_at(w->walk, address, w->walk->layout->device_group);
	const struct vs_snap_group *of = NULL;

	if (has_device(w->snapshot, address))
		return 0;
	if (vs_snap_layout__has_no_groups(w->walk->layout))
		return add_named(w, address, number_of(w->walk, address), false);
	for (size_t i = 0; i < w->snapshot->nr_groups; i++)
		if (w->snapshot->groups[i].address == group)
			of = &w->snapshot->groups[i];
	if (!group || !of)
		return 0;
	return add_named(w, address, of->number, !is_listed_now(w, group, address));
}

int vs_walk__devices_of_files(struct vs_walk *walk, struct vs_snapshot *s)
{
	struct walking w = { .walk = walk, .snapshot = s };
	int err = 0;

	w.nodes = malloc(VS_WALK_MAX_LIST * sizeof(*w.nodes));
	if (!w.nodes)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_fds && !err; i++)
		if ((s->fds[i].kind == VS_SNAP_DEVICE_FILE || s->fds[i].kind == VS_SNAP_CDEV_FILE) &&
		    s->fds[i].object)
			err = add_device_of_file(&w, s->fds[i].object);
	for (size_t i = 0; i < s->nr_maps && !err; i++)
		if (s->maps[i].device)
			err = add_device_of_file(&w, s->maps[i].device);
	free(w.nodes);
	return err;
}

static bool has_name(const struct vs_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		if (!strcmp(s->devices[i].name, name))
			return true;
	return false;
}

static int add_neighbour(const struct vs_walk *walk, uint64_t dev, int number, struct vs_snapshot *s)
{
	struct vs_snap_device d = { .number = number, .refs = VS_SNAP_UNKNOWN, .open_count = VS_SNAP_UNKNOWN }, *row;

	device_name(walk, dev, d.name, sizeof(d.name));
	if (!d.name[0] || has_name(s, d.name))
		return 0;
	driver_name(walk, dev, d.driver, sizeof(d.driver));
	row = vs_rows__add(&s->devices, &s->nr_devices, sizeof(*row));
	if (!row)
		return -ENOMEM;
	*row = d;
	return 0;
}

int vs_walk__neighbours(const struct vs_walk *walk, struct vs_snapshot *s)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t *nodes = malloc(VS_WALK_MAX_LIST * sizeof(*nodes));
	int err = nodes ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr_groups && !err; i++) {
		uint64_t group = s->groups[i].address ?
				 pointer_at(walk, s->groups[i].address, l->group_iommu_group) : 0;
		int nr = group && l->iommu_group_devices != VS_ABSENT ?
			 vs_walk__list(walk->mem, group + l->iommu_group_devices, nodes, VS_WALK_MAX_LIST) : 0;

		for (int j = 0; j < nr && !err; j++)
			err = add_neighbour(walk, pointer_at(walk, nodes[j] - l->iommu_member_list,
							     l->iommu_member_dev), s->groups[i].number, s);
	}
	free(nodes);
	return err;
}
