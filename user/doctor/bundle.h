/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The support bundle: one JSON document with what a maintainer asks for. Facts only: no
 * memory contents, no host name, no MAC address, no serial number, no process names.
 */
#ifndef VFIOSCOPE_DOCTOR_BUNDLE_H
#define VFIOSCOPE_DOCTOR_BUNDLE_H

#include <jansson.h>

/*
 * Collects the rest and takes over `doctor` (its --json) and `facts`
 * (vs_recorded__to_json()). `root` is prefixed to paths. NULL with errno.
 */
json_t *vs_bundle__make(const char *root, json_t *doctor, json_t *facts);

/*
 * Writes it with mode 0600: the file is there as a whole, or not at all. -EEXIST
 * where there is one already: it stays as it is. Other negative errno. `bytes`: its size.
 */
int vs_bundle__write(const char *path, const json_t *bundle, size_t *bytes);

/* Returns the words of a kernel command line that matter, in a new string; NULL with errno. */
char *vs_bundle__cmdline(const char *cmdline);

#endif
