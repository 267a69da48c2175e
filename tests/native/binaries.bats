#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Binaries of several architectures and compilers, fetched or built, each with the expected verdict: make soak.

load ../assert

setup_file()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	tools/deps lab inspect
}

@test "binaries: each has its verdict" {
	cd "$BATS_TEST_DIRNAME/../.."
	tools/lab/inspect-table >"$BATS_TEST_TMPDIR/table"
	is "$(wc -l <"$BATS_TEST_TMPDIR/table")" "$(tools/lab/inspect-table --list | wc -l)"
}
