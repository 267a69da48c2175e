#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Every verb, every option with a value, every file that is read: what is wrong is told in one
# line on stderr, short, printable, that begins with the program's name, with the status that
# --help documents; nothing is written, and nothing dies. VFIOSCOPE and VFIO_STRESS name other
# builds of the two, such as those with sanitizers.

load ../assert
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
TABLE=$BATS_TEST_DIRNAME/bad_input.table

setup_file()
{
	export WORK=$BATS_FILE_TMPDIR/work LONG ESCAPE
	LONG=$(head -c 10000 /dev/zero | tr '\0' Z)
	ESCAPE=$(printf 'a\033[31m\007\nb')
	mkdir -p "$WORK/folder"
	: >"$WORK/empty"
	head -c 4096 /dev/urandom >"$WORK/binary"
	head -c 200 "$TOP/tests/facts/fixed.json" >"$WORK/cut"
	echo '{}' >"$WORK/other"
	: >"$WORK/$ESCAPE"
}

setup()
{
	cd "$WORK" || return
	VFIOSCOPE=${VFIOSCOPE:-$TOP/build/vfioscope}
	VFIO_STRESS=${VFIO_STRESS:-$TOP/build/vfio-stress}
	export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=halt_on_error=1:exitcode=98
}

verbs()
{
	"$VFIOSCOPE" --help | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# options HELP-COMMAND...: "--name METAVAR" for each option, METAVAR is empty for a flag
options()
{
	"$@" --help | sed -n '/^options/,/^$/s/^  *\(-.,\)\{0,1\}  *--\([a-z-]*\)\( \([A-Z][A-Za-z,.]*\)\)\{0,1\}\( .*\)\{0,1\}$/--\2 \4/p' |
		grep -v '^--help'
}

# kind VERB OPTION: what the table says its value is
kind()
{
	awk -v verb="$1" -v option="$2" '!/^#/ && ($1 == verb || $1 == "*") && $2 == option { print $3; exit }' "$TABLE"
}

complain()
{
	printf '%q ' "$@" | cut -c1-300
	head -c 600 "$WORK/../err" | cat -v
	return 1
}

# refused STATUSES PROGRAM ARGUMENTS...: with one of these statuses (2,1), in one good line. Some
# hundred calls, so all but the program itself is done without a fork.
refused()
{
	local LC_ALL=C statuses=$1 status=0 lines
	shift
	timeout -k 5 60 "$@" >"$WORK/../out" 2>"$WORK/../err" </dev/null || status=$?
	[[ ",$statuses," == *",$status,"* ]] || complain "status $status, not $statuses:" "$@" || return
	mapfile -t lines <"$WORK/../err"
	[ ${#lines[@]} -eq 1 ] || complain "not one line:" "$@" || return
	[ ${#lines[0]} -lt 200 ] || complain "too long:" "$@" || return
	[[ "${lines[0]}" != *[!\ -~]* ]] || complain "not printable:" "$@" || return
	[[ "${lines[0]}" == "${1##*/}"* ]] || complain "who speaks?" "$@" || return
	[ -e "$WORK/../out" ] && [ ! -s "$WORK/../out" ] || complain "something on stdout:" "$@"
}

# wrong_values KIND: one a line, \n and the like as printf %b reads them
wrong_values()
{
	case $1 in
	time) printf '%s\n' soon -1 0 1.5s 10x 99999999999999999999 1h1 ' 5s' 0x10 '10 s' ;;
	size) printf '%s\n' big -1 1 4T 3000K 99999999999999999999 1.5M 5G ;;
	count) printf '%s\n' big -1 1 4T 99999999999999999999 1.5M 5M ;;
	number) printf '%s\n' many -1 1.5 99999999999999999999 0x1g '1 ' ;;
	groups) printf '%s\n' abc -7 1.5 99999999999999999999 1,,2 1, '1;2' 0x1 ;;
	devices) printf "%s\n" zzz 0000:00:05 0000:00:20.0 0000:00:05.8 -1:00.0 00:05.0, 00:05.0,x ;;
	pids) printf '%s\n' init -1 0 99999999999999999999 1, 1.5 ;;
	names) printf '%s\n' a,,b , much-too-long-for-the-name-of-a-task-or-of-anything-else ;;
	events) printf '%s\n' nonsense get,nonsense get, GET ;;
	words) printf '%s\n' maybe ALWAYS -1 ;;
	symbols) printf '%s\n' 'two words' 'f()' ' f' ;;
	any) ;;
	address) printf '%s\n' 9836 localhost:1 127.0.0.1 127.0.0.1:x 127.0.0.1:99999 '[::1]1' unix:relative unix: :1 ;;
	host) printf '%s\n' 'two words' name:1 a/b ;;
	infile) printf '%s\n' missing folder empty binary cut other ./missing/x /dev/zero ;;
	logfile) printf '%s\n' missing folder empty ./missing/x /dev/zero ;;
	outfile) printf '%s\n' folder ./missing/x empty/x ;;
	*) echo "the table has an unknown kind: $1" >&2; return 1 ;;
	esac
}

