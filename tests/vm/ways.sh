# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2059,SC2086,SC2154
# Every way in which a device leaves VFIO, each with somebody who holds it, one after the other in one guest.
# CELLS: which way with whom, as way:holder, or `all`. Each leaves a line in $OUT/cells:
#	way holder hung device group waiters what the holder said
#	way holder ended device			nothing waited
#	way holder skipped: why this kernel cannot
#	way holder unprepared
# The waiter is who /proc says to stand in VFIO's wait, the holds are what the holder said of itself.
evidence=$OUT/evidence
mkdir -p "$evidence"
: >"$OUT/cells"

# waiters: tids that stand in VFIO's wait, by /proc alone
waiters()
{
	grep -lE 'vfio_(unregister|del)_group_dev\+' /proc/[0-9]*/task/[0-9]*/stack 2>/dev/null | cut -d/ -f5
}

# until_true SECONDS COMMAND...
until_true()
{
	_left=$(($1 * 10))
	shift
	until "$@"; do
		_left=$((_left - 1))
		[ $_left -gt 0 ] || return 1
		usleep 100000
	done
} 2>/dev/null

is_waiting()
{
	[ -n "$(waiters)" ]
}

is_free()
{
	[ -z "$(waiters)" ]
}

is_over()
{
	! is_alive "$1"
}

is_there()
{
	[ -e "/sys/bus/pci/devices/$1" ]
}

is_gone()
{
	! is_there "$1"
}

# write WORD FILE: in the background; its task is the one that waits
write()
{
	sh -c 'echo "$1" >"$2"' sh "$@" 2>/dev/null &
	writer=$!
}

slot_of()
{
	_address=${1%.*}
	dirname "$(grep -lx "$_address" /sys/bus/pci/slots/*/address)"
}

