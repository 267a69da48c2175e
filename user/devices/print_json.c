// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "devices/print.h"
#include "sink/json.h"
#include "sink/json_out.h"
#include "why/print.h"

static json_t *words_or_null(const char *buf)
{
	return *buf ? text(buf, strlen(buf)) : json_null();
}

static json_t *number_or_null(bool known, unsigned int value)
{
	char buf[12];

	snprintf(buf, sizeof(buf), value > 0xffff ? "%06x" : "%04x", value);
	return known ? json_string(buf) : json_null();
}

/* -- one device -- */

static json_t *mates_json(const struct vs_inventory *inv, const struct vs_device *d)
{
	const struct vs_device *other;
	json_t *array = json_array();
	size_t at = 0;

	while ((other = vs_inventory__member(inv, d->group, &at))) {
		json_t *o;

		if (other == d)
			continue;
		o = json_object();
		set(o, "device", text(other->name, sizeof(other->name)));
		set(o, "driver", string_or_null(other->driver));
		set(o, "spoils_group", json_boolean(vs_device__spoils_group(other)));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *holders_json(const struct vs_evidence *e, const struct vs_usage *u)
{
	json_t *array = json_array();

	for (size_t i = 0; i < u->nr_holders; i++) {
		json_t *o = vs_why__holder_json(&u->holders[i]);
		uint64_t age = vs_usage__age(e, &u->holders[i]);

		set(o, "of", json_string(i < u->nr_own ? "device" : "group"));
		set(o, "process_age_ns", age == VS_EV_UNKNOWN ? json_null() : json_integer((jint)age));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *trouble_json(const struct vs_why_case *c)
{
	json_t *o;

	if (!c)
		return json_null();
	o = json_object();
	set(o, "verdict", json_string(vs_why_verdict__name(c->verdict)));
	set(o, "confidence", json_string(vs_confidence__name(c->confidence)));
	set(o, "reboot", c->reboot == VS_REBOOT_UNKNOWN ? json_null() : json_boolean(c->reboot == VS_REBOOT_YES));
	set(o, "says", text(c->says, sizeof(c->says)));
	set(o, "tid", c->task ? json_integer(c->task->tid) : json_null());
	set(o, "comm", c->task ? text(c->task->comm, VS_COMM_LEN) : json_null());
	return o;
}

static json_t *usage_json(const struct vs_devices_facts *f, const struct vs_pci_ids *ids, const struct vs_usage *u)
{
	static const char *const through[] = { [VS_THROUGH_CONTAINER] = "container", [VS_THROUGH_IOMMUFD] = "iommufd",
		[VS_THROUGH_NOIOMMU] = "noiommu" };
	static const char *const buses[] = { [VS_BUS_PCI] = "pci", [VS_BUS_MDEV] = "mdev", [VS_BUS_OTHER] = "other" };
	const struct vs_device *d = u->device;
	char name[200], vendor[200] = "";
	json_t *o = json_object();

	vs_devices__name(ids, d, name, sizeof(name));
	if (d->has_id)
		vs_pci_ids__vendor(ids, d->vendor, vendor, sizeof(vendor));
	set(o, "device", text(d->name, sizeof(d->name)));
	set(o, "state", json_string(vs_usage__state_name(u->state)));
	set(o, "unseen", json_boolean(u->unseen));
	set(o, "bus", json_string(buses[d->bus]));
	set(o, "name", words_or_null(name));
	set(o, "vendor", words_or_null(vendor));
	set(o, "vendor_id", number_or_null(d->has_id, d->vendor));
	set(o, "device_id", number_or_null(d->has_id, d->device));
	set(o, "class", number_or_null(d->has_id, d->class_code));
	set(o, "driver", string_or_null(u->driver));
	set(o, "node", string_or_null(d->node));
	set(o, "physical_function", string_or_null(d->physical));
	set(o, "group", d->group < 0 ? json_null() : json_integer(d->group));
	set(o, "noiommu", json_boolean(d->noiommu));
	set(o, "viable", json_boolean(d->group >= 0 && !u->spoiler));
	set(o, "mates", mates_json(&f->inventory, d));
	set(o, "through", through[u->through] ? json_string(through[u->through]) : json_null());
	set(o, "holders", holders_json(&f->evidence, u));
	set(o, "trouble", trouble_json(u->trouble));
	set(o, "suspected", trouble_json(u->suspected));
	return o;
}

/* -- documents -- */

static void set_host(json_t *o, const struct vs_devices_facts *f)
{
	const struct vs_evidence *e = &f->evidence;
	json_t *limits = json_array();

	if (e->words[0])
		json_array_append_new(limits, text(e->words, sizeof(e->words)));
	if (e->snapshot.words[0])
		json_array_append_new(limits, text(e->snapshot.words, sizeof(e->snapshot.words)));
	set(o, "kernel", words_or_null(e->release));
	set_int(o, "took_ns", f->took_ns);
	set(o, "privileged", json_boolean(!f->unprivileged));
	set(o, "limits", limits);
}

static int put(int fd, json_t *o)
{
	struct vs_out out;
	int err;

	vs_out__init(&out, fd);
	vs_json_out__put(&out, o, JSON_COMPACT);
	err = vs_out__flush(&out);
	vs_out__fini(&out);
	return err;
}

int vs_devices__print_json(int fd, const struct vs_devices_report *r)
{
	json_t *o = record("devices"), *rows = json_array();

	for (size_t i = 0; i < r->list->nr_rows; i++)
		json_array_append_new(rows, usage_json(r->facts, r->ids, &r->list->rows[i]));
	set_host(o, r->facts);
	set_int(o, "devices_of_host", r->facts->inventory.nr_devices);
	set_int(o, "trouble_elsewhere", r->list->nr_elsewhere);
	set(o, "devices", rows);
	set_int(o, "exit_status", (unsigned int)r->exit_status);
	return put(fd, o);
}

int vs_can__print_json(int fd, const struct vs_can_report *r)
{
	static const char *const answers[] = { [VS_CAN_YES] = "yes", [VS_CAN_NO] = "no", [VS_CAN_NOT_TOLD] = "cannot-be-told" };
	json_t *o = record("can"), *grounds = json_array(), *rows = json_array();
	const struct vs_can *can = r->can;

	for (size_t i = 0; i < can->nr_grounds; i++) {
		const struct vs_can_ground *g = &can->grounds[i];
		json_t *row = json_object();

		set(row, "kind", json_string(vs_can__kind_name(g->kind)));
		set(row, "speaks_for", json_string(answers[g->kind <= VS_CAN_LAST_NO ? VS_CAN_NO : g->kind <= VS_CAN_LAST_HIDDEN ?
							   VS_CAN_NOT_TOLD : VS_CAN_YES]));
		set(row, "device", string_or_null(g->device));
		set(row, "says", text(g->says, sizeof(g->says)));
		json_array_append_new(grounds, row);
	}
	for (size_t i = 0; i < can->nr_usages; i++)
		json_array_append_new(rows, usage_json(r->facts, NULL, &can->usages[i]));
	set_host(o, r->facts);
	set(o, "way", json_string(vs_can__way_name(can->way)));
	set(o, "subject", text(can->subject, sizeof(can->subject)));
	set(o, "answer", json_string(answers[can->answer]));
	set(o, "grounds", grounds);
	set(o, "first", words_or_null(can->first));
	set(o, "fix", json_string(vs_fix__name(r->facts->evidence.fix)));
	set(o, "devices", rows);
	set_int(o, "exit_status", (unsigned int)vs_can__status(can));
	return put(fd, o);
}
