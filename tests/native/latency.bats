#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# latency on the machine's own kernel: no VM, but root. The load is flush_to_ldisc, one work for each
# byte written to a pseudo terminal, but for those that the work before has met while it still ran: how
# many works there were the kernel's own tracing tells. Late works are made by a spinning task.

load ../assert
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	OUT=$BATS_TEST_TMPDIR
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	grep -q ' flush_to_ldisc$' /proc/kallsyms || skip "this kernel has no flush_to_ldisc"
}

# What a test that failed has left running would be counted by the next.
teardown()
{
	[ -z "${started:-}" ] || kill -KILL $started 2>/dev/null || true
}

# begin ARGUMENTS...: in the background; counting when this returns
begin()
{
	local tries=0
	build/vfioscope latency "$@" >"$OUT/out" 2>"$OUT/err" 3>&- &
	traced=$!
	started="${started:-} $traced"
	until grep -qE 'probes armed|"start"' "$OUT/out"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] && kill -0 $traced || { cat "$OUT/err"; return 1; }
		sleep 0.05
	done
}

# finish STATUS
finish()
{
	local status=0
	kill -INT "$traced"
	wait "$traced" || status=$?
	[ "$status" -eq "$1" ] || { echo "status $status"; tail -n 20 "$OUT/out" "$OUT/err"; return 1; }
}

report()
{
	jq -r "select(.type == \"report\") | $1" "$OUT/out"
}

# function NAME FILTER: of its split
function_of()
{
	report ".splits[] | select(.by == \"function\" and .function == \"$1\") | $2"
}

