// SPDX-License-Identifier: GPL-2.0
#include "serve/porch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "privilege/sandbox.h"
#include "serve/metrics.h"

#define NOBODY 65534
#define CONNECTIONS 16u		/* on each socket */
#define CROWD 12u		/* more than these, and the oldest one goes: whoever asks gets his answer at once */
#define MEMORY 8192u		/* of a connection: its request must fit */
#define IDLE_S 5u
#define WHOLE_NS 10000000000ull	/* MHD only ends connections on which nothing comes at all */
#define DESCRIPTORS (VS_LISTEN_MOST * (CONNECTIONS + 3) + 8)
#define LOOK_MS 1000
#define INHERITED 1024		/* no shell and no service manager passes a descriptor with a higher number */

/* A connection that was accepted. */
struct guest {
	int fd;
	uint64_t since_ns;	/* CLOCK_MONOTONIC; 0: the place is free */
};

struct door {
	struct porch *porch;
	struct MHD_Daemon *daemon;
	const struct vs_listener *listener;
	struct guest guests[CONNECTIONS];
};

/* What the child has. */
struct porch {
	const struct vs_porch_opts *opts;
	struct door doors[VS_LISTEN_MOST];
	size_t nr;
	char text[VS_SHARE_TEXT];
};

struct vs_porch {
	pid_t pid;
	int fd;		/* closed on the other side once it has ended */
};

/* -- answers -- */

static void count(const struct porch *p, unsigned int code)
{
	for (size_t i = 0; i < VS_PAGE_CODES; i++)
		if (vs_page_codes[i] == code)
			atomic_fetch_add(&vs_share__counts(p->opts->share)->requests[i], 1);
}

static enum MHD_Result answer(const struct porch *p, struct MHD_Connection *c, unsigned int code,
			      const char *type, const char *text, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result done;

	if (!r)
		return MHD_NO;
	count(p, code);
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Connection", "close");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (code == 405)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	done = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result say(const struct porch *p, struct MHD_Connection *c, unsigned int code, const char *words)
{
	return answer(p, c, code, "text/plain; charset=utf-8", words, strlen(words));
}

static enum MHD_Result copy_out(struct porch *p, struct MHD_Connection *c, enum vs_share_text which,
				const char *type)
{
	long len = vs_share__read(p->opts->share, which, p->text);

	if (len < 0)
		return say(p, c, 503, "There is no page yet.\n");
	return answer(p, c, 200, type, p->text, (size_t)len);
}

static enum MHD_Result metrics(struct porch *p, struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");

	if (accept && strstr(accept, "application/openmetrics-text"))
		return copy_out(p, c, VS_SHARE_OPENMETRICS, VS_METRICS_OPEN);
	return copy_out(p, c, VS_SHARE_METRICS, VS_METRICS_TEXT);
}

static enum MHD_Result status(struct porch *p, struct MHD_Connection *c)
{
	return copy_out(p, c, VS_SHARE_STATUS, "application/json");
}

static enum MHD_Result health(struct porch *p, struct MHD_Connection *c, bool wants_up)
{
	uint64_t now = vs_host__mono_ns(), time;
	bool up;

	time = vs_share__time(p->opts->share, &up);
	if (!time || now > time + VS_PORCH_STALE_NS)
		return say(p, c, 503, "The page is old: vfioscope hangs.\n");
	if (wants_up && !up)
		return say(p, c, 503, "vfioscope does not trace: vfioscope status says why.\n");
	return say(p, c, 200, "ok\n");
}

static enum MHD_Result healthz(struct porch *p, struct MHD_Connection *c)
{
	return health(p, c, false);
}

static enum MHD_Result readyz(struct porch *p, struct MHD_Connection *c)
{
	return health(p, c, true);
}

static enum MHD_Result root(struct porch *p, struct MHD_Connection *c)
{
	return say(p, c, 200, "vfioscope: /metrics /healthz /readyz\n");
}

static const struct path {
	const char *name;
	enum MHD_Result (*answer)(struct porch *p, struct MHD_Connection *c);
	bool local;	/* on unix sockets only: it names processes */
} paths[] = {
	{ "/metrics", metrics, false },
	{ "/healthz", healthz, false },
	{ "/readyz", readyz, false },
	{ "/", root, false },
	{ "/status.json", status, true },
};

static const struct path *find_path(const struct door *d, const char *url)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!strcmp(paths[i].name, url) && (!paths[i].local || d->listener->local))
			return &paths[i];
	return NULL;
}

/* -- requests -- */

static bool is_name(const char *host, size_t len, const char *name)
{
	return name && strlen(name) == len && !strncasecmp(host, name, len);
}

/* A page in a browser may reach this address by a name that its author chose (DNS rebinding). */
static bool is_our_host(const struct door *d, struct MHD_Connection *c)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
	size_t len;

	if (d->listener->local || !d->listener->loopback || !host)
		return true;
	len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	return is_name(host, len, "localhost") || is_name(host, len, "127.0.0.1") ||
	       is_name(host, len, "[::1]") || is_name(host, len, d->porch->opts->host);
}

static bool has_body(struct MHD_Connection *c)
{
	const char *len = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");

	return (len && strcmp(len, "0")) || MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding");
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	struct door *d = ctx;
	const struct path *path = find_path(d, url);

	(void)version;
	(void)data;
	(void)size;
	(void)state;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return say(d->porch, c, 405, "GET and HEAD only.\n");
	if (has_body(c))
		return say(d->porch, c, 400, "A body has no meaning here.\n");
	if (!is_our_host(d, c))
		return say(d->porch, c, 421, "This is not that host.\n");
	if (!path)
		return say(d->porch, c, 404, "There is no such page.\n");
	return path->answer(d->porch, c);
}

