# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# Hangs of every kind that can be undone, each explained from nothing after it is there.
group=$(group_of 05.0)

# was_quick N: the one of that number among many tasks
was_quick()
{
	_took=$(sed -n 's/.*"took_ns":\([0-9]*\).*/\1/p' "$OUT/crowd-$1" 2>/dev/null)
	[ "${_took:-9999999999}" -lt 2000000000 ]
}

# in_vfio PID: until it stands there, or has ended
in_vfio()
{
	_tries=0
	until grep -q ' vfio_' "/proc/$1/stack" 2>/dev/null || ! is_alive "$1" || [ $_tries -ge 200 ]; do
		_tries=$((_tries + 1))
		usleep 50000
	done
	usleep 200000
}

# stuck_by NAME: an unbind while that holds
stuck_by()
{
	bind vfio-pci 05.0
	holding "$1"
	echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/$1.unbinder"
	in_vfio $unbinder
	why "$1" 0000:00:05.0
	[ "$1" != device ] || step no-bpf timeout 20 vfioscope why --json --no-bpf 0000:00:05.0
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	wait $unbinder
}

# The holder waits for the waiter: killing it would not do, but another of its threads closes the device.
waits_back()
{
	bind vfio-pci 05.0
	holding waits-back
	echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/waits-back.unbinder"
	usleep 700000
	kill -USR1 "$holder"
	usleep 700000
	why waits-back 0000:00:05.0
	kill -USR2 "$holder"
	wait $unbinder
	kill "$holder"
	wait "$holder" 2>/dev/null
}

if [ -n "${LOGS:-}" ]; then
	echo 2 >/proc/sys/kernel/hung_task_timeout_secs
	echo -1 >/proc/sys/kernel/hung_task_warnings
	dmesg -c >/dev/null
fi
why nothing-bound
step unprivileged su -s /bin/sh nobody -c 'vfioscope why'
bind vfio-pci 05.0
why idle
for scenario in device device-dup device-fork mmap two all vhost stall kvm group dup fork container; do
	[ $scenario != vhost ] || modprobe vhost_vsock
	[ $scenario != kvm ] || modprobe kvm-amd
	stuck_by $scenario
done

waits_back

bind vfio-pci 05.0
holding wait two
step wait timeout 30 vfioscope why --json --wait 2s sh -c 'echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind'
kill "$holder"
wait "$holder"
usleep 500000
step wait-in-time vfioscope why --wait 5s -- sh -c 'exit 9'

if modprobe stuckdriver 2>/dev/null; then
	bind stuckdriver 05.0
	echo 0000:00:05.0 >/sys/bus/pci/drivers/stuckdriver/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/stuckdriver.unbinder"
	usleep 2000000
	echo 0000:00:05.0 >/sys/bus/pci/drivers/stuckdriver/unbind &
	echo $! >"$OUT/stuckdriver.victim"
	usleep 500000
	why stuckdriver
	victim=$!
	why stuckdriver-pid pid $victim
	echo 0 >/sys/module/stuckdriver/parameters/stuck
	wait $unbinder $victim # else it unbinds the device that is bound next
	echo 1 >/sys/module/stuckdriver/parameters/stuck
	bind stuckdriver 05.0
	echo 1 >/sys/module/stuckdriver/parameters/hold &
	echo $! >"$OUT/lock.owner"
	usleep 300000
	echo 0000:00:05.0 >/sys/bus/pci/drivers/stuckdriver/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/lock.unbinder"
	usleep 1200000
	why lock
	echo 0 >/sys/module/stuckdriver/parameters/stuck
	wait $unbinder
	echo 1 >/sys/module/stuckdriver/parameters/stuck
	echo 300 >/sys/module/stuckdriver/parameters/poll_ms
	bind stuckdriver 05.0
	echo 0000:00:05.0 >/sys/bus/pci/drivers/stuckdriver/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/polls.unbinder"
	usleep 500000
	why polls
	echo 0 >/sys/module/stuckdriver/parameters/stuck
	wait $unbinder
	why polled
	echo 1 >/sys/module/stuckdriver/parameters/stuck
	echo 1 >/sys/module/stuckdriver/parameters/spin
	bind stuckdriver 05.0
	echo 0000:00:05.0 >/sys/bus/pci/drivers/stuckdriver/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/runs.unbinder"
	usleep 1000000
	echo 0000:00:05.0 >/sys/bus/pci/drivers/stuckdriver/unbind &
	victim=$!
	echo $victim >"$OUT/runs.victim"
	usleep 500000
	why runs
	echo 0 >/sys/module/stuckdriver/parameters/stuck
	echo 0 >/sys/module/stuckdriver/parameters/spin
	wait $unbinder $victim
	why ran
fi

if modprobe wqload 2>/dev/null; then
	unbind 05.0
	echo 'hog cpu=0 n=260 ms=9000; hog cpu=1 n=260 ms=9000' >/sys/kernel/debug/wqload/run
	bind vfio-pci 05.0
	bind pci-stub 05.1
	why deferred
	step all-stacks vfioscope why --all-stacks "$OUT/stacks"
	echo wait >/sys/kernel/debug/wqload/run
	usleep 300000
	unbind 05.1
	why afterwards
fi

if [ -z "${CORES:-}" ]; then
	holding sleepers sleepers 2000
	tries=0
	until [ $tries -ge 8 ] || was_quick $tries; do
		tries=$((tries + 1))
		why crowd-$tries
	done
	kill -9 "$holder"
fi

# Cannot be undone, but for what looks like it.
if modprobe chainlock 2>/dev/null; then
	(while [ ! -e /tmp/enough ]; do
		echo nested >/sys/module/chainlock/parameters/run
		echo call >/sys/module/chainlock/parameters/run
	done) &
	busy=$!
	step look-alikes timeout 20 vfioscope why --json
	step look-alikes-no-bpf timeout 20 vfioscope why --json --no-bpf
	: >/tmp/enough
	wait $busy
	(echo self >/sys/module/chainlock/parameters/run) &
	echo $! >"$OUT/chain.culprit"
	usleep 1500000
	(echo call >/sys/module/chainlock/parameters/run) &
	echo $! >"$OUT/chain.victim"
	usleep 300000
	why chain
fi

if [ -d /sys/module/stuckdriver ]; then
	echo 1 >/sys/module/stuckdriver/parameters/stuck
	echo 0 >/sys/module/stuckdriver/parameters/poll_ms
	(echo 1 >/sys/module/stuckdriver/parameters/abandon)
	bind stuckdriver 05.1
	echo 0000:00:05.1 >/sys/bus/pci/drivers/stuckdriver/unbind &
	unbinder=$!
	echo $unbinder >"$OUT/dead.unbinder"
	# It sleeps before the next task is born, which may get the memory of the dead owner.
	tries=0
	until { grep -q '^State:[[:space:]]*D' /proc/$unbinder/status && grep -q ' stuckdriver_remove' /proc/$unbinder/stack; } ||
		[ $tries -ge 200 ]; do
		tries=$((tries + 1))
		usleep 50000
	done
	usleep 300000
	echo 0000:00:05.1 >/sys/bus/pci/drivers/stuckdriver/unbind &
	echo $! >"$OUT/dead.victim"
	usleep 1500000
	why dead 0000:00:05.1
fi
