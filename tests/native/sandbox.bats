#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What is left to a run once it is armed, tried by a program that enters the same sandbox.
load ../assert
bats_require_minimum_version 1.5.0

setup_file()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	export OUT=$BATS_FILE_TMPDIR
	build/tests/sandbox_try >"$OUT/try" || echo $? >"$OUT/try.status"
	build/tests/sandbox_try files >"$OUT/files" || true
}

says()
{
	grep -qxE "$2" "$OUT/$1" || { echo "$1 does not say: $2"; cat "$OUT/$1"; return 1; }
}

@test "sandbox: it is entered, and no more than two capabilities are left" {
	says try 'entered: ok'
	says try 'capabilities: (CAP_BPF and )?CAP_SYSLOG'
	says files 'capabilities: (CAP_BPF, )?CAP_SYSLOG and CAP_DAC_OVERRIDE'
}

@test "sandbox: what the run loop needs goes on" {
	says try 'look into no map: Bad file descriptor'
	says try 'read a file: ok'
	says try 'start a thread: ok'
	says try 'ask for a process: ok'
}

@test "sandbox: everything else is refused" {
	for what in 'load a program' 'make a map' 'write a file' 'remove a file' connect 'start a process' \
		'signal a process' 'open a perf event' 'make code' 'become somebody else' 'change limits'; do
		says try "$what: Function not implemented" || return
	done
}

@test "sandbox: reports can be written where they are wanted" {
	says files 'write a file: ok'
	says files 'remove a file: ok'
	says files 'load a program: Function not implemented'
}

@test "sandbox: the keeper answers what it is there for, and nothing else" {
	says try 'keeper: ok'
	says try 'ask for a stack: ok'
	says try 'ask for another event: Invalid argument'
}

@test "sandbox: who executes something is ended" {
	says try 'execute: soon'
	absent 'still here' "$OUT/try"
	[ "$(cat "$OUT/try.status")" = 159 ]
}
