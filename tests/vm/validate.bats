#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The dynamic verdict: on kernels with and without the fix, on each faulty fix, with probes missing.
load vm

# Of the fix itself, and of what else holds references.
OF_THE_FIX="fix-taken-out put-sometimes-direct put-before-switch skip-queue-7th get-without-put queue-twice"
OTHERS="double-put-close leak-open-error no-external-put"
# Each deferred put of slow-put-bg takes 50 ms: its groups seldom die.
LEGAL="slow-put-bg wrong-work outlined"

HOOKS="chain-call chain-change notifier put get release group-unregister create register unregister
	registration-get registration-put open
	close deferred-queue deferred-start deferred-end module-load module-free"

# run_case NAME KERNEL MODE
run_case()
{
	OUT=$BATS_FILE_TMPDIR/$1
	mkdir -p "$OUT"
	echo "$3" >"$OUT/mode"
	echo "$HOOKS" >"$OUT/hooks"
	vm "$2" validate.sh --file "$OUT/mode:/lab/mode" --file "$OUT/hooks:/lab/hooks" \
		--file "$TOP/build/vfio-stress:/bin/vfio-stress"
}

setup_file()
{
	local mutant
	"$TOP/tools/lab/lab" build mutants >/dev/null || return
	run_case fixed fixed whole || return
	run_case unfixed unfixed mutant || return
	run_case 6.12 6.12 mutant || return
	run_case restore fixed restore || return
	run_case endings fixed endings || return
	run_case alone unfixed alone || return
	run_case hooks fixed hooks || return
	for mutant in $OF_THE_FIX $OTHERS $LEGAL; do
		run_case "$mutant" "mutant:$mutant" mutant || return
	done
}

in_case()
{
	OUT=$BATS_FILE_TMPDIR/$1
}

# json NAME FILTER
json()
{
	jq -r "$2" "$OUT/$1.json"
}

# check NAME CHECK: its status
check()
{
	json "$1" ".checks[] | select(.name == \"$2\") | .status"
}

well_formed()
{
	xmllint --noout "$OUT/$1.xml"
}

@test "validate: --until ends once so much is ruled out, and says what" {
	in_case fixed
	has_status until 0
	is "$(json until .verdict)" FIXED
	jq -e '.path | .min_last_puts == 29 and .last_puts_by_worker >= 29 and .not_ruled_out_share <= 0.1' "$OUT/until.json"
	grep -q 'rules out.*of such puts' "$OUT/until"
	grep -q 'The last puts of this run rule out that more than' "$OUT/until.md"
}

@test "validate: fixed is FIXED, with the path exercised" {
	in_case fixed
	has_status default 0
	is "$(head -1 "$OUT/default" | cut -d' ' -f1)" FIXED
	is "$(json default .verdict)" FIXED
	is "$(json default '[.checks[].status] | unique | join(" ")')" pass
	[ "$(json default .path.last_puts_by_worker)" -ge 20 ]
	is "$(json default '.path | "\(.queued) \(.started) \(.ended)"')" \
		"$(json default '.path | "\(.found) \(.found) \(.found)"')"
	echo "# $(json default .path.last_puts_by_worker) last puts, $(json default .stress.said)" >&3
}

@test "validate: default settings take less than 60 s" {
	in_case fixed
	echo "# $(cat "$OUT/took") hundredths of a second" >&3
	[ "$(cat "$OUT/took")" -lt 6000 ]
}

@test "validate: the devices are as before, and no vfio-stress is left" {
	in_case fixed
	cmp "$OUT/before" "$OUT/after"
	says_not processes '/vfio-stress'
}

@test "validate: what did not run is not FIXED" {
	in_case fixed
	has_status observed 5
	is "$(json observed .verdict)" INCONCLUSIVE
	is "$(check observed path)" unknown
}

@test "validate: exit styles and KTAP" {
	in_case fixed
	has_status ktap 0
	is "$(head -2 "$OUT/ktap" | paste -sd' ')" "KTAP version 1 1..11"
	is "$(grep -c '^ok ' "$OUT/ktap")" 11
	has_status ltp 2
	has_status quiet 4
	says quiet '^ok 11 verdict # SKIP INCONCLUSIVE'
}

@test "validate: the reports are well-formed" {
	in_case fixed
	well_formed default
	jq -e '.type == "validate"' "$OUT/default.json"
	is "$(head -1 "$OUT/default.md")" "# VFIO notifier deadlock: FIXED"
}

@test "validate: unfixed is VULNERABLE, and the report is there although it deadlocked" {
	in_case unfixed
	has_status default 3
	is "$(json default .verdict)" VULNERABLE
	is "$(json default '.finding_counts["notifier-deadlock"]')" 1
	is "$(check default deadlock)" fail
	json default '.findings[0].stack | join(" ")' | grep -q 'vfio_group_release.*vfio_iommu_group_notifier'
	well_formed default
	says default.md 'VFIO notifier deadlock: VULNERABLE'
}

@test "validate: 6.12 is NOT-APPLICABLE" {
	in_case 6.12
	has_status default 0
	is "$(json default .verdict)" NOT-APPLICABLE
}

