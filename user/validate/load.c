// SPDX-License-Identifier: GPL-2.0
#include "validate/load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 20
#define NOT_FOUND 127

struct vs_load {
	pid_t pid;
	int fd;
	bool ended, killed;
	int status;
	size_t len;
	char line[4096];
};

struct arguments {
	char *argv[MAX_ARGS + 1];
	int nr;
	char path[PATH_MAX];
	char numbers[2][24];
};

static void add(struct arguments *a, const char *name, const char *value)
{
	a->argv[a->nr++] = (char *)name;
	if (value)
		a->argv[a->nr++] = (char *)value;
}

static int find_program(const struct vs_load_opts *opts, char path[PATH_MAX])
{
	ssize_t len;
	char *slash;

	if (opts->path)
		return snprintf(path, PATH_MAX, "%s", opts->path) < PATH_MAX ? 0 : -ENAMETOOLONG;
	len = readlink("/proc/self/exe", path, PATH_MAX - sizeof("vfio-stress"));
	if (len < 0)
		return -errno;
	path[len] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, "vfio-stress");
	return 0;
}

static int make_arguments(const struct vs_load_opts *opts, struct arguments *a)
{
	int err = find_program(opts, a->path);

	a->nr = 0;
	add(a, a->path, NULL);
	add(a, "--devices", opts->devices);
	add(a, "--i-know-this-can-hang-the-host", NULL);
	snprintf(a->numbers[0], sizeof(a->numbers[0]), "%llu", (unsigned long long)opts->cycles);
	snprintf(a->numbers[1], sizeof(a->numbers[1]), "%llu", (unsigned long long)opts->seconds);
	if (opts->cycles)
		add(a, "--cycles", a->numbers[0]);
	if (opts->seconds)
		add(a, "--duration", a->numbers[1]);
	if (opts->seed)
		add(a, "--seed", opts->seed);
	if (opts->strategies)
		add(a, "--strategy", opts->strategies);
	if (opts->allow_remove)
		add(a, "--allow-remove", NULL);
	if (opts->any_driver)
		add(a, "--unbind-drivers", NULL);
	a->argv[a->nr] = NULL;
	return err ? err : access(a->path, X_OK) ? -errno : 0;
}

/* If this process dies, SIGTERM asks vfio-stress to put everything back. */
static void become_stress(const struct arguments *a, int out, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(NOT_FOUND);
	/* It gets its own process group: Ctrl-C goes to this process alone, which then stops it. */
	setpgid(0, 0);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(a->path, a->argv);
	_exit(NOT_FOUND);
}

static int spawn(struct vs_load *l, const struct arguments *a)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	l->pid = fork();
	if (!l->pid)
		become_stress(a, ends[1], parent);
	close(ends[1]);
	l->fd = ends[0];
	return l->pid < 0 ? -errno : fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

struct vs_load *vs_load__start(const struct vs_load_opts *opts)
{
	struct vs_load *l = calloc(1, sizeof(*l));
	struct arguments a;
	int err;

	if (!l)
		return NULL;
	l->fd = -1;
	err = make_arguments(opts, &a);
	if (!err)
		err = spawn(l, &a);
	if (!err)
		return l;
	vs_load__free(l);
	errno = -err;
	return NULL;
}

static struct vs_strategy_ran *strategy(struct vs_stress_result *result, const char *name, size_t len)
{
	struct vs_strategy_ran *ran = result->ran, *end = ran + result->nr_ran;

	while (ran < end && (strlen(ran->name) != len || memcmp(ran->name, name, len)))
		ran++;
	if (ran < end)
		return ran;
	if (result->nr_ran == VS_STRATEGIES_KEPT || len >= sizeof(ran->name))
		return NULL;
	memcpy(ran->name, name, len);
	result->nr_ran++;
	return ran;
}

/* "step 3: if this is the last line ... hung in step 3: close: unbind of ... against ..., 50 times" */
static void note_strategy(const char *line, struct vs_stress_result *result)
{
	const char *at = strstr(line, " in step "), *name = at ? strstr(at, ": ") : NULL;
	const char *words = name ? strstr(name + 2, ": ") : NULL;
	struct vs_strategy_ran *ran = words ? strategy(result, name + 2, words - name - 2) : NULL;

	if (!ran)
		return;
	ran->steps++;
	snprintf(ran->last, sizeof(ran->last), "%s", words + 2);
}

void vs_load__take_line(const char *line, struct vs_stress_result *result)
{
	bool is_step = !strncmp(line, "step ", 5);
	const char *words = strncmp(line, "vfio-stress: ", 13) ? line : line + 13;

	if ((!strncmp(line, "stuck: ", 7) && !strstr(line, "cycles")) ||
	    !strncmp(line, "slow: ", 6))
		return;		/* stacks: the findings have better ones */
	if (is_step) {
		result->steps++;
		note_strategy(line, result);
	}
	snprintf(is_step ? result->step : result->said, sizeof(result->said), "%.300s", words);
}

static void take_lines(struct vs_load *l, struct vs_stress_result *result)
{
	char *line = l->line, *end;

	while ((end = memchr(line, '\n', l->len - (size_t)(line - l->line)))) {
		*end = '\0';
		vs_load__take_line(line, result);
		line = end + 1;
	}
	l->len -= (size_t)(line - l->line);
	memmove(l->line, line, l->len);
	if (l->len == sizeof(l->line))
		l->len = 0;	/* no line is so long */
}

static void read_output(struct vs_load *l, struct vs_stress_result *result)
{
	ssize_t len;

	while ((len = read(l->fd, l->line + l->len, sizeof(l->line) - l->len)) > 0) {
		l->len += (size_t)len;
		take_lines(l, result);
	}
}

static enum vs_stress_end end_of(int status)
{
	switch (status) {
	case 0:
	case 128 + SIGTERM:
	case 128 + SIGINT:
		return VS_STRESS_DONE;
	case 3:
		return VS_STRESS_STUCK;
	case 4:
		return VS_STRESS_REFUSED;
	default:
		return VS_STRESS_FAILED;
	}
}

bool vs_load__follow(struct vs_load *l, struct vs_stress_result *result)
{
	int status;

	if (!l->ended && waitpid(l->pid, &status, WNOHANG) == l->pid) {
		l->ended = true;
		l->killed = WIFSIGNALED(status);
		l->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	read_output(l, result);
	result->status = l->ended ? l->status : -1;
	result->end = l->ended ? l->killed ? VS_STRESS_FAILED : end_of(l->status) :
		      VS_STRESS_RUNNING;
	return l->ended;
}

void vs_load__rest(struct vs_load *l)
{
	if (!l->ended)
		kill(l->pid, SIGURG);
}

void vs_load__stop(struct vs_load *l)
{
	if (!l->ended)
		kill(l->pid, SIGTERM);
}

void vs_load__free(struct vs_load *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}
