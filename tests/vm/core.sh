# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# A hang, explained live, and then the dump of the machine; with RACE the deadlock of an unfixed kernel.
group=$(group_of 05.0)

dmesg >"$OUT/boot.dmesg"
step boot vfioscope why --json --log "$OUT/boot.dmesg"

# behind COMMAND...: one that waits behind the hang
behind()
{
	("$@") &
	echo $! >>"$OUT/behind"
}

write()
{
	echo "$1" >"$2"
}

if [ -n "${RACE:-}" ]; then
	step race race 3000
	behind write 0000:00:05.0 /sys/bus/pci/drivers/vfio-pci/unbind
	behind write 1 /sys/bus/pci/devices/0000:00:05.1/remove
else
	bind vfio-pci 05.0
	holding two
	behind write 0000:00:05.0 /sys/bus/pci/drivers/vfio-pci/unbind
	usleep 1500000
	behind write 1 /sys/bus/pci/devices/0000:00:05.0/remove
fi
usleep 1500000
step live timeout 60 vfioscope why --json --all-stacks "$OUT/live.stacks"
step live-pid timeout 60 vfioscope why --json pid "$(tail -n 1 "$OUT/behind")"
cat /sys/kernel/vmcoreinfo >"$OUT/vmcoreinfo"
dump core "${PACKED:-}"

# Last, as it stays in the kernel's log: what an operator asks the kernel for.
dmesg -c >/dev/null
echo w >/proc/sysrq-trigger
echo t >/proc/sysrq-trigger
dmesg >"$OUT/dmesg"
step logged vfioscope why --json --log "$OUT/dmesg"
