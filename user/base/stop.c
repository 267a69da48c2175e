// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stddef.h>

#include "base/stop.h"

/* A signal handler can reach only this. */
static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
	stop_signal = sig;
}

void vs_stop__catch(void)
{
	struct sigaction stop = { .sa_handler = on_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

bool vs_stop__asked(void)
{
	return stop_signal;
}
