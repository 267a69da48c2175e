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

# The log is whole, each value follows from the one before, and the last one is what memory held then.
sequence()
{
	local breaks moved last
	is "$(wc -l <"$OUT/$1.log")" "$(sed -n 's/^changes \([0-9]*\) .*/\1/p' "$OUT/$1.watch")" || return
	read -r breaks moved last < <(awk '{ print $1, $4, $5, $2 }' "$OUT/$1.log" | chain)
	echo "# $1: $breaks breaks in the sequence of values, $moved moved, last value $last" >&3
	is "$breaks $last" "0 $(sort -n "$OUT/$1.log" | tail -1 | cut -d' ' -f6)" || return
	is "$(awk '{ sum += $4 "1" } END { print sum + 0 }' "$OUT/$1.log")" 0
}

@test "oracle: the changes are one unbroken sequence of values" {
	sequence few
	sequence many
}
