// SPDX-License-Identifier: GPL-2.0
/* Rows are made when they are needed first. */
#include "rows.h"

/* Two CPUs may want the same new row: the slower one gives its number back. */
static __always_inline __u32 *row_make(const struct vs_lat_key *key)
{
	__u32 number;

	if (bpf_map_pop_elem(&free_rows, &number)) {
		count_loss(VS_LAT_LOSS_ROWS_FULL);
		return 0;
	}
	if (bpf_map_update_elem(&row_numbers, key, &number, BPF_NOEXIST))
		bpf_map_push_elem(&free_rows, &number, BPF_ANY);
	return bpf_map_lookup_elem(&row_numbers, key);
}

__noinline int row_number(__u64 func, __s32 pool, __u32 released)
{
	struct vs_lat_key key = { .func = func, .pool = pool, .released = released };
	__u32 *number = bpf_map_lookup_elem(&row_numbers, &key);

	if (!number)
		number = row_make(&key);
	return number ? (int)*number : -1;
}
