/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the name that people gave a container, in the files of the runtime that runs it. The cgroup has only
 * its id, which no one knows by heart.
 */
#ifndef VFIOSCOPE_WHY_RUNTIME_H
#define VFIOSCOPE_WHY_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#define VS_CONTAINER_ID 64	/* hexadecimal digits, with all runtimes */

/* Copies the id of the innermost container of a cgroup path. Returns false if there is none. */
bool vs_runtime__id(const char *cgroup, char id[VS_CONTAINER_ID + 1]);

/* Takes NAME of /lxc/NAME, /lxc.payload.NAME and the like, which have no id. "" if it is none of them. */
void vs_runtime__lxc(const char *cgroup, char *buf, size_t size);

/* Takes the name from the text of Docker's config.v2.json of one container; "" if it is something else. */
void vs_runtime__docker_name(const char *text, char *buf, size_t size);

/* Takes it from the text of the list of containers of Podman and CRI-O; "" if @id is not in it. */
void vs_runtime__podman_name(const char *text, const char *id, char *buf, size_t size);

/*
 * Reads the files of the runtimes under @root ("" is the host); "" if none of them has the name. It does not
 * look for files of a user's own containers or of a runtime that keeps its data elsewhere.
 */
void vs_runtime__name(const char *root, const char *cgroup, char *buf, size_t size);

#endif
