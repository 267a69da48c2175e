/* SPDX-License-Identifier: GPL-2.0 */
/* Takes private names out of evidence that is shown to others. */
#ifndef VFIOSCOPE_WHY_REDACT_H
#define VFIOSCOPE_WHY_REDACT_H

#include "evidence/evidence.h"

/*
 * Replaces names of processes ("process-1"), virtual machines ("vm-1"), pods, containers and devices ("device-1"),
 * and kernel addresses by numbers: the same name by the same number, so that verdicts stay what they are.
 * Command lines and cgroups are dropped. Kernel threads and drivers keep their names. @device, if not NULL, is replaced
 * as well: it has VS_DEVICE_LEN bytes. 0 or -ENOMEM.
 */
int vs_redact(struct vs_evidence *e, char *device);

#endif
