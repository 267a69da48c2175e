# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154
# VFIO built in: every verb, the ledger that the module's kernel has, too (builtin_ledger.sh), and a put
# that the kernel loses because it has no memory.
step doctor vfioscope doctor -v
step inspect vfioscope inspect --running
step unprivileged su -s /bin/sh nobody -c 'vfioscope doctor -v'
step observe vfioscope validate --observe-only -d 1
. /lab/builtin_ledger.sh

# Many at the same time, watched by two: the second finds the first one's breakpoints in the text.
tracing many --json
first=$tracer
following second --json
step doctor-second vfioscope doctor -v
step race race "$RACE"
sleep 1.5
stopped INT
tracer=$first traced=many
stopped INT
left_after left

watching works --json
unbind 05.0
bind vfio-pci 05.0
sleep 1
stopped INT

# A hang: the device's unbind waits for its user.
bind vfio-pci 05.0
holding hang device
(unbind 05.0) &
unbinder=$!
sleep 1
step why vfioscope why --json
step why-text vfioscope why
let_go
wait $unbinder

# The kmalloc() of the deferred put fails, and nothing else: fail-nth counts the allocations of one task,
# a shell of its own, because it may be the one that has no memory. Which allocation it is depends on the way
# there, so one after the other is tried.
warned()
{
	dmesg | grep -q 'WARNING: .*vfio'
}

without_memory()
{
	nth=1
	until warned; do
		[ $nth -lt 200 ] || return 1
		bind pci-stub 05.1
		(
			echo $nth >/proc/self/fail-nth
			echo 0000:00:05.1 >/sys/bus/pci/drivers/pci-stub/unbind
		) 2>/dev/null
		nth=$((nth + 1))
	done
	echo "failed: allocation $((nth - 1))"
}

bind vfio-pci 05.0
bind pci-stub 05.1
following healthy --json
for _ in 1 2 3; do
	unbind 05.1
	bind pci-stub 05.1
done
sleep 2.5
stopped INT

# Not only those that may not wait.
echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
echo 0 >/sys/kernel/debug/failslab/verbose
following starved --json
step injected without_memory
sleep 2.5
stopped INT
step once vfioscope refs --once --json
