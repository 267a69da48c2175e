// SPDX-License-Identifier: GPL-2.0
/*
 * Prints a snapshot of the running host, a line for each thing, for the tests.
 * usage: snapshot_dump [memory|sysfs [ROOT]]	with "sysfs" only what needs no privileges
 *
 * Objects are named by what they are (group:1, device:0000:00:05.0), files by the
 * order in which they are met (f0, f1): addresses say nothing to a test.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "snapshot/snapshot.h"

#define MAX_FILES 4096

static const char *const kinds[VS_SNAP_FILE_KINDS] = {
	[VS_SNAP_GROUP_FILE] = "group", [VS_SNAP_DEVICE_FILE] = "device",
	[VS_SNAP_CONTAINER_FILE] = "container", [VS_SNAP_CDEV_FILE] = "cdev",
	[VS_SNAP_IOMMUFD_FILE] = "iommufd", [VS_SNAP_KVM_FILE] = "kvm",
};

static void print_number(const char *name, int32_t value)
{
	if (value == VS_SNAP_UNKNOWN)
		printf(" %s=?", name);
	else
		printf(" %s=%d", name, value);
}

static int file_number(uint64_t file)
{
	static uint64_t files[MAX_FILES];
	static int nr;
	int i;

	for (i = 0; i < nr && files[i] != file; i++)
		;
	if (i == nr && nr < MAX_FILES)
		files[nr++] = file;
	return i;
}

static void print_object(const struct vs_snapshot *s, uint64_t object)
{
	for (size_t i = 0; i < s->nr_groups; i++)
		if (object && s->groups[i].address == object) {
			printf(" object=group:%d", s->groups[i].number);
			return;
		}
	for (size_t i = 0; i < s->nr_devices; i++)
		if (object && s->devices[i].address == object) {
			printf(" object=device:%s", s->devices[i].name);
			return;
		}
	for (size_t i = 0; i < s->nr_groups; i++)
		if (object && s->groups[i].container == object) {
			printf(" object=container-of-group:%d", s->groups[i].number);
			return;
		}
	printf(" object=%s", object ? "other" : "none");
}

static void print_groups(const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_groups; i++) {
		const struct vs_snap_group *g = &s->groups[i];

		printf("group %d %s", g->number, g->address ? "known" : "sysfs");
		print_number("refs", g->refs);
		print_number("opened", g->opened);
		print_number("container_users", g->container_users);
		printf(" container=%s file=%s\n", g->container ? "yes" : "no",
		       g->group_file ? "yes" : "no");
	}
}

static void print_devices(const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_devices; i++) {
		const struct vs_snap_device *d = &s->devices[i];

		printf("device %s %s group=%d driver=%s", d->name, d->address ? "known" : "sysfs",
		       d->number, *d->driver ? d->driver : "-");
		print_number("refs", d->refs);
		print_number("open_count", d->open_count);
		printf("%s\n", d->leaving ? " leaving" : "");
	}
}

static void print_fds(const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_fds; i++) {
		const struct vs_snap_fd *f = &s->fds[i];

		printf("fd %s pid=%u fd=%d comm=%s file=f%d", kinds[f->kind], f->tgid, f->fd,
		       f->comm, file_number(f->file));
		print_object(s, f->object);
		printf("\n");
	}
}

static void print_maps(const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_maps; i++) {
		const struct vs_snap_map *m = &s->maps[i];

		printf("map pid=%u comm=%s bytes=%" PRIu64 " file=f%d", m->tgid, m->comm,
		       m->end - m->start, file_number(m->file));
		print_object(s, m->device);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	struct vs_snapshot_opts opts = { .no_memory = argc > 1 && !strcmp(argv[1], "sysfs"),
					 .root = argc > 2 ? argv[2] : NULL };
	struct vs_snapshot s;
	char error[200];

	if (vs_snapshot__take(&opts, &s, error, sizeof(error))) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	printf("scope groups=%d counters=%d fds=%d maps=%d\n", s.scope.groups, s.scope.counters,
	       s.scope.fds, s.scope.maps);
	printf("words %s\n", *s.words ? s.words : "-");
	print_groups(&s);
	print_devices(&s);
	print_fds(&s);
	print_maps(&s);
	printf("took %" PRIu64 " us\n", (s.end_ns - s.start_ns) / 1000);
	vs_snapshot__free(&s);
	return 0;
}
