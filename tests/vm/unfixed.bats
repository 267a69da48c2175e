#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Five guests, each of which deadlocks for real: four with debug messages in the notifier, which widen the window
# (tools/lab/README.md), the fifth with the kernel's own timing, as long as that takes no more than 4,000 cycles.
load vm

CASES="1 2 3 4 5"

setup_file()
{
	for run in $CASES; do
		plain=
		[ "$run" != 5 ] || plain='--env PLAIN=4000'
		# shellcheck disable=SC2086 # words are wanted
		OUT=$BATS_FILE_TMPDIR/$run vm unfixed unfixed.sh --file "$TOP/build/tests/witness:/bin/witness" $plain || return
	done
}

deadlock()
{
	of race finding "select(.name == \"notifier-deadlock\") | $1"
}

@test "unfixed: doctor says that the fix is absent" {
	each says doctor 'the fix +ABSENT'
	each says doctor 'deferred-queue +not-applicable'
}

stuck()
{
	says stress 'race: stuck after' || return
	echo "# ${OUT##*/}: $(paste -sd';' "$OUT/stress")" >&3
}

@test "unfixed: the loop really deadlocks" {
	each stuck
	OUT=$BATS_FILE_TMPDIR/1
	says widened ' =p '
	OUT=$BATS_FILE_TMPDIR/5
	says_not plain ' =p '
	says plain 'vfio_iommu_group_notifier'
}

one_deadlock()
{
	is "$(deadlock .name)" notifier-deadlock && has_status race 3
}

@test "unfixed: deadlock named in 5 of 5, exit code 3" {
	each one_deadlock
}

in_time()
{
	took_from "$(deadlock '.time_ns / 1e9')" "$(deadlock '.said_ns / 1e9')" 100
}

@test "unfixed: within 100 ms of vfio_group_release" {
	each in_time
}

# The kernel's own tracing tells when the stuck task entered the release, another process when the file had it.
in_time_by_others()
{
	took_from "$(awk -v tid="$(cat "$OUT/stuck")" '$1 == tid { at = $2 } END { print at }' "$OUT/releases")" \
		"$(sed -n 's/^seen //p' "$OUT/witness")" 100
}

@test "unfixed: in the file within 100 ms, measured from outside" {
	each in_time_by_others
}

# A serial line keeps what it was given, as a disk does after fdatasync.
@test "unfixed: a machine that is reset in the moment of the report has it" {
	OUT=$BATS_FILE_TMPDIR/reset
	mkdir -p "$OUT"
	run "$TOP/tools/lab/lab" run unfixed --timeout 120 --keep-log "$OUT/log" \
		--file "$TOP/build/tests/witness:/bin/witness" -- '>/tmp/out
		vfioscope trace -q --json -o /dev/ttyS0 >/tmp/out & until grep -q "\"start\"" /tmp/out; do usleep 100000; done
		witness /tmp/out "\"name\":\"notifier-deadlock\"" reset & race 3000; echo "not reset"'
	prints_not 'not reset' echo "$output"
	is "$(tr -d '\r' <"$OUT/log" | sed -n 's/.*\({"type":"finding".*"name":"notifier-deadlock".*}\)$/\1/p' |
		jq '.grade == "bug" and .proven and (.picture.rows | length > 2)')" true
}

# The stack that the kernel shows for that task is compared below.
right_task()
{
	is "$(deadlock '[.proven, .release_seen, .callback] | tostring')" '[true,true,"vfio_iommu_group_notifier"]' &&
		is "$(deadlock .call_place | cut -d+ -f1)" iommu_bus_notifier &&
		is "$(deadlock .change_place | cut -d+ -f1)" vfio_group_release
}

@test "unfixed: right task, chain, callback and places" {
	each right_task
}

@test "unfixed: the kernel's own stack of that task shows the deadlock" {
	stack_agrees() { deadlock '.stack | join(" ")' | grep -qE 'chain_unregister.* vfio_group_release.* vfio_iommu_group_notifier.* blocking_notifier_call_chain.* iommu_bus_notifier'; }
	each stack_agrees
}

@test "unfixed: it is the task that the kernel shows in D state" {
	in_d_state() { is "$(cat "$OUT/stuck")" "$(deadlock .tid)"; }
	each in_d_state
}

# The history of a group has an end: on a busy machine others do more than it takes while one processor stands still.
# Then rows are cut, and the culprit's own are there all the same.
other_put()
{
	is "$(deadlock '.picture | "\(.other_puts >= 1) \(.complete or .rows_cut > 0) " +
		([.rows[] | select(.other | not) | .event] | map(select(IN("notifier-enter", "get", "put", "release", "chain-deadlock"))) |
		unique | join(" "))')" "true true chain-deadlock get notifier-enter put release" || { deadlock .picture; return 1; }
}

@test "unfixed: the picture shows the other task's put" {
	each other_put
}

@test "unfixed: every notifier event that found its group is a put in the notifier" {
	all_puts() { is "$(summary race '.findings["put-in-notifier"]')" "$(summary race .notifier_found)"; }
	each all_puts
}

# A get has the count that it made, exactly: from each of them follows the same count before the first row, and
# from that one no reference is left after the culprit's last put. The picture folds only what cancels out; where
# rows are cut, in the middle, each half is looked at; where the history does not reach back to the culprit's get, what
# lies between is not known.
adds_up()
{
	local sum
	sum=$(deadlock '.picture | (.rows | length / 2 | floor) as $half | .complete as $whole |
		(if .rows_cut > 0 then [.rows[:$half], .rows[$half:]] else [.rows] end) |
		map(map(select(.event == "put" or (.event == "get" and ($whole or .other))))) |
		(.[-1] | map(.event == "put" and .last and (.other | not)) | index(true)) as $stop |
		if $stop == null then "no last put of its own" else
		.[-1] |= .[:$stop + 1] | map(. as $part | map(if .event == "get" then 1 else -1 end) as $step |
			{before: ([range(length) as $i | select($part[$i].event == "get") | $part[$i].refs - ($step[:$i + 1] | add)] | unique),
			 steps: ($step | add), last: $part[-1].refs}) |
		"\([map(.before | length) | max, 1] | max) \(.[-1] | if .before == [] then .last - 1 else .before[0] + .steps end)" end')
	is "$sum" "1 0" || { deadlock .picture; return 1; }
}

@test "unfixed: the counts in the picture add up to the last put" {
	each adds_up
}

@test "unfixed: the file has the finding while the host hangs" {
	in_file() { grep -q '"name":"notifier-deadlock"' "$OUT/copy-while-hung"; }
	each in_file
}

@test "unfixed: nothing is lost" {
	none_lost() { is "$(summary race .lost)" 0; }
	each none_lost
}

@test "unfixed: /dev/vfio/N is gone while the task hangs, as the release had removed it" {
	each says_not dev-vfio '^1$'
}

@test "unfixed: Ctrl-C ends the trace with its summary, and nothing stays behind" {
	each nothing_left after
}

@test "unfixed: nothing stays behind after SIGKILL" {
	each nothing_left after-kill
}
