#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Each faulty vfio.ko of the lab: its fault is found, at the right place, and no other.
load vm

# Those that deadlock are the suite "unfixed"; this table is about references.
CASES="skip-queue-7th get-without-put leak-open-error no-external-put double-put-close queue-twice
	slow-put-bg wrong-work outlined"

setup_file()
{
	"$TOP/tools/lab/lab" build mutants >/dev/null || return
	for mutant in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$mutant
		mkdir -p "$OUT"
		echo "$mutant" >"$OUT/mutant"
		vm "mutant:$mutant" mutants.sh --file "$OUT/mutant:/lab/mutant" \
			--file "$TOP/build/tests/extuser:/bin/extuser" || return
	done
}

# of_mutant NAME: the results of one
of_mutant()
{
	OUT=$BATS_FILE_TMPDIR/$1
}

# bugs: names of the findings of grade bug, each once
bugs()
{
	of refs finding 'select(.grade == "bug") | .name' | sort -u | paste -sd' '
}

# places NAME: where the references of these findings were taken or put, each once
places()
{
	of refs finding "select(.name == \"$1\") | .site" | sed 's/+.*//' | sort -u | paste -sd' '
}

nothing_lost()
{
	is "$(summary refs .lost)" 0
}

# finds MUTANT FINDING PLACE
finds()
{
	of_mutant "$1"
	is "$(bugs)" "$2" || return
	is "$(places "$2")" "$3" || return
	nothing_lost || return
	has_status refs 3
}

# quiet MUTANT
quiet()
{
	of_mutant "$1"
	silent bugs || return
	nothing_lost || return
	has_status refs 0
}

# leaked: holders that the last ledger shows as leaked: count and class
leaked()
{
	of refs ledger '[.groups[].holders[] | select(.leaked)] |
		group_by(.class) | map("\(map(.count) | add) \(.[0].class)") | join(" ")' | tail -1
}

# totals: live and unattributed references in the end
totals()
{
	of refs ledger '.totals | "\(.live) \(.unattributed)"' | tail -1
}

@test "mutants: a deferred put that is never queued is a leak of the notifier" {
	finds skip-queue-7th reference-leak vfio_iommu_group_notifier
	is "$(leaked)" "$(($(summary refs .notifier_found) - $(summary refs .deferred.queued))) notifier"
	is "$(cat "$OUT/nodes")" "$(printf '1\nvfio')"
}

@test "mutants: a get without a put in the notifier is a leak, once for each event" {
	finds get-without-put reference-leak vfio_iommu_group_notifier
	is "$(leaked)" "$(summary refs .notifier_found) notifier"
}

@test "mutants: an open that fails and keeps its reference is a leak" {
	finds leak-open-error reference-leak vfio_group_fops_open
	is "$(leaked)" "3 file"
}

@test "mutants: an external user that does not put leaks, once its process is gone" {
	finds no-external-put reference-leak \
		"vfio_group_get_external_user vfio_group_get_external_user_from_dev"
	is "$(leaked)" "3 external"
}

@test "mutants: a close that puts twice is a put without a get, and the cause of what follows" {
	finds double-put-close put-without-get vfio_group_fops_release
	is "$(of refs ledger '.groups[0] | "\(.released) \(.broken) \(.unattributed)"' | tail -1)" "true true 1"
}

@test "mutants: two deferred puts for one get are a put without a get" {
	finds queue-twice put-without-get vfio_iommu_group_notifier
}

@test "mutants: a slow deferred put, another workqueue, functions out of line: nothing" {
	quiet slow-put-bg
	quiet wrong-work
	quiet outlined
	is "$(totals)" "0 0"
	of_mutant wrong-work	# race leaves a device bound
	is "$(totals)" "1 0"
	of_mutant slow-put-bg
	is "$(totals)" "1 0"
}

# promised: the table's words as names of findings of grade bug; what is put on a released group has none of its own
promised()
{
	echo "$1" | tr ',' '\n' | sed -n 's/^leak$/reference-leak/p; s/^over-put$/put-without-get/p' | sort -u | paste -sd' '
}

@test "mutants: the lab's table says what is found, and nothing else is" {
	compared=0
	while read -r name _ finds _; do
		[[ " $(echo $CASES) " == *" $name "* ]] || continue
		of_mutant "$name"
		echo "$name: $finds"
		# An empty line is no finding.
		is "found: $(bugs)" "found: $(promised "$finds")" || return
		[[ $finds != *dead-put* ]] || is "$(of refs ledger '[.groups[] | .released and .broken] | any' | tail -1)" true || return
		compared=$((compared + 1))
	done < <(grep -v '^#' "$TOP/tools/lab/mutants/table")
	is $compared "$(echo "$CASES" | wc -w)"
}
