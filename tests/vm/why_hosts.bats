#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The commonest hangs on hosts of other kinds: all views say the same, and the right thing. The names say the
# kernel and the kind; 6.1 has five-level page tables in the suite `why`, 6.12 in `ways`.
load vm

CASES=${CASES:-7.x-la57 6.1-rt 6.12-rt}

setup_file()
{
	local case
	for case in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$case vm "${case%-la57}" why_hosts.sh --host la57 --mem 2G \
			--file "$TOP/build/tests/holder:/bin/holder" || return
	done
}

is_that_kind()
{
	is "$(cat "$OUT/la57")" la57 || return
	case $OUT in
	*-rt) is "$(cat "$OUT/realtime")" 1 ;;
	*) is "$(cat "$OUT/realtime")" 0 ;;
	esac
}

@test "why on other hosts: they are what they are called" {
	each is_that_kind
}

quiet()
{
	has_status idle 0 && is "$(jq -r '.cases[].verdict' "$OUT/idle")" idle
}

@test "why on other hosts: nothing wrong" {
	each quiet
}

# in_use SCENARIO HOLDER: the host, the device, its group and the task that waits show one and the same case
in_use()
{
	local view expected
	expected="in-use high 0000:00:05.0 1 $(cat "$OUT/$1.leaver") $2 $(cat "$OUT/$1.behind")"
	for view in "$1" "$1-device" "$1-group" "$1-pid"; do
		has_status "$view" 7 || return
		is "$(jq -r '.cases[] | "\(.verdict) \(.confidence) \(.device) \(.group) \(.task.tid) \(.holders[] | "\(.how):\(.pid):\(.fd)") \(.victims | map(.tid) | join(","))"' "$OUT/$view")" \
			"$expected" || return
	done
	says "$1" '0000:00:05.0 names it as the one who waits for its users'
}

told()
{
	grep -o "$2=[0-9]*" "$OUT/$1.holder" | head -1 | cut -d= -f2
}

by_unbind()
{
	in_use unbind "fd:$(told unbind pid):$(told unbind fd)"
}

nothing_left()
{
	local name
	for name in unbind mapped remove; do
		[ -e "$OUT/$name.left" ] || return
		[ ! -s "$OUT/$name.left" ] || { cat "$OUT/$name.left"; return 1; }
	done
}

@test "why on other hosts: while others wait, nothing of ours does" {
	each nothing_left
}

@test "why on other hosts: an unbind waits for a descriptor, a bind waits behind it" {
	each by_unbind
}

by_unbind_of_a_mapped_device()
{
	in_use mapped "map:$(told mapped pid):null"
}

@test "why on other hosts: an unbind waits for a mapping" {
	each by_unbind_of_a_mapped_device
}

by_remove()
{
	in_use remove "fd:$(told remove pid):$(told remove fd)"
}

@test "why on other hosts: a removal by sysfs waits for a descriptor" {
	each by_remove
}

# The lock itself names its waiters, in another way on each of these kernels.
the_first_is_known()
{
	is "$(jq --argjson tid "$(cat "$OUT/unbind.behind")" '.tasks[] | select(.tid == $tid).is_first' \
		"$OUT/evidence/unbind.json")" true
}

@test "why on other hosts: who is woken first when the lock is let go is known" {
	each the_first_is_known
}

without_bpf()
{
	is "$(jq -r '.cases[] | "\(.verdict) \(.confidence) \(.task.tid) \(.holders[] | "\(.pid):\(.fd):\(.likely)")"' "$OUT/unbind-no-bpf")" \
		"in-use medium $(cat "$OUT/unbind.leaver") $(told unbind pid):$(told unbind fd):true"
}

@test "why on other hosts: the same without BPF, holders being likely" {
	each without_bpf
}

# In a PID namespace of its own neither who waits nor who holds is seen, and the device tells that somebody does.
out_of_sight()
{
	has_status idle-hidden 5 && is "$(jq -r '.cases[].verdict' "$OUT/idle-hidden")" not-seen || return
	has_status unbind-hidden 7 || return
	is "$(jq -r '.cases[] | "\(.verdict) \(.device) \(.task) \(.holders | length)"' "$OUT/unbind-hidden")" \
		"in-use 0000:00:05.0 null 0" || return
	says unbind-hidden 'out of sight' || return
	says mapped-refs 'out of sight' && says_not mapped-refs 'no process'
}

@test "why on other hosts: in a PID namespace nothing is claimed of what is out of sight" {
	each out_of_sight
}

in_quotes()
{
	has_status in-quotes 0 && is "$(jq -r '.cases[] | "\(.verdict) \(.group)"' "$OUT/in-quotes")" "idle 1"
}

@test "why on other hosts: what is asked may stand in quotes" {
	each in_quotes
}

stopped()
{
	says stopped 'has not returned in time; it is stopped \(state T\)'
}

@test "why on other hosts: a command of --wait that is stopped is said to be" {
	each stopped
}
