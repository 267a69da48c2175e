#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# inspect as a user meets it: statuses, one line for what is no kernel, 80 columns, JSON.

load ../assert

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	VFIOSCOPE=build/vfioscope
	FILES=build/tests/fixtures/inspect
}

# one_line STATUS ARGUMENTS...: fails with that status and one line that names the tool
one_line()
{
	local status_wanted=$1
	shift
	run timeout 20 "$VFIOSCOPE" inspect "$@"
	[ "$status" -eq "$status_wanted" ] || return
	[ "${#lines[@]}" -eq 1 ] || return
	[[ "${lines[0]}" == "vfioscope inspect: "* ]]
}

# verdict STATUS WORDS FILE
verdict()
{
	run "$VFIOSCOPE" inspect "$3"
	[ "$status" -eq "$1" ] || return
	[[ "${lines[0]}" == "$2  "* ]]
}

# assembly ARCHITECTURE ERA OPTIONS...: of the shape of VFIO in that era
assembly()
{
	clang --target="$1-linux-gnu" -O2 -fno-pic -Wno-unused-function -DERA="$2" -S -o - "${@:3}" \
		tests/unit/fixtures/inspect_vfio.c
}

# add_mcount_loc: ftrace's list of the calls of _mcount, as recordmcount makes it
add_mcount_loc()
{
	awk '/[ \t]_mcount/ { print ".Lcall" nr++ ":" } { print }
		END { print ".section __mcount_loc,\"a\",@progbits"; while (i < nr) print ".quad .Lcall" i++ }'
}

# stripped_module ARCHITECTURE: assembly on stdin; a module without the names of its local functions
stripped_module()
{
	clang --target="$1-linux-gnu" -c -x assembler -o "$BATS_TEST_TMPDIR/full.o" -
	llvm-strip --strip-unneeded -o "$BATS_TEST_TMPDIR/vfio.ko" "$BATS_TEST_TMPDIR/full.o"
	prints_not vfio_iommu_group_notifier llvm-nm "$BATS_TEST_TMPDIR/vfio.ko" || return
	llvm-readelf -S "$BATS_TEST_TMPDIR/vfio.ko" | grep -qE '__mcount_loc|__patchable_function_entries'
}

@test "inspect: the status follows the verdict" {
	verdict 0 FIXED "$FILES/gcc-1.o"
	verdict 3 VULNERABLE "$FILES/gcc-2.o"
	verdict 0 NOT-APPLICABLE "$FILES/gcc-5.o"
	verdict 5 INCONCLUSIVE "$FILES/gcc-7.o"
	verdict 3 VULNERABLE "$FILES/linked-aarch64-2.o"
}

@test "inspect: the verdict comes first, then its evidence, then the sites" {
	run "$VFIOSCOPE" inspect "$FILES/gcc-2.o"
	order=$(printf '%s\n' "$output" | grep -oE '^(VULNERABLE|Evidence|The notifier calls|Drops|Takes)' | paste -sd,)
	[ "$order" = "VULNERABLE,Evidence,The notifier calls,Drops,Takes" ]
	[[ "$output" == *"vfio_group_release+0x"*" iommu_group_unregister_notifier"* ]]
	[[ "$output" == *"inspect_vfio.c:"*"inlined: vfio_group_put"* ]]
}

