# SPDX-License-Identifier: GPL-2.0
# Sourced by the bats files: runs a scenario in a guest, and looks at what it left.

load ../assert

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# with_bpftool: lab options that put bpftool and its libraries into the guest
with_bpftool()
{
	local tool=/usr/sbin/bpftool lib
	echo "--file $tool:/bin/bpftool"
	ldd "$tool" | grep -o '/[^ ]*' | while read -r lib; do
		echo "--file $lib:$lib"
	done
}

# run_guest KERNEL SCENARIO [lab options]: `fixed`, which most suites boot, runs on the kind of host FIXED_ON
# where a suite says so. HOST goes first, and so does an option of the suite's own.
# The time is for guests that never end: a busy machine takes five times as long.
run_guest()
{
	local kernel=$1 scenario=$2 host=
	shift 2
	[ "$kernel" != fixed ] || [ -n "${HOST:-}" ] || host=${FIXED_ON:-}
	# shellcheck disable=SC2046 # words are wanted
	"$TOP/tools/lab/lab" run "$kernel" $(with_bpftool) ${host:+--host "$host"} --timeout "${VM_TIMEOUT:-900}" \
		--keep-log "$OUT/kernel.log" --evidence "$OUT/guest" \
		--file "$BATS_TEST_DIRNAME/guest.sh:/lab/guest.sh" \
		--file "$BATS_TEST_DIRNAME/$scenario:/lab/scenario" \
		--get "/tmp/out.tar:$OUT/out.tar" "$@" -- \
		'. /lab/guest.sh; . /lab/scenario; tar -C /tmp -cf /tmp/out.tar out; exit 0' \
		>"$OUT/console" 2>&1
}

# vm KERNEL SCENARIO [lab options]: results in $OUT/. A guest that did not end, or died, fails.
vm()
{
	OUT=${OUT:-$BATS_FILE_TMPDIR/out}
	export OUT
	mkdir -p "$OUT"
	rm -f "$OUT/out.tar"
	run_guest "$@" || { guest_failed "$1" $?; return 1; } >&2
	tar -C "$OUT" --strip-components=1 -xf "$OUT/out.tar" || { guest_failed "$1" "no results"; return 1; } >&2
	rm -f "$OUT/out.tar"
	# A wait that was in vain explains the assertions that fail later.
	[ ! -e "$OUT/waits" ] || sed "s/^/# $1: /" "$OUT/waits" >&3
}

# guest_failed KERNEL STATUS: what it said, and where the evidence is. tests/run keeps the folder of the whole
# suite; without it, bats would remove that, so a copy is made.
guest_failed()
{
	local kept=$OUT
	echo "the guest failed: $1, status $2"
	head -n 3 "$OUT/guest/summary" 2>/dev/null
	tail -n 8 "$OUT/kernel.log" 2>/dev/null || tail -n 8 "$OUT/guest/console"
	tail -n 40 "$OUT/console"
	if [ -z "${VFIOSCOPE_KEPT:-}" ]; then
		kept=$(mkdir -p "$TOP/build/tests/results" &&
			mktemp -d "$TOP/build/tests/results/guest-$(basename "$BATS_TEST_FILENAME" .bats)-XXXXXX")
		cp -r "$OUT/." "$kept"
	fi
	echo "all that it left: $kept"
}

# each COMMAND...: on the results of each of $CASES, which have a folder each
each()
{
	local case
	[ -n "$CASES" ] || { echo "no cases"; return 1; }
	for case in $CASES; do
		OUT=$BATS_FILE_TMPDIR/$case
		"$@" || { echo "in case $case"; return 1; }
	done
}

# has_status NAME STATUS
has_status()
{
	local got
	got=$(cat "$OUT/$1.status")
	[ "$got" = "$2" ] || { echo "$1: status $got, expected $2"; tail -qn 30 "$OUT/$1" "$OUT/$1.err"; return 1; }
} 2>&1

# says NAME PATTERN (extended)
says()
{
	grep -qE "$2" "$OUT/$1" || { echo "$1 does not say: $2"; tail -40 "$OUT/$1"; return 1; }
}

