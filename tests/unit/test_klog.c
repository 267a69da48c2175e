// SPDX-License-Identifier: GPL-2.0
/* Verdicts on texts of kernel logs, as they came and as mail programs, terminals and CPUs leave them. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/exit_codes.h"
#include "base/words.h"
#include "klog/klog.h"
#include "recorded.h"
#include "why/classify.h"
#include "why/redact.h"

static struct vs_evidence evidence;
static struct vs_why why;

static char *read_log(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "tests/klog/%s.log", name);
	return read_file(path);
}

static void forget(void)
{
	vs_why__free(&why);
	vs_evidence__free(&evidence);
}

/* In pieces of @piece bytes; 0: at once. */
static void explain(const char *text, size_t piece)
{
	struct vs_why_subject subject = { NULL, -1, 0 };
	struct vs_klog *k = vs_klog__new();
	size_t len = strlen(text), part;

	forget();
	assert_non_null(k);
	for (size_t at = 0; at < len; at += part) {
		part = piece && piece < len - at ? piece : len - at;
		vs_klog__feed(k, text + at, part);
	}
	vs_klog__end(k);
	evidence.from_log = evidence.weaker = evidence.has_vfio = true;
	assert_int_equal(vs_klog__evidence(k, &evidence), 0);
	vs_klog__free(k);
	assert_int_equal(vs_classify(&evidence, &subject, &why), 0);
	assert_true(why.nr_cases);
}

static int teardown(void **state)
{
	(void)state;
	forget();
	return 0;
}

/* One line for all that a reader acts upon. */
static const char *summary(void)
{
	static char buf[400];
	const struct vs_why_case *c = &why.cases[0];

	snprintf(buf, sizeof(buf), "%zu %s %s %u %s ", why.nr_cases, vs_why_verdict__name(c->verdict),
		 c->reboot == VS_REBOOT_YES ? "yes" : c->reboot ? "?" : "no", c->task ? c->task->tid : 0,
		 c->device[0] ? c->device : "-");
	for (size_t i = 0; i < c->nr_victims; i++)
		vs_words__append(buf, sizeof(buf), "%s%u/%u", i ? "," : "", c->victims[i].task->tid,
				 c->victims[i].depth);
	if (!c->nr_victims)
		vs_words__append(buf, sizeof(buf), "-");
	return buf;
}

/* -- what becomes of texts on their way -- */

/* As `fmt` fills paragraphs: lines are joined, and broken before column 72. */
static char *fill(const char *text)
{
	char *out = calloc(2, strlen(text) + 2), *to = out;
	size_t column = 0;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, " \t\n");

		if (p[0] == '\n' && p[1] == '\n') {
			*to++ = '\n';
			*to++ = '\n';
			column = 0;
		}
		if (len) {
			if (column && column + 1 + len > 72) {
				*to++ = '\n';
				column = 0;
			} else if (column) {
				*to++ = ' ';
				column++;
			}
			memcpy(to, p, len);
			to += len;
			column += len;
		}
		p += len + (p[len] ? 1 : 0);
	}
	return out;
}

/* As mail programs do: only what is too long is broken. */
static char *wrap(const char *text)
{
	char *out = calloc(2, strlen(text) + 2), *to = out;
	size_t column = 0;

	for (const char *p = text; *p; p++) {
		size_t word = strcspn(p + 1, " \n");

		if (*p == ' ' && column && column + 1 + word > 72) {
			*to++ = '\n';
			column = 0;
			continue;
		}
		*to++ = *p;
		column = *p == '\n' ? 0 : column + 1;
	}
	return out;
}

static char *before_each_line(const char *text, const char *prefix)
{
	size_t lines = 2;
	char *out, *to;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	out = calloc(1, strlen(text) + lines * strlen(prefix) + 1);
	to = out;
	while (*text) {
		size_t len = strcspn(text, "\n");

		to += sprintf(to, "%s%.*s%s", prefix, (int)len, text, text[len] ? "\n" : "");
		text += len + (text[len] ? 1 : 0);
	}
	return out;
}

static char *quote(const char *text)
{
	return before_each_line(text, "> ");
}

static char *quote_twice_and_wrap(const char *text)
{
	char *once = wrap(text), *out = before_each_line(once, ">> ");

	free(once);
	return out;
}

static char *as_journal(const char *text)
{
	return before_each_line(text, "Nov 30 09:28:18 host kernel: ");
}

static char *as_rsyslog(const char *text)
{
	return before_each_line(text, "2026-06-16T16:06:02.098191+02:00 host kernel: ");
}

