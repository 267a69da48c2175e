#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# VFIO built in, as Ubuntu ships it: what is seen there, against the module's kernel and the oracle; and a real
# reference leak, by a kmalloc() that fails.
load vm

FIXED_ON=amd

# in_guest KERNEL SCENARIO [lab options]
in_guest()
{
	local kernel=$1 scenario=$2
	shift 2
	OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" "$scenario" --mem 2G --env CYCLES=60 "$@" \
		--file "$TOP/build/tests/refwatch:/bin/refwatch" \
		--file "$TOP/build/tests/holder:/bin/holder"
}

setup_file()
{
	in_guest builtin builtin.sh --env RACE=200 --file "$BATS_TEST_DIRNAME/builtin_ledger.sh:/lab/builtin_ledger.sh" &&
		in_guest fixed builtin_ledger.sh
}

setup()
{
	OUT=$BATS_FILE_TMPDIR/builtin
}

@test "builtin: doctor names the rungs: fentry with the kernel's own types, sites from /proc/kcore" {
	has_status doctor 0
	says doctor '^  vfio  *built in$'
	says doctor '^  file  */proc/kcore$'
	says doctor "^  layout  *from the kernel's BTF$"
	says doctor '^  put  *ready  *[1-9][0-9]*  [0-9]+ inlined copies, at their calls of refcount_dec_and_mutex_lock in [0-9]+ functions, found in /proc/kcore$'
	says doctor '^  get  *ready  *[1-9]  [1-9] inlined copies of refcount_inc in [1-9] functions, found in /proc/kcore$'
	for function in vfio_iommu_group_notifier vfio_group_release vfio_register_group_dev \
		vfio_unregister_group_dev vfio_group_fops_release; do
		says doctor "  fentry of $function$" || return
	done
	says doctor 'READY: everything required can be armed$'
	says_not doctor 'not what was compiled'
}

@test "builtin: without privileges it says what is needed" {
	has_status unprivileged 6
	says unprivileged 'CAP_SYS_RAWIO'
}

@test "builtin: inspect reads the same from the kernel's memory" {
	has_status inspect 0
	says inspect '^FIXED'
	says inspect "^Drops a group reference: $(sed -n 's/^  put  *ready  *\([0-9]*\) .*/\1/p' "$OUT/doctor") places"
}

# What ran often enough for a verdict is not shown here, but that all probes are armed and code was read.
@test "builtin: validate --observe-only reads the code and arms every probe" {
	has_status observe 5
	says observe '^  code  *pass  *FIXED'
	says observe '^  probes  *pass  *[0-9]+ probes, every hook that applies$'
	says observe '^  losses  *pass'
}

# against_oracle: each change of the counter is a get or put of the ledger
against_oracle()
{
	local changes gets puts paired differences
	read -r changes gets puts paired differences < <(of ledger ledger \
		'.groups[] | select(.number == 1) | .exact | "\(.changes) \(.gets) \(.puts) \(.paired) \(.differences)"' | tail -1)
	echo "# ${OUT##*/}: oracle $(wc -l <"$OUT/oracle") changes; ledger $gets gets + $puts puts," \
		"$paired paired, $differences differences" >&3
	is "$(wc -l <"$OUT/oracle")" "$changes" && is "$((gets + puts))" "$changes" &&
		is "$paired $differences" "$changes 0" && [ "$changes" -gt 700 ] &&
		is "$(summary ledger .lost)" 0 &&
		is "$(of ledger ledger '.totals | "\(.unattributed) \(.uncertain)"' | tail -1)" "0 0"
}

@test "builtin: refs --exact, each get and put is a change that the oracle saw" {
	CASES="builtin fixed" each against_oracle
}

# Everything in the last ledger and the summary that is no time, address or process.
numbers()
{
	of ledger ledger '[.totals, (.groups[]? | select(.number == 1) | [.refs, .references, .kernel_refs, .unknown, .differs,
		([.holders[]? | "\(.class) \(.device)"] | sort)]), ((.lifetimes // {}) | map_values(.count))] | tostring' | tail -1
	summary ledger '[.events_by_type, .notifier_found, .notifier_not_found, .deferred.queued, .deferred.ended,
		.findings, .bugs] | tostring'
}

@test "builtin: the same work gives the same ledger as with the module" {
	numbers >"$BATS_TEST_TMPDIR/builtin"
	OUT=$BATS_FILE_TMPDIR/fixed
	numbers >"$BATS_TEST_TMPDIR/fixed"
	[ "$(summary ledger .events_by_type.get)" -gt 300 ]
	diff "$BATS_TEST_TMPDIR/fixed" "$BATS_TEST_TMPDIR/builtin"
}

@test "builtin: two at once see the same; the second reads around the first one's breakpoints" {
	says doctor-second "not what was compiled: another tracer's probes"
	says doctor-second "^  put .*, found in /proc/kcore around another tracer's probes$"
	is "$(grep -E '^  (put|get|open) ' "$OUT/doctor-second" | cut -c1-44)" \
		"$(grep -E '^  (put|get|open) ' "$OUT/doctor" | cut -c1-44)"
	has_status race 0
	for name in many second; do
		has_status $name 0 || return
		is "$(summary $name .lost)" 0 || return
		is "$(summary $name '"\(.deferred.queued) \(.deferred.started)"')" \
			"$(summary $name '"\(.notifier_found) \(.deferred.ended)"')" || return
	done
	# 200 cycles, each of which tells the notifier at least of a device that was unbound and of one that was bound.
	[ "$(summary many .events_by_type.get)" -ge 400 ]
	is "$(summary many .events_by_type)" "$(summary second .events_by_type)"
	is "$(of second ledger '"\(.totals.unattributed) \(.totals.live)"' | tail -1)" "0 1"
	nothing_left left
}

@test "builtin: latency follows the deferred put" {
	has_status works 0
	[ "$(of works report '.works.ended' | tail -1)" -ge 2 ]
	of works report '.splits[].function' | grep -qx vfio_group_put_bg
}

@test "builtin: why tells who keeps a device that is to be unbound" {
	has_status why-text 7
	says why-text '^VERDICT  *IN USE'
	says why-text '^WAITS .* in vfio_unregister_group_dev'
	says why-text '^HOLDS  *holder\[[0-9]+\] fd [0-9]+: the device'
}

@test "builtin: with memory there is no leak" {
	has_status healthy 0
	is "$(summary healthy .deferred.queued)" 12
	is "$(summary healthy .bugs)" '[]'
	silent of healthy finding 'select(.grade == "bug") | .name'
}

@test "builtin: the put that the kernel cannot queue for want of memory is found, where it was lost" {
	has_status injected 0
	has_status starved 3
	grep -q '^failed: allocation' "$OUT/injected"
	is "$(of starved finding 'select(.grade == "bug") | .name')" reference-leak
	is "$(of starved finding 'select(.grade == "bug") | .site' | cut -d+ -f1)" vfio_iommu_group_notifier
	of starved finding .words | grep -q 'the notifier took it, and returned without a put or a queued one'
	is "$(($(summary starved .notifier_found) - $(summary starved .deferred.queued)))" 1
	is "$(of starved ledger '.groups[] | select(.number == 1) | "\(.references) \(.kernel_refs) \(.differs)"' | tail -1)" \
		"2 2 false"
	is "$(of once ledger '.groups[] | select(.number == 1) | .kernel_refs' | tail -1)" 2
}
