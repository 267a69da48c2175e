// SPDX-License-Identifier: GPL-2.0
#include "why/runtime.h"

#include <ctype.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"

bool vs_runtime__id(const char *cgroup, char id[VS_CONTAINER_ID + 1])
{
	size_t run = 0;

	id[0] = '\0';
	for (const char *at = cgroup; *at; at++) {
		run = isxdigit((unsigned char)*at) ? run + 1 : 0;
		if (run == VS_CONTAINER_ID && !isxdigit((unsigned char)at[1]))
			snprintf(id, VS_CONTAINER_ID + 1, "%.*s", VS_CONTAINER_ID, at - VS_CONTAINER_ID + 1);
	}
	return id[0];
}

/* LXC before v4: /lxc/NAME; then /lxc.payload/NAME; now /lxc.payload.NAME. */
void vs_runtime__lxc(const char *cgroup, char *buf, size_t size)
{
	static const char *const before[] = { "/lxc/", "/lxc.payload/", "/lxc.payload." };
	const char *at = NULL;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]) && !at; i++) {
		at = strstr(cgroup, before[i]);
		at = at ? at + strlen(before[i]) : NULL;
	}
	snprintf(buf, size, "%.*s", at ? (int)strcspn(at, "/") : 0, at ? at : "");
}

void vs_runtime__docker_name(const char *text, char *buf, size_t size)
{
	json_t *root = json_loads(text, 0, NULL);
	const char *name = json_string_value(json_object_get(root, "Name"));

	snprintf(buf, size, "%s", name ? name + (*name == '/') : "");
	json_decref(root);
}

void vs_runtime__podman_name(const char *text, const char *id, char *buf, size_t size)
{
	json_t *root = json_loads(text, 0, NULL), *row;
	size_t i;

	buf[0] = '\0';
	json_array_foreach(root, i, row) {
		const char *which = json_string_value(json_object_get(row, "id"));
		const char *name = json_string_value(json_array_get(json_object_get(row, "names"), 0));

		if (which && name && !strcmp(which, id))
			snprintf(buf, size, "%s", name);
	}
	json_decref(root);
}

static void name_in(const char *root, const char *path, const char *id, char *buf, size_t size)
{
	char full[PATH_MAX], *text;

	snprintf(full, sizeof(full), "%s%s", root, path);
	text = vs_text_file__read(full);
	if (text)
		vs_runtime__podman_name(text, id, buf, size);
	free(text);
}

void vs_runtime__name(const char *root, const char *cgroup, char *buf, size_t size)
{
	static const char *const lists[] = {
		"/var/lib/containers/storage/overlay-containers/containers.json",
		"/run/containers/storage/overlay-containers/volatile-containers.json",
		"/var/lib/containers/storage/vfs-containers/containers.json",
		"/var/lib/containers/storage/btrfs-containers/containers.json",
	};
	char path[PATH_MAX], id[VS_CONTAINER_ID + 1], *text;

	vs_runtime__lxc(cgroup, buf, size);
	if (buf[0] || !vs_runtime__id(cgroup, id))
		return;
	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s/config.v2.json", root, id);
	text = vs_text_file__read(path);
	if (text)
		vs_runtime__docker_name(text, buf, size);
	free(text);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !buf[0]; i++)
		name_in(root, lists[i], id, buf, size);
}
