// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/text_file.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "core/dump.h"
#include "doctor/blocker.h"
#include "event/device_name.h"
#include "klog/file.h"
#include "why/classify.h"
#include "why/collect.h"
#include "why/command.h"
#include "why/print.h"
#include "why/redact.h"
#include "why/start.h"

#define SUSPECT_AGAIN_US 200000	/* a lookup is over by then */
#define MOST_LOGS 64

struct why_options {
	const char *evidence, *save_evidence, *core, *vmlinux;
	const char *logs[MOST_LOGS];
	size_t nr_logs;
	const char *all_stacks, *markdown;
	const char *color;
	uint64_t wait;
	bool json, no_bpf, redact;
};

struct question {
	struct why_options opts;
	char **command;		/* to run and to explain; NULL: none */
	uint32_t starter;	/* whose limits the command had; 0: none was run */
	struct vs_start_said said;
	struct vs_why_subject subject;
	char device[VS_DEVICE_LEN];
	int stacks_error;	/* error of the file of all stacks: no verdict is lost by it */
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_why, status, words, what);
}

/* -- evidence -- */

static int load(const char *path, struct vs_evidence *e)
{
	char *text = vs_text_file__read(path), error[200];
	int err;

	if (!text)
		return fail(VS_EXIT_FAILURE, path, vs_text_file__why(errno));
	err = vs_evidence__from_json(text, e, error, sizeof(error));
	free(text);
	return err ? fail(VS_EXIT_FAILURE, path, error) : 0;
}

/* Loads the hangs that the logs report, and nothing of the host that runs this. */
static int load_logs(const struct why_options *opts, struct vs_evidence *e)
{
	struct vs_klog *k = vs_klog__new();
	uint64_t begun = vs_host__mono_ns();
	int err = k ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !err && i < opts->nr_logs; i++)
		err = vs_klog__read_file(k, opts->logs[i]);
	if (err) {
		vs_klog__free(k);
		return fail(VS_EXIT_FAILURE, !i ? "--log" : strcmp(opts->logs[i - 1], "-") ? opts->logs[i - 1] :
			    "standard input", vs_text_file__why(-err));
	}
	e->from_log = e->weaker = e->has_vfio = true;
	err = vs_klog__evidence(k, e);
	vs_klog__free(k);
	e->took_ns = vs_host__mono_ns() - begun;
	return err ? fail(VS_EXIT_FAILURE, "cannot explain", strerror(-err)) : 0;
}

static int save(const char *path, const struct vs_evidence *e)
{
	char *text = vs_evidence__to_json(e);
	int err = text ? vs_text_file__write(path, text) : -errno;

	free(text);
	return err ? fail(VS_EXIT_FAILURE, path, strerror(-err)) : 0;
}

static void close_stacks(struct question *q, FILE *file)
{
	bool failed = file && ferror(file);

	if (!file)
		return;
	errno = 0;
	if (fclose(file) || failed)
		q->stacks_error = errno ? errno : EIO;
}

/* A mistake in the name is reported at once; the host's own trouble comes after the verdict. */
static bool is_mistaken(int error)
{
	return error != ENOSPC && error != EDQUOT && error != EIO && error != EROFS;
}

/*
 * Adds the kernel log to the host's own state. Without the log the rest stands; the host's part reports
 * unreadable memory.
 */
static void add_kmsg(struct vs_evidence *e)
{
	struct vs_klog *k = vs_klog__new();

	if (k && !vs_klog__read_kmsg(k) && !vs_klog__evidence(k, e))
		e->log_now_ns = vs_host__mono_ns();
	vs_klog__free(k);
}

/* Opens the file of all stacks. Returns NULL if none is wanted, or with *status if it cannot be written. */
static FILE *open_stacks(struct question *q, int *status)
{
	const char *path = q->opts.all_stacks;
	FILE *file = path ? fopen(path, "we") : NULL;

	if (path && !file && is_mistaken(errno))
		*status = fail(VS_EXIT_FAILURE, path, strerror(errno));
	else if (path && !file)
		q->stacks_error = errno;
	return file;
}

