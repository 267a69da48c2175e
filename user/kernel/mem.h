/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads kernel memory: the running kernel's (peek.h), or a made-up one in the unit tests.
 * Memory may change between two reads, so a walk is bounded and checks each pointer
 * before it believes it.
 */
#ifndef VFIOSCOPE_MEM_H
#define VFIOSCOPE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_mem {
	/* All of it or -EFAULT. */
	int (*read)(void *ctx, uint64_t address, void *buf, size_t len);
	/* Reads 8 bytes at each address; ok[i] is true if it could. It is far cheaper than `nr` reads. */
	void (*words)(void *ctx, const uint64_t *addresses, uint64_t *values, bool *ok,
		      size_t nr);
	void *ctx;
};

static inline int vs_mem__read(const struct vs_mem *mem, uint64_t address, void *buf, size_t len)
{
	return mem->read(mem->ctx, address, buf, len);
}

static inline void vs_mem__words(const struct vs_mem *mem, const uint64_t *addresses,
				 uint64_t *values, bool *ok, size_t nr)
{
	mem->words(mem->ctx, addresses, values, ok, nr);
}

/* A pointer; 0 when it cannot be read. */
static inline uint64_t vs_mem__pointer(const struct vs_mem *mem, uint64_t address)
{
	uint64_t value;

	return vs_mem__read(mem, address, &value, sizeof(value)) ? 0 : value;
}

#endif
