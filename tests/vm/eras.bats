#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load vm

CASES="6.1 7.x"

setup_file()
{
	for kernel in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" eras.sh \
			--file "$TOP/build/tests/text_dump:/bin/text_dump" || return
	done
}

@test "eras: doctor says that the notifier is gone" {
	each has_status doctor 0
	each says doctor 'notifier +not-applicable'
}

@test "eras: 7.x has no list of locked instructions, its get is found by decoding" {
	OUT=$BATS_FILE_TMPDIR/7.x
	says doctor 'get +ready +1 +1 inlined copy of refcount_inc'
}

seen()
{
	has_status events 0 &&
		is "$(of events event .event | grep -vx get | sort -u | tr '\n' ' ')" \
			"close create open put register registration-put release unregister " &&
		is "$(of events event 'select(.event == "put") | .refs' | tr '\n' ' ')" "2 1 " &&
		is "$(summary events .lost)" 0
}

@test "eras: create, put, open, close, release are seen with their counts" {
	each seen
}

# Each open is closed: one that the kernel refused is none.
opened()
{
	says second-open 'busy' &&
		is "$(of events event 'select(.event == "open") | .object')" "$(of events event 'select(.event == "close") | .object')" &&
		is "$(summary events '.events_by_type | [.open, .close] | @text')" "[1,1]"
}

@test "eras: an open that the kernel refused is not told as one" {
	each opened
}

@test "eras: modules can be unloaded and loaded again while tracing" {
	each has_status rmmod 0
	each has_status modprobe 0
}

@test "eras: nothing stays behind after SIGKILL" {
	each nothing_left after-kill
}

untouched()
{
	as_in_its_file text-traced && says doctor 'text of vfio.ko in memory +as in its file' &&
		silent of unload gap 'select(.why == "changed") | .words' &&
		prints_not 'not compared' of unload notice .words
}

@test "eras: the text of vfio.ko is as in its file, whoever probes it, and after a reload" {
	each untouched
}
