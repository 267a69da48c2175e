// SPDX-License-Identifier: GPL-2.0
#include "record/format.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static const char super_magic[8] = "VFIO.vfr";
static const char unit_magic[4] = "vfru";

#define PINNED_AT 64
#define SUM_AT (VS_VFR_SUPER - 4)

static void put16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* CRC-32C (Castagnoli), reflected. */
uint32_t vs_crc32c(uint32_t sum, const void *data, size_t len)
{
	static uint32_t table[256];
	const uint8_t *p = data;

	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		uint32_t value = i;

		for (int bit = 0; bit < 8; bit++)
			value = value & 1 ? value >> 1 ^ 0x82f63b78u : value >> 1;
		table[i] = value;
	}
	sum = ~sum;
	while (len--)
		sum = table[(sum ^ *p++) & 0xff] ^ sum >> 8;
	return ~sum;
}

void vs_vfr_super__write(const struct vs_vfr_super *s, uint8_t *block)
{
	memset(block, 0, VS_VFR_SUPER);
	memcpy(block, super_magic, sizeof(super_magic));
	put16(block + 8, s->major);
	put16(block + 10, s->minor);
	put32(block + 12, s->incompatible);
	put32(block + 16, s->compatible);
	put64(block + 24, s->generation);
	put32(block + 32, s->slot_size);
	put32(block + 36, s->slots);
	memcpy(block + PINNED_AT, s->pinned, sizeof(s->pinned));
	put32(block + SUM_AT, vs_crc32c(0, block, SUM_AT));
}

int vs_vfr_super__read(const uint8_t *block, struct vs_vfr_super *s)
{
	if (memcmp(block, super_magic, sizeof(super_magic)) ||
	    get32(block + SUM_AT) != vs_crc32c(0, block, SUM_AT))
		return -EINVAL;
	s->major = get16(block + 8);
	s->minor = get16(block + 10);
	s->incompatible = get32(block + 12);
	s->compatible = get32(block + 16);
	s->generation = get64(block + 24);
	s->slot_size = get32(block + 32);
	s->slots = get32(block + 36);
	memcpy(s->pinned, block + PINNED_AT, sizeof(s->pinned));
	return 0;
}

static uint32_t sum_of(const uint8_t *buf, const void *payload, size_t stored)
{
	return vs_crc32c(vs_crc32c(0, buf + 8, VS_VFR_HEAD - 8), payload, stored);
}

void vs_vfr_head__write(const struct vs_vfr_head *head, const void *payload, uint8_t *buf)
{
	memcpy(buf, unit_magic, sizeof(unit_magic));
	put16(buf + 8, head->flags);
	put16(buf + 10, head->session);
	put32(buf + 12, head->stored);
	put32(buf + 16, head->raw);
	put32(buf + 20, head->inputs);
	put64(buf + 24, head->seq);
	put64(buf + 32, head->time_ns);
	put32(buf + 4, sum_of(buf, payload, head->stored));
}

bool vs_vfr_head__read(const uint8_t *buf, struct vs_vfr_head *head)
{
	if (memcmp(buf, unit_magic, sizeof(unit_magic)))
		return false;
	head->flags = get16(buf + 8);
	head->session = get16(buf + 10);
	head->stored = get32(buf + 12);
	head->raw = get32(buf + 16);
	head->inputs = get32(buf + 20);
	head->seq = get64(buf + 24);
	head->time_ns = get64(buf + 32);
	return head->stored <= VS_VFR_SLOT - VS_VFR_HEAD && head->raw <= VS_VFR_UNIT_RAW;
}

bool vs_vfr_head__is_whole(const uint8_t *buf, const struct vs_vfr_head *head)
{
	return get32(buf + 4) == sum_of(buf, buf + VS_VFR_HEAD, head->stored);
}