# says_not NAME PATTERN: it is there, and does not say that
says_not()
{
	absent "$2" "$OUT/$1"
}

# of NAME TYPE FILTER: jq over the records of one type
of()
{
	[ -s "$OUT/$1" ] || { echo "no records in $1" >&2; return 1; }
	jq -r "select(.type == \"$2\") | $3" "$OUT/$1"
}

# summary NAME FILTER
summary()
{
	of "$1" summary "$2"
}

# as_in_its_file NAME: compared NAME found the text of vfio.ko so, with probes in it
as_in_its_file()
{
	has_status "$1" 0 && says "$1" '^as-file bytes [0-9]{5} functions [0-9]+ ranges [0-9]{3,} probes [1-9]' || return
	[ "$(wc -l <"$OUT/$1.probes")" -ge 4 ] || { echo "no probes of others in vfio.ko"; return 1; }
	echo "# $(cat "$OUT/$1")" >&3
}

# nothing_left NAME: leftovers() could list everything, and there was nothing. A guest of the lab has no BPF
# programs and no probes of its own.
nothing_left()
{
	says "$1" '^leftovers: all was listed$' && silent listed_things "$1"
}

listed_things()
{
	grep -vE '^(== |leftovers: )' "$OUT/$1" || [ $? -eq 1 ]
}

# chain: "breaks moved last" of "time direction value task" lines. The time is taken after the write, so
# CPUs can seem to contradict each other: an order is sought, near that of time, in which each value
# follows from the one before and what one task did stays in order. breaks: 0, or 1 if there is none.
chain()
{
	grep -v ' ? ?' | sort -n | awk '
	function candidate(after,    i, passed) {
		while (low in done) low++
		for (i = low; i <= NR && i < low + 32; i++) {
			if (i in done) continue
			if (i > after && !(task[i] in passed) && (!n || value[i] - way[i] == now)) return i
			passed[task[i]] = 1
		}
		return 0
	}
	function take(i) {
		moved[++n] = moved[n - 1] + (i != low)
		picked[n] = i; before[n] = now; now = value[i]; done[i] = 1
		if (n > most) most = n
	}
	function take_back(    i) {
		i = picked[n]; now = before[n--]; delete done[i]
		if (i < low) low = i
		return i
	}
	{ way[NR] = $2 == "+" ? 1 : -1; value[NR] = $3; task[NR] = $4 }
	END {
		low = 1
		while (n < NR) {
			if (i = candidate(after)) { take(i); after = 0; continue }
			if (!n || n < most - 64 || ++tries > 100000) { broken = 1; break }
			after = take_back()
		}
		print broken + 0, moved[n] + 0, now
	}'
}

# took_from FROM TO MOST: seconds; no more than MOST ms lie between, without those in which a processor of the guest
# stood still, of which the witness tells
took_from()
{
	local took still
	read -r took still < <(awk -v from="$1" -v to="$2" '$1 == "stall" && $3 > from && $2 < to {
			print ($2 > from ? $2 : from), ($3 < to ? $3 : to) }' "$OUT/witness" | sort -n |
		awk -v from="$1" -v to="$2" 'BEGIN { end = from }
			{ if ($1 > end) end = $1; if ($2 > end) { still += $2 - end; end = $2 } }
			END { printf "%.3f %.3f\n", (to - from) * 1000, still * 1000 }')
	echo "# ${OUT##*/}: $took ms after vfio_group_release, of which $still ms stood still" >&3
	awk -v took="$took" -v still="$still" -v most="$3" 'BEGIN { exit !(took > 0 && took - still < most) }'
}

# What the guests have written as JSON has no key that its document does not describe.
teardown_file()
{
	local files
	mapfile -t files < <(find "$BATS_FILE_TMPDIR" -type f ! -name out.tar -size +0 -exec sh -c \
		'for file; do head -c 16 "$file" | tr -d "\0\n" | grep -q "^{ *\"type\":" && echo "$file"; done' sh {} +)
	[ ${#files[@]} -eq 0 ] || "$TOP/tests/schema" "${files[@]}"
}
