# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# What can go wrong around a trace. CYCLES, KILLS come from the host; their guest functions from cycles.sh.
. /lab/cycles.sh
group=$(group_of 05.0)
bind vfio-pci 05.0

# opens N: N times open, get, close, put, by builtins only
opens()
{
	i=0
	while [ $i -lt "$1" ]; do
		: 7<>"/dev/vfio/$group"
		i=$((i + 1))
	done
}

# opens_on MASK N: on these CPUs
opens_on()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	taskset "$1" sh -c 'i=0; while [ $i -lt $1 ]; do : 7<>/dev/vfio/$2; i=$((i + 1)); done' sh "$2" "$group"
}

# until_gone PID COMMAND...: again and again until that process has ended, 60 s at most
until_gone()
{
	_pid=$1
	shift
	uptime_cs
	_until=$((uptime_cs + 6000))
	while kill -0 "$_pid" 2>/dev/null && [ "$uptime_cs" -lt $_until ]; do
		"$@"
		uptime_cs
	done
}

# A reader that stands still, and little room; another instance with plenty of it sees the same.
overrun()
{
	tracing whole -q --json --ring-size 64M
	whole=$tracer
	tracing overrun -q --json --ring-size 16K
	kill -STOP "$tracer"
	opens 1000
	sleep 2
	kill -CONT "$tracer"
	sleep 1
	stopped INT
	other_stopped whole "$whole"
}

# One of two is killed while both see the same load.
two()
{
	tracing survivor -q --json
	survivor=$tracer
	tracing victim -q --json
	victim=$tracer
	opens 200
	opens 200 &
	kill -KILL "$victim"
	wait "$victim" 2>/dev/null
	wait $!
	opens 200
	sleep 1
	other_stopped survivor "$survivor"
}

hotplug()
{
	cpu=/sys/devices/system/cpu/cpu1/online
	tracing hotplug -q --json
	opens_on 2 100
	echo 0 >$cpu
	opens 100
	echo 1 >$cpu
	opens_on 2 100
	sleep 1
	stopped INT

	watching hotplug-latency --json
	unbind 05.0
	bind vfio-pci 05.0
	echo 0 >$cpu
	unbind 05.0
	bind vfio-pci 05.0
	echo 1 >$cpu
	taskset 2 sh -c '. /lab/lib.sh; unbind 05.0; bind vfio-pci 05.0'
	sleep 1
	stopped INT

	following hotplug-exact --exact --json -g "$group"
	wait_for $OUT/hotplug-exact 'is watched from now on'
	echo 0 >$cpu
	opens 10
	echo 1 >$cpu
	sleep 2.5
	opens_on 2 10
	sleep 1.5
	stopped INT
}

disk_full()
{
	mkdir /tmp/full
	mount -t tmpfs -o size=32k full /tmp/full
	tracing full --json -o /tmp/full/copy
	until_gone "$tracer" opens 100
	stopped INT
	ls -l /tmp/full >$OUT/full.size
	following full-refs -o /tmp/full/refs -d 1s
	until_gone "$tracer" opens 100
	stopped INT
	step full-validate vfioscope validate --observe-only -d 1 --json /tmp/full/report
	umount /tmp/full
}

# piped NAME COMMAND...: its status, when who reads its output goes away after one line
piped()
{
	_name=$1
	shift
	{ "$@" 2>"$OUT/$_name.err" & echo $! >/tmp/pid; wait $!; echo $? >"$OUT/$_name.status"; } |
		head -1 >"$OUT/$_name" &
	wait_for "$OUT/$_name" .
	until_gone "$(cat /tmp/pid)" opens 10
	wait
}

closed_pipe()
{
	piped pipe vfioscope trace
	piped pipe-json vfioscope trace --json
	piped pipe-refs vfioscope refs --watch 200ms
	piped pipe-latency vfioscope latency --interval 200ms
}

# turned SECONDS: the clock, by so much
turned()
{
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

clock()
{
	date +%s >$OUT/clock.wall
	tracing clock --json
	opens 10
	turned 86400
	opens 10
	turned -172800
	opens 10
	unbind 05.0
	bind vfio-pci 05.0
	wait_for $OUT/clock '"type":"deferred"'
	stopped INT
	watching clock-latency --json
	unbind 05.0
	turned 3600
	bind vfio-pci 05.0
	turned -3600
	sleep 1
	stopped INT
	uptime_cs
	_start=$uptime_cs
	tracing clock-ends -q --json -d 3s
	turned 86400
	wait "$tracer"
	echo $? >$OUT/clock-ends.status
	uptime_cs
	echo $((uptime_cs - _start)) >$OUT/clock-ends.took
}

# Room for one task inside a chain, and two that are.
map_full()
{
	small_maps >$OUT/small 2>&1 &
	_small=$!
	wait_for $OUT/small armed
	step race race 200
	kill -INT $_small
	wait $_small
}

overrun
two
hotplug
disk_full
closed_pipe
clock
map_full
bind vfio-pci 05.0
starts "${CYCLES:-8}"
kills "${KILLS:-20}" 7
complaints dmesg
