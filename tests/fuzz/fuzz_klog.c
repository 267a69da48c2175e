// SPDX-License-Identifier: GPL-2.0
/* The text of a kernel log, up to its cases. */
#include <stdint.h>
#include <stdlib.h>

#include "klog/klog.h"
#include "why/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_evidence e = { .from_log = true, .weaker = true, .has_vfio = true };
	struct vs_why_subject subject = { NULL, -1, 0 };
	struct vs_why why = {};
	struct vs_klog *k = vs_klog__new();
	size_t half = size / 2;

	if (!k)
		return 0;
	vs_klog__feed(k, (const char *)data, half);
	vs_klog__feed(k, (const char *)data + half, size - half);
	vs_klog__end(k);
	vs_klog__feed_kmsg(k, (const char *)data, size);
	vs_klog__end(k);
	if (!vs_klog__evidence(k, &e) && !vs_classify(&e, &subject, &why)) {
		for (size_t i = 0; i < why.nr_cases; i++)
			if (why.cases[i].verdict == VS_WHY_IDLE)
				abort();	/* a log never shows that */
		vs_why__free(&why);
	}
	vs_evidence__free(&e);
	vs_klog__free(k);
	return 0;
}
