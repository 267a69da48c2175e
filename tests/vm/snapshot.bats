#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What exists, found without any history, in every way that VFIO can be held, on every kernel.
load vm

FIXED_ON=amd
CASES="fixed 6.1 6.12 7.x"

setup_file()
{
	for kernel in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" snapshot.sh --mem 2G \
			--file "$TOP/build/tests/holder:/bin/holder" \
			--file "$TOP/build/tests/snapshot_dump:/bin/snapshot_dump" || return
	done
	OUT=$BATS_FILE_TMPDIR/unfixed vm unfixed snapshot_deadlock.sh --layout two-groups \
		--file "$TOP/build/tests/holder:/bin/holder" \
		--file "$TOP/build/tests/snapshot_dump:/bin/snapshot_dump"
}

# told SCENARIO NAME: a value of what the holder told
told()
{
	grep -o "$2=[0-9]*" "$OUT/$1.holder" | head -1 | cut -d= -f2
}

# 5.10: the group's counter counts open files and devices; later it counts devices only, the
# container's users include the group's file, and that file lives as long as a device is open.
old()
{
	[ "${OUT##*/}" = fixed ]
}

# group_is SCENARIO REFS OPENED CONTAINER_USERS CONTAINER
group_is()
{
	local refs=$2
	old || refs=1
	is "$(grep '^group' "$OUT/$1" | sed 's/ file=.*//')" \
		"group 1 known refs=$refs opened=$3 container_users=$4 container=$5"
}

# device_is SCENARIO REFS OPEN_COUNT
device_is()
{
	local count=$3
	! old || count='?'
	is "$(grep '^device.*05.0' "$OUT/$1")" \
		"device 0000:00:05.0 known group=1 driver=vfio-pci refs=$2 open_count=$count"
}

# holders_are SCENARIO [LINE...]: all fds and mappings, and no other
holders_are()
{
	local scenario=$1
	shift
	if [ $# -eq 0 ]; then
		says_not "$scenario" '^(fd|map)'
	else
		has_lines "$scenario" "$@"
	fi
}

has_lines()
{
	local scenario=$1 line
	shift
	is "$(grep -E '^(fd|map)' "$OUT/$scenario" | sort)" \
		"$(for line; do echo "$line"; done | sort)"
}

complete()
{
	has_status "$1" 0 && is "$(head -1 "$OUT/$1")" "scope groups=1 counters=1 fds=1 maps=1" &&
		is "$(sed -n 2p "$OUT/$1")" "words -"
}

nothing_bound()
{
	complete nothing-bound && says_not nothing-bound '^(group|device|fd|map)'
}

@test "snapshot: nothing bound, nothing there" {
	each nothing_bound
}

idle()
{
	complete idle && group_is idle 1 0 0 no && device_is idle 1 0 && holders_are idle &&
		says idle '^device 0000:00:05.1 sysfs group=1 driver=- refs=\? open_count=\?$'
}

@test "snapshot: a bound device that nobody uses, and the other device of its IOMMU group" {
	each idle
}

one_group_file()
{
	complete "$1" && group_is "$1" 2 1 0 no && device_is "$1" 1 0 &&
		holders_are "$1" "fd group pid=$(told "$1" pid) fd=$(told "$1" fd) comm=holder file=f0 object=group:1"
}

@test "snapshot: an open group" {
	each one_group_file group
}

@test "snapshot: a group inherited by a child, closed by its parent" {
	each one_group_file fork
}

@test "snapshot: a group passed over a socket, closed by its sender" {
	each one_group_file pass
}

dup()
{
	local pid
	pid=$(told dup pid)
	complete dup && group_is dup 2 1 0 no && holders_are dup \
		"fd group pid=$pid fd=$(told dup fd) comm=holder file=f0 object=group:1" \
		"fd group pid=$pid fd=77 comm=holder file=f0 object=group:1"
}

@test "snapshot: two descriptors of one file" {
	each dup
}

device_only()
{
	complete device && device_is device 2 1 || return
	if old; then
		group_is device 1 0 1 yes
	else
		group_is device 1 1 2 yes
	fi && holders_are device \
		"fd device pid=$(told device pid) fd=$(told device fd) comm=holder file=f0 object=device:0000:00:05.0"
}

@test "snapshot: only the device is open" {
	each device_only
}

# all_of PID PID-OF-DEVICE SCENARIO
all_of()
{
	complete "$3" && group_is "$3" 2 1 2 yes && device_is "$3" 2 1 && holders_are "$3" \
		"fd container pid=$1 fd=$(told "$3" container) comm=holder file=f0 object=container-of-group:1" \
		"fd group pid=$1 fd=$(told "$3" group) comm=holder file=f1 object=group:1" \
		"fd device pid=$2 fd=$(told "$3" device) comm=holder file=f2 object=device:0000:00:05.0"
}

as_a_vm()
{
	all_of "$(told all pid)" "$(told all pid)" all
}

two()
{
	all_of "$(told two pid)" "$(told two child)" two
}

@test "snapshot: container, group and device of one process" {
	each as_a_vm
}

@test "snapshot: group and container of one process, the device of another" {
	each two
}

container_only()
{
	complete container && group_is container 1 0 0 no && device_is container 1 0 &&
		holders_are container \
		"fd container pid=$(told container pid) fd=$(told container fd) comm=holder file=f0 object=other"
}

@test "snapshot: a container whose group was closed holds nothing of the group" {
	each container_only
}

# mapped SCENARIO: held by a mapping alone
mapped()
{
	complete "$1" && device_is "$1" 2 1 && holders_are "$1" \
		"map pid=$(told "$1" pid) comm=holder bytes=1048576 file=f0 object=device:0000:00:05.0"
}

@test "snapshot: device memory mapped, every descriptor closed" {
	each mapped mmap
}

kvm()
{
	complete kvm || return
	if old; then
		group_is kvm 2 0 1 yes
	else
		group_is kvm 2 1 1 yes
	fi && holders_are kvm \
		"fd kvm pid=$(told kvm pid) fd=$(told kvm fd) comm=holder file=f0 object=group:1"
}

@test "snapshot: a group that only a virtual machine in KVM holds" {
	each kvm
}

# Its thread is the kernel's own on 5.10 and 6.1, and has the name of its owner.
vhost()
{
	local thread="vhost-$(told vhost gone)"
	case ${OUT##*/} in
	fixed | 6.1) ;;
	*) thread= ;;
	esac
	complete vhost && device_is vhost 2 1 && holders_are vhost \
		"map pid=0 comm=$thread bytes=1048576 file=f0 object=device:0000:00:05.0"
}

