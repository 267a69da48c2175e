// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"
#include "devices/page.h"
#include "devices/print.h"
#include "why/holders.h"
#include "why/print_words.h"

#define LEAST_NAME 12
#define MOST_DRIVER 16
#define NARROW 100
#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)
#define NARROW_DRIVER 10
#define NAME_LEN 160
#define WHO_LEN 200

/* -- pieces of a row -- */

static const char *class_name(const struct vs_device *d)
{
	static const struct {
		unsigned int base;
		const char *name;
	} names[] = {
		{ 0x01, "storage" }, { 0x02, "network" }, { 0x03, "display" }, { 0x04, "multimedia" }, { 0x06, "bridge" },
		{ 0x08, "system" }, { 0x0b, "processor" }, { 0x0c, "serial bus" }, { 0x0d, "wireless" },
		{ 0x10, "encryption" }, { 0x12, "accelerator" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].base == d->class_code >> 16)
			return names[i].name;
	return "device";
}

void vs_devices__name(const struct vs_pci_ids *ids, const struct vs_device *d, char *buf, size_t size)
{
	buf[0] = '\0';
	if (d->bus == VS_BUS_MDEV)
		snprintf(buf, size, "mediated device");
	if (!d->has_id)
		return;
	vs_pci_ids__device(ids, d->vendor, d->device, buf, size);
	if (!buf[0])
		snprintf(buf, size, "%s %04x:%04x", class_name(d), d->vendor, d->device);
}

/* "GA102 [GeForce RTX 3090]": where room is short, the name that people know is the one in brackets. */
static void short_name(char *name, size_t width)
{
	char *open = strrchr(name, '['), *close = open ? strchr(open, ']') : NULL;

	if (strlen(name) <= width || !close || close == open + 1)
		return;
	memmove(name, open + 1, (size_t)(close - open - 1));
	name[close - open - 1] = '\0';
}

static void group_words(const struct vs_usage *u, char *buf, size_t size)
{
	if (u->device->group < 0)
		snprintf(buf, size, "-");
	else if (u->nr_mates)
		snprintf(buf, size, "%d +%zu%s", u->device->group, u->nr_mates, u->spoiler && u->state != VS_USAGE_HOST ? "!" : "");
	else
		snprintf(buf, size, "%d", u->device->group);
}

static size_t nr_processes(const struct vs_usage *u, size_t nr)
{
	size_t found = 0;

	for (size_t i = 0; i < nr; i++) {
		size_t j = 0;

		while (j < i && u->holders[j].tgid != u->holders[i].tgid)
			j++;
		found += j == i;
	}
	return found;
}

static void label_of(const struct vs_why_holder *h, const char **label, const char **name)
{
	*label = h->vm[0] ? "VM " : h->pod_name[0] || h->pod[0] ? "pod " : h->container_name[0] || h->container[0] ?
		 "container " : "";
	*name = h->vm[0] ? h->vm : h->pod_name[0] ? h->pod_name : h->pod[0] ? h->pod : h->container_name[0] ?
		h->container_name : h->container;
}

/* The name is cut where room is short, never the number. */
static void holder_words(const struct vs_why_holder *h, const char *more, size_t width, char *buf, size_t size)
{
	char tail[60], name[WHO_LEN - 80], fd[20] = "";
	const char *label, *of;
	size_t room;

	label_of(h, &label, &of);
	if (!h->tgid) {
		snprintf(buf, size, h->hidden ? "a process out of sight%s" : "memory of an ended process%s", more);
		return;
	}
	if (h->fd >= 0)
		snprintf(fd, sizeof(fd), " fd %d", h->fd);
	snprintf(tail, sizeof(tail), "%s%u%s%s%s", *label ? " pid " : "[", h->tgid, *label ? "" : "]",
		 strlen(label) + strlen(*label ? of : h->comm) + strlen(fd) + strlen(more) + 16 <= width ? fd : "", more);
	room = strlen(label) + strlen(tail) + 6 < width ? width - strlen(label) - strlen(tail) : 6;
	room = room < sizeof(name) - 1 ? room : sizeof(name) - 1;
	if (*label)
		vs_name__in_quotes(name, room + 1, of, strlen(of));
	else
		vs_name__escape(name, room + 1, h->comm, sizeof(h->comm));
	snprintf(buf, size, "%s%s%s", label, name, tail);
}

