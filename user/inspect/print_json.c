// SPDX-License-Identifier: GPL-2.0
#include <jansson.h>
#include <stdint.h>

#include "base/json_text.h"
#include "base/version.h"
#include "inspect/print.h"

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, vs_json_text__new(text, SIZE_MAX));
}

static json_t *place_to_json(const struct vs_place *place)
{
	json_t *object = json_object();

	set_text(object, "where", place->where);
	json_object_set_new(object, "addr", json_integer((json_int_t)place->addr));
	if (place->source[0])
		set_text(object, "source", place->source);
	if (place->inlined[0])
		set_text(object, "inlined", place->inlined);
	return object;
}

static json_t *evidence_to_json(const struct vs_inspection *in)
{
	json_t *list = json_array();

	for (size_t i = 0; i < in->nr_evidence; i++) {
		json_t *object = place_to_json(&in->evidence[i].place);

		set_text(object, "what", in->evidence[i].what);
		set_text(object, "why", in->evidence[i].why);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *sites_to_json(const struct vs_inspection *in)
{
	json_t *list = json_array();

	for (size_t i = 0; i < in->nr_sites; i++) {
		const struct vs_inspection_site *site = &in->sites[i];
		json_t *object = place_to_json(&site->place);

		set_text(object, "class", site->class == VS_SITE_PUT ? "put" : "get");
		json_object_set_new(object, "inlined_operation", json_boolean(site->inlined));
		if (site->callee[0])
			set_text(object, "callee", site->callee);
		json_array_append_new(list, object);
	}
	return list;
}

static const char *kind_token(enum vs_ref_kind kind)
{
	static const char *const tokens[] = {
		[VS_REF_CALL] = "call", [VS_REF_JUMP] = "jump", [VS_REF_ADDRESS] = "address",
		[VS_REF_INDIRECT] = "indirect", [VS_REF_LOCKED_ADD] = "locked-add",
	};

	return tokens[kind];
}

static json_t *calls_to_json(const struct vs_inspection *in)
{
	json_t *list = json_array();

	for (size_t i = 0; i < in->nr_calls; i++) {
		json_t *object = place_to_json(&in->calls[i].place);

		set_text(object, "kind", kind_token(in->calls[i].kind));
		set_text(object, "target", in->calls[i].target);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *notes_to_json(const struct vs_inspection *in)
{
	json_t *list = json_array();

	for (size_t i = 0; i < in->nr_notes; i++)
		json_array_append_new(list, vs_json_text__new(in->notes[i], SIZE_MAX));
	return list;
}

json_t *vs_inspect__json(const struct vs_inspection *in)
{
	json_t *root = json_pack("{s:s, s:i, s:s, s:s}", "type", "inspect", "schema", 1,
				 "version", VS_VERSION, "verdict", vs_verdict__name(in->verdict));

	set_text(root, "reason", in->reason);
	set_text(root, "fix", vs_fix__name(in->fix));
	set_text(root, "era", in->era);
	set_text(root, "path", in->path);
	set_text(root, "kind", vs_binary__name(in->kind));
	set_text(root, "compression", in->compression);
	set_text(root, "machine", in->machine);
	set_text(root, "kernel", in->release);
	set_text(root, "build_id", in->build_id);
	set_text(root, "srcversion", in->srcversion);
	json_object_set_new(root, "running", json_boolean(in->running));
	json_object_set_new(root, "debug_info", json_boolean(in->debug_info));
	json_object_set_new(root, "vfio", json_boolean(in->has_vfio));
	json_object_set_new(root, "notifier", json_boolean(in->has_notifier));
	json_object_set_new(root, "notes", notes_to_json(in));
	json_object_set_new(root, "evidence", evidence_to_json(in));
	json_object_set_new(root, "notifier_calls", calls_to_json(in));
	json_object_set_new(root, "sites", sites_to_json(in));
	return root;
}

static json_t *rows_to_json(const struct vs_tree *tree)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tree->nr; i++) {
		const struct vs_tree_row *row = &tree->rows[i];
		json_t *object = json_object();

		set_text(object, "path", row->path);
		set_text(object, "kernel", row->kernel);
		set_text(object, "machine", row->machine);
		set_text(object, "verdict",
			 row->failed ? "FAILED" : vs_verdict__name(row->verdict));
		set_text(object, "reason", row->reason);
		json_array_append_new(list, object);
	}
	return list;
}

json_t *vs_inspect__tree_json(const struct vs_tree *tree)
{
	json_t *root = json_pack("{s:s, s:i, s:s}", "type", "inspect-table", "schema", 1,
				 "version", VS_VERSION);

	set_text(root, "path", tree->top);
	json_object_set_new(root, "files", rows_to_json(tree));
	json_object_set_new(root, "images_without_vfio",
			    json_integer((json_int_t)tree->images_without));
	json_object_set_new(root, "unreadable_folders", json_integer((json_int_t)tree->unreadable));
	json_object_set_new(root, "cut", json_boolean(tree->cut));
	return root;
}