/* Looks at what a VM's start with the device or the group needs; an ordinary user sees most of it. */
static int add_start(const struct question *q, struct vs_evidence *e)
{
	uint32_t pid = q->starter ? q->starter : q->subject.pid;
	bool quiet = e->nr_seen && !e->weaker && !vs_evidence__is_partial(e) && !e->nr_tasks;

	if (!q->subject.device && q->subject.group < 0 && !pid)
		return 0;
	e->start = calloc(1, sizeof(*e->start));
	return e->start ? vs_start__collect("", q->subject.device, q->subject.group, pid, quiet, e->start) : -ENOMEM;
}

/* Without privileges nothing of hangs and holders is known, but sysfs may show that no VM can start. */
static bool is_told_by_sysfs(const struct question *q, struct vs_evidence *e)
{
	struct vs_start_use none = {};
	struct utsname name;
	struct vs_start_report s;

	if (add_start(q, e) || !e->start)
		return false;
	vs_start__judge(e->start, &none, q->said.line[0] ? q->said.kind : VS_START_KINDS, &s);
	e->weaker = true;
	if (!uname(&name))
		snprintf(e->release, sizeof(e->release), "%s", name.release);
	snprintf(e->words, sizeof(e->words), "who waits and who holds was not looked at: that needs root, or CAP_BPF, "
		 "CAP_PERFMON and CAP_SYSLOG");
	return s.nr_blocks || q->said.line[0];
}

static int collect_running(const struct question *q, const struct vs_collect_opts *opts, struct vs_evidence *e)
{
	char error[200] = "";
	int err = vs_evidence__collect(opts, e, error, sizeof(error));

	if (!err) {
		add_kmsg(e);
		return add_start(q, e) ? fail(VS_EXIT_FAILURE, "cannot explain", strerror(ENOMEM)) : 0;
	}
	if (err == -EPERM && is_told_by_sysfs(q, e))
		return 0;
	return vs_blocker__fail(&vs_cmd_why, VS_WORK_WHY, err == -EPERM ? VS_EXIT_PERMISSION :
				VS_EXIT_UNAVAILABLE, error);
}

/* The dump is of another machine, and has all that a verdict rests on. */
static int collect_core(const struct question *q, struct vs_collect_opts *opts, struct vs_evidence *e)
{
	uint64_t begun = vs_host__mono_ns();
	char error[300] = "";
	int err;

	opts->dump = calloc(1, sizeof(*opts->dump));
	err = opts->dump ? vs_dump__open(q->opts.core, q->opts.vmlinux, opts->dump, error, sizeof(error)) : -ENOMEM;
	if (!err)
		err = vs_evidence__collect(opts, e, error, sizeof(error));
	if (!err)
		e->took_ns = vs_host__mono_ns() - begun;
	if (opts->dump)
		vs_dump__close(opts->dump);
	free(opts->dump);
	return err ? fail(VS_EXIT_FAILURE, q->opts.core, error[0] ? error : strerror(-err)) : 0;
}

static int collect(struct question *q, struct vs_evidence *e)
{
	int status = 0;
	struct vs_collect_opts opts = {
		.pid = q->subject.pid,
		.no_bpf = q->opts.no_bpf,
		.all_stacks = open_stacks(q, &status),
	};

	if (!status)
		status = q->opts.core ? collect_core(q, &opts, e) : collect_running(q, &opts, e);
	close_stacks(q, opts.all_stacks);
	return status;
}

static bool has_suspect(const struct vs_why *why)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (why->cases[i].verdict == VS_WHY_LEAK_SUSPECT)
			return true;
	return false;
}

static int classify(const struct question *q, const struct vs_evidence *e, struct vs_why *why)
{
	return vs_classify(e, &q->subject, why) ?
	       fail(VS_EXIT_FAILURE, "cannot explain", strerror(ENOMEM)) : 0;
}

/* References are taken and put all the time: a surplus that lasts only a moment is no leak. */
static int look_again(struct question *q, struct vs_evidence *e, struct vs_why *why)
{
	int status;

	vs_why__free(why);
	vs_evidence__free(e);
	usleep(SUSPECT_AGAIN_US);
	status = collect(q, e);
	return status ? status : classify(q, e, why);
}

/* Makes the same verdicts with other names. */
static int redact(struct question *q, struct vs_evidence *e, struct vs_why *why)
{
	vs_why__free(why);
	if (q->said.line[0])
		snprintf(q->said.line, sizeof(q->said.line), "(left out)");
	if (vs_redact(e, q->subject.device ? q->device : NULL))
		return fail(VS_EXIT_FAILURE, "--redact", strerror(ENOMEM));
	return classify(q, e, why);
}