static char *with_returns(const char *text)
{
	char *out = calloc(2, strlen(text) + 1), *to = out;

	for (; *text; text++) {
		if (*text == '\n')
			*to++ = '\r';
		*to++ = *text;
	}
	return out;
}

static char *as_html(const char *text)
{
	char *out = calloc(5, strlen(text) + 1), *to = out;

	for (; *text; text++) {
		if (*text == '<' || *text == '>')
			to = stpcpy(to, *text == '<' ? "&lt;" : "&gt;");
		else
			*to++ = *text;
	}
	return out;
}

static char *as_json(const char *text)
{
	char *out = calloc(8, strlen(text) + 400), *to = out;
	bool begin = true;

	for (; *text; text++) {
		if (begin)
			to = stpcpy(to, "{\"__REALTIME_TIMESTAMP\":\"1796030898000000\",\"PRIORITY\":\"4\",\"MESSAGE\":\"");
		begin = *text == '\n';
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		if (*text == '\n')
			to = stpcpy(to, "\",\"_TRANSPORT\":\"kernel\"}\n");
		else if (*text == '\t')
			to = stpcpy(to, "\\t");
		else
			*to++ = *text;
		out = realloc(out, (size_t)(to - out) + 8 * strlen(text) + 400 + 200);
		to = out + strlen(out);
		memset(to, 0, 300);
	}
	return out;
}

/* As mail programs encode it: "=" is "=3D", and "=" ends what goes on. */
static char *as_quoted_printable(const char *text)
{
	char *out = calloc(4, strlen(text) + 2), *to = out;
	size_t column = 0;

	for (; *text; text++) {
		if (column >= 73 && *text != '\n') {
			to = stpcpy(to, "=\n");
			column = 0;
		}
		if (*text == '=') {
			to = stpcpy(to, "=3D");
			column += 3;
			continue;
		}
		*to++ = *text;
		column = *text == '\n' ? 0 : column + 1;
	}
	return out;
}

static const struct {
	const char *name;
	char *(*make)(const char *text);
	bool logs_only;
} ways[] = {
	{ "filled", fill, false },
	{ "wrapped", wrap, false },
	{ "quoted", quote, false },
	{ "quoted twice and wrapped", quote_twice_and_wrap, false },
	{ "journalctl", as_journal, true },
	{ "rsyslog", as_rsyslog, true },
	{ "carriage returns", with_returns, false },
	{ "HTML", as_html, false },
	{ "quoted-printable", as_quoted_printable, false },
};

/* -- the texts -- */

static bool is_log, as_is;
static size_t nr_texts;

static void each_expected(void (*run)(const char *name, const char *expected))
{
	char *text = read_file("tests/klog/expected"), *save = NULL;
	nr_texts = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *space = strchr(line, ' ');

		if (*line == '#' || !space)
			continue;
		*space = '\0';
		is_log = *line != '~' && *line != '=';
		as_is = *line == '=';
		run(line + !is_log, space + 1);
		nr_texts++;
	}
	free(text);
	assert_true(nr_texts >= 90);
}

static unsigned int wrong;

static void compare(const char *name, const char *how, const char *expected)
{
	if (!strcmp(summary(), expected))
		return;
	print_error("%s, %s: %s, expected %s\n", name, how, summary(), expected);
	wrong++;
}

static void as_it_came_one(const char *name, const char *expected)
{
	char *text = read_log(name);

	explain(text, 0);
	compare(name, "as it came", expected);
	free(text);
}

static void as_it_came(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(as_it_came_one);
	assert_int_equal(wrong, 0);
}

static void in_pieces_one(const char *name, const char *expected)
{
	char *text = read_log(name);

	for (size_t piece = 1; piece < 100; piece += 13) {
		explain(text, piece);
		compare(name, "in pieces", expected);
	}
	free(text);
}

static void in_pieces(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(in_pieces_one);
	assert_int_equal(wrong, 0);
}

static void on_all_ways_one(const char *name, const char *expected)
{
	char *text = read_log(name);

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && !as_is; i++) {
		char *changed = ways[i].make(text);

		explain(changed, 0);
		if (is_log || !ways[i].logs_only)
			compare(name, ways[i].name, expected);
		free(changed);
	}
	free(text);
}

static void on_all_ways(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(on_all_ways_one);
	assert_int_equal(wrong, 0);
}

