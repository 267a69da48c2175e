# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# What keeps a VM from starting, each made so and taken back. CAUSE has which ones.

# ask NAME ARGUMENTS...: as a program has it, and as people read it
ask()
{
	_as=$1
	shift
	step "$_as" timeout 60 vfioscope why --json "$@"
	[ -z "${TEXT:-}" ] || step "$_as.text" timeout 60 vfioscope why "$@"
}

# attempt NAME: does the kernel itself give the device out now? "ready" where it does
attempt()
{
	holding "$1-try" device
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
}

# free BDF: no driver, no override
free()
{
	unbind "$1"
	echo >"/sys/bus/pci/devices/$1/driver_override"
}

of_pair()
{
	group=$(group_of 05.0)
	free 0000:00:05.0
	free 0000:00:05.1
	echo pci-stub >/sys/bus/pci/devices/0000:00:05.0/driver_override
	ask override 0000:00:05.0
	attempt override
	bind vfio-pci 05.0
	ask fine 0000:00:05.0
	attempt fine
	step user su -s /bin/sh nobody -c 'vfioscope why 0000:00:05.0'
	step user-json su -s /bin/sh nobody -c 'vfioscope why --json 0000:00:05.0'
	holding busy group
	ask busy 0000:00:05.0
	ask busy-no-bpf --no-bpf group "$group"
	attempt busy
	step said timeout 60 vfioscope why --json -- sh -c \
		"echo \"vfio 0000:00:05.0: Could not open '/dev/vfio/$group': Device or resource busy\" >&2; exit 3"
	kill "$(sed -n 's/.*pid=\([0-9]*\).*/\1/p' $OUT/busy.holder)"
	# Of the drivers that every kernel of the lab has built in, this one takes any device.
	bind iosf_mbi_pci 05.1
	ask not-viable 0000:00:05.0
	attempt not-viable
	ask wrong-driver 0000:00:05.1
	free 0000:00:05.1
	bind pci-stub 05.1
	ask stub 0000:00:05.0
	attempt stub
	free 0000:00:05.0
	vfio_unload
	ask no-module 0000:00:05.0
}

# The device's own file, bound to an iommufd, keeps out who wants the group.
of_cdev()
{
	group=$(group_of 05.0)
	bind vfio-pci 05.0
	holding cdev cdev-bound
	ask cdev 0000:00:05.0
	attempt cdev
}

# VFIO's substitute for an IOMMU is in no kernel of Debian (CONFIG_VFIO_NOIOMMU): only the unit test has it.
of_no_iommu()
{
	bind vfio-pci 05.0
	ask no-iommu 0000:00:05.0
}

of_interrupts()
{
	group=$(group_of 05.0)
	bind vfio-pci 05.0
	ask interrupts 0000:00:05.0
	attempt interrupts
	echo 1 >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
	ask allowed 0000:00:05.0
	attempt allowed
}

# The port in front of a device no longer hands its bus number on: all that is read behind it is ones.
of_slots()
{
	ask bridge 0000:00:10.0
	_card=$(basename "$(ls -d /sys/bus/pci/devices/0000:00:10.0/0000:*)")
	bind vfio-pci "$_card"
	ask alive "$_card"
	printf '\0\0' | dd of=/sys/bus/pci/devices/0000:00:10.0/config bs=1 seek=25 conv=notrunc 2>/dev/null
	ask gone "$_card"
}

for cause in $CAUSE; do
	"of_$cause"
done
