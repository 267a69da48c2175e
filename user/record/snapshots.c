// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/kinds.h"
#include "snapshot/snapshot.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define MOST_ROWS 65536	/* whatever a file claims */

static const struct vs_field snapshot_fields[] = {
	VS_FIELD(vs_snapshot, scope.groups, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, scope.counters, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, scope.fds, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, scope.maps, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, hidden_tasks, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, files_counted, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, users_counted, VS_FIELD_FLAG),
	VS_FIELD(vs_snapshot, words, VS_FIELD_TEXT),
};

static const struct vs_field time_fields[] = {
	VS_FIELD(vs_snapshot, start_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_snapshot, end_ns, VS_FIELD_NUMBER),
	VS_FIELD(vs_snapshot, start_seq, VS_FIELD_NUMBER),
	VS_FIELD(vs_snapshot, end_seq, VS_FIELD_NUMBER),
};

static const struct vs_field group_fields[] = {
	VS_FIELD(vs_snap_group, address, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_group, number, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_group, refs, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_group, opened, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_group, container_users, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_group, container, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_group, group_file, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_group, waiter, VS_FIELD_NUMBER),
};

static const struct vs_field device_fields[] = {
	VS_FIELD(vs_snap_device, address, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_device, group, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_device, leaving, VS_FIELD_FLAG),
	VS_FIELD(vs_snap_device, waiter, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_device, number, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_device, refs, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_device, open_count, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_device, name, VS_FIELD_TEXT),
	VS_FIELD(vs_snap_device, driver, VS_FIELD_TEXT),
};

static const struct vs_field fd_fields[] = {
	VS_FIELD(vs_snap_fd, kind, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, via, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, file, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, object, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, device, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, iommufd, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, tgid, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, tid, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_fd, fd, VS_FIELD_SIGNED),
	VS_FIELD(vs_snap_fd, comm, VS_FIELD_TEXT),
};

static const struct vs_field map_fields[] = {
	VS_FIELD(vs_snap_map, file, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_map, device, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_map, mm, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_map, start, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_map, end, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_map, tgid, VS_FIELD_NUMBER),
	VS_FIELD(vs_snap_map, comm, VS_FIELD_TEXT),
};

/* The arrays of a snapshot, one after the other. */
static const struct list {
	size_t rows, nr, row_size;
	const struct vs_field *fields;
	size_t nr_fields;
} lists[] = {
#define LIST(name, row) { offsetof(struct vs_snapshot, name##s), offsetof(struct vs_snapshot, nr_##name##s), \
			  sizeof(struct row), name##_fields, NR(name##_fields) }
	LIST(group, vs_snap_group),
	LIST(device, vs_snap_device),
	LIST(fd, vs_snap_fd),
	LIST(map, vs_snap_map),
#undef LIST
};

static void pack_list(struct vs_pack *p, const struct list *l, const struct vs_snapshot *s)
{
	size_t nr = *(const size_t *)((const char *)s + l->nr);
	const char *rows = *(char *const *)((const char *)s + l->rows);

	vs_pack__number(p, nr);
	for (size_t i = 0; i < nr; i++)
		vs_pack__row(p, l->fields, l->nr_fields, rows + i * l->row_size);
}

void vs_pack__snapshot(struct vs_pack *p, const struct vs_snapshot *s)
{
	vs_pack__row(p, snapshot_fields, NR(snapshot_fields), s);
	for (size_t i = 0; i < NR(lists); i++)
		pack_list(p, &lists[i], s);
}

void vs_pack__snapshot_times(struct vs_pack *p, const struct vs_snapshot *s)
{
	vs_pack__row(p, time_fields, NR(time_fields), s);
}

static int unpack_list(struct vs_packed *u, const struct list *l, struct vs_snapshot *s)
{
	uint64_t nr = vs_packed__number(u);
	char *rows;

	if (nr > MOST_ROWS || nr > u->len - u->at)	/* each row takes a byte at least */
		return -EINVAL;
	rows = calloc(nr + 1, l->row_size);
	if (!rows)
		return -ENOMEM;
	*(char **)((char *)s + l->rows) = rows;
	*(size_t *)((char *)s + l->nr) = nr;
	for (size_t i = 0; i < nr; i++)
		vs_packed__row(u, l->fields, l->nr_fields, rows + i * l->row_size);
	return u->failed ? -EINVAL : 0;
}

/* Others take these as indices. */
static bool is_sane(const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_fds; i++)
		if ((unsigned int)s->fds[i].kind >= VS_SNAP_FILE_KINDS ||
		    (unsigned int)s->fds[i].via > VS_VIA_RELEASE)
			return false;
	return true;
}

int vs_packed__snapshot(struct vs_packed *u, struct vs_snapshot *s)
{
	int err = 0;

	memset(s, 0, sizeof(*s));
	vs_packed__row(u, snapshot_fields, NR(snapshot_fields), s);
	for (size_t i = 0; i < NR(lists) && !err; i++)
		err = u->failed ? -EINVAL : unpack_list(u, &lists[i], s);
	return err ? err : is_sane(s) ? 0 : -EINVAL;
}

int vs_packed__snapshot_times(struct vs_packed *u, struct vs_snapshot *s)
{
	vs_packed__row(u, time_fields, NR(time_fields), s);
	return u->failed ? -EINVAL : 0;
}