static void as_json_one(const char *name, const char *expected)
{
	char *text = read_log(name), *changed = as_json(text), *quoted = quote(changed);

	explain(changed, 0);
	compare(name, "JSON", expected);
	explain(quoted, 0);
	compare(name, "JSON, quoted", expected);
	free(quoted);
	free(changed);
	free(text);
}

static void as_json_lines(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(as_json_one);
	assert_int_equal(wrong, 0);
}

/* -- what is cut off is not guessed -- */

static bool cannot_be_told(enum vs_why_verdict v)
{
	return v == VS_WHY_NOT_SHOWN || v == VS_WHY_COLLATERAL || v == VS_WHY_UNEXPLAINED;
}

/* The verdict is the one of the whole text, or none is given. */
static void never_wrong(const char *name, const char *how, const char *expected)
{
	char verdict[40];

	assert_int_equal(sscanf(expected, "%*s %39s", verdict), 1);
	for (size_t i = 0; i < why.nr_cases; i++) {
		const struct vs_why_case *c = &why.cases[i];

		/* That it was in use once is so, whatever came later. */
		if (!c->task && c->message && c->confidence == VS_LOW)
			continue;
		if (cannot_be_told(c->verdict) || !strcmp(vs_why_verdict__name(c->verdict), verdict))
			continue;
		print_error("%s, %s: %s, expected %s or nothing\n", name, how, summary(), verdict);
		wrong++;
	}
}

static void cut_at_each_line_one(const char *name, const char *expected)
{
	char *text = read_log(name), how[40];

	for (size_t at = 0; text[at]; at += strcspn(text + at, "\n") + (text[at + strcspn(text + at, "\n")] ? 1 : 0)) {
		char saved = text[at];

		snprintf(how, sizeof(how), "from byte %zu on", at);
		explain(text + at, 0);
		never_wrong(name, how, expected);
		text[at] = '\0';
		snprintf(how, sizeof(how), "up to byte %zu", at);
		explain(text, 0);
		never_wrong(name, how, expected);
		text[at] = saved;
	}
	free(text);
}

static void cut_at_each_line(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(cut_at_each_line_one);
	assert_int_equal(wrong, 0);
}

/* As a terminal of that width has it: words are broken anywhere. */
static char *fold(const char *text, size_t width)
{
	char *out = calloc(2, strlen(text) + 2), *to = out;
	size_t column = 0;

	for (; *text; text++) {
		if (column == width && *text != '\n') {
			*to++ = '\n';
			column = 0;
		}
		*to++ = *text;
		column = *text == '\n' ? 0 : column + 1;
	}
	return out;
}

static unsigned int as_whole;

static void folded_one(const char *name, const char *expected)
{
	static const size_t widths[] = { 72, 80, 100 };
	char *text = read_log(name), how[40];

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		char *changed = fold(text, widths[i]);

		explain(changed, 0);
		snprintf(how, sizeof(how), "folded at %zu", widths[i]);
		never_wrong(name, how, expected);
		as_whole += !strcmp(summary(), expected);
		free(changed);
	}
	free(text);
}

/* Most are told in spite of it, none is told wrongly. */
static void folded(void **state)
{
	(void)state;
	wrong = as_whole = 0;
	each_expected(folded_one);
	assert_int_equal(wrong, 0);
	print_message("folded texts that are told: %u of %zu\n", as_whole, 3 * nr_texts);
	assert_true(as_whole >= 27 * nr_texts / 10);
}

/* Two texts printed at the same time, line by line, in runs that a seed chooses. */
static char *mix(const char *a, const char *b, unsigned int seed)
{
	char *out = calloc(1, strlen(a) + strlen(b) + 4), *to = out;

	while (*a || *b) {
		const char **from = (*a && (rand_r(&seed) & 1)) || !*b ? &a : &b;
		size_t len = strcspn(*from, "\n");

		to += sprintf(to, "%.*s\n", (int)len, *from);
		*from += len + ((*from)[len] ? 1 : 0);
	}
	return out;
}

static const char *mix_with[] = { "hung-owner-arm64", "sysrq-w-3.x", "hung-ppc64", "warn-arm64" };

static void mixed_one(const char *name, const char *expected)
{
	char *text = read_log(name), how[60];

	for (size_t i = 0; i < sizeof(mix_with) / sizeof(mix_with[0]); i++) {
		char *other = read_log(mix_with[i]);

		for (unsigned int seed = 1; seed <= 20; seed++) {
			char *mixed = mix(text, other, seed);

			snprintf(how, sizeof(how), "mixed with %s, seed %u", mix_with[i], seed);
			explain(mixed, 0);
			never_wrong(name, how, expected);
			free(mixed);
		}
		free(other);
	}
	free(text);
}

