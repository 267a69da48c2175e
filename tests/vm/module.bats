#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load vm

setup_file()
{
	local unfixed outlined
	unfixed=$("$TOP/tools/lab/lab" path unfixed vfio.ko) || return
	outlined=$("$TOP/tools/lab/lab" path mutant:outlined vfio.ko) || return
	vm fixed module.sh --no-vfio --file "$TOP/build/tests/text_dump:/bin/text_dump" --file "$unfixed:/lab/unfixed.ko" \
		--file "$outlined:/lab/outlined.ko" || return
	for build in fixed unfixed mutant:outlined; do
		"$BATS_TEST_DIRNAME/sites" "$("$TOP/tools/lab/lab" path $build vfio.ko)" >"$OUT/sites-${build#*:}" || return
	done
}

# site BUILD FUNCTION: where that build's file has a put in it
site()
{
	sed -n "s/^put \($2+.*\)/\1/p" "$OUT/sites-$1" | head -1
}

# gap NAME WHY FILTER: over the gaps of that kind
gap()
{
	of "$1" gap "select(.why == \"$2\") | $3"
}

# status_of NAME HOOK: of that hook in the summary
status_of()
{
	summary "$1" ".probes[] | select(.hook == \"$2\") | .status"
}

@test "module: doctor plans for a vfio.ko that is not loaded" {
	has_status absent-doctor 0
	says absent-doctor 'vfio +not loaded'
	says absent-doctor "put +waiting +$(grep -c '^put ' "$OUT/sites-fixed") "
	says absent-doctor 'once vfio.ko is loaded'
}

@test "module: a tracer that was first arms vfio.ko when it is loaded, and the gap is empty" {
	has_status late 0
	of late notice .words | grep -q 'not loaded'
	is "$(of late event 'select(.event == "register") | .device')" 0000:00:05.0
	of late event 'select(.event == "release") | .site' | grep -q vfio_group_release
	is "$(gap late loaded .empty)" true
	gap late loaded .words | grep -q 'nothing was missed'
	is "$(summary late .blind_gaps)" 0
}

@test "module: a group that is there before the probes are is seen to be born, and then it is no proof" {
	if [ "$(gap first loaded .empty)" = false ]; then
		has_status first 5
		gap first loaded .words | grep -q '1 group was created'
	else
		has_status first 0
		[ "$(of first event 'select(.event == "create") | .time_ns')" -gt "$(gap first loaded '.to_ns - 50000000')" ]
	fi
	is "$(gap first loaded '.to_ns - .from_ns == .gap_ns and .gap_ns > 0')" true
	is "$(of first event 'select(.event == "create") | .group.number' | wc -l)" 1
	is "$(of first event 'select(.event == "release") | .site')" vfio_group_release
	is "$(gap first loaded .to_ns)" "$(summary first '.gaps[0].to_ns')"
	echo "# gap: $(gap first loaded '.gap_ns / 1000000') ms" >&3
}

@test "module: the ledger begins with what exists then" {
	is "$(cat "$OUT/first-refs.status")" "$(gap first-refs loaded 'if .empty then 0 else 5 end')"
	is "$(of first-refs ledger '.groups[] | select(.references > 0) | .holders[].class' | sort -u)" device
	is "$(summary first-refs '[.findings[]] | add')" 0
	is "$(of first-refs ledger '.totals.unattributed' | tail -1)" 0
}

@test "module: vfio.ko can be unloaded while it is traced, and that is said" {
	has_status unload 0
	absent '^/sys/module/vfio$' "$OUT/still-loaded"
	of reload notice .words | grep -q 'vfio.ko was unloaded, and its [1-9][0-9]* probes are gone'
}

@test "module: after a reload everything is seen again, and the gap is said" {
	is "$(cat "$OUT/reload.status")" "$(gap reload loaded 'if .empty then 0 else 5 end')"
	# The kernel binds the device by itself while vfio-pci is loaded: driver_override stays set.
	[ "$(of reload event 'select(.event == "register") | .device' | wc -l)" -ge 2 ]
	is "$(of reload event 'select(.event == "module-load" or .event == "module-free") | .event' | tr '\n' ' ')" "module-free module-load "
	is "$(gap reload loaded .gap_ns | wc -l)" 1
	of reload event 'select(.event == "put") | .site' | sort -u | grep -q 'vfio_unregister_group_dev+'
	is "$(status_of reload put)" armed
}

@test "module: dead probes do not pile up, and what is unloaded in the end is not armed" {
	[ "$(cat "$OUT/many-fds")" -lt 150 ]
	[ "$(summary many .events_by_type.register)" -ge 1 ]
	is "$(status_of many put)" waiting
	is "$(status_of many chain-call)" armed
}

