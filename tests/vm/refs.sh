# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2086,SC2154
# Who holds a group: from a snapshot alone, on a host that was in use before, and over many cycles.
# CYCLES comes from the host, 0 where there is no notifier.
group=$(group_of 05.0)

step nothing vfioscope refs --once
bind vfio-pci 05.0
bind vfio-pci 05.1
for scenario in group dup fork pass device container mmap; do
	holding $scenario $scenario
	step $scenario vfioscope refs --once --json
	step $scenario-text vfioscope refs --once --color always
	let_go
done
step nobody su -s /bin/sh nobody -c 'vfioscope refs --once'
step nobody-traced su -s /bin/sh nobody -c 'vfioscope refs'
step other vfioscope refs --once -g 77
step device-filter vfioscope refs --once --json -D 00:05.1

# unwritable NAME COMMAND...: into a disk that is full, and with stdout closed; stderr is kept
unwritable()
{
	_name=$1
	shift
	"$@" 2>"$OUT/$_name-full" >/dev/full
	echo $? >"$OUT/$_name-full.status"
	"$@" 2>"$OUT/$_name-closed" >&-
	echo $? >"$OUT/$_name-closed.status"
}
unwritable refs-once vfioscope refs --once
if [ "$CYCLES" -gt 0 ]; then
	unwritable refs-once-json vfioscope refs --once --json
	unwritable refs-short vfioscope refs -d 300ms
	unwritable refs-short-json vfioscope refs --json -d 300ms
	unwritable trace-short vfioscope trace -d 300ms
	unwritable trace-quiet-json vfioscope trace --quiet --json -d 300ms
	unwritable latency-short vfioscope latency -d 300ms
	unwritable validate-short vfioscope validate --observe-only -d 1s
	step trace-file vfioscope trace -d 300ms -o /dev/full
fi

# In use before: the first ledger has it, and what ends later is known.
holding before all
following old --json --older 500ms
sleep 2
let_go
sleep 1.2
stopped INT

# A host that works, watched from outside.
following text --watch 500ms
holding text-device device
sleep 1.2
let_go
stopped INT
unbind 05.0
unbind 05.1

if [ "$CYCLES" -gt 0 ]; then
	following cycles --json
	step race race "$CYCLES"
	grep -E 'VmHWM|VmRSS' "/proc/$tracer/status" >$OUT/memory
	sleep 1.5
	stopped INT
fi

# vfio.ko comes while we run, and is used before its probes are armed: we stand still meanwhile.
vfio_unload
following reloaded --json
kill -STOP "$tracer"
vfio_load
bind vfio-pci 05.0
holding early group
kill -CONT "$tracer"
wait_for $OUT/reloaded '"type":"gap"'
sleep 1.5
bind vfio-pci 05.1
let_go
unbind 05.0
unbind 05.1
sleep 1.5
stopped INT

leftovers before-kill
following killed
kill -KILL "$tracer"
wait "$tracer" 2>/dev/null
left_after after-kill
vfio_unload
step unloaded vfioscope refs --once

# Last, because it leaves a reference that nobody has.
vfio_load
. /lab/refs_watch.sh
