// SPDX-License-Identifier: GPL-2.0
#include "sink/event_words.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"

/* Writes the first two names, and how many more there are. */
static void short_devices(char *buf, size_t size, const char *devices)
{
	const char *first = strchr(devices, ' ');
	const char *second = first ? strchr(first + 1, ' ') : NULL;
	size_t more = 0;
	char text[VS_DEVICES_LEN];

	snprintf(text, sizeof(text), "%.*s",
		 second ? (int)(second - devices) : (int)strlen(devices), devices);
	for (const char *at = second; at; at = strchr(at + 1, ' '))
		more++;
	vs_name__escape(buf, size, text, sizeof(text));
	if (more && strlen(buf) + 16 < size)
		sprintf(buf + strlen(buf), " +%zu", more);
}

void vs_words__gap(char *buf, size_t size, const struct vs_gap_row *row)
{
	char words[VS_GAP_WORDS], took[32];

	vs_gap__words(row, words, sizeof(words));
	vs_words__duration(took, sizeof(took), row->to_ns - row->from_ns);
	if (row->to_ns)
		snprintf(buf, size, "GAP of %s: %s", took, words);
	else
		snprintf(buf, size, "GAP from here on: %s", words);
}

void vs_words__group(char *buf, size_t size, const struct vs_group_view *g, bool devices)
{
	char names[160], id[40];

	*buf = '\0';
	if (!g->known)
		return;
	if (g->number >= 0)
		snprintf(id, sizeof(id), "group %d", g->number);
	else
		snprintf(id, sizeof(id), "group at 0x%llx", (unsigned long long)g->address);
	short_devices(names, sizeof(names), devices ? g->devices : "");
	snprintf(buf, size, names[0] ? "%s (%s)" : "%s", id, names);
}
