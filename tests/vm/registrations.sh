# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# The references that keep a device registered, and the unbind that waits for them: each change of the counter
# against the oracle, a wait seen live, one that still lasts at the end, one that began before.
group=$(group_of 05.0)
bind vfio-pci 05.1
bind vfio-pci 05.0
step doctor vfioscope doctor --json
step facts vfioscope doctor --save-facts $OUT/facts.json
# Of 5.10 there is no BTF: what its vfio_device_put() adds -1 to, at 0x18 of its argument.
offset=$(sed -n 's/.*"btf_layout.device_refcount": \([0-9]*\).*/\1/p' $OUT/facts.json)

following refs --json -o $OUT/events --older 700ms --watch 300ms
echo "$tracer" >/tmp/refs.pid
device=$(sed -n 's/.*"device":"0000:00:05.0","object":"0x\([0-9a-f]*\)".*/\1/p' $OUT/refs | head -1)
printf '%x\n' $((0x$device + ${offset:-24})) >$OUT/address
refwatch "$(cat $OUT/address)" $OUT/oracle >$OUT/watch 2>&1 &
watch=$!
wait_for $OUT/watch armed

holding reopen reopen
let_go
# Where the file is closed is not where it was opened.
holding passed device-fork
let_go
holding keeper device
begun 'armed in' trace live -q --json
traced_live=$tracer
sleep 1.2
(
	unbind 05.0
	date >$OUT/unbound
) &
unbinder=$!
wait_for $OUT/refs '"waits":true'
wait_for $OUT/refs '"unregister-waits"'
vfioscope refs --once --color never >$OUT/once 2>&1
vfioscope refs --watch 500ms --color never -d 600ms >$OUT/late 2>&1
[ -e $OUT/unbound ] || touch $OUT/waited
kill -INT $traced_live
wait $traced_live
kill -INT $watch
wait $watch
let_go
wait_for $OUT/unbound :
tracer=$(cat /tmp/refs.pid)
sleep 1.2
traced=refs
stopped INT
