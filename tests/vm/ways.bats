#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Every way to leave VFIO and every kind of holder: the right waiter, device, way and holder. `make hosts`
# has all kernels and kinds of host, and each way with each holder.
load vm
load ways_cells.sh

CASES=${CASES:-"6.12:pciehp fixed:acpihp"}

setup_file()
{
	local pair
	for pair in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$pair VM_TIMEOUT=300 vm "${pair%:*}" ways.sh --host "${pair#*:}" --layout slots \
			--file "$TOP/build/tests/holder:/bin/holder" || return
	done
}

hotplug_of()
{
	awk -v host="$1" '$1 == host { print $6 }' "$TOP/tools/lab/hosts"
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
