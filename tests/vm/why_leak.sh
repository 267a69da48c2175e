# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# A vfio.ko that takes one reference too many for each event of the notifier: the group outlives its devices.
step before vfioscope why --json
bind vfio-pci 05.0
for _ in 1 2 3; do
	bind pci-stub 05.1
	unbind 05.1
done
usleep 300000
step bound vfioscope why --json
unbind 05.0
usleep 300000
why leak
