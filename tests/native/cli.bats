#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The command line without a VM: wrong usage, help, recorded facts, and the rules of the tree.

load ../assert

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	VFIOSCOPE=build/vfioscope
}

# one_line STATUS ARGUMENTS...: fails with that status and one line that names the tool
one_line()
{
	local status_wanted=$1
	shift
	run "$VFIOSCOPE" "$@"
	[ "$status" -eq "$status_wanted" ] || return
	[ "${#lines[@]}" -eq 1 ] || return
	[[ "${lines[0]}" == vfioscope* ]]
}

@test "no command: the questions on stderr, status 2" {
	run "$VFIOSCOPE"
	[ "$status" -eq 2 ]
	[[ "$output" == *"Why does it hang"*"vfioscope why [BDF]"*"vfioscope --help"* ]]
	"$VFIOSCOPE" >"$BATS_TEST_TMPDIR/out" 2>/dev/null || [ $? -eq 2 ]
	empty "$BATS_TEST_TMPDIR/out"
}

@test "help and version go to stdout with status 0" {
	for args in --help help --version 'trace --help' 'doctor -h'; do
		# shellcheck disable=SC2086 # words are wanted
		"$VFIOSCOPE" $args >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
		[ -s "$BATS_TEST_TMPDIR/out" ] || return
		empty "$BATS_TEST_TMPDIR/err" || return
	done
}

@test "help fits 80 columns" {
	for verb in "" $("$VFIOSCOPE" --help | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		# shellcheck disable=SC2086 # nothing is wanted for no verb
		"$VFIOSCOPE" $verb --help >"$BATS_TEST_TMPDIR/help" && [ -s "$BATS_TEST_TMPDIR/help" ] || return
		absent '^.{81,}' "$BATS_TEST_TMPDIR/help" || return
	done
}

# A page may be read where the program is not: each option has to be in it, and no other.
@test "each manual page has the options of its command" {
	for verb in $("$VFIOSCOPE" --help | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		"$VFIOSCOPE" "$verb" --help | sed -n '/^options/,/^$/s/^  *\(-\(.\),\)\{0,1\}  *--\([a-z-]*\).*/\2 --\3/p' |
			grep -vE ' --(help|btf)$' | sort >"$BATS_TEST_TMPDIR/help"
		[ -s "$BATS_TEST_TMPDIR/help" ] || return
		grep '^\.It Fl ' "docs/man/vfioscope-$verb.8" | sed 's/ \(Ar\|Cm\) .*//; s/^\.It Fl //; s/ , /\n/g' |
			sed -n '/^.$/{N;s/\n/ -/p;d};s/^-/ --/p' | grep -vE ' --(help|btf)$' | sort >"$BATS_TEST_TMPDIR/page"
		diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/page" || return
	done
}

# statuses VERB...: those that its help lists, in one line
statuses()
{
	"$VFIOSCOPE" "$@" --help | sed -n '/^exit status$/,$s/^  \([0-9]\)  .*/\1/p' | paste -sd' '
}

@test "help lists every exit status, and that of a verb those that it has" {
	is "$(statuses)" "0 1 2 3 4 5 6 7"
	is "$(statuses why)" "0 1 2 3 4 5 6 7"
	is "$(statuses trace)" "0 1 2 3 4 5 6"
	is "$(statuses doctor)" "0 1 2 4 6"
}

@test "wrong usage: one line, status 2" {
	one_line 2 frobnicate
	one_line 2 trace --frobnicate
	one_line 2 trace operand
	one_line 2 trace --duration
	one_line 2 trace --duration soon
	one_line 2 trace --duration 0
	one_line 2 trace --ring-size 3000K
	one_line 2 trace --ring-size 1
	one_line 2 why something
	one_line 2 why group
	one_line 2 why group x
	one_line 2 why pid 0
	one_line 2 why pid 1 2
	one_line 2 why --wait 5s
	one_line 2 why --evidence tests/evidence/fixed-two.json --all-stacks /dev/null
	one_line 1 why --evidence /nonexistent
	one_line 1 why --evidence tests/facts/fixed.json
	one_line 2 trace --color maybe
	one_line 2 trace --event nonsense
	one_line 2 trace --group abc
	one_line 2 trace --device zzz
	one_line 2 trace --pid -1
	one_line 2 latency operand
	one_line 2 latency --work
	one_line 2 latency --all --work x
	one_line 2 latency --top 0
	one_line 2 latency --overdue 0
	one_line 2 refs operand
	one_line 2 refs --watch
	one_line 2 refs --watch 1us
	one_line 2 refs --once --exact
	one_line 2 refs --max-refs 1
	one_line 2 refs --ring-size 3000K
	one_line 2 refs --color maybe
	one_line 2 refs --group -7
	one_line 2 doctor operand
	one_line 2 doctor --facts x --self-test
}

@test "a file that cannot be written is named" {
	one_line 1 doctor --save-facts /nowhere/facts.json
	[[ "$output" == *"/nowhere/facts.json: No such file"* ]]
}

@test "facts that are none are refused in one line" {
	echo '{' >"$BATS_TEST_TMPDIR/broken"
	one_line 1 doctor --facts "$BATS_TEST_TMPDIR/broken"
	one_line 1 doctor --facts /nowhere
	one_line 1 doctor --facts /dev/null
}

@test "doctor on this machine gives a reason for all that is missing" {
	run "$VFIOSCOPE" doctor --json
	[ "$status" -le 6 ]
	echo "$output" | jq -e 'all(.hooks[]; .status != "missing" or .how != "")'
}

@test "doctor plans for recorded kernels" {
	"$VFIOSCOPE" doctor -v --facts tests/facts/fixed.json | grep -q 'put  *ready  *13'
	"$VFIOSCOPE" doctor -v --facts tests/facts/unfixed.json | grep -q 'the fix  *ABSENT'
	"$VFIOSCOPE" doctor -v --facts tests/facts/6.12.json | grep -q 'notifier  *not-applicable'
}

@test "the binary is static, and below 4 MiB when stripped" {
	run file "$VFIOSCOPE"
	[[ "$output" == *"statically linked"* ]]
	strip -o "$BATS_TEST_TMPDIR/stripped" "$VFIOSCOPE"
	size=$(stat -c %s "$BATS_TEST_TMPDIR/stripped")
	echo "# $size bytes" >&3
	[ "$size" -lt $((4 << 20)) ]
	"$BATS_TEST_TMPDIR/stripped" --version
}

@test "make install obeys DESTDIR and PREFIX" {
	make -s install DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/opt/v >/dev/null
	[ -x "$BATS_TEST_TMPDIR/root/opt/v/sbin/vfioscope" ]
	[ -s "$BATS_TEST_TMPDIR/root/opt/v/share/man/man8/vfioscope-trace.8" ]
}

@test "make has nothing to do after make, and rebuilds after a change of a header" {
	make -s all
	prints_not 'CC|BPF|LINK' make all
	make -n -W bpf/events.h all | grep -q 'chain.bpf'
	make -n -W user/sink/sink.h all | grep -q 'user/run/session'
}

@test "make help lists the targets" {
	for target in all bench check check-fast demo install clean; do
		make help | grep -qE "make $target +[a-z]" || return
	done
}

# The names of findings stand in two tables of the program.
finding_names()
{
	sed -nE 's/^\t+\[VS_[A-Z_]*\] = (\{ )?"([a-z-]+)".*/\2/p' user/ledger/finding.c user/latency/watch.c | sort
}

@test "the manual page has each finding, and no other" {
	[ "$(finding_names | wc -l)" -gt 10 ]
	is "$(sed -nE 's/^\.It Sy ([a-z-]+) Pq .*/\1/p' docs/man/vfioscope.8 | sort)" "$(finding_names)"
}

@test "every source file has its licence" {
	git ls-files | grep -E '\.(c|h|S|awk|sh|bash|bats|mk)$|^Makefile$|^tools/deps$|^tests/run$' >"$BATS_TEST_TMPDIR/sources"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/sources")" -gt 200 ]
	xargs grep -L 'SPDX-License-Identifier: GPL-2.0' <"$BATS_TEST_TMPDIR/sources" >"$BATS_TEST_TMPDIR/without" || [ $? -eq 1 ]
	empty "$BATS_TEST_TMPDIR/without"
}

@test "no host of a mirror is named" {
	hosts=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		grep -oE 'https?://[^/ ]+' | sed 's#.*://##' | sort -u)
	[ -z "$hosts" ] || ! git grep -nIF "$hosts" -- .
}

