// SPDX-License-Identifier: GPL-2.0
#include "event/names.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static const char *const types[VS_TYPE_END] = {
	[VS_CREATE] = "create",
	[VS_REGISTER] = "register",
	[VS_UNREGISTER] = "unregister",
	[VS_GET] = "get",
	[VS_PUT] = "put",
	[VS_NOTIFIER_ENTER] = "notifier-enter",
	[VS_NOTIFIER_EXIT] = "notifier-exit",
	[VS_QUEUE] = "queue",
	[VS_START] = "start",
	[VS_END] = "end",
	[VS_RELEASE] = "release",
	[VS_UNREGISTER_NOTIFIER] = "unregister-notifier",
	[VS_OPEN] = "open",
	[VS_CLOSE] = "close",
	[VS_MODULE_LOAD] = "module-load",
	[VS_MODULE_FREE] = "module-free",
	[VS_CHAIN_DEADLOCK] = "chain-deadlock",
	[VS_CHANGE] = "change",
	[VS_REG_GET] = "registration-get",
	[VS_REG_PUT] = "registration-put",
	[VS_CONTAINER_USE] = "container-use",
	[VS_CONTAINER_UNUSE] = "container-unuse",
	[VS_IOMMUFD_BIND] = "iommufd-bind",
	[VS_IOMMUFD_UNBIND] = "iommufd-unbind",
	[VS_IOMMUFD_ATTACH] = "iommufd-attach",
	[VS_IOMMUFD_DETACH] = "iommufd-detach",
};

static const char *const contexts[] = {
	[VS_CTX_PROCESS] = "process",
	[VS_CTX_NOTIFIER] = "notifier",
	[VS_CTX_WORKER] = "worker",
	[VS_CTX_CHAIN] = "chain",
};

static const char *const actions[] = {
	[VS_ACT_NONE] = "",
	[VS_ACT_ADD_DEVICE] = "ADD_DEVICE",
	[VS_ACT_DEL_DEVICE] = "DEL_DEVICE",
	[VS_ACT_BIND_DRIVER] = "BIND_DRIVER",
	[VS_ACT_BOUND_DRIVER] = "BOUND_DRIVER",
	[VS_ACT_UNBIND_DRIVER] = "UNBIND_DRIVER",
	[VS_ACT_UNBOUND_DRIVER] = "UNBOUND_DRIVER",
};

struct loss_text {
	const char *name;
	const char *unit;
	const char *words;
	const char *hint;
};

static const struct loss_text losses[VS_LOSS_END] = {
	[VS_LOSS_RING_FULL] = { "ring-full", "events", "ring buffer full", "use a larger --ring-size" },
	[VS_LOSS_TASK_MAP_FULL] = { "task-map-full", "tasks",
		"no room to keep the context of a task: its gets and puts show as process", "" },
	[VS_LOSS_CHAIN_DEPTH] = { "chain-depth", "calls",
		"notifier chains nested deeper than is followed", "" },
	[VS_LOSS_STALE_FRAME] = { "stale-frame", "calls",
		"the return from a notifier chain was missed", "" },
	[VS_LOSS_READ_FAULT] = { "read-fault", "reads", "kernel memory could not be read", "" },
	[VS_LOSS_LAYOUT] = { "layout", "reads",
		"an assumed structure offset is wrong on this kernel", "" },
	[VS_LOSS_PROBE_MISSED] = { "probe-missed", "hits", "the kernel skipped a kprobe", "" },
	[VS_LOSS_RECURSION] = { "recursion", "hits",
		"a program was skipped: it was already running on that CPU", "" },
	[VS_LOSS_WATCH_MISSED] = { "watch-missed", "hits",
		"a watchpoint was hit while another program ran on that CPU: its own was skipped", "" },
	[VS_LOSS_WATCH_UNDECODED] = { "watch-undecoded", "changes",
		"a watchpoint was hit, and what was written cannot be told (an emulator may have reported "
		"another access)", "" },
	[VS_LOSS_CPU_UNWATCHED] = { "cpu-unwatched", "CPUs",
		"came online after a watchpoint was set: changes there are not seen", "" },
	[VS_LOSS_LATE] = { "late", "records",
		"came seconds after their time, because a CPU stood still: out of order", "" },
	[VS_LOSS_GROUP_EVICTED] = { "group-evicted", "groups",
		"more groups than are kept, the longest unused one was forgotten", "" },
	[VS_LOSS_WORK_EVICTED] = { "work-evicted", "deferred puts",
		"more outstanding deferred puts than are kept, the oldest was forgotten", "" },
	[VS_LOSS_TASK_EVICTED] = { "task-evicted", "tasks",
		"more tasks inside a notifier than are kept, the oldest was forgotten", "" },
	[VS_LOSS_REF_REFUSED] = { "ref-refused", "references",
		"more references, stacks or groups than are kept", "use a larger --max-refs" },
	[VS_LOSS_UNKNOWN_TYPE] = { "unknown-type", "records",
		"of a type this program does not know, skipped", "use a newer vfioscope" },
	[VS_LOSS_NEWER_RECORD] = { "newer-record", "records",
		"of a newer format, skipped", "use a newer vfioscope" },
	[VS_LOSS_BAD_RECORD] = { "bad-record", "records", "with impossible sizes, skipped", "" },
};

static const char *name_of(const char *const *names, size_t nr, unsigned int i)
{
	return i < nr && names[i] ? names[i] : "?";
}

const char *vs_type__name(unsigned int type)
{
	return type < NR(types) ? types[type] : NULL;
}

int vs_type__parse(const char *name)
{
	for (unsigned int i = 0; i < NR(types); i++)
		if (types[i] && !strcmp(types[i], name))
			return (int)i;
	return -ENOENT;
}

const char *vs_context__name(unsigned int context)
{
	return name_of(contexts, NR(contexts), context);
}

const char *vs_action__name(unsigned int action)
{
	return name_of(actions, NR(actions), action);
}

const char *vs_loss__name(unsigned int cause)
{
	return cause < VS_LOSS_END ? losses[cause].name : "?";
}

const char *vs_loss__words(unsigned int cause)
{
	return cause < VS_LOSS_END ? losses[cause].words : "unknown cause";
}

const char *vs_loss__hint(unsigned int cause)
{
	return cause < VS_LOSS_END ? losses[cause].hint : "";
}

const char *vs_loss__unit(unsigned int cause)
{
	return cause < VS_LOSS_END ? losses[cause].unit : "times";
}