/* -- connections -- */

/* It is closed the next time that MHD looks at it; until then its place is taken. */
static void end_guest(const struct door *d, struct guest *g)
{
	shutdown(g->fd, SHUT_RDWR);
	g->since_ns = UINT64_MAX - WHOLE_NS;
	atomic_fetch_add(&vs_share__counts(d->porch->opts->share)->refused, 1);
}

static void make_room(struct door *d)
{
	struct guest *oldest = &d->guests[0];
	size_t nr = 0;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		nr += d->guests[i].since_ns > 0;
		if (d->guests[i].since_ns && (!oldest->since_ns || d->guests[i].since_ns < oldest->since_ns))
			oldest = &d->guests[i];
	}
	if (nr > CROWD)
		end_guest(d, oldest);
}

static void take_place(struct door *d, struct MHD_Connection *c, void **guest)
{
	for (size_t i = 0; i < CONNECTIONS && !*guest; i++) {
		struct guest *g = &d->guests[i];

		if (g->since_ns)
			continue;
		g->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		g->since_ns = vs_host__mono_ns();
		*guest = g;
	}
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **guest, enum MHD_ConnectionNotificationCode code)
{
	struct door *d = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		take_place(d, c, guest);
		make_room(d);
	} else if (*guest) {
		((struct guest *)*guest)->since_ns = 0;
	}
}

static void end_slow_ones(struct door *d, uint64_t now)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (d->guests[i].since_ns && now >= d->guests[i].since_ns + WHOLE_NS)
			end_guest(d, &d->guests[i]);
}

static bool open_door(struct porch *p, const struct vs_listener *l)
{
	struct door *d = &p->doors[p->nr];

	d->porch = p;
	d->listener = l;
	d->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, d,
				     MHD_OPTION_LISTEN_SOCKET, l->fd,
				     MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
				     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				     MHD_OPTION_STRICT_FOR_CLIENT, 1,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_END);
	p->nr += !!d->daemon;
	return d->daemon;
}

/* -- the process -- */

static void serve(struct porch *p, int parent)
{
	struct pollfd fds[VS_LISTEN_MOST + 1];

	for (size_t i = 0; i < p->nr; i++)
		fds[i] = (struct pollfd){
			.fd = MHD_get_daemon_info(p->doors[i].daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			.events = POLLIN,
		};
	fds[p->nr] = (struct pollfd){ .fd = parent, .events = POLLIN };
	while (!fds[p->nr].revents) {
		poll(fds, p->nr + 1, LOOK_MS);
		for (size_t i = 0; i < p->nr; i++) {
			MHD_run(p->doors[i].daemon);
			end_slow_ones(&p->doors[i], vs_host__mono_ns());
		}
	}
}

static bool is_ours(const struct vs_porch_opts *opts, int parent, int fd)
{
	for (size_t i = 0; i < opts->listeners->nr; i++)
		if (opts->listeners->rows[i].fd == fd)
			return true;
	return fd == parent;
}

/* Files that the parent was given are not for this process, and nobody waits for it to close them. */
static void keep_only_ours(const struct vs_porch_opts *opts, int parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	for (int fd = 3; fd < INHERITED; fd++)
		if (!is_ours(opts, parent, fd))
			close(fd);
}

/* The signals of a terminal or a service are for the parent, with which this process ends. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

/* Root without capabilities still owns root's files. Where this is not allowed, nothing is lost that we have. */
static void become_nobody(void)
{
	if (geteuid())
		return;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return;
}

static int confine(struct porch *p)
{
	const struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
	char error[100];
	int err;

	setrlimit(RLIMIT_NOFILE, &limit);
	become_nobody();
	err = vs_share__read_only(p->opts->share);
	err = err ? err : vs_sandbox__enter_porch(error, sizeof(error));
	atomic_store(&vs_share__counts(p->opts->share)->confined, !err);
	return err == -EOPNOTSUPP ? 0 : err;
}

static _Noreturn void run(const struct vs_porch_opts *opts, int parent)
{
	struct porch *p = calloc(1, sizeof(*p));

	ignore_signals();
	keep_only_ours(opts, parent);
	prctl(PR_SET_NAME, "vfioscope-porch");
	if (!p)
		_exit(VS_EXIT_FAILURE);
	p->opts = opts;
	for (size_t i = 0; i < opts->listeners->nr; i++)
		if (!open_door(p, &opts->listeners->rows[i]))
			_exit(VS_EXIT_FAILURE);
	if (confine(p) || write(parent, "", 1) != 1)
		_exit(VS_EXIT_FAILURE);
	serve(p, parent);
	_exit(VS_EXIT_OK);
}

struct vs_porch *vs_porch__start(const struct vs_porch_opts *opts)
{
	struct vs_porch *p = calloc(1, sizeof(*p));
	int pair[2];
	char ready;

	if (!p || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		free(p);
		return NULL;
	}
	p->pid = fork();
	if (!p->pid) {
		close(pair[0]);
		run(opts, pair[1]);
	}
	close(pair[1]);
	p->fd = pair[0];
	if (p->pid > 0 && read(p->fd, &ready, 1) == 1)
		return p;
	vs_porch__free(p);
	errno = EIO;
	return NULL;
}

bool vs_porch__is_alive(const struct vs_porch *p)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };

	return !poll(&fd, 1, 0);
}

void vs_porch__free(struct vs_porch *p)
{
	if (!p)
		return;
	close(p->fd);
	if (p->pid > 0)
		waitpid(p->pid, NULL, 0);
	free(p);
}
