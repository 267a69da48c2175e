// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "doctor/env.h"

/* Both directions walk one table. */
enum kind {
	KIND_INT, KIND_LONG, KIND_MASK, KIND_TEXT,
	KIND_LATER_TEXT,	/* earlier versions did not save it: then it is unknown */
	KIND_LATER_INT,
};

struct field {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size;
};

#define FIELD(kind, member) \
	{ #member, kind, offsetof(struct vs_env, member), sizeof(((struct vs_env *)0)->member) }

static const struct field fields[] = {
	FIELD(KIND_INT, uid),
	FIELD(KIND_INT, cap_last),
	FIELD(KIND_MASK, caps),
	FIELD(KIND_INT, user_ns_initial),
	FIELD(KIND_INT, pid_ns_initial),
	FIELD(KIND_INT, seccomp),
	FIELD(KIND_INT, no_new_privs),
	FIELD(KIND_LONG, memlock_hard),
	FIELD(KIND_INT, bpf_call),
	FIELD(KIND_INT, perf_call),
	FIELD(KIND_INT, tracing_program),
	FIELD(KIND_INT, reading_program),
	FIELD(KIND_LATER_INT, fentry),
	FIELD(KIND_INT, memlock_charged),
	FIELD(KIND_INT, memlock_raised),
	FIELD(KIND_INT, debug_registers),
	FIELD(KIND_INT, proc_mounted),
	FIELD(KIND_INT, sys_mounted),
	FIELD(KIND_INT, debugfs_mounted),
	FIELD(KIND_INT, tracefs_mounted),
	FIELD(KIND_INT, kcore_readable),
	FIELD(KIND_INT, kprobes_enabled),
	FIELD(KIND_INT, kernel_btf),
	FIELD(KIND_TEXT, btf_file),
	FIELD(KIND_INT, ring_bytes),
	FIELD(KIND_LATER_TEXT, os_id),
	FIELD(KIND_LATER_TEXT, os_like),
	FIELD(KIND_TEXT, srcversion),
	FIELD(KIND_TEXT, file_srcversion),
	FIELD(KIND_TEXT, file_build_id),
	FIELD(KIND_INT, text_as_file),
	FIELD(KIND_INT, text_bytes),
	FIELD(KIND_TEXT, text_words),
};

#define NR_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* A mask has more bits than JSON's numbers hold for every reader. */
static json_t *field_to_json(const struct field *field, const struct vs_env *env)
{
	const char *at = (const char *)env + field->offset;
	char hex[20];

	switch (field->kind) {
	case KIND_INT:
	case KIND_LATER_INT:
		return json_integer(*(const int *)at);
	case KIND_LONG:
		return json_integer(*(const int64_t *)at);
	case KIND_MASK:
		snprintf(hex, sizeof(hex), "%" PRIx64, *(const uint64_t *)at);
		return json_string(hex);
	case KIND_TEXT:
	case KIND_LATER_TEXT:
		return vs_json_text__new(at, field->size);
	}
	return NULL;
}

json_t *vs_env__to_json(const struct vs_env *env)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < NR_FIELDS; i++)
		json_object_set_new(object, fields[i].name, field_to_json(&fields[i], env));
	if (!object)
		errno = ENOMEM;
	return object;
}

static int mask_from_json(const json_t *value, uint64_t *mask)
{
	const char *text = json_string_value(value);
	char *end;

	if (!text || !*text || strlen(text) > 16)
		return -EINVAL;
	*mask = strtoull(text, &end, 16);
	return *end ? -EINVAL : 0;
}

static int field_from_json(const struct field *field, const json_t *value, struct vs_env *env)
{
	char *at = (char *)env + field->offset;

	switch (field->kind) {
	case KIND_LATER_INT:
		*(int *)at = VS_NOT_TRIED;
		if (!value)
			return 0;
		/* fall through */
	case KIND_INT:
		*(int *)at = json_integer_value(value);
		return json_is_integer(value) && json_integer_value(value) == *(int *)at
		       ? 0 : -EINVAL;
	case KIND_LONG:
		*(int64_t *)at = json_integer_value(value);
		return json_is_integer(value) ? 0 : -EINVAL;
	case KIND_MASK:
		return mask_from_json(value, (uint64_t *)at);
	case KIND_LATER_TEXT:
		if (!value)
			return 0;
		/* fall through */
	case KIND_TEXT:
		if (!json_is_string(value) || json_string_length(value) >= field->size)
			return -EINVAL;
		strcpy(at, json_string_value(value));
		return 0;
	}
	return -EINVAL;
}

int vs_env__from_json(const json_t *object, struct vs_env *env)
{
	int err = json_is_object(object) ? 0 : -EINVAL;

	memset(env, 0, sizeof(*env));
	for (size_t i = 0; i < NR_FIELDS && !err; i++)
		err = field_from_json(&fields[i], json_object_get(object, fields[i].name), env);
	return err;
}
