#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The lab itself: kinds of host are what they are called, those too that no kernel runs on by default; the monitor;
# and what a guest leaves that did not end as it should.
load vm

bats_require_minimum_version 1.5.0

LAB="$TOP/tools/lab/lab"

setup()
{
	E=$BATS_TEST_TMPDIR/evidence
}

# What a kind shows of itself.
LOOK='echo "text $(sed -n "s/ T _text$//p" /proc/kallsyms)"; echo "cpus $(nproc)"
	echo "paging $(grep -c la57 /proc/cpuinfo)"; dmesg | grep -oE "DMAR: Intel|AMD-Vi: Interrupt"
	echo "model $(sed -n "s/^model name[^:]*: //p" /proc/cpuinfo | head -1)"'

@test "lab: kaslr has random addresses, and the deadlock is the same there" {
	run -75 --separate-stderr "$LAB" run unfixed --host kaslr -- "$LOOK; race 3000"
	echo "$output"
	[[ "$output" != *"text ffffffff81000000"* ]]
	[[ "$output" == *"text ffffffff"*"cpus 2"*"paging 0"*"DMAR: Intel"* ]]
	[[ "$output" == *"race: stuck"* ]]
}

@test "lab: plain has not" {
	run -0 --separate-stderr "$LAB" run fixed --host plain -- "$LOOK"
	[[ "$output" == *"text ffffffff81000000"*"cpus 2"*"DMAR: Intel"* ]]
}

@test "lab: eight has eight CPUs" {
	run -0 --separate-stderr "$LAB" run fixed --host eight -- "$LOOK; vfioscope trace -q -d 1s"
	echo "$output"
	[[ "$output" == *"cpus 8"*"losses"*"none"* ]]
}

@test "lab: acpihp has AMD's IOMMU and slots, and the monitor unplugs from them" {
	run -0 --separate-stderr "$LAB" run 6.1 --host acpihp -- "$LOOK"'
		ls /sys/bus/pci/devices/0000:01:00.0/driver_override
		monitor device_del card1
		tries=0
		while [ -e /sys/bus/pci/devices/0000:01:00.0 ] && [ $tries -lt 200 ]; do tries=$((tries + 1)); usleep 100000; done
		[ ! -e /sys/bus/pci/devices/0000:01:00.0 ] && echo unplugged
		monitor device_del nothing'
	echo "$output"
	[[ "$output" == *"cpus 4"*"AMD-Vi: Interrupt"*"model AMD EPYC"* ]]
	[[ "$output" == *unplugged* ]]
	[[ "$stderr" == *"monitor: device_del nothing: "*"Device 'nothing' not found"* ]]
}

@test "lab: no such kind of host" {
	run -64 "$LAB" run fixed --host toaster -- true
	[[ "$output" == *"no kind of host 'toaster'; there are: plain "* ]]
	HOST=toaster run -64 "$LAB" run fixed -- true
}

@test "lab: a guest whose time is up leaves its evidence" {
	run -124 "$LAB" run fixed --host plain --timeout 15 --evidence "$E" -- 'echo "the last words" >/dev/ttyS0; sleep 100'
	[[ "$output" == *"did not end within 15 s (fixed on plain)"* ]]
	grep -q 'the last words' "$E/console"
	grep -qE '^guest: fixed on plain, [0-9]+ s, [1-9][0-9.]* s of CPU$' "$E/summary"
	grep -qx 'status: timeout' "$E/summary"
	grep -qx 'QEMU: ended by the lab' "$E/summary"
	grep -q '^qemu-system-x86_64 ' "$E/summary"
	is "$(grep -cE '^(begin|end): .* load [0-9.]+ ' "$E/load")" 2
	grep -q '^MemAvailable:' "$E/load"
	# Three looks at two CPUs; an idle one's stack is the kernel's, and can be read.
	is "$(grep -cE '^RIP=[0-9a-f]{16} ' "$E/stuck")" 6
	grep -qE '^look 3, the stack of CPU [01]: .*ffff[0-9a-f]{12}: 0x' "$E/stuck"
	run -0 places "$E/stuck"
	[ -z "$output" ]
}

