# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The mutant whose deferred put sleeps 50 ms.
watching slow --json --events --overdue 40ms
bind vfio-pci 05.0
for _ in 1 2 3 4 5; do
	bind pci-stub 05.1
	unbind 05.1
done
unbind 05.0
sleep 1
stopped INT
