# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Every reference operation on one group, counted by hardware watchpoints beside vfioscope. The
# group is kept alive by 05.1, because a watchpoint needs an address.
group=$(group_of 05.0)
bind vfio-pci 05.1
address_of_group

# round NAME CYCLES: both count the same events, started and stopped while nothing happens
round()
{
	tracing "$1" -q --json
	refwatch "$address" $OUT/"$1".log >$OUT/"$1".watch 2>&1 &
	watch=$!
	wait_for $OUT/"$1".watch armed
	i=0
	while [ $i -lt "$2" ]; do
		bind vfio-pci 05.0
		use_group "$group"
		unbind 05.0
		i=$((i + 1))
	done
	sleep 1
	kill -INT $watch
	wait $watch
	stopped INT
}
round few 3
round many 400
