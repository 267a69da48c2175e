// SPDX-License-Identifier: GPL-2.0
/*
 * Writes over the text of a function of vfio.ko, as tools do that patch kernels by hand, and
 * puts it back. What is written should do the same: the function will run.
 *
 *	modprobe textpoke func=vfio_group_put_bg from=4889fd to=488bef
 *	rmmod textpoke
 *
 * The first place in the function where the bytes `from` are becomes `to`: here
 * mov %rdi,%rbp in its other encoding. Nothing may be running in the function meanwhile.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#define MOST 8
#define FUNCTION_BYTES 512

static char *func, *from, *to;
module_param(func, charp, 0444);
module_param(from, charp, 0444);
module_param(to, charp, 0444);

static unsigned long (*lookup)(const char *name);
static void *(*poke)(void *addr, const void *opcode, size_t len);
static struct mutex *text_lock;
static u8 *place, was[MOST], is[MOST];
static size_t len;

/* Not exported since v5.7, and needed for what never was. */
static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int err = register_kprobe(&probe);

	if (err)
		return err;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static int find_tools(void)
{
	int err = find_lookup();

	if (err)
		return err;
	poke = (void *)lookup("text_poke");
	text_lock = (void *)lookup("text_mutex");
	return poke && text_lock ? 0 : -ENOENT;
}

static int find_place(void)
{
	u8 *start = (u8 *)lookup(func), *at;

	for (at = start; start && at < start + FUNCTION_BYTES; at++)
		if (!memcmp(at, was, len)) {
			place = at;
			pr_info("textpoke: %s+0x%lx\n", func, (unsigned long)(at - start));
			return 0;
		}
	return -ENOENT;
}

static void write_text(const u8 *bytes)
{
	mutex_lock(text_lock);
	poke(place, bytes, len);
	mutex_unlock(text_lock);
}

static int __init start(void)
{
	int err;

	if (!func || !from || !to)
		return -EINVAL;
	len = strlen(from) / 2;
	if (!len || len > MOST || strlen(to) != 2 * len || hex2bin(was, from, len) ||
	    hex2bin(is, to, len))
		return -EINVAL;
	err = find_tools();
	if (!err)
		err = find_place();
	if (!err)
		write_text(is);
	return err;
}

static void __exit stop(void)
{
	write_text(was);
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
