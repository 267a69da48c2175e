// SPDX-License-Identifier: GPL-2.0
#include "ledger/gaps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *vs_gap_why__name(enum vs_gap_why why)
{
	static const char *const names[VS_GAP_REASONS] = {
		[VS_GAP_LOADED] = "loaded",
		[VS_GAP_BLIND] = "blind",
		[VS_GAP_PATCHED] = "patched",
		[VS_GAP_CHANGED] = "changed",
		[VS_GAP_SILENT] = "silent",
	};

	return names[why];
}

/* All that vfio.ko does concerns some group, and there was none. */
bool vs_gap__is_empty(const struct vs_gap_row *row)
{
	return row->why == VS_GAP_LOADED && !row->groups;
}

static void loaded_words(const struct vs_gap_row *row, char *buf, size_t size)
{
	char head[120];

	snprintf(head, sizeof(head), "%.60s was loaded, its %s not %s yet",
		 row->words[0] ? row->words : "vfio.ko", row->words[0] ? "functions were" :
		 "probes were", row->words[0] ? "followed" : "armed");
	if (row->groups < 0)
		snprintf(buf, size, "%s: what happened in between was not seen", head);
	else if (!row->groups)
		snprintf(buf, size, "%s: no group existed, so nothing was missed", head);
	else
		snprintf(buf, size, "%s: %" PRId64 " %s created meanwhile, and what else "
			 "happened was not seen", head, row->groups,
			 row->groups == 1 ? "group was" : "groups were");
}

void vs_gap__words(const struct vs_gap_row *row, char *buf, size_t size)
{
	switch (row->why) {
	case VS_GAP_LOADED:
		loaded_words(row, buf, size);
		break;
	case VS_GAP_PATCHED:
		snprintf(buf, size, "%s: what its code does is not seen", row->words);
		break;
	case VS_GAP_CHANGED:
		snprintf(buf, size, "%s: what that code does is not known", row->words);
		break;
	case VS_GAP_SILENT:
		snprintf(buf, size, "%s: what happened meanwhile was not seen", row->words);
		break;
	default:
		snprintf(buf, size, "%s", row->words);
	}
}

static struct vs_gap_row *find_open(struct vs_gaps *g, enum vs_gap_why why)
{
	for (size_t i = 0; i < g->nr; i++)
		if (g->rows[i].why == why && !g->rows[i].to_ns)
			return &g->rows[i];
	return NULL;
}

void vs_gaps__add(struct vs_gaps *g, const struct vs_gap_row *row)
{
	if (g->nr < VS_GAPS_KEPT)
		g->rows[g->nr++] = *row;
	g->total++;
	g->blind += !vs_gap__is_empty(row);
}

bool vs_gaps__is_open(const struct vs_gaps *g, enum vs_gap_why why, const char *words)
{
	const struct vs_gap_row *open = &g->open[why];

	return g->is_open[why] && (!words || !strncmp(open->words, words, sizeof(open->words) - 1));
}

const struct vs_gap_row *vs_gaps__begin(struct vs_gaps *g, enum vs_gap_why why, uint64_t from_ns,
					const char *words)
{
	struct vs_gap_row *open = &g->open[why];

	if (vs_gaps__is_open(g, why, words))
		return NULL;
	vs_gaps__end(g, why, from_ns);
	*open = (struct vs_gap_row){ .why = why, .from_ns = from_ns, .groups = -1 };
	snprintf(open->words, sizeof(open->words), "%s", words);
	g->is_open[why] = true;
	vs_gaps__add(g, open);
	return open;
}

const struct vs_gap_row *vs_gaps__end(struct vs_gaps *g, enum vs_gap_why why, uint64_t to_ns)
{
	struct vs_gap_row *listed = find_open(g, why);

	if (!g->is_open[why])
		return NULL;
	g->is_open[why] = false;
	g->open[why].to_ns = to_ns;
	if (listed)
		listed->to_ns = to_ns;
	return &g->open[why];
}
