#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# vfio-stress without a VM: wrong usage, and what it refuses and puts back, in a made-up /sys.

load ../assert

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	STRESS=$PWD/build/vfio-stress
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$ROOT"/sys/bus/pci/drivers/{vfio-pci,pci-stub,e1000e} "$ROOT"/{dev/vfio,proc/123/fd,run}
	touch "$ROOT"/sys/bus/pci/drivers/{vfio-pci,pci-stub,e1000e}/{bind,unbind}
	echo qemu-kvm >"$ROOT/proc/123/comm"
	device 0000:00:05.0 7 vfio-pci vfio-pci
	device 0000:00:05.1 7 "" "(null)"
}

# device BDF GROUP DRIVER OVERRIDE [CLASS]
device()
{
	local dir=$ROOT/sys/bus/pci/devices/$1 group=$ROOT/sys/kernel/iommu_groups/$2
	mkdir -p "$dir" "$group/devices"
	ln -s "$group" "$dir/iommu_group"
	ln -s "$dir" "$group/devices/$1"
	[ -z "$3" ] || ln -s "$ROOT/sys/bus/pci/drivers/$3" "$dir/driver"
	echo "$4" >"$dir/driver_override"
	echo "${5:-0x020000}" >"$dir/class"
}

# stress STATUS PATTERN ARGUMENTS...
stress()
{
	local wanted=$1 pattern=$2
	shift 2
	run "$STRESS" --root "$ROOT" "$@"
	[ "$status" -eq "$wanted" ] || { echo "status $status: $output"; return 1; }
	[[ "$output" =~ $pattern ]] || { echo "does not say $pattern: $output"; return 1; }
}

YES=--i-know-this-can-hang-the-host

@test "stress: help goes to stdout, fits 80 columns, lists every status" {
	run "$STRESS" --help
	[ "$status" -eq 0 ]
	prints_not '^.{81,}' "$STRESS" --help
	for code in 0 1 2 3 4; do
		[[ "$output" =~ $'\n'"  $code  " ]] || return
	done
}

@test "stress: nothing happens without devices and without consent" {
	stress 2 'name spare devices' $YES
	stress 2 'can hang the host' --devices 05.0
	stress 2 'can hang the host' --devices 05.0 --cycles 5
	[ "$(cat "$ROOT/sys/bus/pci/devices/0000:00:05.0/driver_override")" = vfio-pci ]
}

@test "stress: wrong usage is status 2" {
	stress 2 'no PCI address' $YES --devices nonsense
	stress 2 'no PCI address' $YES --devices 05.0,
	stress 2 'no PCI address' $YES --devices 0000:00:05.9
	stress 2 'named twice' $YES --devices 05.0,00:05.0
	stress 2 'is a number' $YES --devices 05.0 --cycles 0
	stress 2 'is a number' $YES --devices 05.0 --cycles -5
	stress 2 'is a number' $YES --devices 05.0 --seed x
	stress 2 'is a list of' $YES --devices 05.0 --strategy all
	stress 2 'needs --allow-remove' $YES --devices 05.0 --strategy remove
	stress 2 'knows the devices' --restore --devices 05.0
	stress 2 'no operands' $YES --devices 05.0 05.1
	stress 2 'no such option' --frobnicate
}

@test "stress: refuses a device that is not there, a bridge, one without a group" {
	device 0000:00:1c.0 9 "" "(null)" 0x060400
	stress 4 'no device 0000:00:09.0' $YES --devices 09.0
	stress 4 'is a bridge' $YES --devices 1c.0
	rm "$ROOT/sys/bus/pci/devices/0000:00:05.0/iommu_group"
	stress 4 'in no IOMMU group' $YES --devices 05.0
}

@test "stress: refuses a driver that is no stub, unless told" {
	device 0000:00:06.0 8 e1000e "(null)"
	stress 4 '06.0 is bound to e1000e' $YES --devices 06.0
	rm -r "$ROOT/sys/bus/pci/drivers/vfio-pci"
	stress 4 'drivers are missing' $YES --devices 06.0 --unbind-drivers
}

