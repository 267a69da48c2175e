// SPDX-License-Identifier: GPL-2.0
#include "record/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/version.h"
#include "record/disk.h"
#include "record/tape.h"

struct vs_recorder {
	const struct vs_command *command;
	const char *path;
	struct vs_disk *disk;
	struct vs_tape *tape;
	struct vs_live_hooks hooks;
};

static void read_clocks(struct vs_record_clock *clock)
{
	struct timespec boot = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock->mono_ns = vs_host__mono_ns();
	clock->wall_ns = vs_host__wall_ns();
	clock->boot_ns = (uint64_t)boot.tv_sec * 1000000000ull + (uint64_t)boot.tv_nsec;
}

static void begins(void *ctx, struct vs_session_opts *opts)
{
	vs_tape__listen(((struct vs_recorder *)ctx)->tape, opts);
}

/* Until there is a thread, what is recorded waits in memory. */
static int runs(void *ctx)
{
	return vs_disk__run(((struct vs_recorder *)ctx)->disk);
}

static void polled(void *ctx, uint64_t now_ns)
{
	vs_tape__poll(((struct vs_recorder *)ctx)->tape, now_ns);
}

static struct vs_tape *new_tape(const struct vs_recorder *r, const struct vs_recorder_opts *opts,
				const struct vs_live *live, const struct vs_vfr_super *super,
				const struct vs_read_end *end)
{
	const struct vs_session_opts *session = &live->session_opts;
	uint64_t after = end->seq ? end->slot + 1 : 0;
	struct vs_tape_opts o = {
		.out = { vs_disk__write, vs_disk__sync, vs_disk__lost, vs_disk__super, r->disk },
		.run = {
			.version = VS_VERSION,
			.keep_refs = session->keep_refs,
			.older_ns = session->refs.older_ns,
			.max_refs = session->refs.max_refs,
		},
		.super = *super,
		.first_slot = super->slots ? after % super->slots : after,
		.first_seq = end->seq + 1,
		.session = (uint16_t)(end->session + 1),
		.sync_ns = opts->sync_ns,
		.before_ns = opts->before_ns,
		.after_ns = opts->after_ns,
		.of = &live->session,
		.clock = read_clocks,
	};

	snprintf(o.run.verb, sizeof(o.run.verb), "%s", opts->command->name);
	return vs_tape__new(&o);
}

int vs_recorder__open(struct vs_recorder **recorder, const struct vs_recorder_opts *opts,
		      struct vs_live *live)
{
	struct vs_recorder *r = calloc(1, sizeof(*r));
	struct vs_vfr_super super;
	struct vs_read_end end;
	char error[200] = "no memory";

	*recorder = r;
	if (!r)
		return vs_command__fail(opts->command, VS_EXIT_FAILURE, opts->path, error);
	r->command = opts->command;
	r->path = opts->path;
	r->disk = vs_disk__open(opts->path, (uint32_t)(opts->ring / VS_VFR_SLOT), &super, &end, error,
				sizeof(error));
	if (!r->disk)
		return vs_command__fail(opts->command, VS_EXIT_FAILURE, opts->path, error);
	if (opts->forget) {
		memset(super.pinned, 0, sizeof(super.pinned));
		super.generation++;
		vs_disk__super(r->disk, &super);
	}
	r->tape = new_tape(r, opts, live, &super, &end);
	if (!r->tape)
		return vs_command__fail(opts->command, VS_EXIT_FAILURE, "cannot start", strerror(errno));
	r->hooks = (struct vs_live_hooks){ begins, runs, polled, r };
	live->hooks = &r->hooks;
	return VS_EXIT_OK;
}

static int tell_missing(const struct vs_recorder *r, uint64_t missing, int err, int status)
{
	char words[120];

	if (!missing && !err)
		return status;
	snprintf(words, sizeof(words), "%" PRIu64 " inputs are not in the recording: %s", missing,
		 err ? strerror(-err) : "the disk was too slow");
	vs_command__fail(r->command, status, r->path, words);
	return status == VS_EXIT_OK || status == VS_EXIT_UNAVAILABLE ? VS_EXIT_INCONCLUSIVE : status;
}

int vs_recorder__close(struct vs_recorder *r, int status)
{
	uint64_t lost;
	int err;

	if (!r)
		return status;
	if (r->tape && r->disk)
		vs_tape__end(r->tape, status, vs_host__mono_ns());
	err = vs_disk__close(r->disk, &lost);
	if (r->tape)
		status = tell_missing(r, vs_tape__missing(r->tape) + lost, err, status);
	vs_tape__free(r->tape);
	free(r);
	return status;
}
