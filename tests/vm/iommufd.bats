#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# iommufd and the device's own node, as current libvirt and QEMU use them: on a kernel that has them.
load vm
load ways_cells.sh

setup_file()
{
	OUT=$BATS_FILE_TMPDIR/out VM_TIMEOUT=240 vm iommufd iommufd.sh \
		--file "$BATS_TEST_DIRNAME/ways.sh:/lab/ways" \
		--file "$TOP/build/tests/holder:/bin/holder" \
		--file "$TOP/build/tests/snapshot_dump:/bin/snapshot_dump"
}

setup()
{
	OUT=$BATS_FILE_TMPDIR/out
}

# told HOLDER NAME: a value of what the holder told
told()
{
	grep -o " $2=[0-9]*" "$OUT/$1.holder" | head -1 | cut -d= -f2
}

# holders_are HOLDER [LINE...]: all descriptors and mappings that the snapshot shows, and no other
holders_are()
{
	local scenario=$1 line
	shift
	has_status "$scenario.snapshot" 0 &&
		is "$(head -1 "$OUT/$scenario.snapshot")" "scope groups=1 counters=1 fds=1 maps=1" &&
		is "$(grep -E '^(fd|map)' "$OUT/$scenario.snapshot" | sed 's/ file=f[0-9]*//' | sort)" \
			"$(for line; do echo "$line"; done | sort)"
}

# fd HOLDER KIND FD OBJECT: the line of a descriptor
fd()
{
	echo "fd $2 pid=$(told "$1" pid) fd=$3 comm=holder object=$4"
}

# registered HOLDER: "pid fd" of each open file that keeps the device registered, by refs
registered()
{
	of "$1.refs" ledger '.groups[].registrations[] | select(.device == "0000:00:05.0") | .holders[] |
		select(.held_by == "device-file") | "\(.pid) \(.fd)"'
}

DEVICE=device:0000:00:05.0

@test "iommufd: a device's node that is open and bound to nothing holds the device" {
	holders_are cdev "$(fd cdev cdev "$(told cdev fd)" $DEVICE)"
	is "$(registered cdev)" "$(told cdev pid) $(told cdev fd)"
}

@test "iommufd: a device that is bound, and its context, as a VM has them" {
	holders_are cdev-bound "$(fd cdev-bound cdev "$(told cdev-bound fd)" $DEVICE)" \
		"$(fd cdev-bound iommufd "$(told cdev-bound iommu)" other)"
	is "$(registered cdev-bound)" "$(told cdev-bound pid) $(told cdev-bound fd)"
}

@test "iommufd: a device whose context has no descriptor any more" {
	holders_are cdev-alone "$(fd cdev-alone cdev "$(told cdev-alone fd)" $DEVICE)"
	is "$(registered cdev-alone)" "$(told cdev-alone pid) $(told cdev-alone fd)"
}

@test "iommufd: both opened by one process and handed to another" {
	holders_are cdev-passed "$(fd cdev-passed cdev 55 $DEVICE)" "$(fd cdev-passed iommufd 56 other)"
	is "$(registered cdev-passed)" "$(told cdev-passed pid) 55"
}

@test "iommufd: memory of the device mapped, everything closed" {
	holders_are cdev-mmap "map pid=$(told cdev-mmap pid) comm=holder bytes=1048576 object=$DEVICE"
	is "$(registered cdev-mmap)" "$(told cdev-mmap pid) null"
}

@test "iommufd: a context alone holds no device" {
	holders_are iommufd "$(fd iommufd iommufd "$(told iommufd fd)" other)"
	silent registered iommufd
}

@test "iommufd: a group with a context in the place of its container" {
	holders_are compat "$(fd compat device "$(told compat fd)" $DEVICE)"
	is "$(registered compat)" "$(told compat pid) $(told compat fd)"
}

# count EVENT: of the trace
count()
{
	of trace event "select(.event == \"$1\") | .device" | grep -cx '0000:00:05.0'
}

# Six were bound, five to an address space of their own, and compat to that of its group.
@test "iommufd: trace sees each bind and its end, by either way" {
	has_status trace 0
	is "$(count iommufd-bind) $(count iommufd-attach) $(count iommufd-unbind)" "6 6 6"
	is "$(of trace event 'select(.event == "iommufd-bind") | .context_object' | grep -c '^0xff')" 6
	is "$(of trace event 'select(.event | test("^registration-")) | .event' | sort | uniq -c | paste -sd' ' | tr -s ' ')" \
		" 7 registration-get 7 registration-put"
	is "$(summary trace '[.losses[].total] | add')" 0
}

