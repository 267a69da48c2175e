# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Functions for commands that run in a lab guest; sourced before every command.

# vfio_load: a kernel without containers has no vfio_iommu_type1
vfio_load()
{
	for module in vfio-pci pci-stub vfio_iommu_type1; do
		modprobe $module || [ -z "$(modinfo -F filename $module 2>/dev/null)" ] || return
	done
}

vfio_unload()
{
	for module in vfio_pci vfio_pci_core vfio_iommu_type1 vfio_virqfd vfio; do
		[ ! -d /sys/module/$module ] || rmmod $module || return
	done
}

# full_bdf BDF: 05.0 and 00:05.0 become 0000:00:05.0
full_bdf()
{
	case $1 in
	*:*:*) echo "$1" ;;
	*:*) echo "0000:$1" ;;
	*) echo "0000:00:$1" ;;
	esac
}

# unbind BDF
unbind()
{
	_bdf=$(full_bdf "$1")
	[ ! -e "/sys/bus/pci/devices/$_bdf/driver" ] ||
		echo "$_bdf" >"/sys/bus/pci/devices/$_bdf/driver/unbind"
}

# bind DRIVER BDF
bind()
{
	_driver=$1
	unbind "$2" || return
	_bdf=$(full_bdf "$2")
	echo "$_driver" >"/sys/bus/pci/devices/$_bdf/driver_override" || return
	echo "$_bdf" >/sys/bus/pci/drivers_probe || return
	[ -e "/sys/bus/pci/drivers/$_driver/$_bdf" ]
}

# group_of BDF
group_of()
{
	basename "$(readlink "/sys/bus/pci/devices/$(full_bdf "$1")/iommu_group")"
}

# monitor WORDS: a command of the human monitor of the machine, `monitor device_del slot1`; QEMU does it soon
# after this returns. What it answers is said by the lab, on the host.
monitor()
{
	echo "monitor $*" >/dev/ttyS2
}

# uptime_cs: hundredths of a second since boot, in $uptime_cs; no fork
uptime_cs()
{
	read -r uptime_cs _ </proc/uptime
	uptime_cs=${uptime_cs%.*}${uptime_cs#*.}
}

# race_cycle DRIVER BDF N: only builtins in the loop, a fork costs more than the whole cycle
race_cycle()
{
	_dir=/sys/bus/pci/drivers/$1
	_done=0
	_failed=0
	while [ $_done -lt "$3" ]; do
		echo "$2" >"$_dir/unbind" || _failed=$((_failed + 1))
		echo "$2" >"$_dir/bind" || _failed=$((_failed + 1))
		_done=$((_done + 1))
		echo "$_done $_failed" >"/run/race.$2"
	done 2>/dev/null
}

# race_progress BDF A BDF B: what both have done so far, in $done_a, $done_b and $failed
race_progress()
{
	read -r done_a failed_a <"/run/race.$1"
	read -r done_b failed_b <"/run/race.$2"
	failed=$((failed_a + failed_b))
}

# race_widen: the debug messages of the notifier lie between its get and its put. Printing them makes
# that window wider: on a busy host the deadlock comes after tens of cycles, not hundreds.
race_widen()
{
	echo 'func vfio_iommu_group_notifier +p' >/sys/kernel/debug/dynamic_debug/control 2>/dev/null || true
}

# race N [BDF-A BDF-B]: the loop that makes an unfixed vfio.ko deadlock. Two functions of one
# group are unbound and bound again N times each, at the same time. RACE_PLAIN=1 leaves the kernel's
# timing alone.
race()
{
	_n=$1
	_a=$(full_bdf "${2:-00:05.0}")
	_b=$(full_bdf "${3:-00:05.1}")
	bind vfio-pci "$_a" && bind pci-stub "$_b" || return
	[ -n "${RACE_PLAIN:-}" ] || race_widen
	echo 0 0 >"/run/race.$_a"
	echo 0 0 >"/run/race.$_b"
	uptime_cs
	_start=$uptime_cs
	race_cycle vfio-pci "$_a" "$_n" &
	_pid_a=$!
	race_cycle pci-stub "$_b" "$_n" &
	_pid_b=$!
	race_watch
}

race_failures()
{
	[ "$failed" -eq 0 ] || echo ", $failed writes to bind or unbind failed"
}

race_watch()
{
	_seen=
	_moved=$_start
	while usleep 100000; uptime_cs; race_progress "$_a" "$_b"; [ "$done_a,$done_b" != "$_n,$_n" ]; do
		if [ "$_seen" != "$done_a,$done_b" ]; then
			_seen=$done_a,$done_b
			_moved=$uptime_cs
		elif [ $((uptime_cs - _moved)) -gt 500 ]; then
			echo "race: stuck after $((done_a < done_b ? done_a : done_b)) cycles"
			return 75
		fi
	done
	_took=$((uptime_cs - _start))
	echo "race: $_n cycles done in $((_took / 100)).$((_took % 100 / 10)) s$(race_failures)"
	wait "$_pid_a" "$_pid_b"
}
