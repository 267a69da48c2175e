// SPDX-License-Identifier: GPL-2.0
#include "devices/pci_ids.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"

struct vs_pci_ids {
	char *text;
	const char *vendors[UINT16_MAX + 1];	/* the lines; those of their devices follow, after a tab */
};

struct vs_pci_ids *vs_pci_ids__of_text(char *text)
{
	struct vs_pci_ids *ids = calloc(1, sizeof(*ids));

	if (!ids) {
		free(text);
		return NULL;
	}
	ids->text = text;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned int vendor;

		line += *line == '\n';
		/* Classes come last: "C 00  Unclassified device". */
		if (*line == 'C' && line[1] == ' ')
			break;
		if (*line != '\t' && *line != '#' && sscanf(line, "%4x  ", &vendor) == 1 && vendor <= UINT16_MAX)
			ids->vendors[vendor] = line;
	}
	return ids;
}

struct vs_pci_ids *vs_pci_ids__read(const char *root)
{
	static const char *const places[] = { "/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/usr/share/pci.ids" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *text;

		snprintf(path, sizeof(path), "%s%s", root, places[i]);
		text = vs_text_file__read(path);
		if (text)
			return vs_pci_ids__of_text(text);
	}
	return NULL;
}

void vs_pci_ids__free(struct vs_pci_ids *ids)
{
	if (!ids)
		return;
	free(ids->text);
	free(ids);
}

/* "10de  NVIDIA Corporation": the name begins after the number and the blanks. */
static void take_name(const char *line, char *buf, size_t size)
{
	line += strspn(line, "\t");
	line += strcspn(line, " \n");
	line += strspn(line, " ");
	snprintf(buf, size, "%.*s", (int)strcspn(line, "\r\n"), line);
}

void vs_pci_ids__vendor(const struct vs_pci_ids *ids, uint16_t vendor, char *buf, size_t size)
{
	buf[0] = '\0';
	if (ids && ids->vendors[vendor])
		take_name(ids->vendors[vendor], buf, size);
}

void vs_pci_ids__device(const struct vs_pci_ids *ids, uint16_t vendor, uint16_t device, char *buf, size_t size)
{
	const char *line = ids ? ids->vendors[vendor] : NULL;
	unsigned int number;

	buf[0] = '\0';
	while (line && (line = strchr(line, '\n')) && (*++line == '\t' || *line == '#'))
		if (line[0] == '\t' && line[1] != '\t' && sscanf(line, "\t%4x  ", &number) == 1 && number == device) {
			take_name(line, buf, size);
			return;
		}
}
