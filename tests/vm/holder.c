// SPDX-License-Identifier: GPL-2.0
/*
 * Holds VFIO objects in the ways that real programs do, until it is killed.
 * usage: holder SCENARIO GROUP DEVICE	(sleepers: the number of them for GROUP)
 * Prints "ready NAME=VALUE..." when it holds.
 * Exit status 77: this kernel does not offer it; 1: something failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/fuse.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/userfaultfd.h>
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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iommufd_uapi.h"

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

/* The kernel may lack it, which @missing says. */
static int check_or(int missing, int ret, const char *what)
{
	return ret < 0 && errno == missing ? -1 : check(ret, what);
}

__attribute__((noreturn)) static void skip(const char *why)
{
	printf("skipped: %s\n", why);
	exit(SKIPPED);
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
	printf("ready pid=%d fd=%d expect=fd:device:%d:%d\n", getpid(), h.device, getpid(), h.device);
}

/* Two descriptors of the device's only file. */
static void hold_device_dup(void)
{
	struct held h = open_device();

	check(dup2(h.device, 77), "dup2");
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d fd2=%d expect=fd:device:%d:%d,fd:device:%d:77\n", getpid(), h.device,
	       77, getpid(), h.device, getpid());
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
	printf("ready pid=%d fd=%d parent=%d expect=fd:device:%d:%d\n", pid, h.device, getpid(), pid,
	       h.device);
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
	printf("ready pid=%d expect=map:null:%d:null\n", getpid(), getpid());
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

	if (kvm < 0)
		skip("no /dev/kvm here");
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

	if (vhost < 0)
		skip("no /dev/vhost-vsock here");
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
	printf("ready pid=%d gone=%d expect=mm:null:%d:%d\n", getpid(), pid, getpid(), vhost);
}

/* -- a device by its own node, and an iommufd -- */

struct bound {
	int device, iommu;
	uint32_t id;	/* of the device in the iommufd */
};

/* /dev/vfio/devices/vfioN of the device */
static int open_cdev(void)
{
	static const char *const buses[] = { "pci", "mdev" };
	char pattern[128], path[64];
	glob_t found = {};
	int fd;

	if (access("/dev/vfio/devices", F_OK) || access("/dev/iommu", F_OK))
		skip("no /dev/vfio/devices or no /dev/iommu here");
	for (size_t i = 0; i < 2 && !found.gl_pathc; i++) {
		snprintf(pattern, sizeof(pattern), "/sys/bus/%s/devices/%s/vfio-dev/vfio*", buses[i],
			 device_name);
		glob(pattern, 0, NULL, &found);
	}
	errno = ENODEV;
	check(found.gl_pathc ? 0 : -1, "the node of the device");
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", strrchr(found.gl_pathv[0], '/') + 1);
	fd = check(open(path, O_RDWR), path);
	globfree(&found);
	return fd;
}

/* As QEMU does it with -object iommufd and -device vfio-pci,iommufd=. */
static struct bound bind_cdev(void)
{
	struct bound b = { .device = open_cdev(),
			   .iommu = check(open("/dev/iommu", O_RDWR), "/dev/iommu") };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = b.iommu };
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };

	check(ioctl(b.device, VFIO_DEVICE_BIND_IOMMUFD, &bind), "VFIO_DEVICE_BIND_IOMMUFD");
	check(ioctl(b.iommu, IOMMU_IOAS_ALLOC, &ioas), "IOMMU_IOAS_ALLOC");
	attach.pt_id = ioas.out_ioas_id;
	check(ioctl(b.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach),
	      "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	b.id = bind.out_devid;
	return b;
}

static void ready_with_cdev(int pid, int fd)
{
	printf("ready pid=%d fd=%d expect=fd:cdev:%d:%d\n", pid, fd, pid, fd);
}

/* Opened, and bound to nothing: that alone keeps the device registered. */
static void hold_cdev(void)
{
	ready_with_cdev(getpid(), open_cdev());
}

static void hold_cdev_bound(void)
{
	struct bound b = bind_cdev();

	printf("ready pid=%d fd=%d iommu=%d expect=fd:cdev:%d:%d\n", getpid(), b.device, b.iommu, getpid(),
	       b.device);
}

