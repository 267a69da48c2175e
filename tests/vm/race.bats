#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Long races on 2, 4 and 8 CPUs: nobody is accused, nothing is lost, all that watch agree, and nothing grows.
load vm

CASES=${CPUS:-2 4 8}
RUNS=${RUNS:-1}
CYCLES=${CYCLES:-2000}

setup_file()
{
	local cpus
	for cpus in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$cpus vm fixed race.sh --smp "$cpus" --mem 1024 --file "$TOP/build/tests/skewed:/bin/skewed" \
			--env "RUNS=$RUNS" --env "CYCLES=$CYCLES" --env SKEW=1000000 || return
	done
}

# runs COMMAND...: with the number of each
runs()
{
	local run
	for ((run = 0; run < RUNS; run++)); do
		"$@" "$run" || { echo "in run $run"; return 1; }
	done
}

raced()
{
	says "race-$1" "race: $CYCLES cycles done" && says "race-exact-$1" "race: $CYCLES cycles done"
}

@test "race: all cycles were done" {
	each runs raced
}

not_accused()
{
	local name
	for name in trace refs exact skewed skewed-trace; do
		silent of "$name-$1" finding 'select(.grade != "info") | "\(.name) \(.words)"' || { echo "$name-$1"; return 1; }
	done
	is "$(of "refs-$1" ledger .totals.unattributed | tail -1) $(of "skewed-$1" ledger .totals.unattributed | tail -1)" "0 0"
}

@test "race: nobody is accused, with watchpoints and with clocks that differ by a millisecond, too" {
	each runs not_accused
}

# A hit that a watchpoint lost, and a change whose value is not known, are said with their cause; nothing else is lost.
lost_nothing()
{
	local name
	for name in trace refs skewed skewed-trace; do
		is "$name $(summary "$name-$1" .lost)" "$name 0" || return
		has_status "$name-$1" 0 || return
	done
	silent of "exact-$1" summary '.losses[] | select(.total > 0 and (.cause | startswith("watch-") | not)) | "\(.cause) \(.total)"' || return
	echo "# ${OUT##*/} CPUs, run $1: $(summary "exact-$1" '[.losses[] | select(.cause | startswith("watch-")) | .total] | @text') hits of watchpoints skipped, not decoded of $(of "exact-$1" ledger .totals.changes | tail -1), status $(cat "$OUT/exact-$1.status")" >&3
	if [ "$(summary "exact-$1" .lost)" = 0 ]; then
		has_status "exact-$1" 0
	else
		has_status "exact-$1" 5
	fi
}

@test "race: nothing is lost but what a watchpoint says that it lost, which leaves the verdict open" {
	each runs lost_nothing
}

# puts queued, started and ended are the same number for all who were there
agreed()
{
	is "$(summary "trace-$1" '[.events_by_type.get, .events_by_type.put] | @text')" "$(summary "refs-$1" '[.events_by_type.get, .events_by_type.put] | @text')" || return
	is "$(summary "trace-$1" '.deferred | "\(.queued) \(.started) \(.ended)"')" \
		"$(of "latency-$1" report '.works | "\(.queued) \(.started) \(.ended)"')" || return
	is "$(summary "exact-$1" '[.events_by_type.get, .events_by_type.put] | @text')" "$(summary "skewed-trace-$1" '[.events_by_type.get, .events_by_type.put] | @text')"
}

@test "race: all who watch the same cycles count the same" {
	each runs agreed
}

# curve NAME COLUMN: least and most of it, over the run without its first fifth
curve()
{
	awk -v name="$1" -v column="$2" '$2 == name { value[++n] = $column }
		END {
			for (i = int(n / 5) + 1; i <= n; i++) {
				if (least == "" || value[i] + 0 < least) least = value[i] + 0
				if (value[i] + 0 > most) most = value[i] + 0
			}
			print least + 0, most + 0
		}' "$OUT/used"
}

flat()
{
	local name least most fds more
	for name in trace refs latency exact skewed; do
		read -r least most < <(curve "$name-$1" 3)
		read -r fds more < <(curve "$name-$1" 4)
		echo "# ${OUT##*/} CPUs, run $1, $name: $least to $most KiB, $fds to $more descriptors" >&3
		[ "$most" -gt 0 ] && [ "$most" -le $((least + 8192)) ] || { echo "$name-$1 grows"; return 1; }
		[ "$more" -le $((fds + 64)) ] || { echo "$name-$1 has more and more descriptors"; return 1; }
	done
}

@test "race: memory and descriptors stay flat" {
	each runs flat
}

@test "race: the kernel has not complained" {
	each empty_dmesg
}

empty_dmesg()
{
	empty "$OUT/dmesg"
}
