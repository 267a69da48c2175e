/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The name that people gave a container, from the files of the runtime that runs it. What the cgroup has of a
 * container is its id, which no one knows by heart.
 */
#ifndef VFIOSCOPE_WHY_RUNTIME_H
#define VFIOSCOPE_WHY_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#define VS_CONTAINER_ID 64	/* hexadecimal digits, with all runtimes */

/* Copies the id of the innermost container of a cgroup path. Returns false if there is none. */
bool vs_runtime__id(const char *cgroup, char id[VS_CONTAINER_ID + 1]);

/* Of /lxc/NAME, /lxc.payload.NAME and the like, which have a name in place of an id. "" if it is none. */
void vs_runtime__lxc(const char *cgroup, char *buf, size_t size);

/* From the text of Docker's config.v2.json of one container; "" if it is something else. */
void vs_runtime__docker_name(const char *text, char *buf, size_t size);

/* From the text of the list of containers that Podman and CRI-O keep; "" if @id is not in it. */
void vs_runtime__podman_name(const char *text, const char *id, char *buf, size_t size);

/*
 * Reads the files of the runtimes under @root ("" is the host); "" where none of them tells. Files of a user's own
 * containers and of a runtime that keeps its data elsewhere are not looked for.
 */
void vs_runtime__name(const char *root, const char *cgroup, char *buf, size_t size);

#endif
