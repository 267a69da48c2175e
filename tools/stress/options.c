// SPDX-License-Identifier: GPL-2.0
#include "one_line.h"
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define END(status) ((status) + 1)

static const char help[] =
	"usage: vfio-stress --devices BDF,... --i-know-this-can-hang-the-host [options]\n"
	"       vfio-stress --restore\n\n"
	"Races unbind of VFIO devices against what else changes their groups. On a kernel\n"
	"with the notifier deadlock this hangs tasks for ever, and maybe the host.\n\n"
	"options\n"
	"  -d, --devices BDF,...      spare devices, at most 16; the first of a group is\n"
	"                             for vfio-pci, the second its mate, for pci-stub\n"
	"      --i-know-this-can-hang-the-host\n"
	"                             you do\n"
	"  -n, --cycles N             end after so many cycles (3000)\n"
	"  -t, --duration SECONDS     end after this time (no limit)\n"
	"  -s, --seed N               the same choices again (from the clock)\n"
	"  -S, --strategy NAME,...    bind, close, open, remove (what is possible)\n"
	"  -b, --burst N              cycles of a step (50)\n"
	"      --allow-remove         hot-remove mates, too, and rescan the PCI bus\n"
	"      --unbind-drivers       devices may have drivers that are no stubs\n"
	"      --stuck-after SECONDS  no progress for so long, and it is given up (10)\n"
	"      --kmsg                 say each step in the kernel's log, too\n"
	"      --restore              only put back what a killed run has left\n"
	"      --state FILE           where that is kept (/run/vfio-stress.state)\n"
	"      --root DIR             /sys, /proc, /dev and /run below DIR (for tests)\n"
	"  -h, --help                 this text\n\n"
	"exit status\n"
	"  0    done, drivers and driver_override are as before\n"
	"  1    it failed: the message says why\n"
	"  2    wrong usage\n"
	"  3    stuck: a task hangs in the kernel and cannot be killed\n"
	"  4    refused: a device is in use, or would take something along\n"
	"  128+N  ended by signal N, drivers and driver_override are as before\n";

static int usage(const char *words, const char *what)
{
	st_say_line(words, what);
	return END(ST_EXIT_USAGE);
}

static int number(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char words[120], *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (!errno && *text >= '0' && *text <= '9' && !*end && *value >= min && *value <= max)
		return 0;
	snprintf(words, sizeof(words), "--%s is a number of %llu to %llu, not", name,
		 (unsigned long long)min, (unsigned long long)max);
	return usage(words, text);
}

static int seconds(const char *name, const char *text, uint64_t *ns)
{
	int end = number(name, text, 1, 1000000, ns);

	*ns *= 1000000000;
	return end;
}

static int add_device(struct st_options *o, const char *text)
{
	char *bdf = o->bdfs[o->nr];

	if (o->nr == ST_DEVICES)
		return usage("at most 16 devices", NULL);
	if (st_bdf(bdf, text))
		return usage("no PCI address, such as 0000:00:05.0", text);
	for (size_t i = 0; i < o->nr; i++)
		if (!strcmp(o->bdfs[i], bdf))
			return usage("named twice", bdf);
	o->nr++;
	return 0;
}

static int add_devices(struct st_options *o, char *list)
{
	char *one;
	int end = 0;

	while (!end && (one = strsep(&list, ",")))
		end = add_device(o, one);
	return end;
}

static int add_strategies(struct st_options *o, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const struct st_strategy *s = st_strategy__find(list, len);

		if (!s || o->nr_strategies == ST_STRATEGIES)
			return usage("--strategy is a list of bind, close, open, remove; not",
				     list);
		o->strategies[o->nr_strategies++] = s;
		list += len + !!list[len];
	}
	return o->nr_strategies ? 0 : usage("--strategy is empty", NULL);
}