@test "snapshot: device memory in an address space that only vhost keeps" {
	each vhost
}

# The unbind has taken the registration's own reference.
stuck()
{
	complete stuck &&
		says stuck '^device 0000:00:05.0 known group=1 driver=vfio-pci refs=1 open_count=[1?]( leaving)?$' &&
		holders_are stuck \
		"map pid=$(told stuck pid) comm=holder bytes=1048576 file=f0 object=device:0000:00:05.0"
}

@test "snapshot: while an unbind waits for a mapping" {
	each stuck
}

after()
{
	complete after && says_not after '^(group|fd|map)'
}

@test "snapshot: when the mapping is gone the unbind ends and nothing is left" {
	each after
}

# Both devices of the group: its counter counts both.
both()
{
	local refs=2
	! old || refs=3
	complete both && is "$(grep -c '^device .* known' "$OUT/both")" 2 &&
		says both "^group 1 known refs=$refs opened=1 container_users=2 container=yes"
}

@test "snapshot: two devices in the group" {
	each both
}

weaker()
{
	has_status "$1" 0 && is "$(head -1 "$OUT/$1")" "scope groups=0 counters=0 fds=0 maps=0" &&
		says "$1" "^words files, counters and mappings not looked at: $2" &&
		says "$1" '^group 1 sysfs refs=\?' &&
		says "$1" '^device 0000:00:05.0 sysfs group=1 driver=vfio-pci'
}

@test "snapshot: without memory, sysfs still tells groups, devices and drivers" {
	each weaker sysfs 'as asked'
}

@test "snapshot: without privileges it says what it needs" {
	each weaker unprivileged 'needs root'
}

unloaded()
{
	complete unloaded 2>/dev/null || says unloaded '^words VFIO is not loaded'
}

@test "snapshot: VFIO is not loaded" {
	each unloaded
}

@test "snapshot: on a machine that is deadlocked" {
	OUT=$BATS_FILE_TMPDIR/unfixed
	has_status race 75
	complete deadlock
	holders_are deadlock \
		"map pid=$(told deadlock pid) comm=holder bytes=1048576 file=f0 object=device:0000:00:06.0"
}

# Emulated CPUs are some thirty times slower than real ones.
quick()
{
	complete crowd && complete crowd-warm &&
		echo "# ${OUT##*/}: $(tail -1 "$OUT/crowd"), again $(tail -1 "$OUT/crowd-warm")" >&3 &&
		[ "$(grep -oE '^took [0-9]+' "$OUT/crowd-warm" | cut -d' ' -f2)" -lt 2000000 ]
}

@test "snapshot: 2000 idle processes, in less than 2 s" {
	each quick
}
