// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI driver that has nothing to do with VFIO and whose remove() does not end until it is told to:
 *
 *	modprobe stuckdriver; bind stuckdriver 05.0		(bind and unbind are of guest/lib.sh)
 *	unbind 05.0 &						sleeps in stuckdriver_remove()
 *	echo 0 > /sys/module/stuckdriver/parameters/stuck	lets it go, and those to come
 *	echo 1 > /sys/module/stuckdriver/parameters/stuck	those to come sleep again
 *	echo 300 > .../poll_ms					those to come poll instead, as often
 *	echo 1 > .../spin					those to come run instead, without a pause
 *	echo 1 > .../hold &					takes the driver's own lock, which those to
 *								come wait for, until it is told to end
 *
 *	(echo 1 > .../abandon)					takes that lock and ends with it: those to
 *								come wait for ever
 *
 * The VFs of a PF that it drives go with it, as with most drivers.
 *
 * It has no table of devices, so it gets one by driver_override only.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/wait.h>

static bool stuck = true;
static unsigned int poll_ms;
static bool spin;
static DECLARE_WAIT_QUEUE_HEAD(stuck_queue);

/* Not in the module's data: a lock that no symbol names. */
static struct stuckdriver {
	struct mutex lock;
} *the_driver;

static int stuck_set(const char *value, const struct kernel_param *kp)
{
	int err = param_set_bool(value, kp);

	wake_up_all(&stuck_queue);
	return err;
}

static int hold_set(const char *value, const struct kernel_param *kp)
{
	int err;

	if (!the_driver)
		return -EBUSY;
	/* Whoever sets a parameter has a lock of them all: let others set theirs. */
	kernel_param_unlock(THIS_MODULE);
	mutex_lock(&the_driver->lock);
	err = wait_event_interruptible(stuck_queue, !READ_ONCE(stuck));
	mutex_unlock(&the_driver->lock);
	kernel_param_lock(THIS_MODULE);
	return err;
}

/* As a task that the kernel kills for a fault: the lock stays with it. */
static int abandon_set(const char *value, const struct kernel_param *kp)
{
	if (!the_driver)
		return -EBUSY;
	mutex_lock(&the_driver->lock);
	return 0;
}

static const struct kernel_param_ops stuck_ops = { .set = stuck_set, .get = param_get_bool };
static const struct kernel_param_ops hold_ops = { .set = hold_set };
module_param_cb(stuck, &stuck_ops, &stuck, 0644);
static const struct kernel_param_ops abandon_ops = { .set = abandon_set };
module_param_cb(abandon, &abandon_ops, NULL, 0200);
module_param_cb(hold, &hold_ops, NULL, 0200);
module_param(poll_ms, uint, 0644);
module_param(spin, bool, 0644);

static int stuckdriver_probe(struct pci_dev *dev, const struct pci_device_id *id)
{
	return 0;
}

static void stuckdriver_remove(struct pci_dev *dev)
{
	pci_disable_sriov(dev);
	mutex_lock(&the_driver->lock);
	while (READ_ONCE(spin) && READ_ONCE(stuck))
		cpu_relax();
	while (poll_ms && READ_ONCE(stuck))
		msleep(poll_ms);
	mutex_unlock(&the_driver->lock);
	wait_event(stuck_queue, !READ_ONCE(stuck));
}

static struct pci_driver stuckdriver = {
	.name = "stuckdriver",
	.probe = stuckdriver_probe,
	.remove = stuckdriver_remove,
	.sriov_configure = pci_sriov_configure_simple,
};

static int __init stuckdriver_init(void)
{
	int err;

	the_driver = kzalloc(sizeof(*the_driver), GFP_KERNEL);
	if (!the_driver)
		return -ENOMEM;
	mutex_init(&the_driver->lock);
	err = pci_register_driver(&stuckdriver);
	if (err)
		kfree(the_driver);
	return err;
}

static void __exit stuckdriver_exit(void)
{
	pci_unregister_driver(&stuckdriver);
	kfree(the_driver);
}

module_init(stuckdriver_init);
module_exit(stuckdriver_exit);

MODULE_DESCRIPTION("A PCI driver whose remove() sleeps until told");
MODULE_LICENSE("GPL");