# status_of KIND: files fail (1), the rest is wrong usage (2)
status_of()
{
	case $1 in
	infile | logfile) echo 1 ;;
	outfile) echo 1,4,6 ;;
	*) echo 2 ;;
	esac
}

# needs VERB OPTION: what makes that option be read at all
needs()
{
	case $1$2 in
	*--save-facts) echo "--facts $TOP/tests/facts/fixed.json" ;;
	*--sample) echo --all ;;
	can--root) echo unbind 0000:00:05.0 ;;
	serve--textfile | serve--output) echo "--listen unix:$BATS_FILE_TMPDIR/v.sock" ;;
	*--save-evidence) echo "--evidence $TOP/tests/evidence/fixed-two.json" ;;
	validate--json | validate--junit | validate--markdown) echo --observe-only ;;
	validate--devices | validate--strategy | validate--cycles) echo --i-know-this-can-hang-the-host ;;
	esac
}

# each_option DO...: for every verb, each option that takes a value: DO VERB OPTION KIND
each_option()
{
	local verb option metavar kind
	for verb in $(verbs); do
		while read -r option metavar; do
			[ -n "$metavar" ] || continue
			kind=$(kind "$verb" "$option")
			[ -n "$kind" ] || { echo "no row for $verb $option in $TABLE"; return 1; }
			"$@" "$verb" "$option" "$kind" || return
		done < <(options "$VFIOSCOPE" "$verb")
	done
}

wrong_one()
{
	local verb=$1 option=$2 kind=$3 value
	while IFS= read -r value; do
		# shellcheck disable=SC2046 # words are wanted
		refused "$(status_of "$kind")" "$VFIOSCOPE" "$verb" $(needs "$verb" "$option") "$option" "$value" || return
	done < <(wrong_values "$kind")
}

@test "bad input: the table has every option with a value, and no other" {
	each_option true
	while read -r verb option _; do
		[ "$verb" = '*' ] || [[ "$(options "$VFIOSCOPE" "$verb")"$'\n' == *"$option "[A-Z]* ]] ||
			{ echo "there is no $verb $option any more"; return 1; }
	done < <(grep -v '^#' "$TABLE")
	[ "$(each_option echo | wc -l)" -ge 35 ]
}

@test "bad input: wrong values" {
	each_option wrong_one
}

# 10,000 characters are a name that nothing has; where any text is right they are a file's or a program's.
long_one()
{
	local statuses=2
	case $3 in infile | logfile | outfile) statuses=1,4,6 ;; any) statuses=1,2,4,6 ;; esac
	# shellcheck disable=SC2046 # words are wanted
	[ "$1$2" = validate--stress ] || refused "$statuses" "$VFIOSCOPE" "$1" $(needs "$1" "$2") "$2" "$LONG"
}

@test "bad input: 10,000 characters" {
	each_option long_one
	for verb in $(verbs); do
		refused 1,2 "$VFIOSCOPE" "$verb" "$LONG" || return
		refused 2 "$VFIOSCOPE" "$verb" "--$LONG" || return
		refused 2 "$VFIOSCOPE" "$verb" "-$LONG" || return
	done
	refused 2 "$VFIOSCOPE" "$LONG"
	refused 2 "$VFIO_STRESS" --devices "$LONG"
	refused 2 "$VFIO_STRESS" "--$LONG"
	refused 2 "$VFIO_STRESS" "$LONG"
	refused 2 "$VFIO_STRESS" --restore --state "$LONG"
	refused 2 "$VFIO_STRESS" --restore --root "$LONG"
}

