// SPDX-License-Identifier: GPL-2.0
#include "privilege/keeper.h"

#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "privilege/caps.h"
#include "privilege/sandbox.h"

#define STACK_PATIENCE_NS 50000000ull
/* A kprobe patches text, which waits for every CPU of the host. */
#define EVENT_PATIENCE_NS 5000000000ull
#define TEXT_PATIENCE_NS 1000000000ull
#define KEPT (VS_CAP_BIT(CAP_SYS_ADMIN) | VS_CAP_BIT(CAP_SYS_PTRACE) | VS_CAP_BIT(CAP_PERFMON) | \
	      VS_CAP_BIT(CAP_SYSLOG))

enum what { STACK, KPROBE, WATCHPOINT, TEXT };

struct request {
	uint32_t number;	/* identifies an answer that comes too late */
	uint32_t what;
	int32_t which;		/* task, perf's type, CPU */
	uint32_t len;		/* of text */
	uint64_t addr;		/* of text: from the start of its section */
	char section[24];	/* of text */
};

struct answer {
	uint32_t number;
	int32_t error;
	char text[8192];
};

struct vs_keeper {
	int fd;
	uint32_t number;
};

/* -- what it does -- */

static int open_event(struct perf_event_attr *attr, int cpu)
{
	int fd = syscall(SYS_perf_event_open, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_kprobe(int type, uint64_t addr)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.kprobe_addr = addr,
	};

	/* The types of perf itself are below. */
	return type < PERF_TYPE_MAX ? -EINVAL : open_event(&attr, 0);
}

static int open_watchpoint(uint64_t addr, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_4,
		.disabled = 1,
	};

	return open_event(&attr, cpu);
}

/* -- the process -- */

static int reply(int to, struct answer *a, size_t text_len, int fd)
{
	struct iovec part = { a, offsetof(struct answer, text) + text_len };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int answer_stack(int to, const struct request *r, struct answer *a)
{
	a->error = vs_host__kernel_stack(r->which, a->text, sizeof(a->text));
	return reply(to, a, a->error ? 0 : strlen(a->text) + 1, -1);
}

static int answer_event(int to, const struct request *r, struct answer *a)
{
	int fd = r->what == KPROBE ? open_kprobe(r->which, r->addr) :
		 r->what == WATCHPOINT ? open_watchpoint(r->addr, r->which) : -EINVAL, err;

	a->error = fd < 0 ? fd : 0;
	err = reply(to, a, 0, fd);
	if (fd >= 0)
		close(fd);
	return err;
}

/* The open reader of vfio.ko's text. */
struct reader {
	void *opened;	/* NULL if that failed */
	int (*read)(const void *opened, const char *section, uint64_t off, void *buf, size_t len);
};

static int answer_text(int to, struct request *r, const struct reader *text,
		       struct answer *a)
{
	uint32_t len = r->len < sizeof(a->text) ? r->len : sizeof(a->text);

	r->section[sizeof(r->section) - 1] = '\0';
	a->error = text->read(text->opened, r->section, r->addr, a->text, len);
	return reply(to, a, a->error ? 0 : len, -1);
}

static int answer_request(int to, struct request *r, const struct reader *text,
			  struct answer *a)
{
	a->number = r->number;
	switch (r->what) {
	case STACK:
		return answer_stack(to, r, a);
	case TEXT:
		return answer_text(to, r, text, a);
	default:
		return answer_event(to, r, a);
	}
}

static void serve(int fd, const struct reader *text)
{
	struct request r;
	struct answer a;
	int err = 0;

	while (!err && read(fd, &r, sizeof(r)) == sizeof(r))
		err = answer_request(fd, &r, text, &a);
}

/* Our descriptors would keep probes armed and pipes open when we are killed. */
static int keep_only(int fd)
{
	fd = dup2(fd, 0);
	if (syscall(SYS_close_range, 1, ~0u, 0))	/* v5.9 */
		for (int i = 1; i < sysconf(_SC_OPEN_MAX); i++)
			close(i);
	return fd;
}

static void become_keeper(int fd, pid_t parent, const struct vs_keeper_text *by)
{
	struct reader text = { .read = by->read };
	char error[100];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A finding waits for the keeper, on a host that may be busy; it does nothing unasked. */
	setpriority(PRIO_PROCESS, 0, -20);
	/* Ctrl-C signals us all, but the keeper must live until the summary is out. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	fd = keep_only(fd);
	text.opened = by->open();	/* needs CAP_SYS_RAWIO, which it does not keep */
	if (getppid() == parent) {
		vs_sandbox__enter_keeper(KEPT, error, sizeof(error));
		serve(fd, &text);
	}
	_exit(0);
}

/* -- our side -- */

static int start(struct vs_keeper *k, const struct vs_keeper_text *text)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = fork();
	if (!pid)
		become_keeper(ends[1], parent, text);
	close(ends[1]);
	k->fd = ends[0];
	return pid < 0 ? -errno : 0;
}

