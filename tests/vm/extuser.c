// SPDX-License-Identifier: GPL-2.0
/*
 * Lets an external user take references to a VFIO group. Runs in a guest of the lab.
 *
 *	extuser module|kvm GROUP	GROUP: number of the group, as in /dev/vfio/GROUP
 *
 * module asks tools/lab/modules/extuser; kvm asks the VFIO device of a virtual machine without CPUs, as
 * QEMU does (modprobe kvm-amd first). Opens a container and the group, puts one into the other, sets the
 * type 1 IOMMU, and prints "ready". Every device of the group must have vfio-pci or pci-stub for that.
 * Then obeys lines of its standard input, each answered by "ok" or "error NUMBER WORDS":
 *
 *	get			one more external reference; kvm takes one for each group only
 *	get_from_dev BDF	the same by the device 0000:00:05.0 (module only)
 *	put			drops one
 *	close			closes the group's file; what is external stays
 *	quit			ends, as the end of input does; kvm drops its references then, module does not
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RUN "/sys/module/extuser/parameters/run"

static int container = -1, group = -1, kvm_device = -1;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_rw(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static void set_up_group(const char *number)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	container = open_rw("/dev/vfio/vfio");
	group = open_rw(path);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		fail("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		fail("VFIO_SET_IOMMU");
}

static void set_up_kvm(void)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	int vm = ioctl(open_rw("/dev/kvm"), KVM_CREATE_VM, 0);

	if (vm < 0)
		fail("KVM_CREATE_VM");
	if (ioctl(vm, KVM_CREATE_DEVICE, &device))
		fail("KVM_CREATE_DEVICE");
	kvm_device = device.fd;
}

/* Returns 0, or -1 with errno set, as the following ones. */
static int ask_module(const char *command)
{
	int fd = open(RUN, O_WRONLY | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return -1;
	done = write(fd, command, strlen(command));
	close(fd);
	return done < 0 ? -1 : 0;
}

static int ask_kvm(uint64_t what)
{
	int32_t fd = group;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = what,
		.addr = (uintptr_t)&fd,
	};

	return ioctl(kvm_device, KVM_SET_DEVICE_ATTR, &attr);
}

static int get(void)
{
	char command[32];

	if (kvm_device >= 0)
		return ask_kvm(KVM_DEV_VFIO_GROUP_ADD);
	snprintf(command, sizeof(command), "get %d", group);
	return ask_module(command);
}

static int put(void)
{
	return kvm_device >= 0 ? ask_kvm(KVM_DEV_VFIO_GROUP_DEL) : ask_module("put");
}

static int obey(const char *line)
{
	if (!strcmp(line, "get"))
		return get();
	if (!strcmp(line, "put"))
		return put();
	if (!strcmp(line, "close"))
		return close(group);
	if (!strncmp(line, "get_from_dev ", 13) && kvm_device < 0)
		return ask_module(line);
	errno = EINVAL;
	return -1;
}

static void obey_all(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "quit"))
			break;
		if (obey(line))
			printf("error %d %s\n", errno, strerror(errno));
		else
			puts("ok");
	}
}

int main(int argc, char **argv)
{
	bool kvm = argc == 3 && !strcmp(argv[1], "kvm");

	if (argc != 3 || (!kvm && strcmp(argv[1], "module"))) {
		fprintf(stderr, "usage: extuser module|kvm GROUP\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	set_up_group(argv[2]);
	if (kvm)
		set_up_kvm();
	puts("ready");
	obey_all();
	return 0;
}
