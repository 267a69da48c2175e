# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The other kernels without a notifier: what is seen there, and that nothing stays behind.
group=$(group_of 05.0)
step doctor vfioscope doctor
tracing events --json
bind vfio-pci 05.0
use_group "$group"
bind vfio-pci 05.1
unbind 05.1
unbind 05.0
sleep 1
stopped INT
tracing unload -q --json
step rmmod vfio_unload
step modprobe vfio_load
sleep 1
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
sleep 2
leftovers after-kill
