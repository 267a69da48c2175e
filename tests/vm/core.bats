#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The dump of a machine that hangs tells what the machine told a moment before. EVERY=1: all kernels, and
# every scenario of why.sh.
load vm

# kernel, kind of host, how QEMU packs the dump
GUESTS="unfixed:kaslr: 6.12:la57:-z"
[ -z "${EVERY:-}" ] || GUESTS="$GUESTS fixed:kaslr:-z 6.1:la57: 7.x:la57: 6.1:amd: 6.12:plain:"

# why NAME ARGUMENTS...: on this machine, of the dump
why()
{
	local name=$1 status=0
	shift
	"$TOP/build/vfioscope" why --core "$OUT/cores/core" "$@" >"$OUT/$name" 2>"$OUT/$name.err" || status=$?
	echo $status >"$OUT/$name.status"
}

# le NUMBER: as 8 bytes, the lowest first
le()
{
	local i
	for ((i = 0; i < 8; i++)); do
		printf "\\x$(printf %02x $(($1 >> 8 * i & 255)))"
	done
}

# patch AT NUMBER
patch()
{
	le "$2" | dd of="$OUT/cores/core" bs=1 seek="$1" conv=notrunc status=none
}

# take_kernels_notes: the dump's notes are those that the kernel keeps in its memory, as kdump would have written
# them; those of QEMU, and with them the registers, are gone
take_kernels_notes()
{
	local at size header load
	read -r at size <"$OUT/vmcoreinfo"
	header=$(od -An -t u8 -j 32 -N 8 "$OUT/cores/core")
	load=$(readelf -lW "$OUT/cores/core" | awk '$1 == "LOAD" { print $2; exit }')
	patch $((header + 8)) $((load + at))
	patch $((header + 32)) $((0x$size))
}

# explain: everything that the tests look at; then the dump goes, for its size
explain()
{
	why dead --json --all-stacks "$OUT/dead.stacks" --save-evidence "$OUT/evidence.json"
	why dead-pid --json pid "$(tail -n 1 "$OUT/behind")"
	why text
	if [ "$packed" = "" ]; then
		take_kernels_notes
		why noted --json
	fi
	head -c $(($(stat -c %s "$OUT/cores/core") * 2 / 5)) "$OUT/cores/core" >"$OUT/cores/cut"
	mv -f "$OUT/cores/cut" "$OUT/cores/core"
	why cut --json
	rm -f "$OUT/cores/core"
}

setup_file()
{
	local guest kernel host packed
	for guest in $GUESTS; do
		IFS=: read -r kernel host packed <<<"$guest"
		OUT=$BATS_FILE_TMPDIR/$kernel-$host
		mkdir -p "$OUT/cores"
		vm "$kernel" core.sh --mem 512M --host "${HOST:-$host}" --env "CORES=$OUT/cores" \
			--env "PACKED=$packed" --env "RACE=$([ "$kernel" != unfixed ] || echo 1)" \
			--file "$TOP/build/tests/holder:/bin/holder" || return
		explain
	done
}

setup()
{
	local guest kernel host packed
	CASES=
	for guest in $GUESTS; do
		IFS=: read -r kernel host packed <<<"$guest"
		CASES="$CASES $kernel-$host"
	done
}

# told NAME: all of a verdict but times
told()
{
	jq -c '[.exit_status, (.cases[] | [.verdict, .confidence, .reboot, .device, .group, .driver, .way, .place, .cycle,
		.task.tid, .task.stack, ([.holders[] | [.how, .file, .pid, .fd, .comm]] | sort),
		([.victims[] | [.tid, .depth, .lock, .removes]] | sort), (.proof | sort)])]' "$OUT/$1"
}

same()
{
	is "$(told dead)" "$(told live)"
}

@test "core: verdict, waiter, holder, victims and proof as on the machine" {
	each same
}

noted()
{
	[ ! -e "$OUT/noted" ] || is "$(told noted)" "$(told live)"
}

@test "core: VMCOREINFO alone leads to the kernel as well" {
	[ -e "$BATS_FILE_TMPDIR/unfixed-kaslr/noted" ]
	each noted
}

