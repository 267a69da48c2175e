#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What goes wrong around a trace is counted and said, and nothing is left behind. `make soak` runs
# the same with CYCLES=1000 KILLS=100.
load vm

setup_file()
{
	vm fixed faults.sh \
		--env "CYCLES=${CYCLES:-6}" --env "KILLS=${KILLS:-16}" \
		--file "$TOP/tests/vm/cycles.sh:/lab/cycles.sh" \
		--file "$TOP/build/tests/small_maps:/bin/small_maps"
}

# lost NAME CAUSE
lost()
{
	summary "$1" ".losses[] | select(.cause == \"$2\") | .total"
}

@test "faults: a ring overrun is counted exactly, and there is no verdict" {
	has_status overrun 5
	has_status whole 0
	is "$(summary whole .events_by_type.open)" 1000
	is "$(summary whole .lost)" 0
	[ "$(lost overrun ring-full)" -gt 1000 ]
	is "$(summary overrun '.events + .lost')" "$(summary whole .events)"
	is "$(lost overrun ring-full)" "$(summary overrun .lost)"
}

@test "faults: what a reader lost that stood still has its length" {
	is "$(of overrun loss .cause | sort -u)" ring-full
	[ "$(of overrun loss '.time_ns - .since_ns' | sort -n | tail -1)" -gt 2000000000 ]
	[ "$(of overrun loss .grown | awk '{ n += $1 } END { print n }')" = "$(lost overrun ring-full)" ]
}

@test "faults: of two instances each sees all, and one does not miss the other" {
	has_status survivor 0
	is "$(summary survivor '[.events_by_type.open, .events_by_type.get, .events_by_type.put, .events_by_type.close, .lost] | tostring')" \
		"[600,600,600,600,0]"
}

@test "faults: a map that is full is counted by cause" {
	says race '200 cycles done'
	says small '^task-map-full [1-9]'
	says small '^ring-full 0'
}

@test "faults: a CPU goes and comes back: all is seen" {
	has_status hotplug 0
	is "$(summary hotplug '[.events_by_type.open, .events_by_type.get, .events_by_type.put, .events_by_type.close, .lost] | tostring')" \
		"[300,300,300,300,0]"
	has_status hotplug-latency 0
	is "$(of hotplug-latency report '[.works.queued, .works.started, .works.ended] | unique | length')" 1
	is "$(of hotplug-latency report .lost)" 0
}

@test "faults: a CPU that comes back without its watchpoint is said" {
	has_status hotplug-exact 5
	is "$(lost hotplug-exact cpu-unwatched)" 1
	is "$(summary hotplug-exact .events_by_type.open)" 20
}

@test "faults: a full disk ends it with a line and a status, and the summary where there is room" {
	has_status full 1
	is "$(cat "$OUT/full.err")" 'vfioscope trace: cannot write: No space left on device'
	[ "$(summary full .events_by_type.open)" -gt 0 ]
	has_status full-refs 1
	is "$(cat "$OUT/full-refs.err")" 'vfioscope refs: cannot write: No space left on device'
	says full-refs '^losses:'
	says full-validate '^vfioscope validate: /tmp/full/report: No space left on device'
	says full-validate INCONCLUSIVE
}

@test "faults: who reads no more ends it without a word" {
	for name in pipe pipe-json pipe-refs pipe-latency; do
		# 5: a busy guest may have lost something by then, and nobody is there to read of it.
		grep -qxE '0|5' "$OUT/$name.status" || return
		silent cat "$OUT/$name.err" || return
		is "$(wc -l <"$OUT/$name")" 1 || return
	done
}

@test "faults: setting the clock changes no duration and no order" {
	has_status clock 0
	is "$(summary clock .events_by_type.open)" 30
	is "$(summary clock .lost)" 0
	of clock event .time_ns >"$OUT/times"
	[ "$(wc -l <"$OUT/times")" -ge 60 ]
	sort -c -n "$OUT/times"
	is "$(of clock deferred '.end_ns - .queue_ns' | awk '$1 > 0 && $1 < 1e10' | wc -l)" \
		"$(summary clock .deferred.ended)"
	[ "$(summary clock .duration_ns)" -lt 60000000000 ]
	has_status clock-ends 0
	[ "$(summary clock-ends .duration_ns)" -ge 3000000000 ]
	[ "$(summary clock-ends .duration_ns)" -lt 20000000000 ]
	# Hundredths of a second, with the start.
	[ "$(cat "$OUT/clock-ends.took")" -lt 3000 ]
	# The wall time is that of the start.
	began=$(of clock start '.wall_ns / 1000000000 | floor')
	[ $((began - $(cat "$OUT/clock.wall"))) -ge 0 ]
	[ $((began - $(cat "$OUT/clock.wall"))) -lt 60 ]
	has_status clock-latency 0
	[ "$(of clock-latency report .queued_to_ended.max_ns)" -lt 10000000000 ]
	[ "$(of clock-latency report .duration_ns)" -lt 20000000000 ]
}

# as_before WHAT: counts and memory
as_before()
{
	diff "$OUT/$1.before" "$OUT/$1.after"
}

@test "faults: starting and stopping leaks nothing" {
	is "$(cat "$OUT/starts.done")" "${CYCLES:-6}"
	as_before starts
	# Files of the whole guest, and KiB of its kernel: one start takes thousands of them.
	read -r before after <<<"$(paste -sd' ' "$OUT/starts.files")"
	echo "# ${CYCLES:-6} starts took $(cat "$OUT/starts.took") cs; open files $before -> $after" >&3
	# The kernel counts files per CPU and tells the sum of rounds of 32.
	[ $((after - before)) -le $((64 + ${CYCLES:-6} / 8)) ]
	read -r before after <<<"$(paste -sd' ' "$OUT/starts.memory")"
	echo "# kernel memory $before -> $after KiB" >&3
	[ $((after - before)) -le $((1024 + ${CYCLES:-6} * 4)) ]
}

@test "faults: SIGKILL at any moment leaves nothing" {
	is "$(cat "$OUT/kills.done")" "${KILLS:-16}"
	as_before kills
	# Most moments are in the middle of a run.
	[ "$(grep -c ' 137$' "$OUT/kills.moments")" -ge $((${KILLS:-16} * 9 / 10)) ]
}

@test "faults: the kernel has not complained" {
	silent cat "$OUT/dmesg"
}
