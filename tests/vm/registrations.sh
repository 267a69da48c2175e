# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# The references that keep a device registered, and the unbind that waits for them: each change of the counter
# against the oracle, a wait seen live, one that still lasts at the end, one that began before.
group=$(group_of 05.0)
bind vfio-pci 05.1
bind vfio-pci 05.0
step doctor vfioscope doctor --json
step facts vfioscope doctor --save-facts $OUT/facts.json
# 5.10 has no BTF of it: its vfio_device_put() adds -1 at 0x18 of its argument.
offset=$(sed -n 's/.*"btf_layout.device_refcount": \([0-9]*\).*/\1/p' $OUT/facts.json)

following refs --json -o $OUT/events --older 700ms --watch 300ms
following=$tracer
device=$(sed -n 's/.*"device":"0000:00:05.0","object":"0x\([0-9a-f]*\)".*/\1/p' $OUT/refs | head -1)
refwatch "$(printf '%x' $((0x$device + ${offset:-24})))" $OUT/oracle >$OUT/watch 2>&1 &
watch=$!
wait_for $OUT/watch armed

holding reopen
let_go
holding passed device-fork	# closed by another process than the one that opened it
let_go
holding all
step container vfioscope refs --once --json
let_go
holding keeper device
tracing live -q --json
(
	unbind 05.0
	cat /proc/uptime >$OUT/unbound
) &
wait_for $OUT/refs '"waits":true'
wait_for $OUT/refs '"unregister-waits"'
stopped INT
step late vfioscope refs -d 100ms --color never
step once vfioscope refs --once --color never
cat /proc/uptime >$OUT/let-go
let_go
wait_for $OUT/unbound '[0-9]'
wait_for $OUT/refs '"type":"wait"'
kill -INT $watch
wait $watch
sleep 1.2
tracer=$following
traced=refs
stopped INT
