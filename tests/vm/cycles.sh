# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Sourced by scenarios: starting and stopping, and being killed, leaves nothing.

# kernel_counts: what a tracer could leave behind, one "name number" a line
kernel_counts()
{
	# shellcheck disable=SC2010 # the targets of links are wanted, and there is no find -lname
	_perf=$(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c perf_event)
	echo "programs $(bpftool prog list | grep -c '^[0-9]')"
	echo "maps $(bpftool map list | grep -c '^[0-9]')"
	echo "links $(bpftool link list | grep -c '^[0-9]')"
	echo "pinned $(ls -A /sys/fs/bpf | wc -l)"
	echo "kprobes $(wc -l </sys/kernel/debug/kprobes/list)"
	echo "kprobe_events $(wc -l </sys/kernel/tracing/kprobe_events)"
	echo "ftraced $(wc -l </sys/kernel/tracing/enabled_functions)"
	echo "perf_events $_perf"
	echo "processes $(pidof vfioscope | wc -w)"
	echo "temporary $(find /tmp /run /dev/shm -newer /tmp/begun ! -path '/tmp/out*' ! -name begun -type f | wc -l)"
}

# settled BEFORE AFTER: AFTER gets the counts, once they are those of BEFORE again, or after 20 s. The
# kernel frees what was open some time after its process.
settled()
{
	_try=0
	while kernel_counts >"$2"; ! cmp -s "$1" "$2" && [ $_try -lt 40 ]; do
		_try=$((_try + 1))
		usleep 500000
	done
}

# memory: KiB that the kernel itself uses, caches dropped
memory()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(Slab|Percpu|KernelStack|PageTables):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# starts N: N times from start to end; before and after in $OUT
starts()
{
	touch /tmp/begun
	# The first ones fill caches of the kernel.
	vfioscope trace -q -d 10ms >/dev/null
	vfioscope trace -q -d 10ms >/dev/null
	sleep 3
	kernel_counts >$OUT/starts.before
	memory >$OUT/starts.memory
	awk '{ print $1 }' /proc/sys/fs/file-nr >$OUT/starts.files
	uptime_cs
	_start=$uptime_cs
	_done=0
	while [ $_done -lt "$1" ]; do
		vfioscope trace -q -d 10ms >/tmp/start 2>&1 || { cat /tmp/start; break; }
		_done=$((_done + 1))
	done >$OUT/starts.said
	uptime_cs
	echo $_done >$OUT/starts.done
	echo $((uptime_cs - _start)) >$OUT/starts.took
	rm -f /tmp/start
	settled $OUT/starts.before $OUT/starts.after
	sleep 3
	memory >>$OUT/starts.memory
	awk '{ print $1 }' /proc/sys/fs/file-nr >>$OUT/starts.files
}

# start_up: hundredths of a second until it is armed, when it had been run before
start_up()
{
	uptime_cs
	_start=$uptime_cs
	tracing start-up -q
	uptime_cs
	echo $((uptime_cs - _start))
	stopped INT
}

# kills N SEED: killed N times, at moments spread over the start and a little more
kills()
{
	start_up >/tmp/start-up
	_us=$(($(cat /tmp/start-up) * 13000))
	rm /tmp/start-up
	touch /tmp/begun
	sleep 3
	kernel_counts >$OUT/kills.before
	_done=0
	for _moment in $(awk "BEGIN { srand($2); for (i = 0; i < $1; i++) print int(rand() * $_us) }"); do
		vfioscope trace -q -o /tmp/out/kills.copy >/dev/null 2>&1 &
		_pid=$!
		usleep "$_moment"
		kill -KILL $_pid
		wait $_pid 2>/dev/null
		echo "$_moment $?"
		_done=$((_done + 1))
	done >$OUT/kills.moments
	echo $_done >$OUT/kills.done
	settled $OUT/kills.before $OUT/kills.after
}
