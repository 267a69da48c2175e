# SPDX-License-Identifier: GPL-2.0
# What bats files assert with. Each of these fails on what is missing. Under `run` and || bash does not stop at
# a failing line: see tests/native/lint.

# is GOT EXPECTED: nothing is never as expected, because it is what missing results give; see silent
is()
{
	[ "$1" = "$2" ] && [ -n "$1" ] || { echo "got \"$1\", expected \"$2\""; return 1; }
}

# silent COMMAND...: it ends with 0 and prints nothing
silent()
{
	local out
	out=$("$@") || { echo "status $?: $*"; return 1; }
	[ -z "$out" ] || { echo "$* should print nothing:"; echo "$out" | head -40; return 1; }
}

# repeated COMMAND...: the lines that it prints more than once
repeated()
{
	local out
	out=$("$@") || return
	[ -n "$out" ] || { echo "nothing printed: $*"; return 1; }
	echo "$out" | sort | uniq -d
}

# prints_not PATTERN COMMAND...: it ends with 0, and no line that it prints matches (extended)
prints_not()
{
	local out pattern=$1
	shift
	out=$("$@") || { echo "status $?: $*"; return 1; }
	out=$(grep -nE -e "$pattern" <<<"$out") || [ $? -eq 1 ] || return
	[ -z "$out" ] || { echo "$* should not print $pattern:"; echo "$out" | head -40; return 1; }
}

# empty FILE...: they are there, and nothing is in them
empty()
{
	local file
	for file; do
		[ -e "$file" ] || { echo "there is no $file"; return 1; }
		silent cat "$file" || return
	done
}

# absent PATTERN FILE...: the files are there, and no line of them matches (extended)
absent()
{
	local found status=0
	[ $# -ge 2 ] || { echo "absent: which file?"; return 1; }
	found=$(grep -nE -e "$@" 2>&1 </dev/null) || status=$?
	[ $status -eq 1 ] || { echo "should not be there: $1 (status $status)"; echo "$found" | head -40; return 1; }
}