static void who_words(const struct vs_usage *u, size_t width, char *buf, size_t size)
{
	size_t nr = u->nr_own ? u->nr_own : u->nr_holders, others = nr_processes(u, nr);
	const struct vs_why_case *c = u->trouble;
	char more[24] = "", task[VS_TASK_LEN] = "";

	if (u->state == VS_USAGE_STUCK) {
		if (c->task)
			vs_name__task(task, c->task->comm, c->task->tid, 0);
		snprintf(buf, size, "%s%s%s", vs_why_verdict__name(c->verdict), c->task ? ": " : "", task);
		return;
	}
	snprintf(buf, size, "-");
	if (!nr)
		return;
	if (others > 1)
		snprintf(more, sizeof(more), " +%zu", others - 1);
	holder_words(&u->holders[0], more, width, buf, size);
}

/* "5d" of "5d 2h". */
static void age_words(const struct vs_evidence *e, const struct vs_usage *u, char *buf, size_t size)
{
	uint64_t age = u->nr_holders ? vs_usage__age(e, &u->holders[0]) : VS_EV_UNKNOWN;

	char words[32];

	snprintf(buf, size, "-");
	if (age == VS_EV_UNKNOWN)
		return;
	if (age < MINUTE_NS) {
		snprintf(buf, size, "%us", (unsigned int)(age / SECOND_NS));
		return;
	}
	vs_words__age(words, sizeof(words), age);
	snprintf(buf, size, "%.*s", (int)strcspn(words, " "), words);
}

/* -- the table -- */

enum column { STATE, DEVICE, GROUP, DRIVER, AGE, WHO, NAME, COLUMNS };
static const char *const heads[COLUMNS] = { "STATE", "DEVICE", "GROUP", "DRIVER", "AGE", "WHO", "NAME" };

struct table {
	const struct vs_devices_report *r;
	size_t width[COLUMNS];
	size_t gap;		/* between two of them */
};

static void cell(const struct table *t, const struct vs_usage *u, enum column c, char *buf, size_t size)
{
	switch (c) {
	case STATE:
		snprintf(buf, size, "%s%s", vs_usage__state_name(u->state), u->state == VS_USAGE_FREE && u->unseen ? "?" : "");
		break;
	case DEVICE:
		snprintf(buf, size, "%s", u->device->name);
		break;
	case GROUP:
		group_words(u, buf, size);
		break;
	case DRIVER:
		vs_name__escape(buf, size < MOST_DRIVER + 1 ? size : MOST_DRIVER + 1, u->driver[0] ? u->driver : "-",
				VS_DRIVER_LEN);
		break;
	case AGE:
		age_words(&t->r->facts->evidence, u, buf, size);
		break;
	case NAME:
		vs_devices__name(t->r->ids, u->device, buf, size);
		break;
	default:
		who_words(u, t->width[WHO] ? t->width[WHO] : WHO_LEN, buf, size);
	}
}

/* The first columns take what they need; who has it comes before what it is. */
static void measure(struct table *t, size_t width)
{
	size_t used = 0, rest;
	char buf[WHO_LEN];

	t->gap = width < NARROW ? 1 : 2;
	for (int c = 0; c < COLUMNS; c++) {
		size_t most = strlen(heads[c]);

		for (size_t i = 0; i < t->r->list->nr_rows; i++) {
			size_t len;

			cell(t, &t->r->list->rows[i], c, buf, sizeof(buf));
			len = strlen(buf);
			most = len > most ? len : most;
		}
		if (c == DRIVER && width < NARROW && most > NARROW_DRIVER)
			most = NARROW_DRIVER;
		t->width[c] = most;
		used += c < WHO ? most + t->gap : 0;
	}
	rest = width > used + t->gap ? width - used - t->gap : 2 * LEAST_NAME;
	if (t->width[NAME] + t->width[WHO] <= rest)
		return;
	if (t->width[WHO] + LEAST_NAME > rest)
		t->width[WHO] = rest > 3 * LEAST_NAME ? rest - LEAST_NAME : rest - rest / 3;
	t->width[NAME] = rest - t->width[WHO];
}

