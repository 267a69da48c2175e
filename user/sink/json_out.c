// SPDX-License-Identifier: GPL-2.0
#include "sink/json_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"

void vs_json_out__put(struct vs_out *o, json_t *root, size_t flags)
{
	char *text = root ? vs_json_text__dump(root, flags) : NULL;

	if (text)
		vs_out__raw(o, text, strlen(text));
	else if (!o->error)
		o->error = -ENOMEM;
	vs_out__puts(o, "\n");
	free(text);
	json_decref(root);
}
