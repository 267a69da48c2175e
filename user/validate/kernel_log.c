// SPDX-License-Identifier: GPL-2.0
#include "validate/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "klog/signs.h"

#define RECORD_MAX 8192	/* CONSOLE_EXT_LOG_MAX, kernel/printk/printk.c */
#define READS_MAX 100000	/* at one look */

/*
 * KERN_NOTICE. A fault of the kernel is logged with KERN_WARNING or worse, but for parts of WARN()
 * and of an oops, which have the default level (KERN_WARNING; the sysctl kernel.printk can make them
 * quieter, but the taint still shows them). A user's crash is KERN_INFO: do_trap(), show_signal_msg().
 */
#define LEVEL_MAX 5

static int read_taint(uint64_t *taint)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long long value;
	int got;

	if (!f)
		return -errno;
	got = fscanf(f, "%llu", &value);
	fclose(f);
	*taint = value;
	return got == 1 ? 0 : -EINVAL;
}

int vs_kernel_log__open(struct vs_kernel_state *k)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	k->taint_known = !read_taint(&k->taint_before);
	k->taint_after = k->taint_before;
	k->log_read = fd >= 0 && lseek(fd, 0, SEEK_END) >= 0;
	return fd;
}

static bool is_of_kernel(const char *record)
{
	/* facility << 3 | level: user space that writes to /dev/kmsg has another facility. */
	return *record >= '0' && *record <= '9' && strtoul(record, NULL, 10) <= LEVEL_MAX;
}

static bool begins(const char *words, const char *sign)
{
	return !strncmp(words, sign, strlen(sign));
}

/* These messages begin with a task's name, which any user can choose: "BUG: x invoked oom-killer: ". */
static bool begins_with_a_task(const char *words)
{
	static const char *const about_a_task[] = {
		"]: segfault at ",		/* show_signal_msg(): KERN_EMERG for init */
		" invoked oom-killer: ",	/* dump_header() */
		": page allocation failure: ",	/* warn_alloc() */
		": vmalloc: allocation failure", /* the same; so up to v5.12 */
		": vmalloc error: ",		/* v5.13 */
		"] is installing a program ",	/* bpf_get_probe_write_proto() */
		" created nested cgroup ",	/* css_create(), up to v5.10 */
	};

	for (size_t i = 0; i < sizeof(about_a_task) / sizeof(about_a_task[0]); i++)
		if (strstr(words, about_a_task[i]))
			return true;
	return false;
}

bool vs_kernel_log__is_warning(const char *record)
{
	const char *words = strchr(record, ';');

	if (!words || !is_of_kernel(record))
		return false;
	words++;
	/* A task's name has 15 bytes at most, so none can contain " blocked for more than ". */
	if (begins(words, "INFO: task ") && strstr(words, " blocked for more than "))
		return true;
	if (begins_with_a_task(words))
		return false;
	return klog_sign__of(words) != KLOG_SIGN_NONE;
}

static void take(struct vs_kernel_state *k, const char *record)
{
	const char *words;

	if (!vs_kernel_log__is_warning(record))
		return;
	words = strchr(record, ';') + 1;
	if (k->warnings < VS_WARNINGS_KEPT)
		snprintf(k->warning[k->warnings], sizeof(k->warning[0]), "%.*s",
			 (int)strcspn(words, "\n"), words);
	k->warnings++;
}

void vs_kernel_log__follow(int fd, struct vs_kernel_state *k)
{
	char record[RECORD_MAX];

	for (int i = 0; fd >= 0 && i < READS_MAX; i++) {
		ssize_t len = read(fd, record, sizeof(record) - 1);

		if (len < 0 && errno == EPIPE) {
			k->log_lost++;
			continue;
		}
		if (len <= 0)
			return;
		record[len] = '\0';
		take(k, record);
	}
}

void vs_kernel_log__close(int fd, struct vs_kernel_state *k)
{
	vs_kernel_log__follow(fd, k);
	if (k->taint_known)
		k->taint_known = !read_taint(&k->taint_after);
	if (fd >= 0)
		close(fd);
}
