# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# What a verb shows live and what report makes of its recording, under load; and a ring whose recorder is
# killed while the host hangs.
began start
bind vfio-pci 00:05.0

# recorded NAME FILE REPORT_OPTIONS...: $OUT/NAME is what was shown live
recorded()
{
	_run=$1
	_file=$2
	shift 2
	vfioscope report "$@" "$_file" >"$OUT/$_run.again" 2>"$OUT/$_run.again.err"
	echo $? >"$OUT/$_run.again.status"
	step "$_run.same" cmp "$OUT/$_run" "$OUT/$_run.again"
	step "$_run.check" vfioscope report --check "$_file"
	wc -c <"$_file" >"$OUT/$_run.bytes"
}

tracing trace --json --stack --record /tmp/trace.vfr
trace=$tracer
following refs --watch 1s --record /tmp/refs.vfr
refs=$tracer
begun 'armed in' record ring --ring 2M -o /tmp/ring.vfr
ring=$tracer
stat -c %s /tmp/ring.vfr >$OUT/ring.size
race "$CYCLES" >$OUT/stress 2>&1
sleep 1
# The recorder gets no time to end: what is in the file now is all.
kill -KILL $ring
wait $ring
stat -c %s /tmp/ring.vfr >>$OUT/ring.size
cp /tmp/ring.vfr $OUT/ring.vfr
step ring.report vfioscope report /tmp/ring.vfr
step ring.refs vfioscope report --refs /tmp/ring.vfr
# The next start goes on behind it.
begun 'armed in' record ring2 --ring 2M -o /tmp/ring.vfr
sandboxed $tracer
grep -E 'VmHWM|Cap(Prm|Eff)|Seccomp:' /proc/$tracer/status >$OUT/ring2.proc
stopped INT
step ring2.report vfioscope report --check /tmp/ring.vfr
stat -c %s /tmp/ring.vfr >>$OUT/ring.size
other_stopped trace $trace
other_stopped refs $refs
recorded trace /tmp/trace.vfr --trace --json --stack
recorded refs /tmp/refs.vfr --refs
