/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the tables from which a kernel makes /proc/kallsyms, in its image: no symbols lead to them
 * once the image is stripped. Little-endian kernels since v2.6.10.
 */
#ifndef VFIOSCOPE_KALLSYMS_TABLES_H
#define VFIOSCOPE_KALLSYMS_TABLES_H

#include "code/scan.h"

struct vs_image_syms {
	struct vs_ksym *syms;	/* as the tables have them: sorted by address */
	size_t nr;
	char *names;		/* the names point into this */
};

/*
 * `text`: the address of the first code section, for kernels whose tables have only
 * distances (7.x). 0; -ENOENT when there are no tables that make sense, -ENOMEM.
 */
int vs_image_syms__read(const void *data, size_t len, uint64_t text, struct vs_image_syms *syms);
void vs_image_syms__free(struct vs_image_syms *syms);

#endif