static int print(const struct question *q, const struct vs_evidence *e, const struct vs_why *why)
{
	struct vs_why_report r = { e, why, vs_why__status(why), vs_host__columns(STDOUT_FILENO),
				   vs_display__wants_color(q->opts.color, STDOUT_FILENO) };
	int err = q->opts.json ? vs_why__print_json(STDOUT_FILENO, &r)
			       : vs_why__print_text(STDOUT_FILENO, &r);

	return vs_command__written(&vs_cmd_why, r.exit_status, err);
}

static int write_markdown(const struct question *q, const struct vs_evidence *e, const struct vs_why *why)
{
	struct vs_why_report r = { e, why, vs_why__status(why), 0, false };
	int fd = open(q->opts.markdown, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : vs_why__print_markdown(fd, &r);

	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	return err ? fail(VS_EXIT_FAILURE, q->opts.markdown, strerror(-err)) : 0;
}

static bool exists(const char *format, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), format, name);
	return !access(path, F_OK);
}

static bool is_in(const struct question *q, const struct vs_evidence *e)
{
	for (size_t i = 0; q->subject.device && i < e->snapshot.nr_devices; i++)
		if (!strcmp(e->snapshot.devices[i].name, q->subject.device))
			return true;
	for (size_t i = 0; q->subject.group >= 0 && i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].number == q->subject.group)
			return true;
	for (size_t i = 0; q->subject.pid && i < e->nr_tasks; i++)
		if (e->tasks[i].tid == q->subject.pid || e->tasks[i].tgid == q->subject.pid)
			return true;
	return false;
}

/* Returns true if we explain another host than the one that runs this. */
static bool is_elsewhere(const struct question *q)
{
	return q->opts.evidence || q->opts.nr_logs || q->opts.core;
}

/* A subject neither in the evidence nor on this host was mistyped, or is gone. */
static int check_subject(const struct question *q, const struct vs_evidence *e)
{
	char number[16], what[32];

	if (is_elsewhere(q) || is_in(q, e))
		return 0;
	snprintf(number, sizeof(number), "%d", q->subject.pid ? (int)q->subject.pid :
		 q->subject.group);
	snprintf(what, sizeof(what), "%s %s", q->subject.pid ? "pid" : "group", number);
	if (q->subject.device && !exists("/sys/bus/pci/devices/%s", q->device) &&
	    !exists("/sys/bus/mdev/devices/%s", q->device))
		return fail(VS_EXIT_FAILURE, q->device, "there is no such device");
	if (q->subject.group >= 0 && !exists("/sys/kernel/iommu_groups/%s", number))
		return fail(VS_EXIT_FAILURE, what, "there is no such IOMMU group");
	if (q->subject.pid && !exists("/proc/%s", number))
		return fail(VS_EXIT_FAILURE, what, "there is no such task");
	return 0;
}

static int explain(struct question *q)
{
	struct vs_evidence e = {};
	struct vs_why why = {};
	int status = q->opts.nr_logs	? load_logs(&q->opts, &e)
		     : q->opts.evidence ? load(q->opts.evidence, &e)
					: collect(q, &e);

	if (!status)
		status = check_subject(q, &e);
	e.said = q->said.line[0] ? &q->said : NULL;
	if (!status)
		status = classify(q, &e, &why);
	if (!status && !is_elsewhere(q) && has_suspect(&why))
		status = look_again(q, &e, &why);
	if (!status && q->opts.redact)
		status = redact(q, &e, &why);
	if (!status && q->opts.save_evidence)
		status = save(q->opts.save_evidence, &e);
	if (!status && q->opts.markdown)
		status = write_markdown(q, &e, &why);
	if (!status)
		status = print(q, &e, &why);
	if (q->stacks_error)
		fail(0, q->opts.all_stacks, strerror(q->stacks_error));
	vs_why__free(&why);
	vs_evidence__free(&e);
	return status ? status : q->stacks_error ? VS_EXIT_FAILURE : VS_EXIT_OK;
}

/* -- a command that may hang, or fail to start a VM -- */

/* What it said names what to look at. The answer does not change the command's status. */
static int answer(struct question *q, const struct vs_heard *heard)
{
	if (!heard->status || !vs_start__recognise(heard->said, &q->said))
		return heard->status;
	q->starter = (uint32_t)getpid();
	if (q->said.device[0]) {
		memcpy(q->device, q->said.device, sizeof(q->device));
		q->subject.device = q->device;
	} else
		q->subject.group = q->said.group;
	explain(q);
	return heard->status;
}

