/* SPDX-License-Identifier: GPL-2.0 */
/* Recordings in memory for the unit tests, and what a run prints. */
#ifndef VFIOSCOPE_TESTS_RECORD_LAB_H
#define VFIOSCOPE_TESTS_RECORD_LAB_H

#include "record/replay.h"
#include "record/tape.h"
#include "scenario.h"

#define LAB_MOST (32u << 20)

static struct vs_session *lab_session;	/* of the run that is recorded */

/* A file in memory that knows each write. */
struct lab_write {
	uint64_t offset;
	size_t len;
};

struct lab_file {
	uint8_t *data;
	uint64_t len;
	struct lab_write *writes;
	size_t nr_writes;
	int refuse;		/* so many writes fail from now on */
	int syncs;
};

static inline int lab_write(void *ctx, uint64_t offset, const void *data, size_t len, uint32_t inputs)
{
	struct lab_file *f = ctx;

	(void)inputs;
	if (f->refuse && f->refuse--)
		return -ENOSPC;
	if (offset + len > LAB_MOST)
		return -EFBIG;
	memcpy(f->data + offset, data, len);
	if (offset + len > f->len)
		f->len = offset + len;
	f->writes = realloc(f->writes, (f->nr_writes + 1) * sizeof(*f->writes));
	f->writes[f->nr_writes++] = (struct lab_write){ offset, len };
	return 0;
}

static inline void lab_sync(void *ctx)
{
	((struct lab_file *)ctx)->syncs++;
}

static inline void lab_pinned(void *ctx, const struct vs_vfr_super *super)
{
	struct lab_file *f = ctx;

	vs_vfr_super__write(super, f->data + super->generation % 2 * VS_VFR_SUPER);
}

static inline void lab_file_init(struct lab_file *f)
{
	*f = (struct lab_file){ .data = calloc(1, LAB_MOST), .len = VS_VFR_SLOTS_AT };
}

static inline void lab_file_free(struct lab_file *f)
{
	free(f->data);
	free(f->writes);
}

static inline void lab_clock(struct vs_record_clock *clock)
{
	*clock = (struct vs_record_clock){ T0, T0, 1700000000000000000ull };
}

static inline struct vs_tape *lab_tape(struct lab_file *f, uint32_t slots, const struct vs_read_end *end)
{
	struct vs_tape_opts o = {
		.out = { lab_write, lab_sync, NULL, lab_pinned, f },
		.run = { .verb = "trace", .version = "0.1", .keep_refs = true },
		.super = { .major = VS_VFR_MAJOR, .minor = VS_VFR_MINOR, .generation = 1,
			   .slot_size = VS_VFR_SLOT, .slots = slots },
		.first_slot = end && end->seq ? (end->slot + 1) % (slots ? slots : UINT32_MAX) : 0,
		.first_seq = end ? end->seq + 1 : 1,
		.session = end ? (uint16_t)(end->session + 1) : 1,
		.of = &lab_session,
		.clock = lab_clock,
	};
	struct vs_vfr_super old;

	if (end && !vs_vfr_super__read(f->data + VS_VFR_SUPER, &old))
		o.super = old;
	lab_pinned(f, &o.super);
	return vs_tape__new(&o);
}

static inline struct vs_reader *lab_reader(const struct lab_file *f)
{
	struct vs_source s = { .fd = -1, .memory = f->data, .len = f->len };
	char error[200];

	return vs_reader__new(&s, error, sizeof(error));
}

static const struct vs_probe_row probes[] = {
	{ "put", "armed", "3 call sites", 3 }, { "release", "armed", NULL, 1 },
};

static const struct vs_start start = {
	.version = "0.1", .kernel = "5.10.0-46-amd64", .mono_ns = T0,
	.wall_ns = 1700000000000000000ull, .probes = probes, .nr_probes = 2,
};

typedef void (*scenario_fn)(struct vs_session *s);

static inline int proc_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	(void)ctx;
	if (tid != sh.tid)
		return -ESRCH;
	snprintf(buf, size, "[<0>] rwsem_down_write_slowpath+0x24b/0x5d0\n"
			    "[<0>] blocking_notifier_chain_unregister+0x1c/0xb0\n"
			    "[<0>] vfio_group_release+0xa1/0x120 [vfio]\n"
			    "[<0>] vfio_iommu_group_notifier+0xcd/0x1a0 [vfio]\n");
	return 0;
}