static void mixed(void **state)
{
	(void)state;
	wrong = 0;
	each_expected(mixed_one);
	assert_int_equal(wrong, 0);
}

/* -- one wait in the layout of every kernel and tool -- */

struct wait {
	const char *name, *comm, *state;
	uint32_t tid, hung;	/* seconds, 0: not by the hung task detector */
	const char *frames[24];	/* "function" or "function module" */
	const char *verdict;
	const char *release;
};

static const struct wait waits[] = {
	{ "in use", "bash", "S", 4711, 0,
	  { "__schedule", "schedule", "schedule_timeout", "wait_for_completion_interruptible_timeout",
	    "vfio_unregister_group_dev vfio", "vfio_pci_core_unregister_device vfio_pci_core",
	    "vfio_pci_remove vfio_pci", "pci_device_remove", "device_release_driver_internal", "unbind_store",
	    "kernfs_fop_write_iter", "vfs_write", "ksys_write", NULL }, "in-use", "6.1.0-10-amd64" },
	{ "in use, uninterruptible", "rpc-worker", "D", 4712, 0,
	  { "__schedule", "schedule", "schedule_timeout", "wait_for_completion_timeout",
	    "vfio_unregister_group_dev.cold vfio", "vfio_pci_core_unregister_device.isra.0 vfio_pci_core",
	    "vfio_pci_remove vfio_pci", "pci_device_remove", "device_release_driver_internal.llvm.12345",
	    "pci_stop_bus_device", "pci_stop_and_remove_bus_device", "disable_slot", "acpiphp_disable_and_eject_slot",
	    "acpi_device_hotplug", "process_one_work", "worker_thread", "kthread", NULL }, "in-use", "6.12.3" },
	{ "in use, with wait_woken", "driverctl", "S", 4713, 0,
	  { "__schedule", "schedule", "schedule_timeout", "wait_woken", "vfio_del_group_dev vfio",
	    "vfio_pci_remove vfio_pci", "pci_device_remove", "device_release_driver_internal",
	    "device_driver_detach", "unbind_store", "kernfs_fop_write", "vfs_write", "ksys_write", NULL },
	  "in-use", "5.4.0-26-generic" },
	{ "in use, built in", "virtqemud", "D", 4714, 0,
	  { "__schedule", "schedule", "schedule_timeout", "__wait_for_common", "wait_for_completion_timeout",
	    "vfio_unregister_group_dev", "vfio_pci_core_unregister_device", "vfio_pci_remove", "pci_device_remove",
	    "device_release_driver_internal", "unbind_store", "kernfs_fop_write_iter", "vfs_write", NULL },
	  "in-use", "6.8.0-31-generic" },
	{ "stall", "libvirtd", "D", 815, 120,
	  { "__schedule", "schedule", "vfio_del_group_dev vfio", "vfio_pci_remove vfio_pci", "pci_device_remove",
	    "device_release_driver_internal", "unbind_store", "kernfs_fop_write", "vfs_write", "ksys_write", NULL },
	  "container-stall", "4.19.0-5-amd64" },
	{ "deadlock", "sh", "D", 99, 120,
	  { "__schedule", "schedule", "rwsem_down_write_failed", "call_rwsem_down_write_failed", "down_write",
	    "blocking_notifier_chain_unregister", "iommu_group_unregister_notifier", "vfio_group_put vfio",
	    "vfio_iommu_group_notifier vfio", "notifier_call_chain", "__blocking_notifier_call_chain",
	    "blocking_notifier_call_chain", "iommu_bus_notifier", "device_release_driver_internal", "unbind_store",
	    "kernfs_fop_write", "vfs_write", NULL }, "notifier-deadlock", "4.9.0-6-amd64" },
	{ "another chain", "modprobe", "D", 100, 241,
	  { "__schedule", "schedule", "rwsem_down_write_slowpath", "down_write", "blocking_notifier_chain_unregister",
	    "thing_event thing", "notifier_call_chain", "blocking_notifier_call_chain", "other_ioctl other",
	    "vfs_ioctl", NULL }, "chain-deadlock", "5.15.0-1" },
	{ "another driver", "udevd", "D", 77, 120,
	  { "__schedule", "schedule", "blk_mq_freeze_queue_wait", "nvme_remove_namespaces nvme_core",
	    "nvme_remove nvme", "pci_device_remove", "device_release_driver_internal", "unbind_store",
	    "kernfs_fop_write_iter", "vfs_write", NULL }, "not-vfio", "6.1.0-10-amd64" },
	{ "a device lock", "driverctl", "D", 78, 120,
	  { "__schedule", "schedule", "schedule_preempt_disabled", "__mutex_lock.constprop.0",
	    "device_release_driver_internal", "unbind_store", "kernfs_fop_write_iter", "vfs_write", NULL },
	  "collateral", "6.6.1" },
	{ "a disk", "jbd2/sda1-8", "D", 301, 120,
	  { "__schedule", "schedule", "io_schedule", "bit_wait_io", "__wait_on_bit", "out_of_line_wait_on_bit",
	    "jbd2_journal_commit_transaction jbd2", "kjournald2 jbd2", "kthread", NULL },
	  "not-shown", "4.19.0-5-amd64" },
	{ "a name with blanks", "CPU 1/KVM", "D", 302, 120,
	  { "__schedule", "schedule", "schedule_preempt_disabled", "__mutex_lock", "mutex_lock", "kvm_vcpu_ioctl kvm",
	    "vfs_ioctl", "ksys_ioctl", NULL }, "not-shown", "5.10.0-8-amd64" },
};

