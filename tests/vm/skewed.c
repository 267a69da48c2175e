// SPDX-License-Identifier: GPL-2.0
/*
 * "skewed NS VERB...": vfioscope with clocks that differ by up to NS nanoseconds between CPUs and
 * step back on each. Linked so that this one is called in place of bpf_object__load_skeleton().
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/config.h"
#include "bpf/missed.h"
#include "bpf/pulse.h"
#include "cmd/commands.h"
#include "trace_bpf.skel.h"

static uint64_t skew_ns;

int __real_bpf_object__load_skeleton(struct bpf_object_skeleton *s);
int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *s);

int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *s)
{
	struct bpf_map *map = bpf_object__find_map_by_name(*s->obj, ".rodata");
	char *rodata;
	size_t size;

	if (strcmp(s->name, "trace_bpf"))
		return __real_bpf_object__load_skeleton(s);
	rodata = map ? (char *)(uintptr_t)bpf_map__initial_value(map, &size) : NULL;
	if (!rodata || size < sizeof(struct trace_bpf__rodata))
		return -ENOENT;
	memcpy(rodata + offsetof(struct trace_bpf__rodata, skew_ns), &skew_ns, sizeof(skew_ns));
	return __real_bpf_object__load_skeleton(s);
}

int main(int argc, char **argv)
{
	const struct vs_command *commands[] = { &vs_cmd_refs, &vs_cmd_trace, &vs_cmd_validate };

	if (argc < 3)
		return 2;
	skew_ns = strtoull(argv[1], NULL, 10);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i]->name, argv[2]))
			return commands[i]->run(argc - 2, argv + 2);
	return 2;
}
