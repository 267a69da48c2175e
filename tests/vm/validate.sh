# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# validate on one kernel; /lab/mode says which part: whole, hooks, mutant, restore.
mode=$(cat /lab/mode)
devices="--devices 0000:00:05.0,0000:00:05.1 --i-know-this-can-hang-the-host"

# judged NAME ARGUMENTS...: with every report; $OUT/NAME is the text
judged()
{
	_case=$1
	shift
	step "$_case" vfioscope validate --json "$OUT/$_case.json" --junit "$OUT/$_case.xml" \
		--markdown "$OUT/$_case.md" "$@"
}

# bound: driver and driver_override of both devices
bound()
{
	for device in /sys/bus/pci/devices/0000:00:05.*; do
		[ ! -e "$device/driver" ] || basename "$(readlink "$device/driver")"
		cat "$device/driver_override"
	done
}

whole()
{
	bind vfio-pci 05.0
	bound >$OUT/before
	uptime_cs
	_start=$uptime_cs
	# shellcheck disable=SC2086 # words are wanted
	judged default $devices --seed 1
	uptime_cs
	echo $((uptime_cs - _start)) >$OUT/took
	bound >$OUT/after
	ps >$OUT/processes
	# shellcheck disable=SC2086 # words are wanted
	judged until $devices --until 10%
	judged observed --observe-only -d 1
	# shellcheck disable=SC2086 # words are wanted
	step ktap vfioscope validate $devices --tap --exit-style kselftest
	step ltp vfioscope validate --observe-only -d 1 --exit-style ltp
	step quiet vfioscope validate --observe-only -d 1 --tap --exit-style kselftest
}

# Enough of the path for a verdict (a last put by the worker is a matter of luck), and then without one
# hook after the other.
hooks()
{
	# shellcheck disable=SC2086 # words are wanted
	judged none $devices -n 1500 --strategy bind --min-last-puts 1
	for hook in $(cat /lab/hooks); do
		# shellcheck disable=SC2086 # words are wanted
		judged $hook $devices -n 60 --strategy bind --min-last-puts 1 --without-hook $hook
	done
}

# interrupted SIGNAL: validate, in the middle of its work
interrupted()
{
	# shellcheck disable=SC2086 # words are wanted
	vfioscope validate $devices --json "$OUT/$1.json" >"$OUT/$1" 2>&1 &
	_pid=$!
	wait_for /run/vfio-stress.state .
	sleep 1
	kill -"$1" $_pid
	wait $_pid
	echo $? >"$OUT/$1.status"
	wait_gone /run/vfio-stress.state
	bound >"$OUT/$1.bound"
	ls /run >"$OUT/$1.run"
}

endings()
{
	bind vfio-pci 05.0
	bound >$OUT/before
	interrupted INT
	interrupted KILL
	vfio_unload
	judged unloaded --observe-only -d 1
	# shellcheck disable=SC2086 # words are wanted
	judged refused $devices -d 5
}

# Without vfioscope: who hangs is left behind, and the parent ends.
alone()
{
	# shellcheck disable=SC2086 # words are wanted
	step alone vfio-stress $devices --stuck-after 3
}

# What each verb says of the fix, before anything is provoked.
say_fix()
{
	step fix-doctor vfioscope doctor --json
	step fix-inspect vfioscope inspect --json
	step fix-why vfioscope why --json
}

mutant()
{
	bind vfio-pci 05.0
	say_fix
	unbind 05.0
	# shellcheck disable=SC2086 # words are wanted
	judged default $devices -d 10s --seed 1
}

# killed SIGNAL: in the middle of its work; what it then leaves
killed()
{
	# What an earlier run of this name said would be taken for this one's.
	: >"$OUT/$1"
	# shellcheck disable=SC2086 # words are wanted
	vfio-stress $devices --allow-remove -n 1000000 >"$OUT/$1" 2>&1 &
	_pid=$!
	wait_for "$OUT/$1" 'step 4'
	wait_for /run/vfio-stress.state .
	kill -"$1" $_pid
	wait $_pid
	echo $? >"$OUT/$1.status"
	bound >"$OUT/$1.bound"
	ls /run >"$OUT/$1.run"
}

refusals()
{
	# shellcheck disable=SC2086 # words are wanted
	(exec 7<>/dev/vfio/1; step in-use vfio-stress $devices)
	step bridge vfio-stress --devices 00.0 --i-know-this-can-hang-the-host
	step absent vfio-stress --devices 09.0 --i-know-this-can-hang-the-host
}

restore()
{
	bind vfio-pci 05.0
	bound >$OUT/before
	refusals
	for signal in INT TERM KILL; do
		killed $signal
	done
	sleep 1
	step restored vfio-stress --restore
	bound >$OUT/after
	killed KILL
	# shellcheck disable=SC2086 # words are wanted
	step again vfio-stress $devices -n 10
	bound >$OUT/after-again
	# shellcheck disable=SC2086 # words are wanted
	for strategy in bind close open remove; do
		step $strategy vfio-stress $devices --allow-remove -n 20 -s 7 --strategy $strategy
	done
	bound >$OUT/after-all
	complaints dmesg
}

$mode
