#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# devices and can, in each scenario of why: who has it, before and while somebody waits; and the right answer.
# KERNELS="6.1 6.12 7.x" runs them there.
load vm

CASES=${KERNELS:-fixed}

setup_file()
{
	for kernel in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" devices.sh --file "$TOP/build/tests/holder:/bin/holder" || return
	done
}

# told SCENARIO NAME: a value of what the holder told
told()
{
	grep -o "$2=[0-9]*" "$OUT/$1.holder" | head -1 | cut -d= -f2
}

# device_is NAME STATE DRIVER: the device that was asked about; status 0
device_is()
{
	has_status "$1.devices" 0 &&
		is "$(jq -r '.devices[] | select(.device == "0000:00:05.0") | "\(.state) \(.driver)"' "$OUT/$1.devices")" "$2 $3"
}

# holder_is NAME HOW:OF:PID
holder_is()
{
	is "$(jq -r '.devices[] | select(.device == "0000:00:05.0").holders[0] | "\(.how):\(.of):\(.pid)"' "$OUT/$1.devices")" "$2"
}

# answer_is FILE STATUS ANSWER [KIND]: and the first ground, "" for none
answer_is()
{
	has_status "$1" "$2" && is "$(jq -r '"\(.answer) \(.grounds[0].kind // "")"' "$OUT/$1")" "$3 ${4:-}"
}

nobody()
{
	device_is nothing unbound null && answer_is nothing.can 0 yes nothing && answer_is detach-nothing 0 yes &&
		device_is idle free vfio-pci && answer_is idle.can 0 yes &&
		says idle.can.text '^yes: nobody uses 0000:00:05.0$'
}

@test "devices: unbound and free; can: yes" {
	each nobody
}

# held NAME HOW PID KIND: asked before an unbind, and while one waits
held()
{
	device_is "$1" "in use" vfio-pci && holder_is "$1" "$2:device:$3" && answer_is "$1.can" 7 no in-use &&
		says "$1.can.text" "^no: holder\\[$3\\] uses 0000:00:05.0" && says "$1.can.text" '^FIRST ' &&
		device_is "$1.leaving" leaving vfio-pci && holder_is "$1.leaving" "$2:device:$3" &&
		answer_is "$1.leaving.can" 7 no leaving &&
		says "$1.leaving.can.text" "sh\\[$(cat "$OUT/$1.unbinder")\\] waits for its release"
}

in_use()
{
	held device fd "$(told device pid)" && held mmap map "$(told mmap pid)" && held two fd "$(told two child)"
}

@test "devices and can: held by a descriptor, by a mapping alone, by two processes" {
	each in_use
}

group_only()
{
	device_is group held vfio-pci && holder_is group "fd:group:$(told group pid)" &&
		answer_is group.can 7 no group-open && [ ! -e "$OUT/group.leaving.can" ]
}

@test "devices and can: only the group is open, which no unbind waits for" {
	each group_only
}

modules()
{
	answer_is rmmod-idle 0 yes takes && answer_is rmmod-core 7 no needed && answer_is rmmod-used 7 no in-use &&
		has_status no-such-module 1 && has_status no-such-device 1 && is "$(wc -l <"$OUT/no-such-module")" 1
}

@test "can rmmod: free, needed by another module, in use, not there" {
	each modules
}

others()
{
	has_status detach-mine 0 && says detach-mine '^yes: VFIO has 0000:00:05.0 already' && answer_is detach-stub 0 yes
}

@test "can detach: at VFIO already, and from a driver that does nothing" {
	each others
}

blind()
{
	has_status unprivileged-devices 5 && says unprivileged-devices 'run it as root' &&
		says unprivileged-devices '^free\?' && has_status unprivileged-can 5 &&
		says unprivileged-can '^cannot be told: ' && answer_is no-bpf 5 cannot-be-told unseen
}

@test "devices and can: without privileges or BPF the answer is that it cannot be told" {
	each blind
}

narrow()
{
	local text
	[ -s "$OUT/idle.devices.text" ] || return
	[ -s "$OUT/idle.can.text" ] || return
	for text in "$OUT"/*.text "$OUT/unprivileged-devices"; do
		absent '^.{81,}' <(sed '/^no: /d; /^cannot be told: /d' "$text") || { echo "$text"; return 1; }
	done
}

@test "devices and can: all but the line for scripts fits 80 columns" {
	each narrow
}

described()
{
	"$TOP/tests/schema" "$OUT"/*.devices "$OUT"/*.can
}

@test "devices and can: each key of the JSON is described" {
	each described
}

# 5.10 judges an address by the width of the processor (57 bits here) and not by its own (48): a word that is no
# pointer, read as one, was a warning in its log, and the end of a host with panic_on_warn.
@test "devices: no address was read that is none" {
	quiet()
	{
		[ -e "$OUT/warnings.looked" ] || return
		[ ! -s "$OUT/warnings" ] || { cat "$OUT/warnings"; return 1; }
	}
	each quiet
}
