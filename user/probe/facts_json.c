// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "probe/facts.h"

#define FACTS_SCHEMA 1

/*
 * Plain members are described once, and both directions walk the table, so that
 * saving and loading cannot drift apart.
 */
enum field_kind { FIELD_BOOL, FIELD_INT, FIELD_TEXT };

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
	size_t size;
};

#define FIELD(kind, member) \
	{ #member, kind, offsetof(struct vs_facts, member), \
	  sizeof(((struct vs_facts *)0)->member) }

static const struct field fields[] = {
	FIELD(FIELD_TEXT, release),
	FIELD(FIELD_TEXT, machine),
	FIELD(FIELD_BOOL, cap_bpf),
	FIELD(FIELD_BOOL, cap_perfmon),
	FIELD(FIELD_BOOL, cap_syslog),
	FIELD(FIELD_INT, kptr_restrict),
	FIELD(FIELD_INT, perf_event_paranoid),
	FIELD(FIELD_INT, ftrace_enabled),
	FIELD(FIELD_INT, unprivileged_bpf_disabled),
	FIELD(FIELD_TEXT, lockdown),
	FIELD(FIELD_BOOL, vmlinux_btf),
	FIELD(FIELD_BOOL, kprobe_pmu),
	FIELD(FIELD_INT, mutex_size),
	FIELD(FIELD_INT, work_size),
	FIELD(FIELD_BOOL, tramp_image),
	FIELD(FIELD_INT, realtime),
	FIELD(FIELD_INT, ring_lock_spins),
	FIELD(FIELD_INT, vfio_state),
	FIELD(FIELD_BOOL, vfio_file),
	FIELD(FIELD_TEXT, vfio_error),
	FIELD(FIELD_TEXT, running_build_id),
	FIELD(FIELD_BOOL, addresses),
	FIELD(FIELD_INT, layout_source),
	FIELD(FIELD_INT, btf_layout.group_counter),
	FIELD(FIELD_INT, btf_layout.group_iommu_group),
	FIELD(FIELD_INT, btf_layout.group_nb),
	FIELD(FIELD_INT, btf_layout.group_cdev),
	FIELD(FIELD_INT, btf_layout.device_dev),
	FIELD(FIELD_INT, btf_layout.device_group),
	FIELD(FIELD_INT, btf_layout.device_refcount),
	FIELD(FIELD_INT, btf_layout.group_container_users),
	FIELD(FIELD_INT, iommu_groups),
};

#define NR_FIELDS (sizeof(fields) / sizeof(fields[0]))

_Static_assert(sizeof(enum vs_kmod_state) == sizeof(int), "read and written as int");
_Static_assert(sizeof(enum vs_layout_source) == sizeof(int), "read and written as int");

static json_t *field_to_json(const struct field *field, const struct vs_facts *facts)
{
	const char *at = (const char *)facts + field->offset;

	switch (field->kind) {
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_INT:
		return json_integer(*(const int *)at);
	case FIELD_TEXT:
		return vs_json_text__new(at, SIZE_MAX);
	}
	return NULL;
}

static json_t *names_to_json(const struct vs_names *set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->nr; i++)
		json_array_append_new(list, vs_json_text__new(set->names[i], SIZE_MAX));
	return list;
}

static json_t *text(const char *words)
{
	return words ? vs_json_text__new(words, SIZE_MAX) : json_null();
}

static json_t *funcs_to_json(const struct vs_kmod *kmod)
{
	json_t *list = json_array();

	for (size_t i = 0; i < kmod->nr_funcs; i++) {
		const struct vs_kmod_func *f = &kmod->funcs[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:I, s:I}", "name", text(f->name),
						      "section", text(f->section),
						      "offset", (json_int_t)f->section_off,
						      "size", (json_int_t)f->size));
	}
	return list;
}

static json_t *sites_to_json(const struct vs_kmod *kmod)
{
	json_t *list = json_array();

	for (size_t i = 0; i < kmod->nr_sites; i++) {
		const struct vs_kmod_site *s = &kmod->sites[i];

		json_array_append_new(list,
			json_pack("{s:i, s:i, s:i, s:o, s:I, s:i, s:i, s:i}",
				  "kind", s->kind, "func", s->func, "func_off", s->func_off,
				  "callee", text(s->callee), "lock", (json_int_t)s->lock,
				  "base_reg", s->base_reg, "value_reg", s->value_reg,
				  "disp", s->disp));
	}
	return list;
}

static json_t *code_to_json(const struct vs_kmod *kmod)
{
	const struct vs_fix_facts *code = &kmod->code;

	if (!kmod->followed)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s}", "notifier", vs_known__name(code->notifier),
			 "puts", vs_known__name(code->puts), "defers", vs_known__name(code->defers),
			 "takes", vs_known__name(code->takes));
}

