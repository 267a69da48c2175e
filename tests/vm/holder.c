// SPDX-License-Identifier: GPL-2.0
/*
 * Holds VFIO objects in the ways that real programs do, until it is killed.
 * usage: holder SCENARIO GROUP DEVICE	(sleepers: the number of them for GROUP)
 * Prints "ready NAME=VALUE..." when it holds.
 * Exit status 77: this kernel does not offer it; 1: something failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <linux/vhost.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define BAR_BYTES (1 << 20)	/* of QEMU's edu device */

struct held {
	int container, group, device;
};

static const char *group_number, *device_name;

__attribute__((noreturn)) static void fail(const char *what)
{
	printf("holder: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int ret, const char *what)
{
	if (ret < 0)
		fail(what);
	return ret;
}

static void wait_to_be_killed(void)
{
	fflush(stdout);
	for (;;)
		pause();
}

/* The child ends with its parent, so that a test has one process to kill. */
static pid_t child(void)
{
	pid_t pid = check(fork(), "fork");

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int open_group(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", group_number);
	return check(open(path, O_RDWR), path);
}

static struct held open_container(void)
{
	struct held h = { .device = -1 };

	h.container = check(open("/dev/vfio/vfio", O_RDWR), "/dev/vfio/vfio");
	h.group = open_group();
	check(ioctl(h.group, VFIO_GROUP_SET_CONTAINER, &h.container), "VFIO_GROUP_SET_CONTAINER");
	check(ioctl(h.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "VFIO_SET_IOMMU");
	return h;
}

static struct held open_device(void)
{
	struct held h = open_container();

	h.device = check(ioctl(h.group, VFIO_GROUP_GET_DEVICE_FD, device_name),
			 "VFIO_GROUP_GET_DEVICE_FD");
	return h;
}

static void hold_group(void)
{
	printf("ready pid=%d fd=%d\n", getpid(), open_group());
}

static void hold_dup(void)
{
	int fd = open_group(), second = check(dup2(fd, 77), "dup2");

	printf("ready pid=%d fd=%d fd2=%d\n", getpid(), fd, second);
}

static void hold_fork(void)
{
	int fd = open_group();
	pid_t pid = child();

	if (!pid)
		wait_to_be_killed();
	close(fd);
	printf("ready pid=%d fd=%d parent=%d\n", pid, fd, getpid());
}

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	check(sendmsg(socket, &msg, 0), "sendmsg");
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd;

	check(recvmsg(socket, &msg, 0), "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The child never opens anything: all it has came through the socket. */
static void hold_pass(void)
{
	int sockets[2], fd, got;
	char byte = 0;
	pid_t pid;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
	pid = child();
	if (!pid) {
		got = receive_fd(sockets[1]);
		check(dup2(got, 55), "dup2");
		close(got);
		check(write(sockets[1], &byte, 1), "write");
		wait_to_be_killed();
	}
	fd = open_group();
	send_fd(sockets[0], fd);
	close(fd);
	check(read(sockets[0], &byte, 1), "read");
	printf("ready pid=%d fd=55 parent=%d\n", pid, getpid());
}

static void hold_device(void)
{
	struct held h = open_device();

	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d\n", getpid(), h.device);
}

/* Two descriptors of the device's only file. */
static void hold_device_dup(void)
{
	struct held h = open_device();

	check(dup2(h.device, 77), "dup2");
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d fd2=%d\n", getpid(), h.device, 77);
}

/* Takes the device lock on every kernel; that another was first is no failure. */
static void *unbind_too(void *ignored)
{
	sigset_t set;
	int sig, fd;

	(void)ignored;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &sig);
	fd = check(open("/sys/bus/pci/drivers/vfio-pci/unbind", O_WRONLY), "unbind");
	if (write(fd, device_name, strlen(device_name)) < 0 && errno != ENODEV)
		fail("unbind");
	return NULL;
}

/*
 * Has the device open; after SIGUSR1 one of its threads waits for the device lock, and after SIGUSR2
 * the other one closes the device.
 */
static void hold_waits_back(void)
{
	struct held h = open_device();
	pthread_t thread;
	sigset_t set;
	int sig;

	close(h.group);
	close(h.container);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, unbind_too, NULL))
		fail("pthread_create");
	printf("ready pid=%d fd=%d\n", getpid(), h.device);
	fflush(stdout);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwait(&set, &sig);
	close(h.device);
}

/* Only a forked child still has the device open. */
static void hold_device_fork(void)
{
	struct held h = open_device();
	pid_t pid = child();

	close(h.group);
	close(h.container);
	if (!pid)
		wait_to_be_killed();
	close(h.device);
	printf("ready pid=%d fd=%d parent=%d\n", pid, h.device, getpid());
}

/* The group is in a container, and no device is open. */
static void hold_stall(void)
{
	struct held h = open_container();

	printf("ready pid=%d container=%d group=%d\n", getpid(), h.container, h.group);
}

/* Everything as a virtual machine has it. */
static void hold_all(void)
{
	struct held h = open_device();

	printf("ready pid=%d container=%d group=%d device=%d\n", getpid(), h.container, h.group,
	       h.device);
}

/* Closing the group's file takes the group out of the container again. */
static void hold_container(void)
{
	struct held h = open_container();

	close(h.group);
	printf("ready pid=%d fd=%d\n", getpid(), h.container);
}

/* The first region is the BAR. */
static void map_bar(int device)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = VFIO_PCI_BAR0_REGION_INDEX };

	check(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "VFIO_DEVICE_GET_REGION_INFO");
	if (mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, device, info.offset) ==
	    MAP_FAILED)
		fail("mmap");
}

