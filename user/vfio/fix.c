// SPDX-License-Identifier: GPL-2.0
#include "vfio/fix.h"

#include <stddef.h>
#include <string.h>

enum vs_fix vs_fix__of(const struct vs_fix_facts *f)
{
	if (f->notifier == VS_NO)
		return VS_FIX_NO_NOTIFIER;
	if (f->notifier != VS_YES || f->puts == VS_NOT_KNOWN || f->defers == VS_NOT_KNOWN)
		return VS_FIX_UNKNOWN;
	if (f->puts == VS_YES)
		return f->defers == VS_YES ? VS_FIX_BOTH : VS_FIX_ABSENT;
	if (f->defers == VS_YES)
		return VS_FIX_PRESENT;
	return f->takes == VS_NO ? VS_FIX_NO_REFERENCE : VS_FIX_UNKNOWN;
}

static const char *const names[VS_FIXES] = {
	[VS_FIX_UNKNOWN] = "unknown",
	[VS_FIX_PRESENT] = "present",
	[VS_FIX_BOTH] = "both",
	[VS_FIX_ABSENT] = "absent",
	[VS_FIX_NO_REFERENCE] = "no-reference",
	[VS_FIX_NO_NOTIFIER] = "no-notifier",
};

const char *vs_fix__name(enum vs_fix fix)
{
	return names[fix];
}

enum vs_fix vs_fix__named(const char *name)
{
	for (int i = 0; name && i < VS_FIXES; i++)
		if (!strcmp(names[i], name))
			return i;
	return VS_FIX_UNKNOWN;
}

const char *vs_fix__words(enum vs_fix fix)
{
	static const char *const words[VS_FIXES] = {
		[VS_FIX_UNKNOWN] = "not known: the code of VFIO could not be read, or is none that is "
				   "known; see vfioscope inspect",
		[VS_FIX_PRESENT] = "present: the notifier queues its put for a worker "
				   "(811642d8d8a8, v4.13)",
		[VS_FIX_BOTH] = "IN DOUBT: vfio_iommu_group_notifier puts directly as well as defers; "
				"what it puts itself can deadlock",
		[VS_FIX_ABSENT] = "ABSENT: vfio_iommu_group_notifier puts directly "
				  "(811642d8d8a8, v4.13, is missing)",
		[VS_FIX_NO_REFERENCE] = "not needed: the notifier takes no reference "
					"(63b150fde7a2, v5.16)",
		[VS_FIX_NO_NOTIFIER] = "not needed: IOMMU groups have no notifier any more "
				       "(3b86f317c9c7, a5f1bd1afacd, v5.19)",
	};

	return words[fix];
}

static const char *const answers[] = {
	[VS_NOT_KNOWN] = "unknown", [VS_NO] = "no", [VS_YES] = "yes",
};

const char *vs_known__name(enum vs_known known)
{
	return answers[known];
}

enum vs_known vs_known__named(const char *name)
{
	for (int i = VS_NOT_KNOWN; name && i <= VS_YES; i++)
		if (!strcmp(answers[i], name))
			return i;
	return VS_NOT_KNOWN;
}
