// SPDX-License-Identifier: GPL-2.0
/*
 * A recording of a stranger: its bytes as they are, and, since no mutation finds a sum, its records as
 * they would come out of the frames.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/replay.h"
#include "record/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (8u << 20)

static uint8_t file[MOST];
static uint64_t file_len;

static int put(void *ctx, uint64_t offset, const void *data, size_t len, uint32_t inputs)
{
	(void)ctx;
	(void)inputs;
	if (offset + len > MOST)
		return -1;
	memcpy(file + offset, data, len);
	file_len = offset + len > file_len ? offset + len : file_len;
	return 0;
}

static void no_state(void *ctx, struct vs_writer *w)
{
	(void)ctx;
	(void)w;
}

static void read_all(const uint8_t *memory, uint64_t len)
{
	struct vs_source source = { .fd = -1, .memory = memory, .len = len };
	struct vs_replay_result result;
	struct vs_run_row *rows;
	char error[200];
	struct vs_reader *r = vs_reader__new(&source, error, sizeof(error));
	int nr;

	if (!r)
		return;
	nr = vs_replay__list(r, &rows);
	for (int i = 0; i < nr && i < 3; i++)
		vs_replay__run(r, &(struct vs_replay_opts){ .number = rows[i].session }, &result);
	if (nr >= 0)
		free(rows);
	vs_reader__free(r);
}

/* Each record: kind, length in two bytes, body. */
static void write_records(const uint8_t *data, size_t size)
{
	struct vs_vfr_super super = { .major = 1, .generation = 1, .slot_size = VS_VFR_SLOT };
	struct vs_record_run run = { .verb = "refs", .keep_refs = true };
	struct vs_writer *w;
	struct vs_pack p = { 0 };

	memset(file, 0, VS_VFR_SLOTS_AT);
	vs_vfr_super__write(&super, file);
	file_len = VS_VFR_SLOTS_AT;
	w = vs_writer__new(&(struct vs_writer_opts){ .first_seq = 1, .session = 1, .write = put,
						     .state = no_state });
	if (!w)
		abort();
	vs_pack__run(&p, &run);
	vs_writer__put(w, VS_REC_RUN, p.data, p.len);
	vs_pack__free(&p);
	for (size_t at = 0; at + 3 <= size;) {
		size_t len = data[at + 1] | (size_t)(data[at + 2] & 15) << 8;

		len = len < size - at - 3 ? len : size - at - 3;
		if (data[at] == VS_REC_ROW && len >= 4)
			vs_writer__event(w, data + at + 3, len);
		else
			vs_writer__put(w, data[at], data + at + 3, len);
		at += 3 + len;
	}
	vs_writer__flush(w, 1, 0);
	vs_writer__free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all(data, size);
	write_records(data, size);
	read_all(file, file_len);
	return 0;
}