@test "the documents describe each key of what why, inspect and validate write as JSON" {
	for file in tests/evidence/*.json; do
		"$VFIOSCOPE" why --json --evidence "$file" >"$BATS_TEST_TMPDIR/$(basename "$file")" || [ $? -ge 3 ] || return
	done
	"$VFIOSCOPE" inspect --json build/tests/fixtures/inspect/gcc-2.o >"$BATS_TEST_TMPDIR/inspect.json" || [ $? -eq 3 ]
	"$VFIOSCOPE" validate --observe-only -d 1 --json "$BATS_TEST_TMPDIR/validate.json" || [ $? -ge 3 ]
	tests/schema "$BATS_TEST_TMPDIR"/*.json
}

@test "why explains recorded evidence, without privileges, in 80 columns" {
	run "$VFIOSCOPE" why --evidence tests/evidence/unfixed-victims.json
	[ "$status" -eq 3 ]
	[[ "${lines[0]}" == 'VERDICT   NOTIFIER DEADLOCK   confidence high, reboot NEEDED' ]]
	prints_not '^.{81,}' printf '%s\n' "${lines[@]}"
	run "$VFIOSCOPE" why --json --evidence tests/evidence/6.12-mmap.json 00:05.0
	[ "$status" -eq 7 ]
	[ "$(echo "$output" | jq -r '.cases[0].verdict')" = in-use ]
}

@test "validate: a link in the place of a report's .part is not followed" {
	for form in json junit markdown; do
		echo precious >"$BATS_TEST_TMPDIR/other"
		ln -s other "$BATS_TEST_TMPDIR/report.part"
		"$VFIOSCOPE" validate --observe-only --duration 1s "--$form" "$BATS_TEST_TMPDIR/report" || true
		is "$(cat "$BATS_TEST_TMPDIR/other")" precious || return
		[ -s "$BATS_TEST_TMPDIR/report" ] || return
		[ ! -L "$BATS_TEST_TMPDIR/report" ] || return
		rm "$BATS_TEST_TMPDIR/report"
	done
}
