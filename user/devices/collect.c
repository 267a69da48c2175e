// SPDX-License-Identifier: GPL-2.0
#include "devices/collect.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/host.h"
#include "base/plural.h"
#include "base/rows.h"
#include "base/words.h"
#include "privilege/caps.h"
#include "why/collect.h"
#include "why/proc.h"

#define OPENERS 64	/* of one process that are kept */

__attribute__((format(printf, 2, 3)))
static void say(struct vs_evidence *e, const char *format, ...)
{
	char words[200];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	vs_words__append(e->words, sizeof(e->words), "%s%s", e->words[0] ? "; " : "", words);
}

/* -- what everybody may read -- */

struct look {
	const char *root;
	const uint32_t *tgids;
};

struct seen {
	struct vs_ev_process process;
	bool denied;		/* its open files are not for us */
	int nr_openers;
	struct vs_ev_opener openers[OPENERS];
};

/* A kernel thread has neither arguments nor files. A sleeper in the kernel may hold the lock that cmdline takes. */
static bool look_at(void *ctx, size_t i, void *row)
{
	const struct look *l = ctx;
	struct seen *s = row;
	struct vs_ev_process *p = &s->process;
	struct vs_proc_stat stat;
	int nr;

	p->tgid = l->tgids[i];
	if (!vs_proc__stat(l->root, p->tgid, &stat))
		return false;
	nr = vs_proc__open_files(l->root, p->tgid, true, s->openers, OPENERS);
	if (!nr)
		return false;
	s->denied = nr < 0;
	s->nr_openers = nr < 0 ? 0 : nr;
	p->parent = stat.parent;
	memcpy(p->comm, stat.comm, sizeof(p->comm));
	p->uninterruptible = stat.state == 'D';
	vs_proc__describe_one(l->root, p, !p->uninterruptible);
	p->age_ns = vs_proc__age(l->root, &stat);
	return nr > 0 || p->cmdline[0];
}

static int keep_openers(struct vs_evidence *e, const struct seen *s)
{
	for (int i = 0; i < s->nr_openers && i < OPENERS; i++) {
		struct vs_ev_opener *o = vs_rows__add(&e->openers, &e->nr_openers, sizeof(*o));

		if (!o)
			return -ENOMEM;
		*o = s->openers[i];
	}
	return 0;
}

static int keep(struct vs_evidence *e, const struct seen *s)
{
	struct vs_ev_process *p;

	if (!s->nr_openers && !s->process.vfio_args[0])
		return 0;
	p = vs_rows__add(&e->processes, &e->nr_processes, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = s->process;
	return keep_openers(e, s);
}

static int keep_all(struct vs_evidence *e, const struct seen *rows, const signed char *answered, size_t nr)
{
	size_t denied = 0, many = 0;
	int err = 0;

	for (size_t i = 0; !err && i < nr; i++) {
		if (answered[i] != 1)
			continue;
		denied += rows[i].denied;
		many += rows[i].nr_openers > OPENERS;
		err = keep(e, &rows[i]);
	}
	if (denied)
		say(e, "the open files of %zu process%s are not for this user to see: run it as root", denied,
			    denied == 1 ? "" : "es");
	if (many)
		say(e, "%zu process%s more than %d files of VFIO open: the first of them count", many,
			    many == 1 ? " has" : "es have", OPENERS);
	return err;
}

static int look_at_processes(const char *root, struct vs_evidence *e)
{
	uint32_t *tgids = NULL;
	struct seen *rows = NULL;
	signed char *answered = NULL;
	char path[PATH_MAX];
	size_t nr = 0;
	int err;

	snprintf(path, sizeof(path), "%s/proc", root);
	err = vs_proc__add_numbers(path, &tgids, &nr);
	rows = calloc(nr + 1, sizeof(*rows));
	answered = calloc(nr + 1, 1);
	if (!rows || !answered)
		err = -ENOMEM;
	err = err ?: vs_proc__guarded(look_at, &(struct look){ root, tgids }, nr, rows, sizeof(*rows), answered);
	if (!err) {
		e->nr_seen = (uint32_t)nr;
		vs_proc__say_unread(e, answered, nr, "processes");
		err = keep_all(e, rows, answered, nr);
	}
	free(tgids);
	free(rows);
	free(answered);
	return err;
}

static bool is_there(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return !access(full, F_OK);
}

static int collect_openly(const char *root, struct vs_evidence *e, char *error, size_t size)
{
	const struct vs_snapshot_opts sysfs = { .root = root, .no_memory = true };
	struct utsname name;
	int err;

	memset(e, 0, sizeof(*e));
	e->weaker = true;
	e->has_vfio = is_there(root, "/sys/module/vfio") || is_there(root, "/sys/class/vfio");
	if (!*root && !uname(&name))
		snprintf(e->release, sizeof(e->release), "%.79s", name.release);
	say(e, "descriptors by the names of files: mappings, sockets, stuck tasks and counters are not known");
	err = vs_snapshot__take(&sysfs, &e->snapshot, error, size);
	e->snapshot.words[0] = '\0';
	err = err ?: look_at_processes(root, e);
	if (err) {
		vs_evidence__free(e);
		snprintf(error, size, "%s", strerror(-err));
	}
	return err;
}

/* -- all of it -- */

/* Root may do without BPF: then `why` falls back by itself. */
static bool may_see_all(void)
{
	uint64_t needed = vs_caps__needed(VS_WORK_WHY, vs_caps__last(""));

	return !geteuid() || !vs_caps__missing(needed, vs_caps__effective());
}

static int collect_evidence(const struct vs_devices_opts *opts, struct vs_evidence *e, char *error, size_t size)
{
	const struct vs_collect_opts all = { .no_bpf = opts->no_bpf, .no_fix = !opts->want_fix };

	if (!opts->root && may_see_all() && !vs_evidence__collect(&all, e, error, size))
		return 0;
	return collect_openly(opts->root ? opts->root : "", e, error, size);
}

int vs_devices__collect(const struct vs_devices_opts *opts, struct vs_devices_facts *facts, char *error, size_t size)
{
	const struct vs_why_subject all = { .group = -1 };
	uint64_t begun = vs_host__mono_ns();
	int err;

	memset(facts, 0, sizeof(*facts));
	if (opts->root && !is_there(opts->root, "/sys")) {
		snprintf(error, size, "there is no folder sys in it");
		return -ENOENT;
	}
	err = vs_inventory__collect(opts->root ? opts->root : "", &facts->inventory);
	if (err)
		snprintf(error, size, "%s", strerror(-err));
	err = err ?: collect_evidence(opts, &facts->evidence, error, size);
	if (!err && (err = vs_classify(&facts->evidence, &all, &facts->why)))
		snprintf(error, size, "%s", strerror(-err));
	facts->unprivileged = !opts->root && !may_see_all();
	facts->took_ns = vs_host__mono_ns() - begun;
	if (err)
		vs_devices__free(facts);
	return err;
}

void vs_devices__free(struct vs_devices_facts *facts)
{
	vs_why__free(&facts->why);
	vs_evidence__free(&facts->evidence);
	vs_inventory__free(&facts->inventory);
}