@test "stress: refuses a group that another driver uses" {
	device 0000:00:05.2 7 e1000e "(null)"
	stress 4 'shares group 7 with 0000:00:05.2, which e1000e uses' $YES --devices 05.0,05.1
	stress 4 'shares group 7' $YES --devices 05.0,05.1 --unbind-drivers
	[ ! -e "$ROOT/run/vfio-stress.state" ]
}

@test "stress: a bridge in the group is no objection" {
	device 0000:00:1c.0 7 e1000e "(null)" 0x060400
	mkdir -p "$ROOT/dev/vfio"
	: >"$ROOT/dev/vfio/7"
	rm -r "$ROOT/sys/bus/pci/drivers/vfio-pci"
	stress 4 'drivers are missing' $YES --devices 05.0
}

@test "stress: refuses a group that a process has open, and names it" {
	ln -s /dev/vfio/7 "$ROOT/proc/123/fd/12"
	stress 4 'group 7 of 0000:00:05.0 is in use by 123 \(qemu-kvm\)' $YES --devices 05.0,05.1
}

# As in a container with the host's /sys: neither the file nor who has it open can be seen there.
@test "stress: refuses a group of VFIO whose file is not there to be tried" {
	device 0000:00:05.0 7 vfio-pci vfio-pci
	stress 4 'group 7 of 0000:00:05.0 is in use cannot be told' $YES --devices 05.0,05.1
}

@test "stress: puts back what a killed run has left, before anything else" {
	cat >"$ROOT/run/vfio-stress.state" <<-EOF
		vfio-stress-state 1
		owner 999999999 5
		device 0000:00:05.0 group 7 driver vfio-pci override -
		device 0000:00:05.1 group 7 driver - override pci-stub
		end
	EOF
	stress 0 'restored: 2 devices of an earlier run' --restore
	[ ! -e "$ROOT/run/vfio-stress.state" ]
	[ "$(head -1 "$ROOT/sys/bus/pci/devices/0000:00:05.0/driver_override")" = "" ]
	[ "$(head -1 "$ROOT/sys/bus/pci/devices/0000:00:05.1/driver_override")" = pci-stub ]
	stress 0 'nothing to restore' --restore
}

@test "stress: does not take over from one that is running" {
	started=$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)
	printf 'vfio-stress-state 1\nowner %s %s\nend\n' $$ "$started" >"$ROOT/run/vfio-stress.state"
	stress 4 'another vfio-stress is running' --restore
	stress 4 'another vfio-stress is running' $YES --devices 05.0,05.1
	[ -e "$ROOT/run/vfio-stress.state" ]
}

@test "stress: a damaged state file is kept, and nothing is touched" {
	for text in "" "vfio-stress-state 2" $'vfio-stress-state 1\nowner 1' \
		$'vfio-stress-state 1\nowner 1 5\ndevice 0000:00:05.0 group 7 driver ../x override -\nend' \
		$'vfio-stress-state 1\nowner 1 5\ndevice 0000:00:05.0 group 7 driver vfio-pci override -'; do
		printf '%s\n' "$text" >"$ROOT/run/vfio-stress.state"
		stress 1 'cannot be read' $YES --devices 05.0,05.1 || return
		[ -e "$ROOT/run/vfio-stress.state" ] || return
	done
}

@test "stress: what cannot be put back is said, and not forgotten" {
	printf 'vfio-stress-state 1\nowner 999999999 5\ndevice 0000:00:05.0 group 3 driver vfio-pci override -\nend\n' \
		>"$ROOT/run/vfio-stress.state"
	stress 1 'another IOMMU group' --restore
	[ -e "$ROOT/run/vfio-stress.state" ]
}

