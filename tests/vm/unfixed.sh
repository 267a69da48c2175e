# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# The fix taken out: the real deadlock. What is told must be on disk before the host is of no use.
step doctor vfioscope doctor -v
tracing killed -q
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
left_after after-kill
tracing race -q --json -o /tmp/copy
# When it really happened and when it really was in the file, by clocks that are not vfioscope's.
tracefs=/sys/kernel/tracing
control=/sys/kernel/debug/dynamic_debug/control
echo mono >$tracefs/trace_clock
echo 'p:outside/release vfio_group_release' >>$tracefs/kprobe_events
echo 1 >$tracefs/events/outside/enable
witness /tmp/copy '"name":"notifier-deadlock"' >$OUT/witness &
if [ -n "${PLAIN:-}" ]; then
	RACE_PLAIN=1
	grep vfio_iommu_group_notifier $control >$OUT/plain
	race "$PLAIN" >$OUT/stress 2>&1
	RACE_PLAIN=
fi
grep -q 'stuck after' $OUT/stress 2>/dev/null || race 3000 >>$OUT/stress 2>&1
cp /tmp/copy $OUT/copy-while-hung
grep vfio_iommu_group_notifier $control >$OUT/widened
ls /dev/vfio >$OUT/dev-vfio
# Of all tasks, the one whose own stack goes from the chain through the release to the chain again.
for task in /proc/[0-9]*; do
	grep -q vfio_group_release "$task/stack" 2>/dev/null && echo "${task#/proc/}" >$OUT/stuck
done
sed -n 's/.*-\([0-9]*\) *\[[0-9]*\] [^ ]* *\([0-9.]*\): release: .*/\1 \2/p' $tracefs/trace >$OUT/releases
echo 0 >$tracefs/events/outside/enable
echo '-:outside/release' >>$tracefs/kprobe_events
stopped INT
left_after after
