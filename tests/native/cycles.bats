#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Starting and stopping leaks nothing, on the running kernel. `make soak` does it 1000 times.

load ../assert

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
	readlink /proc/[0-9]*/exe 2>/dev/null | grep -qxF "$PWD/build/vfioscope"
}

kernel_kib()
{
	awk '/^(Slab|Percpu|KernelStack):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# least_growth KIB: by how much the kernel's memory has grown since it was KIB; the least of ten seconds, so that
# what others have for a moment is not ours
least_growth()
{
	local i now least=1000000000
	for ((i = 0; i < 20; i++)); do
		now=$(($(kernel_kib) - $1))
		[ $now -ge $least ] || least=$now
		[ $least -ge 2048 ] || break
		sleep 0.5
	done
	echo $least
}

# settled: until what ended runs had is freed
settled()
{
	local i last="" now
	for ((i = 0; i < 40; i++)); do
		now=$(ours)
		[ "$now" != "$last" ] || is_running || break
		last=$now
		sleep 0.5
	done
}

@test "cycles: latency, started and stopped again and again, leaves nothing" {
	build/vfioscope latency --all -d 10ms >/dev/null
	settled
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
	# One start takes more than 1 MiB of rings alone, so a start that left half of that behind is seen.
	grown=$(least_growth "$kib")
	echo "# kernel memory has grown by $grown KiB" >&3
	[ "$grown" -lt $((${CYCLES:-20} * 512)) ]
}

@test "cycles: latency, killed at any moment, leaves nothing" {
	settled
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
	for ((i = 0; i < 40; i++)); do
		! is_running || break
		sleep 0.5
	done
	is_running
	kill -KILL $!
	wait $! || true
}
