#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The assertions themselves: each is shown to fail on what is wrong and on what is missing. And every test of
# the VM suites is shown to fail when its guests have left nothing.

load ../vm/vm

setup()
{
	OUT=$BATS_TEST_TMPDIR
	mkdir -p "$OUT/a" "$OUT/b"
	printf '%s\n' '{"type":"event","event":"get"}' '{"type":"summary","lost":0}' >"$OUT/json"
	echo 3 >"$OUT/json.status"
	echo 'a line' >"$OUT/text"
	: >"$OUT/nothing"
}

# fails COMMAND...: it does, as under `each`, where bash does not stop at a failing line
fails()
{
	if "$@" >"$BATS_TEST_TMPDIR/words" 2>&1 3>/dev/null; then
		echo "should fail: $*"
		return 1
	fi
}

@test "assert: is" {
	is a a
	fails is a b
	fails is '' b
	fails is '' ''
	fails is a ''
}

@test "assert: silent" {
	silent true
	fails silent echo words
	fails silent false
	fails silent cat "$OUT/missing"
	fails silent of missing event .event
	fails silent of nothing event .event
}

@test "assert: absent, empty" {
	absent other "$OUT/text"
	fails absent line "$OUT/text"
	fails absent line "$OUT/missing"
	fails absent other "$OUT/text" "$OUT/missing"
	fails absent other
	fails absent '(' "$OUT/text"
	empty "$OUT/nothing"
	fails empty "$OUT/text"
	fails empty "$OUT/missing"
	fails empty "$OUT/nothing" "$OUT/missing"
}

@test "assert: prints_not, repeated" {
	prints_not other cat "$OUT/text"
	fails prints_not line cat "$OUT/text"
	fails prints_not other cat "$OUT/missing"
	fails prints_not '(' cat "$OUT/text"
	is "$(repeated printf '%s\n' a b a)" a
	silent repeated cat "$OUT/text"
	fails repeated cat "$OUT/missing"
	fails repeated cat "$OUT/nothing"
	fails silent repeated printf '%s\n' a a
}

@test "assert: says, says_not" {
	says text '^a l'
	fails says text other
	fails says missing line
	fails says nothing line
	says_not text other
	fails says_not text line
	fails says_not missing line
}

@test "assert: has_status" {
	has_status json 3
	fails has_status json 0
	fails has_status missing 0
	fails has_status text 3
}

@test "assert: of, summary" {
	is "$(of json event .event)" get
	is "$(summary json .lost)" 0
	fails of missing event .event
	fails of nothing event .event
	fails of text event .event
	fails is "$(summary missing .lost)" 0
}

@test "assert: each" {
	CASES="a b"
	BATS_FILE_TMPDIR=$OUT
	in_order() { echo "${OUT##*/}" >>"$BATS_TEST_TMPDIR/order"; }
	each in_order
	is "$(paste -sd' ' "$BATS_TEST_TMPDIR/order")" "a b"
	first_is_wrong() { [ "${OUT##*/}" != a ]; }
	second_is_wrong() { [ "${OUT##*/}" != b ]; }
	fails each first_is_wrong
	fails each second_is_wrong
	fails each says missing line
	CASES=
	fails each true
}

@test "assert: nothing_left" {
	listing() { printf '%s\n' '== cat list' '== bpftool prog list' "$@" >"$OUT/left"; }
	listing 'leftovers: all was listed'
	nothing_left left
	listing '12: kprobe  name put_site  tag 0' 'leftovers: all was listed'
	fails nothing_left left
	listing 'ffffffffc0012149  k  vfio_group_put_bg+0x19  vfio' 'leftovers: all was listed'
	fails nothing_left left
	listing 'left' 'leftovers: all was listed'
	fails nothing_left left
	listing 'bpftool: not found'
	fails nothing_left left
	listing
	fails nothing_left left
	fails nothing_left nothing
	fails nothing_left missing
}

@test "assert: as_in_its_file" {
	said() { echo "as-file bytes $1 functions 57 ranges 699 probes $2" >"$OUT/said"; seq "$3" >"$OUT/said.probes"; echo "$4" >"$OUT/said.status"; }
	said 10579 1 4 0
	as_in_its_file said 3>/dev/null
	said 10579 1 3 0
	fails as_in_its_file said
	said 10579 0 4 0
	fails as_in_its_file said
	said 10579 1 4 1
	fails as_in_its_file said
	said 9 1 4 0
	fails as_in_its_file said
	rm "$OUT/said.probes"
	fails as_in_its_file said
	fails as_in_its_file missing
}

# "time direction value task"
@test "assert: chain" {
	is "$(printf '%s\n' '1 + 1 7' '2 + 2 8' '3 - 1 7' | chain)" "0 0 1"
	is "$(printf '%s\n' '1 + 1 7' '2 - 1 7' '3 + 2 8' | chain)" "0 1 1"
	is "$(printf '%s\n' '1 + 1 7' '2 + 3 8' | chain | cut -d' ' -f1)" 1
	is "$(printf '%s\n' '1 + 1 7' '2 + 2 7' '3 + 4 7' | chain | cut -d' ' -f1)" 1
}

