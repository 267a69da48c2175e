#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# 64 CPUs, emulated by two or so: slow, but each is a ring of its own, and each must be read.
load vm

setup_file()
{
	vm fixed cpus.sh --smp 64 --mem 4G
}

@test "cpus: trace sees what each of 64 did" {
	is "$(cat "$OUT/nproc")" 64
	has_status trace 0
	is "$(summary trace '[.events_by_type.open, .events_by_type.get, .events_by_type.put, .events_by_type.close, .lost] | tostring')" \
		"[192,192,192,192,0]"
}

@test "cpus: refs keeps the ledger of all" {
	has_status refs 0
	is "$(of refs summary '[.events_by_type.open, .events_by_type.get, .events_by_type.put, .lost] | tostring')" \
		"[192,192,192,0]"
	is "$(of refs ledger '.groups[] | select(.number == 1) | "\(.references) \(.kernel_refs) \(.unknown) \(.differs)"' | tail -1)" \
		"1 1 0 false"
}

@test "cpus: latency counts every deferred put" {
	has_status latency 0
	queued=$(summary control .deferred.queued)
	[ "$queued" -ge 10 ]
	is "$(summary control .lost)" 0
	is "$(of latency report '[.works.queued, .works.started, .works.ended, .queued_to_ended.count] | unique | tostring')" "[$queued]"
	is "$(of latency report .lost)" 0
}

@test "cpus: memory stays small" {
	for name in trace refs latency; do
		kib=$(awk '{ print $2 }' "$OUT/$name.memory")
		echo "# $name: peak $kib KiB resident" >&3
		[ "$kib" -lt 40960 ] || return
	done
}

@test "cpus: nothing stays behind" {
	nothing_left after
}
