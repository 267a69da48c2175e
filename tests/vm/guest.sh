# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# Sourced by the scenarios, which run in a guest of the lab: each step leaves its output in
# /tmp/out/NAME and its exit status in /tmp/out/NAME.status, for the assertions on the host.

OUT=/tmp/out
mkdir -p $OUT

# began NAME: on the kernel's console, which is what is left of a guest that never ends
began()
{
	{ echo "began $1 after $(cut -d' ' -f1 /proc/uptime) s" >/dev/ttyS0; } 2>/dev/null
}

# step NAME COMMAND...
step()
{
	_name=$1
	began "$1"
	shift
	"$@" >"$OUT/$_name" 2>&1
	echo $? >"$OUT/$_name.status"
}

# is_alive PID: a process that has ended stays, as a zombie, until somebody waits for it
is_alive()
{
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

# wait_for FILE PATTERN [PID]: until a line matches, a minute at most, or until that process has ended.
# What did not come is said in $OUT/waits and on the console: the assertions that fail afterwards do not tell.
wait_for()
{
	uptime_cs
	_until=$((uptime_cs + 6000))
	until grep -q "$2" "$1" 2>/dev/null; do
		uptime_cs
		if [ "$uptime_cs" -gt $_until ] || { [ -n "${3:-}" ] && ! is_alive "$3"; }; then
			! grep -q "$2" "$1" 2>/dev/null || return 0
			echo "waited in vain for \"$2\" in $1" | tee -a $OUT/waits >/dev/ttyS0
			return 1
		fi
		usleep 50000
	done
}

# wait_gone FILE: half a minute at most
wait_gone()
{
	_tries=0
	while [ -e "$1" ] && [ $_tries -lt 300 ]; do
		_tries=$((_tries + 1))
		usleep 100000
	done
}

# begun PATTERN VERB NAME ARGUMENTS...: vfioscope VERB in the background, a line that matches PATTERN is
# out when this returns; pid in $tracer
begun()
{
	_pattern=$1
	_verb=$2
	traced=$3
	shift 3
	began "$traced"
	# What an earlier one of this name said would be taken for this one's.
	rm -f "$OUT/$traced"
	vfioscope "$_verb" "$@" >"$OUT/$traced" 2>"$OUT/$traced.err" &
	tracer=$!
	wait_for "$OUT/$traced" "$_pattern" $tracer
}

# tracing NAME ARGUMENTS...: trace, armed; following: refs, its first ledger shown; watching: latency, counting
tracing()
{
	begun 'armed in' trace "$@"
}

following()
{
	begun 'unattributed' refs "$@"
}

watching()
{
	begun 'probes armed\|"start"' latency "$@"
}

# ask_kernel NAME: what the kernel's log has since the last time, with its hung tasks and, as an operator asks for
# them, the states of all tasks; in $OUT/logs
ask_kernel()
{
	mkdir -p "$OUT/logs"
	usleep 5000000 # the detector looks every two seconds
	dmesg -n 1
	echo t >/proc/sysrq-trigger
	echo w >/proc/sysrq-trigger
	dmesg -c >"$OUT/logs/$1"
}

# why NAME [ARGUMENTS]: as JSON, as text, and in $OUT/evidence what it rests on
why()
{
	_as=$1
	shift
	mkdir -p "$OUT/evidence"
	step "$_as" timeout 30 vfioscope why --json --save-evidence "$OUT/evidence/$_as.json" "$@"
	step "$_as.text" timeout 30 vfioscope why --evidence "$OUT/evidence/$_as.json" "$@"
	[ -z "${CORES:-}" ] || dump "$_as" "${PACKED:-}"
	[ -z "${LOGS:-}" ] || ask_kernel "$_as"
}

# sandboxed PID: until that run is armed and has given its privileges away, for what prints nothing before its end
sandboxed()
{
	wait_for "/proc/$1/status" 'Seccomp:.2' "$1"
}

# stopped [SIGNAL]: ends it and keeps its status
stopped()
{
	kill -"${1:-INT}" "$tracer" 2>/dev/null
	wait "$tracer"
	echo $? >"$OUT/$traced.status"
}

# other_stopped NAME PID: one that is not the last that was started
other_stopped()
{
	traced=$1
	tracer=$2
	stopped INT
}

# complaints NAME: what the kernel complained of; advice about a flaw of the processor's model is none
complaints()
{
	dmesg | grep -E 'WARNING|BUG|Oops|rcu.*stall|general protection' | grep -vE 'admin-guide/hw-vuln|data leaks possible' >"$OUT/$1"
}

# leftovers NAME: everything a tracer could leave behind in the kernel; the last line says that it is whole
leftovers()
{
	{
		listed cat /sys/kernel/debug/kprobes/list &&
			listed cat /sys/kernel/tracing/kprobe_events &&
			listed cat /sys/kernel/tracing/enabled_functions &&
			listed ls -A /sys/fs/bpf &&
			listed bpftool prog list &&
			listed bpftool map list &&
			listed bpftool link list &&
			echo 'leftovers: all was listed'
	} >"$OUT/$1" 2>&1
}

# listed COMMAND...: under a line that names it, without what the guest had before the scenario
listed()
{
	echo "== $*"
	"$@" >/tmp/listed || return
	grep -vxFf /tmp/had_before /tmp/listed || true
}

# busybox's grep takes no pattern at all for one that matches everything.
echo 'no line of a list' >/tmp/had_before
leftovers had_before
sed '/^==/d; /^$/d' $OUT/had_before >/tmp/had_before
echo 'no line of a list' >>/tmp/had_before

# left_after NAME: leftovers, once there are none, or after half a minute. The kernel frees what a process had some
# time after its end, and who keeps some of it for vfioscope ends when it sees that nobody is there any more.
left_after()
{
	_tries=0
	while leftovers "$1" && grep -qv '^== \|^leftovers: ' "$OUT/$1" && [ $_tries -lt 100 ]; do
		_tries=$((_tries + 1))
		usleep 300000
	done
}

# compared NAME: what text_dump says of vfio.ko while others have kprobes in it, one of them, if the kernel
# can, a jump in the middle of a function
compared()
{
	_events=/sys/kernel/tracing/kprobe_events
	echo 'p:others/entry vfio_group_fops_release' >>$_events
	echo 'p:others/inside vfio_group_fops_open+0x9' >>$_events || echo 'p:others/inside vfio_group_fops_open+0x5' >>$_events
	echo 1 >/sys/kernel/tracing/events/others/enable
	usleep 200000
	step "$1" text_dump
	grep ' vfio_' /sys/kernel/debug/kprobes/list >"$OUT/$1.probes"
	echo 0 >/sys/kernel/tracing/events/others/enable
	echo '-:others/entry' >>$_events
	echo '-:others/inside' >>$_events
} 2>/dev/null

# group_life NAME N: traces the life of group N with both devices, its file opened once, and refused once
group_life()
{
	tracing "$1" --json
	bind vfio-pci 05.0
	refused_open "$2"
	bind vfio-pci 05.1
	unbind 05.1
	unbind 05.0
	sleep 1
	stopped INT
}

# use_group N: opens and closes its file once
use_group()
{
	exec 7<>"/dev/vfio/$1" && exec 7>&-
}

# refused_open N: the same, and while it is open another open of it, which the kernel refuses
refused_open()
{
	exec 7<>"/dev/vfio/$1"
	(exec 8<>"/dev/vfio/$1") 2>$OUT/second-open
	exec 7>&-
}

# holding NAME [SCENARIO [GROUP]]: its holder (tests/vm/holder.c) runs when this returns; its words in
# $OUT/NAME.holder
holding()
{
	: >"$OUT/$1.holder"
	holder "${2:-$1}" "${3:-$group}" 0000:00:05.0 >"$OUT/$1.holder" &
	holder=$!
	wait_for "$OUT/$1.holder" 'ready\|skipped\|holder:' $holder
}

let_go()
{
	kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	usleep 300000
}

# address_of_group: of $group, which has a device; into $address and $OUT/address
address_of_group()
{
	tracing probe --json
	use_group "$group"
	sleep 1
	stopped INT
	address=$(sed -n 's/.*"event":"open".*"address":"0x\([0-9a-f]*\)".*/\1/p' $OUT/probe | head -1)
	echo "$address" >$OUT/address
}

# dump NAME [-z]: the machine's memory, as $CORES/NAME on the host. The machine stands still meanwhile. QEMU does one
# thing after the other, so the interrupt that comes next tells that the dump is there.
dump()
{
	_seen=$(dmesg | grep -c 'NMI received')
	monitor dump-guest-memory ${2:-} "$CORES/$1"
	monitor nmi
	_tries=0
	while [ "$(dmesg | grep -c 'NMI received')" -le "$_seen" ] && [ $_tries -lt 600 ]; do
		_tries=$((_tries + 1))
		usleep 100000
	done
	[ $_tries -lt 600 ] || echo "waited in vain for the dump $1" | tee -a $OUT/waits >/dev/ttyS0
}
