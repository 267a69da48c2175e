// SPDX-License-Identifier: GPL-2.0
/*
 * Loads each BPF program alone and prints what the verifier says: name, result
 * and instructions walked. Runs in the guests of the lab.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/config.h"
#include "vfioscope_bpf.skel.h"

#define STATISTICS 4	/* log_level: counts only */

static char verifier_log[1 << 16];

static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static void choose(struct vfioscope_bpf *skel, size_t index)
{
	struct bpf_program *prog;
	size_t i = 0;

	bpf_object__for_each_program(prog, skel->obj) {
		bpf_program__set_autoload(prog, i == index);
		if (i++ != index)
			continue;
		bpf_program__set_log_level(prog, STATISTICS);
		bpf_program__set_log_buf(prog, verifier_log, sizeof(verifier_log));
	}
}

static const char *name_of(struct vfioscope_bpf *skel, size_t index)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj)
		if (!index--)
			return bpf_program__name(prog);
	return NULL;
}

static long processed(void)
{
	const char *at = strstr(verifier_log, "processed ");

	return at ? atol(at + strlen("processed ")) : -1;
}

/* Returns false when there is no such program any more. */
static bool try_program(size_t index, int ring)
{
	struct vfioscope_bpf *skel = vfioscope_bpf__open();
	const char *name = skel ? name_of(skel, index) : NULL;
	int err;

	if (!name) {
		vfioscope_bpf__destroy(skel);
		return false;
	}
	verifier_log[0] = '\0';
	choose(skel, index);
	err = bpf_map__set_inner_map_fd(skel->maps.rings, ring);
	if (!err)
		err = vfioscope_bpf__load(skel);
	printf("%s %d %ld\n", name, err, processed());
	vfioscope_bpf__destroy(skel);
	return true;
}

int main(void)
{
	int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, 1 << 16, NULL);

	libbpf_set_print(no_output);
	if (ring < 0)
		return 1;
	for (size_t i = 0; try_program(i, ring); i++)
		;
	return 0;
}
