# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# The same things in the same order, one at a time, whatever VFIO is: the ledger's numbers must not depend
# on the kernel. 05.1 keeps the group alive. CYCLES comes from the host.
group=$(group_of 05.0)
bind vfio-pci 05.1
following ledger --exact --json -g "$group"
wait_for $OUT/ledger 'is watched from now on'
address=$(sed -n 's/.*"type":"ledger".*"number":'"$group"',"address":"0x\([0-9a-f]*\)".*/\1/p' $OUT/ledger | head -1)
refwatch --beside "$address" $OUT/oracle >$OUT/watch 2>&1 &
watch=$!
wait_for $OUT/watch armed
i=0
while [ $i -lt "$CYCLES" ]; do
	bind vfio-pci 05.0
	use_group "$group"
	unbind 05.0
	i=$((i + 1))
done
bind vfio-pci 05.0
for scenario in group dup device mmap; do
	holding $scenario
	let_go
done
sleep 1.5
kill -INT $watch
wait $watch
stopped INT
unbind 05.0
unbind 05.1