# places FILE: of int3s that are hit for ever, as the lab finds them
places()
{
	[ -s "$1" ] && bash -c ". $TOP/tools/lab/lib/vm.sh && int3_loops \"\$1\"" of "$1"
}

# lab_spin.looks: a guest that executed an int3 of __schedule() for 15 minutes; the kernel took each for one that had
# just gone.
@test "lab: the place of an int3 that is hit for ever is found in the looks at a guest" {
	is "$(places "$TOP/tests/vm/lab_spin.looks")" ffffffff81916c6b
	sed 's/81916c6c/81916c70/' "$TOP/tests/vm/lab_spin.looks" >"$BATS_TEST_TMPDIR/call"
	run -0 places "$BATS_TEST_TMPDIR/call"
	[ -z "$output" ]
}

# Without an init the kernel panics, and QEMU ends.
@test "lab: a guest that dies while it boots is started once more, which is said, and not with STRICT" {
	export VFIOSCOPE_GUESTS=$BATS_TEST_TMPDIR/guests
	STRICT= run -125 "$LAB" run fixed --host plain --append rdinit=/nowhere -- true
	[[ "$output" == *"the guest (fixed on plain) died and did not come up within "*"; once more"* ]]
	[[ "$output" == *"the guest died before the command ended (fixed on plain; QEMU ended by itself, status 0)"* ]]
	is "$(grep -c ' no-boot$' "$VFIOSCOPE_GUESTS")" 2
	STRICT=1 run -125 "$LAB" run fixed --host plain --append rdinit=/nowhere -- true
	[[ "$output" != *"once more"* ]]
	is "$(grep -c ' no-boot$' "$VFIOSCOPE_GUESTS")" 3
}

@test "lab: a guest that is killed leaves its evidence, and is not started again" {
	export VFIOSCOPE_GUESTS=$BATS_TEST_TMPDIR/guests
	"$LAB" run fixed --host plain --evidence "$E" -- 'echo "the last words" >/dev/ttyS0; sleep 100' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	lab=$!
	timeout 60 bash -c 'until grep -q "the last words" "$1/console" 2>/dev/null; do sleep 0.2; done' wait "$E"
	# The one QEMU whose console that is.
	for exe in /proc/[0-9]*/cmdline; do
		if tr '\0' '\n' <"$exe" 2>/dev/null | grep -qxF "file,id=console,path=$E/console"; then
			kill -KILL "$(cut -d/ -f3 <<<"$exe")"
		fi
	done
	status=0
	wait $lab || status=$?
	is $status 125
	grep -q 'the guest died' "$BATS_TEST_TMPDIR/out"
	grep -qx 'QEMU: killed by signal 9, not by the lab' "$E/summary"
	is "$(awk '{ print $1, $2, $5 }' "$VFIOSCOPE_GUESTS")" "fixed plain died"
}

# dies_of BYTE: a guest that says that it has hit an int3 where its memory has that byte, and panics
dies_of()
{
	run --separate-stderr "$LAB" run fixed --host plain --evidence "$E" -- \
		"echo '<0>Oops: int3: 0000 [#1]' >/dev/kmsg; echo '<0>Code: 0f 1f $1 <5a> 01' >/dev/kmsg; echo c >/proc/sysrq-trigger; sleep 20"
}

@test "lab: a guest that died of an int3 that is not there is started again, but not with STRICT=1" {
	export VFIOSCOPE_GUESTS=$BATS_TEST_TMPDIR/guests
	STRICT='' dies_of e9
	is "$status $(awk '{ print $5 }' "$VFIOSCOPE_GUESTS" | paste -sd' ')" "125 emulator emulator"
	[[ "$stderr" == *"the guest (fixed on plain) died of an int3 that is not in its memory; once more"* ]]
	rm "$VFIOSCOPE_GUESTS"
	STRICT=1 dies_of e9
	is "$status $(awk '{ print $5 }' "$VFIOSCOPE_GUESTS")" "125 emulator"
	# One that is there is the kernel's own.
	rm "$VFIOSCOPE_GUESTS"
	STRICT='' dies_of cc
	is "$status $(awk '{ print $5 }' "$VFIOSCOPE_GUESTS")" "125 died"
}
