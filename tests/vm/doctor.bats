#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Each thing that can stand in the way, made to: doctor names it with the command that helps, and the
# verbs name it in one line.
load vm

OLD=fixed
NEW=6.12

setup_file()
{
	other=$("$TOP/tools/lab/lab" path unfixed vfio.ko) || return
	under="--file $TOP/build/tests/under:/bin/under"
	# shellcheck disable=SC2086 # words are wanted
	OUT=$BATS_FILE_TMPDIR/$OLD vm $OLD doctor.sh --host "${HOST:-amd}" $under --file "$other:/opt/other.ko" || return
	# shellcheck disable=SC2086
	OUT=$BATS_FILE_TMPDIR/$NEW vm $NEW doctor.sh --host "${HOST:-pciehp}" $under --env SHORT=1
}

# on KERNEL
on()
{
	OUT=$BATS_FILE_TMPDIR/$1
}

setup()
{
	on $OLD
}

# check NAME ID FIELD
check()
{
	sed -n '/^{/,$p' "$OUT/$1" | jq -r ".checks[] | select(.id == \"$2\") | .$3"
}

# named NAME ID STATUS COMMAND: doctor calls it that, for a reason of its own, with what to do
named()
{
	is "$(check "$1" "$2" status)" "$3" || return
	is "$(check "$1" "$2" covered_by)" null || return
	[ -n "$(check "$1" "$2" wrong)" ] || return
	[ -n "$(check "$1" "$2" costs)" ] || return
	check "$1" "$2" command | grep -qF -- "$4" || { echo "$1: $2: $(check "$1" "$2" command)"; return 1; }
}

# others NAME: the ids of what is not as it should be and has no other cause, the ones of any user left out
others()
{
	sed -n '/^{/,$p' "$OUT/$1" | jq -er '[.checks[] | select(.status == "blocks" or .status == "weaker" or
		.status == "note") | select(.covered_by == null) | .id] - ["cap-sys-admin", "cap-sys-ptrace"] | join(" ")'
}

# one_line NAME STATUS WORDS: one line that names the knob and points to doctor
one_line()
{
	has_status "$1" "$2" || return
	is "$(wc -l <"$OUT/$1")" 1 || return
	says "$1" "$3" || return
	says "$1" 'see vfioscope doctor$'
}

# fired NAME KIND: its outcome
fired()
{
	sed -n '/^{/,$p' "$OUT/$1" | jq -r ".self_test.fired[] | select(.kind == \"$2\") | .outcome"
}

@test "doctor: a probe of each kind fires, on both kernels" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status self-test 0 || return
		is "$(grep -cE '^  (tracepoint|tp_btf|fentry|fexit|kprobe at entry|kprobe inside|watchpoint) +fired; seen [0-9]+ us' "$OUT/self-test")" 7 || return
		says_not self-test 'In the way|Weaker' || return
	done
}

@test "doctor: the bundle is JSON, mode 0600, with the plan and without names" {
	for kernel in $OLD $NEW; do
		on $kernel
		says bundle-mode '^-rw-------' || return
		jq -e '.type == "bundle" and (.doctor.hooks | length) > 10 and (.facts.host | length) > 20 and
			(.iommu_groups | length) > 0 and .modules.vfio.build_id != "" and .settings["kernel/kptr_restrict"]' \
			"$OUT/bundle.json" >/dev/null || return
		is "$(jq -r '[.iommu_groups[].devices[] | select(.driver == "vfio-pci")] | length' "$OUT/bundle.json")" 1 || return
		jq -r .cmdline "$OUT/bundle.json" | grep -qE "(intel|amd)_iommu=on" || return
		# The guest's name is lab; its console is no business of anybody.
		prints_not '\b(lab|console=ttyS0)\b' jq -r '.. | strings' "$OUT/bundle.json" || return
	done
}

@test "doctor: an existing bundle stays, and that is said" {
	has_status bundle-again 1
	says bundle-again 'bundle.json: exists already, and stays as it is'
}