/* The device keeps its context; nobody else has a descriptor of that. */
static void hold_cdev_alone(void)
{
	struct bound b = bind_cdev();

	close(b.iommu);
	ready_with_cdev(getpid(), b.device);
}

/* A manager opens both and hands them over, as libvirt does for QEMU. */
static void hold_cdev_passed(void)
{
	int sockets[2], device, iommu;
	struct bound b;
	char byte = 0;
	pid_t pid;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
	pid = child();
	if (!pid) {
		device = check(dup2(receive_fd(sockets[1]), 55), "dup2");
		iommu = check(dup2(receive_fd(sockets[1]), 56), "dup2");
		for (int fd = 3; fd < 55; fd++)
			close(fd == sockets[1] ? -1 : fd);
		check(write(sockets[1], &byte, 1), "write");
		(void)device, (void)iommu;
		wait_to_be_killed();
	}
	b = bind_cdev();
	send_fd(sockets[0], b.device);
	send_fd(sockets[0], b.iommu);
	close(b.device);
	close(b.iommu);
	check(read(sockets[0], &byte, 1), "read");
	ready_with_cdev(pid, 55);
}

static void hold_cdev_mmap(void)
{
	struct bound b = bind_cdev();

	map_bar(b.device);
	close(b.device);
	close(b.iommu);
	printf("ready pid=%d expect=map:null:%d:null\n", getpid(), getpid());
}

/* The context alone: it was bound, and the device has been closed. Nobody holds the device. */
static void hold_iommufd(void)
{
	struct bound b = bind_cdev();

	close(b.device);
	printf("ready pid=%d fd=%d\n", getpid(), b.iommu);
}

/* The way of groups, with an iommufd in the place of the container. */
static void hold_compat(void)
{
	struct held h = { .container = open("/dev/iommu", O_RDWR), .group = open_group() };

	if (h.container < 0)
		skip("no /dev/iommu here");
	check(ioctl(h.group, VFIO_GROUP_SET_CONTAINER, &h.container), "VFIO_GROUP_SET_CONTAINER");
	h.device = check(ioctl(h.group, VFIO_GROUP_GET_DEVICE_FD, device_name),
			 "VFIO_GROUP_GET_DEVICE_FD");
	close(h.container);
	close(h.group);
	printf("ready pid=%d fd=%d expect=fd:device:%d:%d\n", getpid(), h.device, getpid(), h.device);
}

static struct bound asked;
static void *nobody_answers;

/* Asks about the device in the iommufd. The answer goes to memory that nobody fills in. */
static void *ask_for_ever(void *ignored)
{
	struct iommu_hw_info info = { .size = sizeof(info), .dev_id = asked.id, .data_len = 64,
				      .data_uptr = (uintptr_t)nobody_answers };

	ioctl(asked.iommu, IOMMU_GET_HW_INFO, &info);
	return ignored;
}

