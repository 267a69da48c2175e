# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091,SC2034,SC2154
# Devices by their own nodes, and iommufds: each holder as a snapshot, refs and why see it, what trace sees, the wait
# of iommufd itself, a mediated device. Then the cells of ways.sh.
group=$(group_of 05.0)
mdev=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
evidence=$OUT/evidence
mkdir -p "$evidence"

# why_now NAME [ARGUMENTS]: as JSON, as text, and what it rests on
why_now()
{
	_as=$1
	shift
	step "$_as" timeout 20 vfioscope why --json --save-evidence "$evidence/$_as.json" "$@"
	step "$_as.text" timeout 20 vfioscope why --evidence "$evidence/$_as.json" "$@"
}

# stands_in FUNCTION: some task does, by /proc alone; ten seconds at most
stands_in()
{
	_tries=100
	until grep -lqE "$1\\+" /proc/[0-9]*/task/[0-9]*/stack 2>/dev/null; do
		_tries=$((_tries - 1))
		[ $_tries -gt 0 ] || return 1
		usleep 100000
	done
}

step doctor vfioscope doctor --json
CELLS=$(for holder in cdev cdev-bound cdev-alone cdev-passed cdev-mmap iommufd compat; do echo unbind:$holder; done)
CELLS="$CELLS remove:cdev-bound"
. /lab/ways
bind vfio-pci 05.0
tracing trace --json
for scenario in cdev cdev-bound cdev-alone cdev-passed cdev-mmap iommufd compat; do
	holding $scenario
	step "$scenario.snapshot" snapshot_dump
	step "$scenario.refs" vfioscope refs --once --json
	let_go
done
stopped INT

# Somebody opens it while the books are kept, and an unbind waits for that.
following refs --json
holding kept cdev-bound
echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind &
unbinder=$!
stands_in vfio_unregister_group_dev
sleep 1
stopped INT
kill "$holder"
wait "$holder" $unbinder 2>/dev/null

# A mediated device that is taken away.
modprobe mtty
echo $mdev >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create
: >"$OUT/mdev.holder"
holder cdev-bound none $mdev >"$OUT/mdev.holder" &
holder=$!
wait_for "$OUT/mdev.holder" 'ready\|skipped\|holder:' $holder
sh -c "echo 1 >/sys/bus/mdev/devices/$mdev/remove" &
remover=$!
echo $remover >"$OUT/mdev.remover"
stands_in vfio_unregister_group_dev
usleep 1100000
why_now mdev $mdev
kill "$holder"
wait "$holder" $remover 2>/dev/null

# A close that waits in iommufd, and an unbind that waits for it. The kernel does not see before its time is up that
# the call has ended: nobody waits for that here.
bind vfio-pci 05.0
holding iommufd-wait
stands_in iommufd_object_remove
why_now wait
echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind &
echo $! >"$OUT/wait.unbinder"
stands_in vfio_unregister_group_dev
usleep 1100000
why_now wait-unbind 0000:00:05.0
why_now wait-pid pid "$(sed -n 's/.*pid=\([0-9]*\).*/\1/p' "$OUT/iommufd-wait.holder")"
kill -9 "$holder"
usleep 500000
why_now killed
complaints complaints
