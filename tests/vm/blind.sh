# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# What keeps probes from firing: switched off before a run and during it, for long and for a moment, by
# root and seen by others; and what does not keep them from it. LATENCY is set where puts are deferred.
SWITCH=/sys/kernel/debug/kprobes/enabled
group=$(group_of 05.0)
bind vfio-pci 05.0
bind pci-stub 05.1
echo 2 >/proc/sys/kernel/perf_event_paranoid
ulimit -l unlimited
CAPS=cap_bpf,cap_perfmon,cap_syslog
verbs="trace refs${LATENCY:+ latency}"

# working: both functions of the group are unbound and bound again until not_working
working()
{
	: >/run/working
	{
		while [ -e /run/working ]; do
			unbind 05.0
			unbind 05.1
			bind vfio-pci 05.0
			bind pci-stub 05.1
		done
	} >/dev/null 2>&1 &
	worker=$!
}

not_working()
{
	rm -f /run/working
	wait $worker
}

# stamp NAME: seconds since boot
stamp()
{
	read -r _now _ </proc/uptime
	echo "$_now" >"$OUT/$1"
}

# silent_soon NAME...: when each has said so, in NAME.noticed
silent_soon()
{
	for _name in "$@"; do
		wait_for "$OUT/$_name" '"silent"'
		stamp "$_name.noticed"
	done
}

# one VERB NAME: one of several at the same time; its pid in pid_NAME
one()
{
	case $1 in
	trace) tracing "$2" -q --json ;;
	refs) following "$2" --json ;;
	latency) watching "$2" --json ;;
	esac
	eval "pid_$2=$tracer"
}

# -- before --
echo 0 >$SWITCH
for verb in $verbs; do
	step before-$verb vfioscope "$verb" -d 2s
done
vfioscope validate --observe-only -d 2 >$OUT/before-validate 2>$OUT/before-validate.err
echo $? >$OUT/before-validate.status
echo 1 >$SWITCH

# -- for 2 s, while the groups are in use --
for verb in $verbs; do
	one "$verb" "$verb"
done
under caps 65534 $CAPS vfioscope refs --json >$OUT/other 2>$OUT/other.err &
pid_other=$!
wait_for $OUT/other unattributed
vfioscope validate --observe-only -d 600 --json $OUT/validate-report >$OUT/validate 2>$OUT/validate.err &
pid_validate=$!
sandboxed $pid_validate
working
sleep 1
stamp off.before
echo 0 >$SWITCH &	# takes its time: a breakpoint for each probe of each run
switcher=$!
# shellcheck disable=SC2086 # words are wanted
silent_soon $verbs other
wait $switcher
stamp off
sleep 2
stamp on
echo 1 >$SWITCH
stamp on.after
for name in $verbs other; do
	wait_for "$OUT/$name" '"silent".*"gap_ns":[0-9]\|"gap_ns":[0-9].*"silent"'
done
sleep 1
not_working
sleep 1
for name in $verbs other validate; do
	eval "other_stopped $name \$pid_$name"
done

# -- for a moment: root is told of each writing to the switch --
one refs moment
working
sleep 1
echo 0 >$SWITCH
echo 1 >$SWITCH
wait_for $OUT/moment '"silent"'
not_working
sleep 1
stopped INT

# -- the same where nothing can follow the switch's function: one era is enough --
[ -n "$LATENCY" ] || {
	echo 0 >/proc/sys/kernel/ftrace_enabled
	begun 'armed in' trace unfollowed -q --json
	sleep 1
	echo 0 >$SWITCH
	echo 1 >$SWITCH
	wait_for $OUT/unfollowed '"silent"'
	stopped INT
	under caps 65534 $CAPS vfioscope trace -q --json -d 1s >$OUT/unseen 2>$OUT/unseen.err
	echo 1 >/proc/sys/kernel/ftrace_enabled
}

# -- what does not blind: others who disable our events, and a machine that is busy --
one trace disabled
disable_events "$tracer" >$OUT/disable
i=0
while [ $i -lt 20 ]; do
	use_group "$group"
	i=$((i + 1))
done
sleep 1
stopped INT

one refs busy
for _ in 1 2 3 4; do
	sh -c 'while :; do :; done' &
	echo $! >>/run/busy
done
working
sleep 8
not_working
# shellcheck disable=SC2046 # words are wanted
kill $(cat /run/busy)
sleep 1
stopped INT
# What it says of a flaw of the processor's model is no complaint.
dmesg | grep -E 'WARNING:|BUG:|BUG at|Oops' | grep -v 'data leaks possible' >$OUT/dmesg
