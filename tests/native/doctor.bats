#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# doctor without a VM: what an ordinary user is told, the bundle, --btf, recorded hosts.

load ../assert

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	VFIOSCOPE=$PWD/build/vfioscope
	UNDER=$PWD/build/tests/under
}

# by_nobody COMMAND...: as an ordinary user, who need not reach this folder
by_nobody()
{
	local copy=$BATS_FILE_TMPDIR/nobody
	if [ "$(id -u)" -ne 0 ]; then
		"$VFIOSCOPE" "$@"
	else
		mkdir -p "$copy"
		cp "$VFIOSCOPE" "$UNDER" "$copy/"
		# The folder itself may be closed to others: a descriptor leads past it.
		"$copy/under" caps 65534 none /proc/self/fd/9 "$@" 9<"$copy/vfioscope"
	fi
}

# check ID FIELD: of $output
check()
{
	echo "$output" | jq -r ".checks[] | select(.id == \"$1\") | .$2"
}

@test "doctor: an ordinary user gets status 6, one cause, and what to type" {
	run by_nobody doctor --json
	[ "$status" -eq 6 ]
	is "$(check user status)" blocks
	is "$(check user command)" "sudo vfioscope doctor"
	is "$(check cap-bpf covered_by)" user
}

@test "doctor: each live verb tells an ordinary user in one line, status 6" {
	for verb in 'trace -d 1s' 'latency --all -d 1s' 'refs -d 1s'; do
		# shellcheck disable=SC2086 # words are wanted
		run by_nobody $verb
		[ "$status" -eq 6 ] || return
		[ "${#lines[@]}" -eq 1 ] || return
		[[ "${lines[0]}" == "vfioscope ${verb%% *}: "*"ordinary user"*"try: sudo vfioscope ${verb%% *}; see vfioscope doctor" ]] || return
	done
}

@test "doctor: every check has an id of its own, a knob, a known status and, if wrong, words" {
	run "$VFIOSCOPE" doctor --json
	echo "$output" | jq -e '.checks | length > 20 and ([.[].id] | unique | length) == length and
		all(.[]; .knob != "" and (.status | IN("ok", "note", "weaker", "blocks", "unknown")) and
			(.status == "ok" or .status == "unknown" or (.wrong != "" and .costs != "")) and
			(.status != "blocks" or .command != ""))'
}

@test "doctor: every id is documented" {
	for id in $("$VFIOSCOPE" doctor --json | jq -r '.checks[].id'); do
		grep -qE "^\.It Li $id( |\$)" docs/man/vfioscope-doctor.8 || { echo "$id is not in the manual"; return 1; }
	done
}

@test "doctor: a seccomp filter is seen" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	run "$UNDER" seccomp bpf "$VFIOSCOPE" doctor --json
	[ "$status" -eq 6 ]
	is "$(check seccomp status)" blocks
	run "$UNDER" seccomp bpf "$VFIOSCOPE" trace -d 1s
	[ "$status" -eq 6 ]
	[[ "$output" == *"seccomp filter"*"bpf"* ]]
}

@test "doctor: a missing capability is seen" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	run "$UNDER" caps 0 cap_perfmon,cap_syslog "$VFIOSCOPE" doctor --json
	[ "$status" -eq 6 ]
	is "$(check cap-bpf status)" blocks
	is "$(check cap-perfmon status)" ok
	[[ "$(check cap-bpf command)" == "docker run --cap-add BPF"* ]]
}