enum { OPT_CONFIRM = 256, OPT_REMOVE, OPT_DRIVERS, OPT_STUCK, OPT_KMSG, OPT_RESTORE, OPT_STATE,
       OPT_ROOT };

static const struct option longs[] = {
	{ "devices", required_argument, NULL, 'd' },
	{ "i-know-this-can-hang-the-host", no_argument, NULL, OPT_CONFIRM },
	{ "cycles", required_argument, NULL, 'n' },
	{ "duration", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "strategy", required_argument, NULL, 'S' },
	{ "burst", required_argument, NULL, 'b' },
	{ "allow-remove", no_argument, NULL, OPT_REMOVE },
	{ "unbind-drivers", no_argument, NULL, OPT_DRIVERS },
	{ "stuck-after", required_argument, NULL, OPT_STUCK },
	{ "kmsg", no_argument, NULL, OPT_KMSG },
	{ "restore", no_argument, NULL, OPT_RESTORE },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int set_flag(struct st_options *o, int code)
{
	o->confirmed |= code == OPT_CONFIRM;
	o->allow_remove |= code == OPT_REMOVE;
	o->any_driver |= code == OPT_DRIVERS;
	o->kmsg |= code == OPT_KMSG;
	o->restore |= code == OPT_RESTORE;
	return 0;
}

static int set_option(struct st_options *o, int code, char *value)
{
	switch (code) {
	case 'd':
		return add_devices(o, value);
	case 'n':
		return number("cycles", value, 1, UINT64_MAX, &o->cycles);
	case 't':
		return seconds("duration", value, &o->duration_ns);
	case 's':
		return number("seed", value, 0, UINT64_MAX, &o->seed);
	case 'S':
		return add_strategies(o, value);
	case 'b':
		return number("burst", value, 1, 100000, &o->burst);
	case OPT_STUCK:
		return seconds("stuck-after", value, &o->stuck_ns);
	case OPT_STATE:
		o->state = value;
		return 0;
	case OPT_ROOT:
		o->root = value;
		return 0;
	default:
		return set_flag(o, code);
	}
}

static int check(const struct st_options *o)
{
	if (o->restore)
		return o->nr ? usage("--restore knows the devices from its file", NULL) : 0;
	if (!o->nr)
		return usage("name spare devices: --devices BDF,BDF; see --help", NULL);
	if (!o->confirmed)
		return usage("this can hang the host: say --i-know-this-can-hang-the-host", NULL);
	for (size_t i = 0; i < o->nr_strategies; i++)
		if (o->strategies[i]->removes && !o->allow_remove)
			return usage("strategy remove needs --allow-remove", NULL);
	return 0;
}

static void set_defaults(struct st_options *o)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*o = (struct st_options){
		.burst = 50,
		.stuck_ns = 10000000000,
		.seed = (uint64_t)now.tv_nsec % 1000000,
		.root = "",
	};
}

/* In the middle of "-Kz", getopt's index is not yet behind that word. */
static int wrong_option(int code, char **argv)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < OPT_CONFIRM && strncmp(argv[optind - 1], "--", 2);

	return usage(code == ':' ? "needs a value" : optopt >= OPT_CONFIRM ? "takes no value" :
		     "no such option (see --help)", is_letter ? letter : argv[optind - 1]);
}

int st_options__parse(struct st_options *o, int argc, char **argv)
{
	int code, end;

	set_defaults(o);
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":d:n:t:s:S:b:h", longs, NULL)) != -1) {
		if (code == 'h') {
			fputs(help, stdout);
			return END(ST_EXIT_OK);
		}
		if (code == '?' || code == ':')
			return wrong_option(code, argv);
		if (optarg && !*optarg)
			return usage("an option needs a value, not", "\"\"");
		end = set_option(o, code, optarg);
		if (end)
			return end;
	}
	if (optind < argc)
		return usage("no operands", argv[optind]);
	if (!o->cycles && !o->duration_ns)
		o->cycles = 3000;
	return check(o);
}
