#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The ledger of references: holders, a host that was in use before, many cycles (10,000 in `make soak`), and the oracle.
load vm

CASES="fixed 6.1 6.12 7.x"

# refs KERNEL CYCLES [lab options]
refs()
{
	local kernel=$1 cycles=$2
	shift 2
	OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" refs.sh --mem 2G --env "CYCLES=$cycles" "$@" \
		--file "$TOP/tests/vm/refs_watch.sh:/lab/refs_watch.sh" \
		--file "$TOP/build/tests/few_files:/bin/few_files" \
		--file "$TOP/build/tests/blind_refs:/bin/blind_refs" \
		--file "$TOP/build/tests/extuser:/bin/extuser" \
		--file "$TOP/build/tests/holder:/bin/holder"
}

exact()
{
	OUT=$BATS_FILE_TMPDIR/exact-$1 vm "$1" refs_exact.sh --mem 2G --env "CYCLES=$2" \
		--file "$TOP/build/tests/refwatch:/bin/refwatch" \
		--file "$TOP/build/tests/extuser:/bin/extuser" \
		--file "$TOP/build/tests/holder:/bin/holder"
}

setup_file()
{
	refs fixed "${CYCLES:-2000}" && refs 6.1 0 && refs 6.12 0 && refs 7.x 0 &&
		exact fixed 3000 && exact unfixed 3000
}

# told SCENARIO NAME: a value of what the holder told
told()
{
	grep -o "$2=[0-9]*" "$OUT/$1.holder" | head -1 | cut -d= -f2
}

old()
{
	[ "${OUT##*/}" = fixed ]
}

# of_group NAME FILTER: on the group of the last ledger
of_group()
{
	of "$1" ledger ".groups[] | select(.number == 1) | $2" | tail -1
}

# users NAME CLASS: "pid fd" of all who have it open, sorted; a mapping has fd null
users()
{
	of_group "$1" "[.holders[] | select(.class == \"$2\") | .users[] | \"\(.pid) \(.fd)\"] | unique | join(\",\")"
}

agrees_with_kernel()
{
	is "$(of_group "$1" '"\(.references) \(.kernel_refs) \(.unknown) \(.differs) \(.suspicion)"')" \
		"$2 $2 0 false fine"
}

# plain_file NAME USERS: the group's file is the third reference on 5.10; later it is told, but is none
plain_file()
{
	has_status "$1" 0 || return
	if old; then
		agrees_with_kernel "$1" 3 && is "$(users "$1" file)" "$2"
	else
		agrees_with_kernel "$1" 2 &&
			is "$(of_group "$1" '[.open_by[] | "\(.pid) \(.fd)"] | sort | join(",")')" "$2"
	fi
}

by_group()
{
	plain_file group "$(told group pid) $(told group fd)"
}

by_dup()
{
	plain_file dup "$(told dup pid) $(told dup fd),$(told dup pid) $(told dup fd2)"
}

by_fork()
{
	plain_file fork "$(told fork pid) $(told fork fd)"
}

by_passing()
{
	plain_file pass "$(told pass pid) $(told pass fd)"
}

by_device()
{
	agrees_with_kernel device 2 && is "$(users device device)" "$(told device pid) $(told device fd)"
}

by_mmap()
{
	agrees_with_kernel mmap 2 && is "$(users mmap device)" "$(told mmap pid) null"
}

by_container()
{
	agrees_with_kernel container 2 && silent users container device && silent users container file
}

@test "refs --once: a group's file, its descriptors by dup, fork and a socket" {
	each by_group
	each by_dup
	each by_fork
	each by_passing
}

@test "refs --once: only a device's descriptor, only a mapping, only a container" {
	each by_device
	each by_mmap
	each by_container
}

@test "refs --once: as text, for people" {
	OUT=$BATS_FILE_TMPDIR/fixed
	says group-text '^group 1 \(0000:00:05.0 0000:00:05.1\) has 3 references$'
	says group-text "^  [123]/3 by holder\[$(told group pid)\] fd $(told group fd) /dev/vfio/1$"
	says device-text '^  [12]/2 by device 0000:00:05.0 \(vfio-pci\)$'
	says device-text "^      in use: holder\[$(told device pid)\] fd $(told device fd)$"
	says mmap-text "^      in use: holder\[$(told mmap pid)\] mmap 0x[0-9a-f]*-0x[0-9a-f]*$"
}

unwritable()
{
	local status
	for name in "$@"; do
		for how in full closed; do
			status=$(cat "$OUT/$name-$how.status") || return
			[ "$status" -eq 1 ] || complain "$name, $how: status $status" || return
			grep -q '^vfioscope [a-z]*: cannot write: ' "$OUT/$name-$how" || complain "$name, $how" || return
		done
	done
}

complain()
{
	echo "${OUT##*/}: $*"
	cat "$OUT/$name-$how"
	return 1
}

