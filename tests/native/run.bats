#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# tests/run itself: what it keeps of a suite that failed, and which repeats it allows.

bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	T=$BATS_TEST_TMPDIR
	mkdir -p "$T/tests/vm"
	export OUT=$T/results SUITES=$T/suites STRICT=
	: >"$SUITES"
}

# suite_of NAME TIMES [GUEST-STATUS]: one that fails so many times; what it runs lies in a tests/vm, as guest suites do
suite_of()
{
	local file=$T/tests/vm/$1.bats word=@test
	# A line that begins with that word would be taken for a test of this file.
	cat >"$file" <<-EOF
		$word "$1 works" {
			echo "the log of $1" >"\$BATS_TEST_TMPDIR/log"
			echo "fixed amd 9 4.5 ${3:-0}" >>"\$VFIOSCOPE_GUESTS"
			echo x >>"$T/$1.ran"
			[ "\$(wc -l <"$T/$1.ran")" -gt $2 ]
		}
	EOF
	echo "beside $1 1 bats --tap $file" >>"$SUITES"
}

@test "run: a suite that passes leaves nothing, and its line has the kinds of host" {
	suite_of calm 0
	run -0 tests/run
	[[ "$output" == *"calm"*"1 passed, 0 failed, 0 skipped"*"1 guests on amd, 4 s of CPU"* ]]
	[ ! -e "$OUT/kept" ]
}

@test "run: one repeat is allowed, said, and shown with what failed first" {
	suite_of shaky 1
	suite_of calm 0
	run -0 tests/run
	echo "$output"
	[[ "$output" == *"not ok 1 shaky works"*"guest: fixed amd 9 4.5 0"*"what it left: $OUT/kept/shaky"* ]]
	[[ "$output" == *"once more, alone: shaky"*"run twice, failed at first: shaky"* ]]
	[[ "${lines[-1]}" == "2 passed, 0 failed, 0 skipped" ]]
	grep -rqx 'the log of shaky' "$OUT/kept/shaky-first"
}

@test "run: with STRICT=1 nothing is repeated" {
	suite_of shaky 1
	STRICT=1 run -1 tests/run
	[[ "$output" != *"once more"* ]]
	[[ "${lines[-1]}" == "0 passed, 1 failed, 0 skipped" ]]
	grep -rqx 'the log of shaky' "$OUT/kept/shaky"
}

@test "run: two suites that failed are no accident" {
	suite_of shaky 1
	suite_of other 1
	run -1 tests/run
	[[ "$output" != *"once more"* ]]
	[[ "${lines[-1]}" == "0 passed, 2 failed, 0 skipped" ]]
}

@test "run: guests that were started twice are said, and more than three are no accident" {
	suite_of calm 0 no-boot
	suite_of shaky 1
	run -0 tests/run
	[[ "$output" == *"started twice, did not come up at first: fixed on amd"* ]]
	suite_of second 0 no-boot
	suite_of third 0 no-boot
	run -0 tests/run
	suite_of fourth 0 no-boot
	run -1 tests/run
	[[ "$output" == *" repeated suites and 4 repeated boots are no accident: the run has failed"* ]]
}

@test "run: a suite that dies without a word fails" {
	echo "beside dead 1 false" >>"$SUITES"
	run -1 tests/run
	[[ "${lines[-1]}" == "0 passed, 1 failed, 0 skipped" ]]
}
