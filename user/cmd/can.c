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
#include "devices/can.h"
#include "devices/print.h"
#include "event/device_name.h"

struct can_options {
	const char *root, *color;
	bool json, quiet, no_bpf;
};

struct asking {
	struct can_options opts;
	const char *root;
	enum vs_can_way way;
	const char *subject;
	struct vs_devices_facts facts;
	struct vs_module module;
	struct vs_host_use host;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_can, status, words, what);
}

/* -- what is asked -- */

static int take_operands(struct asking *a, int argc, char **argv)
{
	for (int way = 0; argc == 2 && way < VS_CAN_WAYS; way++)
		if (!strcmp(argv[0], vs_can__way_name(way))) {
			a->way = way;
			a->subject = argv[1];
			return 0;
		}
	return fail(VS_EXIT_USAGE, "ask for unbind, detach or rmmod, and a device (0000:65:00.0) or, of rmmod, a module; see "
		    "vfioscope can --help", NULL);
}

static const struct vs_device *find_device(const struct asking *a)
{
	char name[VS_DEVICE_LEN];

	return vs_inventory__device(&a->facts.inventory, vs_device_name__parse(a->subject, name) ? name : a->subject);
}

/* rmmod takes a module, or a device and means the module of its driver. */
static int find_module(struct asking *a, const struct vs_device *d)
{
	char name[VS_MODULE_LEN];
	int err;

	if (d && !d->driver[0])
		return fail(VS_EXIT_FAILURE, d->name, "no driver has it, so there is no module to remove");
	if (d && !vs_module__of_device(a->root, d, name)) {
		snprintf(a->module.name, sizeof(a->module.name), "driver %s", d->driver);
		a->module.built_in = true;
		return 0;
	}
	err = vs_module__collect(a->root, d ? name : a->subject, &a->module);
	return err ? fail(VS_EXIT_FAILURE, d ? name : a->subject, err == -ENOENT ?
			  "no module of this name is loaded, and there is no such device" : strerror(-err)) : 0;
}

/* -- the answer -- */

static int print(const struct asking *a, const struct vs_can *can)
{
	const struct can_options *o = &a->opts;
	struct vs_can_report r = {
		.facts = &a->facts,
		.can = can,
		.width = vs_host__columns(STDOUT_FILENO),
		.color = vs_display__wants_color(o->color, STDOUT_FILENO),
		.quiet = o->quiet,
	};
	int err = o->json ? vs_can__print_json(STDOUT_FILENO, &r) : vs_can__print_text(STDOUT_FILENO, &r);

	return vs_command__written(&vs_cmd_can, vs_can__status(can), err);
}

static int decide(struct asking *a)
{
	struct vs_can_question q = { .way = a->way, .device = find_device(a), .module = &a->module, .host = &a->host };
	struct vs_can can;
	int status = 0;

	if (a->way == VS_CAN_RMMOD)
		status = find_module(a, q.device);
	else if (!q.device)
		status = fail(VS_EXIT_FAILURE, a->subject, "there is no such device");
	if (status)
		return status;
	if (vs_host_use__collect(a->root, &a->host) || vs_can__decide(&a->facts, &q, &can))
		return fail(VS_EXIT_FAILURE, "cannot look at the host", strerror(ENOMEM));
	status = print(a, &can);
	vs_can__free(&can);
	return status;
}

static int answer(struct asking *a)
{
	const struct vs_devices_opts opts = { .root = a->opts.root, .no_bpf = a->opts.no_bpf, .want_fix = true };
	char error[200] = "";
	int status;

	a->root = a->opts.root ? a->opts.root : "";
	if (vs_devices__collect(&opts, &a->facts, error, sizeof(error)))
		return fail(VS_EXIT_FAILURE, opts.root ? opts.root : "cannot look at the host", error);
	status = decide(a);
	vs_host_use__free(&a->host);
	vs_module__free(&a->module);
	vs_devices__free(&a->facts);
	return status;
}

#define OPTION(n, l, k, m, h, f) \
	{ .name = n, .letter = l, .kind = k, .metavar = m, .help = h, \
	  .offset = offsetof(struct can_options, f) }

static const struct vs_opt can_opts[] = {
	OPTION("quiet", 'q', VS_OPT_FLAG, NULL, "the first line only, which has the answer", quiet),
	OPTION("json", 'j', VS_OPT_FLAG, NULL, "one JSON object (docs/devices.md)", json),
	OPTION("no-bpf", 0, VS_OPT_FLAG, NULL, "look at /proc and sysfs only, which shows less", no_bpf),
	OPTION("root", 0, VS_OPT_TEXT, "DIR", "look at the /sys and /proc below it", root),
	OPTION("color", 0, VS_OPT_TEXT, "WHEN", "auto, always, never (NO_COLOR is respected)", color),
	{ .name = NULL },
};

static int cmd_can(int argc, char **argv)
{
	struct asking a = {};
	int first = vs_opts__parse(&vs_cmd_can, argc, argv, &a.opts), status;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (vs_display__check_color(a.opts.color, &vs_cmd_can))
		return VS_EXIT_USAGE;
	status = take_operands(&a, argc - first, argv + first);
	return status ? status : answer(&a);
}

const struct vs_command vs_cmd_can = {
	.name = "can",
	.summary = "may I unbind or detach this device, remove this module?",
	.operands = "unbind BDF | detach BDF | rmmod MODULE|BDF",
	.opts = can_opts,
	.epilogue =
		"Answers yes, no or cannot be told, in the first line; then who would be hurt,\n"
		"and what has to stop first. It changes nothing. detach means what virsh\n"
		"nodedev-detach does: take the device from the host's driver for vfio-pci.\n\n"
		"examples\n"
		"  vfioscope can unbind 0000:65:00.0\n"
		"  vfioscope can -q detach 65:00.0 && virsh nodedev-detach pci_0000_65_00_0\n"
		"  vfioscope can rmmod vfio_pci\n",
	.statuses =
		"exit status\n"
		"  0  yes\n"
		"  1  it failed, or there is no such device: the message says why\n"
		"  2  wrong usage\n"
		"  5  cannot be told: something was not to be seen, and the first line says what\n"
		"  7  no: somebody uses it, or waits for it\n",
	.run = cmd_can,
};
