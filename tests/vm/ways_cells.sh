# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What came of the cells of ways.sh, for ways.bats and tools/hosts-table; $TOP is the checkout.

# hotplug_of HOST: acpi or native
hotplug_of()
{
	awk -v host="$1" '$1 == host { print $6 }' "$TOP/tools/lab/hosts"
}

# way_words WAY HOTPLUG KERNEL: of ways.table
way_words()
{
	awk -v way="$1" -v hotplug="$2" -v kernel="$3" '
		/^#/ || $1 != way || ($2 != "any" && $2 != hotplug) { next }
		$3 == "any" || index("," $3 ",", "," kernel ",") { for (i = 0; i < 3; i++) sub(/^[^ ]+ +/, ""); print; exit }
	' "$TOP/tests/vm/ways.table"
}

# views DIR NAME DEVICE GROUP WAITER: the verdict that each way to ask gives, from what was recorded
views()
{
	local evidence=$1/evidence/$2.json subject
	for subject in "" "$3" "group $4" "pid $5"; do
		# shellcheck disable=SC2086 # words are wanted
		"$TOP/build/vfioscope" why --json --evidence "$evidence" $subject | jq -er '.cases[0].verdict' || echo no-answer
	done | sort -u | paste -sd,
}

# expected_holders DIR NAME: what the holder told, sorted
expected_holders()
{
	grep -o 'expect=[^ ]*' "$1/$2.holder" | cut -d= -f2 | tr ',' '\n' | sort | paste -sd,
}

# found_holders DIR NAME
found_holders()
{
	jq -r '.cases[0].holders[] | "\(.how):\(.file):\(.pid):\(.fd)"' "$1/$2" | sort | paste -sd,
}

# behind_is DIR NAME COMM LOCK: somebody of that name stands behind the case, at that lock
behind_is()
{
	jq -e --arg comm "$3" --arg lock "$4" \
		'.cases[0].victims | any((.comm | test($comm)) and (.lock | test($lock)))' "$1/$2" >/dev/null
}

# check_hung DIR HOTPLUG KERNEL WAY HOLDER DEVICE GROUP WAITERS: says what is wrong
check_hung()
{
	local dir=$1 name=$4-$5 got words
	words=$(way_words "$4" "$2" "$3")
	got=$(jq -r '.cases[0] | "\(.verdict) \(.confidence) \(.device) \(.group) \(.task.tid) \(.way)"' "$dir/$name") ||
		{ echo "no answer"; return; }
	[ "$got" = "in-use high $6 $7 $8 $words" ] || echo "said \"$got\", expected \"in-use high $6 $7 $8 $words\""
	[ "$(found_holders "$dir" "$name")" = "$(expected_holders "$dir" "$name")" ] ||
		echo "holders $(found_holders "$dir" "$name"), expected $(expected_holders "$dir" "$name")"
	got=$(views "$dir" "$name" "$6" "$7" "$8")
	[ "$got" = in-use ] || echo "not all views agree: $got"
	case $4 in
	second) behind_is "$dir" "$name" pciehp pci_rescan_remove_lock || echo "the removal of the second slot is not behind it" ;;
	shutdown) behind_is "$dir" "$name" reboot "device lock" || echo "the shutdown is not behind it" ;;
	esac
}

# check_cycle DIR: who waits for whom in a circle, and that only a reboot ends it
check_cycle()
{
	local name=cycle-both-later-first pid
	pid=$(sed -n 's/.*pid=\([0-9]*\).*/\1/p' "$1/$name.holder")
	jq -e --argjson pid "$pid" '.cases | length == 1 and (.[0] | .verdict == "in-use" and .reboot == true and
		.confidence == "high" and .cycle and (.holders | any(.how == "release" and .pid == $pid)) and
		(.victims | any(.tid == $pid)) and (.says | test("cycle")))' "$1/$name" >/dev/null ||
		echo "said $(jq -c '.cases[] | [.verdict, .confidence, .reboot, .says]' "$1/$name")"
}

# cells DIR HOTPLUG KERNEL: a line for each: way, holder, then right, wrong REASON or cannot REASON
cells()
{
	local way holder what device group waiters rest wrong words
	while read -r way holder what device group waiters rest; do
		words=$(way_words "$way" "$2" "$3")
		wrong=
		case $what in
		hung)
			case $way in
			cycle) wrong=$(check_cycle "$1") ;;
			*) wrong=$(check_hung "$1" "$2" "$3" "$way" "$holder" "$device" "$group" "${waiters%%,*}") ;;
			esac
			;;
		skipped:)
			echo "$way $holder cannot $device $group $waiters $rest"
			continue
			;;
		*)
			[ "${words#cannot: }" = "$words" ] || { echo "$way $holder cannot ${words#cannot: }"; continue; }
			wrong="$what $device $group $waiters $rest"
			;;
		esac
		echo "$way $holder ${wrong:+wrong }${wrong:-right}" | paste -sd' '
	done <"$1/cells"
}
