# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# serve on a host where an unbind waits, and then on the same host when it is deadlocked.
URL=http://127.0.0.1:9836
SOCKET=/run/vfioscope/status.sock
PAGE=/tmp/page.prom

# page_has LINE: of the page in the file, a minute at most
page_has()
{
	wait_for $PAGE "^$1" "$tracer"
}

# scrapes N FILE: how many of them were answered, and the time that all took, in 1/100 s
scrapes()
{
	_ok=0
	uptime_cs
	_from=$uptime_cs
	for _i in $(seq "$1"); do
		timeout 10 wget -q -O "$2" $URL/metrics && grep -q '^vfioscope_up 1$' "$2" && _ok=$((_ok + 1))
	done
	uptime_cs
	echo "$_ok $((uptime_cs - _from))"
}

bind vfio-pci 05.0
group=$(group_of 05.0)
began serve
vfioscope serve -o /tmp/findings -t $PAGE >$OUT/serve 2>$OUT/serve.err &
tracer=$!
traced=serve
page_has 'vfioscope_up 1$'
page_has 'vfioscope_confined{process="tracer"} 1'
cp $PAGE $OUT/first

# An unbind waits for who has the device.
holding keeper device
unbind 05.0 &
page_has 'vfioscope_unbind_wait_holder_info{.*how="fd"'
cp $PAGE $OUT/waiting
step unbind vfioscope status --for unbind --older 1ms
let_go
page_has 'vfioscope_unbind_wait_seconds_count 1'
page_has 'vfioscope_unbinds_waiting 0'
cp $PAGE $OUT/waited

# The deadlock. The moment at which it is on the page is told by another clock than the page's.
step before vfioscope status --for deadlock --exit-style npd
: >/tmp/seen
witness /tmp/seen page >$OUT/witness &
(
	until grep -q '^vfioscope_deadlocked_tasks{chain="vfio"} 1' $PAGE; do usleep 20000; done
	echo page >>/tmp/seen
) &
race 3000 >$OUT/stress 2>&1
page_has 'vfioscope_deadlocked_tasks{chain="vfio"} 1'
wait_for $OUT/witness '^seen'
cp $PAGE $OUT/deadlocked
step scrapes scrapes 100 $OUT/scraped
step status vfioscope status
step json vfioscope status --json
step npd vfioscope status --for deadlock --exit-style npd
step nagios vfioscope status --for deadlock --exit-style nagios
step plain vfioscope status --for deadlock
for process in /proc/[0-9]*; do
	[ "$(cat "$process/comm" 2>/dev/null)" != vfioscope-porch ] || porch=${process#/proc/}
done
grep -E '^(CapEff|Uid|Seccomp|VmRSS):' "/proc/$porch/status" >$OUT/porch
grep -E '^(CapEff|Uid|Seccomp|VmRSS):' "/proc/$tracer/status" >$OUT/tracer
cp /tmp/findings $OUT/findings
stopped TERM
left_after after