/* A page whose first touch waits for whoever reads the userfaultfd, which nobody does. */
static void *page_without_answer(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = check((int)syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { .range = { (uintptr_t)page, 4096 },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };

	check(ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	check(ioctl(fd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER");
	return page;
}

/*
 * The device's only file is closed while another thread is in a question about the device: the close
 * waits for that in iommufd, for some time.
 */
static void hold_iommufd_wait(void)
{
	pthread_t thread;

	asked = bind_cdev();
	nobody_answers = page_without_answer();
	if (pthread_create(&thread, NULL, ask_for_ever, NULL))
		fail("pthread_create");
	sleep(1);
	printf("ready pid=%d fd=%d iommu=%d\n", getpid(), asked.device, asked.iommu);
	fflush(stdout);
	close(asked.device);
	printf("closed\n");
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

/* -- without a descriptor -- */

/* Nobody has received it yet. */
static void hold_socket(void)
{
	struct held h = open_device();
	int sockets[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
	send_fd(sockets[0], h.device);
	close(sockets[0]);
	close(h.device);
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d expect=socket:device:%d:%d\n", getpid(), sockets[1], getpid(),
	       sockets[1]);
}

/* A connection that nobody has accepted has a message with it in its queue. */
static void hold_backlog(void)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX, .sun_path = "/tmp/holder.socket" };
	int listener = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket"), sender;
	struct held h = open_device();

	unlink(here.sun_path);
	check(bind(listener, (struct sockaddr *)&here, sizeof(here)), "bind");
	check(listen(listener, 4), "listen");
	sender = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
	check(connect(sender, (struct sockaddr *)&here, sizeof(here)), "connect");
	send_fd(sender, h.device);
	close(sender);
	close(h.device);
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d expect=socket:device:%d:%d\n", getpid(), listener, getpid(),
	       listener);
}

/* The ring alone has it; with `hidden` nor has the ring a descriptor. */
static void hold_in_ring(bool hidden)
{
	struct io_uring_params params = {};
	struct held h = open_device();
	int ring = check_or(ENOSYS, (int)syscall(SYS_io_uring_setup, 4, &params), "io_uring_setup");
	struct io_uring_rsrc_update own = { .offset = ~0u, .data = (uint64_t)ring };

	if (ring < 0)
		skip("this kernel has no io_uring");
	check((int)syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &h.device, 1),
	      "IORING_REGISTER_FILES");
	if (hidden && syscall(SYS_io_uring_register, ring, IORING_REGISTER_RING_FDS, &own, 1) != 1)
		skip("rings cannot be registered here");
	if (hidden)
		close(ring);
	close(h.device);
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d expect=ring:device:%d:", getpid(), ring, getpid());
	printf(hidden ? "null\n" : "%d\n", ring);
}

static void hold_ring(void)
{
	hold_in_ring(false);
}

static void hold_hidden_ring(void)
{
	hold_in_ring(true);
}

/* -- a task that ends, and hangs on its way -- */

static void answer(int fuse, uint64_t unique, const void *data, size_t len)
{
	char buf[256];
	struct fuse_out_header *head = (struct fuse_out_header *)buf;

	*head = (struct fuse_out_header){ .len = sizeof(*head) + len, .unique = unique };
	memcpy(head + 1, data, len);
	check(write(fuse, buf, head->len) < 0 ? -1 : 0, "answer");
}

/* One file, that opens and never gets through a close. */
static void serve(int fuse)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attr = { .attr_valid = 1000, .attr = { .ino = 1, .nlink = 1,
				      .mode = S_IFREG | 0600, .blksize = 4096 } };
	struct fuse_open_out open = { .fh = 1 };
	static char buf[1 << 16];

	for (;;) {
		struct fuse_in_header *in = (struct fuse_in_header *)buf;

		check(read(fuse, buf, sizeof(buf)) < 0 ? -1 : 0, "a request of FUSE");
		if (in->opcode == FUSE_INIT)
			answer(fuse, in->unique, &init, sizeof(init));
		else if (in->opcode == FUSE_GETATTR)
			answer(fuse, in->unique, &attr, sizeof(attr));
		else if (in->opcode == FUSE_OPEN)
			answer(fuse, in->unique, &open, sizeof(open));
	}
}

/*
 * A child is killed. It closes a file of ours, and that close waits for an answer that does not come.
 * The device was closed before, and its release is left to the end of the exit; or it is still to be closed.
 */
static void hold_exiting_with(bool closed)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct held h;
	char options[80];
	pid_t server, pid;

	if (fuse < 0)
		skip("no /dev/fuse here");
	close(check(open("/tmp/holder.fuse", O_CREAT | O_RDWR, 0600), "/tmp/holder.fuse"));
	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0", fuse);
	check(mount("holder", "/tmp/holder.fuse", "fuse", 0, options), "mount");
	server = child();
	if (!server)
		serve(fuse);
	close(fuse);
	pid = child();
	if (!pid) {
		h = open_device();
		if (!closed)	/* a free descriptor below that of the device */
			close(h.group);
		check(open("/tmp/holder.fuse", O_RDWR), "the file of FUSE");
		close(h.container);
		if (closed)
			close(h.group);
		wait_to_be_killed();
	}
	sleep(1);
	kill(pid, SIGKILL);
	usleep(300000);
	printf("ready pid=%d server=%d expect=release:device:%d:null\n", pid, server, pid);
}

static void hold_exiting(void)
{
	hold_exiting_with(true);
}

static void hold_exiting_early(void)
{
	hold_exiting_with(false);
}

/* -- others -- */

