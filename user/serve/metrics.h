/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page as metrics, in Prometheus' text format 0.0.4 or in OpenMetrics 1.0. Every family and every fixed
 * label value is there from the first page on, so that each increase is seen. Pure.
 */
#ifndef VFIOSCOPE_SERVE_METRICS_H
#define VFIOSCOPE_SERVE_METRICS_H

#include <stdbool.h>

#include "base/out.h"
#include "serve/page.h"

#define VS_METRICS_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define VS_METRICS_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum vs_metrics_form {
	VS_METRICS_PROMETHEUS,
	VS_METRICS_OPENMETRICS,
	VS_METRICS_TEXTFILE,	/* 0.0.4 without process_*, which node_exporter has itself */
};

/* Writes the whole page into @o. Errors are in o->error. */
void vs_metrics__write(struct vs_out *o, const struct vs_page *p, enum vs_metrics_form form);

#endif
