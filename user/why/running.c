// SPDX-License-Identifier: GPL-2.0
#include "why/running.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "why/proc.h"

#define LOOK_US 100000
#define PERIOD_NS 2000000
#define PAGES 32		/* of samples: 50 with the longest chains fit */
#define PAGE 4096
#define LONGEST (8 * 1024)	/* a record; what is longer is nothing of ours */

/* -- the ring -- */

static void copy_out(const unsigned char *ring, uint64_t size, uint64_t at, void *buf, size_t len)
{
	unsigned char *to = buf;

	for (size_t i = 0; i < len; i++)
		to[i] = ring[(at + i) & (size - 1)];
}

/* PERF_SAMPLE_CALLCHAIN alone: a number and as many addresses, with marks of the mode between. */
static void take_chain(const uint64_t *words, size_t nr, struct vs_running_sample *s)
{
	size_t len = nr ? words[0] : 0;

	s->nr_frames = 0;
	for (size_t i = 1; i <= len && i < nr && s->nr_frames < VS_STACK_LEN; i++)
		if (words[i] < PERF_CONTEXT_MAX)
			s->frames[s->nr_frames++] = words[i];
}

static void take_record(const struct perf_event_header *header, const uint64_t *words,
			struct vs_running_sample *s)
{
	unsigned int mode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	if (header->type != PERF_RECORD_SAMPLE)
		return;
	if (mode != PERF_RECORD_MISC_KERNEL) {
		s->nr_user++;
		return;
	}
	s->nr_kernel++;
	take_chain(words, (header->size - sizeof(*header)) / sizeof(*words), s);
}

void vs_running__read_ring(const unsigned char *ring, uint64_t size, uint64_t tail, uint64_t head,
			   struct vs_running_sample *sample)
{
	struct perf_event_header header;
	uint64_t words[LONGEST / 8];

	while (tail + sizeof(header) <= head) {
		copy_out(ring, size, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > sizeof(words) ||
		    tail + header.size > head)
			return;
		copy_out(ring, size, tail + sizeof(header), words, header.size - sizeof(header));
		take_record(&header, words, sample);
		tail += header.size;
	}
}

/* -- one task -- */

static int open_event(uint32_t tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_CALLCHAIN,
		.exclude_callchain_user = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool look(void *ctx, size_t i, void *row)
{
	int fd = open_event(((const uint32_t *)ctx)[i]);
	struct vs_running_sample *s = row;
	unsigned char *ring = fd < 0 ? MAP_FAILED : mmap(NULL, (1 + PAGES) * PAGE,
							 PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	const struct perf_event_mmap_page *page = (void *)ring;

	if (ring != MAP_FAILED) {
		usleep(LOOK_US);
		vs_running__read_ring(ring + page->data_offset, page->data_size, 0,
				      __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), s);
		munmap(ring, (1 + PAGES) * PAGE);
	}
	if (fd >= 0)
		close(fd);
	return s->nr_kernel + s->nr_user;
}

int vs_running__sample(const uint32_t *tids, size_t nr, struct vs_running_sample *samples,
		       signed char *answered)
{
	return vs_proc__guarded(look, (void *)tids, nr, samples, sizeof(*samples), answered);
}
