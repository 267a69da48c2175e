#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Every BPF program through the verifier of every kernel of the lab, and what it costs there.
load vm

KERNELS=$(awk '!/^#/ && NF { print $1 }' "$BATS_TEST_DIRNAME/../../tools/lab/matrix")
TABLE=$BATS_TEST_DIRNAME/../../docs/verifier.md

setup_file()
{
	for kernel in $KERNELS; do
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" verifier.sh \
			--file "$BATS_TEST_DIRNAME/../../build/tests/verifier:/bin/verifier" || return
	done
}

# rows: "kernel program error instructions" for all
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
	6.*/iommu_register | 6.*/iommu_unregister | 7.*/iommu_register | 7.*/iommu_unregister) ;;
	*) return 1 ;;
	esac
}

@test "verifier: every program of the object was tried on every kernel" {
	for kernel in $KERNELS; do
		is "$(wc -l <"$BATS_FILE_TMPDIR/$kernel/verifier")" 24
	done
}

@test "verifier: every program loads on every kernel that has its target" {
	rows | while read -r kernel program error instructions; do
		not_there "$kernel" "$program" || is "$kernel $program $error" "$kernel $program 0" || exit 1
	done
}

@test "verifier: no program needs more than 2000 instructions" {
	rows | while read -r kernel program error instructions; do
		[ "$instructions" -lt 2000 ] || { echo "$kernel $program $instructions"; exit 1; }
	done
}

# The table in docs/ is what is measured: VS_TABLE_WRITE=1 makes it anew.
@test "verifier: instruction counts are as in docs/verifier.md" {
	made=$BATS_FILE_TMPDIR/verifier.md
	{
		sed '/^| program/,$d' "$TABLE"
		echo "| program | $(echo "$KERNELS" | paste -sd'|' | sed 's/|/ | /g') |"
		echo "|---|$(for _ in $KERNELS; do printf -- '---|'; done)"
		cut -d' ' -f1 "$BATS_FILE_TMPDIR/fixed/verifier" | while read -r program; do
			printf '| %s |' "$program"
			for kernel in $KERNELS; do
				read -r _ error instructions < <(grep "^$program " "$BATS_FILE_TMPDIR/$kernel/verifier")
				[ "$error" = 0 ] && printf ' %s |' "$instructions" || printf ' – |'
			done
			echo
		done
	} >"$made"
	[ -z "${VS_TABLE_WRITE:-}" ] || cp "$made" "$TABLE"
	diff "$TABLE" "$made"
}
