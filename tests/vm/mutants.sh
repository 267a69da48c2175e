# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# One faulty vfio.ko: provoked as tools/lab/mutants/README.md tells, watched by refs.
mutant=$(cat /lab/mutant)
group=$(group_of 05.0)

# A bystander comes and goes while the group lives.
cycles()
{
	bind vfio-pci 05.0
	for _ in 1 2 3 4 5; do
		bind pci-stub 05.1
		unbind 05.1
	done
	unbind 05.0
}

provoke()
{
	case $mutant in
	leak-open-error)
		bind vfio-pci 05.0
		exec 7<>"/dev/vfio/$group"
		for _ in 1 2 3; do
			(exec 8<>"/dev/vfio/$group") 2>/dev/null
		done
		sleep 2.5
		exec 7>&-
		unbind 05.0
		;;
	no-external-put)
		modprobe extuser
		bind vfio-pci 05.0
		bind pci-stub 05.1
		printf '%s\n' get get put put 'get_from_dev 0000:00:05.0' put close | extuser module "$group"
		sleep 2.5
		unbind 05.0
		;;
	double-put-close)
		# Not unbound: the group is freed, and its device would write to it.
		bind vfio-pci 05.0
		use_group "$group"
		;;
	queue-twice)
		bind vfio-pci 05.0
		bind vfio-pci 05.1
		unbind 05.0
		;;
	slow-put-bg) race 300 ;;
	wrong-work) race 1000 ;;
	skip-queue-7th)
		for _ in 1 2 3 4 5 6 7; do
			cycles
		done
		;;
	*) cycles ;;
	esac
}

following refs --json
provoke
sleep 1.5
ls /dev/vfio >$OUT/nodes
stopped INT
