// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "devices/collect.h"
#include "devices/list.h"
#include "devices/print.h"
#include "event/device_name.h"

struct devices_options {
	const char *root, *color;
	bool all, verbose, json, no_bpf;
};

struct devices {
	struct devices_options opts;
	struct vs_list_subject subject;
	char name[VS_DEVICE_LEN];
	struct vs_devices_facts facts;
	struct vs_device_list list;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_devices, status, words, what);
}

/* -- what is asked -- */

static bool take_group(struct devices *d, const char *number)
{
	uint64_t value;

	if (vs_opts__number(number, &value) || value > INT32_MAX)
		return false;
	d->subject.group = (int)value;
	return true;
}

/* "group 17" in quotes is one argument. */
static int take_subject(struct devices *d, int argc, char **argv)
{
	d->subject.group = -1;
	d->subject.all = d->opts.all;
	if (!argc)
		return 0;
	if (argc == 2 && !strcmp(argv[0], "group") && take_group(d, argv[1]))
		return 0;
	if (argc > 1 || !strcmp(argv[0], "group") || !*argv[0])
		return fail(VS_EXIT_USAGE, "ask about a device (0000:65:00.0), a group (group 17) or a VM; see vfioscope "
			    "devices --help", NULL);
	if (!strncmp(argv[0], "group ", 6) && take_group(d, argv[0] + 6))
		return 0;
	if (vs_device_name__parse(argv[0], d->name))
		d->subject.device = d->name;
	else
		d->subject.user = argv[0];
	return 0;
}

/* A device of another bus may have any name. */
static int check_subject(struct devices *d)
{
	const struct vs_inventory *inv = &d->facts.inventory;
	struct vs_list_subject *s = &d->subject;
	char words[32];
	size_t at = 0;

	if (s->user && vs_inventory__device(inv, s->user)) {
		s->device = s->user;
		s->user = NULL;
	}
	if (s->device && !vs_inventory__device(inv, s->device))
		return fail(VS_EXIT_FAILURE, s->device, "there is no such device");
	snprintf(words, sizeof(words), "group %d", s->group);
	if (s->group >= 0 && !vs_inventory__member(inv, s->group, &at))
		return fail(VS_EXIT_FAILURE, words, "there is no such IOMMU group");
	return 0;
}

/* -- the page -- */

static bool is_blind(const struct devices *d)
{
	for (size_t i = 0; i < d->list.nr_rows; i++)
		if (d->list.rows[i].unseen)
			return true;
	return false;
}

static int print(const struct devices *d)
{
	const struct devices_options *o = &d->opts;
	struct vs_pci_ids *ids = vs_pci_ids__read(o->root ? o->root : "");
	struct vs_devices_report r = {
		.facts = &d->facts,
		.list = &d->list,
		.ids = ids,
		.exit_status = is_blind(d) ? VS_EXIT_INCONCLUSIVE : VS_EXIT_OK,
		.width = vs_host__columns(STDOUT_FILENO),
		.color = vs_display__wants_color(o->color, STDOUT_FILENO),
		.details = o->verbose || d->subject.device || d->subject.group >= 0 || d->subject.user,
	};
	int err = o->json ? vs_devices__print_json(STDOUT_FILENO, &r) : vs_devices__print_text(STDOUT_FILENO, &r);

	vs_pci_ids__free(ids);
	return vs_command__written(&vs_cmd_devices, r.exit_status, err);
}

static int show(struct devices *d)
{
	const struct vs_devices_opts opts = { .root = d->opts.root, .no_bpf = d->opts.no_bpf };
	char error[200] = "";
	int status;

	if (vs_devices__collect(&opts, &d->facts, error, sizeof(error)))
		return fail(VS_EXIT_FAILURE, opts.root ? opts.root : "cannot look at the host", error);
	status = check_subject(d);
	if (!status && vs_device_list__make(&d->facts, &d->subject, &d->list))
		status = fail(VS_EXIT_FAILURE, "cannot look at the host", strerror(ENOMEM));
	if (!status && d->subject.user && !d->list.nr_rows)
		status = fail(VS_EXIT_FAILURE, d->subject.user, d->facts.evidence.weaker ?
			      "nobody of this name has a device, as far as can be seen without root" :
			      "nobody of this name has a device: a VM, a pod, a container or a unit");
	if (!status)
		status = print(d);
	vs_device_list__free(&d->list);
	vs_devices__free(&d->facts);
	return status;
}

#define OPTION(n, l, k, m, h, f) \
	{ .name = n, .letter = l, .kind = k, .metavar = m, .help = h, \
	  .offset = offsetof(struct devices_options, f) }

static const struct vs_opt devices_opts[] = {
	OPTION("all", 'a', VS_OPT_FLAG, NULL, "devices that have nothing to do with VFIO, too", all),
	OPTION("verbose", 'v', VS_OPT_FLAG, NULL, "all that is known of each", verbose),
	OPTION("json", 'j', VS_OPT_FLAG, NULL, "one JSON object (docs/devices.md)", json),
	OPTION("no-bpf", 0, VS_OPT_FLAG, NULL, "look at /proc and sysfs only, which shows less", no_bpf),
	OPTION("root", 0, VS_OPT_TEXT, "DIR", "look at the /sys and /proc below it", root),
	OPTION("color", 0, VS_OPT_TEXT, "WHEN", "auto, always, never (NO_COLOR is respected)", color),
	{ .name = NULL },
};

static int cmd_devices(int argc, char **argv)
{
	struct devices d = {};
	int first = vs_opts__parse(&vs_cmd_devices, argc, argv, &d.opts), status;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (vs_display__check_color(d.opts.color, &vs_cmd_devices))
		return VS_EXIT_USAGE;
	status = take_subject(&d, argc - first, argv + first);
	return status ? status : show(&d);
}

const struct vs_command vs_cmd_devices = {
	.name = "devices",
	.summary = "who has which device, and what else is in its group",
	.operands = "[BDF | group N | VM]",
	.opts = devices_opts,
	.epilogue =
		"Hooks nothing, opens nothing of VFIO, and does not hang with what hangs. Without\n"
		"root it shows what everybody may see, and says what that is not.\n\n"
		"examples\n"
		"  vfioscope devices                      all that VFIO has, trouble on top\n"
		"  vfioscope devices 0000:65:00.0         all about this one\n"
		"  vfioscope devices group 17             and all of its group\n"
		"  vfioscope devices web1                 what has this VM, pod or container?\n",
	.statuses =
		"exit status\n"
		"  0  it is listed\n"
		"  1  it failed, or there is no such device: the message says why\n"
		"  2  wrong usage\n"
		"  5  it is listed, but not all that may use it could be seen\n",
	.run = cmd_devices,
};
