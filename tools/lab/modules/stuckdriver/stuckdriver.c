// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI driver that has nothing to do with VFIO and whose remove() sleeps until it is told to end:
 *
 *	modprobe stuckdriver; bind stuckdriver 05.0		(bind and unbind are of guest/lib.sh)
 *	unbind 05.0 &						sleeps in stuckdriver_remove()
 *	echo 0 > /sys/module/stuckdriver/parameters/stuck	lets it go, and those to come
 *	echo 1 > /sys/module/stuckdriver/parameters/stuck	those to come sleep again
 *
 * It has no table of devices, so it gets one by driver_override only.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/wait.h>

static bool stuck = true;
static DECLARE_WAIT_QUEUE_HEAD(stuck_queue);

static int stuck_set(const char *value, const struct kernel_param *kp)
{
	int err = param_set_bool(value, kp);

	wake_up_all(&stuck_queue);
	return err;
}

static const struct kernel_param_ops stuck_ops = { .set = stuck_set, .get = param_get_bool };
module_param_cb(stuck, &stuck_ops, &stuck, 0644);

static int stuckdriver_probe(struct pci_dev *dev, const struct pci_device_id *id)
{
	return 0;
}

static void stuckdriver_remove(struct pci_dev *dev)
{
	wait_event(stuck_queue, !READ_ONCE(stuck));
}

static struct pci_driver stuckdriver = {
	.name = "stuckdriver",
	.probe = stuckdriver_probe,
	.remove = stuckdriver_remove,
};
module_pci_driver(stuckdriver);

MODULE_DESCRIPTION("A PCI driver whose remove() sleeps until told");
MODULE_LICENSE("GPL");