@test "doctor: a user with just the three capabilities can trace, on both kernels" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status caps 0 || return
		silent others caps || return
		has_status caps-trace 0 || return
		says caps-trace 'losses: none' || return
		says caps-trace 'release 1' || return
		has_status caps-refs 0 || return
	done
}

@test "doctor: an ordinary user is told one thing, not five" {
	has_status user 6
	named user user blocks 'sudo vfioscope doctor'
	is "$(others user)" user
	one_line user-trace 6 'ordinary user'
}

@test "doctor: each missing capability is named" {
	named no-bpf cap-bpf blocks sudo
	named no-perfmon cap-perfmon blocks sudo
	named no-syslog cap-syslog blocks sudo
	is "$(others no-bpf) $(others no-perfmon) $(others no-syslog)" "cap-bpf cap-perfmon cap-syslog"
	one_line no-bpf-trace 6 'CAP_BPF'
	one_line no-syslog-latency 6 'CAP_SYSLOG'
	has_status no-perfmon-refs 6
	tail -1 "$OUT/no-perfmon-refs" | grep -q 'vfioscope refs: .*CAP_PERFMON.*see vfioscope doctor'
	has_status caps-latency 0
	has_status caps-why 0
}

@test "doctor: root without a capability hears how containers give it" {
	named root-no-bpf cap-bpf blocks 'docker run --cap-add BPF'
}

@test "doctor: perf_event_paranoid 3 binds who has not CAP_SYS_ADMIN" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status paranoid 6 || return
		named paranoid perf-event-paranoid blocks 'sysctl kernel.perf_event_paranoid=2' || return
	done
	on $OLD
	silent others paranoid-root
	says paranoid-trace 'perf_event_paranoid'
}

@test "doctor: RLIMIT_MEMLOCK counts on 5.10 and not later; the kernel was asked" {
	named memlock memlock blocks 'prlimit --memlock=unlimited:unlimited'
	one_line memlock-trace 6 'RLIMIT_MEMLOCK allows 16 KiB'
	on $NEW
	is "$(check memlock memlock status)" ok
	has_status memlock-trace 0
}

@test "doctor: a seccomp filter is told from missing privileges" {
	named seccomp-bpf seccomp blocks seccomp=unconfined
	named seccomp-perf seccomp blocks seccomp=unconfined
	is "$(others seccomp-bpf) $(others seccomp-perf)" "seccomp seccomp"
	one_line seccomp-bpf-trace 6 'seccomp filter forbids bpf\(2\) '
}

@test "doctor: taken debug registers" {
	named breakpoints debug-registers weaker 'perf_event'
	is "$(check breakpoints debug-registers value)" "0 of 4 free"
	is "$(check breakpoints-after debug-registers value)" "4 of 4 free"
}

@test "doctor: containers: namespaces and missing mounts" {
	named userns user-namespace blocks 'sudo vfioscope doctor'
	is "$(others userns)" user-namespace
	named pidns pid-namespace weaker '--pid=host'
	named no-sys sysfs blocks 'mount -t sysfs sysfs /sys'
	is "$(others no-sys)" sysfs
	named no-proc proc blocks 'mount -t proc proc /proc'
	one_line no-proc-latency 4 'mount -t proc'
	for kernel in $OLD $NEW; do
		on $kernel
		one_line no-sys-trace 4 'mount -t sysfs' || return
	done
}

@test "doctor: without tracefs and debugfs nothing is lost, and that is said" {
	has_status no-tracefs 0
	named no-tracefs tracefs note 'mount -t tracefs'
	named no-tracefs debugfs note 'mount -t debugfs'
	has_status no-tracefs-trace 0
	says no-tracefs-trace "^ *0\.000000 +$(sed -nE 's/.* ([0-9]+) probes armed.*/\1/p' "$OUT/caps-trace" | head -1) probes armed"
}

@test "doctor: kprobes that are switched off are silent, and found so" {
	named kprobes-off kprobes blocks '/sys/kernel/debug/kprobes/enabled'
	is "$(fired kprobes-off 'kprobe inside')" silent
	is "$(fired kprobes-off fentry)" fired
}

