// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
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

static int open_event(int type, uint64_t addr)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.kprobe_addr = addr,
	};

	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

struct bpf_link *vs_kprobe__attach(struct bpf_program *prog, int type, uint64_t addr)
{
	struct bpf_link *link;
	int fd = open_event(type, addr), err;

	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link) {
		err = errno;
		close(fd);
		errno = err;
	}
	return link;
}
