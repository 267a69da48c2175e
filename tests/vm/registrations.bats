#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The references that keep a device registered (5.10.137, 5.13 and later), and the unbind that waits for them.
load vm

FIXED_ON=amd
CASES="fixed 6.1 6.12 7.x"

setup_file()
{
	for kernel in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" registrations.sh \
			--file "$TOP/build/tests/refwatch:/bin/refwatch" \
			--file "$TOP/build/tests/holder:/bin/holder" || return
	done
}

hooks_ready()
{
	has_status doctor 0 &&
		is "$(jq -r '.hooks[] | select(.hook | startswith("registration")) | .status' "$OUT/doctor" | sort -u)" ready
}

@test "registrations: gets and puts can be seen on every kernel" {
	each hooks_ready
}

# What the probes saw of one device, and what was written to its counter: "task time direction value exact".
product()
{
	jq -r 'select(.type == "event" and (.event | startswith("registration")) and .device == "0000:00:05.0") |
		"\(.tid) \(.time_ns) \(if .event == "registration-get" then "+" else "-" end) \(.refs) \(.refs_exact)"' \
		"$OUT/events"
}

# Not after the last reference was dropped, which the probe tells later than the watchpoint: the memory is
# soon something else's, and no counter has a million references. A trap that no instruction explains is QEMU's (docs/kernel-facts.md); were it that of a
# change, the change would be missing here.
oracle()
{
	awk -v last="$1" '$1 <= last && $4 != "?" && $5 < 1000000 { print $2, $1, $4, $5, "true" }' "$OUT/oracle"
}

# In the order in which each task did it.
by_task()
{
	sort -k1n -k2n | cut -d' ' -f1,3-
}

same_one_by_one()
{
	product | by_task >"$OUT/product.tasks"
	oracle "$(product | awk '$4 == 0 { print $2 }')" | by_task >"$OUT/oracle.tasks"
	diff "$OUT/product.tasks" "$OUT/oracle.tasks" >"$OUT/differences" || grep '^[<>]' "$OUT/differences" | head >&3
	echo "# ${OUT##*/}: $(wc -l <"$OUT/product.tasks") changes compared," \
		"$(grep -c '^[<>]' "$OUT/differences") differences, traps not explained: $(grep -c ' ? ? ' "$OUT/oracle")" >&3
	[ "$(wc -l <"$OUT/product.tasks")" -ge 900 ] && is "$(grep -c '^<' "$OUT/differences")" 0 &&
		[ "$(grep -c '^>' "$OUT/differences")" -le 1 ]
}

@test "eras: docs/eras.md is what doctor prints on these kernels" {
	made=$BATS_FILE_TMPDIR/eras.md
	# shellcheck disable=SC2046,SC2086 # words are wanted
	"$TOP/tools/eras-table" $(for kernel in $CASES; do echo "$kernel=$BATS_FILE_TMPDIR/$kernel/doctor"; done) >"$made"
	[ -z "${ERAS_TABLE_WRITE:-}" ] || cp "$made" "$TOP/docs/eras.md"
	diff "$TOP/docs/eras.md" "$made"
}

@test "registrations: each get and put has the task and the exact value that the oracle saw" {
	each same_one_by_one
}

nothing_open_at_the_end()
{
	has_status refs 0 && is "$(summary refs .lost)" 0 &&
		is "$(of refs ledger '.registrations | "\(.unattributed) \(.differ) \(.guessed) \(.waits)"' | tail -1)" "0 0 0 1" &&
		is "$(of refs ledger '.groups[].registrations[] | select(.device == "0000:00:05.0") | .references' | head -1)" 1 &&
		is "$(of refs ledger '.groups[].registrations[].differs' | sort -u)" false
}

@test "registrations: nothing is unattributed, the kernel counts the same, nothing was lost" {
	each nothing_open_at_the_end
}

