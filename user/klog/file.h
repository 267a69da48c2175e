/* SPDX-License-Identifier: GPL-2.0 */
/* Reads logs from files. */
#ifndef VFIOSCOPE_KLOG_FILE_H
#define VFIOSCOPE_KLOG_FILE_H

#include "klog/klog.h"

/*
 * Reads what /dev/kmsg has of this boot, without waiting. Returns 0, -EPERM without CAP_SYSLOG where the
 * kernel restricts it, or another negative errno.
 */
int vs_klog__read_kmsg(struct vs_klog *k);

/*
 * Reads the whole text of @path, or of stdin for "-", as it comes. Returns 0; -ENODATA: it is empty;
 * -EILSEQ: it is no text; or another negative errno.
 */
int vs_klog__read_file(struct vs_klog *k, const char *path);

#endif
