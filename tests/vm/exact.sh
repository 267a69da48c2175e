# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Every change of one group's counter, seen by the product's watchpoints and by the oracle's at the
# same time. The group is kept alive by 05.1. ROUNDS comes from the host.
group=$(group_of 05.0)
bind vfio-pci 05.1
address_of_group

# Some fail, because the file is open already: they take and drop a reference all the same. The shell
# itself would end if "exec" failed.
open_group()
{
	true 7<>"/dev/vfio/$group"
}

opens()
{
	while [ ! -e /tmp/enough ]; do
		open_group
		usleep 2000
	done 2>/dev/null
}

rounds()
{
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		bind vfio-pci 05.0
		open_group
		unbind 05.0
		i=$((i + 1))
	done 2>/dev/null
}

exact_dump "$address" >$OUT/changes 2>&1 &
dump=$!
wait_for $OUT/changes armed
counter=$(sed -n 's/^counter //p' $OUT/changes)
refwatch --beside "$counter" $OUT/oracle >$OUT/watch 2>&1 &
watch=$!
wait_for $OUT/watch armed
opens &
opener=$!
rounds
touch /tmp/enough
wait $opener
sleep 1
kill -INT $watch
wait $watch
kill -INT $dump
wait $dump
step wrong exact_dump 1

# A CPU that goes away and comes back has lost its watchpoints.
if [ -e /sys/devices/system/cpu/cpu1/online ]; then
	exact_dump "$address" >$OUT/hotplug 2>&1 &
	dump=$!
	wait_for $OUT/hotplug armed
	echo 0 >/sys/devices/system/cpu/cpu1/online
	echo 1 >/sys/devices/system/cpu/cpu1/online
	kill -INT $dump
	wait $dump
fi

# The last reference goes: the watch ends by itself.
exact_dump "$address" >$OUT/released 2>&1 &
dump=$!
wait_for $OUT/released armed
unbind 05.1
sleep 1
kill -INT $dump
wait $dump
