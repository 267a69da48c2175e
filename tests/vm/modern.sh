# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# A kernel without the notifier: what no longer exists is said, the rest is traced.
group=$(group_of 05.0)
step doctor vfioscope doctor -v
step self-test vfioscope doctor --self-test
group_life events "$group"
tracing text
bind vfio-pci 05.0
sleep 1
stopped INT
tracing stress -q --json
step race race 500
stopped INT
tracing killed
unbind 05.0
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
left_after after-kill
tracing unload -q --json
unbind 05.0
unbind 05.1
step rmmod vfio_unload
step modprobe vfio_load
wait_for $OUT/unload '"type":"gap"'
compared text-traced
bind vfio-pci 05.0
sleep 1
stopped INT