# The map has room for 64: a key that stays after each load would fill it.
@test "module: places of a vfio.ko that is gone do not pile up in the kernel" {
	armed=$(grep -c '"key"\|^key' "$OUT/many-sites")
	[ "$armed" -ge 4 ]
	[ "$armed" -le 16 ]
	says many-no-sites '\[\]|Found 0 elements'
	says_not many-no-sites '"?key'
}

@test "module: another build is followed at its own sites, with programs that the first one did not want" {
	[ "$(cat "$OUT"/id-* | sort -u | wc -l)" -eq 3 ]
	has_status builds 5
	is "$(gap builds loaded .gap_ns | wc -l)" 2
	is "$(of builds event 'select(.event == "put" and .context != "process") | .site' | sort -u | tr '\n' ' ')" \
		"vfio_group_put $(site fixed vfio_group_put_bg) $(site unfixed vfio_iommu_group_notifier) "
	of builds event 'select(.event == "queue") | .context' | grep -q notifier
	is "$(summary builds '.deferred | .queued == .ended and .queued > 2 and .unpaired == 0')" true
	# One event for one release, though the builds are followed through different functions.
	silent repeated of builds event 'select(.event == "release") | .group | "\(.address) \(.generation)"'
	[ "$(summary builds .events_by_type.release)" -ge 5 ]
	is "$(summary builds .lost)" 0
}

@test "module: the ledger of references fits each build" {
	has_status builds-refs 5
	is "$(summary builds-refs '.findings | del(."put-in-notifier", ."near-miss") | [.[]] | add')" 0
	is "$(of builds-refs ledger '.totals.unattributed' | tail -1)" 0
}

@test "module: a vfio.ko that is not the file on disk is followed as far as it can be, and no proof" {
	has_status stranger 5
	is "$(gap stranger blind .to_ns | grep -c null)" 1
	is "$(gap stranger blind .to_ns | grep -vc null)" 1
	gap stranger blind .words | grep -q 'put is partial'
	is "$(status_of stranger put)" waiting
}

@test "module: a livepatch of vfio is noticed while tracing, and its end" {
	for name in patched patched-refs patched-latency; do
		has_status $name 5 || return
		is "$(gap $name patched .to_ns | head -1)" null || return
		gap $name patched .words | grep -q 'livepatch livevfio replaces vfio_external_group_match_file of vfio' || return
	done
	is "$(gap patched patched '.to_ns > .from_ns' | tail -1)" true
	is "$(of patched-latency report .blind_gaps)" 1
}

@test "module: a livepatch that was there first is noticed at the start" {
	has_status patched-before 5
	is "$(gap patched-before patched .empty | head -1)" false
}

@test "module: validate gives no verdict over a livepatch" {
	has_status patched-validate 5
	says patched-validate '^INCONCLUSIVE'
	is "$(jq -r '.checks[] | select(.name == "probes") | .status' "$OUT/patched-report")" unknown
	is "$(jq -r '[.checks[] | select(.status == "fail")] | length' "$OUT/patched-report")" 0
}

@test "module: text that is as in its file is no gap, whoever probes it" {
	as_in_its_file untouched
	for name in late first reload many builds stranger patched; do
		silent gap $name changed .words || return
	done
}

@test "module: text that is written over is noticed while tracing, and when it is put back" {
	has_status poke 0
	has_status changed 5
	is "$(gap changed changed .to_ns | head -1)" null
	gap changed changed .words | grep -qE 'text of vfio_group_put_bg in memory is not that of /.*/vfio.ko \(\+0x[0-9a-f]+, 2 bytes\)'
	is "$(gap changed changed '.to_ns - .from_ns < 30000000000' | tail -1)" true
	is "$(gap changed changed .words | wc -l)" 2
	has_status changed-latency 5
	gap changed-latency changed .words | grep -q 'vfio_group_put_bg'
}

@test "module: doctor says what was written over, what it costs and what to do" {
	is "$(jq -r '.checks[] | select(.id == "vfio-text") | .status' "$OUT/changed-doctor")" weaker
	jq -r '.checks[] | select(.id == "vfio-text") | .wrong' "$OUT/changed-doctor" | grep -qE '[+]0x[0-9a-f]+, 2 bytes'
	jq -r '.checks[] | select(.id == "vfio-text") | .command' "$OUT/changed-doctor" | grep -q taint
	says put-back 'text of vfio.ko in memory +as in its file'
}

@test "module: no probe is put where an instruction differs" {
	has_status poke-site 0
	has_status changed-site 5
	gap changed-site changed .words | grep -q 'text of vfio_group_get_external_user'
	is "$(status_of changed-site get)" missing
	grep -q 'vfio_group_fops_open+' "$OUT/changed-site.probes"
	absent 'vfio_group_get_external_user[+]' "$OUT/changed-site.probes"
}

@test "module: nothing stays behind" {
	nothing_left after
}