/* Facts that were saved by an older version have none. */
static void code_from_json(const json_t *object, struct vs_kmod *kmod)
{
	static const struct {
		const char *name;
		size_t offset;
	} answers[] = {
		{ "notifier", offsetof(struct vs_fix_facts, notifier) },
		{ "puts", offsetof(struct vs_fix_facts, puts) },
		{ "defers", offsetof(struct vs_fix_facts, defers) },
		{ "takes", offsetof(struct vs_fix_facts, takes) },
	};

	kmod->followed = object;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		*(enum vs_known *)((char *)&kmod->code + answers[i].offset) =
			vs_known__named(json_string_value(json_object_get(object, answers[i].name)));
}

static json_t *kmod_to_json(const struct vs_kmod *kmod)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o*}", "path", text(kmod->path),
			 "compression", text(kmod->compression), "machine", text(kmod->machine),
			 "build_id", kmod->build_id, "funcs", funcs_to_json(kmod),
			 "sites", sites_to_json(kmod), "code", code_to_json(kmod));
}

char *vs_facts__to_json(const struct vs_facts *facts)
{
	json_t *root = json_pack("{s:s, s:i}", "type", "facts", "schema", FACTS_SCHEMA);
	char *dump;

	for (size_t i = 0; i < NR_FIELDS; i++)
		json_object_set_new(root, fields[i].name, field_to_json(&fields[i], facts));
	json_object_set_new(root, "livepatches", names_to_json(&facts->livepatches));
	json_object_set_new(root, "btf_funcs", names_to_json(&facts->btf_funcs));
	json_object_set_new(root, "tracepoints", names_to_json(&facts->tracepoints));
	json_object_set_new(root, "vfio", kmod_to_json(&facts->vfio));
	dump = vs_json_text__dump(root, JSON_INDENT(1));
	json_decref(root);
	if (!dump)
		errno = ENOMEM;
	return dump;
}

static int field_from_json(const struct field *field, json_t *value, struct vs_facts *facts)
{
	char *at = (char *)facts + field->offset;

	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ? 0 : -EINVAL;
	case FIELD_INT:
		*(int *)at = json_integer_value(value);
		return json_is_integer(value) && json_integer_value(value) == *(int *)at
		       ? 0 : -EINVAL;
	case FIELD_TEXT:
		if (!json_is_string(value) || json_string_length(value) >= field->size)
			return -EINVAL;
		strcpy(at, json_string_value(value));
		return 0;
	}
	return -EINVAL;
}

static int names_from_json(json_t *list, struct vs_names *set)
{
	json_t *name;
	size_t i;

	if (!json_is_array(list))
		return -EINVAL;
	json_array_foreach(list, i, name) {
		if (!json_is_string(name))
			return -EINVAL;
		if (vs_names__add(set, json_string_value(name)))
			return -ENOMEM;
	}
	return 0;
}

/* json_unpack() has no word for "a string or null". */
static int text_from_json(json_t *value, const char **text)
{
	*text = json_string_value(value);
	return *text || json_is_null(value) ? 0 : -EINVAL;
}

static int func_from_json(json_t *item, struct vs_kmod_func *func)
{
	const char *name, *section;
	json_int_t offset, size;

	if (json_unpack(item, "{s:s, s:s, s:I, s:I}", "name", &name, "section", &section,
			"offset", &offset, "size", &size))
		return -EINVAL;
	func->name = strdup(name);
	func->section = strdup(section);
	func->section_off = offset;
	func->size = size;
	return func->name && func->section ? 0 : -ENOMEM;
}

static int site_from_json(json_t *item, size_t nr_funcs, struct vs_kmod_site *site)
{
	int kind, func, func_off, base_reg, value_reg, disp;
	const char *callee;
	json_int_t lock;
	json_t *called;

	if (json_unpack(item, "{s:i, s:i, s:i, s:o, s:I, s:i, s:i, s:i}", "kind", &kind,
			"func", &func, "func_off", &func_off, "callee", &called, "lock", &lock,
			"base_reg", &base_reg, "value_reg", &value_reg, "disp", &disp) ||
	    text_from_json(called, &callee))
		return -EINVAL;
	if (func < 0 || (size_t)func >= nr_funcs || func_off < 0 ||
	    (kind == VS_SITE_CALL && !callee))
		return -EINVAL;
	*site = (struct vs_kmod_site){ .kind = kind, .func = func, .func_off = func_off,
				       .lock = lock, .base_reg = base_reg,
				       .value_reg = value_reg, .disp = disp };
	site->callee = callee ? strdup(callee) : NULL;
	return callee && !site->callee ? -ENOMEM : 0;
}

