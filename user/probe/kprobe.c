// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "probe/kprobe.h"

#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"

int vs_kprobe__type(void)
{
	FILE *file = fopen(KPROBE_TYPE, "re");
	int type;

	if (!file)
		return -errno;
	if (fscanf(file, "%d", &type) != 1)
		type = -EINVAL;
	fclose(file);
	return type;
}

void vs_kprobe__get_ready(struct bpf_program *prog)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* `fd` is no perf event: this fails, after libbpf has asked what it wants to know. */
	bpf_link__destroy(bpf_program__attach_perf_event(prog, fd));
	close(fd);
}

struct bpf_link *vs_kprobe__attach_event(struct bpf_program *prog, struct vs_keeper *keeper, int type,
					 uint64_t addr, int *event)
{
	struct bpf_link *link;
	int fd = vs_keeper__kprobe(keeper, type, addr), err;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link) {
		err = errno;
		close(fd);
		errno = err;
	}
	*event = fd;
	return link;
}

struct bpf_link *vs_kprobe__attach(struct bpf_program *prog, struct vs_keeper *keeper, int type,
				   uint64_t addr)
{
	int event;

	return vs_kprobe__attach_event(prog, keeper, type, addr, &event);
}
