# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The other kernels without a notifier: what is seen there, and that nothing stays behind.
group=$(group_of 05.0)
step doctor vfioscope doctor -v
group_life events "$group"
tracing unload -q --json
step rmmod vfio_unload
step modprobe vfio_load
wait_for $OUT/unload '"type":"gap"'
compared text-traced
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
left_after after-kill
