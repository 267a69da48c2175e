/* SPDX-License-Identifier: GPL-2.0 */
/* The page as one JSON record, which `status` reads (docs/fleet.md). Pure. */
#ifndef VFIOSCOPE_SERVE_STATE_H
#define VFIOSCOPE_SERVE_STATE_H

#include <jansson.h>

#include "serve/page.h"

#define VS_STATE_SCHEMA 1

/* Returns a new reference, NULL without memory. */
json_t *vs_state__json(const struct vs_page *p);

#endif
