# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# latency on the patched kernel: deferred puts under the loop, then works of the test module wqload
# that delay each other in known ways. wqload's log has the true times.
RUN=/sys/kernel/debug/wqload/run

# situation NAME COMMANDS: of wqload, with wqload_victim watched; the true times in NAME.log
situation()
{
	echo clear >$RUN
	watching "$1" --work wqload_victim --json
	echo "$2" >$RUN
	echo wait >$RUN
	sleep 0.2
	stopped INT
	cp /sys/kernel/debug/wqload/log "$OUT/$1.log"
}

watching stress --json --events
step race race 500
sleep 1
stopped INT
watching text --cost
step race-2 race 100
stopped INT

modprobe wqload
watching attached --json --cost
bpftool -j link list >$OUT/links
bpftool -j prog list >$OUT/progs
echo "victim n=500; wait" >$RUN
wc -l </sys/kernel/debug/wqload/log >$OUT/others
stopped INT
rmmod wqload

unbind 05.0
unbind 05.1
vfio_unload
watching late --json
vfio_load
wait_for $OUT/late 'followed by kprobes'
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT

# held NAME OPTIONS: a deferred put on CPU 1, behind works that take 600 ms in all. Between two of
# them, and only there, the unbind on the same CPU gets on.
held()
{
	bind vfio-pci 05.0
	bind pci-stub 05.1
	watching "$@" --json
	taskset -p 2 $$ >/dev/null
	echo "burn cpu=1 ms=15 n=40" >$RUN
	unbind 05.1
	taskset -p 3 $$ >/dev/null
	echo wait >$RUN
	sleep 0.2
	stopped INT
	unbind 05.0
}

watching waits --work wqload_victim --json
modprobe wqload
wait_for $OUT/waits '"type":"gap"'
echo "victim n=3; wait" >$RUN
sleep 0.5
stopped INT

held held-late
held held-full --blame full
held held-off --blame off

# Kprobes at entries are silent then: the tracepoints are left.
bind vfio-pci 05.0
echo 0 >/proc/sys/kernel/ftrace_enabled
watching fallback --json
bind pci-stub 05.1
unbind 05.1
sleep 1
stopped INT
echo 1 >/proc/sys/kernel/ftrace_enabled
unbind 05.0

situation burn "burn cpu=1 ms=100; victim cpu=1"
situation burns "burn cpu=1 ms=40; burn cpu=1 ms=60; victim cpu=1"
situation many "burn cpu=1 ms=5 n=30; victim cpu=1"
situation saturated "hog cpu=1 n=256 ms=800; victim cpu=1"
situation single "sleep wq=own cpu=1 ms=150; victim wq=own cpu=1"
situation single-burn "burn wq=own cpu=1 ms=120; victim wq=own cpu=1"
situation spin "spin cpu=1 ms=150; victim cpu=1"
situation other-wq "burn wq=long cpu=1 ms=110; victim cpu=1"
situation cpu0 "burn cpu=0 ms=90; victim cpu=0; burn cpu=1 ms=200"

echo clear >$RUN
watching overdue --work wqload_victim --overdue 100ms --lost 400ms
echo "burn cpu=1 ms=900; victim cpu=1; wait" >$RUN
stopped INT
left_after after
