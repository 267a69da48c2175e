// SPDX-License-Identifier: GPL-2.0
/*
 * BTF is walked as the kernel has it, without an index of its types: nothing is
 * looked up twice, and libbpf's parser would cost a third of the time that
 * vfioscope may take to start.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/facts_btf.h"
#include "probe/hooks.h"

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"
#define MODULE_BTF "/sys/kernel/btf/vfio"
#define TRACEPOINT_TYPEDEF "btf_trace_"
#define LARGEST (256 << 20)

struct blob {
	unsigned char *data;
	size_t len;
	const unsigned char *types, *types_end;
	const char *strings;
	size_t strings_len;
};

struct walk {
	struct vs_facts *facts;
	const struct blob *blob;
	const struct blob *base; /* of a module: where its first strings are */
	int error;
};

static void blob_free(struct blob *blob)
{
	free(blob->data);
	memset(blob, 0, sizeof(*blob));
}

static int read_all(int fd, struct blob *blob)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0 || st.st_size > LARGEST)
		return -EINVAL;
	blob->data = malloc(st.st_size);
	if (!blob->data)
		return -ENOMEM;
	while (blob->len < (size_t)st.st_size &&
	       (got = read(fd, blob->data + blob->len, st.st_size - blob->len)) > 0)
		blob->len += got;
	return 0;
}

static bool fits(const struct btf_header *h, size_t len)
{
	uint64_t types_end = (uint64_t)h->hdr_len + h->type_off + h->type_len;
	uint64_t strings_end = (uint64_t)h->hdr_len + h->str_off + h->str_len;

	return h->magic == BTF_MAGIC && h->version == BTF_VERSION && types_end <= len &&
	       strings_end <= len && h->str_len;
}

static int find_sections(struct blob *blob)
{
	const struct btf_header *h = (const void *)blob->data;

	if (blob->len < sizeof(*h) || !fits(h, blob->len))
		return -EINVAL;
	blob->types = blob->data + h->hdr_len + h->type_off;
	blob->types_end = blob->types + h->type_len;
	blob->strings = (const char *)blob->data + h->hdr_len + h->str_off;
	blob->strings_len = h->str_len;
	return blob->strings[blob->strings_len - 1] ? -EINVAL : 0;
}

static int blob_read(const char *path, struct blob *blob)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	memset(blob, 0, sizeof(*blob));
	if (fd < 0)
		return -errno;
	err = read_all(fd, blob);
	close(fd);
	if (!err)
		err = find_sections(blob);
	if (err)
		blob_free(blob);
	return err;
}

/* A module's strings are numbered on from those of vmlinux. */
static const char *name_at(const struct walk *walk, uint32_t offset)
{
	const struct blob *blob = walk->blob;

	if (walk->base && offset < walk->base->strings_len)
		blob = walk->base;
	else if (walk->base)
		offset -= walk->base->strings_len;
	return offset < blob->strings_len ? blob->strings + offset : "";
}

/* Bytes after struct btf_type, or -1 for a kind that is not known. */
static long extra_bytes(const struct btf_type *type)
{
	unsigned int nr = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return nr * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return nr * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return nr * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return nr * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return nr * sizeof(struct btf_var_secinfo);
	default:
		return BTF_INFO_KIND(type->info) <= BTF_KIND_TYPE_TAG ? 0 : -1;
	}
}

static bool wanted(enum vs_rung_kind kind, const char *target)
{
	for (const struct vs_hook *hook = vs_hooks; hook->name; hook++)
		for (const struct vs_rung *rung = hook->rungs; rung->kind; rung++)
			if (rung->kind == kind && !strcmp(rung->target, target))
				return true;
	return false;
}

static void note_name(struct walk *walk, struct vs_names *set, const char *name)
{
	if (!vs_names__has(set, name) && vs_names__add(set, name))
		walk->error = -ENOMEM;
}

/* What is looked for begins with a few letters only: most of 36,000 functions end here. */
static void note_func(struct walk *walk, const char *name)
{
	if ((*name == 'b' || *name == 'i') && wanted(VS_RUNG_FENTRY, name))
		note_name(walk, &walk->facts->btf_funcs, name);
}

static void note_typedef(struct walk *walk, const char *name)
{
	if (strncmp(name, TRACEPOINT_TYPEDEF, strlen(TRACEPOINT_TYPEDEF)))
		return;
	name += strlen(TRACEPOINT_TYPEDEF);
	if (wanted(VS_RUNG_TRACEPOINT, name))
		note_name(walk, &walk->facts->tracepoints, name);
}

/* Bytes from the start of the structure, or VS_NO_OFFSET. */
static int member_offset(const struct walk *walk, const struct btf_type *type, const char *name)
{
	const struct btf_member *member = (const void *)(type + 1);
	unsigned int nr = BTF_INFO_VLEN(type->info);

	for (; nr; nr--, member++)
		if (!strcmp(name_at(walk, member->name_off), name))
			return (BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member->offset)
				: member->offset) / 8;
	return VS_NO_OFFSET;
}

