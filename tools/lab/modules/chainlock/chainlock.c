// SPDX-License-Identifier: GPL-2.0
/*
 * A blocking notifier chain that misbehaves on request, in the context of whoever asks:
 *
 *	echo MODE > /sys/module/chainlock/parameters/run
 *
 * call    runs the chain, the callback does nothing
 * nested  the callback unregisters from another chain: legal
 * self    the callback unregisters from the chain it is called by: the writer never returns
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/string.h>

enum mode { MODE_CALL, MODE_NESTED, MODE_SELF };

static const char * const mode_names[] = {
	[MODE_CALL] = "call",
	[MODE_NESTED] = "nested",
	[MODE_SELF] = "self",
};

static int chainlock_callback(struct notifier_block *nb, unsigned long mode, void *data);
static int bystander_callback(struct notifier_block *nb, unsigned long mode, void *data);

static BLOCKING_NOTIFIER_HEAD(chainlock_chain);
static BLOCKING_NOTIFIER_HEAD(chainlock_other_chain);

static struct notifier_block chainlock_nb = { .notifier_call = chainlock_callback };
static struct notifier_block bystander_nb = { .notifier_call = bystander_callback };

static int bystander_callback(struct notifier_block *nb, unsigned long mode, void *data)
{
	return NOTIFY_DONE;
}

static int chainlock_callback(struct notifier_block *nb, unsigned long mode, void *data)
{
	switch (mode) {
	case MODE_NESTED:
		blocking_notifier_chain_unregister(&chainlock_other_chain, &bystander_nb);
		blocking_notifier_chain_register(&chainlock_other_chain, &bystander_nb);
		break;
	case MODE_SELF:
		blocking_notifier_chain_unregister(&chainlock_chain, nb);
		break;
	}
	return NOTIFY_OK;
}

static int run_set(const char *value, const struct kernel_param *kp)
{
	int mode = sysfs_match_string(mode_names, value);

	if (mode < 0)
		return mode;
	blocking_notifier_call_chain(&chainlock_chain, mode, NULL);
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);

static int __init chainlock_init(void)
{
	blocking_notifier_chain_register(&chainlock_other_chain, &bystander_nb);
	return blocking_notifier_chain_register(&chainlock_chain, &chainlock_nb);
}

static void __exit chainlock_exit(void)
{
	blocking_notifier_chain_unregister(&chainlock_chain, &chainlock_nb);
	blocking_notifier_chain_unregister(&chainlock_other_chain, &bystander_nb);
}

module_init(chainlock_init);
module_exit(chainlock_exit);

MODULE_DESCRIPTION("A notifier chain that deadlocks on request");
MODULE_LICENSE("GPL");
