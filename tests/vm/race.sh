# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# Two functions of one group are unbound and bound CYCLES times at once, RUNS times, while verbs watch side by side:
# trace, refs and latency; then refs with watchpoints, and refs and trace whose clocks differ between CPUs by up to
# SKEW nanoseconds. What each used is noted once a second. RUNS, CYCLES and SKEW come from the host.

# skewed VERB NAME ARGUMENTS...: like tracing and following
skewed_one()
{
	_verb=$1
	traced=$2
	shift 2
	skewed "$SKEW" "$_verb" "$@" >"$OUT/$traced" 2>"$OUT/$traced.err" &
	tracer=$!
	wait_for "$OUT/$traced" 'armed in\|unattributed' $tracer
}

# sampled: while /run/sampling exists, one line a second: seconds, name, KiB, descriptors, for each of $watched
sampled()
{
	while [ -e /run/sampling ]; do
		for _one in $watched; do
			_pid=${_one#*:}
			_kib=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$_pid/status")
			# shellcheck disable=SC2012 # only numbers are there
			echo "$(cut -d' ' -f1 /proc/uptime) ${_one%:*} $_kib $(ls "/proc/$_pid/fd" | wc -l)"
		done
		sleep 1
	done >>$OUT/used 2>/dev/null
}

# watched_race NAME: a race while $watched run, which end after it
watched_race()
{
	: >/run/sampling
	sampled &
	_sampler=$!
	step "$1" race "$CYCLES"
	sleep 1
	rm -f /run/sampling
	wait $_sampler
	for _one in $watched; do
		other_stopped "${_one%:*}" "${_one#*:}"
	done
}

# beside NAME: the one that was just started is watched, too
beside()
{
	watched="$watched $1:$tracer"
}

# The first cycles load what is loaded once.
bind vfio-pci 05.0
run=0
while [ $run -lt "$RUNS" ]; do
	watched=
	tracing trace-$run -q --json && beside trace-$run
	following refs-$run --json && beside refs-$run
	watching latency-$run --json && beside latency-$run
	watched_race race-$run
	watched=
	following exact-$run --exact --json && beside exact-$run
	skewed_one refs skewed-$run --json && beside skewed-$run
	skewed_one trace skewed-trace-$run -q --json && beside skewed-trace-$run
	watched_race race-exact-$run
	run=$((run + 1))
done
complaints dmesg