static void note_vfio_group(struct walk *walk, const struct btf_type *type)
{
	/* drivers: v6.1 and later; users: 5.16 to 6.0; kref before. */
	static const char *const counters[] = { "drivers", "users", "kref", NULL };
	struct vs_layout *layout = &walk->facts->btf_layout;

	layout->group_counter = VS_NO_OFFSET;
	for (const char *const *c = counters; *c && layout->group_counter == VS_NO_OFFSET; c++)
		layout->group_counter = member_offset(walk, type, *c);
	layout->group_iommu_group = member_offset(walk, type, "iommu_group");
	layout->group_nb = member_offset(walk, type, "nb");
	layout->group_cdev = member_offset(walk, type, "cdev");
}

static void note_vfio_device(struct walk *walk, const struct btf_type *type)
{
	walk->facts->btf_layout.device_dev = member_offset(walk, type, "dev");
	walk->facts->btf_layout.device_group = member_offset(walk, type, "group");
}

static void note_struct(struct walk *walk, const struct btf_type *type, const char *name)
{
	if (*name == 'm' && !strcmp(name, "mutex"))
		walk->facts->mutex_size = type->size;
	else if (*name == 'w' && !strcmp(name, "work_struct"))
		walk->facts->work_size = type->size;
	else if (*name == 'v' && !strcmp(name, "vfio_group"))
		note_vfio_group(walk, type);
	else if (*name == 'v' && !strcmp(name, "vfio_device"))
		note_vfio_device(walk, type);
}

static void note_type(struct walk *walk, const struct btf_type *type)
{
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_FUNC:
		note_func(walk, name_at(walk, type->name_off));
		break;
	case BTF_KIND_TYPEDEF:
		note_typedef(walk, name_at(walk, type->name_off));
		break;
	case BTF_KIND_STRUCT:
		note_struct(walk, type, name_at(walk, type->name_off));
		break;
	}
}

static int walk_types(struct vs_facts *facts, const struct blob *blob, const struct blob *base)
{
	struct walk walk = { .facts = facts, .blob = blob, .base = base };
	const unsigned char *at = blob->types;

	while (!walk.error && (size_t)(blob->types_end - at) >= sizeof(struct btf_type)) {
		const struct btf_type *type = (const void *)at;
		long extra = extra_bytes(type);

		at += sizeof(*type);
		if (extra < 0 || extra > blob->types_end - at)
			break;
		note_type(&walk, type);
		at += extra;
	}
	return walk.error;
}

static int walk_module(struct vs_facts *facts, const struct blob *vmlinux)
{
	struct blob module;
	int err = blob_read(MODULE_BTF, &module);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = walk_types(facts, &module, vmlinux);
	if (facts->btf_layout.group_counter != VS_NO_OFFSET)
		facts->layout_source = VS_LAYOUT_MODULE_BTF;
	blob_free(&module);
	return err;
}

static bool module_has_btf(const struct vs_facts *facts)
{
	return facts->vfio_state == VS_KMOD_LOADED && !access(MODULE_BTF, R_OK);
}

static void clear_layout(struct vs_layout *layout)
{
	*layout = (struct vs_layout){ VS_NO_OFFSET, VS_NO_OFFSET, VS_NO_OFFSET,
				      VS_NO_OFFSET, VS_NO_OFFSET, VS_NO_OFFSET };
}

int vs_facts__collect_module_btf(struct vs_facts *facts)
{
	struct blob vmlinux;
	int err;

	if (facts->layout_source != VS_LAYOUT_VMLINUX_BTF) {
		clear_layout(&facts->btf_layout);
		facts->layout_source = VS_LAYOUT_NONE;
	}
	if (!module_has_btf(facts))
		return 0;
	err = blob_read(VMLINUX_BTF, &vmlinux);
	if (err)
		return err == -ENOMEM ? err : 0;
	err = walk_module(facts, &vmlinux);
	blob_free(&vmlinux);
	return err;
}

int vs_facts__collect_btf(struct vs_facts *facts)
{
	struct blob vmlinux;
	int err;

	clear_layout(&facts->btf_layout);
	facts->mutex_size = facts->work_size = VS_UNKNOWN;
	err = blob_read(VMLINUX_BTF, &vmlinux);
	if (err)
		return err == -ENOMEM ? err : 0;
	facts->vmlinux_btf = true;
	err = walk_types(facts, &vmlinux, NULL);
	if (facts->btf_layout.group_counter != VS_NO_OFFSET)
		facts->layout_source = VS_LAYOUT_VMLINUX_BTF;
	if (!err && module_has_btf(facts))
		err = walk_module(facts, &vmlinux);
	blob_free(&vmlinux);
	return err;
}