struct text {
	char *at, *buf;
	unsigned int line;
};

__attribute__((format(printf, 2, 3)))
static void put(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->at += vsprintf(t->at, format, args);
	va_end(args);
}

static const char *in_brackets(const char *module, char buf[40], const char *more)
{
	buf[0] = '\0';
	if (module)
		snprintf(buf, 40, " [%s%s]", module + 1, more);
	return buf;
}

/* Frames as architectures print them; @function has no module. */
static void frame_x86(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	if (i == 2)
		put(t, " ? __pfx_read_tsc+0x10/0x10\n");
	put(t, " %s+0x%x/0x3f0%s\n", function, 0x20 + i, in_brackets(module, buf, ""));
}

static void frame_build_id(struct text *t, const char *function, const char *module, int i)
{
	char buf[80] = "";

	if (module)
		snprintf(buf, sizeof(buf), " [%s 9e409fa241f2d2383ee11f819fa53d6ec8fbdf7a]", module + 1);
	put(t, " %s+0x%x/0x3f0%s\n", function, 0x20 + i, buf);
}

static void frame_address(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	put(t, " [<ffffffff8160%04x>] %s+0x%x/0x3f0%s\n", i, function, 0x20 + i, in_brackets(module, buf, ""));
}

static void frame_ppc(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	if (!i)
		put(t, "[c000003c21eb35a0] [c000003c21eb3630] 0xc000003c21eb3630 (unreliable)\n");
	put(t, "[c000003c21eb3%03x] [c0000000000%05x] %s+0x%x/0x3f0%s\n", i * 16, i, function, 0x20 + i,
	    in_brackets(module, buf, ""));
}

static void frame_s390(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	put(t, i ? " [<000000000%07x>] %s+0x%x/0x3f0%s \n" : "([<000000000%07x>] %s+0x%x/0x3f0%s)\n", i, function,
	    0x20 + i, in_brackets(module, buf, ""));
}

static char arm_inner[80];

static void frame_arm(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	if (i)
		put(t, "[<c0607c%02x>] (%s) from [<c06081%02x>] (%s+0x40/0xa0%s)\n", i, arm_inner, i, function,
		    in_brackets(module, buf, ""));
	snprintf(arm_inner, sizeof(arm_inner), "%s", function);
}

static void frame_arm_new(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	if (i)
		put(t, " %s from %s+0x40/0xa0%s\n", arm_inner, function, in_brackets(module, buf, ""));
	snprintf(arm_inner, sizeof(arm_inner), "%s", function);
}

static void frame_arm64(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	if (!i)
		put(t, " __switch_to+0xf8/0x168 (T)\n");
	put(t, " %s+0x%x/0x3f0%s%s\n", function, 0x20 + i, in_brackets(module, buf, ""), i == 3 ? " (P)" : "");
}

static void frame_source(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	put(t, " %s+0x%x/0x3f0 drivers/some/file.c:%d%s\n", function, 0x20 + i, 100 + i,
	    in_brackets(module, buf, ""));
}

static void frame_crash(struct text *t, const char *function, const char *module, int i)
{
	char buf[40];

	put(t, " #%d [ffffa8c04005f%03x] %s at ffffffff8b3239cb%s\n", i, i * 8, function,
	    in_brackets(module, buf, ""));
}