@test "assert: the places of gets and puts are read from a module, or it fails" {
	fails "$TOP/tests/vm/sites" "$OUT/missing"
	fails "$TOP/tests/vm/sites" "$OUT/text"
	"$TOP/tests/vm/sites" "$TOP/build/tests/fixtures/kmod.ko" >"$OUT/sites"
	[ "$(grep -c '^put [a-z_]*+0x[0-9a-f]*$' "$OUT/sites")" -ge 1 ]
	[ "$(grep -c '^get [a-z_]*+0x[0-9a-f]*$' "$OUT/sites")" -ge 1 ]
}

@test "assert: a key that no document has is found, and so is no JSON" {
	echo '{"type":"start","schema":1,"kernel":"x"}' >"$OUT/known"
	echo '{"type":"event","schema":1,"event":"get","no_such_key":1}' >"$OUT/more"
	cat "$OUT/known" "$OUT/more" >"$OUT/unknown"
	"$TOP/tests/schema" "$OUT/known"
	fails "$TOP/tests/schema" "$OUT/unknown"
	fails "$TOP/tests/schema" "$OUT/known" "$OUT/unknown"
	# Objects of many lines, too, however long they are.
	jq -n '{type: "why", schema: 1, cases: [range(1000) | {verdict: "idle"}]}' >"$OUT/long"
	"$TOP/tests/schema" "$OUT/long"
	jq '.cases[900].no_such_key = 1' "$OUT/long" >"$OUT/long-unknown"
	fails "$TOP/tests/schema" "$OUT/long-unknown"
	head -n 500 "$OUT/long" >"$OUT/torn"
	fails "$TOP/tests/schema" "$OUT/torn"
	fails "$TOP/tests/schema" "$OUT/text"
	fails "$TOP/tests/schema" "$OUT/missing"
	fails "$TOP/tests/schema"
}

# What the lint accepts must be what bash and bats do.
@test "assert: what the lint accepts with a false check fails under bats" {
	awk -v dir="$OUT" '/^== / { keep = /^== good.*\(fails\)$/; if (keep) file = dir "/good-" ++n ".bats"; if (keep) print "load assert" >file; next }
		keep { print >file }' "$TOP/tests/native/lint.cases"
	cp "$TOP/tests/assert.bash" "$OUT/"
	[ "$(ls "$OUT"/good-*.bats | wc -l)" -ge 11 ]
	for file in "$OUT"/good-*.bats; do
		fails bats --tap "$file" || { cat "$file"; return 1; }
		grep -q '^not ok 1 x' "$BATS_TEST_TMPDIR/words" || { cat "$file" "$BATS_TEST_TMPDIR/words"; return 1; }
	done
}

# hollow: a copy of the suites with a lab whose guests end at once and leave nothing at all
hollow()
{
	mkdir -p "$OUT/tree/tests" "$OUT/tree/tools/lab" "$OUT/tree/build/tests"
	cp -r "$TOP/tests/vm" "$TOP/tests/assert.bash" "$OUT/tree/tests/"
	cp "$TOP/tools/lab/matrix" "$OUT/tree/tools/lab/"
	cp "$TOP/tools/eras-table" "$OUT/tree/tools/"
	ln -s "$TOP/build/tests/fixtures" "$TOP/build/vfioscope" "$TOP/build/sanitized" "$OUT/tree/build/"
	ln -s "$TOP/bpf" "$TOP/docs" "$OUT/tree/"
	cat >"$OUT/tree/tools/lab/lab" <<'END'
#!/bin/bash
# names: two kernels; path: any module; run: an empty archive, and words that are none
[ "$1" != names ] || { echo "fixed 6.12"; exit; }
[ "$1" != path ] || { echo "$(dirname "$0")/../../build/fixtures/kmod.ko"; exit; }
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	[ "$1" != --get ] || { empty=$(mktemp -d); mkdir "$empty/out"; tar -C "$empty" -cf "${2#*:}" out; rm -r "$empty"; }
	shift
done
exit 0
END
	chmod +x "$OUT/tree/tools/lab/lab"
}

@test "assert: every test of the VM suites fails when the guests leave nothing" {
	hollow
	# This one's guests leave no results; it is about the lab itself.
	rm "$OUT/tree/tests/vm/lab.bats"
	for file in "$OUT"/tree/tests/vm/*.bats; do
		timeout 100 bats --tap "$file" >"$file.tap" 2>&1 || true
		[ "$(grep -c '^not ok' "$file.tap")" -ge 1 ] || { cat "$file.tap"; return 1; }
	done
	absent '^ok [0-9]+ [^#]*$' "$OUT"/tree/tests/vm/*.tap
}