/* The command itself need not hang, as virsh asks a daemon: so the whole host is explained. */
static int run(struct question *q)
{
	static struct vs_heard heard;
	char words[180];
	int err = vs_heard__run(q->command, q->opts.wait, &heard), status;

	if (err)
		return fail(VS_EXIT_FAILURE, "cannot start the command", strerror(-err));
	if (heard.ended)
		return answer(q, &heard);
	snprintf(words, sizeof(words), "%.40s[%d] has not returned in time; it is %s", q->command[0], heard.pid,
		 heard.stopped ? "stopped (state T): what is below is about others; to go on it "
				 "needs SIGCONT" : "left running");
	fail(0, words, NULL);
	status = explain(q);
	return status ? status : VS_EXIT_INCONCLUSIVE;
}

/* -- what is asked -- */

static bool number(const char *text, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return !errno && end != text && !*end && *value >= 0 && *value <= INT_MAX;
}

static bool take_device(struct question *q, const char *text)
{
	if (!vs_device_name__parse(text, q->device))
		return false;
	q->subject.device = q->device;
	return true;
}

static bool take_number(struct question *q, const char *what, const char *text)
{
	long value;

	if (!number(text, &value))
		return false;
	if (!strcmp(what, "group"))
		q->subject.group = (int)value;
	else if (!strcmp(what, "pid") && value)
		q->subject.pid = (uint32_t)value;
	else
		return false;
	return true;
}

/* "group 1" in quotes is one argument. */
static bool take_words(struct question *q, const char *text)
{
	char what[8];
	size_t len = strcspn(text, " ");

	if (!text[len] || len >= sizeof(what))
		return false;
	memcpy(what, text, len);
	what[len] = '\0';
	return take_number(q, what, text + len + 1);
}

static int take_subject(struct question *q, int argc, char **argv)
{
	if (!argc)
		return 0;
	if (argc == 1 && (take_device(q, argv[0]) || take_words(q, argv[0])))
		return 0;
	if (argc == 2 && take_number(q, argv[0], argv[1]))
		return 0;
	return fail(VS_EXIT_USAGE, "ask about a device (0000:65:00.0), a group (group 17) or a task "
		    "(pid 4711); see vfioscope why --help", NULL);
}

#define OPTION(n, l, k, m, h, f) \
	{ .name = n, .letter = l, .kind = k, .metavar = m, .help = h, \
	  .offset = offsetof(struct why_options, f) }

static int add_log(void *options, int arg, const char *value, char *error, size_t size)
{
	struct why_options *opts = options;

	(void)arg;
	if (opts->nr_logs == MOST_LOGS) {
		snprintf(error, size, "%d logs at most", MOST_LOGS);
		return -E2BIG;
	}
	opts->logs[opts->nr_logs++] = value;
	return 0;
}

static const struct vs_opt why_opts[] = {
	{ "wait", 'w', VS_OPT_DURATION, "TIME", "run a command; explain if it takes longer: 30s",
	  offsetof(struct why_options, wait), 1000000, 86400000000000ull, NULL, 0 },
	OPTION("all-stacks", 's', VS_OPT_TEXT, "FILE", "write the kernel stack of every task there",
	       all_stacks),
	OPTION("json", 'j', VS_OPT_FLAG, NULL, "one JSON object (docs/why.md)", json),
	{ .name = "log", .letter = 'l', .kind = VS_OPT_LIST, .metavar = "FILE", .add = add_log,
	  .help = "explain kernel logs, of any machine; - is stdin" },
	OPTION("core", 'c', VS_OPT_TEXT, "FILE", "explain a dump of a machine's memory (vmcore)", core),
	OPTION("vmlinux", 0, VS_OPT_TEXT, "FILE", "with --core: the kernel's types, where it has none", vmlinux),
	OPTION("save-evidence", 0, VS_OPT_TEXT, "FILE", "save what the verdict rests on",
	       save_evidence),
	OPTION("evidence", 0, VS_OPT_TEXT, "FILE", "explain what was saved, on any machine",
	       evidence),
	OPTION("markdown", 0, VS_OPT_TEXT, "FILE", "write a report for a bug tracker there", markdown),
	OPTION("redact", 0, VS_OPT_FLAG, NULL, "numbers in place of names: tasks, VMs, devices", redact),
	OPTION("no-bpf", 0, VS_OPT_FLAG, NULL, "look at /proc and sysfs only, which shows less",
	       no_bpf),
	VS_DISPLAY_COLOR(struct why_options, color),
	{ .name = NULL },
};

