#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# why on the machine's own kernel, without VFIO: what goes wrong around it must not cost the verdict.

load ../assert

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	OUT=$BATS_TEST_TMPDIR
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

@test "why --wait: a command that hangs for another reason does not look like success" {
	run build/vfioscope why --wait 500ms sh -c "echo \$\$ >$OUT/pid; exec sleep 60 >/dev/null 2>&1 3>&-"
	kill "$(cat "$OUT/pid")"
	[ "$status" -eq 5 ]
	[[ "$output" == *"has not returned in time"* ]]
}

@test "why --wait: the status of the command, also where SIGCHLD is ignored" {
	run bash -c "trap '' CHLD; exec build/vfioscope why --wait 20s -- sh -c 'exit 9'"
	[ "$status" -eq 9 ]
	[ -z "$output" ]
}

@test "why --all-stacks: a disk that is full costs the file, and not the verdict" {
	run build/vfioscope why --all-stacks /dev/full
	[ "$status" -eq 1 ]
	[[ "$output" == *VERDICT* ]]
	[[ "$output" == *"vfioscope why: /dev/full: No space left on device"* ]]
}

@test "why --all-stacks: every task with BPF, those that wait without" {
	build/vfioscope why --all-stacks "$OUT/all" >/dev/null
	[ "$(grep -c ' process .* parent .* state ' "$OUT/all")" -gt 20 ]
	build/vfioscope why --no-bpf --all-stacks "$OUT/few" >/dev/null || true
	[ -e "$OUT/few" ]
}

@test "why: a task's state is what ps shows" {
	sleep 30 3>&- &
	sleeper=$!
	until grep -q sleep /proc/$sleeper/comm; do sleep 0.05; done
	kill -STOP $sleeper
	until grep -q '^State:.T' "/proc/$sleeper/status"; do sleep 0.05; done
	build/vfioscope why --all-stacks "$OUT/all" >/dev/null
	kill -KILL $sleeper
	grep -q "^sleep\[$sleeper\] .* state T" "$OUT/all"
	grep -q "^kthreadd\[2\] .* state S" "$OUT/all"
	grep -q ' state I' "$OUT/all"
	absent ' state [?]' "$OUT/all"
}

@test "why: in a container without the host's processes nothing found is not certain" {
	unshare --pid --fork --mount-proc true || skip "no namespaces here"
	run unshare --pid --fork --mount-proc build/vfioscope why
	[ "$status" -eq 5 ]
	[[ "$output" == *"only processes of this PID namespace are seen"* ]]
}