not_fixed()
{
	in_case "$1"
	echo "# $1: $(json default '"\(.verdict) (\(.reason))"')" >&3
	[ "$(json default .verdict)" != FIXED ] && has_status default 3
}

@test "validate: no mutant of the fix is FIXED, and each fails" {
	for mutant in $OF_THE_FIX; do
		not_fixed "$mutant" || return
	done
}

@test "validate: what puts in the notifier is VULNERABLE" {
	for mutant in fix-taken-out put-sometimes-direct put-before-switch; do
		in_case "$mutant"
		is "$(json default .verdict)" VULNERABLE || return
	done
}

# same_fix CASE ANSWER: every verb gives it
same_fix()
{
	local name
	in_case "$1"
	for name in fix-doctor fix-inspect fix-why; do
		is "$1: $name: $(jq -r .fix "$OUT/$name")" "$1: $name: $2" || return
	done
	is "$1: validate: $(json default .code.fix)" "$1: validate: $2"
}

@test "each verb gives the same answer: is the fix there?" {
	local mutant
	same_fix unfixed absent
	same_fix fix-taken-out absent
	same_fix put-before-switch absent
	same_fix put-sometimes-direct both
	same_fix 6.12 no-notifier
	for mutant in skip-queue-7th get-without-put queue-twice $OTHERS $LEGAL; do
		same_fix "$mutant" present || return
	done
}

@test "validate: legal variants are FIXED, or not proven where the worker is slow" {
	in_case slow-put-bg
	is "$(json default '[.failed, .verdict == "VULNERABLE"] | any')" false
	for mutant in wrong-work outlined; do
		in_case "$mutant"
		echo "# $mutant: $(json default '"\(.verdict) (\(.reason))"')" >&3
		is "$(json default .verdict)" FIXED || return
	done
}

@test "validate: faults elsewhere, as far as they show" {
	for mutant in $OTHERS; do
		in_case "$mutant"
		echo "# $mutant: $(json default '"\(.verdict) (\(.reason))"')" >&3
	done
	not_fixed double-put-close
	in_case leak-open-error
	[ "$(json default .verdict)" != FIXED ]
}

@test "validate: interrupted, it puts everything back and is not FIXED" {
	in_case endings
	has_status INT 5
	is "$(check INT stress)" unknown
	cmp "$OUT/before" "$OUT/INT.bound"
	says_not INT.run vfio-stress
}

@test "validate: killed, its vfio-stress puts everything back" {
	in_case endings
	cmp "$OUT/before" "$OUT/KILL.bound"
	says_not KILL.run vfio-stress
}

@test "validate: without vfio.ko, or refused by vfio-stress, it is INCONCLUSIVE" {
	in_case endings
	is "$(json unloaded .verdict)" INCONCLUSIVE
	is "$(json refused .verdict)" INCONCLUSIVE
	is "$(check refused stress)" unknown
	json refused .stress.said | grep -q 'drivers are missing'
}

@test "vfio-stress: stuck is status 3, with the stack, and it ends" {
	in_case alone
	has_status alone 3
	says alone '^stuck: process [0-9]+, state D'
	says alone 'vfio_iommu_group_notifier'
	says alone '^stuck: [0-9]+ cycles'
}

@test "validate: each probe taken away makes it INCONCLUSIVE, and is named" {
	in_case hooks
	is "$(json none .verdict)" FIXED
	for hook in $HOOKS; do
		is "$(json "$hook" .verdict)" INCONCLUSIVE || { echo "without $hook"; json "$hook" .reason; return 1; }
		json "$hook" .reason | grep -q "^probes: hook $hook is missing" || { echo "without $hook"; json "$hook" .reason; return 1; }
		has_status "$hook" 5 || return
	done
}

@test "vfio-stress: puts everything back after SIGINT and SIGTERM" {
	in_case restore
	has_status INT 130
	has_status TERM 143
	for signal in INT TERM; do
		cmp "$OUT/before" "$OUT/$signal.bound" || return
		says_not "$signal.run" vfio-stress || return
	done
}

@test "vfio-stress: after SIGKILL, --restore or the next start puts everything back" {
	in_case restore
	says KILL.run vfio-stress.state
	says restored 'restored: 2 devices'
	cmp "$OUT/before" "$OUT/after"
	says again 'restored: 2 devices'
	has_status again 0
	cmp "$OUT/before" "$OUT/after-again"
}

@test "vfio-stress: each strategy runs and puts everything back" {
	in_case restore
	for strategy in bind close open remove; do
		has_status $strategy 0 || return
		says $strategy '^done: 20 cycles' || return
		says $strategy 'if this is the last line you see, the host hung in step 1: '$strategy || return
	done
	cmp "$OUT/before" "$OUT/after-all"
	silent cat "$OUT/dmesg"
}

@test "vfio-stress: refuses what is in use, bridges and what is not there" {
	in_case restore
	has_status in-use 4
	says in-use 'group 1 .* is in use by [0-9]+ \(sh\)'
	has_status bridge 4
	says bridge 'is a bridge'
	has_status absent 4
}
