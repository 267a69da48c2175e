/* SPDX-License-Identifier: GPL-2.0 */
/* Evidence that was recorded on hosts of the lab, for the tests of why. */
#ifndef VFIOSCOPE_TEST_EVIDENCE_LAB_H
#define VFIOSCOPE_TEST_EVIDENCE_LAB_H

#include "evidence/evidence.h"
#include "recorded.h"

#define EVIDENCE "tests/evidence"

/* tests/evidence/NAME.json, into an empty @e. */
static inline void load_evidence(const char *name, struct vs_evidence *e)
{
	char path[512], error[200] = "", *text;
	int err;

	snprintf(path, sizeof(path), EVIDENCE "/%s.json", name);
	text = read_file(path);
	err = vs_evidence__from_json(text, e, error, sizeof(error));
	free(text);
	if (err)
		fail_msg("%s: %s", name, error);
}

#endif
