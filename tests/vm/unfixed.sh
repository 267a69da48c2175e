# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The fix taken out: the real deadlock. What is told must be on disk before the host is of no use.
step doctor vfioscope doctor
tracing killed -q
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
left_after after-kill
tracing race -q --json -o /tmp/copy
race 3000 >$OUT/stress 2>&1
cp /tmp/copy $OUT/copy-while-hung
ls /dev/vfio >$OUT/dev-vfio
# Of all tasks, the one whose own stack goes from the chain through the release to the chain again.
for task in /proc/[0-9]*; do
	grep -q vfio_group_release "$task/stack" 2>/dev/null && echo "${task#/proc/}" >$OUT/stuck
done
stopped INT
left_after after
