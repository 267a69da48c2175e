// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>

#include "probe/missed.h"

/*
 * bpf_link_info of a kprobe since v6.7; the headers that this is built with are
 * older. The members before `missed` came in v6.6.
 */
struct kprobe_link_info {
	uint32_t type;
	uint32_t id;
	uint32_t prog_id;
	uint32_t pad;
	uint32_t perf_type;
	uint32_t perf_pad;
	uint64_t func_name;
	uint32_t name_len;
	uint32_t offset;
	uint64_t addr;
	uint64_t missed;
	uint64_t later[8];
};

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

int vs_missed__program(int prog_fd, uint64_t *missed)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (err)
		return err;
	if (len < END_OF(struct bpf_prog_info, recursion_misses))
		return -ENOTSUP;
	*missed += info.recursion_misses;
	return 0;
}

static int told(int link_fd, uint64_t *missed)
{
	struct kprobe_link_info info = {};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len) ||
	    len < END_OF(struct kprobe_link_info, missed))
		return -ENOTSUP;
	*missed += info.missed;
	return 0;
}

static int read_in_memory(const struct vs_missed_reader *reader, const struct vs_missed_kprobe *probe,
			  uint64_t *missed)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct vs_missed_ask *ask = reader->ask;

	if (reader->prog < 0)
		return -ENOTSUP;
	ask->fd = probe->event;
	ask->addr = probe->addr;
	ask->known = 0;
	if (bpf_prog_test_run_opts(reader->prog, &opts) || !ask->known)
		return -ENOTSUP;
	*missed += ask->nmissed;
	return 0;
}

int vs_missed__kprobe(const struct vs_missed_reader *reader, const struct vs_missed_kprobe *probe,
		      uint64_t *missed)
{
	return told(probe->link, missed) ? read_in_memory(reader, probe, missed) : 0;
}
