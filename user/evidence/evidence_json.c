// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/rows.h"
#include "evidence/evidence.h"

#define EVIDENCE_SCHEMA 1
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Plain members are described once, and both directions walk the tables, so that
 * saving and loading cannot drift apart.
 */
enum field_kind {
	FIELD_BOOL, FIELD_INT, FIELD_U32, FIELD_TIME, FIELD_ADDRESS, FIELD_CHAR, FIELD_TEXT
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset, size;
};

#define FIELD(k, type, member) \
	{ #member, FIELD_##k, offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define END { NULL, 0, 0, 0 }

static const struct field evidence_fields[] = {
	FIELD(TEXT, vs_evidence, release),
	FIELD(BOOL, vs_evidence, weaker),
	FIELD(TEXT, vs_evidence, words),
	FIELD(BOOL, vs_evidence, has_vfio),
	FIELD(BOOL, vs_evidence, has_notifier),
	FIELD(BOOL, vs_evidence, has_fix),
	FIELD(TIME, vs_evidence, took_ns),
	FIELD(U32, vs_evidence, nr_seen),
	FIELD(BOOL, vs_evidence, snapshot.scope.groups),
	FIELD(BOOL, vs_evidence, snapshot.scope.counters),
	FIELD(BOOL, vs_evidence, snapshot.scope.fds),
	FIELD(BOOL, vs_evidence, snapshot.scope.maps),
	FIELD(BOOL, vs_evidence, snapshot.hidden_tasks),
	FIELD(BOOL, vs_evidence, snapshot.files_counted),
	FIELD(BOOL, vs_evidence, snapshot.users_counted),
	FIELD(TEXT, vs_evidence, snapshot.words),
	END
};

/* Members of "core", which only evidence of a dump has. */
static const struct field core_fields[] = {
	FIELD(BOOL, vs_evidence, from_core),
	FIELD(BOOL, vs_evidence, incomplete),
	END
};

/* Members of "start", which exists only if a device or a group was asked about. */
static const struct field start_fields[] = {
	FIELD(TEXT, vs_start_facts, device),
	FIELD(INT, vs_start_facts, group),
	FIELD(BOOL, vs_start_facts, noiommu),
	FIELD(U32, vs_start_facts, nr_more),
	FIELD(U32, vs_start_facts, nr_groups),
	FIELD(INT, vs_start_facts, acpi),
	FIELD(TEXT, vs_start_facts, iommu_table),
	FIELD(TEXT, vs_start_facts, vendor),
	FIELD(BOOL, vs_start_facts, guest),
	FIELD(TEXT, vs_start_facts, arguments),
	FIELD(INT, vs_start_facts, remaps),
	FIELD(INT, vs_start_facts, unsafe_type1),
	FIELD(INT, vs_start_facts, unsafe_iommufd),
	FIELD(INT, vs_start_facts, has_vfio_pci),
	FIELD(INT, vs_start_facts, node),
	FIELD(INT, vs_start_facts, may_open),
	FIELD(U32, vs_start_facts, mode),
	FIELD(U32, vs_start_facts, uid),
	FIELD(U32, vs_start_facts, gid),
	FIELD(TEXT, vs_start_facts, owner),
	FIELD(TEXT, vs_start_facts, owner_group),
	FIELD(U32, vs_start_facts, user),
	FIELD(TEXT, vs_start_facts, user_name),
	FIELD(U32, vs_start_facts, pid),
	FIELD(TIME, vs_start_facts, memlock),
	FIELD(TIME, vs_start_facts, locked),
	FIELD(INT, vs_start_facts, ipc_lock),
	END
};

static const struct field member_fields[] = {
	FIELD(TEXT, vs_start_member, device.name),
	FIELD(INT, vs_start_member, device.bus),
	FIELD(INT, vs_start_member, device.group),
	FIELD(BOOL, vs_start_member, device.noiommu),
	FIELD(BOOL, vs_start_member, device.registered),
	FIELD(TEXT, vs_start_member, device.driver),
	FIELD(BOOL, vs_start_member, device.has_id),
	FIELD(U32, vs_start_member, device.class_code),
	FIELD(TEXT, vs_start_member, override),
	FIELD(BOOL, vs_start_member, override_read),
	FIELD(TEXT, vs_start_member, power),
	FIELD(INT, vs_start_member, dead),
	FIELD(INT, vs_start_member, resets),
	END
};

/* Members of "log", which exists only if a log was read. */
static const struct field log_fields[] = {
	FIELD(BOOL, vs_evidence, from_log),
	FIELD(TIME, vs_evidence, log_lines),
	FIELD(BOOL, vs_evidence, log_of_kernel),
	FIELD(TIME, vs_evidence, log_now_ns),
	END
};

static const struct field task_fields[] = {
	FIELD(ADDRESS, vs_ev_task, address),
	FIELD(U32, vs_ev_task, tid),
	FIELD(U32, vs_ev_task, tgid),
	FIELD(U32, vs_ev_task, parent),
	FIELD(CHAR, vs_ev_task, state),
	FIELD(BOOL, vs_ev_task, kernel_thread),
	FIELD(TEXT, vs_ev_task, comm),
	FIELD(TIME, vs_ev_task, waited_ns),
	FIELD(TIME, vs_ev_task, age_ns),
	FIELD(TIME, vs_ev_task, stayed_ns),
	FIELD(BOOL, vs_ev_task, from_memory),
	FIELD(INT, vs_ev_task, lock_kind),
	FIELD(ADDRESS, vs_ev_task, lock),
	FIELD(ADDRESS, vs_ev_task, owner),
	FIELD(ADDRESS, vs_ev_task, dead_owner),
	FIELD(BOOL, vs_ev_task, owner_reads),
	FIELD(BOOL, vs_ev_task, is_first),
	FIELD(BOOL, vs_ev_task, lock_outside),
	FIELD(TEXT, vs_ev_task, lock_name),
	FIELD(INT, vs_ev_task, lock_group),
	FIELD(TEXT, vs_ev_task, about),
	END
};

static const struct field logged_fields[] = {
	FIELD(INT, vs_ev_logged, told),
	FIELD(INT, vs_ev_logged, wait),
	FIELD(BOOL, vs_ev_logged, torn),
	FIELD(BOOL, vs_ev_logged, loose),
	FIELD(BOOL, vs_ev_logged, addresses),
	FIELD(BOOL, vs_ev_logged, hard),
	FIELD(INT, vs_ev_logged, cpu),
	FIELD(U32, vs_ev_logged, reports),
	FIELD(U32, vs_ev_logged, boot),
	FIELD(TIME, vs_ev_logged, first_ns),
	FIELD(TIME, vs_ev_logged, last_ns),
	FIELD(TIME, vs_ev_logged, hung_ns),
	FIELD(U32, vs_ev_logged, owner),
	FIELD(TEXT, vs_ev_logged, owner_comm),
	FIELD(TEXT, vs_ev_logged, when),
	FIELD(TEXT, vs_ev_logged, release),
	FIELD(TEXT, vs_ev_logged, words),
	END
};

static const struct field message_fields[] = {
	FIELD(INT, vs_ev_message, kind),
	FIELD(TEXT, vs_ev_message, device),
	FIELD(U32, vs_ev_message, boot),
	FIELD(U32, vs_ev_message, nr),
	FIELD(U32, vs_ev_message, earlier),
	FIELD(U32, vs_ev_message, rounds),
	FIELD(U32, vs_ev_message, pid),
	FIELD(TEXT, vs_ev_message, comm),
	FIELD(TIME, vs_ev_message, first_ns),
	FIELD(TIME, vs_ev_message, last_ns),
	FIELD(TIME, vs_ev_message, order),
	FIELD(TEXT, vs_ev_message, when),
	END
};

static const struct field locked_fields[] = {
	FIELD(TEXT, vs_ev_locked, name),
	FIELD(TEXT, vs_ev_locked, driver),
	END
};

static const struct field process_fields[] = {
	FIELD(U32, vs_ev_process, tgid),
	FIELD(U32, vs_ev_process, parent),
	FIELD(TEXT, vs_ev_process, comm),
	FIELD(TEXT, vs_ev_process, cmdline),
	FIELD(TEXT, vs_ev_process, cgroup),
	FIELD(TEXT, vs_ev_process, vfio_args),
	FIELD(BOOL, vs_ev_process, q35),
	FIELD(BOOL, vs_ev_process, exiting),
	FIELD(TIME, vs_ev_process, age_ns),
	FIELD(TEXT, vs_ev_process, pod_name),
	FIELD(TEXT, vs_ev_process, container_name),
	FIELD(BOOL, vs_ev_process, stuck),
	FIELD(BOOL, vs_ev_process, uninterruptible),
	END
};

static const struct field work_fields[] = {
	FIELD(INT, vs_ev_work, state),
	FIELD(ADDRESS, vs_ev_work, address),
	FIELD(ADDRESS, vs_ev_work, group),
	FIELD(INT, vs_ev_work, cpu),
	FIELD(ADDRESS, vs_ev_work, worker),
	FIELD(U32, vs_ev_work, ahead),
	FIELD(TIME, vs_ev_work, outstanding_ns),
	END
};

static const struct field worker_fields[] = {
	FIELD(ADDRESS, vs_ev_worker, task),
	FIELD(U32, vs_ev_worker, nr),
	FIELD(INT, vs_ev_worker, cpu),
	FIELD(TEXT, vs_ev_worker, func),
	END
};

static const struct field opener_fields[] = {
	FIELD(U32, vs_ev_opener, tgid),
	FIELD(INT, vs_ev_opener, fd),
	FIELD(ADDRESS, vs_ev_opener, mm),
	FIELD(TEXT, vs_ev_opener, path),
	END
};

static const struct field group_fields[] = {
	FIELD(ADDRESS, vs_snap_group, address),
	FIELD(INT, vs_snap_group, number),
	FIELD(INT, vs_snap_group, refs),
	FIELD(INT, vs_snap_group, opened),
	FIELD(INT, vs_snap_group, container_users),
	FIELD(ADDRESS, vs_snap_group, container),
	FIELD(ADDRESS, vs_snap_group, group_file),
	FIELD(ADDRESS, vs_snap_group, waiter),
	END
};

static const struct field device_fields[] = {
	FIELD(ADDRESS, vs_snap_device, address),
	FIELD(ADDRESS, vs_snap_device, group),
	FIELD(BOOL, vs_snap_device, leaving),
	FIELD(ADDRESS, vs_snap_device, waiter),
	FIELD(INT, vs_snap_device, number),
	FIELD(INT, vs_snap_device, refs),
	FIELD(INT, vs_snap_device, open_count),
	FIELD(TEXT, vs_snap_device, name),
	FIELD(TEXT, vs_snap_device, driver),
	END
};

static const struct field fd_fields[] = {
	FIELD(INT, vs_snap_fd, kind),
	FIELD(INT, vs_snap_fd, via),
	FIELD(U32, vs_snap_fd, tid),
	FIELD(ADDRESS, vs_snap_fd, file),
	FIELD(ADDRESS, vs_snap_fd, object),
	FIELD(ADDRESS, vs_snap_fd, device),
	FIELD(ADDRESS, vs_snap_fd, iommufd),
	FIELD(U32, vs_snap_fd, tgid),
	FIELD(INT, vs_snap_fd, fd),
	FIELD(TEXT, vs_snap_fd, comm),
	END
};

static const struct field map_fields[] = {
	FIELD(ADDRESS, vs_snap_map, file),
	FIELD(ADDRESS, vs_snap_map, device),
	FIELD(ADDRESS, vs_snap_map, mm),
	FIELD(ADDRESS, vs_snap_map, start),
	FIELD(ADDRESS, vs_snap_map, end),
	FIELD(U32, vs_snap_map, tgid),
	FIELD(TEXT, vs_snap_map, comm),
	END
};

/* Arrays of such rows in the evidence. */
#define LIST(list, type, table) \
	{ #list, table, offsetof(struct vs_evidence, list), \
	  offsetof(struct vs_evidence, nr_##list), sizeof(struct type) }
#define SNAP_LIST(list, type, table) \
	{ #list, table, offsetof(struct vs_evidence, snapshot.list), \
	  offsetof(struct vs_evidence, snapshot.nr_##list), sizeof(struct type) }

struct list {
	const char *name;
	const struct field *fields;
	size_t rows, nr, size;
};

static const struct list lists[] = {
	LIST(tasks, vs_ev_task, task_fields),
	LIST(processes, vs_ev_process, process_fields),
	LIST(works, vs_ev_work, work_fields),
	LIST(workers, vs_ev_worker, worker_fields),
	LIST(openers, vs_ev_opener, opener_fields),
	SNAP_LIST(groups, vs_snap_group, group_fields),
	SNAP_LIST(devices, vs_snap_device, device_fields),
	SNAP_LIST(fds, vs_snap_fd, fd_fields),
	SNAP_LIST(maps, vs_snap_map, map_fields),
};

static const struct list log_lists[] = {
	LIST(logged, vs_ev_task, task_fields),
	LIST(messages, vs_ev_message, message_fields),
};

/* -- saving -- */

static json_t *address_json(uint64_t address)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "0x%" PRIx64, address);
	return json_string(buf);
}

static json_t *field_json(const struct field *f, const char *row)
{
	const char *at = row + f->offset;
	uint64_t time;

	switch (f->kind) {
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_INT:
		return json_integer(*(const int *)at);
	case FIELD_U32:
		return json_integer(*(const uint32_t *)at);
	case FIELD_TIME:
		time = *(const uint64_t *)at;
		return time == VS_EV_UNKNOWN ? json_null() : json_integer((json_int_t)time);
	case FIELD_ADDRESS:
		return address_json(*(const uint64_t *)at);
	case FIELD_CHAR:
		return vs_json_text__new(at, 1);
	case FIELD_TEXT:
		return vs_json_text__new(at, f->size);
	}
	return NULL;
}

static json_t *row_json(const struct field *fields, const void *row)
{
	json_t *o = json_object();

	for (const struct field *f = fields; f->name; f++)
		json_object_set_new(o, f->name, field_json(f, row));
	return o;
}

static void add_task_lists(json_t *o, const struct vs_ev_task *t)
{
	json_t *frames = json_array(), *locked = json_array();

	for (size_t i = 0; i < t->nr_frames; i++)
		json_array_append_new(frames, vs_json_text__new(t->frames[i], VS_SITE_LEN));
	for (size_t i = 0; i < t->nr_locked; i++)
		json_array_append_new(locked, row_json(locked_fields, &t->locked[i]));
	json_object_set_new(o, "locked", locked);
	json_object_set_new(o, "frames", frames);
	if (t->logged.told)
		json_object_set_new(o, "logged", row_json(logged_fields, &t->logged));
}

static json_t *list_json(const struct list *l, const struct vs_evidence *e)
{
	const char *rows = *(char *const *)((const char *)e + l->rows);
	size_t nr = *(const size_t *)((const char *)e + l->nr);
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		json_t *o = row_json(l->fields, rows + i * l->size);

		if (l->fields == task_fields)
			add_task_lists(o, (const struct vs_ev_task *)(rows + i * l->size));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *start_json(const struct vs_start_facts *f)
{
	json_t *o = row_json(start_fields, f), *members = json_array();

	for (size_t i = 0; i < f->nr_members; i++)
		json_array_append_new(members, row_json(member_fields, &f->members[i]));
	json_object_set_new(o, "members", members);
	return o;
}

char *vs_evidence__to_json(const struct vs_evidence *e)
{
	json_t *root = row_json(evidence_fields, e);
	char *text;

	json_object_set_new(root, "type", json_string("evidence"));
	json_object_set_new(root, "schema", json_integer(EVIDENCE_SCHEMA));
	if (e->fix != VS_FIX_UNKNOWN)
		json_object_set_new(root, "fix", json_string(vs_fix__name(e->fix)));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_object_set_new(root, lists[i].name, list_json(&lists[i], e));
	if (e->from_core)
		json_object_set_new(root, "core", row_json(core_fields, e));
	if (e->start)
		json_object_set_new(root, "start", start_json(e->start));
	if (e->log_lines) {
		json_t *log = row_json(log_fields, e);

		for (size_t i = 0; i < ARRAY_SIZE(log_lists); i++)
			json_object_set_new(log, log_lists[i].name, list_json(&log_lists[i], e));
		json_object_set_new(root, "log", log);
	}
	text = vs_json_text__dump(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

/* -- loading -- */

static uint64_t load_time(const json_t *value)
{
	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : VS_EV_UNKNOWN;
}

/* A member that is missing or of another type stays zero: later versions may have less. */
static void load_field(const struct field *f, const json_t *value, char *row)
{
	const char *text = json_string_value(value);
	char *at = row + f->offset;

	if (f->kind == FIELD_BOOL)
		*(bool *)at = json_is_true(value);
	else if (f->kind == FIELD_INT)
		*(int *)at = (int)json_integer_value(value);
	else if (f->kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)json_integer_value(value);
	else if (f->kind == FIELD_TIME)
		*(uint64_t *)at = load_time(value);
	else if (f->kind == FIELD_ADDRESS)
		*(uint64_t *)at = text ? strtoull(text, NULL, 16) : 0;
	else if (f->kind == FIELD_CHAR)
		*at = text ? text[0] : '\0';
	else if (text)
		snprintf(at, f->size, "%s", text);
}

static void load_row(const struct field *fields, const json_t *o, void *row)
{
	for (const struct field *f = fields; f->name; f++)
		load_field(f, json_object_get(o, f->name), row);
}

static int load_task_lists(const json_t *o, struct vs_ev_task *t)
{
	const json_t *frames = json_object_get(o, "frames"), *locked = json_object_get(o, "locked");
	const char *text;

	if (json_object_get(o, "logged"))
		load_row(logged_fields, json_object_get(o, "logged"), &t->logged);
	t->nr_frames = json_array_size(frames);
	t->frames = calloc(t->nr_frames + 1, sizeof(*t->frames));
	if (!t->frames)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr_frames; i++) {
		text = json_string_value(json_array_get(frames, i));
		snprintf(t->frames[i], VS_SITE_LEN, "%s", text ? text : "?");
	}
	while (t->nr_locked < json_array_size(locked) && t->nr_locked < VS_EV_DEVICES) {
		load_row(locked_fields, json_array_get(locked, t->nr_locked),
			 &t->locked[t->nr_locked]);
		t->nr_locked++;
	}
	return 0;
}

static int load_list(const struct list *l, const json_t *array, struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < json_array_size(array); i++) {
		const json_t *o = json_array_get(array, i);
		size_t *nr = (size_t *)((char *)e + l->nr);
		void *row = vs_rows__add((char *)e + l->rows, nr, l->size);

		if (!row)
			return -ENOMEM;
		load_row(l->fields, o, row);
		if (l->fields == task_fields)
			err = load_task_lists(o, row);
	}
	return err;
}

static int load_start(const json_t *o, struct vs_evidence *e)
{
	const json_t *members = json_object_get(o, "members");

	if (!json_is_object(o))
		return 0;
	e->start = calloc(1, sizeof(*e->start));
	if (!e->start)
		return -ENOMEM;
	load_row(start_fields, o, e->start);
	while (e->start->nr_members < json_array_size(members) && e->start->nr_members < VS_START_MEMBERS) {
		load_row(member_fields, json_array_get(members, e->start->nr_members),
			 &e->start->members[e->start->nr_members]);
		e->start->nr_members++;
	}
	return 0;
}

static int load(const json_t *root, struct vs_evidence *e, char *error, size_t size)
{
	const char *type = json_string_value(json_object_get(root, "type"));
	const json_t *log = json_object_get(root, "log");
	int err = 0;

	if (!type || strcmp(type, "evidence")) {
		snprintf(error, size, "this is no evidence file");
		return -EINVAL;
	}
	if (json_integer_value(json_object_get(root, "schema")) != EVIDENCE_SCHEMA) {
		snprintf(error, size, "this evidence has another version than %d", EVIDENCE_SCHEMA);
		return -EINVAL;
	}
	load_row(evidence_fields, root, e);
	if (json_object_get(root, "core"))
		load_row(core_fields, json_object_get(root, "core"), e);
	e->fix = vs_fix__named(json_string_value(json_object_get(root, "fix")));
	for (size_t i = 0; !err && i < ARRAY_SIZE(lists); i++)
		err = load_list(&lists[i], json_object_get(root, lists[i].name), e);
	err = err ?: load_start(json_object_get(root, "start"), e);
	if (log)
		load_row(log_fields, log, e);
	for (size_t i = 0; log && !err && i < ARRAY_SIZE(log_lists); i++)
		err = load_list(&log_lists[i], json_object_get(log, log_lists[i].name), e);
	if (err)
		snprintf(error, size, "%s", strerror(-err));
	return err;
}

int vs_evidence__from_json(const char *text, struct vs_evidence *e, char *error, size_t size)
{
	json_error_t where;
	json_t *root = json_loads(text, 0, &where);
	int err = -EINVAL;

	memset(e, 0, sizeof(*e));
	if (root)
		err = load(root, e, error, size);
	else
		snprintf(error, size, "this is no evidence file: line %d: %s", where.line, where.text);
	json_decref(root);
	if (err)
		vs_evidence__free(e);
	return err;
}
