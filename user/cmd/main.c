// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/one_line.h"
#include "base/version.h"
#include "cmd/commands.h"
#include "kernel/btf_file.h"

static const struct vs_command *const commands[] = {
	&vs_cmd_why,
	&vs_cmd_devices,
	&vs_cmd_can,
	&vs_cmd_doctor,
	&vs_cmd_trace,
	&vs_cmd_refs,
	&vs_cmd_latency,
	&vs_cmd_inspect,
	&vs_cmd_validate,
	&vs_cmd_record,
	&vs_cmd_report,
	&vs_cmd_serve,
	&vs_cmd_status,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* People come with one of these. A row is shown if this build has the verb. */
static const struct {
	const char *question, *command, *verb;
} questions[] = {
	{ "Who has which device, VM or pod?", "devices", "devices" },
	{ "Why does it hang, why does my VM not start?", "why [BDF]", "why" },
	{ "May I unbind or detach it now?", "can unbind BDF", "can" },
	{ "What takes references, deadlocks, leaks, is late?", "trace -q, refs, latency", "trace" },
	{ "Does this kernel have the fix, and does it hold?", "inspect, validate", "inspect" },
};

static const struct vs_command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_questions(FILE *out)
{
	fprintf(out, "vfioscope answers questions about VFIO on a running host:\n\n");
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (find_command(questions[i].verb))
			fprintf(out, "  %-50s vfioscope %s\n", questions[i].question, questions[i].command);
	fprintf(out, "\nWhat it can see on this host: vfioscope doctor. All commands: vfioscope --help\n");
}

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

/* Returns the value of --btf at argv[i], or NULL; `words` is the number of arguments that it takes. */
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

/* It may stand before or after the command; we take it out, so that no verb has to know it. */
static int take_btf(int *argc, char **argv)
{
	for (int i = 1, words; i < *argc && strcmp(argv[i], "--"); i++) {
		const char *path = btf_value(argv, i, &words);
		int err = path ? vs_btf_file__give(path) : 0;

		if (err == -EEXIST) {
			vs_one_line__say("vfioscope: --btf", path, "given twice");
			return VS_EXIT_USAGE;
		}
		if (err) {
			vs_one_line__say("vfioscope: --btf", path, err == -EINVAL ?
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

/*
 * If a standard descriptor is closed, the next file that we open would get its number, and the text for
 * stdout or stderr. Writing to this placeholder fails, and is reported.
 */
static void keep_standard_fds(void)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(VS_EXIT_FAILURE);
}

/* Text written through stdio may be lost. */
static int finish(int status)
{
	bool failed = ferror(stdout);

	if (!fflush(stdout) && !failed)
		return status;
	if (errno == EPIPE)
		return status;
	vs_one_line__say("vfioscope", "cannot write", strerror(errno));
	return status == VS_EXIT_BUG ? status : VS_EXIT_FAILURE;
}

static int run(int argc, char **argv)
{
	const struct vs_command *command;
	int status = take_btf(&argc, argv);

	if (status)
		return status;
	if (argc < 2) {
		print_questions(stderr);
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
		vs_one_line__say("vfioscope", argv[1], "no such command; see vfioscope --help");
		return VS_EXIT_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	keep_standard_fds();
	return finish(run(argc, argv));
}
