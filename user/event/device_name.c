// SPDX-License-Identifier: GPL-2.0
#include "event/device_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define UUID_LEN 36

static bool is_uuid(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return i == UUID_LEN;
}

static bool parse_bdf(const char *text, char *name)
{
	unsigned int domain = 0, bus, slot, function;
	int end = -1;

	/* sscanf(3) would take blanks and signs. */
	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
		return false;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4) {
		domain = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3)
			return false;
	}
	if (end < 0 || text[end] || slot > 0x1f || function > 7)
		return false;
	snprintf(name, VS_DEVICE_LEN, "%04x:%02x:%02x.%x", domain, bus, slot, function);
	return true;
}

bool vs_device_name__parse(const char *text, char name[VS_DEVICE_LEN])
{
	if (parse_bdf(text, name))
		return true;
	if (!is_uuid(text))
		return false;
	for (size_t i = 0; i <= UUID_LEN; i++)
		name[i] = (char)tolower((unsigned char)text[i]);
	return true;
}
