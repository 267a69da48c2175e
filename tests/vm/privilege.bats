#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The capabilities that are listed are enough, each is needed, and what is not needed is given away.
load vm

# All of them in `make soak`.
CASES="fixed ${EVERY:+6.1 6.12} 7.x"

setup_file()
{
	for kernel in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" privilege.sh \
			--file "$TOP/build/tests/under:/bin/under" \
			--file "$TOP/build/tests/caps_dump:/bin/caps_dump" || return
	done
}

kernel()
{
	echo "${OUT##*/}"
}

# with_vfio NAME: what must be seen of one use
with_vfio()
{
	local released
	released=$(summary "$1" .events_by_type.unregister)
	[ "$released" -ge 1 ] || { echo "$1: no unregister seen"; return 1; }
	is "$(summary "$1" .lost)" 0
}

# An interrupt that queues a work while the program of another work runs is a loss to root, too.
latency_works()
{
	local lost
	lost=$(of latency report .lost)
	if [ "$lost" = 0 ]; then
		has_status latency 0
	else
		has_status latency 5 && is "$(of latency report '.losses[] | select(.total > 0) | .cause')" recursion
	fi
}

# The trace has a gap: its vfio.ko is loaded again.
works_for_others()
{
	has_status trace 5 && with_vfio trace && latency_works &&
		[ "$(of latency report .works.ended)" -gt 0 ] && has_status why 0
}

@test "privilege: another user with the listed capabilities sees what root sees" {
	each works_for_others
}

refs_agree()
{
	has_status refs 0 && with_vfio refs &&
		is "$(of refs ledger '.groups[] | select(.number == 1) | .differs' | tail -1)" false
}

@test "privilege: ... and keeps the ledger" {
	each refs_agree
}

quiet()
{
	has_status quiet 0 && with_vfio quiet && silent of quiet gap .words
}

@test "privilege: who may read files of root until it is armed sees no vfio.ko that comes again" {
	each quiet
}

rearmed()
{
	[ "$(of "$1" gap .type | wc -l)" = 1 ] && [ "$(summary "$1" .events_by_type.unregister)" -ge 1 ]
}

@test "privilege: a vfio.ko that is loaded again is seen without privileges" {
	each rearmed root
	each rearmed trace
}

# mask NAME LINE: permitted capabilities of the tracer (1) or its keeper (2)
mask()
{
	echo $((0x$(sed -n "s/^CapPrm:[[:space:]]*//p" "$OUT/$1.privileges" | sed -n "$2p")))
}

# dropped NAME FDS: descriptors of the keeper; root's has /proc/kcore
dropped()
{
	local syslog=$((1 << 34)) bpf=$((1 << 39)) keeper=$((1 << 38 | 1 << 34 | 1 << 21 | 1 << 19))
	# CAP_BPF stays where open maps want it.
	[ "$(kernel)" = fixed ] || bpf=0
	is "$(mask "$1" 1)" $((syslog | bpf)) && is $(($(mask "$1" 2) & ~keeper)) 0 &&
		is "$(grep -c 'Seccomp:.2' "$OUT/$1.privileges")" 2 &&
		is "$(grep -c 'NoNewPrivs:.1' "$OUT/$1.privileges")" 2 &&
		is "$(grep -c 'CapAmb:.0000000000000000' "$OUT/$1.privileges")" 2 &&
		is "$(grep -cx "$2" "$OUT/$1.privileges")" 1
}

@test "privilege: armed, only CAP_SYSLOG is left; the keeper has its four, and two descriptors at most" {
	each dropped root 2
	each dropped trace 1
	each dropped refs 1
}

least()
{
	has_status least.trace 0 && has_status least.why 0
}

compared_again()
{
	prints_not 'not compared' of root notice .words
}

@test "privilege: ... and the text of vfio.ko is compared again, by the keeper" {
	each compared_again
}

@test "privilege: what is only useful can be missing" {
	each least
}

# each capability that is needed is named when it is missing
named()
{
	local work cap tried=0
	for work in trace refs latency why; do
		# Without a deferred put latency has nothing to begin with.
		[ $work != latency ] || [ "$(kernel)" = fixed ] || continue
		for cap in $(sed -n "s/^$work: needed //p" "$OUT/caps" | tr ',' ' '); do
			tried=$((tried + 1))
			says "missing.$work.$cap" "$(echo "$cap" | tr '[:lower:]' '[:upper:]')" || return 1
			[ "$(cat "$OUT/missing.$work.$cap.status")" != 0 ] || [ "$work" = why ] || return 1
		done
	done
	[ $tried -ge 8 ]
}

@test "privilege: each one that is missing is named" {
	each named
}