@test "doctor --bundle: mode 0600, JSON, no host name, never over a file" {
	run "$VFIOSCOPE" doctor --bundle "$BATS_TEST_TMPDIR/b.json"
	[[ "${lines[-1]}" =~ b.json:\ [0-9]+\ bytes ]]
	is "$(stat -c %a "$BATS_TEST_TMPDIR/b.json")" 600
	jq -e '.type == "bundle" and .doctor.type == "doctor" and .facts.type == "facts"' "$BATS_TEST_TMPDIR/b.json"
	jq -r '.. | strings' "$BATS_TEST_TMPDIR/b.json" >"$BATS_FILE_TMPDIR/strings"
	is "$(grep -cxF "$(uname -n)" "$BATS_FILE_TMPDIR/strings")" 0
	[ "$(wc -l <"$BATS_FILE_TMPDIR/strings")" -gt 50 ]
	# Nothing of an address, whether of a network card or of the kernel's memory.
	is "$(grep -ciE '([0-9a-f]{2}:){5}[0-9a-f]{2}|ffff[0-9a-f]{12}' "$BATS_TEST_TMPDIR/b.json")" 0
	before=$(cat "$BATS_TEST_TMPDIR/b.json")
	run "$VFIOSCOPE" doctor --bundle "$BATS_TEST_TMPDIR/b.json"
	[ "$status" -eq 1 ]
	[[ "${lines[-1]}" == *"exists already, and stays as it is"* ]]
	is "$(cat "$BATS_TEST_TMPDIR/b.json")" "$before"
	is "$(ls "$BATS_TEST_TMPDIR")" b.json
	run "$VFIOSCOPE" doctor --bundle /nowhere/b.json
	[ "$status" -eq 1 ]
	[[ "${lines[-1]}" == *"/nowhere/b.json: No such file"* ]]
}

@test "doctor --save-facts and --facts agree on every check" {
	"$VFIOSCOPE" doctor --json --save-facts "$BATS_TEST_TMPDIR/facts" >"$BATS_TEST_TMPDIR/here" || true
	"$VFIOSCOPE" doctor --json --facts "$BATS_TEST_TMPDIR/facts" >"$BATS_TEST_TMPDIR/there" || true
	is "$(jq -c .checks "$BATS_TEST_TMPDIR/here")" "$(jq -c .checks "$BATS_TEST_TMPDIR/there")"
}

@test "--btf: before the verb and behind it, and what is none is refused in one line" {
	for args in '--btf /etc/passwd doctor' 'doctor --btf=/etc/passwd' 'trace --btf /nowhere'; do
		# shellcheck disable=SC2086 # words are wanted
		run "$VFIOSCOPE" $args
		[ "$status" -eq 1 ] || return
		[ "${#lines[@]}" -eq 1 ] || return
		[[ "$output" == "vfioscope: --btf: /"* ]] || return
	done
	run "$VFIOSCOPE" doctor --btf
	[ "$status" -eq 2 ]
	[ "${#lines[@]}" -eq 1 ]
	"$VFIOSCOPE" --help | grep -q -- '--btf FILE'
	[ ! -r /sys/kernel/btf/vmlinux ] || run "$VFIOSCOPE" doctor --json --btf /sys/kernel/btf/vmlinux
	is "$(check btf status)" ok
}

@test "doctor: wrong usage" {
	for args in '--facts x --bundle y' '--bundle' '--self-test --facts x'; do
		# shellcheck disable=SC2086 # words are wanted
		run "$VFIOSCOPE" doctor $args
		[ "$status" -eq 2 ] || return
		[ "${#lines[@]}" -eq 1 ] || return
	done
}

@test "doctor: fits 80 columns" {
	run script -qec 'stty cols 80; build/vfioscope doctor -v' /dev/null
	[ "${#lines[@]}" -gt 20 ]
	prints_not '^.{81,}.' printf '%s\n' "${lines[@]}"	# each ends with a carriage return
}

@test "doctor: the verdict comes first, and only what matters here without -v" {
	local all
	all=$("$VFIOSCOPE" doctor -v --facts tests/facts/fixed.json | wc -l)
	run "$VFIOSCOPE" doctor --facts tests/facts/fixed.json
	[ "${lines[0]}" = "VERDICT   READY: everything required can be armed" ]
	[ "${#lines[@]}" -lt 12 ]
	[ "$all" -gt 60 ]
	run "$VFIOSCOPE" doctor --color always --facts tests/facts/fixed.json
	[[ "${lines[0]}" == *$'\033[1;32mREADY'* ]]
}

@test "doctor: on a system without VFIO nothing is said of it" {
	jq '.vfio_state = 0' tests/facts/fixed.json >"$BATS_TEST_TMPDIR/absent.json"
	run "$VFIOSCOPE" doctor --facts "$BATS_TEST_TMPDIR/absent.json"
	[[ "${lines[0]}" == "VERDICT   NO VFIO:"* ]]
	[ "${#lines[@]}" -eq 3 ]
}
