# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# The ledger against every change of the counter: devices come and go, files are opened, groups are used
# by containers, devices, the external-user API. The group is kept alive by 05.1. CYCLES comes from the host.
group=$(group_of 05.0)
bind vfio-pci 05.1
bind vfio-pci 05.0
race_widen

following refs --exact --json -g "$group" -o /tmp/events --ring-size 64M
wait_for $OUT/refs 'is watched from now on'
address=$(sed -n 's/.*"type":"ledger".*"number":'"$group"',"address":"0x\([0-9a-f]*\)".*/\1/p' $OUT/refs | head -1)
echo "$address" >$OUT/address
refwatch --beside "$address" $OUT/oracle >$OUT/watch 2>&1 &
watch=$!
wait_for $OUT/watch armed

modprobe extuser
i=0
while [ $i -lt 10 ]; do
	printf '%s\n' get get put 'get_from_dev 0000:00:05.0' put put close | extuser module "$group"
	holder all "$group" 0000:00:05.0 >/tmp/holder &
	wait_for /tmp/holder ready
	kill $!
	wait $! 2>/dev/null
	i=$((i + 1))
done >$OUT/users 2>&1

opens()
{
	while [ ! -e /tmp/enough ]; do
		true 7<>"/dev/vfio/$group"
		usleep 5000
	done 2>/dev/null
}
opens &
opener=$!
device=$(full_bdf 05.0)
echo 0 0 >"/run/race.$device"
race_cycle vfio-pci "$device" "$CYCLES"
cat "/run/race.$device" >$OUT/cycles
touch /tmp/enough
wait $opener
sleep 1.5

kill -INT $watch
wait $watch
stopped INT
grep '"event":"change"' /tmp/events >$OUT/changes
