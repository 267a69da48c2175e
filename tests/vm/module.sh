# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# vfio.ko comes after the tracer, goes, and comes back; then it is another build.
step absent-doctor vfioscope doctor
tracing late --json
vfio_load
wait_for $OUT/late '"type":"gap"'
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT

tracing reload --json
bind vfio-pci 05.0
unbind 05.0
sleep 1
step unload vfio_unload
ls -d /sys/module/vfio >$OUT/still-loaded 2>&1
sleep 1
step load vfio_load
sleep 1
bind vfio-pci 05.0
unbind 05.0
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT

tracing many -q --json
reloads=0
while [ $reloads -lt 6 ]; do
	vfio_unload
	vfio_load
	reloads=$((reloads + 1))
done
sleep 4
bind vfio-pci 05.0
sleep 1
ls /proc/"$tracer"/fd | wc -l >$OUT/many-fds
stopped INT
vfio_unload
sleep 2
leftovers after
