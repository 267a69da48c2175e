// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/stop.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "latency/options.h"
#include "latency/session.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define DEFAULT_LOST_NS (10 * SECOND)
#define DEFAULT_TOP 10

/* The kernel has no longer ones: KSYM_NAME_LEN, 512 since v6.1 (b8a94bfb3395). */
static bool is_symbol(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$");

	return len && len < 512 && !name[len];
}

static int add_work(void *options, int arg, const char *value, char *error, size_t size)
{
	struct vs_latency_options *opts = options;

	(void)arg;
	if (!is_symbol(value))
		snprintf(error, size, "'%.40s' is no name of a function", value);
	else if (vs_targets__add(&opts->targets, value))
		snprintf(error, size, "not more than %d functions", VS_LAT_TARGETS);
	else
		return 0;
	return -EINVAL;
}

static int set_blame(void *options, int arg, const char *value, char *error, size_t size)
{
	struct vs_latency_options *opts = options;

	(void)arg;
	if (opts->blame_chosen) {
		snprintf(error, size, "given twice");
		return -EINVAL;
	}
	opts->blame_chosen = true;
	for (opts->blame = VS_LAT_BLAME_OFF; opts->blame <= VS_LAT_BLAME_FULL; opts->blame++)
		if (!strcmp(value, vs_lat_blame__name(opts->blame)))
			return 0;
	snprintf(error, size, "\"%.20s\" is none of full, late, off", value);
	return -EINVAL;
}

static enum vs_lat_blame default_blame(const struct vs_latency_options *opts)
{
	if (opts->all)
		return VS_LAT_BLAME_OFF;
	return opts->targets.nr_names ? VS_LAT_BLAME_FULL : VS_LAT_BLAME_LATE;
}

#define TIME(n, l, m, h, min_ns) \
	{ #n, l, VS_OPT_DURATION, m, h, offsetof(struct vs_latency_options, n), min_ns, \
	  1000 * 3600 * SECOND, NULL, 0 }
#define FLAG(n, l, member, h) \
	{ n, l, VS_OPT_FLAG, NULL, h, offsetof(struct vs_latency_options, member), 0, 0, NULL, 0 }

static const struct vs_opt latency_opts[] = {
	{ .name = "work", .letter = 'w', .kind = VS_OPT_LIST, .metavar = "SYMBOL", .add = add_work,
	  .help = "follow this work function instead; repeatable" },
	FLAG("all", 'a', all, "follow every work of the host, by function"),
	{ "top", 't', VS_OPT_NUMBER, "N", "functions and slowest works to show (10)",
	  offsetof(struct vs_latency_options, top), 1, VS_LAT_WORST, NULL, 0 },
	TIME(duration, 'd', "TIME", "stop after this time: 10s, 5m", MS),
	TIME(interval, 'i', "TIME", "a line for each such time: 1s", 10 * MS),
	TIME(overdue, 0, "TIME", "a finding when a work takes longer: 100ms", MS),
	TIME(lost, 0, "TIME", "... when it is not even started (10s)", MS),
	FLAG("events", 'e', events, "a line for each work as well"),
	{ .name = "blame", .letter = 'b', .kind = VS_OPT_LIST, .metavar = "WHEN", .add = set_blame,
	  .help = "what delayed the slowest: full, late (>2ms), off" },
	FLAG("json", 'j', json, "NDJSON, one object a line (docs/latency.md)"),
	FLAG("cost", 0, cost, "measure what this costs, and say it at the end"),
	{ "functions", 0, VS_OPT_NUMBER, "N", "rows of histograms, x pools without --all (256)",
	  offsetof(struct vs_latency_options, functions), 1, 4096, NULL, 0 },
	{ "sample", 0, VS_OPT_NUMBER, "N", "with --all: attached for 1 of N quarter seconds",
	  offsetof(struct vs_latency_options, sample), 2, 1000, NULL, 0 },
	{ "ring-size", 0, VS_OPT_SIZE, "SIZE", "buffers for records, together (1M)",
	  offsetof(struct vs_latency_options, ring_size), 4096, 256 << 20, NULL, 0 },
	VS_DISPLAY_COLOR(struct vs_latency_options, color_word),
	FLAG("debug", 0, debug, "let libbpf and the verifier speak on stderr"),
	{ .name = NULL },
};

static int refuse(const char *words)
{
	return vs_command__fail(&vs_cmd_latency, VS_EXIT_USAGE, words, NULL);
}

static bool sample_fits(const struct vs_latency_options *opts)
{
	return opts->all && !opts->blame && !opts->events && !opts->overdue && !opts->interval;
}

static int check_options(const struct vs_latency_options *opts)
{
	if (opts->all && opts->targets.nr_names)
		return refuse("--all and --work exclude each other");
	if (opts->sample && !sample_fits(opts))
		return refuse("--sample goes with --all, and without --blame, --events, --overdue "
			      "and --interval");
	if (opts->ring_size & (opts->ring_size - 1))
		return refuse("--ring-size must be a power of two, such as 512K, 4M");
	return vs_display__check_color(opts->color_word, &vs_cmd_latency);
}

/* Fills `opts`, which is zero. 0; -1 after help was printed; an exit status after one line. */
static int parse(struct vs_latency_options *opts, int argc, char **argv)
{
	int first;

	opts->command = &vs_cmd_latency;
	opts->top = DEFAULT_TOP;
	opts->lost = DEFAULT_LOST_NS;
	first = vs_opts__parse(&vs_cmd_latency, argc, argv, opts);
	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return refuse("takes no operands; see vfioscope latency --help");
	if (!opts->blame_chosen)
		opts->blame = default_blame(opts);
	opts->color = vs_display__wants_color(opts->color_word, STDOUT_FILENO);
	return check_options(opts);
}

static int cmd_latency(int argc, char **argv)
{
	struct vs_latency_options *opts = calloc(1, sizeof(*opts));
	int status;

	if (!opts)
		return vs_command__fail(&vs_cmd_latency, VS_EXIT_FAILURE, "cannot start",
					strerror(ENOMEM));
	status = parse(opts, argc, argv);
	if (!status) {
		vs_stop__catch();
		status = vs_lat_session__run(opts);
	}
	free(opts);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_latency = {
	.name = "latency",
	.summary = "how late deferred puts and other works are, and who delayed them",
	.operands = "",
	.opts = latency_opts,
	.epilogue =
		"examples\n"
		"  vfioscope latency                         deferred puts, until Ctrl-C\n"
		"  vfioscope latency --overdue 100ms -i 1s   with alarm, a line each second\n"
		"  vfioscope latency -w drm_fb_helper_damage_work -d 60s\n"
		"  vfioscope latency --all --top 20 -d 60s   every work function of the host\n\n"
		"Deferred puts are followed by kprobes in vfio.ko where they can be: then other\n"
		"works cost nothing. --work and --all take tracepoints that every work of the\n"
		"host goes through, --blame full every switch of tasks, too. --blame is late for\n"
		"deferred puts, full with --work, off with --all.\n"
		"The clock starts when a work is queued, not when it is activated: waiting for\n"
		"max_active counts. Percentiles are the upper ends of buckets a quarter wide.\n",
	.statuses =
		VS_EXIT_OF_RUN,
	.run = cmd_latency,
};
