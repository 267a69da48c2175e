#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Starting and stopping leaks nothing, on the running kernel. `make soak` does it 1000 times.

setup_file()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	build/vfioscope latency --all -d 100ms >/dev/null || skip "this kernel takes no such programs"
}

# ours: programs, maps and links of ours that the kernel has, by their names; others may have some, too
ours()
{
	bpftool prog list | grep -cE ' name (work_|task_switch|module_|get_site|put_site)' || true
	bpftool map list | grep -cE ' name (vfioscope_ring|rings|works|running|row_numbers|free_rows|latency_)' || true
}

# is_running: whether there is a process of this very program
is_running()
{
	local exe
	for exe in /proc/[0-9]*/exe; do
		[ "$(readlink "$exe" 2>/dev/null)" != "$PWD/build/vfioscope" ] || return 0
	done
	return 1
}

kernel_kib()
{
	awk '/^(Slab|Percpu|KernelStack):/ { sum += $2 } END { print sum }' /proc/meminfo
}

@test "cycles: latency, started and stopped again and again, leaves nothing" {
	build/vfioscope latency --all -d 10ms >/dev/null
	sleep 1
	before=$(ours)
	kib=$(kernel_kib)
	files=$(awk '{ print $1 }' /proc/sys/fs/file-nr)
	for ((i = 0; i < ${CYCLES:-20}; i++)); do
		build/vfioscope latency --all --blame full -d 1ms >/dev/null
	done
	# What was open is freed some time after its process.
	for ((i = 0; i < 40; i++)); do
		[ "$(ours)" != "$before" ] || break
		sleep 0.5
	done
	echo "# ${CYCLES:-20} starts: kernel memory $kib -> $(kernel_kib) KiB, open files $files -> $(awk '{ print $1 }' /proc/sys/fs/file-nr)" >&3
	[ "$(ours)" = "$before" ]
	# One start takes more than 1 MiB of rings alone. Others on this machine move, too.
	[ $(($(kernel_kib) - kib)) -lt $((65536 + ${CYCLES:-20} * 100)) ]
}

@test "cycles: latency, killed at any moment, leaves nothing" {
	before=$(ours)
	RANDOM=7
	for ((i = 0; i < ${KILLS:-20}; i++)); do
		build/vfioscope latency --all >/dev/null &
		sleep "0.$(printf %03d $((RANDOM % 400)))"
		kill -KILL $!
		wait $! || true
	done
	for ((i = 0; i < 40; i++)); do
		[ "$(ours)" != "$before" ] || break
		sleep 0.5
	done
	[ "$(ours)" = "$before" ]
	# Its helper ends when it sees that nobody is there any more.
	for ((i = 0; i < 40; i++)); do
		is_running || break
		sleep 0.5
	done
	! is_running || { echo "a process is left"; return 1; }
	build/vfioscope latency --all -d 20s >/dev/null &
	sleep 1
	is_running
	kill -KILL $!
	wait $! || true
}
