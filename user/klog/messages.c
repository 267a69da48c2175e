// SPDX-License-Identifier: GPL-2.0
/* Takes the messages of VFIO, iommufd, IOMMUs and PCIe: each is from drivers/ of v3.6 to v6.18. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/device_name.h"
#include "klog/scan_priv.h"

#define DEVICE_BEFORE 8		/* tokens before the message that may name its device */

/* "0000:24:00.0:" or a mediated device's UUID, as dev_warn() puts it before its words. */
static bool is_device(const char *word, char device[VS_DEVICE_LEN])
{
	char text[VS_DEVICE_LEN];
	size_t len = strlen(word);

	if (len && word[len - 1] == ':')
		len--;
	if (len < 12 || len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	return vs_device_name__parse(text, device);
}

static void find_device(const struct klog_scan *s, char device[VS_DEVICE_LEN])
{
	memset(device, 0, VS_DEVICE_LEN);
	for (int n = -1; n > -DEVICE_BEFORE && klog_token__at(s, n)->kind == KLOG_WORD; n--)
		if (is_device(klog_word__at(s, n), device))
			return;
	memset(device, 0, VS_DEVICE_LEN);
}

static bool say(struct klog_scan *s, struct vs_ev_message *m)
{
	m->boot = s->boot;
	m->nr = 1;
	m->first_ns = m->last_ns = s->time_ns;
	m->order = s->at;
	memcpy(m->when, s->when, sizeof(m->when));
	klog_table__say(s->table, m);
	return true;
}

static bool say_of_device(struct klog_scan *s, enum vs_ev_message_kind kind)
{
	struct vs_ev_message m = { .kind = kind };

	find_device(s, m.device);
	return say(s, &m);
}

/* "Relaying device request to user (#10)": vfio-pci, vfio-ccw, vfio-ap; without a number in v4.0 */
static bool take_relaying(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_REQUESTED };

	if (!klog_word__is(s, 1, "device") || !klog_word__is(s, 2, "request"))
		return false;
	find_device(s, m.device);
	for (int n = 3; n < 8; n++)
		if (klog_begins(klog_word__at(s, n), "(#"))
			klog_number(klog_word__at(s, n) + 2, &m.rounds);
	return say(s, &m);
}

/* "No device request channel registered, blocked until released by user"; of mdev "No mdev vendor driver ..." */
static bool take_no_channel(struct klog_scan *s)
{
	if ((klog_word__is(s, 1, "device") && klog_word__is(s, 2, "request") && klog_word__is(s, 3, "channel")) ||
	    (klog_word__is(s, 1, "mdev") && klog_word__is(s, 2, "vendor") && klog_word__is(s, 3, "driver")))
		return say_of_device(s, VS_MSG_NO_CHANNEL);
	return false;
}

/* 'Device is currently in use, task "bash" (8657) blocked until device is released' */
static bool take_in_use(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_BLOCKED };
	char comm[64] = "";
	size_t used = 0;
	int n = 6;

	if (!klog_word__is(s, 1, "is") || !klog_word__is(s, 2, "currently") || !klog_begins(klog_word__at(s, 4), "use") ||
	    !klog_word__is(s, 5, "task"))
		return false;
	find_device(s, m.device);
	for (; n < 12 && klog_word__at(s, n)[0] != '('; n++)
		used += (size_t)snprintf(comm + used, sizeof(comm) - used, "%s%.15s", used ? " " : "",
					 klog_word__at(s, n));
	klog_number(klog_word__at(s, n) + (klog_word__at(s, n)[0] == '('), &m.pid);
	snprintf(m.comm, sizeof(m.comm), "%.*s", (int)strcspn(comm + (comm[0] == '"'), "\""),
		 comm + (comm[0] == '"'));
	return say(s, &m);
}

/* iommufd: "Time out waiting for iommufd object to become free" */
static bool take_time_out(struct klog_scan *s)
{
	return klog_word__is(s, 1, "out") && klog_word__is(s, 2, "waiting") && klog_word__is(s, 4, "iommufd") ?
	       say_of_device(s, VS_MSG_IOMMUFD_TIMEOUT) : false;
}

/* QEMU: "vfio 0000:75:00.1: Bus 'pcie.0' does not support hotplugging" */
static bool take_no_hotplug(struct klog_scan *s)
{
	return klog_word__is(s, -1, "support") && klog_word__is(s, -2, "not") ? say_of_device(s, VS_MSG_NO_HOTPLUG) : false;
}

/* "Unable to change power state from D3cold to D0, device inaccessible" */
static bool take_inaccessible(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_DEVICE_GONE };

	if (!klog_begins(klog_word__at(s, -1), "device"))
		return false;
	for (int n = -1; n > -16 && !m.device[0]; n--)
		if (klog_word__is(s, n, "Unable"))
			is_device(klog_word__at(s, n - 1), m.device);
	return say(s, &m);
}

/* Up to v5.6: "Refused to change power state, currently in D3"; a device that is gone reads as D3. */
static bool take_refused(struct klog_scan *s)
{
	return klog_word__is(s, 1, "to") && klog_word__is(s, 2, "change") && klog_word__is(s, 3, "power") ?
	       say_of_device(s, VS_MSG_DEVICE_GONE) : false;
}

