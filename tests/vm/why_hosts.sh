# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# The commonest hangs, on hosts of other kinds: five-level page tables, PREEMPT_RT.
group=$(group_of 05.0)
grep -o -w la57 /proc/cpuinfo | sort -u >"$OUT/la57"
cat /sys/kernel/realtime >"$OUT/realtime" 2>/dev/null || echo 0 >"$OUT/realtime"

# leaves NAME HOLDER WAY: the device leaves by WAY while that holds; two more wait behind it
leaves()
{
	bind vfio-pci 05.0
	holding "$1" "$2"
	$3 &
	leaver=$!
	echo $leaver >"$OUT/$1.leaver"
	usleep 1500000
	echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/bind &
	echo $! >"$OUT/$1.behind"
	usleep 500000
	why "$1"
	why "$1-device" 0000:00:05.0
	why "$1-group" group "$group"
	why "$1-pid" pid "$leaver"
	step "$1-hidden" unshare -p -f -m sh -c \
		'mount -t proc proc /proc && exec timeout 30 vfioscope why --json 0000:00:05.0'
	step "$1-refs" unshare -p -f -m sh -c \
		'mount -t proc proc /proc && exec timeout 30 vfioscope refs --once'
	step "$1-no-bpf" timeout 30 vfioscope why --json --no-bpf 0000:00:05.0
	# Who reads what the kernel guards by the device's lock would wait with the others, and could not be killed.
	for process in /proc/[0-9]*; do
		grep -q '^Name:[[:space:]]*vfioscope$' "$process/status" 2>/dev/null || continue
		! grep -q '^State:[[:space:]]*D' "$process/status" || cat "$process/status" "$process/stack"
	done >"$OUT/$1.left" 2>/dev/null
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	wait $leaver
	wait
}

by_unbind()
{
	echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind
}

by_remove()
{
	echo 1 >/sys/bus/pci/devices/0000:00:05.0/remove
}

bind vfio-pci 05.0
why idle 0000:00:05.0
step idle-hidden unshare -p -f -m sh -c 'mount -t proc proc /proc && exec timeout 30 vfioscope why --json'
step in-quotes timeout 30 vfioscope why --json "group $group"
# shellcheck disable=SC2016 # the command's own pid
step stopped timeout 60 vfioscope why --json --wait 2s sh -c 'kill -STOP $$'
leaves unbind device by_unbind
leaves mapped mmap by_unbind
leaves remove device by_remove
