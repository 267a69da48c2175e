/* SPDX-License-Identifier: GPL-2.0 */
/* Only the files of the session share this header. */
#ifndef VFIOSCOPE_SESSION_PRIV_H
#define VFIOSCOPE_SESSION_PRIV_H

#include "event/record.h"
#include "ledger/detect.h"
#include "ledger/groups.h"
#include "ledger/registrations.h"
#include "ledger/sites.h"
#include "ledger/tasks.h"
#include "run/session.h"

struct loss {
	uint64_t total;
	uint64_t said;
	uint64_t looked_ns;	/* the time when it was last read, 0: the session counts it itself */
	bool not_reported;
};

struct vs_session {
	struct vs_session_opts opts;
	struct vs_sink **sinks;
	struct vs_groups *groups;
	struct vs_tasks *tasks;
	struct vs_deferreds *deferreds;
	struct vs_sites *sites;
	struct vs_detect *detect;
	struct vs_refs *refs;	/* NULL: not kept */
	struct vs_registrations *registrations;
	struct loss losses[VS_LOSS_END];
	uint64_t first_ns, last_ns;
	uint64_t events, shown, found, not_found;
	uint64_t by_type[VS_TYPE_END];
	const struct vs_probe_row *probes;
	size_t nr_probes;
	struct vs_gaps gaps;
	bool blind;		/* probes are silent: the records that come are incomplete */
	int write_error;
	char frames[VS_SHORT_STACK_LEN][VS_SITE_LEN]; /* frames of the event that is being shown */
	struct vs_alarm_event aligned;	/* for records at odd addresses */
};

#define EACH_SINK(s, call, ...)							\
	do {									\
		for (size_t i_ = 0; i_ < (s)->opts.nr_sinks; i_++)		\
			(s)->sinks[i_]->ops->call((s)->sinks[i_], ##__VA_ARGS__);	\
	} while (0)

/* Reports the losses that are known and not reported yet; true if there were any. */
bool session_say_losses(struct vs_session *s);

/* Takes an input about what was not seen, or a notice. -EINVAL: it is none. */
int session_take_unseen(struct vs_session *s, const struct vs_input *in);

#endif
