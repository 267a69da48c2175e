// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"
#include "probe/btf_file.h"
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
	fprintf(out, "\nvfioscope COMMAND --help tells more; vfioscope --version\n\n"
		"option of all commands\n"
		"  --btf FILE   the kernel's types, where it offers none itself (see doctor)\n\n%s",
		VS_EXIT_HELP);
}

static const struct vs_command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* The value of --btf at argv[i], or NULL; `words`: how many arguments that takes. */
static const char *btf_value(char **argv, int i, int *words)
{
	*words = 1;
	if (!strncmp(argv[i], "--btf=", strlen("--btf=")))
		return argv[i] + strlen("--btf=");
	if (strcmp(argv[i], "--btf"))
		return NULL;
	*words = 1 + !!argv[i + 1];
	return argv[i + 1] ? argv[i + 1] : "";
}

/* It may stand before the command and behind it; taken out, so that no verb has to know it. */
static int take_btf(int *argc, char **argv)
{
	for (int i = 1, words; i < *argc && strcmp(argv[i], "--"); i++) {
		const char *path = btf_value(argv, i, &words);
		int err = path ? vs_btf_file__give(path) : 0;

		if (err) {
			fprintf(stderr, "vfioscope: --btf: %.200s: %s\n", path, err == -EINVAL ?
				"no BTF of a kernel" : strerror(-err));
			return *path ? VS_EXIT_FAILURE : VS_EXIT_USAGE;
		}
		if (!path)
			continue;
		memmove(argv + i, argv + i + words, (*argc - i - words + 1) * sizeof(*argv));
		*argc -= words;
		i--;
	}
	return VS_EXIT_OK;
}

int main(int argc, char **argv)
{
	const struct vs_command *command;
	int status = take_btf(&argc, argv);

	if (status)
		return status;
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