/* "can't change power state from D0 to D3hot (config space inaccessible)", from v5.4 on */
static bool take_no_config(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_DEVICE_GONE };

	if (!klog_word__is(s, -1, "space") || !klog_word__is(s, -2, "(config"))
		return false;
	for (int n = -3; n > -16 && !m.device[0]; n--)
		is_device(klog_word__at(s, n), m.device);
	return say(s, &m);
}

/* "NVRM: Attempting to remove device 0000:8a:00.0 with non-zero usage count!": it polls until that is zero. */
static bool take_busy(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_DRIVER_BUSY };

	if (!klog_word__is(s, 1, "to") || !klog_word__is(s, 2, "remove") || !klog_word__is(s, 6, "non-zero"))
		return false;
	is_device(klog_word__at(s, 4), m.device);
	return say(s, &m);
}

/* pciehp: "Slot(3): Link Down", "Slot(3): Card not present" */
static bool take_slot(struct klog_scan *s)
{
	if (!(klog_word__is(s, 1, "Link") && klog_word__is(s, 2, "Down")) && !(klog_word__is(s, 1, "Card") && klog_word__is(s, 2, "not")))
		return false;
	return say_of_device(s, VS_MSG_LINK_DOWN);
}

/* Intel: "VT-d detected Invalidation Time-out Error"; AMD: "Completion-Wait loop timed out"; SMMU: "CMD_SYNC timeout" */
static bool take_iommu(struct klog_scan *s)
{
	if ((klog_word__is(s, 0, "Invalidation") && klog_word__is(s, 1, "Time-out") && klog_word__is(s, -1, "detected")) ||
	    (klog_word__is(s, 0, "Completion-Wait") && klog_word__is(s, 2, "timed")) ||
	    (klog_word__is(s, 0, "CMD_SYNC") && klog_begins(klog_word__at(s, 1), "timeout")))
		return say_of_device(s, VS_MSG_IOMMU_TIMEOUT);
	return false;
}

/* AMD: "Event logged [IOTLB_INV_TIMEOUT device=0000:0b:00.0 address=0x105d1b8f0]", before v4.20 "device=0b:00.0" */
static bool take_iotlb(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_IOMMU_TIMEOUT };
	const char *device = klog_word__at(s, 1);

	if (klog_begins(device, "device=") && !vs_device_name__parse(device + strlen("device="), m.device))
		memset(m.device, 0, sizeof(m.device));
	return say(s, &m);
}

/* "not ready 65535ms after FLR; giving up" */
static bool take_not_ready(struct klog_scan *s)
{
	if (!klog_word__is(s, -1, "not") || !klog_word__is(s, 2, "after") || !klog_word__is(s, 4, "giving"))
		return false;
	return say_of_device(s, VS_MSG_DEVICE_GONE);
}

/* "enabling device (0000 -> 0003)", "Removing from iommu group 14": its wait, if there was one, is over. */
static bool take_over(struct klog_scan *s)
{
	if (!klog_word__is(s, 1, "device") && !(klog_word__is(s, 2, "iommu") && klog_word__is(s, 3, "group")))
		return false;
	return say_of_device(s, VS_MSG_REBOUND);
}

static bool take_panic(struct klog_scan *s)
{
	return klog_word__is(s, -1, "Kernel") && klog_word__is(s, 1, "-") ? say_of_device(s, VS_MSG_PANIC) : false;
}

static const struct {
	const char *word;
	bool (*take)(struct klog_scan *s);
} words[] = {
	{ "Relaying", take_relaying },
	{ "No", take_no_channel },
	{ "Device", take_in_use },
	{ "Time", take_time_out },
	{ "hotplugging", take_no_hotplug },
	{ "inaccessible", take_inaccessible },
	{ "inaccessible)", take_no_config },
	{ "Refused", take_refused },
	{ "Attempting", take_busy },
	{ "Invalidation", take_iommu },
	{ "Completion-Wait", take_iommu },
	{ "CMD_SYNC", take_iommu },
	{ "[IOTLB_INV_TIMEOUT", take_iotlb },
	{ "panic", take_panic },
	{ "ready", take_not_ready },
	{ "enabling", take_over },
	{ "Removing", take_over },
	{ "Adding", take_over },
};

/* "nvme 0000:24:00.0: ...": another driver speaks of a device, so the wait for it is over. */
static bool take_driver(struct klog_scan *s)
{
	struct vs_ev_message m = { .kind = VS_MSG_REBOUND };
	const char *driver = klog_word__at(s, -1);

	if (!driver[0] || klog_begins(driver, "vfio") || klog_begins(driver, "pci") || klog_begins(driver, "qemu") ||
	    klog_begins(driver, "iommu") || !is_device(klog_word__at(s, 0), m.device))
		return false;
	if (klog_token__at(s, -2)->kind != KLOG_STAMP && !klog_word__is(s, -2, "kernel:"))
		return false;
	return say(s, &m);
}

void klog_messages__index(struct klog_index *x)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		klog_index__add(x, words[i].word);
}

bool klog_messages__take(struct klog_scan *s)
{
	const struct klog_token *t = klog_token__at(s, 0);
	bool known = klog_index__may_have(&s->index, t);

	for (size_t i = 0; known && i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].word[0] == t->text[0] && !strcmp(words[i].word, t->text))
			return words[i].take(s);
	if (klog_begins(t->text, "Slot("))
		return take_slot(s);
	if (t->len > 11 && t->text[t->len - 1] == ':' && isxdigit((unsigned char)t->text[0]) &&
	    strchr(t->text, '.'))
		return take_driver(s);
	return false;
}
