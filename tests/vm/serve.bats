#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# serve and status on a host that hangs: one guest in which first an unbind waits, and then the real deadlock
# happens. What needs no hanging host is in tests/native/serve.bats.
load vm

setup_file()
{
	vm unfixed serve.sh --file "$TOP/build/tests/witness:/bin/witness" --file "$TOP/build/tests/holder:/bin/holder"
}

# on PAGE LINE (extended)
on()
{
	says "$1" "^$2\$"
}

@test "serve in a VM: it is armed and confined, and the kernel is told to lack the fix" {
	on first 'vfioscope_up 1'
	on first 'vfioscope_kernel_fix_info\{verdict="absent",vfio="module",kernel="5\.10.*"\} 1'
	on first 'vfioscope_confined\{process="tracer"\} 1'
	on first 'vfioscope_confined\{process="porch"\} 1'
	on first 'vfioscope_deadlocked_tasks\{chain="vfio"\} 0'
	says porch '^CapEff:.0+$'
	says porch '^Seccomp:.2$'
	says tracer '^Seccomp:.2$'
	echo "# memory: tracer $(sed -n 's/^VmRSS:[[:space:]]*//p' "$OUT/tracer"), porch $(sed -n 's/^VmRSS:[[:space:]]*//p' "$OUT/porch")" >&3
}

@test "serve in a VM: an unbind that waits is on the page with who has the device, and gone when it is over" {
	on waiting 'vfioscope_unbinds_waiting 1'
	on waiting 'vfioscope_unbind_wait_holder_info\{device="0000:00:05.0",group="[0-9]+",how="fd",comm="holder"\} 1'
	has_status unbind 7
	says unbind '^unbind: 0000:00:05.0 waits for .* for holder \(fd\)$'
	on waited 'vfioscope_unbinds_waiting 0'
	says_not waited '^vfioscope_unbind_wait_holder_info\{'
	on waited 'vfioscope_unbind_oldest_wait_start_time_seconds 0\.0+'
}

deadlock()
{
	of findings finding "select(.name == \"notifier-deadlock\") | $1"
}

@test "serve in a VM: the deadlock is on the page within 1.2 s" {
	on deadlocked 'vfioscope_findings_total\{finding="notifier-deadlock",grade="bug"\} 1'
	took_from "$(deadlock '.time_ns / 1e9')" "$(sed -n 's/^seen //p' "$OUT/witness")" 1200
}

@test "serve in a VM: the journal has it as a critical line" {
	says serve.err '^<2>bug notifier-deadlock: '
	says_not serve.err '^[^<]'
}

@test "serve in a VM: each of 100 scrapes is answered while the host hangs" {
	read -r answered took <"$OUT/scrapes"
	echo "# $answered scrapes in $took/100 s, the client included" >&3
	is "$answered" 100
	on scraped 'vfioscope_deadlocked_tasks\{chain="vfio"\} 1'
}

@test "serve in a VM: status tells it in each style, and before that nothing" {
	has_status before 0
	has_status status 3
	says status '^deadlocks +1 task$'
	is "$(jq .deadlocked_tasks "$OUT/json")" 1
	has_status npd 1
	has_status nagios 2
	has_status plain 3
	says npd '^deadlock: 1 task waits for a lock that it holds; only a reset helps$'
}

@test "serve in a VM: it ends when it is asked to, and nothing stays behind" {
	has_status serve 0
	nothing_left after
}