# can WAY: or $cannot says why this kernel cannot
can()
{
	cannot=
	case $1 in
	unplug | surprise | power | second | cycle)
		set -- "$1" /sys/bus/pci/slots/*/address
		[ -e "$2" ] || cannot='this kernel has no hot-plug slots'
		;;
	numvfs | pf)
		[ -e /sys/bus/pci/devices/0000:03:00.0/sriov_numvfs ] || cannot='this kernel has no SR-IOV'
		;;
	esac
	case $1 in
	unplug | power | second | cycle)
		# Its interrupt thread is two with PREEMPT_RT, and irq_wake_thread() wakes the wrong one.
		! has_pciehp || ! grep -q 1 /sys/kernel/realtime 2>/dev/null ||
			cannot='with PREEMPT_RT pciehp does what it is asked when its port next interrupts, maybe never'
		;;
	esac
	[ -z "$cannot" ]
}

has_pciehp()
{
	ls /sys/bus/pci_express/drivers/pciehp/*:pcie* >/dev/null 2>&1
}

# byte FILE OFFSET
byte()
{
	od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '
}

# word FILE OFFSET VALUE: both bytes at once
word()
{
	printf "\\$(printf %o $(($3 & 255)))\\$(printf %o $(($3 >> 8)))" |
		dd of="$1" bs=2 seek=$(($2 / 2)) conv=notrunc 2>/dev/null
}

# surprise PORT: the card goes without being asked for. QEMU takes a card when its slot has neither power nor its
# indicator on; pciehp must not see it without power, or it holds the slot for one that it has switched off.
surprise()
{
	_config=/sys/bus/pci/devices/$1/config
	_at=$(byte $_config 52)
	while [ "$(byte $_config "$_at")" != 16 ]; do
		_at=$(byte $_config $((_at + 1)))
	done
	_at=$((_at + 24))
	_control=$(($(byte $_config $_at) | $(byte $_config $((_at + 1))) << 8))
	word $_config $_at $(((_control | 0x700) & ~0x20))
	word $_config $_at $((_control & ~0x20))
	word $_config $_at $_control
}

# -- the ways: device WAY sets $device; begin; undo --

device()
{
	case $1 in
	unbind | override | remove) device=0000:00:05.0 ;;
	shutdown) device=0000:02:00.0 ;; # 5.10 gives a group to no container once a device has left it while in use
	unplug | surprise | power | second | cycle) device=0000:01:00.0 ;;
	numvfs | pf | module) device=0000:03:00.1 ;;
	esac
}

# bound DEVICE: one that has just come is in sysfs some time before the kernel lets a driver have it
bound()
{
	until_true 10 bind vfio-pci "$1"
}

# prepare WAY: the device is there and bound. Nobody holds the second one of `second`: its release might want the
# slot's lock, which the thread that waits behind the first has, and only a reboot would end that.
prepare()
{
	second=
	case $1 in
	second)
		second=0000:03:00.0
		bound $second || return
		;;
	cycle)
		second=0000:02:00.0
		bound $second || return
		;;
	numvfs) make_vfs nvme || return ;;
	pf) make_vfs vfio-pci || return ;;
	module)
		modprobe stuckdriver 2>/dev/null || return
		echo 0 >/sys/module/stuckdriver/parameters/stuck
		make_vfs stuckdriver || return
		;;
	esac
	bound $device
}

# make_vfs DRIVER: of the PF
make_vfs()
{
	if ! bind "$1" 0000:03:00.0; then
		cannot="$1 does not come up on the PF of this host"
		return 1
	fi
	[ "$1" != vfio-pci ] || holder token "$(group_of 0000:03:00.0)" 0000:03:00.0
	echo 0 >/sys/bus/pci/devices/0000:03:00.0/sriov_drivers_autoprobe
	echo 1 >/sys/bus/pci/devices/0000:03:00.0/sriov_numvfs
	until_true 5 is_there 0000:03:00.1
}

begin()
{
	case $1 in
	unbind) write $device /sys/bus/pci/drivers/vfio-pci/unbind ;;
	override)
		sh -c 'cd /sys/bus/pci/devices/$1; echo pci-stub >driver_override; echo $1 >driver/unbind
			echo $1 >/sys/bus/pci/drivers_probe' driverctl $device &
		;;
	remove) write 1 /sys/bus/pci/devices/$device/remove ;;
	unplug) monitor device_del card1 ;;
	second | cycle)
		monitor device_del card1
		until_true 12 is_waiting
		monitor device_del "$([ "$1" = second ] && echo card3 || echo card2)"
		until_true 12 is_behind
		[ "$1" = second ] || end_all
		;;
	shutdown)
		write $device /sys/bus/pci/drivers/vfio-pci/unbind
		until_true 12 is_waiting
		reboot -f &
		;;
	power) write 0 "$(slot_of $device)/power" ;;
	surprise) surprise 0000:00:10.0 ;;
	numvfs) write 0 /sys/bus/pci/devices/0000:03:00.0/sriov_numvfs ;;
	pf) write 0000:03:00.0 /sys/bus/pci/drivers/vfio-pci/unbind ;;
	module) rmmod stuckdriver & ;;
	esac
}

# is_behind: a second thread of pciehp waits for the lock of all removals
is_behind()
{
	grep -l 'pciehp_unconfigure_device+' /proc/[0-9]*/stack | xargs grep -L 'vfio_' | grep -q .
}

# end_all: the holder dies, and hangs in the release of the first of its devices
end_all()
{
	kill -9 "$holder"
	until_true 12 grep -q 'pciehp_reset_slot' "/proc/$holder/stack"
}

# card_again DEVICE: once that is gone, the first card comes back. QEMU has taken it when the guest has switched
# its slot off, which is a second after the device went, or several; too early a device_add is refused.
card_again()
{
	for _try in 1 2 3 4 5 6; do
		until_true 10 is_gone "$1"
		sleep 1
		monitor device_add edu,bus=slot1,id=card1
		! until_true 12 is_there $device || return
	done
}

