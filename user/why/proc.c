// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/rows.h"
#include "base/text_file.h"
#include "why/collect_priv.h"
#include "why/holders.h"
#include "why/proc.h"
#include "why/runtime.h"

#define PATIENCE_MS 200
#define BUSY_MS 5000	/* for a child that gets no CPU */
#define MAX_STUCK 3
#define MAX_ARGUMENTS 65536	/* bytes of one process that are looked at */

/* -- a child that may get stuck -- */

/* The child must keep no descriptor of its parent open: it may stay forever. */
static void close_all_but(int fd)
{
	if (dup2(fd, 0) < 0)
		_exit(1);
#ifdef SYS_close_range
	if (!syscall(SYS_close_range, 1u, ~0u, 0u))
		return;
#endif
	for (int i = 1; i < 4096; i++)
		close(i);
}

static bool write_all(const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(0, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

__attribute__((noreturn))
static void be_reader(int fd, vs_proc_read_fn read, void *ctx, size_t first, size_t nr, size_t size)
{
	char *row = calloc(1, size);

	close_all_but(fd);
	for (size_t i = first; row && i < nr; i++) {
		char found;

		memset(row, 0, size);
		found = read(ctx, i, row);
		if (!write_all(&found, 1) || (found && !write_all(row, size)))
			break;
	}
	_exit(0);
}

struct child {
	pid_t pid;
	int fd;		/* its answers */
	int patience;	/* ms */
};

static bool is_runnable(pid_t pid)
{
	char path[64], *text, *state;
	bool runs;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	text = vs_text_file__read(path);
	state = text ? strrchr(text, ')') : NULL;
	runs = state && !strncmp(state, ") R", 3);
	free(text);
	return runs;
}

/* On a host with too much to do, a child that is ready to run just has no CPU: that is not stuck. */
static bool answers(const struct child *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	for (int waited = 0; waited < BUSY_MS; waited += c->patience) {
		if (poll(&p, 1, c->patience) > 0)
			return true;
		if (!is_runnable(c->pid))
			break;
	}
	return poll(&p, 1, 0) > 0;
}

/* All `len` bytes, as long as it does not stop for longer than its patience. */
static int read_all(const struct child *c, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n;

		if (!answers(c))
			return -ETIMEDOUT;
		n = read(c->fd, at, len);
		if (n <= 0)
			return -EPIPE;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int take(const struct child *c, size_t *i, size_t nr, char *rows, size_t size, signed char *answered)
{
	int err = 0;
	char found;

	while (*i < nr) {
		err = read_all(c, &found, 1);
		if (!err && found)
			err = read_all(c, rows + *i * size, size);
		if (err)
			break;
		answered[(*i)++] = found;
	}
	return err;
}

/* A child that is stuck cannot be killed now; it ends once it is no longer stuck. */
static void let_go(pid_t pid)
{
	kill(pid, SIGKILL);
	for (int i = 0; i < 20 && !waitpid(pid, NULL, WNOHANG); i++)
		usleep(1000);
}

static int read_some(vs_proc_read_fn read, void *ctx, size_t *i, size_t nr, char *rows, size_t size,
		     signed char *answered, int patience)
{
	struct child c = { .patience = patience };
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	c.fd = ends[0];
	c.pid = fork();
	if (!c.pid)
		be_reader(ends[1], read, ctx, *i, nr, size);
	close(ends[1]);
	err = c.pid < 0 ? -errno : take(&c, i, nr, rows, size, answered);
	close(ends[0]);
	if (c.pid > 0)
		let_go(c.pid);
	return err;
}

int vs_proc__guarded_for(int patience, vs_proc_read_fn read, void *ctx, size_t nr, void *rows, size_t size,
			 signed char *answered)
{
	size_t i = 0;
	int err = 0;

	memset(answered, -1, nr);
	for (int stuck = 0; i < nr && stuck < MAX_STUCK; stuck++) {
		err = read_some(read, ctx, &i, nr, rows, size, answered, patience);
		if (err != -ETIMEDOUT && err != -EPIPE)
			break;
		i++;
	}
	return err == -ETIMEDOUT || err == -EPIPE ? 0 : err;
}

int vs_proc__guarded(vs_proc_read_fn read, void *ctx, size_t nr, void *rows, size_t size,
		     signed char *answered)
{
	return vs_proc__guarded_for(PATIENCE_MS, read, ctx, nr, rows, size, answered);
}

void vs_proc__say_unread(struct vs_evidence *e, const signed char *answered, size_t nr,
			 const char *what)
{
	size_t unread = 0;

	for (size_t i = 0; i < nr; i++)
		unread += answered[i] < 0;
	if (unread)
		collect_say(e, "/proc: %s of %zu not read: it does not answer%s", what, unread,
			    answered[nr - 1] < 0 && unread > MAX_STUCK ?
			    ", and who comes after the third of those was left out" : "");
}

/* -- tasks -- */

int vs_proc__add_numbers(const char *path, uint32_t **numbers, size_t *nr)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	while (dir && !err && (entry = readdir(dir))) {
		uint32_t *row;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		row = vs_rows__add(numbers, nr, sizeof(*row));
		if (row)
			*row = (uint32_t)atoi(entry->d_name);
		else
			err = -ENOMEM;
	}
	if (dir)
		closedir(dir);
	return err;
}

/* "12 (a name) S 1 ...": the name may hold anything, the last bracket ends it. */
bool vs_proc__stat(const char *root, uint32_t tid, struct vs_proc_stat *stat)
{
	char text[1024], *open, *close;
	unsigned long long ticks;

	memset(stat, 0, sizeof(*stat));
	if (vs_host__proc_file(root, tid, "stat", text, sizeof(text)) <= 0)
		return false;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close)
		return false;
	*close = '\0';
	snprintf(stat->comm, sizeof(stat->comm), "%s", open + 1);
	if (sscanf(close + 1, " %c %u %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &stat->state, &stat->parent, &stat->flags, &ticks) != 4)
		return false;
	stat->start_ns = ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
	return true;
}

uint64_t vs_proc__age(const char *root, const struct vs_proc_stat *stat)
{
	char path[PATH_MAX];
	double seconds = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/uptime", root);
	file = fopen(path, "re");
	if (file && fscanf(file, "%lf", &seconds) != 1)
		seconds = 0;
	if (file)
		fclose(file);
	return seconds * 1e9 > (double)stat->start_ns ? (uint64_t)(seconds * 1e9) - stat->start_ns : 0;
}

/* -- processes -- */

struct describe {
	const struct vs_evidence *e;
	const bool *no_cmdline;
};

/* QEMU's arguments are long, so those about VFIO's devices are kept apart from the beginning. */
static void take_argument(struct vs_ev_process *p, const char *arg)
{
	size_t used = strlen(p->vfio_args), len = strlen(arg);

	if (strstr(arg, "q35"))
		p->q35 = true;
	if (!strstr(arg, "vfio-pci") || used + len + 2 > sizeof(p->vfio_args))
		return;
	if (used)
		p->vfio_args[used++] = ' ';
	memcpy(p->vfio_args + used, arg, len + 1);
}

void vs_proc__take_cmdline(struct vs_ev_process *p, char *text, size_t size)
{
	ssize_t len = (ssize_t)size;

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(text + at) + 1)
		take_argument(p, text + at);
	for (ssize_t i = 0; i + 1 < len; i++)
		if (!text[i])
			text[i] = ' ';
	snprintf(p->cmdline, sizeof(p->cmdline), "%.*s", len > 0 ? (int)len : 0, text);
}

static void read_cmdline(const char *root, struct vs_ev_process *p)
{
	static char text[MAX_ARGUMENTS];
	ssize_t len = vs_host__proc_file(root, p->tgid, "cmdline", text, sizeof(text));

	vs_proc__take_cmdline(p, text, len > 0 ? (size_t)len : 0);
}

/* With cgroup v1 it takes the hierarchy of systemd or of a controller: the longest path says most. */
static void read_cgroup(const char *root, struct vs_ev_process *p)
{
	char text[8192], *line, *rest = text;

	if (vs_host__proc_file(root, p->tgid, "cgroup", text, sizeof(text)) <= 0)
		return;
	while ((line = strsep(&rest, "\n"))) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (path && strlen(path + 1) > strlen(p->cgroup))
			snprintf(p->cgroup, sizeof(p->cgroup), "%s", path + 1);
	}
}

/* The kubelet keeps a folder for each pod of its node, whatever the runtime is. */
static void read_pod_name(const char *root, struct vs_ev_process *p)
{
	char uid[64], path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	vs_holders__pod(p->cgroup, uid, sizeof(uid));
	snprintf(path, sizeof(path), "%s/var/log/pods", root);
	dir = uid[0] ? opendir(path) : NULL;
	while (dir && (entry = readdir(dir)) &&
	       !vs_holders__pod_name(entry->d_name, uid, p->pod_name, sizeof(p->pod_name)))
		;
	if (dir)
		closedir(dir);
}

void vs_proc__describe_one(const char *root, struct vs_ev_process *p, bool cmdline)
{
	read_cgroup(root, p);
	read_pod_name(root, p);
	vs_runtime__name(root, p->cgroup, p->container_name, sizeof(p->container_name));
	if (cmdline)
		read_cmdline(root, p);
}

static bool describe_row(void *ctx, size_t i, void *row)
{
	const struct describe *d = ctx;
	struct vs_ev_process *p = row;

	*p = d->e->processes[i];
	vs_proc__describe_one("", p, !d->no_cmdline[i]);
	return true;
}

int vs_proc__describe(struct vs_evidence *e, const bool *no_cmdline)
{
	struct describe d = { e, no_cmdline };
	size_t nr = e->nr_processes;
	struct vs_ev_process *rows = calloc(nr + 1, sizeof(*rows));
	signed char *answered = calloc(nr + 1, 1);
	int err = rows && answered ? vs_proc__guarded(describe_row, &d, nr, rows, sizeof(*rows),
						      answered) : -ENOMEM;

	if (!err)
		vs_proc__say_unread(e, answered, nr, "command lines");
	for (size_t i = 0; !err && i < nr; i++) {
		if (answered[i] == 1)
			e->processes[i] = rows[i];
		else
			e->processes[i].stuck = true;
	}
	free(rows);
	free(answered);
	return err;
}

/* -- open files by name -- */

#define OPENERS 64	/* of one process that are kept */

struct opened {
	struct vs_ev_opener openers[OPENERS];
};

struct wanted {
	const uint32_t *tgids;
	bool vfio;
};

static bool is_wanted(bool vfio, const char *target)
{
	if (!strncmp(target, "/dev/vhost-", 11))
		return true;
	return vfio && (!strncmp(target, "/dev/vfio/", 10) ||
			!strcmp(target, "anon_inode:[vfio-device]") ||
			!strcmp(target, "anon_inode:kvm-vfio"));
}

int vs_proc__open_files(const char *root, uint32_t tgid, bool vfio, struct vs_ev_opener *openers, int most)
{
	char path[PATH_MAX], target[sizeof(openers->path)];
	struct dirent *entry;
	int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/%u/fd", root, tgid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ESRCH ? 0 : -EACCES;
	while ((entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		if (!is_wanted(vfio, target) || nr++ >= most)
			continue;
		openers[nr - 1] = (struct vs_ev_opener){ .tgid = tgid, .fd = atoi(entry->d_name) };
		memcpy(openers[nr - 1].path, target, sizeof(target));
	}
	closedir(dir);
	return nr;
}

static bool find_open(void *ctx, size_t i, void *row)
{
	const struct wanted *w = ctx;

	return vs_proc__open_files("", w->tgids[i], w->vfio, ((struct opened *)row)->openers, OPENERS) > 0;
}

static int keep_openers(struct vs_evidence *e, const struct opened *o)
{
	for (int i = 0; i < OPENERS && o->openers[i].tgid; i++) {
		struct vs_ev_opener *row = vs_rows__add(&e->openers, &e->nr_openers, sizeof(*row));

		if (!row)
			return -ENOMEM;
		*row = o->openers[i];
	}
	return 0;
}

int vs_proc__find_open(struct vs_evidence *e, const uint32_t *tgids, size_t nr, bool vfio)
{
	struct wanted w = { tgids, vfio };
	struct opened *rows = calloc(nr + 1, sizeof(*rows));
	signed char *answered = calloc(nr + 1, 1);
	int err = rows && answered ? vs_proc__guarded(find_open, &w, nr, rows,
						      sizeof(*rows), answered) : -ENOMEM;

	if (!err)
		vs_proc__say_unread(e, answered, nr, "open files");
	for (size_t i = 0; !err && i < nr; i++)
		if (answered[i] == 1)
			err = keep_openers(e, &rows[i]);
	free(rows);
	free(answered);
	return err;
}
