# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# In a guest with deferred puts: what `latency` adds to works that are none. Works of the module
# wqload are queued in one go, and then run one after the other, on one CPU; it keeps the times. So a
# batch takes less than a millisecond, and what else the machine does hits few of them.
# Prints lines: NAME PERCENT, each of one moment with the tool attached, between two with nothing; and
# "runs NAME N WORKS": how often the programs ran for how many of these works.
RUN=/sys/kernel/debug/wqload/run
LOG=/sys/kernel/debug/wqload/log
BATCHES=50
WORKS=20

# batch: ns to queue a work, and to run it
batch()
{
	echo clear >$RUN
	echo "victim cpu=0 n=$WORKS; wait" >$RUN
	awk '!n++ { queued = $3; started = $4 } { last = $3; end = $5 }
		END { print (last - queued + end - started) / n }' $LOG
}

# moment: the best eighth of the batches, which nothing else has disturbed
moment()
{
	for _batch in $(seq $BATCHES); do
		batch
	done | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 7) / 8)] }'
}

# attached ARGUMENTS...
attached()
{
	vfioscope latency "$@" >/tmp/log 2>&1 &
	tool=$!
	until grep -q 'probes armed\|"start"' /tmp/log; do
		kill -0 $tool || exit 1
		usleep 50000
	done
	usleep 200000
}

detached()
{
	[ -z "$tool" ] || kill -INT $tool
	[ -z "$tool" ] || wait $tool
	tool=
}

nothing()
{
	tool=
}

# measured NAME COMMAND...
measured()
{
	_name=$1
	shift
	_before=$(moment)
	"$@"
	_with=$(moment)
	detached
	echo "$_name $_before $_with $(moment)" | awk '{ print $1, ($3 / (($2 + $4) / 2) - 1) * 100 }'
}

# runs NAME ARGUMENTS...
runs()
{
	_name=$1
	shift
	attached --cost "$@"
	for _batch in $(seq 50); do
		batch >/dev/null
	done
	detached
	echo "runs $_name $(sed -n 's/^cost *\([0-9]*\) runs of.*/\1/p' /tmp/log) $((50 * WORKS))"
}

modprobe wqload
moment >/dev/null
runs default
runs full --blame full
for _round in $(seq "$ROUNDS"); do
	measured nothing nothing
	measured default attached
	measured full attached --blame full
	measured work attached --work vmstat_shepherd --blame off
done