undo()
{
	case $1 in
	override) echo >/sys/bus/pci/devices/$device/driver_override ;;
	remove) echo 1 >/sys/bus/pci/rescan ;;
	unplug | power | surprise) card_again $device ;;
	second) card_again $second ;;
	numvfs | pf | module)
		modprobe vfio-pci
		unbind 0000:03:00.0
		;;
	esac
}

# why NAME [ARGUMENTS]: as JSON, and what it rests on
why()
{
	_as=$1
	shift
	step "$_as" timeout 20 vfioscope why --json --save-evidence "$evidence/$_as.json" "$@"
}

# cell WAY HOLDER
cell()
{
	device "$1"
	name=$1-$2
	can "$1" || { echo "$1 $2 skipped: $cannot" >>"$OUT/cells"; return; }
	prepare "$1" || { echo "$1 $2 ${cannot:+skipped: }${cannot:-unprepared}" >>"$OUT/cells"; return; }
	holding_device "$name" "$2"
	grep -q ready "$OUT/$name.holder" || { echo "$1 $2 $(cat "$OUT/$name.holder")" >>"$OUT/cells"; return; }
	begin "$1"
	if until_true 12 is_waiting; then
		usleep 1100000
		echo "$1 $2 hung $device $(group_of $device) $(waiters | paste -sd, -) $(cat "$OUT/$name.holder")" >>"$OUT/cells"
		why "$name"
	else
		echo "$1 $2 ended $device" >>"$OUT/cells"
	fi
	case $1 in
	cycle | shutdown) return ;;
	esac
	let_go_of "$2"
	until_true 20 is_free || { echo "$1 $2 stays" >>"$OUT/cells"; return; }
	undo "$1"
}

holding_device()
{
	: >"$OUT/$1.holder"
	SECOND=$second SECOND_GROUP=$(group_of ${second:-05.0}) \
		holder "$2" "$(group_of $device)" $device >"$OUT/$1.holder" 2>&1 &
	holder=$!
	wait_for "$OUT/$1.holder" 'ready\|skipped\|holder:'
}

# let_go_of HOLDER: who stands in a close that waits for a file system goes when that is cut off
let_go_of()
{
	kill -9 "$holder" 2>/dev/null
	case $1 in
	exiting*)
		echo 1 >"$(echo /sys/fs/fuse/connections/*/abort)"
		usleep 200000
		umount /tmp/holder.fuse
		;;
	esac
	until_true 20 is_over "$holder" && wait "$holder" 2>/dev/null
}

for module in nvme vhost_vsock fuse kvm-amd; do
	modprobe $module 2>/dev/null
done
mount -t fusectl fuse /sys/fs/fuse/connections 2>/dev/null
{ echo 1 >/sys/module/vfio_pci/parameters/enable_sriov; } 2>/dev/null
HOLDERS='device device-dup device-fork mmap vhost socket backlog ring hidden-ring exiting exiting-early namespace'
[ ! -e /dev/iommu ] || HOLDERS="$HOLDERS cdev cdev-bound cdev-alone cdev-passed cdev-mmap compat"
# Without containers a device is opened by its own node.
usual=device
[ -e /dev/vfio/vfio ] || usual=cdev-bound

# product WAYS HOLDERS
product()
{
	for _way in $1; do
		for _holder in $2; do
			echo "$_way:$_holder"
		done
	done
}

# The default is each way and each holder once; CELLS=all is each with each. The last ones do not end.
if has_pciehp; then
	once="$(product 'unplug surprise power second' $usual) cycle:both-later-first"
	all="$(product 'unplug surprise power' "$HOLDERS") second:$usual cycle:both-later-first"
else
	once="$(product unbind "$HOLDERS")
		$(product 'override remove unplug power numvfs' $usual) pf:vf module:$usual shutdown:$usual"
	all="$(product 'unbind override remove unplug power numvfs module' "$HOLDERS") pf:vf shutdown:$usual"
fi
[ "${CELLS:-}" != all ] || CELLS=$all
for pair in ${CELLS:-$once}; do
	cell "${pair%:*}" "${pair#*:}"
done
dmesg | tail -60 >"$OUT/dmesg"
