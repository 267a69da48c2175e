# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Groups that come and go while "refs --exact" runs.
group=$(group_of 05.0)

# points: descriptors of perf events that the tracer has: its kprobes, and a watchpoint for each CPU
points()
{
	for _fd in "/proc/$tracer/fd"/*; do
		readlink "$_fd"
	done | grep -c 'perf_event'
}

# told N PATTERN: until $OUT/$traced has N lines that match, 15 s at most
told()
{
	_tries=0
	until [ "$(grep -c "$2" "$OUT/$traced")" -ge "$1" ]; do
		_tries=$((_tries + 1))
		[ $_tries -lt 300 ] || return 1
		usleep 50000
	done
}

# vfio-pci takes devices that it had before as soon as it is loaded.
unbind 05.0 2>/dev/null
unbind 05.1 2>/dev/null

# The usual limit is 1024, which is too few on large hosts; the least of hosts has more than 24.
ulimit -S -n 24
following comes --exact --json -o /tmp/comes-events -g "$group"
ulimit -S -n "$(ulimit -H -n)"
sleep 1.5
grep 'Max open files' "/proc/$tracer/limits" >$OUT/comes-limits
{
	echo "none $(points)"
	# Created and released before either is fetched.
	kill -STOP "$tracer"
	bind vfio-pci 05.0
	unbind 05.0
	kill -CONT "$tracer"
	wait_for /tmp/comes-events '"event":"release"'
	echo "short $(points)"
	bind vfio-pci 05.0
	told 1 'is watched from now on'
	echo "watched $(points)"
	unbind 05.0
	sleep 2.5
	echo "gone $(points)"
	bind vfio-pci 05.0
	told 2 'is watched from now on'
	bind vfio-pci 05.1
	sleep 1.5
} >$OUT/comes-points 2>&1
stopped INT
unbind 05.0
unbind 05.1

# Room for a watchpoint on one CPU only, until there is more.
following few --exact --json
sleep 1.5
echo "none $(points)" >$OUT/few-points
few_files "$tracer" 1
bind vfio-pci 05.0
sleep 2.5
echo "refused $(points)" >>$OUT/few-points
few_files "$tracer" all
told 1 'is watched from now on'
echo "watched $(points)" >>$OUT/few-points
stopped INT
unbind 05.0

# A bug is found, by a leak of an external user; then every look at the host fails, the last one too.
if modprobe extuser 2>/dev/null; then
	bind vfio-pci 05.0
	bind vfio-pci 05.1
	blind_refs --json >$OUT/blind 2>$OUT/blind.err &
	tracer=$!
	traced=blind
	told 1 'unattributed'
	printf '%s\n' get close | extuser module "$group" >$OUT/blind-user 2>&1
	told 1 '"finding"'
	: >/run/blind
	told 1 'made to fail'
	sleep 2.5
	stopped INT
	rm /run/blind

	# Without a bug: for some time only.
	blind_refs --json >$OUT/dim 2>$OUT/dim.err &
	tracer=$!
	traced=dim
	told 1 'unattributed'
	: >/run/blind
	told 1 'made to fail'
	rm /run/blind
	sleep 1.5
	stopped INT
fi