@test "doctor: the vfio.ko of another build, and none" {
	check wrong-file vfio-module remedy | grep -q 'reboot into the installed kernel'
	check wrong-file vfio-module wrong | grep -qE 'build-id [0-9a-f]{12}, loaded [0-9a-f]{12}'
	check no-file vfio-module remedy | grep -q 'put back the package of the running kernel'
	check no-file vfio-module wrong | grep -q 'no vfio.ko in /lib/modules'
}

@test "doctor: no BTF, and what a file can do" {
	named no-btf btf blocks 'vfioscope --btf FILE'
	one_line no-btf-latency 4 BTF
	has_status no-btf-refs 4
	tail -1 "$OUT/no-btf-refs" | grep -q 'vfioscope refs: .*BTF.*see vfioscope doctor'
	says no-btf-why 'IDLE'
	is "$(check given-btf-doctor btf status)" weaker
	has_status wrong-btf 1
	says wrong-btf '/etc/passwd: no BTF'
	for kernel in $OLD $NEW; do
		on $kernel
		one_line no-btf-trace 4 'vfioscope --btf FILE' || return
	done
}

@test "doctor: with --btf FILE VFIO's own functions are followed on 5.10" {
	for event in get put open close; do
		[ "$(summary given-btf ".events_by_type.$event")" -ge 1 ] || return
	done
}

@test "doctor: a ring buffer whose lock sleeps on PREEMPT_RT: nothing that writes there starts" {
	on $OLD
	has_status realtime 4
	is "$(others realtime)" ring-lock
	is "$(check realtime ring-lock value)" sleeps
	for verb in trace refs latency works; do
		one_line realtime-$verb 4 'realtime kernel' || return
	done
	has_status realtime-validate 4	# its report comes, too
	says realtime-validate '^vfioscope validate: .*realtime kernel.*see vfioscope doctor$'
	has_status realtime-once 0
	is "$(jq -r '[.self_test.fired[].outcome] | unique | join(" ")' "$OUT/realtime-self-test")" not-tried
	on $NEW
	has_status realtime 0
	is "$(check realtime ring-lock value)" spins
}

@test "doctor: ftrace_enabled=0: silent kinds are not tried, and ftrace works afterwards" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status ftrace-off 4 || return
		named ftrace-off ftrace-enabled blocks 'sysctl kernel.ftrace_enabled=1' || return
		is "$(fired ftrace-off fentry) $(fired ftrace-off 'kprobe inside')" "not-tried fired" || return
		says ftrace-off-trace 'ftrace_enabled' || return
		has_status ftrace-on 0 || return
		is "$(fired ftrace-on fentry) $(fired ftrace-on 'kprobe at entry')" "fired fired" || return
	done
}

@test "doctor: kptr_restrict=2" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status kptr 4 || return
		named kptr kptr-restrict blocks 'sysctl kernel.kptr_restrict=1' || return
	done
	on $OLD
	one_line kptr-latency 4 'kernel.kptr_restrict is 2'
	one_line kptr-why 4 'kernel.kptr_restrict is 2'
}

@test "doctor: lockdown integrity costs nothing: every kind fires" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status integrity 0 || return
		is "$(others integrity)" lockdown || return
		is "$(check integrity lockdown status)" note || return
		is "$(jq -r '[.self_test.fired[].outcome] | unique | join(" ")' "$OUT/integrity")" fired || return
	done
}

@test "doctor: lockdown confidentiality is named, by the verbs too" {
	for kernel in $OLD $NEW; do
		on $kernel
		has_status confidentiality 4 || return
		named confidentiality lockdown blocks lockdown || return
		is "$(others confidentiality)" lockdown || return
		one_line confidentiality-trace 4 'in lockdown \(confidentiality\)' || return
		has_status confidentiality-refs 4 || return
	done
	on $OLD
	one_line confidentiality-latency 4 'in lockdown'
	says confidentiality-why 'IDLE'
	named unseen-lockdown lockdown blocks lockdown
}

@test "doctor: nothing of all that made the kernel complain" {
	for kernel in $OLD $NEW; do
		on $kernel
		silent cat "$OUT/warnings" || return
	done
}
