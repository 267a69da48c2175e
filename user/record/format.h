/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The format .vfr, the same for files that grow and for rings of constant size. All numbers are
 * little-endian.
 *
 *	superblock A, B	4 KiB each, written in turn: the valid one of the higher generation counts
 *	slot 0 .. n	256 KiB each, read without any other: a row of units, and then old or no bytes
 *	unit		a head of 40 bytes, and a part of the slot's one zstd frame
 *	record		kind, length, body (kinds.h), in the frame
 *
 * There is no end to be written: a file is whole at any time, up to its last whole unit. What cannot be
 * read is told by the numbers of the units, which have no hole.
 */
#ifndef VFIOSCOPE_RECORD_FORMAT_H
#define VFIOSCOPE_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_VFR_MAJOR 1
#define VS_VFR_MINOR 0
#define VS_VFR_SUPER 4096
#define VS_VFR_SLOTS_AT (2 * VS_VFR_SUPER)
#define VS_VFR_SLOT (256u << 10)
#define VS_VFR_HEAD 40
#define VS_VFR_UNIT_RAW (64u << 10)	/* of one unit, before compression, at most */
#define VS_VFR_WINDOW_LOG 18		/* of the frames: bounds what a reader needs */
#define VS_VFR_MOST_SLOTS 16384		/* of a ring: 4 GiB */

/* A reader refuses a file with an incompatible flag that it does not know, and ignores compatible ones. */
#define VS_VFR_INCOMPATIBLE 0u		/* the known ones */

struct vs_vfr_super {
	uint16_t major, minor;
	uint32_t incompatible, compatible;
	uint64_t generation;
	uint32_t slot_size;
	uint32_t slots;		/* 0: the file grows */
	uint8_t pinned[VS_VFR_MOST_SLOTS / 8];	/* of a ring: slots that are not taken again */
};

/* Both superblocks have room for VS_VFR_SUPER bytes. */
void vs_vfr_super__write(const struct vs_vfr_super *s, uint8_t *block);
/* Returns 0, or -EINVAL: it is none, or damaged. */
int vs_vfr_super__read(const uint8_t *block, struct vs_vfr_super *s);

enum vs_vfr_flags {
	VS_UNIT_FIRST = 1 << 0,	/* of its slot: the frame begins */
	VS_UNIT_BUG = 1 << 1,	/* a finding of grade bug was made in it */
};

struct vs_vfr_head {
	uint16_t flags;
	uint16_t session;	/* runs of one file are numbered */
	uint32_t stored, raw;	/* bytes behind this head, and unpacked */
	uint64_t seq;		/* of the unit, over all slots and sessions; from 1 */
	uint64_t time_ns;	/* CLOCK_MONOTONIC when it was written */
	uint32_t inputs;	/* in it */
};

/* @payload has head->stored bytes; the sum is over both. */
void vs_vfr_head__write(const struct vs_vfr_head *head, const void *payload, uint8_t *buf);
/* Returns false if there is no head; the sum is not checked. */
bool vs_vfr_head__read(const uint8_t *buf, struct vs_vfr_head *head);
/* Returns true if head and payload, which follows it at @buf, are as they were written. */
bool vs_vfr_head__is_whole(const uint8_t *buf, const struct vs_vfr_head *head);

uint32_t vs_crc32c(uint32_t sum, const void *data, size_t len);

#endif
