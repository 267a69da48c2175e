# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154,SC2015
# Each knob that can be turned is turned: what doctor says then, and what the verbs do. With SHORT=1
# only what differs between kernels.
group=$(group_of 05.0)
ko=$(find "/lib/modules/$(uname -r)" -name 'vfio.ko*' | head -1)
nobody=65534
all=cap_bpf,cap_perfmon,cap_syslog

# asked NAME COMMAND...: doctor --json in that situation, into NAME
asked()
{
	_as=$1
	shift
	step "$_as" "$@" vfioscope doctor --json
}

full()
{
	[ -z "${SHORT:-}" ]
}

bind vfio-pci 05.0
mount -t securityfs securityfs /sys/kernel/security

# Nothing in the way: everything fires, and the bundle is written.
step self-test vfioscope doctor --self-test --save-facts $OUT/saved.json --bundle $OUT/bundle.json
ls -l $OUT/bundle.json >$OUT/bundle-mode
full && {
	step bundle-again vfioscope doctor --bundle $OUT/bundle.json
}

# Capabilities, each missing alone, as a user and as root.
echo 2 >/proc/sys/kernel/perf_event_paranoid
ulimit -l unlimited
asked caps under caps $nobody $all
step caps-trace under caps $nobody $all vfioscope trace -q -d 300ms
step caps-refs under caps $nobody $all vfioscope refs --once
full && {
	asked user under caps $nobody none
	step user-trace under caps $nobody none vfioscope trace -d 200ms
	step caps-why under caps $nobody $all vfioscope why
	step caps-latency under caps $nobody $all vfioscope latency -d 300ms
	asked no-bpf under caps $nobody cap_perfmon,cap_syslog
	step no-bpf-trace under caps $nobody cap_perfmon,cap_syslog vfioscope trace -d 200ms
	asked no-perfmon under caps $nobody cap_bpf,cap_syslog
	step no-perfmon-refs under caps $nobody cap_bpf,cap_syslog vfioscope refs --once
	asked no-syslog under caps $nobody cap_bpf,cap_perfmon
	step no-syslog-latency under caps $nobody cap_bpf,cap_perfmon vfioscope latency -d 200ms
	asked root-no-bpf under caps 0 cap_perfmon,cap_syslog,cap_sys_ptrace
}

# Debian's third level of paranoia.
echo 3 >/proc/sys/kernel/perf_event_paranoid
asked paranoid under caps $nobody $all
full && {
	asked paranoid-root
	step paranoid-trace under caps $nobody $all vfioscope trace -q -d 300ms
}
echo 2 >/proc/sys/kernel/perf_event_paranoid

# RLIMIT_MEMLOCK: kernels before v5.11 count BPF memory for it.
memlock_of_16k()
{
	(ulimit -l 16 && "$@")
}
asked memlock memlock_of_16k under caps $nobody $all
step memlock-trace memlock_of_16k under caps $nobody $all vfioscope trace -q -d 200ms

# seccomp and debug registers
full && {
	asked seccomp-bpf under seccomp bpf
	step seccomp-bpf-trace under seccomp bpf vfioscope trace -d 200ms
	asked seccomp-perf under seccomp perf
	asked breakpoints under breakpoints
	asked breakpoints-after
}

# Containers
in_container()
{
	unshare -m -- sh -c 'umount -l /sys/kernel/tracing; umount -l /sys; exec "$@"' sh "$@"
}
without_proc()
{
	unshare -m -- sh -c 'umount -l /proc; exec "$@"' sh "$@"
}
step no-sys-trace in_container vfioscope trace -d 200ms
full && {
	asked userns unshare -r --
	asked pidns unshare -pf --mount-proc --
	asked no-sys in_container
	asked no-proc without_proc
	step no-proc-latency without_proc vfioscope latency -d 200ms
}

# debugfs brings a tracefs of its own, at debug/tracing
full && {
	umount /sys/kernel/tracing
	umount /sys/kernel/debug/tracing 2>/dev/null
	umount /sys/kernel/debug
	asked no-tracefs
	step no-tracefs-trace vfioscope trace -q -d 300ms
	mount -t debugfs debug /sys/kernel/debug
	mount -t tracefs trace /sys/kernel/tracing
	echo 0 >/sys/kernel/debug/kprobes/enabled
	step kprobes-off vfioscope doctor --self-test --json
	echo 1 >/sys/kernel/debug/kprobes/enabled
}

# The file of another build, and none
full && {
	cp "$ko" /tmp/vfio.ko
	cp /opt/other.ko "$ko"
	asked wrong-file
	rm "$ko"
	asked no-file
	cp /tmp/vfio.ko "$ko"
}

# BTF
cp /sys/kernel/btf/vmlinux /tmp/btf
mount -t tmpfs none /sys/kernel/btf
step no-btf-trace vfioscope trace -d 200ms
tracing given-btf --json --btf /tmp/btf
use_group "$group"
sleep 1
stopped INT
full && {
	asked no-btf
	step no-btf-refs vfioscope refs --once
	step no-btf-latency vfioscope latency -d 200ms
	step no-btf-why vfioscope why
	step given-btf-doctor vfioscope --btf /tmp/btf doctor --json
	step wrong-btf vfioscope --btf /etc/passwd trace
}
umount /sys/kernel/btf

# PREEMPT_RT, as far as it says so itself. Nothing can be made in sysfs: another folder is put there.
realtime()
{
	unshare -m -- sh -c 'mkdir -p /tmp/kernel && mount -t tmpfs none /tmp/kernel
		for dir in /sys/kernel/*/; do
			mkdir "/tmp/kernel/${dir#/sys/kernel/}"
			mount -o rbind "$dir" "/tmp/kernel/${dir#/sys/kernel/}"
		done
		echo 1 >/tmp/kernel/realtime
		mount -o rbind /tmp/kernel /sys/kernel
		exec "$@"' sh "$@"
}
asked realtime realtime
full && {
	step realtime-trace realtime vfioscope trace -d 200ms
	step realtime-refs realtime vfioscope refs -d 200ms
	step realtime-latency realtime vfioscope latency -d 200ms
	step realtime-works realtime vfioscope latency --all -d 200ms
	step realtime-validate realtime vfioscope validate --observe-only -d 1s
	step realtime-once realtime vfioscope refs --once
	step realtime-self-test realtime vfioscope doctor --self-test --json
}

# Settings. What was tried while ftrace was off must not have hurt it.
echo 0 >/proc/sys/kernel/ftrace_enabled
step ftrace-off vfioscope doctor --self-test --json
step ftrace-off-trace vfioscope trace -q -d 200ms
echo 1 >/proc/sys/kernel/ftrace_enabled
step ftrace-on vfioscope doctor --self-test --json
echo 2 >/proc/sys/kernel/kptr_restrict
asked kptr
full && {
	step kptr-latency vfioscope latency -d 200ms
	step kptr-why vfioscope why
}
echo 0 >/proc/sys/kernel/kptr_restrict

# Lockdown cannot be taken back, so it comes last.
echo integrity >/sys/kernel/security/lockdown
step integrity vfioscope doctor --self-test --json
echo confidentiality >/sys/kernel/security/lockdown
asked confidentiality
step confidentiality-trace vfioscope trace -q -d 300ms
step confidentiality-refs vfioscope refs --once
full && {
	step confidentiality-latency vfioscope latency -d 200ms
	step confidentiality-why vfioscope why
	umount /sys/kernel/security
	asked unseen-lockdown
}
complaints warnings
