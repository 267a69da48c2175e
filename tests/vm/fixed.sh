# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The patched kernel: everything is seen, nothing is found, nothing is lost, nothing stays behind.
group=$(group_of 05.0)

leftovers before
step doctor vfioscope doctor -v
step doctor-json vfioscope doctor --json
for i in 1 2 3 4 5; do
	step self-test-$i vfioscope doctor --self-test
done

tracing stress -q --json
grep -E 'VmHWM|VmRSS' "/proc/$tracer/status" >$OUT/memory-before
step race race 3000
grep -E 'VmHWM|VmRSS' "/proc/$tracer/status" >$OUT/memory
stopped INT

unbind 05.0
unbind 05.1
tracing events --json
bind vfio-pci 05.0
use_group "$group"
refused_open "$group"
bind vfio-pci 05.1
unbind 05.1
unbind 05.0
sleep 1
stopped TERM

tracing text
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT

tracing filtered --json -e open,close -g "$group"
bind vfio-pci 05.0
use_group "$group"
unbind 05.0
sleep 1
stopped INT

tracing other-group --json -g 77
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT

step duration vfioscope trace -q -d 500ms
step output vfioscope trace -q -d 300ms -o /tmp/copy
cp /tmp/copy $OUT/output-copy

tracing killed
bind vfio-pci 05.0
leftovers armed
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
unbind 05.0
left_after after-kill
bpftool map create /sys/fs/bpf/left type array key 4 value 4 entries 1 name left
leftovers pinned
rm /sys/fs/bpf/left
echo 'p:left/probe vfio_group_fops_open' >/sys/kernel/tracing/kprobe_events
leftovers event
echo >/sys/kernel/tracing/kprobe_events

step nobody-doctor su -s /bin/sh nobody -c 'vfioscope doctor -v'
step nobody-trace su -s /bin/sh nobody -c 'vfioscope trace'

mv "/lib/modules/$(uname -r)/kernel/drivers/vfio/vfio.ko" /tmp/vfio.ko
step no-file-doctor vfioscope doctor -v
tracing no-file --json
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT
cp /bin/busybox "/lib/modules/$(uname -r)/kernel/drivers/vfio/vfio.ko"
step rubbish-file-doctor vfioscope doctor -v
cp /tmp/vfio.ko "/lib/modules/$(uname -r)/kernel/drivers/vfio/vfio.ko"
echo 0 >/proc/sys/kernel/ftrace_enabled
step no-ftrace-doctor vfioscope doctor -v
echo 1 >/proc/sys/kernel/ftrace_enabled
echo 2 >/proc/sys/kernel/kptr_restrict
step kptr-doctor vfioscope doctor -v
