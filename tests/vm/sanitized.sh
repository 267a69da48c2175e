# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# A little of every verb that runs live or looks at the host.
group=$(group_of 05.0)
step doctor vfioscope doctor -v
tracing trace -s -o /tmp/out/trace.copy
race 200 >/dev/null 2>&1
use_group "$group"
sleep 1
stopped INT
following refs --exact --watch 500ms --json
use_group "$group"
vfio_unload
vfio_load
wait_for $OUT/refs '"type":"gap"'
bind vfio-pci 05.0
sleep 2
stopped INT
watching latency --interval 500ms
race 100 >/dev/null 2>&1
sleep 1
stopped INT
step once vfioscope refs --once
step why vfioscope why
step validate vfioscope validate --observe-only -d 1 --json /tmp/out/report
step inspect vfioscope inspect --running