explained()
{
	case ${OUT##*/} in
	unfixed*) is "$(jq -r '.cases[0].verdict' "$OUT/dead")" notifier-deadlock && has_status dead 3 ;;
	*) is "$(jq -r '.cases[0] | .verdict, (.holders | length > 0)' "$OUT/dead" | tr '\n' ' ')" "in-use true " &&
		has_status dead 7 ;;
	esac
}

@test "core: and that is what was done" {
	each explained
}

asked()
{
	is "$(jq -c '[.asked.tid, .exit_status]' "$OUT/dead-pid")" "$(jq -c '[.asked.tid, .exit_status]' "$OUT/live-pid")"
}

@test "core: a task can be asked about" {
	each asked
}

# A task that was not scheduled in between has waited longer by the time that lies between, which is the most by
# which any has.
stacks()
{
	local differ
	differ=$(awk '
	FNR == 1 { file++ }
	/ process [0-9]+ parent / { task = $0; sub(/ process .*/, "", task); waited[file, task] = / for / ? $(NF - 1) : -1; next }
	/^  / { frames[file, task] = frames[file, task] $0 "\n"; if (file == 1) tasks[task] = 1 }
	END {
		for (t in tasks)
			if (waited[1, t] >= 0 && waited[2, t] - waited[1, t] > between)
				between = waited[2, t] - waited[1, t]
		for (t in tasks) {
			if (waited[1, t] < 0 || waited[2, t] - waited[1, t] < between - 0.02)
				continue
			compared++
			if (frames[1, t] != frames[2, t])
				print t ": live\n" frames[1, t] "dead\n" frames[2, t]
		}
		print compared + 0 > "/dev/stderr"
	}' "$OUT/live.stacks" "$OUT/dead.stacks" 2>"$OUT/compared") || return
	silent echo -n "$differ" || return
	[ "$(cat "$OUT/compared")" -ge 30 ] || { echo "only $(cat "$OUT/compared") stacks compared"; return 1; }
}

@test "core: the stack of every task that slept is that of the kernel's own walk" {
	each stacks
}

again()
{
	"$TOP/build/vfioscope" why --json --evidence "$OUT/evidence.json" >"$OUT/again" || true
	is "$(told again)" "$(told dead)" && is "$(jq -r .source "$OUT/again")" core
}

@test "core: its evidence explains the same again" {
	each again
}

# A CPU may run in the moment of the dump: its stack is the one that cannot always be followed.
says_so()
{
	says text '^LOOKED AT a dump: ' && is "$(jq -r .source "$OUT/dead")" core &&
		is "$(jq -c '.limits | map(select(test("^[12] stacks? could not be followed to the end$") | not))' "$OUT/dead")" '[]'
}

@test "core: the report says what it is made from" {
	each says_so
}

# What an operator asks the kernel for when all hangs: the states of all tasks.
logged()
{
	local log
	log=$(jq -r '.cases[0] | .verdict, .task.tid' "$OUT/logged" | tr '\n' ' ')
	[ "$log" != "not-shown null " ] || { echo "not shown"; return 1; }
	is "$log" "$(jq -r '.cases[0] | .verdict, .task.tid' "$OUT/live" | tr '\n' ' ')" &&
		is "$(jq '.cases | length' "$OUT/logged")" "$(jq '.cases | length' "$OUT/live")"
}

@test "core: the kernel's log alone names the same task" {
	each logged
}

quiet_boot()
{
	is "$(jq -c '.cases | map(.verdict)' "$OUT/boot")" '["not-shown"]' &&
		[ "$(wc -l <"$OUT/boot.dmesg")" -gt 200 ]
}

@test "core: the log of a boot is no case" {
	each quiet_boot
}

# Where the rest of the memory is missing nothing is called fine.
cut()
{
	case $(cat "$OUT/cut.status") in
	1) is "$(wc -l <"$OUT/cut.err")" 1 ;;
	3 | 5 | 7) ;;
	*) echo "status $(cat "$OUT/cut.status")"; cat "$OUT/cut"; return 1 ;;
	esac
}

@test "core: a dump that is cut off says nothing that is wrong" {
	each cut
}
