// SPDX-License-Identifier: GPL-2.0
#include "serve/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/json_text.h"
#include "privilege/caps.h"
#include "serve/metrics.h"
#include "serve/state.h"

#define SECCOMP_FILTER 2	/* "Seccomp:" in /proc/PID/status */

/* -- this process -- */

static uint64_t cpu_ns(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u))
		return 0;
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ull +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ull;
}

/* These are what a run keeps (sandbox.h); the last one for --textfile. */
static int is_confined(const char *status)
{
	const char *seccomp = strstr(status, "\nSeccomp:"), *caps = strstr(status, "\nCapEff:");
	const uint64_t most = VS_CAP_BIT(CAP_SYSLOG) | VS_CAP_BIT(CAP_BPF) | VS_CAP_BIT(CAP_DAC_OVERRIDE);

	if (!seccomp || !caps)
		return -1;
	return atoi(seccomp + strlen("\nSeccomp:")) == SECCOMP_FILTER &&
	       !(strtoull(caps + strlen("\nCapEff:"), NULL, 16) & ~most);
}

static void take_process(struct vs_page *p)
{
	char status[4096];
	const char *rss;
	bool known = vs_host__proc_file("", (uint32_t)getpid(), "status", status, sizeof(status)) > 0;

	p->cpu_ns = cpu_ns();
	rss = known ? strstr(status, "\nVmRSS:") : NULL;
	p->resident_bytes = rss ? strtoull(rss + strlen("\nVmRSS:"), NULL, 10) * 1024 : 0;
	p->confined[0] = known ? is_confined(status) : -1;
}

static void take_porch(struct vs_page *p, struct vs_share_counts *counts)
{
	for (size_t i = 0; i < VS_PAGE_CODES; i++)
		p->requests[i] = atomic_load(&counts->requests[i]);
	p->refused = atomic_load(&counts->refused);
	p->confined[1] = atomic_load(&counts->confined);
}

/* -- the texts -- */

static int keep(struct vs_share_page *to, enum vs_share_text which, const char *text, size_t len)
{
	if (len > VS_SHARE_TEXT)
		return -E2BIG;
	memcpy(to->text[which], text, len);
	to->len[which] = (uint32_t)len;
	return 0;
}

static int put_metrics(const struct vs_page *p, struct vs_share_page *to, enum vs_share_text which,
		       enum vs_metrics_form form)
{
	struct vs_out o;
	int err;

	vs_out__init(&o, -1);
	vs_metrics__write(&o, p, form);
	err = o.error ? o.error : keep(to, which, o.buf, o.len);
	vs_out__fini(&o);
	return err;
}

static int put_state(const struct vs_page *p, struct vs_share_page *to)
{
	json_t *state = vs_state__json(p);
	char *text = state ? vs_json_text__dump(state, JSON_COMPACT) : NULL;
	int err = text ? keep(to, VS_SHARE_STATUS, text, strlen(text)) : -ENOMEM;

	json_decref(state);
	free(text);
	return err;
}

int vs_publish__page(struct vs_page *p, struct vs_share *share)
{
	struct vs_share_page *to = vs_share__next(share);
	uint64_t begun = vs_host__mono_ns();
	int err;

	take_process(p);
	take_porch(p, vs_share__counts(share));
	to->mono_ns = p->mono_ns;
	to->up = p->up;
	err = put_metrics(p, to, VS_SHARE_METRICS, VS_METRICS_PROMETHEUS);
	err = err ? err : put_metrics(p, to, VS_SHARE_OPENMETRICS, VS_METRICS_OPENMETRICS);
	err = err ? err : put_state(p, to);
	if (!err)
		vs_share__publish(share);
	p->render_ns = vs_host__mono_ns() - begun;
	return err;
}

/* -- the file -- */

static int write_to(const char *path, const struct vs_out *o)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644), err = 0;

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < o->len && !err;) {
		ssize_t nr = write(fd, o->buf + done, o->len - done);

		if (nr > 0)
			done += (size_t)nr;
		else if (errno != EINTR)
			err = -errno;
	}
	close(fd);
	return err;
}

static int replace(const char *path, const struct vs_out *o)
{
	char name[PATH_MAX];
	struct stat st;
	int err;

	if (!lstat(path, &st) && S_ISLNK(st.st_mode))
		return -ELOOP;
	if ((size_t)snprintf(name, sizeof(name), "%s.new", path) >= sizeof(name))
		return -ENAMETOOLONG;
	err = write_to(name, o);
	if (!err && rename(name, path))
		err = -errno;
	if (err)
		unlink(name);
	return err;
}

int vs_publish__file(const struct vs_page *p, const char *path)
{
	struct vs_out o;
	int err;

	vs_out__init(&o, -1);
	vs_metrics__write(&o, p, VS_METRICS_TEXTFILE);
	err = o.error ? o.error : replace(path, &o);
	vs_out__fini(&o);
	return err;
}
