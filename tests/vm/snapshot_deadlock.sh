# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# A snapshot of a machine that is deadlocked already, with a holder from before.
bind vfio-pci 06.0
holder mmap "$(group_of 06.0)" 0000:00:06.0 >"$OUT/deadlock.holder" &
wait_for "$OUT/deadlock.holder" 'ready\|holder:'
step race race 3000
step deadlock timeout 20 snapshot_dump