# As nobody reads it, a write to it hangs until it is killed.
hanging()
{
	rm "$1"
	mkfifo "$1"
}

# raced: as if VFIO had the group of 05.0
raced()
{
	: >"$ROOT/dev/vfio/7"
	DRIVERS=$ROOT/sys/bus/pci/drivers
}

@test "stress: what can be killed was slow, not stuck: status 1, and it is put back" {
	raced
	hanging "$DRIVERS/vfio-pci/unbind"
	stress 1 'unbind or bind took longer than 1 s \(--stuck-after\)' $YES --devices 05.0,05.1 \
		--stuck-after 1 -n 5 --strategy bind
	[[ "$output" == *$'\n'"slow: process "* ]]
	[[ "$output" != *stuck:* && "$output" != *hangs\ in\ the* ]]
	[ ! -e "$ROOT/run/vfio-stress.state" ]
	[ "$(head -1 "$ROOT/sys/bus/pci/devices/0000:00:05.0/driver_override")" = vfio-pci ]
	# Why it failed is the last line: validate shows that one.
	[[ "${lines[-1]}" == *"took longer than"* ]]
}

# read_later FIFO: its writers hang no longer, 3 s from now
read_later()
{
	(sleep 3; timeout 20 cat "$1" <>"$1" >/dev/null) 3>&- &
}

@test "stress: to get ready for a step may take longer than --stuck-after" {
	raced
	hanging "$DRIVERS/pci-stub/bind"
	read_later "$DRIVERS/pci-stub/bind"
	stress 0 'done: 5 cycles' $YES --devices 05.0,05.1 --stuck-after 1 -n 5 --strategy bind
	kill $! || true
}

@test "stress: to put things back may take longer than --stuck-after" {
	printf 'vfio-stress-state 1\nowner 999999999 5\ndevice 0000:00:05.1 group 7 driver pci-stub override -\nend\n' \
		>"$ROOT/run/vfio-stress.state"
	hanging "$ROOT/sys/bus/pci/drivers/pci-stub/bind"
	read_later "$ROOT/sys/bus/pci/drivers/pci-stub/bind"
	stress 0 'restored: 1 devices' --restore --stuck-after 1
	kill $! || true
}

@test "validate: wrong usage" {
	run build/vfioscope validate --devices 05.0,05.1
	[ "$status" -eq 2 ]
	[[ "$output" == *i-know-this-can-hang-the-host* ]]
	run build/vfioscope validate --observe-only --devices 05.0
	[ "$status" -eq 2 ]
	run build/vfioscope validate --exit-style junit --observe-only
	[ "$status" -eq 2 ]
	run build/vfioscope validate --observe-only --without-hook nonsense
	[ "$status" -eq 2 ]
	run build/vfioscope validate --observe-only --min-last-puts 0
	[ "$status" -eq 2 ]
	prints_not '^.{81,}' build/vfioscope validate --help
	# To kselftest 2 is an expected failure.
	run build/vfioscope validate --exit-style kselftest --devices bogus
	[ "$status" -eq 1 ]
}

@test "validate: a report goes through a link, which stays one" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	: >"$ROOT/report"
	ln -s "$ROOT/report" "$ROOT/link"
	run build/vfioscope validate --observe-only -d 1s --json "$ROOT/link"
	[ -L "$ROOT/link" ]
	jq -e '.type' "$ROOT/report"
	run build/vfioscope validate --observe-only -d 1s --json "$ROOT/none/link"
	[ "$status" -eq 1 ]
	# Known before anything runs, and not when the report is to be written.
	ln -sfn "$ROOT" "$ROOT/link"
	run build/vfioscope validate --observe-only -d 1s --json "$ROOT/link"
	[[ "$output" == *"Is a directory"* ]]
	ln -sfn "$ROOT/nowhere" "$ROOT/link"
	run build/vfioscope validate --observe-only -d 1s --json "$ROOT/link"
	[[ "$output" == *"No such file"* ]]
}
