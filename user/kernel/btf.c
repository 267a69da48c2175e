// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/btf.h"

#define LARGEST (256 << 20)
#define DEEPEST 8	/* anonymous members inside each other */

struct vs_btf {
	unsigned char *data;
	size_t len;
	const unsigned char *types, *types_end;
	const char *strings;
	size_t strings_len;
	const struct vs_btf *base;
};

void vs_btf__free(struct vs_btf *btf)
{
	if (!btf)
		return;
	free(btf->data);
	free(btf);
}

static int read_all(int fd, struct vs_btf *btf)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0 || st.st_size > LARGEST)
		return -EINVAL;
	btf->data = malloc(st.st_size);
	if (!btf->data)
		return -ENOMEM;
	while (btf->len < (size_t)st.st_size &&
	       (got = read(fd, btf->data + btf->len, st.st_size - btf->len)) > 0)
		btf->len += got;
	return 0;
}

static bool fits(const struct btf_header *h, size_t len)
{
	uint64_t types_end = (uint64_t)h->hdr_len + h->type_off + h->type_len;
	uint64_t strings_end = (uint64_t)h->hdr_len + h->str_off + h->str_len;

	return h->magic == BTF_MAGIC && h->version == BTF_VERSION && types_end <= len &&
	       strings_end <= len && h->str_len;
}

static int find_sections(struct vs_btf *btf)
{
	const struct btf_header *h = (const void *)btf->data;

	if (btf->len < sizeof(*h) || !fits(h, btf->len))
		return -EINVAL;
	btf->types = btf->data + h->hdr_len + h->type_off;
	btf->types_end = btf->types + h->type_len;
	btf->strings = (const char *)btf->data + h->hdr_len + h->str_off;
	btf->strings_len = h->str_len;
	return btf->strings[btf->strings_len - 1] ? -EINVAL : 0;
}

static int load(const char *path, struct vs_btf *btf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, btf);
	close(fd);
	return err ?: find_sections(btf);
}

struct vs_btf *vs_btf__read(const char *path, const struct vs_btf *base)
{
	struct vs_btf *btf = calloc(1, sizeof(*btf));
	int err = btf ? load(path, btf) : -ENOMEM;

	if (err) {
		vs_btf__free(btf);
		errno = -err;
		return NULL;
	}
	btf->base = base;
	return btf;
}

struct vs_btf *vs_btf__of(void *data, size_t len, const struct vs_btf *base)
{
	struct vs_btf *btf = calloc(1, sizeof(*btf));
	int err = btf ? 0 : -ENOMEM;

	if (btf) {
		*btf = (struct vs_btf){ .data = data, .len = len, .base = base };
		err = find_sections(btf);
	} else {
		free(data);
	}
	if (!err)
		return btf;
	vs_btf__free(btf);
	errno = -err;
	return NULL;
}

