// SPDX-License-Identifier: GPL-2.0
#include "record/when.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/opts.h"

#define SECOND 1000000000ull
#define DAY (86400 * SECOND)

/* ".25" is a part of a second. */
static int parse_rest(const char *rest, uint64_t *ns)
{
	uint64_t unit = SECOND / 10;

	*ns = 0;
	if (!*rest)
		return 0;
	if (*rest++ != '.' || !*rest)
		return -EINVAL;
	for (; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
		*ns += (uint64_t)(*rest - '0') * unit;
	return *rest ? -EINVAL : 0;
}

/* Wall-clock time as the run's other clock; what was before the start of the host is its start. */
static uint64_t to_mono(const struct vs_record_clock *clock, uint64_t wall_ns)
{
	uint64_t back = clock->wall_ns - wall_ns;

	if (wall_ns >= clock->wall_ns)
		return clock->mono_ns + (wall_ns - clock->wall_ns);
	return back < clock->mono_ns ? clock->mono_ns - back : 1;
}

static int parse_date(const char *words, const struct vs_record_clock *clock, uint64_t *mono_ns)
{
	struct tm tm = { 0 };
	const char *rest = strptime(words, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t part;
	time_t at;

	if (!rest || parse_rest(rest, &part))
		return -EINVAL;
	at = timegm(&tm);
	if (at < 0)
		return -EINVAL;
	*mono_ns = to_mono(clock, (uint64_t)at * SECOND + part);
	return 0;
}

static int parse_clock(const char *words, const struct vs_record_clock *clock, uint64_t *mono_ns)
{
	struct tm tm = { 0 };
	const char *rest = strptime(words, "%H:%M:%S", &tm);
	uint64_t part, at;

	if (!rest || parse_rest(rest, &part))
		return -EINVAL;
	at = clock->wall_ns / DAY * DAY + (uint64_t)(tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) * SECOND +
	     part;
	if (at < clock->wall_ns / SECOND * SECOND)
		at += DAY;
	*mono_ns = to_mono(clock, at);
	return 0;
}

int vs_when__parse(const char *words, const struct vs_record_clock *clock, uint64_t *mono_ns)
{
	uint64_t after;

	if (strchr(words, 'T'))
		return parse_date(words, clock, mono_ns);
	if (strchr(words, ':'))
		return parse_clock(words, clock, mono_ns);
	if (vs_opts__duration(words[0] == '+' ? words + 1 : words, &after))
		return -EINVAL;
	*mono_ns = clock->mono_ns + after;
	return 0;
}