static void frame_drgn(struct text *t, const char *function, const char *module, int i)
{
	(void)module;
	put(t, "#%-2d %s (../drivers/some/file.c:%d:2)\n", i, function, 100 + i);
}

static void frames(struct text *t, const struct wait *w,
		   void (*frame)(struct text *t, const char *function, const char *module, int i))
{
	for (int i = 0; w->frames[i]; i++) {
		const char *module = strchr(w->frames[i], ' ');
		char function[80];

		snprintf(function, sizeof(function), "%.*s", (int)strcspn(w->frames[i], " "), w->frames[i]);
		frame(t, function, module, i);
	}
}

/* The line of INFO where the detector tells of it, else that of sysrq-w. */
static void put_info(struct text *t, const struct wait *w, bool tainted)
{
	if (!w->hung) {
		put(t, "sysrq: Show Blocked State\n");
		return;
	}
	put(t, "INFO: task %s:%u blocked for more than %u seconds.\n", w->comm, w->tid, w->hung);
	if (tainted)
		put(t, "      Not tainted %s #1\n", w->release);
	put(t, "\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.\n");
}

static void layout_3_10(struct text *t, const struct wait *w)
{
	put_info(t, w, false);
	put(t, "%-15s %s ffff88085fc94780     0 %5u   7784 0x00000080\n", w->comm, w->state, w->tid);
	put(t, " ffff8a1429d71710 0000000000000046 ffffffff81ce0450 0000000000010580\nCall Trace:\n");
	frames(t, w, frame_address);
}

static void layout_4_14(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "%-15s %s    0 %5u   7784 0x80000080\nCall Trace:\n", w->comm, w->state, w->tid);
	frames(t, w, frame_x86);
	put(t, "RIP: 0033:0x7f3ddbfeb840\nRSP: 002b:00007ffe33bb5778 EFLAGS: 00000246 ORIG_RAX: 000000000000\n");
}

static void layout_5_10(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "task:%-15s state:%s stack:    0 pid: %4u ppid:  1727 flags:0x00000002\nCall Trace:\n", w->comm,
	    w->state, w->tid);
	frames(t, w, frame_x86);
}

static void layout_6_1(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "task:%-15s state:%s stack:0     pid:%-5u ppid:1727   flags:0x00000002\nCall Trace:\n <TASK>\n",
	    w->comm, w->state, w->tid);
	frames(t, w, frame_x86);
	put(t, " entry_SYSCALL_64_after_hwframe+0x63/0xcd\nRIP: 0033:0x7fb7eccda0e0\n </TASK>\n");
}

static void layout_6_16(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "task:%-15s state:%s stack:0     pid:%-5u tgid:%-5u ppid:2      task_flags:0x4208060 flags:0x00080000\n"
	    "Workqueue: events some_work [some]\nCall Trace:\n <TASK>\n", w->comm, w->state, w->tid, w->tid);
	frames(t, w, frame_build_id);
	put(t, " </TASK>\n");
	if (w->hung)
		put(t, "INFO: task %s:%u is blocked on a mutex, but the owner is not found.\n", w->comm, w->tid);
}

static void layout_arm64(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "task:%-15s state:%s stack:0     pid:%-5u tgid:%-5u ppid:2      flags:0x00000010\nCall trace:\n", w->comm,
	    w->state, w->tid, w->tid);
	frames(t, w, frame_arm64);
	put(t, " el0_svc+0x3c/0x188\n el0t_64_sync_handler+0x10c/0x140\n el0t_64_sync+0x198/0x1a0\n");
}

static void layout_ppc(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "%-15s %s 00003fff9749925c     0 %5u      1 0x00040080\nCall Trace:\n", w->comm, w->state, w->tid);
	frames(t, w, frame_ppc);
}

static void layout_s390(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "%-15s %s    0 %5u      1 0x00040080\nCall Trace:\n", w->comm, w->state, w->tid);
	frames(t, w, frame_s390);
}

static void layout_arm(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "%-15s %s    0 %5u   1336 0x00000000\n", w->comm, w->state, w->tid);
	frames(t, w, frame_arm);
}

static void layout_arm_new(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "task:%-15s state:%s stack:0     pid:%-5u ppid:2      flags:0x00000010\n", w->comm, w->state, w->tid);
	frames(t, w, frame_arm_new);
}