@test "iommufd: refs follows an opening, and the unbind that waits for it" {
	has_status refs 0
	is "$(of refs ledger '.groups[].registrations[] | select(.waits) | .holders[] |
		"\(.held_by) \(.pid) \(.fd) \(.site | sub("[+].*"; ""))"')" \
		"device-file $(told kept pid) $(told kept fd) vfio_device_fops_cdev_open"
}

@test "iommufd: doctor says what is seen of it" {
	is "$(of doctor doctor '.sees[] | select(.subject == "iommufd") |
		"\(.gets.seen) \(.puts.seen) \(.holders.seen) \(.waits.seen)"')" "yes yes yes partly"
	is "$(of doctor doctor '.hooks[] | select(.hook | test("^iommufd")) | "\(.hook) \(.status) \(.probes)"' | paste -sd,)" \
		"iommufd-bind ready 2,iommufd-unbind ready 2,iommufd-attach ready 2,iommufd-detach ready 2"
}

# case_is NAME FILTER EXPECTED: of the first case
case_is()
{
	is "$(jq -r ".cases[0] | $2" "$OUT/$1")" "$3"
}

# Of a thread of the holder: which is in the call, and which in the close.
in_iommufd()
{
	local pid
	pid=$(told iommufd-wait pid)
	case_is "$1" '"\(.verdict) \(.confidence) \(.reboot) \(.device) \(.group) \(.task.tid) \(.way)"' \
		"in-use high false 0000:00:05.0 1 $pid its file is closed" &&
		case_is "$1" '.holders[] | "\(.how) \(.file) \(.pid) \(.fd) \(.likely) \(.tid != .pid)"' \
			"call iommufd $pid $(told iommufd-wait iommu) false true" &&
		case_is "$1" '.says | test("has closed .* waits in iommufd .* 60 s at most, 10 s on older")' true &&
		case_is "$1" '.next | test("get out of its call")' true
}

@test "iommufd: a close that waits in iommufd is told, with who is in the call" {
	has_status wait 7
	in_iommufd wait
	is "$(jq '.cases | length' "$OUT/wait")" 1
}

@test "iommufd: the unbind behind that waits for the close, and no reboot is needed" {
	has_status wait-unbind 7
	in_iommufd wait-unbind
	is "$(jq -r '.cases[1] | "\(.verdict) \(.device) \(.reboot) \(.task.tid) \(.way) \(.holders[] | "\(.how) \(.pid)")"' "$OUT/wait-unbind")" \
		"in-use 0000:00:05.0 false $(cat "$OUT/wait.unbinder") unbind through sysfs release $(told iommufd-wait pid)"
	jq -e '.cases[1].next | test("see its own case")' "$OUT/wait-unbind"
	in_iommufd wait-pid
}

@test "iommufd: when the call has ended the wait has not, and nobody is accused" {
	has_status killed 7
	case_is killed '"\(.verdict) \(.reboot) \(.device) \(.holders | length)"' "in-use false 0000:00:05.0 0"
	jq -e '.cases[0].next | test("wait a minute")' "$OUT/killed"
}

@test "iommufd: the removal of a mediated device that is in use" {
	has_status mdev 7
	case_is mdev '"\(.verdict) \(.confidence) \(.device) \(.task.tid) \(.way)"' \
		"in-use high 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 $(cat "$OUT/mdev.remover") removal of an mdev"
	case_is mdev '.holders[] | "\(.how) \(.file) \(.pid) \(.fd)"' "fd cdev $(told mdev pid) $(told mdev fd)"
}

@test "iommufd: each holder is told right when an unbind hangs, and where none holds nothing hangs" {
	local found
	found=$(cells "$OUT" acpi iommufd)
	echo "$found" | sed "s/^/# /" >&3
	is "$(echo "$found" | grep -c ' right$')" 7
	is "$(echo "$found" | grep -v ' right$' | sed 's/ *$//')" "unbind iommufd wrong ended 0000:00:05.0"
}

@test "iommufd: the kernel complained of nothing" {
	empty "$OUT/complaints"
}