@test "each verb: what cannot be written is said, and costs the status" {
	each unwritable refs-once
	OUT=$BATS_FILE_TMPDIR/fixed
	unwritable refs-once-json refs-short refs-short-json trace-short trace-quiet-json \
		latency-short validate-short
	has_status trace-file 1
	grep -q '^vfioscope trace: cannot write: No space left' "$OUT/trace-file"
}

nothing()
{
	has_status nothing 0 && says nothing '^no VFIO group exists$' && has_status other 1 &&
		says other '^vfioscope refs: there is no IOMMU group 77 now$' && has_status unloaded 0 && says unloaded '^no VFIO group exists$' &&
		is "$(of_group device-filter .number)" 1
}

@test "refs --once: nothing there, another group, VFIO not loaded" {
	each nothing
}

unprivileged()
{
	has_status nobody 6 && says nobody 'references cannot be read' &&
		says nobody '^files.* not looked at: .*CAP_BPF' && says nobody 'refs: .*ordinary user.*sudo' && has_status nobody-traced 6 &&
		is "$(wc -l <"$OUT/nobody-traced")" 1
}

@test "refs: unprivileged, what is needed is said" {
	each unprivileged
}

in_use_before()
{
	local first
	first=$(of old ledger '.groups[] | select(.number == 1) |
		"\(.references == .kernel_refs) \(.unknown) \([.holders[].users[].pid] | unique | join(","))"' | head -1)
	is "$first" "true 0 $(told before pid)" && is "$(summary old .lost)" 0 &&
		silent of old finding 'select(.grade == "bug") | .name' &&
		is "$(of old ledger '"\(.totals.unattributed) \(.totals.uncertain)"' | tail -1)" "0 0" &&
		is "$(of_group old '"\(.kernel_refs == .references) \(.differs)"')" "true false"
}

@test "refs: what was opened before is in the first ledger, and its end is understood" {
	each in_use_before
}

@test "refs: what ended on 5.10 was a file from before" {
	OUT=$BATS_FILE_TMPDIR/fixed
	is "$(of old ledger .totals.before | tail -1)" 0
	is "$(of_group old '[.holders[].class] | unique | join(",")')" device
	has_status old 0
}

@test "refs --watch: shows the ledger again and again" {
	OUT=$BATS_FILE_TMPDIR/fixed
	[ "$(grep -c '^group 1 ' "$OUT/text")" -ge 4 ]
	says text "^      in use: holder\[$(told text-device pid)\] fd"
	says text '^ended  *count  *minimum  *average  *maximum$'
	has_status text 0
}

@test "refs: thousands of cycles without a finding, a loss, an unattributed put" {
	OUT=$BATS_FILE_TMPDIR/fixed
	says race "${CYCLES:-2000} cycles done"
	has_status cycles 0
	silent of cycles finding 'select(.grade == "bug") | .name'
	is "$(summary cycles .lost)" 0
	totals=$(of cycles ledger '.totals | "\(.births) \(.gets) \(.puts) \(.live) \(.unattributed) \(.guessed)"' | tail -1)
	read -r births gets puts live unattributed guessed <<<"$totals"
	echo "# births $births + gets $gets - puts $puts = live $live; $(paste -sd' ' "$OUT/memory")" >&3
	[ "$gets" -gt $((2 * ${CYCLES:-2000})) ]
	is "$((births + gets - puts))" "$live"
	is "$live $unattributed $guessed" "1 0 0"
	agrees_with_kernel cycles 1
	[ "$(awk '/VmHWM/ { print $2 }' "$OUT/memory")" -lt 24000 ]
}

begins_again()
{
	silent of reloaded finding 'select(.grade == "bug") | .name' && is "$(summary reloaded .lost)" 0 &&
		is "$(of reloaded ledger '"\(.totals.unattributed) \(.totals.live)"' | tail -1)" "0 0" &&
		[ "$(of reloaded ledger '.groups | length' | head -1)" = 0 ] &&
		of reloaded ledger "[.groups[] | (.holders[].users // empty)[], (.open_by // [])[] | .pid] |
			index($(told early pid))" | grep -q '^[0-9]'
}

@test "refs: vfio.ko comes later and is in use before it can be watched" {
	each begins_again
}

left_nothing()
{
	nothing_left after-kill
}

@test "refs: SIGKILL leaves nothing behind" {
	each left_nothing
}

# points NAME WORD: how many perf events the tracer had
points()
{
	sed -n "s/^$2 //p" "$OUT/$1-points"
}

follows_groups()
{
	local none exact
	none=$(points comes none)
	exact=$(of_group comes '.exact | "\(.differences) \(.paired == .changes) \(.changes > 0)"')
	is "$(points comes short) $(points comes gone)" "$none $none" &&
		is "$(points comes watched)" "$((none + 2))" && is "$exact" "0 true true" &&
		is "$(of comes notice .words | grep -c '^group 1: each change .* is watched from now on$')" 2 &&
		has_status comes 0
}

@test "refs --exact: groups that come later are watched, those that go are not, however fast" {
	each follows_groups
}

more_files()
{
	is "$(awk '{ print ($4 == $5 && $4 > 24) }' "$OUT/comes-limits")" 1 && has_status comes 0
}

@test "refs: a limit of 24 open files is raised" {
	each more_files
}

too_few_files()
{
	local none
	none=$(points few none)
	is "$(points few refused) $(points few watched)" "$none $((none + 2))" && has_status few 0 &&
		is "$(of few notice .words | grep '^group 1')" "$(printf '%s\n%s' \
			'group 1: no watchpoint on its counter: too many open files: two for each CPU (ulimit -n)' \
			'group 1: each change of its counter is watched from now on')"
}

@test "refs --exact: without descriptors there is no watchpoint, and later there is" {
	each too_few_files
}

@test "refs: a bug stays one when the host cannot be looked at any more" {
	OUT=$BATS_FILE_TMPDIR/fixed
	has_status blind 3
	is "$(of blind finding '"\(.name) \(.grade)"')" "reference-leak bug"
	is "$(of blind notice .words | grep -c '^no snapshot: made to fail: the ledger is not compared')" 1
	is "$(tail -1 "$OUT/blind" | jq -r .type)" summary
	is "$(cat "$OUT/blind.err")" "vfioscope refs: no snapshot: made to fail"
}

@test "refs: a look that failed on the way makes the run inconclusive" {
	OUT=$BATS_FILE_TMPDIR/fixed
	has_status dim 5
	silent of dim finding .name
	silent cat "$OUT/dim.err"
	is "$(tail -1 "$OUT/dim" | jq -r .type)" summary
}

# Every change that the oracle saw was made by a get or a put of the ledger, and by no other.
against_oracle()
{
	local changes gets puts paired differences
	read -r changes gets puts paired differences < <(of_group refs \
		'.exact | "\(.changes) \(.gets) \(.puts) \(.paired) \(.differences)"')
	echo "# ${OUT##*/}: oracle $(wc -l <"$OUT/oracle") changes; ledger $gets gets + $puts puts," \
		"$paired paired, $differences differences" >&3
	is "$(wc -l <"$OUT/oracle")" "$changes" && is "$((gets + puts))" "$changes" &&
		is "$paired $differences" "$changes 0" && [ "$changes" -gt 18000 ] &&
		is "$(summary refs .lost)" 0 && silent of refs finding 'select(.grade == "bug") | .name' &&
		is "$(of refs ledger '.totals | "\(.unattributed) \(.uncertain)"' | tail -1)" "0 0"
}

@test "refs --exact: gets and puts of 3,000 cycles are the changes that the oracle saw" {
	CASES="exact-fixed exact-unfixed" each against_oracle
}

# Each change that the ledger was fed with, in the order in which its task made it: task, direction, value, place.
one_by_one()
{
	jq -r '"\(.tid) \(.time_ns) \(if .taken then "+" elif .dropped then "-" else "?" end) \(.refs // "?") \(.ip | ltrimstr("0x"))"' \
		"$OUT/changes" | sort -k1n -k2n | cut -d' ' -f1,3- >"$OUT/product.tasks"
	awk '{ print $2, $1, $4, $5, $7 }' "$OUT/oracle" | sort -k1n -k2n | cut -d' ' -f1,3- >"$OUT/oracle.tasks"
	[ "$(wc -l <"$OUT/oracle.tasks")" -gt 18000 ] || return
	diff "$OUT/product.tasks" "$OUT/oracle.tasks" >"$OUT/differences" || { head -40 "$OUT/differences"; return 1; }
}

@test "refs --exact: each change of 3,000 cycles has the task, direction, value and place of the oracle's" {
	CASES="exact-fixed exact-unfixed" each one_by_one
}

same_live_set()
{
	agrees_with_kernel refs 2 &&
		is "$(of_group refs '[.holders[].device] | sort | join(" ")')" "0000:00:05.0 0000:00:05.1" &&
		is "$(of_group refs .refs)" "$(sort -n "$OUT/oracle" | tail -1 | cut -d' ' -f6)"
}

@test "refs --exact: in the end the ledger, the kernel and the oracle have the same references" {
	CASES="exact-fixed exact-unfixed" each same_live_set
}

used_in_every_way()
{
	for class in device file notifier deferred external lookup; do
		case ${OUT##*-}-$class in unfixed-deferred | fixed-notifier) continue ;; esac
		of refs ledger ".lifetimes.$class.count // empty" | tail -1 >"$OUT/count"
		echo "# ${OUT##*/}: $class $(cat "$OUT/count")" >&3
		[ $class = lookup ] || [ "$(cat "$OUT/count")" -ge 10 ] || return 1
	done
	grep -q '^3000 ' "$OUT/cycles"
}

@test "refs --exact: devices, files, the notifier, works and external users were among them" {
	CASES="exact-fixed exact-unfixed" each used_in_every_way
}