@test "inspect: text fits 80 columns, but for paths" {
	for file in "$FILES"/*.o; do
		"$VFIOSCOPE" inspect "$file" >"$BATS_TEST_TMPDIR/out" || true
		wide=$(grep -vE '^  file ' "$BATS_TEST_TMPDIR/out" | grep -E '^.{81,}' || true)
		[ -z "$wide" ] || { echo "$file: $wide"; return 1; }
		[ -s "$BATS_TEST_TMPDIR/out" ] || return
	done
}

@test "inspect: JSON has what the text has" {
	"$VFIOSCOPE" inspect --json "$FILES/gcc-2.o" >"$BATS_TEST_TMPDIR/json" || [ $? -eq 3 ]
	jq -e '.type == "inspect" and .schema == 1 and .verdict == "VULNERABLE" and .exit_status == 3 and
		.machine == "x86_64" and .kind == "module" and .notifier and .debug_info and
		(.evidence | length) >= 3 and
		([.sites[] | select(.class == "put")] | length) == 3 and
		any(.notifier_calls[]; .target == "refcount_dec_and_mutex_lock") and
		any(.sites[]; .inlined == "vfio_group_put")' "$BATS_TEST_TMPDIR/json"
}

@test "inspect: what is no kernel is refused in one line, at once" {
	one_line 1 /nowhere
	one_line 1 /dev/zero
	one_line 1 Makefile
	head -c 1000000 /dev/zero >"$BATS_TEST_TMPDIR/zeros"
	one_line 1 "$BATS_TEST_TMPDIR/zeros"
	head -c 2000 "$FILES/gcc-1.o" >"$BATS_TEST_TMPDIR/cut"
	one_line 1 "$BATS_TEST_TMPDIR/cut"
	head -c 300M /dev/zero | xz -T1 -0c >"$BATS_TEST_TMPDIR/bomb.ko.xz"
	one_line 1 "$BATS_TEST_TMPDIR/bomb.ko.xz"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	one_line 1 "$BATS_TEST_TMPDIR/fifo"
	one_line 2 a b
	one_line 2 --running a
}

@test "inspect: a folder gives one table, with the worst status" {
	mkdir -p "$BATS_TEST_TMPDIR/top/lib/modules/1" "$BATS_TEST_TMPDIR/top/lib/modules/2"
	cp "$FILES/gcc-1.o" "$BATS_TEST_TMPDIR/top/lib/modules/1/vfio.ko"
	run "$VFIOSCOPE" inspect "$BATS_TEST_TMPDIR/top"
	[ "$status" -eq 0 ]
	xz -c "$FILES/s390x-2.o" >"$BATS_TEST_TMPDIR/top/lib/modules/2/vfio.ko.xz"
	ln -s .. "$BATS_TEST_TMPDIR/top/lib/modules/2/loop"
	run "$VFIOSCOPE" inspect "$BATS_TEST_TMPDIR/top"
	[ "$status" -eq 3 ]
	[ "${#lines[@]}" -eq 3 ]
	[[ "${lines[1]}" == *FIXED*lib/modules/1/vfio.ko ]]
	[[ "${lines[2]}" == *s390x*VULNERABLE*lib/modules/2/vfio.ko.xz ]]
	"$VFIOSCOPE" inspect --json "$BATS_TEST_TMPDIR/top" | jq -e '.type == "inspect-table" and (.files | length) == 2'
	mkdir "$BATS_TEST_TMPDIR/empty"
	run "$VFIOSCOPE" inspect "$BATS_TEST_TMPDIR/empty"
	[ "$status" -eq 5 ]
	[[ "$output" == "no vfio.ko"* ]]
}

# gate WORDS...: each of them a line that the last output has
gate()
{
	local words
	for words in "$@"; do
		grep -qF -- "$words" <<<"$output" || { echo "no line: $words"; echo "$output"; return 1; }
	done
}

@test "inspect: against an earlier build: the verdict, places and calls that came, went or moved" {
	"$VFIOSCOPE" inspect --json "$FILES/gcc-1.o" >"$BATS_TEST_TMPDIR/old"
	run "$VFIOSCOPE" inspect --baseline "$BATS_TEST_TMPDIR/old" "$FILES/gcc-1.o"
	[ "$status" -eq 0 ]
	gate "Compared with $BATS_TEST_TMPDIR/old: no difference"
	run "$VFIOSCOPE" inspect --baseline "$BATS_TEST_TMPDIR/old" "$FILES/gcc-2.o"
	[ "$status" -eq 3 ]
	gate "verdict     was FIXED, is VULNERABLE" "gained      vfio_iommu_group_notifier+" "call of queue_work_on"
	[ "$(grep -c 'gained .*: put, calls' <<<"$output")" -eq 1 ]
	"$VFIOSCOPE" inspect --json --baseline "$BATS_TEST_TMPDIR/old" "$FILES/gcc-2.o" >"$BATS_TEST_TMPDIR/json" || [ $? -eq 3 ]
	jq -e '([.gate[] | select(.kind == "lost")] | length) == 3 and any(.gate[]; .kind == "verdict") and .exit_status == 3' \
		"$BATS_TEST_TMPDIR/json"
	# The same verdict with other code is a difference, with other offsets only it is none.
	jq '.sites[0].where |= sub("0x.*"; "0x7")' "$BATS_TEST_TMPDIR/old" >"$BATS_TEST_TMPDIR/moved"
	run "$VFIOSCOPE" inspect --baseline "$BATS_TEST_TMPDIR/moved" "$FILES/gcc-1.o"
	[ "$status" -eq 0 ]
	gate "1 moved: as it should be"
	jq '.sites[0].callee = "other"' "$BATS_TEST_TMPDIR/old" >"$BATS_TEST_TMPDIR/other"
	run "$VFIOSCOPE" inspect --baseline "$BATS_TEST_TMPDIR/other" "$FILES/gcc-1.o"
	[ "$status" -eq 7 ]
	gate "1 gained, 1 lost"
}

@test "inspect: against a table: each file and each line" {
	local top=$BATS_TEST_TMPDIR/top table=$BATS_TEST_TMPDIR/table
	mkdir -p "$top/a" "$top/b"
	cp "$FILES/gcc-1.o" "$top/a/vfio.ko"
	cp "$FILES/gcc-2.o" "$top/b/vfio.ko"
	printf '# ours\nFIXED a/*	# new\n\nVULNERABLE vfio.ko\n' >"$table"
	run "$VFIOSCOPE" inspect --expect "$table" --junit "$BATS_TEST_TMPDIR/good.xml" "$top"
	[ "$status" -eq 0 ]
	gate "2 expected: as it should be"
	printf 'FIXED b/*\nFIXED 4.4.*\n' >"$table"
	run "$VFIOSCOPE" inspect --expect "$table" --junit "$BATS_TEST_TMPDIR/bad.xml" "$top"
	[ "$status" -eq 7 ]
	gate "unexpected  is FIXED, and no line of the table has it" "unexpected  is VULNERABLE, line 1 expects FIXED" \
		"unmatched   line 2 expects FIXED of it, and no file has it"
	run "$VFIOSCOPE" inspect --expect "$table" "$top/b/vfio.ko"
	[ "$status" -eq 7 ]
	[ "$(xmllint --xpath 'string(/testsuites/testsuite/@tests)' "$BATS_TEST_TMPDIR/good.xml")" = 2 ]
	[ "$(xmllint --xpath 'count(//failure)' "$BATS_TEST_TMPDIR/good.xml")" = 0 ]
	[ "$(xmllint --xpath 'count(//failure)' "$BATS_TEST_TMPDIR/bad.xml")" = 3 ]
	[ "$(xmllint --xpath 'string(/testsuites/testsuite/@failures)' "$BATS_TEST_TMPDIR/bad.xml")" = 3 ]
}

@test "inspect: a folder against an earlier one: files that came, went, changed" {
	local top=$BATS_TEST_TMPDIR/top
	mkdir -p "$top/a" "$top/b" "$top/c"
	cp "$FILES/gcc-1.o" "$top/a/vfio.ko"
	cp "$FILES/gcc-1.o" "$top/b/vfio.ko"
	"$VFIOSCOPE" inspect --json "$top" >"$BATS_TEST_TMPDIR/old"
	cp "$FILES/gcc-5.o" "$top/a/vfio.ko"
	mv "$top/b/vfio.ko" "$top/c/vfio.ko"
	run "$VFIOSCOPE" inspect --baseline "$BATS_TEST_TMPDIR/old" "$top"
	[ "$status" -eq 7 ]
	gate "verdict     was FIXED, is NOT-APPLICABLE" "lost        was FIXED" "gained      is FIXED"
}

@test "inspect: a baseline or a table that is none is refused in one line, and nothing is written" {
	"$VFIOSCOPE" inspect --json "$FILES/gcc-1.o" >"$BATS_TEST_TMPDIR/old"
	one_line 1 --baseline /nowhere "$FILES/gcc-1.o"
	one_line 1 --baseline Makefile "$FILES/gcc-1.o"
	one_line 1 --expect Makefile "$FILES/gcc-1.o"
	one_line 1 --expect /dev/null "$FILES/gcc-1.o"
	mkdir "$BATS_TEST_TMPDIR/top"
	one_line 1 --baseline "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/top"
	one_line 1 --expect Makefile --junit "$BATS_TEST_TMPDIR/report" "$FILES/gcc-1.o"
	[ ! -e "$BATS_TEST_TMPDIR/report" ]
}

@test "inspect: the running kernel, whatever it has" {
	run "$VFIOSCOPE" inspect
	[[ "$status" =~ ^[03456]$ ]]
	[ -n "$output" ]
}

@test "inspect: the table of binaries in the document is the one that the lab checks" {
	tools/lab/inspect-table --list >"$BATS_TEST_TMPDIR/listed"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/listed")" -ge 14 ]
	sed -n '/^| name | arch/,$p' docs/inspect.md | grep '^|' | diff - "$BATS_TEST_TMPDIR/listed"
}

@test "inspect: the page of the manual is well-formed, and has each option" {
	man -l --warnings docs/man/vfioscope-inspect.8 2>"$BATS_TEST_TMPDIR/warnings" >/dev/null
	absent . "$BATS_TEST_TMPDIR/warnings"
	for option in running json expect baseline junit; do
		grep -qE -- "-$option" docs/man/vfioscope-inspect.8 || return
		"$VFIOSCOPE" inspect --help | grep -q -- "--$option" || return
	done
}

# A table of pointers without the entry that is pointed at; 40 MiB of names that cost 32767 steps each.
@test "inspect: what fuzzing and reading the code found ends, with and without sanitizers" {
	for file in tests/fuzz/corpus/hostile/*; do
		for program in build/vfioscope build/sanitized/vfioscope; do
			run timeout 60 "$program" inspect "$file"
			[ "$status" -eq 5 ] || { echo "$program $file: $status"; echo "$output" | tail; return 1; }
		done
	done
}

BTI="-fpatchable-function-entry=2 -mbranch-protection=bti"

@test "inspect: stripped arm64, ftrace's list points behind bti c" {
	# shellcheck disable=SC2086
	for era in 1:0:FIXED 2:3:VULNERABLE 5:0:NOT-APPLICABLE; do
		IFS=: read -r number status_wanted words <<<"$era"
		assembly aarch64 "$number" $BTI | stripped_module aarch64 || return
		verdict "$status_wanted" "$words" "$BATS_TEST_TMPDIR/vfio.ko" || return
	done
}

@test "inspect: stripped arm64, ftrace's list has the calls of _mcount" {
	for era in 1:0:FIXED 2:3:VULNERABLE 5:0:NOT-APPLICABLE; do
		IFS=: read -r number status_wanted words <<<"$era"
		assembly aarch64 "$number" -pg | add_mcount_loc | stripped_module aarch64 || return
		verdict "$status_wanted" "$words" "$BATS_TEST_TMPDIR/vfio.ko" || return
	done
}

@test "inspect: stripped ppc64le, ftrace's list has the calls of _mcount: no verdict" {
	for era in 1 2; do
		assembly powerpc64le "$era" -pg | add_mcount_loc | stripped_module powerpc64le || return
		verdict 5 INCONCLUSIVE "$BATS_TEST_TMPDIR/vfio.ko" || return
		[[ "$output" == *"where it ends is a guess"* ]] || return
	done
}

# What is in front of the places in the list is nothing that is known: the notifier is cut to it.
@test "inspect: stripped, functions of the list that run on into the next: no verdict" {
	for era in 1 2 5; do
		# shellcheck disable=SC2086
		assembly aarch64 "$era" $BTI | sed 's/hint\t#34/mov x9, x30/; s/bti\tc/mov x9, x30/' | stripped_module aarch64 || return
		verdict 5 INCONCLUSIVE "$BATS_TEST_TMPDIR/vfio.ko" || return
		[[ "$output" == *"where it ends is a guess"* ]] || return
	done
}

# expolines: branches through a register, and returns, go through a thunk
expolines()
{
	sed -E 's/\bbasr\s+%r14, %r([0-9]+)/brasl %r14, __s390_indirect_jump_r\1/
		s/\bbr\s+%r([0-9]+)/jg __s390_indirect_jump_r\1/'
}

# own_thunks: as gcc makes them without CONFIG_EXPOLINE_EXTERN
own_thunks()
{
	cat
	for register in 1 2 3 4 5 14; do
		name=__s390_indirect_jump_r$register
		printf '.section .text.%s,"axG",@progbits,%s,comdat\n.globl %s\n.hidden %s\n.type %s,@function\n' \
			"$name" "$name" "$name" "$name" "$name"
		printf '%s: ex %%r0, 0\nj .\n.size %s, .-%s\n' "$name" "$name" "$name"
	done
}

@test "inspect: s390x with expolines, a call through a pointer is one, a return is none" {
	for era in 1:0:FIXED 2:3:VULNERABLE 5:0:NOT-APPLICABLE 9:5:INCONCLUSIVE; do
		IFS=: read -r number status_wanted words <<<"$era"
		for thunks in cat own_thunks; do
			assembly s390x "$number" | expolines | $thunks |
				clang --target=s390x-linux-gnu -c -x assembler -o "$BATS_TEST_TMPDIR/vfio.ko" -
			llvm-readelf -r "$BATS_TEST_TMPDIR/vfio.ko" | grep -q __s390_indirect_jump_r14 || return
			verdict "$status_wanted" "$words" "$BATS_TEST_TMPDIR/vfio.ko" || return
		done
	done
	[[ "$output" == *"calls something that cannot be told"*"through a pointer"* ]]
}

# gcc returns through whatever register is free; a register that was loaded from elsewhere is a tail call.
@test "inspect: s390x with expolines, returns by other registers, and tail calls" {
	for case in '%r4, 272(%r15):0:FIXED' '%r1, 16(%r2):5:INCONCLUSIVE'; do
		IFS=: read -r load status_wanted words <<<"$case"
		register=${load%%,*}
		assembly s390x 1 | sed -E "s/\\bbr\\s+%r14/lg $load\\nbr $register/" | expolines |
			clang --target=s390x-linux-gnu -c -x assembler -o "$BATS_TEST_TMPDIR/vfio.ko" -
		llvm-readelf -r "$BATS_TEST_TMPDIR/vfio.ko" | grep -q "__s390_indirect_jump_r${register#%r}" || return
		verdict "$status_wanted" "$words" "$BATS_TEST_TMPDIR/vfio.ko" || return
	done
}

@test "inspect: big-endian ppc64 is said not to be read" {
	assembly powerpc64 2 | clang --target=powerpc64-linux-gnu -c -x assembler -o "$BATS_TEST_TMPDIR/vfio.ko" -
	llvm-readelf -S "$BATS_TEST_TMPDIR/vfio.ko" | grep -q '\.opd'
	verdict 5 INCONCLUSIVE "$BATS_TEST_TMPDIR/vfio.ko"
	[[ "${lines[0]}" == *"big-endian ppc64 (ELFv1) is not read" ]]
	[[ "$output" != *"not the core of VFIO"* ]]
}
