// SPDX-License-Identifier: GPL-2.0
#include "snapshot/kstack.h"

#include <unistd.h>

#include "bpf/peek.h"

size_t vs_kstack__bytes(const struct vs_stack_row *row)
{
	size_t bytes = (size_t)row->stack_pages * (size_t)sysconf(_SC_PAGESIZE);

	if (!bytes)
		return VS_KSTACK_USUAL;
	return bytes < VS_KSTACK_MOST ? bytes : VS_KSTACK_MOST;
}

size_t vs_kstack__read(const struct vs_mem *mem, const struct vs_stack_row *row, uint64_t words[VS_KSTACK_WORDS])
{
	size_t most = vs_kstack__bytes(row) / 8, nr = 0;

	while (nr < most && !vs_mem__read(mem, row->stack + 8 * nr, &words[nr], VS_PEEK_BLOCK))
		nr += VS_PEEK_BLOCK / 8;
	return nr;
}