static void layout_source(struct text *t, const struct wait *w)
{
	put_info(t, w, true);
	put(t, "task:%-15s state:%s stack:24528 pid:%-5u tgid:%-5u ppid:2      flags:0x00004006\nCall Trace:\n <TASK>\n",
	    w->comm, w->state, w->tid, w->tid);
	frames(t, w, frame_source);
	put(t, " </TASK>\n");
}

static void layout_crash(struct text *t, const struct wait *w)
{
	put(t, "crash> sys | grep RELEASE\n     RELEASE: %s\ncrash> bt %u\n", w->release, w->tid);
	put(t, "PID: %u     TASK: ffff944400e5a340  CPU: 24   COMMAND: \"%s\"\n", w->tid, w->comm);
	frames(t, w, frame_crash);
	put(t, "    RIP: 00007f1baa5c13d7  RSP: 00007fffbcc55a98  RFLAGS: 00000202\n");
}

static void layout_drgn(struct text *t, const struct wait *w)
{
	put(t, ">>> prog.stack_trace(%u)\n", w->tid);
	frames(t, w, frame_drgn);
}

static void (*const layouts[])(struct text *t, const struct wait *w) = {
	layout_3_10, layout_4_14, layout_5_10, layout_6_1, layout_6_16, layout_arm64, layout_ppc, layout_s390,
	layout_arm, layout_arm_new, layout_source, layout_crash, layout_drgn,
};

static const char *const layout_names[] = { "3.10", "4.14", "5.10", "6.1", "6.16", "arm64", "ppc64", "s390", "arm",
	"arm, new", "with lines", "crash", "drgn" };

static char *write_wait(const struct wait *w, size_t layout)
{
	struct text t = { .buf = calloc(1, 32768) };

	t.at = t.buf;
	layouts[layout](&t, w);
	return t.buf;
}

/* With the addresses of old kernels and no release, a wait without a limit may be the one for users of v3.10. */
static const char *right_of(const struct wait *w, size_t layout)
{
	return layouts[layout] == layout_3_10 && !strcmp(w->verdict, "container-stall") ? "in-use" : w->verdict;
}

static void check_wait(const struct wait *w, size_t layout, const char *how, const char *text)
{
	const char *right = right_of(w, layout);
	const struct vs_why_case *c;

	explain(text, 0);
	c = &why.cases[0];
	if (!strcmp(vs_why_verdict__name(c->verdict), right) && why.nr_cases == 1 &&
	    (!c->task || c->task->tid == w->tid))
		return;
	print_error("%s, layout %s, %s: %s, expected %s of %u\n", w->name, layout_names[layout], how, summary(),
		    right, w->tid);
	wrong++;
}

#define NR_WAITS (sizeof(waits) / sizeof(waits[0]))
#define NR_LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

static void every_layout(void **state)
{
	(void)state;
	wrong = 0;
	for (size_t i = 0; i < NR_WAITS; i++)
		for (size_t j = 0; j < NR_LAYOUTS; j++) {
			char *text = write_wait(&waits[i], j);

			check_wait(&waits[i], j, "plain", text);
			for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
				char *changed = ways[k].make(text);

				check_wait(&waits[i], j, ways[k].name, changed);
				free(changed);
			}
			free(text);
		}
	assert_int_equal(wrong, 0);
}

/* -- what others may see -- */

/* That nothing was found in a text that is no log says nothing. */
static void no_log_at_all(void **state)
{
	static const struct {
		const char *text;
		enum vs_confidence confidence;
	} texts[] = {
		{ "root:x:0:0:root:/root:/bin/bash\n", VS_LOW },
		{ "Jun  3 14:21:02 host sshd[1]: Accepted publickey\n", VS_LOW },
		{ "[    0.000000] Command line: quiet\n", VS_MEDIUM },
		{ "Jun  3 14:21:02 host kernel: usb 1-1: new device\n", VS_MEDIUM },
		{ "[Tue Jun  3 14:21:02 2014] usb 1-1: new device\n", VS_MEDIUM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		explain(texts[i].text, 0);
		assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_SHOWN);
		assert_int_equal(why.cases[0].confidence, texts[i].confidence);
		assert_int_equal(!strstr(why.cases[0].says, "No line of it looks like"), texts[i].confidence);
	}
}