static void put_cell(struct vs_out *o, const char *text, size_t width, size_t gap)
{
	size_t len = strlen(text);

	if (len > width)
		vs_out__printf(o, "%.*s%s", (int)(width - strlen(VS_NAME_CUT)), text, VS_NAME_CUT);
	else
		vs_out__printf(o, "%s", text);
	if (gap)
		vs_out__fill(o, ' ', (len < width ? width - len : 0) + gap);
}

static const char *color_of(enum vs_usage_state state)
{
	static const char *const colors[VS_USAGE_STATES] = {
		[VS_USAGE_STUCK] = "\033[1;31m", [VS_USAGE_LEAVING] = "\033[1;33m", [VS_USAGE_IN_USE] = "\033[1m",
		[VS_USAGE_FREE] = "\033[32m",
	};

	return colors[state] ? colors[state] : "";
}

static void put_row(struct vs_page *p, const struct table *t, const struct vs_usage *u)
{
	char buf[WHO_LEN];

	for (int c = 0; c < COLUMNS; c++) {
		if (u)
			cell(t, u, c, buf, sizeof(buf));
		else
			snprintf(buf, sizeof(buf), "%s", heads[c]);
		if (u && c == NAME)
			short_name(buf, t->width[NAME]);
		if (u && c == STATE && p->color)
			vs_out__style(&p->out, color_of(u->state));
		put_cell(&p->out, buf, t->width[c], c == COLUMNS - 1 ? 0 : t->gap);
		if (u && c == STATE && p->color)
			vs_out__style(&p->out, VS_STYLE_OFF);
	}
	vs_out__puts(&p->out, "\n");
}

/* -- details -- */

static void list_mates(const struct vs_inventory *inv, const struct vs_device *d, char *buf, size_t size)
{
	const struct vs_device *other;
	size_t at = 0;

	buf[0] = '\0';
	while ((other = vs_inventory__member(inv, d->group, &at))) {
		char driver[VS_NAME_BYTE * VS_DRIVER_LEN];

		if (other == d)
			continue;
		vs_name__quote(driver, sizeof(driver), other->driver, sizeof(other->driver));
		vs_words__append(buf, size, "%s%s (%s)", buf[0] ? ", " : "", other->name, other->driver[0] ? driver : "no driver");
	}
}

static void say_group(struct vs_page *p, const struct vs_devices_report *r, const struct vs_usage *u)
{
	char mates[1000];

	if (u->device->group < 0) {
		vs_page__row(p, "  group", "none: the host has no IOMMU for it, so VFIO refuses it");
		return;
	}
	list_mates(&r->facts->inventory, u->device, mates, sizeof(mates));
	vs_page__row(p, "  group", "%d%s%s%s", u->device->group, u->device->noiommu ? ", without an IOMMU (noiommu)" : "",
	    mates[0] ? ", with " : ", alone", mates);
	if (u->spoiler)
		vs_page__row(p, "", "No VM can open the group: a driver of the host has %s", u->spoiler->name);
}

static void say_holders(struct vs_page *p, const struct vs_devices_report *r, const struct vs_usage *u)
{
	char words[VS_HOLDER_WORDS], age[32];

	for (size_t i = 0; i < u->nr_holders; i++) {
		const struct vs_why_holder *h = &u->holders[i];
		bool last = i + 1 == u->nr_holders || u->holders[i + 1].tgid != h->tgid;

		vs_why_words__holder(h, false, words, sizeof(words));
		vs_page__row(p, i ? "" : "  who", "%s", words);
		vs_why_words__origin(h, words, sizeof(words));
		if (last && words[0])
			vs_page__row(p, "", "%s", words);
		if (!last || vs_usage__age(&r->facts->evidence, h) == VS_EV_UNKNOWN)
			continue;
		vs_words__age(age, sizeof(age), vs_usage__age(&r->facts->evidence, h));
		vs_page__row(p, "", "for %s at most: the age of the process", age);
	}
	if (!u->nr_holders && u->unseen)
		vs_page__row(p, "  who", "nobody that can be seen from here");
	else if (!u->nr_holders)
		vs_page__row(p, "  who", u->state == VS_USAGE_HOST ? "nobody through VFIO" : "nobody");
}