escape_one()
{
	local statuses=2
	case $3 in infile | logfile) statuses=1 ;; outfile | any | names) statuses= ;; esac
	# shellcheck disable=SC2046 # words are wanted
	[ -z "$statuses" ] || refused "$statuses" "$VFIOSCOPE" "$1" $(needs "$1" "$2") "$2" "$ESCAPE"
}

@test "bad input: control characters do not reach the terminal" {
	each_option escape_one
	for verb in $(verbs); do
		refused 1,2 "$VFIOSCOPE" "$verb" "$ESCAPE" || return
		refused 2 "$VFIOSCOPE" "$verb" "--$ESCAPE" || return
		refused 2 "$VFIOSCOPE" "$verb" $'-\033' || return
	done
	refused 2 "$VFIOSCOPE" "$ESCAPE"
	refused 2 "$VFIO_STRESS" --devices "$ESCAPE"
	refused 2 "$VFIO_STRESS" "$ESCAPE"
}

empty_one()
{
	refused 2 "$VFIOSCOPE" "$1" "$2=" && refused 2 "$VFIOSCOPE" "$1" "$2"
}

@test "bad input: no value, an empty value" {
	each_option empty_one
	refused 2 "$VFIO_STRESS" --devices
	refused 2 "$VFIO_STRESS" --devices=
	refused 2 "$VFIO_STRESS" --state=
}

# A right value for each kind, twice.
twice_one()
{
	local value
	case $3 in
	time) value=1h ;;
	size) value=1M ;;
	count) value=1000 ;;
	number) value=20 ;;
	words) value=never ;;
	infile | outfile | any) value=missing/x ;;
	*) value= ;; # lists grow
	esac
	case $2 in --exit-style) value=ltp ;; --blame) value=off ;; --btf) value=/sys/kernel/btf/vmlinux ;; esac
	[ "$2" != --btf ] || [ -r "$value" ] || value=
	if [ -n "$value" ]; then
		refused 2 "$VFIOSCOPE" "$1" "$2" "$value" "$2" "$value" || return
		grep -q 'given twice' "$WORK/../err" || complain "twice:" "$1" "$2"
	fi
}

@test "bad input: a value given twice" {
	each_option twice_one
}

@test "bad input: a flag takes no value, and unknown options are named" {
	for verb in $(verbs); do
		while read -r option metavar; do
			[ -n "$metavar" ] || refused 2 "$VFIOSCOPE" "$verb" "$option=1" || return
		done < <(options "$VFIOSCOPE" "$verb")
		refused 2 "$VFIOSCOPE" "$verb" --no-such-option || return
		refused 2 "$VFIOSCOPE" "$verb" -Z || return
		grep -q -- -Z "$WORK/../err" || return
	done
	refused 2 "$VFIOSCOPE" no-such-verb
	refused 2 "$VFIOSCOPE" ''
	refused 2 "$VFIOSCOPE" --no-such-option
	refused 2 "$VFIO_STRESS" --no-such-option
	refused 2 "$VFIO_STRESS" -Z
	refused 2 "$VFIO_STRESS" --kmsg=1
	refused 2 "$VFIO_STRESS" operand
}

@test "bad input: operands" {
	for verb in doctor trace refs latency validate; do
		refused 2 "$VFIOSCOPE" $verb operand || return
		refused 2 "$VFIOSCOPE" $verb '' || return
	done
	refused 2 "$VFIOSCOPE" why ' 00:05.0'
	refused 2 "$VFIOSCOPE" why ''
	for subject in zz:yy 05.0 0000:00:05 0000:00:05.8 group pid 'group -1' 'group x' \
		'group 99999999999999999999' 'pid 0' 'pid -1' 'pid 1 2' 'pid x'; do
		# shellcheck disable=SC2086 # words are wanted
		refused 2 "$VFIOSCOPE" why $subject || return
	done
	refused 1 "$VFIOSCOPE" why group 99999
	refused 1 "$VFIOSCOPE" why ffff:ff:1f.7
	refused 1 "$VFIOSCOPE" why 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
	refused 1 "$VFIOSCOPE" why pid 2147483646
	for file in missing empty binary cut other /dev/zero /dev/null "$ESCAPE" missing/x; do
		refused 1 "$VFIOSCOPE" inspect "$file" || return
	done
	refused 2 "$VFIOSCOPE" inspect empty binary
}

