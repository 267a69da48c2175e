#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What a newcomer runs first: `make demo`, without its build.
load vm

setup_file()
{
	export OUT=$BATS_FILE_TMPDIR
	"$TOP/tools/demo" >"$OUT/demo" 2>&1 </dev/null
	echo $? >"$OUT/demo.status"
}

@test "demo: the deadlock is caught and explained, and the fixed kernel is quiet" {
	has_status demo 0
	says demo 'BUG notifier-deadlock'
	says demo 'state of task [0-9]+: +D'
	says demo '^VERDICT +NOTIFIER DEADLOCK'
	says demo '^vfioscope trace ended with status 3'
	says demo '^vfioscope why ended with status 3'
	says demo '^race: 300 cycles done'
	says demo '^losses: none'
	says demo '^vfioscope trace ended with status 0'
}

@test "demo: it says that its race is widened" {
	says demo 'debug messages'
}