# come N FILTER: until the run has written so many records that jq selects
come()
{
	local tries=0
	until [ "$(jq -c "select($2)" "$OUT/out" 2>/dev/null | wc -l)" -ge "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] && kill -0 "$traced" || { echo "not $1 records: $2"; tail -n 5 "$OUT/out" "$OUT/err"; return 1; }
		sleep 0.05
	done
}

# hold_up MS: a work on each CPU, waited for; CPU 1 is kept by a real-time task, for so long, when they are queued.
# Who queues them is a real-time task, too: a busy machine would let the first one's time pass.
hold_up()
{
	chrt -f 50 taskset -c 0 bash -c '
		taskset -c 1 bash -c ": >\"\$2\"; end=\$((\${EPOCHREALTIME/./} + \$1 * 1000))
			while [ \"\${EPOCHREALTIME/./}\" -lt \$end ]; do :; done" spinner "$1" "$2" &
		until [ -e "$2" ]; do sleep 0.001; done
		echo 1 >/proc/sys/vm/stat_refresh
		wait' holds "$1" "$OUT/spins" 3>&-
}

# A work on each CPU, waited for.
work_everywhere()
{
	echo 1 >/proc/sys/vm/stat_refresh
}

can_spin()
{
	[ "$(nproc)" -gt 1 ] && chrt -f 50 true 2>/dev/null && [ -w /proc/sys/vm/stat_refresh ]
}

@test "latency: without a deferred put it says so, and what to do" {
	if grep -q ' vfio_group_put_bg' /proc/kallsyms; then skip "this kernel has it"; fi
	run -4 build/vfioscope latency
	[[ "$output" == *"no put is deferred here"* ]]
	[[ "$output" == *"--work SYMBOL"*"--all"* ]]
}

# tracing NAME: the kernel's own, of flush_to_ldisc, in a trace instance
tracing()
{
	local event
	mkdir "$instances-$1" || return
	for event in queue_work execute_start; do
		echo "function == $address" >"$instances-$1/events/workqueue/workqueue_$event/filter"
		echo 1 >"$instances-$1/events/workqueue/workqueue_$event/enable"
	done
}

# traced NAME: ends it; in $seen: entries that it ever had, kept or written over
traced()
{
	echo 0 >"$instances-$1/events/enable"
	seen=$(cat "$instances-$1"/per_cpu/cpu*/stats | awk '/^(entries|overrun):/ { sum += $2 } END { print sum }')
	rmdir "$instances-$1"
}

can_trace()
{
	local tracefs=/sys/kernel/tracing
	mountpoint -q $tracefs || mount -t tracefs nodev $tracefs || return
	instances=$tracefs/instances/vfioscope-test-$$
	address=$(awk '$3 == "flush_to_ldisc" { print "0x" $1 }' /proc/kallsyms)
	mkdir "$instances-try" && rmdir "$instances-try"
}

# between ROUNDS ARGUMENTS...: vfioscope with those while so many rounds of works are queued. Other terminals may be
# in use meanwhile: so one instance counts for a bit longer, $outer, and one for a bit less long,
# $inner. When nobody else types, they are equal.
between()
{
	local rounds=$1
	shift
	tracing outer
	begin "$@" || return
	tracing inner
	while [ $((rounds--)) -gt 0 ]; do
		build/bench/works 5 4000 >/dev/null
	done
	traced inner
	inner=$seen
	finish 0 || return
	traced outer
	outer=$seen
	[ "$inner" -gt 1000 ]
}

@test "latency: each work is counted once, by what was queued, started and ended" {
	can_trace || skip "no trace instances"
	between 1 --work flush_to_ldisc --json --events --ring-size 64M
	ours=$(report '.works | .queued + .started')
	echo "# kernel: $inner to $outer, ours: $ours" >&3
	[ "$inner" -le "$ours" ]
	[ "$ours" -le "$outer" ]
	is "$(report .lost)" 0
	is "$(report .works.ended)" "$(jq -c 'select(.type == "work")' "$OUT/out" | wc -l)"
	is "$(report .works.ended)" "$(report .queued_to_ended.count)"
	silent repeated jq -r 'select(.type == "work") | "\(.work) \(.queue_ns)"' "$OUT/out"
}

@test "latency: --all counts as the kernel's own tracing does" {
	can_trace || skip "no trace instances"
	between "${ROUNDS:-6}" --all --json
	ours=$(function_of flush_to_ldisc .queued_to_ended.count)
	echo "# kernel: $inner to $outer, ours: 2 x $ours" >&3
	# One that was queued before the end of the run need not have ended.
	[ $((2 * ours)) -ge $((inner - 10)) ]
	[ $((2 * ours)) -le "$outer" ]
	is "$(report .lost)" 0
}

# The p-th percentile of raw events, and of the report: in one bucket?
same_bucket()
{
	jq -rs --argjson p "$1" --arg key "$2" --arg from "$3" --arg to "$4" --arg name "$5" '
		def bucket: if . < 4 then . else (log2 | floor) as $l | [$l, (. / pow(2; $l - 2) | floor)] end;
		(map(select(.type == "work") | .[$to] - .[$from]) | sort) as $raw |
		$raw[(($raw | length) * $p / 1000 | ceil) - 1] as $exact |
		(.[] | select(.type == "report") | .[$name][$key]) as $got |
		if ($exact | bucket) == ($got | bucket) then "same" else "\($exact) is not near \($got)" end' "$OUT/out"
}

@test "latency: percentiles agree with the raw events within one bucket" {
	begin --work flush_to_ldisc --json --events --ring-size 64M
	build/bench/works 5 2000 >/dev/null
	finish 0
	is "$(jq -c 'select(.type == "work")' "$OUT/out" | wc -l)" "$(report .queued_to_ended.count)"
	[ "$(report .queued_to_ended.count)" -gt 1000 ]
	for p in '500 p50_ns' '900 p90_ns' '990 p99_ns' '999 p999_ns' '1000 max_ns'; do
		# shellcheck disable=SC2086 # two words
		is "$(same_bucket $p queue_ns start_ns queued_to_started)" same || return
		# shellcheck disable=SC2086
		is "$(same_bucket $p start_ns end_ns started_to_ended)" same || return
	done
}

@test "latency: the splits add up to the whole" {
	begin --work flush_to_ldisc --work vmstat_update --json
	build/bench/works 5 500 >/dev/null
	finish 0
	for by in function cpu pool; do
		is "$(report "[.splits[] | select(.by == \"$by\") | .queued_to_ended.count] | add")" \
			"$(report .queued_to_ended.count)" || return
	done
	[ "$(function_of flush_to_ldisc .queued_to_ended.count)" -gt 100 ]
}

@test "latency: the document describes each key" {
	begin --all --blame full --events --interval 100ms --json --cost
	build/bench/works 2 500 >/dev/null
	work_everywhere || true
	come 1 '.type == "interval"'
	come 1 '.type == "work"'
	finish 0
	is "$(jq -r .type "$OUT/out" | sort -u | paste -sd' ')" "interval report start work"
	tests/schema "$OUT/out"
}

@test "latency: parts of each blame add up to its delay" {
	begin --all --blame full --json --top 64
	build/bench/works 5 1000 >/dev/null
	work_everywhere || true
	sleep 0.5
	finish 0
	[ "$(report '.slowest | length')" -gt 10 ]
	is "$(report '[.slowest[] | .delay_ns - ([.parts[].ns] | add)] | unique | tostring')" "[0]"
	is "$(report '[.slowest[].delay_ns] | . == (sort | reverse)')" true
}

@test "latency: a task that takes the CPU is named, with its time" {
	can_spin || skip "no real-time tasks here"
	begin --work refresh_vm_stats --json
	hold_up 500
	finish 0
	report '.slowest[0].words'
	is "$(report '.slowest[0].parts[0] | .why')" task
	report '.slowest[0].parts[0].words' | grep -q 'CPU taken by'
	# What the spinner had left when the work was queued is what the work waited.
	report '.slowest[0] | .parts[0].ns / .delay_ns > 0.9' | grep -qx true
	report '.slowest[0] | .delay_ns > 10000000 and .pool_cpu == 1' | grep -qx true
}

@test "latency: with --blame late it is named, too, and what was not watched is said" {
	can_spin || skip "no real-time tasks here"
	begin --work refresh_vm_stats --json --blame late
	hold_up 500
	finish 0
	report '.slowest[0].words'
	[ "$(report .blame.attached)" -ge 1 ]
	report '.slowest[0].parts[] | select(.why == "task").words' | grep -q 'CPU taken by'
	report '.slowest[0].parts[] | select(.why == "not-watched").ns' | grep -q .
	is "$(report '.slowest[0] | .delay_ns - ([.parts[].ns] | add)')" 0
}

@test "latency: --sample follows what is queued in some windows, to its end" {
	begin --all --sample 4 --json
	build/bench/works 40 2000 >/dev/null
	sleep 1
	finish 0
	is "$(report .sample.one_of)" 4
	[ "$(report .sample.windows)" -ge 1 ]
	# Attached for a quarter of the time, and up to one window more.
	report '.sample.open_ns <= .duration_ns / 4 + 300000000' | grep -qx true
	count=$(function_of flush_to_ldisc .queued_to_ended.count)
	echo "# $count of 80000" >&3
	[ "$count" -gt 100 ]
	[ "$count" -lt 80000 ]
	is "$(report .lost)" 0
	# A work that was queued in one window and ended in another would have waited for half a second.
	report '.splits[] | select(.function == "flush_to_ldisc").queued_to_ended.p99_ns < 250000000' | grep -qx true
	is "$(report '.findings.lost')" 0
}

# cancel_work() has no tracepoint, and the memory of most of these is freed.
@test "latency: cancelled works neither wait for ever nor are they late" {
	local top=$OUT tracers=()
	for mode in "--work flush_to_ldisc" "--all" "--all --blame full"; do
		OUT="$top/$mode"
		mkdir "$OUT"
		# shellcheck disable=SC2086 # words are wanted
		begin $mode --overdue 1s --lost 2s --json || return
		tracers+=("$traced")
	done
	build/tests/cancels 30000
	sleep 3.5
	for mode in "--work flush_to_ldisc" "--all" "--all --blame full"; do
		OUT="$top/$mode" traced=${tracers[0]}
		tracers=("${tracers[@]:1}")
		finish 0 || return
		echo "# $mode: $(report '.works | "\(.cancelled) of \(.queued) cancelled"'), $(report .backlog.waiting) wait" >&3
		[ "$(report .works.cancelled)" -gt 100 ] || return
		[ "$(report .backlog.waiting)" -lt 50 ] || return
		report .findings | jq -e '.overdue + .lost < 5' || return
	done
}

@test "latency: an overdue work is a finding, while it waits" {
	can_spin || skip "no real-time tasks here"
	begin --work refresh_vm_stats --overdue 30ms
	hold_up 900
	finish 0
	grep -q 'FINDING hazard overdue: refresh_vm_stats was queued .* not started' "$OUT/out"
	grep -qE '^findings +overdue [1-9]' "$OUT/out"
}

@test "latency: a loss is said, and the status is 5" {
	begin --work flush_to_ldisc --events --ring-size 16K --json
	kill -STOP $traced
	build/bench/works 5 2000 >/dev/null
	kill -CONT $traced
	finish 5
	[ "$(report '.losses[] | select(.cause == "ring-full") | .total')" -gt 0 ]
	# What is counted in the kernel is complete all the same.
	is "$(report .queued_to_ended.count)" "$(report .works.ended)"
	[ "$(report .works.ended)" -gt "$(jq -c 'select(.type == "work")' "$OUT/out" | wc -l)" ]
}

@test "latency: too many functions for the rows is a loss, too" {
	begin --all --functions 1 --json
	work_everywhere || true
	build/bench/works 1 100 >/dev/null
	sleep 1.2
	finish 5
	[ "$(report '.losses[] | select(.cause == "rows-full") | .total')" -gt 0 ]
}

@test "latency: --interval prints a line each time, and they add up" {
	begin --work flush_to_ldisc --interval 200ms --json
	build/bench/works 5 1000 >/dev/null
	come $(($(jq -c 'select(.type == "interval")' "$OUT/out" | wc -l) + 3)) '.type == "interval"'
	finish 0
	queued=$(jq -s '[.[] | select(.type == "interval").queued] | add' "$OUT/out")
	[ "$queued" -gt 100 ]
	[ "$queued" -le "$(report .works.queued)" ]
	[ "$(jq -s '[.[] | select(.type == "interval").queued_to_started.count] | add' "$OUT/out")" -gt 100 ]
}

@test "latency: --duration ends by itself; --cost tells of programs and loader" {
	run -0 build/vfioscope latency --all --duration 300ms --cost
	[[ "$output" =~ runs\ of\ [1-9][0-9]*\ programs\ took ]]
	[[ "$output" == *"loader:"*"MiB resident"* ]]
}

@test "latency: text fits 80 columns on a terminal" {
	script -qec 'stty cols 80; build/vfioscope latency --all --blame full -d 1s' /dev/null >"$OUT/out" </dev/null
	tr -d '\r' <"$OUT/out" | awk 'length > 80 { print; bad = 1 } END { exit bad }'
	grep -q 'p99' "$OUT/out"
}

# kernel_times: "wait NS" and "run NS" of each work, by the kernel's own tracing (instance $1, microseconds)
kernel_times()
{
	awk '{ at = 0; work = ""
		for (i = 1; i <= NF; i++) {
			if (!at && $i ~ /^[0-9]+\.[0-9]+:$/) at = substr($i, 1, length($i) - 1) * 1e9
			if ($i ~ /^struct=/ || $i == "struct") work = $i == "struct" ? $(i + 1) : substr($i, 8)
		}
		sub(/:$/, "", work) }
		/workqueue_queue_work:/ { queued[work] = at }
		/workqueue_execute_start:/ { if (work in queued) print "wait", at - queued[work]; delete queued[work]; start[work] = at }
		/workqueue_execute_end:/ { if (work in start) print "run", at - start[work]; delete start[work] }' "$1"
}

# our_times: the same of our events
our_times()
{
	jq -r 'select(.type == "work") | "wait \(.start_ns - .queue_ns)", "run \(.end_ns - .start_ns)"' "$OUT/out"
}

# figures WHAT FILE: "count median mean", the dearest hundredth left out of the mean
figures()
{
	sed -n "s/^$1 //p" "$2" | sort -n | awk '{ v[NR] = $1 }
		END { n = int(NR * 0.99); for (i = 1; i <= n; i++) sum += v[i]; print NR, v[int((NR + 1) / 2)], sum / n }'
}

# The two read the clock one after the other at the same tracepoints: what lies between is the other's program, below
# a microsecond, and a time in microseconds is cut by up to one more.
@test "latency: each work's wait and run is what the kernel's own tracing has" {
	can_trace || skip "no trace instances"
	begin --work flush_to_ldisc --json --events --ring-size 64M --blame off
	mkdir "$instances-times"
	echo mono >"$instances-times/trace_clock"
	echo 16384 >"$instances-times/buffer_size_kb"
	for event in queue_work execute_start execute_end; do
		echo "function == $address" >"$instances-times/events/workqueue/workqueue_$event/filter"
		echo 1 >"$instances-times/events/workqueue/workqueue_$event/enable"
	done
	build/bench/works 5 2000 >/dev/null
	echo 0 >"$instances-times/events/enable"
	finish 0
	grep -v '^#' "$instances-times/trace" >"$OUT/trace"
	rmdir "$instances-times"
	kernel_times "$OUT/trace" >"$OUT/kernel"
	our_times >"$OUT/ours"
	for what in wait run; do
		read -r theirs their_median their_mean < <(figures $what "$OUT/kernel")
		read -r ours our_median our_mean < <(figures $what "$OUT/ours")
		echo "# $what: $ours works, median $our_median ns, mean $our_mean ns; kernel: $theirs, $their_median, $their_mean" >&3
		[ "$theirs" -gt 1000 ] || return
		# Other terminals may be in use before and after the kernel's own tracing.
		awk -v a="$ours" -v b="$theirs" 'BEGIN { exit !(a >= b && a < 1.02 * b) }' || return
		awk -v a="$our_median" -v b="$their_median" 'BEGIN { d = a - b; exit !(d * d < (b / 20 + 1000) ^ 2) }' || return
		awk -v a="$our_mean" -v b="$their_mean" 'BEGIN { d = a - b; exit !(d * d < (b / 20 + 1000) ^ 2) }' || return
	done
}

@test "latency: bpftrace counts the same, and finds the same mean" {
	command -v bpftrace >/dev/null || skip "no bpftrace (make bench installs it)"
	begin --work flush_to_ldisc --json --blame off
	bpftrace -e 'tracepoint:workqueue:workqueue_queue_work { @q[args->work] = nsecs; }
		tracepoint:workqueue:workqueue_execute_start /@q[args->work]/
			{ @w[ksym(args->function)] = stats(nsecs - @q[args->work]); delete(@q[args->work]); }
		BEGIN { printf("attached\n"); } END { clear(@q); }' >"$OUT/bpftrace" 2>/dev/null 3>&- &
	other=$!
	timeout 10 bash -c "until grep -q attached $OUT/bpftrace; do sleep 0.1; done"
	sleep 0.5
	build/bench/works 5 2000 >/dev/null
	# A signal that comes while it still attaches is lost on it; a second one while it ends costs its result.
	for ((i = 0; i < 200; i++)); do
		[ $((i % 60)) -ne 0 ] || kill -INT $other 2>/dev/null || break
		kill -0 $other 2>/dev/null || break
		sleep 0.1
	done
	wait $other || true
	finish 0
	grep flush_to_ldisc "$OUT/bpftrace"
	counted=$(sed -nE 's/@w\[flush_to_ldisc\]: count ([0-9]+),.*/\1/p' "$OUT/bpftrace")
	# It is attached for a bit less long, in which other terminals may be in use.
	awk -v a="$(report .queued_to_started.count)" -v b="$counted" 'BEGIN { exit !(b <= a && b > 0.98 * a) }'
	theirs=$(sed -nE 's/@w\[flush_to_ldisc\]:.* average ([0-9]+),.*/\1/p' "$OUT/bpftrace")
	ours=$(report .queued_to_started.mean_ns)
	echo "# mean wait: $ours ns, bpftrace: $theirs ns" >&3
	# Each sees what the other's programs take: hundreds of ns.
	awk -v a="$ours" -v b="$theirs" 'BEGIN { d = a - b; exit !(d * d < (b / 20 + 1500) ^ 2) }'
}

# kwork_round: both at the same works; "count mean" of perf's into $OUT/kwork
kwork_round()
{
	begin --work flush_to_ldisc --json || return
	perf record -q -m 16M -a -o "$OUT/perf.data" -e workqueue:workqueue_activate_work \
		-e workqueue:workqueue_execute_start -e workqueue:workqueue_execute_end \
		-- build/bench/works 5 2000 >/dev/null 2>&1 || skip "perf cannot record here"
	finish 0 || return
	if perf script --show-lost-events -i "$OUT/perf.data" 2>/dev/null | grep -q LOST; then skip "perf lost samples"; fi
	perf kwork -k workqueue report -i "$OUT/perf.data" 2>/dev/null |
		awk -F'|' '/flush_to_ldisc/ { sub(/ms/, "", $3); ns += $3 * 1e6; n += $4 }
			END { print n, int(ns / n) }' >"$OUT/kwork"
}

# perf writes its sample of the start between our reading of the clock and the work itself: some us, and more where the
# host takes the processor away just then, which it does to a few of thousands of works in a bad second. The counts agree
# in every round, the times in one of five.
@test "latency: perf kwork counts the same works and about the same run times" {
	local round count mean agree=
	perf kwork --help >/dev/null 2>&1 || skip "no perf kwork"
	for round in 1 2 3 4 5; do
		kwork_round || return
		read -r count mean <"$OUT/kwork"
		echo "# round $round: mean run: $(report .started_to_ended.mean_ns) ns, perf kwork: $mean ns" >&3
		# perf kwork drops a work whose start and end it finds in the wrong order: one in thousands.
		awk -v a="$(report .started_to_ended.count)" -v b="$count" \
			'BEGIN { exit !(b <= a && b >= 0.999 * a) }' || return
		if awk -v a="$(report .started_to_ended.mean_ns)" -v b="$mean" \
			'BEGIN { exit !(a > 0.9 * b - 1000 && a < 1.1 * b + 5000) }'; then
			agree=1
			break
		fi
	done
	[ -n "$agree" ]
}

@test "latency: a function that nobody brings" {
	run -4 build/vfioscope latency --work no_such_work -d 200ms
	[[ "$output" == *"no function"*"no_such_work"* ]]
}

@test "latency: wrong usage" {
	run -2 build/vfioscope latency --all --work flush_to_ldisc
	run -2 build/vfioscope latency --blame
	run -2 build/vfioscope latency --blame sometimes
	run -2 build/vfioscope latency --sample 4
	run -2 build/vfioscope latency --all --sample 1
	run -2 build/vfioscope latency --all --sample 4 --blame full
	run -2 build/vfioscope latency --all --sample 4 --events
	run -2 build/vfioscope latency --top 0
	run -2 build/vfioscope latency --top 65
	run -2 build/vfioscope latency --work ''
	run -2 build/vfioscope latency extra
	run -2 build/vfioscope latency --ring-size 5K
	run -2 build/vfioscope latency -w a -w b -w c -w d -w e -w f -w g -w h -w i
}

@test "latency: resident memory below 20 MiB" {
	begin --all --blame full
	build/bench/works 2 1000 >/dev/null
	kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$traced/status")
	finish 0
	echo "# peak $kib KiB" >&3
	[ "$kib" -lt 20480 ]
}

@test "latency: nothing stays behind after SIGKILL" {
	begin --all
	[ "$(bpftool prog list | grep -c ' name work_')" -ge 3 ]
	kill -KILL "$traced"
	wait "$traced" || true
	# Who keeps some of them for it ends when it sees that nobody is there any more.
	for ((i = 0; i < 400; i++)); do
		bpftool prog list >"$OUT/programs"
		grep -q ' name work_' "$OUT/programs" || break
		sleep 0.05
	done
	absent ' name work_' "$OUT/programs"
}

@test "latency: a terminal of 10 columns" {
	run script -qec 'stty cols 10; build/vfioscope latency --all -d 300ms' /dev/null
	[ "$status" -eq 0 ]
	[[ "$output" == *"|@"* ]]
}

# A pager that is paused, Ctrl-S: nobody reads, and the pipe is full.
@test "latency: ends when it is asked to, also while its reader stands still" {
	mkfifo "$OUT/pipe"
	sleep 60 <"$OUT/pipe" 3>&- &
	sleeper=$!
	build/vfioscope latency --all --events --json >"$OUT/pipe" 2>"$OUT/err" 3>&- &
	traced=$!
	# Of the 64 KiB that a pipe takes all but the last record are written.
	for ((i = 0; i < 200; i++)); do
		build/bench/works 1 2000 >/dev/null || true
		[ "$(awk '/^wchar/ { print $2 }' /proc/$traced/io)" -lt 60000 ] || break
	done
	build/bench/works 1 2000 >/dev/null || true
	begun=$SECONDS
	kill -TERM $traced
	status=0
	wait $traced || status=$?
	kill $sleeper
	echo "# ended $((SECONDS - begun)) s after it was asked to, status $status: $(cat "$OUT/err")" >&3
	[ $((SECONDS - begun)) -le 10 ]
	[ "$status" -eq 1 ]
	[[ "$(cat "$OUT/err")" == *"cannot write"* ]]
}
