// SPDX-License-Identifier: GPL-2.0
/*
 * A child reads debug information, so that a crash of libdw or a loop in a malicious file ends
 * there: the verdict does not need it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "code/dwarf_lines.h"
#include "inspect/inspect_priv.h"

#define SECONDS		20
#define MAX_ANSWER	(4u << 20)
#define MAX_MEMORY	((rlim_t)4 << 30)	/* a vmlinux and libdw's tables */

struct places {
	struct vs_place **list;
	size_t nr;
};

static int collect(struct vs_inspection *in, struct places *places)
{
	size_t nr = in->nr_evidence + in->nr_sites + in->nr_calls;

	places->nr = 0;
	places->list = calloc(nr + 1, sizeof(*places->list));
	if (!places->list)
		return -ENOMEM;
	for (size_t i = 0; i < in->nr_evidence; i++)
		places->list[places->nr++] = &in->evidence[i].place;
	for (size_t i = 0; i < in->nr_sites; i++)
		places->list[places->nr++] = &in->sites[i].place;
	for (size_t i = 0; i < in->nr_calls; i++)
		places->list[places->nr++] = &in->calls[i].place;
	return 0;
}

/* ---- child ---- */

static void limit(void)
{
	static const struct rlimit cpu = { SECONDS, SECONDS }, core = { 0, 0 };

	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
#ifndef __SANITIZE_ADDRESS__	/* its shadow is larger */
	setrlimit(RLIMIT_AS, &(struct rlimit){ MAX_MEMORY, MAX_MEMORY });
#endif
	signal(SIGPIPE, SIG_DFL);
	/* a sanitizer would report a crash that we expect */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
}

/* One line for each place: source, tab, inlined functions. */
static void answer(const struct vs_elf *elf, const struct places *places, FILE *out)
{
	struct vs_dwarf *dwarf = vs_dwarf__open(elf);
	struct vs_dwarf_place place;

	if (!dwarf)
		return;
	for (size_t i = 0; i < places->nr; i++) {
		memset(&place, 0, sizeof(place));
		if (places->list[i]->where[0])
			vs_dwarf__look_up(dwarf, places->list[i]->section, places->list[i]->addr,
					  &place);
		fprintf(out, "%s\t%s\n", place.source, place.inlined);
	}
}

static void run_child(const struct vs_elf *elf, const struct places *places, int fd)
{
	FILE *out;

	limit();
	out = fdopen(fd, "w");
	if (out) {
		answer(elf, places, out);
		fflush(out);
	}
	_exit(0);
}

/* ---- parent ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* Reads until the end, or until time or room is up; NUL-terminated. */
static char *read_answer(int fd)
{
	int64_t end = now_ms() + SECONDS * 1000;
	char *text = malloc(MAX_ANSWER + 1);
	size_t len = 0;

	while (text && len < MAX_ANSWER) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t got;

		if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
			break;
		got = read(fd, text + len, MAX_ANSWER - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (text)
		text[len] = '\0';
	return text;
}

/* Words of the file may go to a terminal, so replace other bytes than printable ASCII. */
static char *printable(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	for (char *c = copy; c && *c; c++)
		if (*c < ' ' || *c >= 0x7f)
			*c = '?';
	return copy;
}

static void replace(char **text, const char *from, size_t len)
{
	char *copy = printable(from, len);

	if (copy) {
		free(*text);
		*text = copy;
	}
}

static bool take_answer(const char *text, const struct places *places)
{
	bool any = false;

	for (size_t i = 0; i < places->nr && strchr(text, '\n'); i++) {
		size_t source = strcspn(text, "\t\n"), inlined;

		replace(&places->list[i]->source, text, source);
		any |= source > 0;
		text += source + (text[source] == '\t');
		inlined = strcspn(text, "\n");
		replace(&places->list[i]->inlined, text, inlined);
		text += inlined + 1;
	}
	return any;
}

static bool ask(const struct vs_elf *elf, const struct places *places)
{
	bool any = false;
	int fds[2];
	char *text;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	pid = fork();
	if (!pid)
		run_child(elf, places, fds[1]);
	close(fds[1]);
	if (pid > 0) {
		text = read_answer(fds[0]);
		any = text && take_answer(text, places);
		free(text);
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(fds[0]);
	return any;
}

void vs_inspect__add_lines(const struct vs_elf *elf, struct vs_inspection *in)
{
	struct places places;

	if (!vs_elf__section(elf, ".debug_info") || collect(in, &places))
		return;
	in->debug_info = ask(elf, &places);
	if (!in->debug_info && places.nr)
		vs_inspect__note(in, "there is debug information, but it could not be read");
	free(places.list);
}
