// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command as user and group ID, with exactly these capabilities: permitted,
 * effective, inheritable and ambient.
 * usage: with_caps ID bpf,perfmon,... COMMAND...	"" or none: without any
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <grp.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "with_caps: %s: %s\n", what, strerror(errno));
	return 125;
}

static int add(cap_t caps, const char *name)
{
	char full[40];
	cap_value_t cap;

	snprintf(full, sizeof(full), "cap_%s", name);
	return cap_from_name(full, &cap) || cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_SET) ||
	       cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET) ||
	       cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_SET);
}

static int make_ambient(cap_t caps)
{
	cap_flag_value_t has;

	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!cap_get_flag(caps, cap, CAP_INHERITABLE, &has) && has == CAP_SET &&
		    cap_set_ambient(cap, CAP_SET))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	cap_t caps = cap_init();
	uid_t id;

	if (argc < 4 || !caps)
		return fail("usage: with_caps ID bpf,perfmon,... COMMAND...");
	id = atoi(argv[1]);
	for (char *name = strtok(argv[2], ","); name && strcmp(name, "none"); name = strtok(NULL, ","))
		if (add(caps, name))
			return fail(name);
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(id, id, id) ||
	    setresuid(id, id, id))
		return fail("cannot become another user");
	if (cap_set_proc(caps) || make_ambient(caps))
		return fail("cannot set capabilities");
	execvp(argv[3], argv + 3);
	return fail(argv[3]);
}
