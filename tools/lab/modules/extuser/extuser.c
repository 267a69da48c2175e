// SPDX-License-Identifier: GPL-2.0
/*
 * An external user of VFIO groups, as KVM is one, that takes and drops references on request:
 *
 *	echo COMMAND > /sys/module/extuser/parameters/run
 *
 * get FD [N]		N references (1) by the file descriptor of a group, of the task that writes
 * get_from_dev BDF [N]	the same by a device, as 0000:00:05.0
 * put [N]		drops the newest N (1)
 * put_all		drops all
 *
 * The write fails as the call into VFIO does: EINVAL when the group has no container with an IOMMU.
 * Reading the file gives the number of references held. They are dropped when the module goes.
 * tests/vm/extuser.c sets a group up and drives this.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/vfio.h>

struct held {
	struct list_head node;
	struct vfio_group *group;
};

/* Parameters of a module are written and read under a lock, which protects these, too. */
static LIST_HEAD(helds);
static unsigned int nr_held;

static struct vfio_group *get_by_fd(int fd)
{
	struct file *file = fget(fd);
	struct vfio_group *group;

	if (!file)
		return ERR_PTR(-EBADF);
	group = vfio_group_get_external_user(file);
	fput(file);
	return group;
}

static struct vfio_group *get_by_bdf(const char *bdf)
{
	struct device *dev = bus_find_device_by_name(&pci_bus_type, NULL, bdf);
	struct vfio_group *group;

	if (!dev)
		return ERR_PTR(-ENODEV);
	group = vfio_group_get_external_user_from_dev(dev);
	put_device(dev);
	return group;
}

/* One reference, by the device if there is a name, else by the file descriptor. */
static int get_one(const char *bdf, int fd)
{
	struct held *h = kmalloc(sizeof(*h), GFP_KERNEL);

	if (!h)
		return -ENOMEM;
	h->group = bdf ? get_by_bdf(bdf) : get_by_fd(fd);
	if (IS_ERR(h->group)) {
		int err = PTR_ERR(h->group);

		kfree(h);
		return err;
	}
	list_add(&h->node, &helds);
	nr_held++;
	return 0;
}

static int get_many(const char *bdf, int fd, unsigned int n)
{
	int err = 0;

	while (n-- && !err)
		err = get_one(bdf, fd);
	return err;
}

static int put_many(unsigned int n)
{
	while (n--) {
		struct held *h = list_first_entry_or_null(&helds, struct held, node);

		if (!h)
			return -ENOENT;
		list_del(&h->node);
		vfio_group_put_external_user(h->group);
		kfree(h);
		nr_held--;
	}
	return 0;
}

static int run_set(const char *value, const struct kernel_param *kp)
{
	char command[16], bdf[16];
	unsigned int n = 1;
	int fd;

	if (sscanf(value, "get %d %u", &fd, &n) >= 1)
		return get_many(NULL, fd, n);
	if (sscanf(value, "get_from_dev %15s %u", bdf, &n) >= 1)
		return get_many(bdf, -1, n);
	if (sscanf(value, "%15s %u", command, &n) < 1)
		return -EINVAL;
	if (!strcmp(command, "put"))
		return put_many(n);
	if (!strcmp(command, "put_all"))
		return put_many(nr_held);
	return -EINVAL;
}

static int run_get(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%u\n", nr_held);
}

static const struct kernel_param_ops run_ops = { .set = run_set, .get = run_get };
module_param_cb(run, &run_ops, NULL, 0600);

static int __init extuser_init(void)
{
	return 0;
}

static void __exit extuser_exit(void)
{
	put_many(nr_held);
}

module_init(extuser_init);
module_exit(extuser_exit);

MODULE_DESCRIPTION("An external user of VFIO groups, on request");
MODULE_LICENSE("GPL");
