// SPDX-License-Identifier: GPL-2.0
#include "doctor/blocker.h"

#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "doctor/checks.h"
#include "doctor/env.h"

enum vs_work vs_blocker__work(const struct vs_command *command)
{
	for (enum vs_work work = 0; work < VS_WORK_END; work++)
		if (!strcmp(vs_work__name(work), command->name))
			return work;
	return strcmp(command->name, "inspect") ? VS_WORK_TRACE : VS_WORK_INSPECT;
}

/* "This kernel offers no BTF." becomes a part of a sentence. */
static void put_knob(const struct vs_diag_result *r, char *buf, size_t size)
{
	size_t len = strlen(r->what);
	bool ends = len && r->what[len - 1] == '.';
	bool named = strstr(r->what, r->knob);

	snprintf(buf, size, "%s%s%.*s", named ? "" : r->knob, named ? "" : ": ",
		 (int)(len - ends), r->what);
}

/* The command to type as root is the verb that cannot start; the line names doctor anyway. */
static const char *remedy(const struct vs_command *command, const struct vs_diag_result *r, char *buf,
			  size_t size)
{
	if (strcmp(r->command, VS_DIAG_AS_ROOT))
		return r->command;
	snprintf(buf, size, "sudo vfioscope %s", command->name);
	return buf;
}

static const struct vs_diag_result *find_blocker(enum vs_work work, struct vs_diags *checks)
{
	struct vs_facts facts;
	struct vs_env env;

	if (vs_facts__collect("", &facts))
		return NULL;
	vs_env__collect("", &facts, &env);
	vs_diags__run(&facts, &env, checks);
	vs_facts__free(&facts);
	return vs_diags__blocker(checks, work);
}

int vs_blocker__fail(const struct vs_command *command, enum vs_work work, int status,
		     const char *words)
{
	struct vs_diags checks;
	const struct vs_diag_result *r = find_blocker(work, &checks);
	char knob[320], as_root[40];

	/* A check that only makes it see less does not explain a failure for a reason of its own. */
	if (!r || (r->starts && status == VS_EXIT_FAILURE))
		return vs_command__fail(command, status, words, NULL);
	put_knob(r, knob, sizeof(knob));
	return vs_command__advise(command, r->exit_status, knob, remedy(command, r, as_root, sizeof(as_root)));
}

bool vs_blocker__words(enum vs_work work, char *buf, size_t size)
{
	struct vs_diags checks;
	const struct vs_diag_result *r = find_blocker(work, &checks);

	buf[0] = '\0';
	if (r)
		put_knob(r, buf, size);
	return r;
}