static void say_details(struct vs_page *p, const struct vs_devices_report *r, const struct vs_usage *u)
{
	static const char *const through[] = { [VS_THROUGH_CONTAINER] = "a container of VFIO", [VS_THROUGH_IOMMUFD] = "iommufd",
		[VS_THROUGH_NOIOMMU] = "a container of VFIO, without an IOMMU: its DMA goes anywhere" };
	const struct vs_device *d = u->device;
	char vendor[NAME_LEN] = "", name[NAME_LEN];

	vs_devices__name(r->ids, d, name, sizeof(name));
	if (d->has_id)
		vs_pci_ids__vendor(r->ids, d->vendor, vendor, sizeof(vendor));
	if (vendor[0])
		vs_page__row(p, "  name", "%s %s [%04x:%04x]", vendor, name, d->vendor, d->device);
	else if (name[0])
		vs_page__row(p, "  name", "%s", name);
	say_group(p, r, u);
	if (d->physical[0])
		vs_page__row(p, "  of", "%s: it is a virtual function of that", d->physical);
	say_holders(p, r, u);
	if (through[u->through])
		vs_page__row(p, "  through", "%s", through[u->through]);
	if (u->trouble)
		vs_page__row(p, "  trouble", "%s (vfioscope why %s)", u->trouble->says, d->name);
	else if (u->suspected)
		vs_page__row(p, "  trouble", "something waits for a device that is not known: it may be this one (vfioscope why)");
}

/* -- the page -- */

static void say_count(struct vs_page *p, const struct vs_devices_report *r)
{
	size_t nr[VS_USAGE_STATES] = {};
	char words[200] = "", took[32];

	for (size_t i = 0; i < r->list->nr_rows; i++)
		nr[r->list->rows[i].state]++;
	for (int s = 0; s < VS_USAGE_STATES; s++)
		if (nr[s])
			vs_words__append(words, sizeof(words), "%s%zu %s", words[0] ? ", " : ": ", nr[s], vs_usage__state_name(s));
	vs_words__duration(took, sizeof(took), r->facts->took_ns);
	vs_page__row(p, "DEVICES", "%zu of %zu%s; in %s", r->list->nr_rows, r->facts->inventory.nr_devices, words, took);
}

static void say_marks(struct vs_page *p, const struct vs_devices_report *r)
{
	bool aged = false, spoiled = false, unsure = false, held = false;

	for (size_t i = 0; i < r->list->nr_rows; i++) {
		const struct vs_usage *u = &r->list->rows[i];

		aged |= u->nr_holders > 0;
		spoiled |= u->spoiler && u->nr_mates && u->state != VS_USAGE_HOST;
		unsure |= u->state == VS_USAGE_FREE && u->unseen;
		held |= u->state == VS_USAGE_HELD;
	}
	if (aged)
		vs_page__row(p, "AGE", "that of the process, which has the device for no longer");
	if (held)
		vs_page__row(p, "held", "nobody has this device, but somebody has its group open");
	if (spoiled)
		vs_page__row(p, "!", "a driver of the host has a device of this group: no VM can open it");
	if (unsure)
		vs_page__row(p, "?", "somebody may have it who was not to be seen");
}

int vs_devices__print_text(int fd, const struct vs_devices_report *r)
{
	struct vs_page p = { .width = vs_page__width(r->width), .color = r->color };
	struct table t = { .r = r };
	int err;

	vs_out__init(&p.out, fd);
	measure(&t, p.width);
	if (r->list->nr_rows)
		put_row(&p, &t, NULL);
	for (size_t i = 0; i < r->list->nr_rows; i++) {
		put_row(&p, &t, &r->list->rows[i]);
		if (r->details)
			say_details(&p, r, &r->list->rows[i]);
	}
	if (!r->list->nr_rows)
		vs_out__puts(&p.out, "VFIO has no device, and no device is on its way to it. All devices: --all\n");
	else
		vs_out__puts(&p.out, "\n");
	say_count(&p, r);
	if (!r->details)
		say_marks(&p, r);
	if (r->list->nr_elsewhere)
		vs_page__row(&p, "TROUBLE", "%zu more, of none of the host's devices as far as is known: vfioscope why", r->list->nr_elsewhere);
	vs_page__limits(&p, &r->facts->evidence);
	err = vs_out__flush(&p.out);
	vs_out__fini(&p.out);
	return err;
}
