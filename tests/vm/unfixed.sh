# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The fix taken out: the real deadlock. What is told must be on disk before the host is of no use.
step doctor vfioscope doctor
tracing race --json -o /tmp/copy
race 3000 >$OUT/stress 2>&1
cp /tmp/copy $OUT/copy-while-hung
ls /dev/vfio >$OUT/dev-vfio
stopped INT
sleep 2
leftovers after
