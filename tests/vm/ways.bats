#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Every way to leave VFIO and every kind of holder: the right waiter, device, way and holder. `make hosts`
# has all kernels and kinds of host, and each way with each holder.
load vm
load ways_cells.sh

CASES=${CASES:-"6.12:pciehp fixed:acpihp"}
# Of slots by ACPI those that the suite `why` does not make. `CELLS= ` runs all that `make hosts` does.
CELLS=${CELLS-"unbind:socket unbind:ring unbind:exiting unbind:namespace override:device remove:device unplug:device
	power:device numvfs:device pf:vf module:device shutdown:device"}

setup_file()
{
	local pair cells
	for pair in $CASES; do
		cells=$CELLS
		[ "$(hotplug_of "${pair#*:}")" = acpi ] || cells=
		OUT=$BATS_FILE_TMPDIR/$pair vm "${pair%:*}" ways.sh --host "${pair#*:}" --layout slots \
			--env "CELLS=$cells" --file "$TOP/build/tests/holder:/bin/holder" || return
	done
}

all_are_right()
{
	local pair=${OUT##*/} found
	found=$(cells "$OUT" "$(hotplug_of "${pair#*:}")" "${pair%:*}")
	echo "$found" | sed "s/^/# $pair: /" >&3
	[ "$(echo "$found" | grep -c ' right$')" -ge 4 ] && prints_not ' wrong ' echo "$found"
}

@test "ways: each way and each holder is told right" {
	each all_are_right
}

@test "ways: a holder that is not there is missed by the check itself" {
	local pair=${CASES%% *}
	OUT=$BATS_FILE_TMPDIR/$pair
	sed -i 's/expect=fd:device/expect=fd:group/' "$OUT"/*.holder
	cells "$OUT" "$(hotplug_of "${pair#*:}")" "${pair%:*}" | grep -q ' wrong holders'
}
