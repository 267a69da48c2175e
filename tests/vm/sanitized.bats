#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The scenarios with a vfioscope that is built with AddressSanitizer and UndefinedBehaviorSanitizer: what
# they say is judged elsewhere (this one is slow), here that nothing is reported. `make soak`
# (SOAK=1) runs the large ones, too.
load vm

CASES=short
[ -z "${SOAK:-}" ] || CASES="short fixed unfixed module refs why-deadlock why-6.1 faults"

# sanitized NAME KERNEL SCENARIO [lab options]
sanitized()
{
	local name=$1 program=$TOP/build/sanitized/vfioscope lib
	shift
	# shellcheck disable=SC2046 # words are wanted
	OUT=$BATS_FILE_TMPDIR/$name vm "$@" --mem 2G \
		--file "$program:/bin/vfioscope" \
		$(ldd "$program" | grep -o '/[^ ]*' | while read -r lib; do echo "--file $lib:$lib"; done) \
		--env "ASAN_OPTIONS=log_path=/tmp/out/sanitizer:exitcode=99" \
		--env "UBSAN_OPTIONS=log_path=/tmp/out/sanitizer:print_stacktrace=1:halt_on_error=1:exitcode=99"
}

setup_file()
{
	sanitized short fixed sanitized.sh || return
	[ -z "${SOAK:-}" ] || large_ones
}

large_ones()
{
	local file=$TOP/build/tests
	export VM_TIMEOUT=1200
	sanitized fixed fixed fixed.sh || return
	sanitized unfixed unfixed unfixed.sh --file "$file/witness:/bin/witness" || return
	sanitized module fixed module.sh --no-vfio || return
	sanitized refs fixed refs.sh --env CYCLES=2000 --file "$file/holder:/bin/holder" || return
	sanitized why-deadlock unfixed why_deadlock.sh || return
	sanitized why-6.1 6.1 why.sh --file "$file/holder:/bin/holder" || return
	sanitized faults fixed faults.sh --env CYCLES=10 --env KILLS=30 \
		--file "$TOP/tests/vm/cycles.sh:/lab/cycles.sh" --file "$file/small_maps:/bin/small_maps"
}

no_reports()
{
	# A child that was told to end, or a whole run: each has a file of its own.
	[ "$(find "$OUT" -name '*.status' | wc -l)" -ge 3 ] && silent find "$OUT" -name 'sanitizer.*' -size +0 -exec grep -H . {} +
}

no_failures()
{
	absent '^(99|13[0-9])$' "$OUT"/*.status
}

@test "sanitized: no report in any scenario" {
	each no_reports
}

@test "sanitized: no run ended by one, or by a signal" {
	each no_failures
}

@test "sanitized: it was really that build, and it did its work" {
	OUT=$BATS_FILE_TMPDIR/short
	nm "$TOP/build/sanitized/vfioscope" | grep -q ' __asan_init'
	has_status trace 0
	says trace 'losses: none'
	says trace.copy 'vfio_iommu_group_notifier'
	has_status latency 0
	has_status once 0
	has_status why 0
}
