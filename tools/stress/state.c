// SPDX-License-Identifier: GPL-2.0
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

#define MAGIC "vfio-stress-state 1"

/* Field 22 of /proc/PID/stat; the name before it may hold anything. 0: no such process. */
static unsigned long long start_time(pid_t pid)
{
	unsigned long long ticks = 0;
	char stat[512];
	const char *rest;

	if (st_read(stat, sizeof(stat), "", "/proc/%d/stat", pid))
		return 0;
	rest = strrchr(stat, ')');
	if (!rest || sscanf(rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			    " %*s %*s %*s %*s %*s %llu", &ticks) != 1)
		return 0;
	return ticks;
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static int print(FILE *f, const struct st_state *s)
{
	fprintf(f, MAGIC "\nowner %d %llu\n", s->pid, s->started);
	for (size_t i = 0; i < s->nr; i++)
		fprintf(f, "device %s group %d driver %s override %s\n", s->devices[i].bdf,
			s->devices[i].group, or_dash(s->devices[i].driver),
			or_dash(s->devices[i].override));
	fprintf(f, "end\n");
	return fflush(f) || fsync(fileno(f)) ? -errno : 0;
}

int st_state__save(const char *path, struct st_state *s)
{
	char part[ST_PATH + 8];
	FILE *f;
	int err;

	s->pid = getpid();
	s->started = start_time(s->pid);
	snprintf(part, sizeof(part), "%s.%d", path, s->pid);
	f = fopen(part, "we");
	if (!f)
		return -errno;
	err = print(f, s);
	fclose(f);
	/* link() fails when there is one, and shows the file only when it is whole. */
	if (!err && link(part, path))
		err = -errno;
	unlink(part);
	return err;
}

static void undash(char *text)
{
	if (!strcmp(text, "-"))
		text[0] = '\0';
}

/* One line. 1: the last one. */
static int parse_line(const char *line, struct st_state *s)
{
	struct st_device *d = &s->devices[s->nr];
	char bdf[ST_BDF];

	if (!strcmp(line, "end\n"))
		return 1;
	if (s->nr == ST_DEVICES)
		return -EINVAL;
	if (sscanf(line, "device %15s group %d driver %63s override %63s", bdf, &d->group,
		   d->driver, d->override) != 4 || st_bdf(d->bdf, bdf) || strchr(d->driver, '/'))
		return -EINVAL;
	undash(d->driver);
	undash(d->override);
	s->nr++;
	return 0;
}

static int parse(FILE *f, struct st_state *s)
{
	char line[256];
	int end = 0;

	if (!fgets(line, sizeof(line), f) || strcmp(line, MAGIC "\n") ||
	    !fgets(line, sizeof(line), f) ||
	    sscanf(line, "owner %d %llu", &s->pid, &s->started) != 2)
		return -EINVAL;
	while (!end && fgets(line, sizeof(line), f))
		end = parse_line(line, s);
	return end == 1 ? 0 : -EINVAL;
}

int st_state__load(const char *path, struct st_state *s)
{
	FILE *f = fopen(path, "re");
	int err;

	*s = (struct st_state){};
	if (!f)
		return -errno;
	err = parse(f, s);
	fclose(f);
	return err;
}

bool st_state__is_owned(const struct st_state *s)
{
	return s->started && start_time(s->pid) == s->started;
}