# Each reading is what the change before it has made: none is missing, none is refused. On 6.1 the end of a use
# takes the lock after the place of the reading: another CPU may be faster.
users_follow_each_other()
{
	local exact=1
	[ "${OUT##*/}" != 6.1 ] || exact=
	jq -r 'select(.type == "event" and (.event | startswith("container-"))) |
		"\(.time_ns) \(if .event == "container-use" then 1 else -1 end) \(.refs)"' "$OUT/events" | sort -n |
		awk -v exact="$exact" 'NR > 1 && $3 != now && exact { print "at " $1 " " $3 ", not " now; bad = 1 }
			{ now = $3 + $2; sum += $2 }
			END { print NR " changes of container_users, the last one makes " now
				exit bad || NR < 8 || sum != 0 || now != 0 }'
}

@test "registrations: users of the container are seen to come and go, each with the right count (6.1 and later)" {
	CASES="6.1 6.12 7.x" each users_follow_each_other
}

@test "registrations: the ledger has the container's count and who has it open" {
	each has_container
}

has_container()
{
	is "$(of container ledger '.groups[] | "\(.container_users) \(.container_by[].pid)"')" \
		"2 $(sed -n 's/.*pid=\([0-9]*\) .*/\1/p' "$OUT/all.holder")"
}

# held NAME: "pid fd" of what tests/vm/holder.c holds
held()
{
	sed -n 's/.*pid=\([0-9]*\).* fd=\([0-9]*\).*/\1 \2/p' "$OUT/$1.holder"
}

holder_named()
{
	of refs ledger '.groups[].registrations[] | select(.waits) | .holders[] |
		"\(.held_by) \(.pid) \(.fd)"' | grep -qx "device-file $(held keeper)" &&
		of refs ledger '.groups[].registrations[] | select(.waits) | .holders[].site' | tail -1 |
		grep -q '^vfio_group_fops_unl_ioctl+0x' &&
		is "$(of refs ledger '.groups[].registrations[] | select(.waits) | .unregister |
			"\(.comm) \(.references) \(.done_ns)"' | tail -1)" "sh 1 null"
}

@test "registrations: a waiting unbind is shown live, with who waits, who holds, pid and descriptor" {
	each holder_named
}

@test "registrations: the finding names them too, after --older" {
	each says refs '"name":"unregister-waits".*waits for [0-9.]* s, 1 reference: holder\[[0-9]*\] fd [0-9]+"'
}

wait_ended()
{
	local let_go unbound start ns_done
	let_go=$(cut -d. -f1 "$OUT/let-go") unbound=$(cut -d. -f1 "$OUT/unbound")
	read -r start ns_done < <(of refs wait '"\(.start_ns) \(.done_ns)"')
	[ "$unbound" -ge "$let_go" ] && [ "$ns_done" -gt "$start" ] &&
		is "$(of refs wait '"\(.device) \(.comm) \(.references) \(.last_comm) \(.last_pid)"')" \
			"0000:00:05.0 sh 1 holder $(held keeper | cut -d' ' -f1)" &&
		of refs wait .last_site | grep -q '^vfio_device_fops_release+0x'
}

@test "registrations: let go, the wait ends, and who let go last is said" {
	each wait_ended
}

# Who has another's file closes it: the put is his, the reference was the opener's.
@test "registrations: a file that was inherited is let go by who had it last" {
	each says passed.holder 'ready'
}

@test "registrations: a trace that ends while an unbind waits says so" {
	each has_status live 0
	each says live '"name":"unregister-waits".*not seen to be taken'
}

began_before()
{
	says "$1" 'UNBIND WAITS until these are gone: (since|vfioscope why)' &&
		says "$1" "by open file of the device: holder\[$(held keeper | cut -d' ' -f1)\] fd $(held keeper | cut -d' ' -f2)"
}

@test "registrations: a wait that began before is seen, by a snapshot too" {
	each has_status late 0
	each began_before late
	each began_before once
}
