# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# The real deadlock, and more and more tasks behind it; explained cold, on the deadlocked machine.

step idle vfioscope why --json
step race race 3000
cat /proc/[0-9]*/task/*/stat 2>/dev/null | awk '$3 == "D" { print $1 }' >"$OUT/in-d"
why deadlock
for pid in $(cat "$OUT/in-d"); do
	! grep -q vfio_iommu_group_notifier "/proc/$pid/stack" || echo "$pid" >"$OUT/culprit"
done
(echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind) &
echo $! >"$OUT/behind"
(echo 0000:00:05.1 >/sys/bus/pci/drivers/pci-stub/unbind) &
echo $! >>"$OUT/behind"
(echo 1 >/sys/bus/pci/devices/0000:00:05.0/remove) &
echo $! >>"$OUT/behind"
(echo 1 >/sys/bus/pci/devices/0000:00:05.1/remove) &
echo $! >>"$OUT/behind"
(echo 0000:00:05.1 >/sys/bus/pci/drivers_probe) &
echo $! >>"$OUT/behind"
usleep 1500000
for pid in $(cat "$OUT/behind"); do
	echo "== $pid $(cat "/proc/$pid/comm" 2>/dev/null)"
	cat "/proc/$pid/stack"
done >"$OUT/victim-stacks" 2>&1
why victims
why victims-group group 1
why victims-device 0000:00:05.1
for pid in $(cat "$OUT/behind"); do
	! grep -q "^State:.D" "/proc/$pid/status" || echo "$pid" >"$OUT/victim.pid"
done
why victim pid "$(cat "$OUT/victim.pid")"
step devices timeout 30 vfioscope devices --json
step can timeout 30 vfioscope can --json unbind 0000:00:05.0
step can-rmmod timeout 30 vfioscope can --json rmmod vfio-pci
step no-bpf timeout 20 vfioscope why --json --no-bpf
# Last: what comes after it is the lab's own reset.
reboot -f &
usleep 10000000
cat "/proc/$!/stack" >"$OUT/reboot.stack"
