#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Recordings of two kernels: one that deadlocks while all is recorded, one without a notifier.
load vm

CASES="unfixed 6.12"

setup_file()
{
	OUT=$BATS_FILE_TMPDIR/unfixed vm unfixed record.sh --env CYCLES=3000 || return
	OUT=$BATS_FILE_TMPDIR/6.12 vm 6.12 record.sh --env CYCLES=200
}

same()
{
	has_status "$1.same" 0 && [ -s "$OUT/$1" ] && [ ! -s "$OUT/$1.again.err" ] || return
	is "$(cat "$OUT/$1.again.status")" "$(cat "$OUT/$1.status")"
}

@test "record: report shows the bytes that trace and refs have shown, with their status" {
	each same trace
	each same refs
	OUT=$BATS_FILE_TMPDIR/unfixed
	has_status trace 3
	[ "$(of trace event .name | wc -l)" -gt 20 ]
}

few_bytes()
{
	local events bytes
	events=$(of trace event .name | wc -l)
	bytes=$(cat "$OUT/trace.bytes") || return
	echo "# ${OUT##*/}: $bytes bytes, $events events" >&3
}

@test "record: what an event takes" {
	each few_bytes
}

@test "record: the deadlock is in the ring of a recorder that was killed" {
	OUT=$BATS_FILE_TMPDIR/unfixed
	says stress 'race: stuck after'
	has_status ring.report 3
	says ring.report 'ended without an end: killed'
	says ring.report 'BUG +notifier deadlock|notifier-deadlock|BUG'
	says ring.refs 'vfio_iommu_group_notifier'
}

size_stays()
{
	[ "$(sort -u "$OUT/ring.size" | wc -l)" = 1 ] && [ "$(wc -l <"$OUT/ring.size")" = 3 ]
}

@test "record: a ring has one size, and the next start goes on behind what is there" {
	each size_stays
	each says ring2.report '2 runs'
	each says ring2.report 'ended with exit status'
}