/* A clock that never says the same twice: what is repeated must have it from the recording. */
static inline uint64_t running_clock(void *ctx)
{
	static uint64_t now = T0;

	(void)ctx;
	return now += 12345;
}

static inline bool one_in_three(void *ctx, uint32_t tgid)
{
	(void)ctx;
	return tgid % 3;
}

static inline bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static const struct vs_session_calls calls = {
	resolve, two_devices, proc_stack, running_clock, one_in_three, never, never, never,
};

/* One run prints these, as text and as NDJSON. */
struct printed {
	int fds[2];
	struct vs_sink *sinks[2];
	char *text[2];
};

static inline void print_begins(struct printed *p)
{
	for (int i = 0; i < 2; i++) {
		struct vs_sink_opts o = { .fd = scratch_file() };

		p->fds[i] = o.fd;
		p->sinks[i] = i ? vs_json_sink__new(&o) : vs_text_sink__new(&o);
	}
}

static inline void print_ends(struct printed *p)
{
	for (int i = 0; i < 2; i++) {
		vs_sink__free(p->sinks[i]);
		p->text[i] = written(p->fds[i]);
		close(p->fds[i]);
	}
}

static inline void forget(struct printed *p)
{
	free(p->text[0]);
	free(p->text[1]);
}

static inline struct vs_session_opts display(struct printed *p)
{
	return (struct vs_session_opts){ .calls = calls, .sinks = p->sinks, .nr_sinks = 2, .keep_refs = true };
}

static inline struct vs_session *begin(struct vs_tape *tape, struct printed *p)
{
	struct vs_session_opts o = display(p);
	struct vs_session *s;

	vs_tape__listen(tape, &o);
	s = vs_session__new(&o);
	assert_non_null(s);
	lab_session = s;
	vs_session__start(s, &start);
	return s;
}

static inline void end_run(struct vs_tape *tape, struct vs_session *s, int status)
{
	vs_session__finish(s, T0 + 5000000000ull, NULL);
	vs_tape__end(tape, status, T0 + 5000000000ull);
	vs_session__free(s);
	lab_session = NULL;
	vs_tape__free(tape);
}

static inline struct vs_replay_result replay(struct lab_file *f, uint16_t number, struct printed *p)
{
	struct vs_reader *r = lab_reader(f);
	struct vs_replay_opts o = { .number = number };
	struct vs_replay_result result;

	assert_non_null(r);
	print_begins(p);
	o.session = display(p);
	assert_int_equal(vs_replay__run(r, &o, &result), 0);
	print_ends(p);
	vs_reader__free(r);
	return result;
}

static inline uint64_t noise(void)
{
	static uint64_t seed = 42;

	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 20;
}

/* Some events and a sentence that does not compress well, between two polls: some 200 rounds fill a slot. */
static inline uint64_t work(struct vs_session *s, struct vs_tape *tape, int rounds, uint64_t us)
{
	char words[1000];

	for (int i = 0; i < rounds; i++, us += 20000) {
		feed_fixed(s, us, WORK + (uint64_t)(i % 50) * 64, 0);
		for (size_t at = 0; at + 1 < sizeof(words); at++)
			words[at] = (char)('!' + noise() % 90);
		words[sizeof(words) - 1] = '\0';
		vs_session__notice(s, T0 + us * 1000, words);
		vs_tape__poll(tape, T0 + (us + 10000) * 1000);
	}
	return us;
}

static inline uint64_t record_work(struct lab_file *f, uint32_t slots, int rounds, struct printed *live)
{
	struct vs_tape *tape = lab_tape(f, slots, NULL);
	struct vs_session_result result;
	struct vs_session *s;

	print_begins(live);
	s = begin(tape, live);
	feed_create(s, 0);
	work(s, tape, rounds, 100);
	vs_session__result(s, &result);
	end_run(tape, s, 0);
	print_ends(live);
	return result.events;
}

#endif
