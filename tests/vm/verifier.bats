#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Every BPF program through the verifier of every kernel of the lab, and what it costs there.
load vm

FIXED_ON=amd
# The image of iommufd is that of 6.12.
KERNELS=$("$BATS_TEST_DIRNAME/../../tools/lab/lab" names check | grep -vx iommufd)
TABLE=$TOP/build/tests/verifier.md

# objects: lab options that put every BPF object into the guest
objects()
{
	local room
	for room in "$TOP"/bpf/*/; do
		echo "--file $TOP/build/$(basename "$room").bpf.o:/lab/$(basename "$room").bpf.o"
	done
}

setup_file()
{
	[ -n "$KERNELS" ] || return
	for kernel in $KERNELS; do
		# shellcheck disable=SC2046 # words are wanted
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" verifier.sh $(objects) \
			--file "$TOP/build/tests/verifier:/bin/verifier" || return
	done
}

# rows: "kernel object program error instructions" for all
rows()
{
	local kernel
	for kernel in $KERNELS; do
		sed "s/^/$kernel /" "$BATS_FILE_TMPDIR/$kernel/verifier"
	done
}

# On kernels without it, there is nothing to attach to and the planner leaves these out.
not_there()
{
	case $1/$2 in
	builtin/*_fentry) return 1 ;;
	*/*_fentry) ;;
	6.*/iommu_register | 6.*/iommu_unregister | 7.*/iommu_register | 7.*/iommu_unregister) ;;
	6.*/iommu_release | 7.*/iommu_release | 6.*/group_born | 7.*/group_born) ;;
	*) return 1 ;;
	esac
}

@test "verifier: every program of the object was tried on every kernel" {
	programs=$(grep -hE '^SEC\("' "$TOP"/bpf/*/*.bpf.c | grep -cvE '"(license|\.maps)"')
	# Those of these headers are in two objects each.
	programs=$((programs + 2 * $(cat "$TOP"/bpf/*_programs.h | grep -cE '^SEC\("')))
	[ "$programs" -ge 24 ]
	for kernel in $KERNELS; do
		is "$(wc -l <"$BATS_FILE_TMPDIR/$kernel/verifier")" "$programs" || return
	done
}

@test "verifier: every program loads on every kernel that has its target" {
	[ "$(rows | wc -l)" -ge 100 ]
	rows | while read -r kernel _ program error _; do
		not_there "$kernel" "$program" || is "$kernel $program $error" "$kernel $program 0" || exit 1
	done
}

@test "verifier: no program needs more than 2000 instructions" {
	[ "$(rows | grep -cE ' [1-9][0-9]*$')" -ge 100 ]
	rows | while read -r kernel _ program _ instructions; do
		[ "$instructions" -lt 2000 ] || { echo "$kernel $program $instructions"; exit 1; }
	done
}

# Another kernel or compiler gives other counts, so this table is shown and compared with nothing.
@test "verifier: the table of instruction counts" {
	{
		echo "| object | program | $(echo "$KERNELS" | paste -sd'|' | sed 's/|/ | /g') |"
		echo "|---|---|$(for _ in $KERNELS; do printf -- '---|'; done)"
		cut -d' ' -f1,2 "$BATS_FILE_TMPDIR/fixed/verifier" | while read -r object program; do
			printf '| %s | %s |' "$object" "$program"
			for kernel in $KERNELS; do
				read -r _ _ error instructions < <(grep "^$object $program " "$BATS_FILE_TMPDIR/$kernel/verifier")
				if [ "$error" = 0 ]; then printf ' %s |' "$instructions"; else printf ' – |'; fi
			done
			echo
		done
	} >"$TABLE"
	echo "# most: $(rows | sort -k5,5nr | awk 'NR == 1 { print $5 " instructions for " $3 " on " $1 }'), $TABLE" >&3
	is "$(grep -cvE '^\| [a-z]+ \| [a-z_]+ \|( ([0-9]+|–) \|)+$' "$TABLE")" 2
	is "$(wc -l <"$TABLE")" $((2 + $(wc -l <"$BATS_FILE_TMPDIR/fixed/verifier")))
}

# plan: what follows from facts, apart from what differs from build to build
plan()
{
	jq -c '{vfio, fix, complete, hooks: [.hooks[] | "\(.hook) \(.required) \(.status)"],
		sees: [.sees[] | "\(.subject) \(.counter) \(.gets.seen) \(.puts.seen) \(.holders.seen) \(.waits.seen)"]}'
}

# The unit tests plan for recorded kernels: those have to be as the lab's kernels are now, whatever build that is.
# FACTS_WRITE=1 bats tests/vm/verifier.bats records them anew.
@test "verifier: the recorded facts give the plan that the kernels give today" {
	for file in "$TOP"/tests/facts/[!h]*.json; do
		name=$(basename "$file" .json)
		# The suite iommufd boots the first, make hosts the second.
		case $name in iommufd | cdev) continue ;; esac
		OUT=$BATS_FILE_TMPDIR/${name%-not-loaded}
		facts=facts${name#"${name%-not-loaded}"}
		[ -s "$OUT/$facts.json" ] || { echo "$file is of a kernel that the lab no longer boots"; return 1; }
		[ -z "${FACTS_WRITE:-}" ] || jq --indent 1 'del(.host)' "$OUT/$facts.json" >"$file"
		is "$("$TOP/build/vfioscope" doctor --json --facts "$file" | plan)" "$(plan <"$OUT/$facts")" || { echo "$file"; return 1; }
		is "$(jq -c 'del(.host) | keys' "$file")" "$(jq -c 'del(.host) | keys' "$OUT/$facts.json")" || { echo "$file"; return 1; }
	done
}