/* The first question costs page faults on both sides: take them now, before a finding waits. */
static void warm_up(struct vs_keeper *k)
{
	char text[256];

	vs_keeper__stack(k, getpid(), text, sizeof(text));
}

struct vs_keeper *vs_keeper__start(const struct vs_keeper_text *text)
{
	struct vs_keeper *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return NULL;
	k->fd = -1;
	err = start(k, text);
	if (!err) {
		warm_up(k);
		return k;
	}
	vs_keeper__free(k);
	errno = -err;
	return NULL;
}

static int wait_for_answer(const struct vs_keeper *k, uint64_t until)
{
	struct pollfd p = { .fd = k->fd, .events = POLLIN };
	uint64_t now = vs_host__mono_ns();
	int nr = poll(&p, 1, now < until ? (until - now + 999999) / 1000000 : 0);

	return nr > 0 ? 0 : !nr ? -ETIMEDOUT : -errno;
}

static int fd_in(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Discards an answer to another question (-EAGAIN). */
static int take_answer(const struct vs_keeper *k, struct answer *a, int *fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { a, sizeof(*a) };
	struct msghdr m = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(k->fd, &m, MSG_CMSG_CLOEXEC);

	if (len < (ssize_t)offsetof(struct answer, text))
		return len < 0 ? -errno : -EPIPE;
	*fd = fd_in(&m);
	/* At our RLIMIT_NOFILE the kernel drops the descriptor (scm_detach_fds()). */
	if (a->number == k->number)
		return m.msg_flags & MSG_CTRUNC && *fd < 0 ? -EMFILE : 0;
	if (*fd >= 0)
		close(*fd);
	return -EAGAIN;
}

static int ask(struct vs_keeper *k, struct request *r, struct answer *a, int *fd, uint64_t patience)
{
	uint64_t until = vs_host__mono_ns() + patience;
	int err;

	r->number = ++k->number;
	if (send(k->fd, r, sizeof(*r), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*r))
		return -errno;
	do {
		err = wait_for_answer(k, until);
		if (!err)
			err = take_answer(k, a, fd);
	} while (err == -EAGAIN || err == -EINTR);
	return err ? err : a->error;
}

int vs_keeper__stack(struct vs_keeper *k, uint32_t tid, char *buf, size_t size)
{
	struct request r = { .what = STACK, .which = (int32_t)tid };
	struct answer a = { 0 };
	int fd, err;

	if (!k)
		return vs_host__kernel_stack(tid, buf, size);
	err = ask(k, &r, &a, &fd, STACK_PATIENCE_NS);
	if (err)
		return err;
	buf[0] = '\0';
	strncat(buf, a.text, size - 1);
	return 0;
}

static int ask_for_event(struct vs_keeper *k, struct request r)
{
	struct answer a;
	int fd = -1, err = ask(k, &r, &a, &fd, EVENT_PATIENCE_NS);

	return err ? err : fd < 0 ? -EIO : fd;
}

int vs_keeper__kprobe(struct vs_keeper *k, int type, uint64_t addr)
{
	return k ? ask_for_event(k, (struct request){ .what = KPROBE, .which = type, .addr = addr }) :
		   open_kprobe(type, addr);
}

int vs_keeper__watchpoint(struct vs_keeper *k, uint64_t addr, int cpu)
{
	return k ? ask_for_event(k, (struct request){ .what = WATCHPOINT, .which = cpu,
						      .addr = addr }) :
		   open_watchpoint(addr, cpu);
}

static int ask_for_text(struct vs_keeper *k, struct request r, uint8_t *buf)
{
	struct answer a;
	int fd = -1, err = ask(k, &r, &a, &fd, TEXT_PATIENCE_NS);

	if (!err)
		memcpy(buf, a.text, r.len);
	return err;
}

int vs_keeper__text(struct vs_keeper *k, const char *section, uint8_t *buf, size_t len)
{
	struct request r = { .what = TEXT };
	int err = 0;

	if (strlen(section) >= sizeof(r.section))
		return -ENAMETOOLONG;
	strcpy(r.section, section);
	for (size_t at = 0; at < len && !err; at += r.len) {
		r.addr = at;
		r.len = len - at < sizeof(((struct answer *)0)->text) ? len - at
		      : sizeof(((struct answer *)0)->text);
		err = ask_for_text(k, r, buf + at);
	}
	return err;
}

/*
 * Does not wait for the process: it may be stuck in the kernel for as long as the task that it was
 * asked about.
 */
void vs_keeper__free(struct vs_keeper *k)
{
	if (!k)
		return;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}
