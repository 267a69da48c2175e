// SPDX-License-Identifier: GPL-2.0
#include "doctor/blocker.h"

#include <stdio.h>
#include <string.h>

#include "doctor/checks.h"
#include "doctor/env.h"
#include "exit_codes.h"
#include "one_line.h"

#define LONGEST_COMMAND 90
#define PREFIX 22	/* "vfioscope validate: " and a little */
#define CUT " ..."

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

/*
 * The line has room for so much, and what is too long loses its middle: a command that has lost it
 * cannot be typed. So the words before it are cut, and a command that is too long is left to doctor.
 */
static void put_words(const struct vs_diag_result *r, char *buf, size_t size)
{
	bool fits = r->command[0] && strlen(r->command) <= LONGEST_COMMAND;
	char knob[320], tail[LONGEST_COMMAND + 40];
	size_t room;

	snprintf(tail, sizeof(tail), "%s%.*s; see vfioscope doctor", fits ? "; try: " : "",
		 fits ? LONGEST_COMMAND : 0, r->command);
	room = VS_ONE_LINE - PREFIX - strlen(tail);
	put_knob(r, knob, sizeof(knob));
	if (strlen(knob) > room)
		strcpy(knob + room - strlen(CUT), CUT);
	snprintf(buf, size, "%s%s", knob, tail);
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
	char line[640];

	/* What only makes it see less is not why it failed for a reason of its own. */
	if (!r || (r->starts && status == VS_EXIT_FAILURE))
		return vs_command__fail(command, status, words, NULL);
	put_words(r, line, sizeof(line));
	return vs_command__fail(command, r->exit_status, line, NULL);
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
