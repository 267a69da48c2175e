// SPDX-License-Identifier: GPL-2.0
#include "doctor/recorded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

json_t *vs_recorded__to_json(const struct vs_facts *facts, const struct vs_env *env)
{
	char *text = vs_facts__to_json(facts);
	json_t *root = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	if (root && json_object_set_new(root, "host", vs_env__to_json(env))) {
		json_decref(root);
		root = NULL;
	}
	if (!root)
		errno = ENOMEM;
	return root;
}

int vs_recorded__from_text(const char *text, struct vs_facts *facts, struct vs_env *env,
			   char *error, size_t size)
{
	int err = vs_facts__from_json(text, facts, error, size);
	json_t *root, *host;

	if (err)
		return err;
	root = json_loads(text, 0, NULL);
	host = json_object_get(root, "host");
	if (!host)
		vs_env__unknown(facts, env);
	else
		err = vs_env__from_json(host, env);
	json_decref(root);
	if (err) {
		snprintf(error, size, "not facts of this version: \"host\" is not complete");
		vs_facts__free(facts);
	}
	return err;
}
