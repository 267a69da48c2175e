// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"
#include "latency/options.h"
#include "latency/session.h"
#include "stop.h"

static int cmd_latency(int argc, char **argv)
{
	struct vs_latency_options *opts = calloc(1, sizeof(*opts));
	int status;

	if (!opts)
		return vs_command__fail(&vs_cmd_latency, VS_EXIT_FAILURE, "cannot start",
					strerror(ENOMEM));
	status = vs_latency_options__parse(opts, argc, argv);
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
	.opts = vs_latency_opts,
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
	.run = cmd_latency,
};
