# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Each live verb under the same load of binds, on any kind of host: $OUT/verbs has a line for each, its status
# and its own last word. Then the cells of ways.sh.
: >"$OUT/verbs"

# load SECONDS: two functions of one group are bound and unbound, in the background
load()
{
	for _bdf in 05.0 05.1; do
		(
			_end=$(($(cut -d. -f1 /proc/uptime) + $1))
			while [ "$(cut -d. -f1 /proc/uptime)" -lt $_end ]; do
				bind "$([ $_bdf = 05.0 ] && echo vfio-pci || echo pci-stub)" $_bdf
				unbind $_bdf
			done
		) 2>/dev/null &
	done
}

# verb NAME ARGUMENTS...
verb()
{
	_verb=$1
	shift
	step "verb-$_verb" timeout 60 vfioscope "$@"
	echo "$_verb $(cat "$OUT/verb-$_verb.status") $(tail -1 "$OUT/verb-$_verb" | cut -c1-100)" >>"$OUT/verbs"
}

load 4
verb trace trace -q -d 3s
load 4
verb refs refs -d 3s
load 4
verb exact refs --exact -d 3s
load 4
verb latency latency -d 3s
load 4
verb latency-all latency --all -d 3s
wait
verb validate validate --devices 0000:00:05.0,0000:00:05.1 --i-know-this-can-hang-the-host -n 1500 --strategy bind \
	--min-last-puts 1
verb inspect inspect
bind vfio-pci 05.0
verb once refs --once
verb why why
verb doctor doctor
unbind 05.0
. /lab/ways