static void hold_mmap(void)
{
	struct held h = open_device();

	map_bar(h.device);
	close(h.device);
	close(h.group);
	close(h.container);
	printf("ready pid=%d\n", getpid());
}

/* One has the group and the container, another only the device. */
static void hold_two(void)
{
	struct held h = open_device();
	pid_t pid = child();

	if (!pid) {
		close(h.group);
		close(h.container);
		wait_to_be_killed();
	}
	close(h.device);
	usleep(300000);
	printf("ready pid=%d container=%d group=%d child=%d device=%d\n", getpid(), h.container,
	       h.group, pid, h.device);
}

/* The virtual machine alone keeps the group: its monitor has closed what it opened. */
static void hold_kvm(void)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };
	struct held h = open_container();
	struct kvm_device_attr attr = { .group = KVM_DEV_VFIO_GROUP, .attr = KVM_DEV_VFIO_GROUP_ADD,
					.addr = (uintptr_t)&h.group };
	int kvm = open("/dev/kvm", O_RDWR), vm;

	if (kvm < 0) {
		printf("skipped: no /dev/kvm here\n");
		exit(SKIPPED);
	}
	vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	check(ioctl(vm, KVM_CREATE_DEVICE, &create), "KVM_CREATE_DEVICE");
	check(ioctl(create.fd, KVM_SET_DEVICE_ATTR, &attr), "KVM_SET_DEVICE_ATTR");
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d\n", getpid(), create.fd);
}

/*
 * An address space that no process has any more: who owned the vhost device has exited, but
 * another process has the device open, and that keeps the memory and what is mapped in it.
 */
static void hold_vhost(void)
{
	int vhost = open("/dev/vhost-vsock", O_RDWR), status;
	struct held h;
	pid_t pid;

	if (vhost < 0) {
		printf("skipped: no /dev/vhost-vsock here\n");
		exit(SKIPPED);
	}
	pid = child();
	if (!pid) {
		check(ioctl(vhost, VHOST_SET_OWNER, NULL), "VHOST_SET_OWNER");
		h = open_device();
		map_bar(h.device);
		exit(0);
	}
	check(waitpid(pid, &status, 0), "waitpid");
	if (status) {
		errno = ECHILD;
		fail("the owner of the vhost device");
	}
	printf("ready pid=%d gone=%d\n", getpid(), pid);
}

static void hold_cdev(void)
{
	char path[128];
	int fd;

	if (access("/dev/vfio/devices", F_OK) || access("/dev/iommu", F_OK)) {
		printf("skipped: no /dev/vfio/devices or no /dev/iommu here\n");
		exit(SKIPPED);
	}
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", device_name);
	fd = check(open(path, O_RDWR), path);
	printf("ready pid=%d fd=%d\n", getpid(), fd);
}

#define OPENERS 3
#define REOPENS 150

static void reopen(int group)
{
	for (int i = 0; i < REOPENS; i++)
		close(check(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, device_name),
			    "VFIO_GROUP_GET_DEVICE_FD"));
}

/* Several processes open and close one device, which stays open meanwhile. */
static void hold_reopen(void)
{
	struct held h = open_device();
	int status;

	for (int i = 0; i < OPENERS; i++)
		if (!child()) {
			reopen(h.group);
			exit(0);
		}
	for (int i = 0; i < OPENERS; i++) {
		check(wait(&status), "wait");
		if (status) {
			errno = ECHILD;
			fail("an opener");
		}
	}
	printf("ready pid=%d opened=%d\n", getpid(), OPENERS * REOPENS + 1);
}

/* Idle processes with some descriptors each, as a host has by the thousand. */
static void hold_sleepers(void)
{
	for (int i = 0; i < 10; i++)
		check(dup(0), "dup");
	for (int left = atoi(group_number); left; left--)
		if (!child())
			wait_to_be_killed();
	printf("ready pid=%d\n", getpid());
}

static const struct {
	const char *name;
	void (*hold)(void);
} scenarios[] = {
	{ "group", hold_group }, { "dup", hold_dup }, { "fork", hold_fork },
	{ "pass", hold_pass }, { "device", hold_device }, { "all", hold_all },
	{ "container", hold_container }, { "mmap", hold_mmap }, { "two", hold_two },
	{ "device-dup", hold_device_dup }, { "device-fork", hold_device_fork }, { "stall", hold_stall },
	{ "kvm", hold_kvm }, { "vhost", hold_vhost }, { "cdev", hold_cdev }, { "sleepers", hold_sleepers },
	{ "reopen", hold_reopen }, { "waits-back", hold_waits_back },
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	group_number = argv[2];
	device_name = argv[3];
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(scenarios[i].name, argv[1]))
			continue;
		scenarios[i].hold();
		wait_to_be_killed();
	}
	return 2;
}