@test "bad input: files that may not be read or written" {
	[ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null || skip "needs root, to be nobody"
	nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$nobody test -x "$VFIOSCOPE" || skip "the program is not for everybody"
	cp "$TOP/tests/facts/fixed.json" secret
	chmod 600 secret
	chmod 755 "$WORK" .
	refused_as_nobody()
	{
		local status=0
		$nobody "$VFIOSCOPE" "$@" >"$WORK/../out" 2>"$WORK/../err" </dev/null || status=$?
		[ $status -eq 1 ] && [ "$(wc -l <"$WORK/../err")" -eq 1 ] && grep -q '^vfioscope.*Permission denied' "$WORK/../err" ||
			complain "status $status:" "$@"
	}
	refused_as_nobody doctor --facts secret
	refused_as_nobody why --evidence secret
	refused_as_nobody inspect secret
	refused_as_nobody doctor --facts "$TOP/tests/facts/fixed.json" --save-facts new
	refused_as_nobody validate --observe-only --json new
	rm secret
}

# A closed stdout is not the next file that is opened; /dev/full is full.
@test "bad input: stdout closed or full, stderr closed" {
	facts="--facts $TOP/tests/facts/fixed.json"
	ko=$TOP/build/tests/fixtures/kmod.ko
	local as_root=()
	[ "$(id -u)" -ne 0 ] || as_root=("devices" "devices --json" "refs --once" "refs --once --json" "why" "why --json" "why --no-bpf"
		"latency --all -d 200ms" "latency --all -d 200ms --json" "latency --all -d 300ms --interval 100ms"
		"latency --all -d 200ms --events" "doctor --self-test")
	for args in "doctor $facts" "doctor --json $facts" "why --evidence $TOP/tests/evidence/fixed-two.json" \
		"why --json --evidence $TOP/tests/evidence/fixed-two.json" --help "trace --help" --version "inspect $ko" \
		"inspect --json $ko" "inspect $TOP/build/tests/fixtures/inspect" "inspect --json $TOP/build/tests/fixtures/inspect" \
		"${as_root[@]}"; do
		status=0
		# shellcheck disable=SC2086 # words are wanted
		"$VFIOSCOPE" $args >&- 2>err || status=$?
		[ $status -eq 1 ] || { echo "closed: $args: $status"; cat err; return 1; }
		is_one_line err || return
		status=0
		# shellcheck disable=SC2086
		"$VFIOSCOPE" $args >/dev/full 2>err || status=$?
		[ $status -eq 1 ] || { echo "full: $args: $status"; cat err; return 1; }
		is_one_line err || return
		status=0
		# shellcheck disable=SC2086
		"$VFIOSCOPE" $args >out 2>&- <&- || status=$?
		[ $status -le 7 ] && [ -s out ] || { echo "stderr closed: $args: $status"; return 1; }
	done
	"$VFIOSCOPE" trace --nonsense 2>&- || [ $? -eq 2 ]
	status=0
	"$VFIOSCOPE" doctor $facts --save-facts saved >&- 2>/dev/null || status=$?
	[ $status -eq 1 ]
	jq -e .schema saved >/dev/null
	rm -f err out saved
}

is_one_line()
{
	[ "$(wc -l <"$1")" -eq 1 ] && grep -q '^vfioscope.*cannot write' "$1" || { cat "$1"; return 1; }
}

# Processes choose their names, archives the names of their files.
@test "bad input: names from elsewhere cannot command a terminal" {
	sed 's/"comm": *"[^"]*"/"comm":"e\\u001b[2Jvil"/; s/"cmdline": *"[^"]*"/"cmdline":"q\\u001b[2J -name \\u001b[31m"/; s/"driver": *"[^"]*"/"driver":"\\u0007"/' \
		"$TOP/tests/evidence/unfixed-victims.json" >hostile
	"$VFIOSCOPE" why --evidence hostile >page || [ $? -eq 3 ]
	grep -q '"e\\x1b\[2Jvil"' page
	is "$(LC_ALL=C grep -c '[^ -~]' page)" 0
	mkdir "$WORK/folder/$ESCAPE"
	cp "$TOP/build/tests/fixtures/kmod.ko" "$WORK/folder/$ESCAPE/vfio.ko"
	"$VFIOSCOPE" inspect folder >page || true
	grep -q 'x1b' page
	is "$(LC_ALL=C grep -c '[^ -~]' page)" 0
	rm -r "$WORK/folder/$ESCAPE"
	sed 's/"release": *"[^"]*"/"release":"e\\u001b[2Jvil"/' "$TOP/tests/facts/fixed.json" >hostile
	refused 1 "$VFIOSCOPE" doctor --facts hostile
	rm hostile page
}

# forge FILTER WORDS: evidence with other names; no line of `why` begins with what stands in them.
forge()
{
	local status=0
	jq "$1" "$TOP/tests/evidence/fixed-device.json" >hostile || return
	"$VFIOSCOPE" why --evidence hostile >page || status=$?
	is "$status" 7 || return
	grep -qF "$2" page || { cat page; return 1; }
	is "$(grep -c '^VERDICT' page) $(grep -c '^NEXT' page)" "1 1" || return
	is "$(grep -cE '^.?(IDLE|echo)' page) $(LC_ALL=C grep -c '[^ -~]' page)" "0 0" || return
	"$VFIOSCOPE" why --json --evidence hostile >line || status=$?
	is "$(wc -l <line) $(LC_ALL=C grep -c '[^ -~]' line)" "1 0"
}

@test "bad input: a name writes no line of advice" {
	local forged='x\nVERDICT\tIDLE\tconfidence\thigh\nNEXT\techo\tb>/proc/sysrq-trigger'
	forge '(.processes[] | select(.comm == "holder") | .cmdline) = "qemu -name guest='"$forged"'"' \
		'"x\x0aVERDICT\x09IDLE\x09'
	is "$(jq -r '.cases[0].holders[0].vm' line)" "$(printf '%b' "$forged")"
	forge '(.. | .comm? | select(. == "holder")) = "\u001b[2J\nVERDICT ID"' \
		'"\x1b[2J\x0aVERDICT ID"['
	forge '(.. | .comm? | select(. == "holder")) = "\rNEXT echo b"' '"\x0dNEXT echo b"['
	forge '(.. | .comm? | select(. == "holder")) = "\u202e\u2028\u009bVERDICT"' '"\xe2\x80\xae\xe2'
	rm hostile page line
}

@test "bad input: nothing was written" {
	is "$(find . -mindepth 1 ! -name 'a*' | sort | paste -sd' ')" \
		"./binary ./cut ./empty ./folder ./other"
	is "$(find . -mindepth 1 -name 'a*' | wc -l)" 2 # lines: that name has two
	empty empty
}

# -- the scripts that users call --

# script STATUSES COMMAND...: one line that names the script
script()
{
	local statuses=$1 status=0
	shift
	timeout 60 "$@" >"$WORK/../out" 2>"$WORK/../err" </dev/null || status=$?
	[[ ",$statuses," == *",$status,"* ]] || complain "status $status:" "$@" || return
	[ "$(grep -c . "$WORK/../err")" -eq 1 ] && [ "$(wc -c <"$WORK/../err")" -le 200 ] || complain "not one line:" "$@"
}

@test "bad input: the lab" {
	lab=$TOP/tools/lab/lab
	script 64 "$lab" run
	script 64 "$lab" run no-such-kernel -- true
	script 64 "$lab" run "$LONG" -- true
	script 64 "$lab" run "$ESCAPE" -- true
	script 64 "$lab" run fixed
	script 64 "$lab" run fixed --no-such-option -- true
	script 64 "$lab" run fixed --timeout soon -- true
	script 64 "$lab" run fixed --timeout
	script 64 "$lab" path fixed
	script 64 "$lab" path fixed nonsense
}