/* In a PID namespace of its own; the PID told is that of the host. */
static void hold_namespace(void)
{
	int told[2], fd = 0;
	pid_t pid;

	check(pipe(told), "pipe");
	if (check_or(EINVAL, unshare(CLONE_NEWPID), "unshare") < 0)
		skip("this kernel has no PID namespaces");
	pid = child();
	if (!pid) {
		struct held h = open_device();

		close(h.group);
		close(h.container);
		check(write(told[1], &h.device, sizeof(int)) < 0 ? -1 : 0, "write");
		wait_to_be_killed();
	}
	check(read(told[0], &fd, sizeof(fd)) == sizeof(fd) ? 0 : -1, "the child");
	printf("ready pid=%d fd=%d expect=fd:device:%d:%d\n", pid, fd, pid, fd);
}

#define TOKEN "11223344-5566-7788-99aa-bbccddeeff00"

/* Who has a PF sets the token that its VFs are opened with; it outlives the descriptor. Does not stay. */
static void hold_token(void)
{
	struct {
		struct vfio_device_feature head;
		unsigned char token[16];
	} feature = { .head = { .argsz = sizeof(feature),
				.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN },
		      .token = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
				 0xdd, 0xee, 0xff, 0x00 } };

	check(ioctl(open_device().device, VFIO_DEVICE_FEATURE, &feature), "VFIO_DEVICE_FEATURE");
	exit(0);
}

/* A VF whose PF VFIO has, too. */
static void hold_vf(void)
{
	char with_token[80];
	struct held h;

	snprintf(with_token, sizeof(with_token), "%s vf_token=%s", device_name, TOKEN);
	device_name = with_token;
	h = open_device();
	close(h.group);
	close(h.container);
	printf("ready pid=%d fd=%d expect=fd:device:%d:%d\n", getpid(), h.device, getpid(), h.device);
}

/* Two devices of two groups. A task that ends releases the one with the higher descriptor first: the second. */
static void hold_both_later_first(void)
{
	struct held first = open_device(), second;
	int fd = 40;

	device_name = getenv("SECOND");
	group_number = getenv("SECOND_GROUP");
	second = open_device();
	check(dup2(first.device, fd), "dup2");
	check(dup2(second.device, 50), "dup2");
	close(first.device);
	close(second.device);
	close(first.group);
	close(first.container);
	close(second.group);
	close(second.container);
	printf("ready pid=%d fd=%d fd2=50 expect=fd:device:%d:%d\n", getpid(), fd, getpid(), fd);
}

static const struct {
	const char *name;
	void (*hold)(void);
} scenarios[] = {
	{ "socket", hold_socket }, { "backlog", hold_backlog }, { "ring", hold_ring },
	{ "hidden-ring", hold_hidden_ring }, { "exiting", hold_exiting },
	{ "exiting-early", hold_exiting_early }, { "namespace", hold_namespace },
	{ "token", hold_token }, { "vf", hold_vf }, { "both-later-first", hold_both_later_first },
	{ "group", hold_group }, { "dup", hold_dup }, { "fork", hold_fork },
	{ "pass", hold_pass }, { "device", hold_device }, { "all", hold_all },
	{ "container", hold_container }, { "mmap", hold_mmap }, { "two", hold_two },
	{ "device-dup", hold_device_dup }, { "device-fork", hold_device_fork }, { "stall", hold_stall },
	{ "kvm", hold_kvm }, { "vhost", hold_vhost }, { "sleepers", hold_sleepers },
	{ "cdev", hold_cdev }, { "cdev-bound", hold_cdev_bound }, { "cdev-alone", hold_cdev_alone },
	{ "cdev-passed", hold_cdev_passed }, { "cdev-mmap", hold_cdev_mmap },
	{ "iommufd", hold_iommufd }, { "compat", hold_compat }, { "iommufd-wait", hold_iommufd_wait },
	{ "reopen", hold_reopen }, { "waits-back", hold_waits_back },
};

/* Those that open a device by its own node. */
static bool needs_group(const char *scenario)
{
	return strncmp(scenario, "cdev", 4) && strncmp(scenario, "iommufd", 7);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	group_number = argv[2];
	device_name = argv[3];
	if (needs_group(argv[1]) && access("/dev/vfio/vfio", F_OK) && !access("/dev/iommu", F_OK))
		skip("this kernel has neither groups nor containers");
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(scenarios[i].name, argv[1]))
			continue;
		scenarios[i].hold();
		wait_to_be_killed();
	}
	return 2;
}
