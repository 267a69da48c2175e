# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# vfio.ko comes after the tracer, goes, comes back as another build, is livepatched.
ko=/lib/modules/$(uname -r)/kernel/drivers/vfio/vfio.ko
cp "$ko" /tmp/stock.ko

# gaps NAME WHY N: until so many lines tell of gaps of that kind
gaps()
{
	_tries=0
	until [ "$(grep -c "\"type\":\"gap\".*\"why\":\"$2\"" "$OUT/$1")" -ge "$3" ]; do
		_tries=$((_tries + 1))
		[ $_tries -lt 300 ] || return 1
		usleep 50000
	done
}

# other_build FILE: takes the place of vfio.ko, which is not loaded
other_build()
{
	cp "$1" "$ko"
}

build_id()
{
	od -An -tx1 -v /sys/module/vfio/notes/.note.gnu.build-id | tr -d ' \n' | cut -c33-72
}

# also NAME PATTERN VERB: beside the others, its NDJSON in $OUT/NAME; has said PATTERN when this returns
also()
{
	vfioscope "$3" --json >"$OUT/$1" 2>"$OUT/$1.err" &
	echo $! >"$OUT/$1.pid"
	wait_for "$OUT/$1" "$2"
}

# ended NAME...
ended()
{
	for _name in "$@"; do
		kill -INT "$(cat "$OUT/$_name.pid")"
		wait "$(cat "$OUT/$_name.pid")"
		echo $? >"$OUT/$_name.status"
	done
}

# -- first, and again --
step absent-doctor vfioscope doctor -v
tracing late --json
vfio_load
gaps late loaded 1
bind vfio-pci 05.0
unbind 05.0
wait_for $OUT/late '"event":"release"'
stopped INT

# The device is waited for: the group comes to exist while the probes are armed.
vfio_unload
echo vfio-pci >/sys/bus/pci/devices/0000:00:05.0/driver_override
tracing first --json
vfio_load
gaps first loaded 1
wait_for $OUT/first '"event":"create"'
unbind 05.0
wait_for $OUT/first '"event":"release"'
stopped INT
vfio_unload

begun '"type":"ledger"' refs first-refs --json
vfio_load
gaps first-refs loaded 1
unbind 05.0
sleep 1.5
stopped INT
echo >/sys/bus/pci/devices/0000:00:05.0/driver_override

tracing reload --json
bind vfio-pci 05.0
unbind 05.0
sleep 1
step unload vfio_unload
ls -d /sys/module/vfio >$OUT/still-loaded 2>&1
wait_for $OUT/reload 'was unloaded'
vfio_load
gaps reload loaded 1
bind vfio-pci 05.0
unbind 05.0
bind vfio-pci 05.0
unbind 05.0
sleep 1
stopped INT

tracing many -q --json
reloads=0
while [ $reloads -lt 6 ]; do
	vfio_unload
	vfio_load
	reloads=$((reloads + 1))
done
gaps many loaded 1
sleep 2
bind vfio-pci 05.0
sleep 1
ls /proc/"$tracer"/fd | wc -l >$OUT/many-fds
bpftool map dump name sites >$OUT/many-sites
vfio_unload
wait_for $OUT/many 'was unloaded'
sleep 0.5
bpftool map dump name sites >$OUT/many-no-sites
stopped INT

# -- other builds: without the fix first, whose plan needs fewer programs --
other_build /lab/unfixed.ko
vfio_load
build_id >$OUT/id-unfixed
also builds-refs '"type":"ledger"' refs
also builds 'armed in' trace
bind vfio-pci 05.0
unbind 05.0
vfio_unload
other_build /tmp/stock.ko
vfio_load
build_id >$OUT/id-fixed
gaps builds loaded 1
bind vfio-pci 05.0
unbind 05.0
sleep 1
vfio_unload
other_build /lab/outlined.ko
vfio_load
build_id >$OUT/id-outlined
gaps builds loaded 2
bind vfio-pci 05.0
unbind 05.0
sleep 1
vfio_unload
wait_for $OUT/builds 'was unloaded'
ended builds builds-refs

# What is loaded is not the file: its call sites are not known.
other_build /tmp/stock.ko
also stranger 'armed in' trace
insmod /lab/unfixed.ko
gaps stranger blind 1
rmmod vfio
gaps stranger blind 2
ended stranger

# -- livepatches --
vfio_load
also patched 'armed in' trace
also patched-latency '"start"' latency
also patched-refs '"type":"ledger"' refs
vfioscope validate --observe-only --json $OUT/patched-report >$OUT/patched-validate 2>&1 &
echo $! >$OUT/patched-validate.pid
sandboxed $!
modprobe livevfio
echo 1 >/sys/kernel/livepatch/livevfio/force
gaps patched patched 1
gaps patched-latency patched 1
gaps patched-refs patched 1
also patched-before '"why":"patched"' trace
sleep 1
echo 0 >/sys/kernel/livepatch/livevfio/enabled
echo 1 >/sys/kernel/livepatch/livevfio/force
gaps patched patched 2
ended patched-before patched patched-latency patched-refs patched-validate

# -- text that is written over: while it is traced, then at a probe's place before it is --
also changed 'armed in' trace
compared untouched
step poke modprobe textpoke func=vfio_group_put_bg from=4889fd to=488bef
gaps changed changed 1
step changed-doctor vfioscope doctor --json
step changed-latency vfioscope latency --json -d 300ms
rmmod textpoke
gaps changed changed 2
ended changed
step poke-site modprobe textpoke func=vfio_group_get_external_user from=0fc1042485c0 to=0fc1042409c0
tracing changed-site --json
grep vfio_ /sys/kernel/debug/kprobes/list >$OUT/changed-site.probes
stopped INT
rmmod textpoke
step put-back vfioscope doctor -v
vfio_unload
left_after after
