// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch of one function of vfio.ko that nothing in the lab calls: its code is
 * replaced, and does not change what happens.
 *
 *	modprobe livevfio
 *	echo 0 >/sys/kernel/livepatch/livevfio/enabled
 *	rmmod livevfio			once /sys/kernel/livepatch/livevfio is gone
 */
#include <linux/livepatch.h>
#include <linux/module.h>

static bool match_none(void *group, void *file)
{
	return false;
}

static struct klp_func funcs[] = {
	{ .old_name = "vfio_external_group_match_file", .new_func = match_none },
	{ }
};

static struct klp_object objects[] = {
	{ .name = "vfio", .funcs = funcs },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init start(void)
{
	return klp_enable_patch(&patch);
}

static void __exit stop(void)
{
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
