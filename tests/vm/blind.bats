#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A run knows when its probes do not fire: a gap with its length, status 5, and nobody is accused.
load vm

# All of them in `make soak`.
CASES="fixed builtin ${EVERY:+6.1} 6.12 ${EVERY:+7.x}"
DEFERRED="fixed builtin"

setup_file()
{
	local kernel latency
	for kernel in $CASES; do
		latency=
		[[ " $DEFERRED " != *" $kernel "* ]] || latency=1
		OUT=$BATS_FILE_TMPDIR/$kernel vm "$kernel" blind.sh --env "LATENCY=$latency" \
			--file "$TOP/build/tests/under:/bin/under" \
			--file "$TOP/build/tests/disable_events:/bin/disable_events" || return
	done
}

# verbs: those that run on this kernel
verbs()
{
	echo trace refs
	[[ " $DEFERRED " != *" ${OUT##*/} "* ]] || echo latency
}

# deferring: of these kernels, those that defer puts
deferring()
{
	local kernel
	for kernel in $CASES; do
		[[ " $DEFERRED " != *" $kernel "* ]] || echo "$kernel"
	done
}

# later: those that do not
later()
{
	local kernel
	for kernel in $CASES; do
		[[ " $DEFERRED " == *" $kernel "* ]] || echo "$kernel"
	done
}

refused()
{
	local verb
	for verb in $(verbs); do
		has_status "before-$verb" 4 || return
		says "before-$verb" "^vfioscope $verb: armed kprobes do not fire: .*; try: echo 1 . sudo tee /sys/kernel/debug/kprobes/enabled; see vfioscope doctor$" || return
		is "$(wc -l <"$OUT/before-$verb")" 1 || return
	done
}

# Later kernels are judged by their code: nothing is armed for that.
validate_refused()
{
	has_status before-validate 4 && says before-validate.err '^vfioscope validate: armed kprobes do not fire' &&
		says before-validate '^INCONCLUSIVE' && says before-validate 'probes +unknown +1 gap'
}

@test "blind: kprobes that are off before the start: no run begins, and what to do is said whole" {
	each refused
	CASES=$(deferring) each validate_refused
}

# ns FILE: the seconds in it, as nanoseconds
ns()
{
	awk '{ printf "%.0f\n", $1 * 1e9 }' "$OUT/$1"
}

# gaps NAME FILTER: over the gaps of that run that have ended
gaps()
{
	of "$1" gap "select(.why == \"silent\" and .to_ns) | $2"
}

# late NAME: ms from before the writing to when its line was seen
late()
{
	echo $((($(ns "$1.noticed") - $(ns off.before)) / 1000000))
}

# From before the first kprobe is off until after the last one is on again.
told()
{
	local name
	for name in $(verbs) other; do
		has_status "$name" 5 || return
		is "$(gaps "$name" .gap_ns | wc -l)" 1 || return
		[ "$(gaps "$name" .from_ns)" -le "$(ns off)" ] || { echo "$name begins late"; return 1; }
		[ "$(gaps "$name" .to_ns)" -ge "$(ns on)" ] || { echo "$name ends early"; return 1; }
		gaps "$name" .words | grep -q 'somebody switched all kprobes of the host' || return
		echo "# ${OUT##*/} $name: off for $((($(ns on) - $(ns off)) / 1000000)) ms, a gap of $(($(gaps "$name" .gap_ns) / 1000000)) ms, known after $(late "$name") ms at most" >&3
	done
}

@test "blind: kprobes that are switched off during a run are a gap, which has all of that time" {
	each told
}

# One of some runs side by side may not get a processor for as long as the others switch breakpoints.
noticed()
{
	local name soonest=999999
	for name in $(verbs) other; do
		[ "$(late "$name")" -ge $soonest ] || soonest=$(late "$name")
	done
	[ $soonest -lt 1000 ] || { echo "the first knew after $soonest ms"; return 1; }
}

@test "blind: that is known within a second" {
	each noticed
}

innocent()
{
	local name
	for name in $(verbs) other; do
		silent of "$name" finding 'select(.grade != "info") | .name' || return
	done
	is "$(summary trace .lost) $(summary refs .lost)" "0 0" || return
	is "$(summary refs '[.findings | del(."near-miss")[]] | add')" 0
}

@test "blind: nobody is accused for what was not seen" {
	each innocent
}

no_verdict()
{
	has_status validate 5 || return
	is "$(jq -r .verdict "$OUT/validate-report")" INCONCLUSIVE
}

@test "blind: validate gives no verdict" {
	CASES=$(deferring) each no_verdict
}

sees_again()
{
	local to
	to=$(gaps refs .to_ns)
	[ "$(summary trace .events_by_type.register)" -ge 4 ] || return
	[ "$(of refs ledger ".totals | .gets + .puts" | tail -1)" -gt 0 ] || return
	is "$(of refs ledger '.totals.unattributed' | tail -1)" 0 || return
	silent of refs ledger '.groups[] | select(.differs) | .number' || return
	[ "$to" -gt 0 ]
}

@test "blind: after it all is seen again, and the ledger agrees with the kernel" {
	each sees_again
}

for_a_moment()
{
	has_status moment 5 || return
	silent of moment finding 'select(.grade != "info") | .name' || return
	[ "$(gaps moment .gap_ns | wc -l)" -ge 1 ]
}

@test "blind: off and on again at once is a gap, too" {
	each for_a_moment
}

# Without ftrace the chains are missing, too: that alone would be status 4.
unfollowed()
{
	has_status unfollowed 5 || return
	[ "$(of unfollowed gap 'select(.why == "silent") | .words' | grep -c 'somebody switched all kprobes of the host')" -ge 1 ] || return
	of unseen notice .words | grep -q 'off for less than 0.25 s is not noticed'
}

@test "blind: that is seen without ftrace, too, and who cannot see it says so" {
	CASES=$(later) each unfollowed
}

disabled()
{
	says disable '^[1-9][0-9]* events disabled' || return
	has_status disabled 0 || return
	silent of disabled gap .words || return
	[ "$(summary disabled .events_by_type.close)" = 20 ]
}

@test "blind: perf events that others disable go on firing" {
	each disabled
}

busy()
{
	silent of busy gap .words || return
	silent of busy finding 'select(.grade != "info") | .name' || return
	is "$(summary busy .lost)" 0
}

@test "blind: a busy machine is no gap" {
	each busy
}

quiet_kernel()
{
	empty "$OUT/dmesg"
}

@test "blind: the kernel has not complained" {
	each quiet_kernel
}
