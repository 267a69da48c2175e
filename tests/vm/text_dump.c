// SPDX-License-Identifier: GPL-2.0
/*
 * What comparing the text of vfio.ko with its file says, in one line:
 *
 *	STATE bytes N functions N ranges N probes N us N WORDS
 */
#include <stdio.h>

#include "probe/text_check.h"

int main(void)
{
	static const char *const states[] = {
		[VS_TEXT_NOT_COMPARED] = "not-compared",
		[VS_TEXT_NOT_LOADED] = "not-loaded",
		[VS_TEXT_AS_FILE] = "as-file",
		[VS_TEXT_CHANGED] = "changed",
	};
	struct vs_text_check check;
	struct vs_facts facts;

	if (vs_facts__collect("", &facts))
		return 1;
	vs_text_check__run("", &facts, NULL, &check);
	printf("%s bytes %zu functions %zu ranges %zu probes %zu us %llu %s\n",
	       states[check.state], check.bytes, check.nr_funcs, check.nr_ranges,
	       check.nr_probes, (unsigned long long)check.ns / 1000, check.words);
	vs_facts__free(&facts);
	return 0;
}
