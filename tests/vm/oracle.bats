#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Gets and puts as vfioscope counts them, against hardware watchpoints on the counter.
load vm

setup_file()
{
	vm fixed oracle.sh --file "$TOP/build/tests/refwatch:/bin/refwatch"
}

# Each get and each put that is not the last writes the counter once; the group lives on throughout.
agrees()
{
	local gets puts watched
	gets=$(summary "$1" .events_by_type.get)
	puts=$(summary "$1" .events_by_type.put)
	watched=$(sed -n 's/^changes \([0-9]*\) .*/\1/p' "$OUT/$1.watch")
	echo "# $1: gets $gets + puts $puts = $((gets + puts)), watchpoints: $(tail -1 "$OUT/$1.watch")" >&3
	is "$(summary "$1" .lost)" 0 && is "$((gets + puts))" "$watched"
}

@test "oracle: the address of the group is known" {
	grep -qE '^ffff[0-9a-f]{12}$' "$OUT/address"
}

@test "oracle: three rounds, no difference" {
	agrees few
}

@test "oracle: 400 rounds, no difference" {
	[ "$(summary many .events_by_type.get)" -gt 2000 ]
	agrees many
}