/* A module's strings are numbered on from those of vmlinux. */
const char *vs_btf__name(const struct vs_btf *btf, uint32_t name_off)
{
	if (btf->base && name_off < btf->base->strings_len)
		btf = btf->base;
	else if (btf->base)
		name_off -= btf->base->strings_len;
	return name_off < btf->strings_len ? btf->strings + name_off : "";
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

/* The type at *at, whole; moves on. NULL at the end. */
static const struct btf_type *next_type(const struct vs_btf *btf, const unsigned char **at)
{
	const struct btf_type *type = (const void *)*at;
	long extra;

	if ((size_t)(btf->types_end - *at) < sizeof(*type))
		return NULL;
	extra = extra_bytes(type);
	if (extra < 0 || extra > btf->types_end - *at - (long)sizeof(*type))
		return NULL;
	*at += sizeof(*type) + extra;
	return type;
}

int vs_btf__each(const struct vs_btf *btf,
		 int (*each)(void *ctx, const struct btf_type *type, const char *name), void *ctx)
{
	const unsigned char *at = btf->types;
	const struct btf_type *type;
	int ret;

	while ((type = next_type(btf, &at))) {
		ret = each(ctx, type, vs_btf__name(btf, type->name_off));
		if (ret)
			return ret;
	}
	return 0;
}

static bool is_compound(const struct btf_type *type)
{
	unsigned int kind = BTF_INFO_KIND(type->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static uint32_t nr_types(const struct vs_btf *btf)
{
	const unsigned char *at = btf->types;
	uint32_t nr = 0;

	while (next_type(btf, &at))
		nr++;
	return nr;
}

/*
 * Counts from the front: there is no index. It is called for anonymous members of queried structs
 * only, a few times in a walk.
 */
static const struct btf_type *type_by_id(const struct vs_btf *btf, uint32_t id)
{
	const unsigned char *at = btf->types;
	const struct btf_type *type = NULL;
	uint32_t before = btf->base ? nr_types(btf->base) : 0;

	if (btf->base && id <= before)
		return type_by_id(btf->base, id);
	for (id -= before; id; id--) {
		type = next_type(btf, &at);
		if (!type)
			return NULL;
	}
	return type;
}

static int member_at(const struct btf_type *type, const struct btf_member *member)
{
	return (BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member->offset)
		: member->offset) / 8;
}

static int find_member(const struct vs_btf *btf, const struct btf_type *type, const char *wanted,
		       int depth);

static int find_inside(const struct vs_btf *btf, const struct btf_member *member,
		       const char *wanted, int depth)
{
	const struct btf_type *type = type_by_id(btf, member->type);

	return type && is_compound(type) ? find_member(btf, type, wanted, depth + 1) : -1;
}

/* Named ones first: most questions are answered without looking into the others. */
static int find_member(const struct vs_btf *btf, const struct btf_type *type, const char *wanted,
		       int depth)
{
	const struct btf_member *members = (const void *)(type + 1), *m;
	unsigned int nr = BTF_INFO_VLEN(type->info);
	int inside;

	for (m = members; m < members + nr; m++)
		if (!strcmp(vs_btf__name(btf, m->name_off), wanted))
			return member_at(type, m);
	for (m = members; m < members + nr && depth < DEEPEST; m++) {
		if (*vs_btf__name(btf, m->name_off))
			continue;
		inside = find_inside(btf, m, wanted, depth);
		if (inside >= 0)
			return member_at(type, m) + inside;
	}
	return -1;
}

const char *vs_btf__member_type(const struct vs_btf *btf, const struct btf_type *type,
				const char *member)
{
	const struct btf_member *m = (const void *)(type + 1);

	for (unsigned int nr = BTF_INFO_VLEN(type->info); nr; nr--, m++) {
		const struct btf_type *of;

		if (strcmp(vs_btf__name(btf, m->name_off), member))
			continue;
		of = type_by_id(btf, m->type);
		return of ? vs_btf__name(btf, of->name_off) : "";
	}
	return NULL;
}

struct field {
	const struct vs_btf *btf;
	const char *type, *member;
	unsigned int at, bits;
};

static int find_field(void *ctx, const struct btf_type *type, const char *name)
{
	struct field *f = ctx;
	const struct btf_member *m = (const void *)(type + 1);

	if (BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT || strcmp(name, f->type) ||
	    !BTF_INFO_KFLAG(type->info))
		return 0;
	for (unsigned int nr = BTF_INFO_VLEN(type->info); nr; nr--, m++)
		if (!strcmp(vs_btf__name(f->btf, m->name_off), f->member)) {
			f->at = BTF_MEMBER_BIT_OFFSET(m->offset);
			f->bits = BTF_MEMBER_BITFIELD_SIZE(m->offset);
			return 1;
		}
	return 0;
}

bool vs_btf__field(const struct vs_btf *btf, const char *type, const char *member, unsigned int *at,
		   unsigned int *bits)
{
	struct field f = { btf, type, member, 0, 0 };

	if (!vs_btf__each(btf, find_field, &f))
		return false;
	*at = f.at;
	*bits = f.bits;
	return true;
}

struct question {
	const struct vs_btf *btf;
	struct vs_btf_query *queries;
	size_t nr;
	bool starts[256];	/* first letters of the types: most structs end there */
};

static void answer(struct question *q, size_t i, const struct btf_type *type)
{
	const char *member = q->queries[i].member;
	int found = member ? find_member(q->btf, type, member, 0) : (int)type->size;

	if (found >= 0)
		q->queries[i].answer = found;
}

static int ask(void *ctx, const struct btf_type *type, const char *name)
{
	struct question *q = ctx;

	if (BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT || !q->starts[(unsigned char)*name])
		return 0;
	for (size_t i = 0; i < q->nr; i++)
		if (q->queries[i].answer < 0 && !strcmp(q->queries[i].type, name))
			answer(q, i, type);
	return 0;
}

void vs_btf__query(const struct vs_btf *btf, struct vs_btf_query *queries, size_t nr)
{
	struct question q = { .btf = btf, .queries = queries, .nr = nr };

	for (size_t i = 0; i < nr; i++)
		q.starts[(unsigned char)queries[i].type[0]] = true;
	vs_btf__each(btf, ask, &q);
}