static int check(const struct question *q, int nr_operands)
{
	if (q->opts.wait && !nr_operands)
		return fail(VS_EXIT_USAGE, "--wait TIME wants a command to run", NULL);
	if (q->command && q->opts.evidence)
		return fail(VS_EXIT_USAGE, "--wait needs the host itself, not --evidence", NULL);
	if (vs_display__check_color(q->opts.color, &vs_cmd_why))
		return VS_EXIT_USAGE;
	if (q->opts.nr_logs && (q->opts.evidence || q->opts.all_stacks || q->command || q->opts.no_bpf))
		return fail(VS_EXIT_USAGE, "--log reads a text: it goes with no --evidence, --all-stacks, "
			    "--wait or --no-bpf", NULL);
	if (q->opts.core && (q->opts.evidence || q->opts.nr_logs || q->command || q->opts.no_bpf))
		return fail(VS_EXIT_USAGE, "--core reads a dump: it goes with no --evidence, --log, --wait or --no-bpf",
			    NULL);
	if (q->opts.vmlinux && !q->opts.core)
		return fail(VS_EXIT_USAGE, "--vmlinux goes with --core", NULL);
	if (q->opts.evidence && q->opts.all_stacks)
		return fail(VS_EXIT_USAGE, "--all-stacks needs the host itself, not --evidence", NULL);
	return 0;
}

/* The command that we run has options of its own: ours end before it. */
static void mind_the_command(int argc, char **argv)
{
	for (int i = 1; i < argc && argv[i][0] == '-'; i++)
		if (!strncmp(argv[i], "--wait", 6) || !strncmp(argv[i], "-w", 2))
			setenv("POSIXLY_CORRECT", "1", 1);
}

static int parse(int argc, char **argv, struct question *q)
{
	bool posix = getenv("POSIXLY_CORRECT");
	int first;

	mind_the_command(argc, argv);
	first = vs_opts__parse(&vs_cmd_why, argc, argv, &q->opts);
	if (!posix)
		unsetenv("POSIXLY_CORRECT");
	return first;
}

static int cmd_why(int argc, char **argv)
{
	struct question q = { .subject = { .group = -1 } };
	int first = parse(argc, argv, &q), status;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (first < argc && (q.opts.wait || !strcmp(argv[first - 1], "--")))
		q.command = argv + first;
	status = check(&q, argc - first);
	if (status)
		return status;
	if (q.command)
		return run(&q);
	status = take_subject(&q, argc - first, argv + first);
	return status ? status : explain(&q);
}

const struct vs_command vs_cmd_why = {
	.name = "why",
	.summary = "why does this hang, why does a VM not start: who holds, what to do",
	.operands = "[BDF | group N | pid P | -- COMMAND...]",
	.opts = why_opts,
	.epilogue =
		"Hooks nothing, and does not hang with what hangs.\n\n"
		"examples\n"
		"  vfioscope why                          the whole host\n"
		"  vfioscope why 0000:65:00.0             why does it hang, or a VM not start?\n"
		"  vfioscope why pid 4711                 what does this task wait for?\n"
		"  vfioscope why --log dmesg.txt          what does this kernel log show?\n"
		"  vfioscope why --core vmcore            what does this dump show?\n"
		"  vfioscope why --wait 30s -- virsh nodedev-detach pci_0000_65_00_0\n"
		"  vfioscope why -- virsh start web1      it fails: what does that mean?\n",
	.statuses =
		VS_EXIT_HEAD VS_EXIT_LINE("0", "nothing waits, and nothing is known to be in the way")
		VS_EXIT_LINES_FAILED VS_EXIT_LINE("3", "a deadlock, or a reference that nothing accounts for")
		VS_EXIT_LINE_UNAVAILABLE VS_EXIT_LINE("5", "it cannot be told: not recognised, or not all could be looked at")
		VS_EXIT_LINE_PRIVILEGES VS_EXIT_LINE("7", "something waits: in use, a dead owner, another driver; or no VM can start")
		"     of a command that returned: its own\n",
	.run = cmd_why,
};
