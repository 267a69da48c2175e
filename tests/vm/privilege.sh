# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Another user with exactly the capabilities that are listed, and with each of them missing.
group=$(group_of 05.0)
bind vfio-pci 05.0
# As on most hosts: Debian's third level asks for CAP_SYS_ADMIN, see doctor.
echo 2 >/proc/sys/kernel/perf_event_paranoid
# Kernels before v5.11 count memory of BPF for it, and only root can raise it.
ulimit -l unlimited
caps_dump >$OUT/caps

# listed WORK KIND: comma-separated
listed()
{
	sed -n "s/^$1: $2 //p" $OUT/caps
}

# without CAP LIST
without()
{
	echo "$2" | tr ',' '\n' | grep -vx "$1" | paste -sd, - 2>/dev/null || true
}

# both WORK: what it lists, needed and useful
both()
{
	_more=$(listed "$1" useful)
	echo "$(listed "$1" needed)${_more:+,$_more}"
}

# begun_as CAPS PATTERN NAME VERB ARGUMENTS...: as begun, by nobody with these
begun_as()
{
	_caps=$1
	_pattern=$2
	traced=$3
	shift 3
	under caps 65534 "$_caps" vfioscope "$@" >"$OUT/$traced" 2>"$OUT/$traced.err" &
	tracer=$!
	wait_for "$OUT/$traced" "$_pattern"
}

# privileges NAME: of the tracer and its keeper, once it is where it stays
privileges()
{
	_tries=0
	until grep -q 'Seccomp:.2' "/proc/$tracer/status" || [ $_tries -gt 100 ]; do
		_tries=$((_tries + 1))
		usleep 50000
	done
	for _pid in "$tracer" $(pidof vfioscope | tr ' ' '\n' | grep -vx "$tracer"); do
		grep -E '^(CapPrm|CapEff|CapAmb|NoNewPrivs|Seccomp):' "/proc/$_pid/status"
		find "/proc/$_pid/fd" -type l | wc -l
	done >"$OUT/$1.privileges"
}

used()
{
	use_group "$group" || true
	unbind 05.0
	bind vfio-pci 05.0
	sleep 1
}

# Root first: what is given away, and that a vfio.ko which comes again is seen all the same.
tracing root -q --json
privileges root
vfio_unload
vfio_load
wait_for $OUT/root '"type":"gap"'
used
stopped INT

# Each verb with what it lists, and nothing else.
begun_as "$(both trace)" 'armed in' trace trace -q --json
privileges trace
vfio_unload
vfio_load
wait_for $OUT/trace '"type":"gap"'
used
stopped INT
begun_as "$(both refs)" unattributed refs refs --json --watch 500ms
privileges refs
used
stopped INT
# Files of root can be read until privileges are given away: it is asked twice where vfio.ko is.
begun_as "$(both refs),cap_dac_read_search" unattributed quiet refs --json
used
sleep 3
stopped INT
begun_as "$(both latency)" '"start"' latency latency --all --json
used
stopped INT
step why under caps 65534 "$(both why)" vfioscope why

# Without what is only useful, and without each one of the others.
step least.trace under caps 65534 "$(listed trace needed)" vfioscope trace -d 100ms
step least.why under caps 65534 "$(listed why needed)" vfioscope why
for work in trace refs latency why; do
	_more=
	[ $work = why ] || _more='-d 100ms'
	for cap in $(listed $work needed | tr ',' ' '); do
		# shellcheck disable=SC2086 # words are wanted
		step "missing.$work.$cap" under caps 65534 "$(without "$cap" "$(listed $work needed)")" \
			vfioscope $work $_more
	done
done
