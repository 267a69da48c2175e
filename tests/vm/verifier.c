// SPDX-License-Identifier: GPL-2.0
/*
 * Loads each BPF program alone and prints what the verifier says: object, name,
 * result and instructions walked. Runs in the guests of the lab.
 * usage: verifier OBJECT.bpf.o...
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATISTICS 4	/* log_level: counts only */

static char verifier_log[1 << 16];

static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Leaves only the program at @index; its name, or NULL when there is none. */
static const char *choose(struct bpf_object *obj, size_t index)
{
	const char *name = NULL;
	struct bpf_program *prog;
	size_t i = 0;

	bpf_object__for_each_program(prog, obj) {
		bpf_program__set_autoload(prog, i == index);
		if (i++ != index)
			continue;
		name = bpf_program__name(prog);
		bpf_program__set_log_level(prog, STATISTICS);
		bpf_program__set_log_buf(prog, verifier_log, sizeof(verifier_log));
	}
	return name;
}

static long processed(void)
{
	const char *at = strstr(verifier_log, "processed ");

	return at ? atol(at + strlen("processed ")) : -1;
}

/* A map of rings wants one that shows what is in it. */
static int set_inner_map(struct bpf_object *obj, int ring)
{
	struct bpf_map *rings = bpf_object__find_map_by_name(obj, "rings");

	return rings ? bpf_map__set_inner_map_fd(rings, ring) : 0;
}

/* Returns false when there is no such program any more. */
static bool try_program(char *path, size_t index, int ring)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	const char *name = obj ? choose(obj, index) : NULL;
	int err;

	if (!name) {
		bpf_object__close(obj);
		return false;
	}
	verifier_log[0] = '\0';
	err = set_inner_map(obj, ring);
	if (!err)
		err = bpf_object__load(obj);
	printf("%.*s %s %d %ld\n", (int)strcspn(basename(path), "."), basename(path), name, err,
	       processed());
	bpf_object__close(obj);
	return true;
}

int main(int argc, char **argv)
{
	int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, 1 << 16, NULL);

	libbpf_set_print(no_output);
	if (ring < 0)
		return 1;
	for (int file = 1; file < argc; file++)
		for (size_t i = 0; try_program(argv[file], i, ring); i++)
			;
	return 0;
}