static int funcs_from_json(json_t *list, struct vs_kmod *kmod)
{
	json_t *item;
	size_t i;
	int err;

	if (!json_is_array(list))
		return -EINVAL;
	kmod->funcs = calloc(json_array_size(list) + 1, sizeof(*kmod->funcs));
	if (!kmod->funcs)
		return -ENOMEM;
	json_array_foreach(list, i, item) {
		kmod->nr_funcs++;
		err = func_from_json(item, &kmod->funcs[i]);
		if (err)
			return err;
	}
	return 0;
}

static int sites_from_json(json_t *list, struct vs_kmod *kmod)
{
	json_t *item;
	size_t i;
	int err;

	if (!json_is_array(list))
		return -EINVAL;
	kmod->sites = calloc(json_array_size(list) + 1, sizeof(*kmod->sites));
	if (!kmod->sites)
		return -ENOMEM;
	json_array_foreach(list, i, item) {
		kmod->nr_sites++;
		err = site_from_json(item, kmod->nr_funcs, &kmod->sites[i]);
		if (err)
			return err;
	}
	return 0;
}

/* The reader's own strings are constants, so this one has to be found among them. */
static const char *known_compression(const char *name)
{
	static const char *const known[] = { "none", "xz", "zstd", "gzip" };

	if (!name)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], name))
			return known[i];
	return "none";
}

static int kmod_from_json(json_t *object, struct vs_kmod *kmod)
{
	const char *path, *compression, *machine, *build_id;
	json_t *at, *packed, *built_for, *funcs, *sites;
	int err;

	if (json_unpack(object, "{s:o, s:o, s:o, s:s, s:o, s:o}", "path", &at,
			"compression", &packed, "machine", &built_for, "build_id", &build_id,
			"funcs", &funcs, "sites", &sites) ||
	    text_from_json(at, &path) || text_from_json(packed, &compression) ||
	    text_from_json(built_for, &machine))
		return -EINVAL;
	kmod->path = path ? strdup(path) : NULL;
	kmod->machine = machine ? strdup(machine) : NULL;
	kmod->compression = known_compression(compression);
	snprintf(kmod->build_id, sizeof(kmod->build_id), "%s", build_id);
	code_from_json(json_object_get(object, "code"), kmod);
	err = funcs_from_json(funcs, kmod);
	return err ? err : sites_from_json(sites, kmod);
}

/* Tables of words are looked up by these. */
static bool states_known(const struct vs_facts *facts)
{
	return facts->vfio_state <= VS_KMOD_BUILTIN &&
	       facts->layout_source <= VS_LAYOUT_VMLINUX_BTF;
}

static int load(json_t *root, struct vs_facts *facts, const char **where)
{
	int err;

	for (size_t i = 0; i < NR_FIELDS; i++) {
		*where = fields[i].name;
		err = field_from_json(&fields[i], json_object_get(root, fields[i].name), facts);
		if (err)
			return err;
	}
	*where = "vfio_state";
	if (!states_known(facts))
		return -EINVAL;
	*where = "livepatches";
	err = names_from_json(json_object_get(root, *where), &facts->livepatches);
	if (err)
		return err;
	*where = "btf_funcs";
	err = names_from_json(json_object_get(root, *where), &facts->btf_funcs);
	if (err)
		return err;
	*where = "tracepoints";
	err = names_from_json(json_object_get(root, *where), &facts->tracepoints);
	if (err)
		return err;
	*where = "vfio";
	return kmod_from_json(json_object_get(root, *where), &facts->vfio);
}

/* Names that could command the terminal they are shown on are in no kernel's facts. */
static bool has_control(json_t *value)
{
	const char *text = json_string_value(value), *key;
	bool found = false;
	json_t *member;
	size_t i;

	for (; text && *text && !found; text++)
		found = (unsigned char)*text < 0x20 || *text == 0x7f;
	json_array_foreach(value, i, member)
		found = found || has_control(member);
	json_object_foreach(value, key, member)
		found = found || has_control(member);
	return found;
}

int vs_facts__from_json(const char *text, struct vs_facts *facts, char *error, size_t size)
{
	const char *where = "schema";
	json_error_t parse;
	json_t *root;
	int err;

	memset(facts, 0, sizeof(*facts));
	root = json_loads(text, 0, &parse);
	if (!root) {
		snprintf(error, size, "not JSON: line %d: %s", parse.line, parse.text);
		return -EINVAL;
	}
	if (has_control(root)) {
		snprintf(error, size, "a name with control characters: no kernel has that");
		json_decref(root);
		return -EINVAL;
	}
	if (json_integer_value(json_object_get(root, "schema")) == FACTS_SCHEMA)
		err = load(root, facts, &where);
	else
		err = -EINVAL;
	if (err) {
		snprintf(error, size, "not facts of this version: \"%s\" is missing or wrong", where);
		vs_facts__free(facts);
	}
	json_decref(root);
	return err;
}
