#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
load vm

setup_file()
{
	vm fixed chain.sh --no-vfio
}

finding()
{
	of self finding "$1"
}

@test "chain: calling a chain and unregistering from another one is no finding" {
	has_status early 0
	is "$(of early finding .name | wc -l)" 0
}

@test "chain: unregistering from the chain one is inside is a deadlock, in any module" {
	has_status self 3
	is "$(finding .name)" chain-deadlock
	is "$(finding .grade)" bug
	is "$(finding .proven)" true
}

@test "chain: chain, callback and both places have names" {
	is "$(finding .chain_name | cut -d' ' -f1)" chainlock_chain
	is "$(finding .callback | cut -d' ' -f1)" chainlock_callback
	finding .change_place | grep -q '^chainlock_callback+'
	finding .call_place | grep -q '^run_set+'
}

@test "chain: said within 100 ms" {
	ms=$(finding '(.said_ns - .time_ns) / 1000000')
	echo "# $ms ms" >&3
	awk "BEGIN { exit !($ms < 100) }"
}

@test "chain: the tracer can be started and ended with a deadlocked task around" {
	has_status text 0
}
