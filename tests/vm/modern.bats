#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load vm

setup_file()
{
	vm 6.12 modern.sh --file "$TOP/build/tests/text_dump:/bin/text_dump"
}

@test "6.12: doctor says in words that the notifier is gone" {
	has_status doctor 0
	says doctor 'the fix +not needed: IOMMU groups have no notifier any more'
	says doctor 'notifier +not-applicable'
	says doctor 'deferred-queue +not-applicable'
}

@test "6.12: every probe of the plan can really be attached" {
	has_status self-test 0
}

@test "6.12: trace says it too, and what is still traced" {
	has_status text 0
	says text 'not needed: IOMMU groups have no notifier'
	says text 'put 1,'
	says text 'chain-change 2,'
	says text 'not-applicable: notifier, group-unregister, deferred-queue'
}

@test "6.12: create, get, put, open, close, release are seen" {
	has_status events 0
	is "$(of events event .event | sort -u | tr '\n' ' ')" \
		"close create get open put register registration-put release unregister "
	is "$(of events event 'select(.event == "release") | .freed' | sort -u)" true
	of events event 'select(.event == "put") | .site' | grep -qx 'vfio_device_remove_group+0x[0-9a-f]*'
}

@test "6.12: an open that the kernel refused is not told as one" {
	says second-open 'busy'
	is "$(of events event 'select(.event == "open") | .object')" "$(of events event 'select(.event == "close") | .object')"
	is "$(summary events '.events_by_type | [.open, .close] | @text')" "[1,1]"
}

@test "6.12: counts are read at the right place" {
	is "$(of events event 'select(.event == "get") | .refs' | tr '\n' ' ')" "2 "
	is "$(of events event 'select(.event == "put") | .refs' | tr '\n' ' ')" "2 1 "
	is "$(of events event 'select(.event == "get" or .event == "put" or .event == "close") | .group.number' | sort -u)" 1
}

@test "6.12: stress without findings and without losses" {
	says race 'race: 500 cycles done'
	has_status stress 0
	is "$(summary stress .lost)" 0
}

@test "6.12: the kernel's own miss counts are reported" {
	is "$(summary stress '.losses[] | select(.cause == "probe-missed" or .cause == "recursion") | .total' | tr '\n' ' ')" "0 0 "
}

@test "6.12: nothing stays behind after SIGKILL" {
	nothing_left after-kill
}

@test "6.12: modules can be unloaded and loaded again while tracing" {
	has_status rmmod 0
	has_status modprobe 0
	# Nothing in vmlinux tells there whether a group came to exist before the probes were armed.
	has_status unload 5
	[ "$(of unload gap .gap_ns | wc -l)" -ge 1 ]
	[ "$(summary unload .events_by_type.register)" -ge 1 ]
}

@test "6.12: the text of vfio.ko is as in its file, whoever probes it, and after a reload" {
	as_in_its_file text-traced
	says doctor 'text of vfio.ko in memory +as in its file'
	silent of unload gap 'select(.why == "changed") | .words'
	of unload notice .words >"$OUT/notices"
	says_not notices 'not compared'
}
