// SPDX-License-Identifier: GPL-2.0
#include "why/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/one_line.h"

#define POLL_MS 20
#define MOST_AFTER 256	/* reads after its end: what it has left there, and not what its children go on to say */

struct listener {
	int fd;			/* -1: everybody has closed the other end */
	size_t len;		/* of what was kept */
	struct vs_heard *heard;	/* NULL: nobody asks what it says from here on */
};

static void write_all(const char *data, ssize_t len)
{
	while (len > 0) {
		ssize_t done = write(STDERR_FILENO, data, (size_t)len);

		if (done < 0 && errno != EINTR)
			return;
		data += done > 0 ? done : 0;
		len -= done > 0 ? done : 0;
	}
}

static void keep(struct listener *l, const char *data, ssize_t len)
{
	for (ssize_t i = 0; l->heard && i < len && l->len < sizeof(l->heard->said) - 1; i++)
		l->heard->said[l->len++] = data[i] ? data[i] : ' ';	/* a NUL would hide what follows */
}

/* Copies what is there now. Returns false if there was nothing. */
static bool copy(struct listener *l)
{
	char data[4096];
	ssize_t len = read(l->fd, data, sizeof(data));

	if (!len || (len < 0 && errno != EAGAIN && errno != EINTR)) {
		close(l->fd);
		l->fd = -1;
	}
	if (len <= 0)
		return false;
	write_all(data, len);
	keep(l, data, len);
	return true;
}

/* Others hold the other end: somebody has to read on, or their next word would end them (SIGPIPE). */
static void leave_a_reader(struct listener *l)
{
	pid_t pid = l->fd < 0 ? -1 : fork();

	if (!pid) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		fcntl(l->fd, F_SETFL, 0);
		l->heard = NULL;
		while (l->fd >= 0)
			copy(l);
		_exit(0);
	}
	if (l->fd >= 0)
		close(l->fd);
}

static pid_t start(char **argv, int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(out, STDERR_FILENO);
	execvp(argv[0], argv);
	vs_one_line__say("vfioscope why", argv[0], strerror(errno));
	_exit(127);
}

static bool is_stopped(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT) && info.si_pid == pid &&
	       info.si_code == CLD_STOPPED;
}

static void listen_until(struct listener *l, uint64_t until)
{
	struct vs_heard *h = l->heard;
	int status = 0;

	while (!h->ended && vs_host__mono_ns() < until) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };

		if (poll(&p, 1, POLL_MS) > 0)
			copy(l);
		h->ended = waitpid(h->pid, &status, WNOHANG) == h->pid;
	}
	for (int i = 0; i < MOST_AFTER && h->ended && l->fd >= 0 && copy(l); i++)
		;
	h->stopped = !h->ended && is_stopped(h->pid);
	h->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int vs_heard__run(char **argv, uint64_t wait_ns, struct vs_heard *heard)
{
	struct listener l = { .heard = heard };
	int ends[2], err;

	memset(heard, 0, sizeof(*heard));
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	/* If our parent ignores SIGCHLD so do we, and the kernel then drops the status. */
	signal(SIGCHLD, SIG_DFL);
	heard->pid = start(argv, ends[1]);
	err = heard->pid < 0 ? -errno : 0;
	close(ends[1]);
	l.fd = ends[0];
	if (!err)
		listen_until(&l, wait_ns ? vs_host__mono_ns() + wait_ns : UINT64_MAX);
	if (err)
		close(l.fd);
	else
		leave_a_reader(&l);
	return err;
}
