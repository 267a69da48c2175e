# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# Who has a device, and may it be taken away: asked before anybody waits, and again while somebody does.
group=$(group_of 05.0)
device=0000:00:05.0

# ask NAME: both questions, as JSON and as text
ask()
{
	step "$1.devices" timeout 20 vfioscope devices --json --all
	step "$1.devices.text" timeout 20 vfioscope devices $device
	step "$1.can" timeout 20 vfioscope can --json unbind $device
	step "$1.can.text" timeout 20 vfioscope can unbind $device
}

# held_by NAME: asked while that holds, and while an unbind waits for it, if it does
held_by()
{
	bind vfio-pci 05.0
	holding "$1"
	ask "$1"
	[ "$1" != device ] || step rmmod-used timeout 20 vfioscope can --json rmmod $device
	echo $device >/sys/bus/pci/drivers/vfio-pci/unbind &
	unbinder=$!
	tries=0
	until grep -q ' vfio_' "/proc/$unbinder/stack" 2>/dev/null || ! is_alive $unbinder || [ $tries -ge 200 ]; do
		tries=$((tries + 1))
		usleep 50000
	done
	if is_alive $unbinder; then
		echo $unbinder >"$OUT/$1.unbinder"
		usleep 200000
		ask "$1.leaving"
	fi
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	wait $unbinder
}

ask nothing
step detach-nothing timeout 20 vfioscope can --json detach $device
step no-such-device vfioscope can unbind 0000:77:00.0
step no-such-module vfioscope can rmmod no_such_module
bind vfio-pci 05.0
ask idle
step rmmod-idle timeout 20 vfioscope can --json rmmod vfio-pci
step rmmod-core timeout 20 vfioscope can --json rmmod vfio
step detach-mine timeout 20 vfioscope can detach $device
step unprivileged-devices su -s /bin/sh nobody -c 'vfioscope devices'
step unprivileged-can su -s /bin/sh nobody -c "vfioscope can unbind $device"
step no-bpf timeout 20 vfioscope can --json --no-bpf unbind $device
bind pci-stub 05.1
step detach-stub timeout 20 vfioscope can --json detach 0000:00:05.1
unbind 05.1
for scenario in ${HELD_BY:-device mmap two group}; do
	[ "$scenario" != vhost ] || modprobe vhost_vsock
	held_by "$scenario"
done
dmesg | grep -E -A9 'WARNING: |general protection|BUG: ' >"$OUT/warnings"
echo "looked" >"$OUT/warnings.looked"
