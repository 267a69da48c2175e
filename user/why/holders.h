/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the processes that keep a device, a group or a container, and the names that people know them by. */
#ifndef VFIOSCOPE_WHY_HOLDERS_H
#define VFIOSCOPE_WHY_HOLDERS_H

#include "why/classify.h"

/* Both add to c->holders. 0 or -ENOMEM. */
int vs_holders__of_device(const struct vs_evidence *e, uint64_t device, struct vs_why_case *c);
int vs_holders__of_group(const struct vs_evidence *e, const struct vs_snap_group *group,
			 struct vs_why_case *c);

/*
 * Adds the processes that have a file of this name open, of this kind, as /proc showed it: where memory was
 * not to be read. 0 or -ENOMEM.
 */
int vs_holders__with_open(const struct vs_evidence *e, const char *path, enum vs_snap_file_kind kind,
			  struct vs_why_case *c);

/* Returns true if one of these arguments of QEMU names the device. */
bool vs_holders__names(const char *vfio_args, const char *device);

/* Adds the processes of QEMU whose arguments name c->device. 0 or -ENOMEM. */
int vs_holders__by_arguments(const struct vs_evidence *e, struct vs_why_case *c);

/* Adds task @t of a process, which is in a call of its iommufd @fd (-1: not known which). */
int vs_holders__add_call(const struct vs_evidence *e, const struct vs_ev_task *t, int fd, bool likely,
			 struct vs_why_case *c);

/* Adds the holders of all devices as likely: nothing tells which device it is about. */
int vs_holders__of_any(const struct vs_evidence *e, struct vs_why_case *c);

#define VS_HOLDER_LEN 200	/* of a title, whatever the names are */

/* "qemu-system-x86[4711]" and, if known, what it is: " (VM \"web1\")". */
void vs_holders__title(const struct vs_why_holder *h, char *buf, size_t size);

/* "sh[12] < sshd[7] < systemd[1]" of a process and those that started it. */
void vs_holders__family(const struct vs_evidence *e, uint32_t tgid, char *buf, size_t size);

/*
 * Returns true if QEMU, by those of its arguments, has the device on the root bus of a PCIe machine
 * (q35), from which nothing can be unplugged. False where they do not tell.
 */
bool vs_holders__is_fixed(const char *vfio_args, bool q35, const char *device);

/* Pieces of a cgroup path and of a command line; "" if there are none. */
void vs_holders__vm(const char *cmdline, const char *cgroup, char *buf, size_t size);
void vs_holders__pod(const char *cgroup, char *buf, size_t size);
void vs_holders__unit(const char *cgroup, char *buf, size_t size);	/* "web.service" */

/* Makes "NAMESPACE/NAME" of "NAMESPACE_NAME_UID", the kubelet's folder of a pod's logs, for the pod `uid`. */
bool vs_holders__pod_name(const char *folder, const char *uid, char *buf, size_t size);
void vs_holders__container(const char *cgroup, char *buf, size_t size);

/* Returns a holder with a task that sleeps uninterruptibly, so that it may ignore a signal; NULL: none. */
const struct vs_ev_process *vs_holders__sleeping(const struct vs_evidence *e,
						 const struct vs_why_case *c);

#endif
