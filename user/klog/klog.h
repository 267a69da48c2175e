/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns the text of kernel logs, as people paste it of a host that hung, into evidence. It takes any prefix
 * (dmesg, journalctl, syslog, serial console, quoted mail), wrapped lines, stacks of /proc, crash and drgn.
 * It is pure and streaming: memory does not grow with the text.
 *
 * The order of calls: vs_klog__new(), vs_klog__feed() for each piece, vs_klog__end(), then
 * vs_klog__evidence().
 */
#ifndef VFIOSCOPE_KLOG_H
#define VFIOSCOPE_KLOG_H

#include <stddef.h>

#include "evidence/evidence.h"

struct vs_klog;

/* NULL without memory. */
struct vs_klog *vs_klog__new(void);
void vs_klog__free(struct vs_klog *k);	/* NULL is fine */

/* Takes the next piece of the text, which may be cut anywhere. */
void vs_klog__feed(struct vs_klog *k, const char *text, size_t len);

/* Ends one text: a report that the text did not end is cut off. Another text may follow. */
void vs_klog__end(struct vs_klog *k);

/* Takes one record of /dev/kmsg ("4,1234,56789,-;words" and its further lines). */
void vs_klog__feed_kmsg(struct vs_klog *k, const char *record, size_t len);

/*
 * Adds tasks, logged messages and words to @e, which is empty or has live evidence. Returns 0 or
 * -ENOMEM. Free with vs_evidence__free().
 */
int vs_klog__evidence(const struct vs_klog *k, struct vs_evidence *e);

#endif
