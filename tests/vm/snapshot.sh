# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2086,SC2154
# Every way to hold something of VFIO, and what a snapshot shows of it.
group=$(group_of 05.0)

step nothing-bound snapshot_dump
bind vfio-pci 05.0
step idle snapshot_dump
step sysfs snapshot_dump sysfs
step unprivileged su -s /bin/sh nobody -c snapshot_dump
modprobe kvm-amd
modprobe vhost_vsock
for scenario in group dup fork pass device all container mmap two kvm vhost; do
	holding $scenario $scenario
	step $scenario snapshot_dump
	let_go
done

# An unbind that waits for a mapping: its task sits in the kernel with the device's lock.
holding stuck mmap
echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind &
sleep 2
step stuck snapshot_dump
let_go
wait
step after snapshot_dump
bind vfio-pci 05.0
bind vfio-pci 05.1
holding both all
step both snapshot_dump
let_go
unbind 05.0
unbind 05.1

was_quick()
{
	_took=$(sed -n 's/^took \([0-9]*\).*/\1/p' "$OUT/crowd-warm" 2>/dev/null)
	[ "${_took:-9999999}" -lt 2000000 ]
}

holding crowd sleepers 2000
step crowd snapshot_dump
# The machine under the guest may be busy: eight looks, and one has to be quick.
tries=0
until [ $tries -ge 8 ] || was_quick; do
	tries=$((tries + 1))
	step crowd-warm snapshot_dump
done
kill -9 "$holder"
vfio_unload
step unloaded snapshot_dump
