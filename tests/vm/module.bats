#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load vm

setup_file()
{
	vm fixed module.sh --no-vfio
}

@test "module: doctor plans for a vfio.ko that is not loaded" {
	has_status absent-doctor 0
	says absent-doctor 'vfio +not loaded'
	says absent-doctor 'put +waiting +13'
	says absent-doctor 'will be when it is'
}

@test "module: a tracer that was first arms vfio.ko when it is loaded" {
	has_status late 0
	of late notice .words | grep -q 'not loaded'
	is "$(of late event 'select(.event == "register") | .device')" 0000:00:05.0
	of late event 'select(.event == "release") | .site' | grep -q vfio_group_release
	is "$(of late gap .gap_ns | wc -l)" 1
}

@test "module: vfio.ko can be unloaded while it is traced" {
	has_status unload 0
	! grep -qx /sys/module/vfio "$OUT/still-loaded"
}

@test "module: after a reload everything is seen again, and the gap is said" {
	has_status reload 0
	# The kernel may bind the device by itself while vfio-pci is loaded: driver_override stays set.
	[ "$(of reload event 'select(.event == "register") | .device' | wc -l)" -ge 3 ]
	is "$(of reload event 'select(.event == "module-load" or .event == "module-free") | .event' | tr '\n' ' ')" "module-free module-load "
	is "$(of reload gap .gap_ns | wc -l)" 1
	of reload event 'select(.event == "put") | .site' | sort -u | grep -q 'vfio_unregister_group_dev+'
	echo "# gap: $(of reload gap '.gap_ns / 1000000') ms" >&3
}

@test "module: dead probes do not pile up" {
	[ "$(cat "$OUT/many-fds")" -lt 150 ]
	[ "$(summary many .events_by_type.register)" -ge 1 ]
}

@test "module: nothing stays behind" {
	nothing_left after
}
