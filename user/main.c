// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"
#include "version.h"

static const struct vs_command *const commands[] = {
	&vs_cmd_why,
	&vs_cmd_doctor,
	&vs_cmd_trace,
	&vs_cmd_refs,
	&vs_cmd_latency,
	&vs_cmd_inspect,
	&vs_cmd_validate,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fprintf(out, "usage: vfioscope COMMAND [options]\n\n"
		"Follows VFIO group references on a live host, catches the notifier deadlock.\n\n"
		"commands\n");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\nvfioscope COMMAND --help tells more; vfioscope --version\n\n%s", VS_EXIT_HELP);
}

static const struct vs_command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct vs_command *command;

	if (argc < 2) {
		print_usage(stderr);
		return VS_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return VS_EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("vfioscope %s\n", VS_VERSION);
		return VS_EXIT_OK;
	}
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "vfioscope: no command \"%.40s\"; see vfioscope --help\n", argv[1]);
		return VS_EXIT_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}
