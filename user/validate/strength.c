// SPDX-License-Identifier: GPL-2.0
#include "validate/strength.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOUBT 0.05	/* 1 - confidence */

double vs_strength__bound(uint64_t nr)
{
	return nr ? -expm1(log(DOUBT) / (double)nr) : 1;
}

uint64_t vs_strength__needed(double share)
{
	return (uint64_t)ceil(log(DOUBT) / log1p(-share));
}

int vs_strength__parse(const char *text, double *share)
{
	char *end;
	double percent;

	if (strspn(text, "0123456789.%") != strlen(text))
		return -EINVAL;
	percent = strtod(text, &end);
	if (end == text || (*end && strcmp(end, "%")) || percent < 0.0001 || percent > 50)
		return -EINVAL;
	*share = percent / 100;
	return 0;
}

void vs_strength__words(char *buf, size_t size, uint64_t nr)
{
	if (!nr)
		snprintf(buf, size, "nothing: no last put was made");
	else
		snprintf(buf, size, "that more than %.2g %% of such puts are made in the notifier (at 95 %% "
			 "confidence, if each is as likely as the others)", 100 * vs_strength__bound(nr));
}
