# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# A machine of many CPUs: each of them opens the group's file three times, for each verb.
group=$(group_of 05.0)
bind vfio-pci 05.0
nproc >$OUT/nproc

# opens_everywhere: CPU after CPU; the shell itself moves, for a fork costs much here
opens_everywhere()
{
	cpu=0
	while [ $cpu -lt "$(cat $OUT/nproc)" ]; do
		taskset -p "$(printf %x $((1 << cpu)))" $$ >/dev/null 2>>$OUT/taskset || break
		: 7<>"/dev/vfio/$group"
		: 7<>"/dev/vfio/$group"
		: 7<>"/dev/vfio/$group"
		cpu=$((cpu + 1))
	done
}

# ended NAME: with its memory
ended()
{
	grep -E 'VmHWM' "/proc/$tracer/status" >"$OUT/$1.memory"
	stopped INT
}

tracing trace -q --json
opens_everywhere
sleep 1
ended trace
following refs --json
opens_everywhere
sleep 2.5
ended refs
tracing control -q --json
control=$tracer
watching latency --json
i=0
while [ $i -lt 5 ]; do
	unbind 05.0
	bind vfio-pci 05.0
	i=$((i + 1))
done
sleep 2
ended latency
other_stopped control "$control"
awk '/^(Slab|Percpu|VmallocUsed|MemTotal|MemAvailable):/' /proc/meminfo >$OUT/meminfo
left_after after
