// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kernel/btf.h"
#include "kernel/btf_file.h"
#include "snapshot/layout.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN_MUTEX 32	/* bytes, without lock debugging */
#define PLAIN_COMPLETION 32

#define QUERY(name, type, member) { type, member, VS_ABSENT },
static const struct vs_btf_query questions[] = {
	VS_LAYOUT_VMLINUX(QUERY)
	VS_LAYOUT_VFIO(QUERY)
	VS_LAYOUT_KVM(QUERY)
};
#undef QUERY

#define ASSIGN(name, type, member) layout->name = (q++)->answer;
static void take_answers(struct vs_snap_layout *layout, const struct vs_btf_query *q)
{
	VS_LAYOUT_VMLINUX(ASSIGN)
	VS_LAYOUT_VFIO(ASSIGN)
	VS_LAYOUT_KVM(ASSIGN)
}
#undef ASSIGN

/* The types of a built-in module are in vmlinux, so every question goes to every BTF. */
static int ask(const char *root, const char *name, const struct vs_btf *base,
	       struct vs_btf_query *queries, struct vs_btf **kept)
{
	char path[PATH_MAX];
	struct vs_btf *btf;

	snprintf(path, sizeof(path), "%s/sys/kernel/btf/%s", root, name);
	btf = vs_btf__read(!base && vs_btf_file__given() ? vs_btf_file__given() : path, base);
	if (!btf)
		return -errno;
	vs_btf__query(btf, queries, ARRAY_SIZE(questions));
	if (kept)
		*kept = btf;
	else
		vs_btf__free(btf);
	return 0;
}

static int ask_all(const char *root, struct vs_btf_query *queries)
{
	struct vs_btf *vmlinux = NULL;
	int err = ask(root, "vmlinux", NULL, queries, &vmlinux);

	if (err)
		return err;
	/* A module's BTF continues the kernel's own, not a given file. */
	if (!vs_btf_file__given() && (ask(root, "vfio", vmlinux, queries, NULL) == -ENOMEM ||
				      ask(root, "kvm", vmlinux, queries, NULL) == -ENOMEM))
		err = -ENOMEM;
	vs_btf__free(vmlinux);
	return err;
}

int vs_snap_layout__assume_vfio(struct vs_snap_layout *l)
{
	if (l->mutex_size != PLAIN_MUTEX || l->completion_size != PLAIN_COMPLETION)
		return -ENOTSUP;
	l->vfio_assumed = true;
	/* struct vfio: class, iommu_drivers_list, iommu_drivers_lock, group_list. */
	l->vfio_group_list = 8 + 16 + l->mutex_size;
	l->group_kref = 0;
	l->group_container_users = 8;
	l->group_iommu_group = 0x10;
	l->group_container = 0x18;
	l->group_device_list = 0x20;
	l->group_dev = 0x50;
	l->group_next = 0x70;
	l->group_opened = 0xc0;
	l->group_container_wait = 0xc8;
	l->device_dev = 0;
	l->device_group = 0x10;
	l->device_refcount = 0x18;
	l->device_completion = 0x20;
	l->device_next = 0x20 + l->completion_size;
	return 0;
}

void vs_snap_layout__assume_old_device(struct vs_snap_layout *l)
{
	l->device_kref = 0;
	l->device_refcount = l->device_completion = VS_ABSENT;
	l->device_dev = 8;
	l->device_group = 0x18;
	l->device_next = 0x20;
}

void vs_snap_layout__assume_kvm(struct vs_snap_layout *l)
{
	l->kvm_device_ops = 0;
	l->kvm_device_private = 16;
	l->kvm_vfio_groups = 0;
	l->kvm_group_node = 0;
	l->kvm_group_group = 16;
}

bool vs_snap_layout__has_no_groups(const struct vs_snap_layout *l)
{
	return l->device_dev != VS_ABSENT && l->device_group == VS_ABSENT &&
	       l->group_device_list == VS_ABSENT;
}

static int assume(struct vs_snap_layout *layout)
{
	if (layout->kvm_device_private == VS_ABSENT)
		vs_snap_layout__assume_kvm(layout);
	if (layout->group_device_list != VS_ABSENT || vs_snap_layout__has_no_groups(layout))
		return 0;
	return vs_snap_layout__assume_vfio(layout);
}

int vs_snap_layout__of(const struct vs_btf *const *btfs, size_t nr, struct vs_snap_layout *layout)
{
	struct vs_btf_query queries[ARRAY_SIZE(questions)];

	memcpy(queries, questions, sizeof(queries));
	for (size_t i = 0; i < nr; i++)
		vs_btf__query(btfs[i], queries, ARRAY_SIZE(queries));
	memset(layout, 0, sizeof(*layout));
	take_answers(layout, queries);
	return assume(layout);
}

int vs_snap_layout__collect(const char *root, struct vs_snap_layout *layout)
{
	struct vs_btf_query queries[ARRAY_SIZE(questions)];
	int err;

	memcpy(queries, questions, sizeof(queries));
	err = ask_all(root, queries);
	if (err)
		return err;
	memset(layout, 0, sizeof(*layout));
	take_answers(layout, queries);
	return assume(layout);
}