/* The names of the text are in nothing that is printed. */
static void redacted(void **state)
{
	char *text = read_log("two-hung-6.6"), *json;
	struct vs_why_subject subject = { NULL, -1, 0 };

	(void)state;
	explain(text, 0);
	vs_why__free(&why);
	assert_int_equal(vs_redact(&evidence, NULL), 0);
	assert_int_equal(vs_classify(&evidence, &subject, &why), 0);
	assert_string_equal(summary(), "1 in-use no 2201 device-1 311/1");
	assert_string_equal(why.cases[0].task->comm, "process-1");
	assert_string_equal(why.cases[0].victims[0].task->comm, "kworker/5:1");
	json = vs_evidence__to_json(&evidence);
	assert_null(strstr(json, "bash"));
	assert_null(strstr(json, "0000:17:00.0"));
	free(json);
	free(text);
}

/* A record that user space wrote has another facility; the kernel's own is taken, with its caller. */
static void records_of_kmsg(void **state)
{
	static const char *const records[] = {
		"3,10,5000000,-,caller=T9;INFO: task sh:41 blocked for more than 120 seconds.\n",
		"11,11,5000001,-;INFO: task forged:42 blocked for more than 120 seconds.\n",
		"6,12,5000002,-,caller=T9;task:sh              state:D stack:0     pid:41    ppid:1 flags:0x0\n",
		"6,13,5000003,-,caller=T9;Call Trace:\n", "6,14,5000004,-,caller=T9; __schedule+0x1/0x2\n",
		"6,15,5000005,-,caller=T9; schedule+0x1/0x2\n",
		"6,16,5000006,-,caller=T9; vfio_del_group_dev+0x1/0x2 [vfio]\n SUBSYSTEM=pci\n",
		"garbage", ";", "6,,;",
	};
	struct vs_klog *k = vs_klog__new();

	(void)state;
	forget();
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		vs_klog__feed_kmsg(k, records[i], strlen(records[i]));
	vs_klog__end(k);
	assert_int_equal(vs_klog__evidence(k, &evidence), 0);
	vs_klog__free(k);
	assert_int_equal(evidence.nr_logged, 1);
	assert_int_equal(evidence.logged[0].tid, 41);
	assert_int_equal(evidence.logged[0].logged.first_ns, 5000000000ull);
}

/* A text without a word of VFIO, and of nothing else either. */
static void nothing_is_never_idle(void **state)
{
	static const char *const texts[] = { "", "\n\n", "hello", "[    0.000000] Linux version 6.1.0\n", "\x80\xff\x01[<[[",
		"INFO: task", "Call Trace:", "#0", "RIP:", "state:D", "blocked", "(", "[<0>]", "PID:", "Comm:",
		"{\"MESSAGE\":\"\\u", "{\"MESSAGE\":[1,2" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		explain(texts[i], 0);
		assert_int_equal(why.nr_cases, 1);
		assert_int_equal(why.cases[0].verdict, VS_WHY_NOT_SHOWN);
		assert_int_equal(vs_why__status(&why), VS_EXIT_INCONCLUSIVE);
	}
}

/* A line of a megabyte, and NULs: neither hides what follows. */
static void a_long_line(void **state)
{
	char *text = read_log("hung-stall-4.14");
	size_t size = (1 << 20) + strlen(text) + 2;
	char *all = malloc(size);
	struct vs_why_subject subject = { NULL, -1, 0 };
	struct vs_klog *k = vs_klog__new();

	(void)state;
	forget();
	memset(all, 'x', 1 << 20);
	all[100] = '\0';
	all[1 << 20] = '\n';
	memcpy(all + (1 << 20) + 1, text, strlen(text));
	vs_klog__feed(k, all, size - 1);
	vs_klog__end(k);
	evidence.from_log = evidence.weaker = true;
	assert_int_equal(vs_klog__evidence(k, &evidence), 0);
	vs_klog__free(k);
	assert_int_equal(vs_classify(&evidence, &subject, &why), 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_CONTAINER_STALL);
	free(all);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(as_it_came, teardown),
		cmocka_unit_test_teardown(in_pieces, teardown),
		cmocka_unit_test_teardown(on_all_ways, teardown),
		cmocka_unit_test_teardown(as_json_lines, teardown),
		cmocka_unit_test_teardown(cut_at_each_line, teardown),
		cmocka_unit_test_teardown(folded, teardown),
		cmocka_unit_test_teardown(mixed, teardown),
		cmocka_unit_test_teardown(every_layout, teardown),
		cmocka_unit_test_teardown(no_log_at_all, teardown),
		cmocka_unit_test_teardown(redacted, teardown),
		cmocka_unit_test_teardown(records_of_kmsg, teardown),
		cmocka_unit_test_teardown(nothing_is_never_idle, teardown),
		cmocka_unit_test_teardown(a_long_line, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
