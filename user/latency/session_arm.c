// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/words.h"
#include "doctor/blocker.h"
#include "latency/session_priv.h"

static void tell_programs(struct vs_lat_session *s)
{
	vs_lat__set_targets(s->lat, s->opts.targets.addrs,
			    s->chain ? vs_chain__deferred_func(s->chain) : 0,
			    s->chain ? vs_chain__group_iommu_group(s->chain) : VS_NO_OFFSET);
	s->watch.deferred_func = s->chain ? vs_chain__deferred_func(s->chain) : 0;
}

int lat_read_symbols(struct vs_lat_session *s)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	int err = file ? vs_targets__resolve(&s->opts.targets, file) : -errno;

	if (file)
		fclose(file);
	if (err == -EPERM)
		return vs_blocker__fail(s->opts.command, VS_WORK_LATENCY, VS_EXIT_PERMISSION,
					"addresses are hidden; see vfioscope doctor");
	if (err)
		return vs_blocker__fail(s->opts.command, VS_WORK_LATENCY, VS_EXIT_FAILURE,
					"/proc/kallsyms cannot be read");
	return 0;
}

/* Kprobes in vfio.ko where they reach all of it, else the host's tracepoints. */
static int follow(struct vs_lat_session *s)
{
	bool tracepoints = !s->deferred && !s->opts.sample;
	int err;

	s->by_kprobes = s->chain && !vs_chain__follow(s->chain, vs_lat__object(s->lat),
						      vs_lat__sites(s->lat));
	if (s->chain && vs_chain__deferred_func(s->chain))
		tracepoints = !s->by_kprobes;
	/* Windows attach and detach the tracepoints of samples. */
	err = s->opts.sample ? 0 : vs_lat__follow(s->lat, tracepoints);
	if (!err && s->opts.blame == VS_LAT_BLAME_FULL)
		err = vs_lat__watch(s->lat, true);
	return err ? lat_fail(s, VS_EXIT_UNAVAILABLE, "cannot attach to the workqueue tracepoints",
			      strerror(-err)) : 0;
}

int lat_arm_chain(struct vs_lat_session *s)
{
	if (s->chain && vs_chain__attach(s->chain, vs_lat__object(s->lat), vs_lat__sites(s->lat),
					 s->chain_words, sizeof(s->chain_words)) == -ENOMEM)
		return lat_fail(s, VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	tell_programs(s);
	return follow(s);
}

void lat_say_missing(struct vs_lat_session *s)
{
	const struct vs_targets *t = &s->opts.targets;
	char words[160];

	for (size_t i = 0; i < t->nr_names; i++) {
		if (vs_targets__found(t, i))
			continue;
		snprintf(words, sizeof(words), "there is no function %.64s now: waiting for a "
			 "module that brings it", t->names[i]);
		lat_notice(s, words);
	}
}

static int find_targets(struct vs_lat_session *s)
{
	int status = s->opts.all ? 0 : lat_read_symbols(s);

	if (!status)
		status = lat_arm_chain(s);
	return status;
}

/* Says what is attached, and so what other works pay, and what will not be known. */
void lat_say_probes(struct vs_lat_session *s)
{
	char words[240];

	if (s->by_kprobes)
		lat_notice(s, "followed by kprobes in vfio.ko: other works cost nothing");
	else if (s->deferred && vs_chain__deferred_func(s->chain))
		lat_notice(s, "not all of the deferred put can be reached by kprobes in vfio.ko: "
			   "followed by tracepoints, which all works of the host pay for");
	vs_duty__words(&s->duty, words, sizeof(words));
	lat_notice(s, words);
}

int lat_follow_modules(struct vs_lat_session *s)
{
	uint64_t targets[VS_LAT_TARGETS];
	bool vfio = s->vfio_changed, changed;
	char words[300];
	int status;

	s->modules_changed = s->vfio_changed = false;
	vs_ksyms__free(s->names);
	s->names = NULL;
	/* Arming the chain anew takes long: not for other modules. */
	if (s->deferred && !vfio)
		return 0;
	memcpy(targets, s->opts.targets.addrs, sizeof(targets));
	if (s->chain && vs_chain__changed(s->chain))
		return lat_fail(s, VS_EXIT_FAILURE, "cannot go on", strerror(ENOMEM));
	status = find_targets(s);
	lat_notice(s, s->chain_words);
	changed = memcmp(targets, s->opts.targets.addrs, sizeof(targets));
	if (s->loaded_ns && (s->deferred ? s->opts.targets.nr > 0 : changed))
		lat_say_loaded(s);
	if (vfio)
		lat_say_probes(s);
	if (vfio)
		lat_tell_text(s, s->loaded_ns, vs_host__mono_ns());
	if (s->chain && vs_chain__state(s->chain, words, sizeof(words)) == VS_CHAIN_WAITING)
		lat_notice(s, words);
	s->loaded_ns = 0;
	return status;
}

int lat_check_chain(struct vs_lat_session *s)
{
	char words[360];

	if (!s->deferred)
		return 0;
	s->chain = vs_chain__new();
	if (!s->chain)
		return lat_fail(s, VS_EXIT_FAILURE, "cannot collect facts about the kernel",
				strerror(errno));
	if (vs_chain__state(s->chain, words, sizeof(words)) != VS_CHAIN_NONE)
		return 0;
	vs_words__append(words, sizeof(words), "; --work SYMBOL and --all follow other works");
	return lat_fail(s, VS_EXIT_UNAVAILABLE, words, NULL);
}
