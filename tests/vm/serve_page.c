// SPDX-License-Identifier: GPL-2.0
/*
 * The page of a made-up session, as metrics or served as `vfioscope serve` does it: for tests with the real
 * Prometheus, which need a host on which a deadlock happened.
 * usage: serve_page prometheus|openmetrics|textfile|state calm|busy|full
 *	  serve_page serve ADDRESS FILE	  calm until FILE exists, then busy
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/json_text.h"
#include "serve/listen.h"
#include "serve/metrics.h"
#include "serve/porch.h"
#include "serve/publish.h"
#include "serve/state.h"
#include "tests/unit/busy_page.h"

static struct vs_page page;
static struct vs_sink *sink;
static struct vs_session *session;

static void be_busy(void)
{
	feed_deadlock(session);
	feed_fixed(session, 2000, WORK, 0);
	feed_wait(session, 3000);
	vs_session__loss(session, VS_LOSS_RING_FULL, 7);
}

static int print(const char *form, const char *how)
{
	static const char *const forms[] = { "prometheus", "openmetrics", "textfile" };
	enum vs_metrics_form i = 0;
	struct vs_out o;

	if (strcmp(how, "calm"))
		be_busy();
	take_page(&page, session, sink, 4000);
	if (!strcmp(how, "full"))
		fill_waits(&page);
	if (!strcmp(form, "state"))
		return puts(vs_json_text__dump(vs_state__json(&page), JSON_COMPACT)) < 0;
	while (i < 2 && strcmp(forms[i], form))
		i++;
	vs_out__init(&o, STDOUT_FILENO);
	vs_metrics__write(&o, &page, i);
	return vs_out__flush(&o) ? 1 : 0;
}

/* The events are of a time of their own; the page is of now, and the wait of ten minutes ago. */
static void take_now(void)
{
	take_page(&page, session, sink, 4000);
	page.wall_ns = vs_host__wall_ns();
	page.mono_ns = vs_host__mono_ns();
	page.started_ns = page.mono_ns;
	if (page.nr_waits)
		page.oldest_wait_ns = page.waits[0].start_ns = page.mono_ns - 600000000000ull;
}

static int serve(const char *where, const char *file)
{
	struct vs_listeners listeners = { .nr = 0 };
	struct vs_porch_opts opts = { .listeners = &listeners, .share = vs_share__new() };
	bool busy = false;
	char error[200];

	if (vs_listen__open(&listeners, where, error, sizeof(error)) || !vs_porch__start(&opts)) {
		fprintf(stderr, "serve_page: %s: %s\n", where, error);
		return 1;
	}
	for (;; usleep(100000)) {
		if (!busy && !access(file, F_OK)) {
			be_busy();
			busy = true;
		}
		take_now();
		if (vs_publish__page(&page, opts.share))
			return 1;
	}
}

int main(int argc, char **argv)
{
	begin_page(&page);
	sink = vs_page__sink(&page);
	session = page_session(&sink);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3]);
	return argc == 3 ? print(argv[1], argv[2]) : 2;
}
