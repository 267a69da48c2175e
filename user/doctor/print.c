// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "base/json_text.h"
#include "base/plural.h"
#include "base/version.h"
#include "doctor/print.h"
#include "doctor/print_checks.h"
#include "doctor/print_coverage.h"
#include "doctor/print_page.h"
#include "sink/json_out.h"

void vs_doctor__note_failures(struct vs_doctor_report *report, const struct vs_plan *armed)
{
	for (size_t i = 0; i < armed->nr_rows; i++) {
		const struct vs_plan_row *was = vs_plan__row(report->plan, armed->rows[i].hook->name);

		if (armed->rows[i].status != VS_HOOK_MISSING || was->status == VS_HOOK_MISSING ||
		    report->nr_failures == VS_DOCTOR_FAILURES)
			continue;
		snprintf(report->failures[report->nr_failures++], sizeof(report->failures[0]),
			 "%s: %.150s", was->hook->name, armed->rows[i].how);
	}
}

/* -- text -- */

static const char *state_words(enum vs_kmod_state state)
{
	static const char *const words[] = {
		[VS_KMOD_ABSENT] = "not on this system",
		[VS_KMOD_ON_DISK] = "not loaded",
		[VS_KMOD_LOADED] = "loaded",
		[VS_KMOD_BUILTIN] = "built in",
	};

	return words[state];
}

static const char *layout_words(const struct vs_doctor_report *r)
{
	if (r->facts->layout_source == VS_LAYOUT_MODULE_BTF)
		return "from the module's BTF";
	if (r->facts->layout_source == VS_LAYOUT_VMLINUX_BTF)
		return "from the kernel's BTF";
	if (r->plan->layout_assumed)
		return "no BTF: that of 4.15 to 5.15, checked against live events";
	return "not known yet";
}

static void put_vfio(const struct vs_page *page, const struct vs_doctor_report *r)
{
	const struct vs_facts *f = r->facts;

	vs_out__puts(page->out, "\nVFIO\n");
	vs_page__line(page, "vfio", "%s", state_words(f->vfio_state));
	if (f->vfio_file)
		vs_page__line(page, "file", "%s%s", f->vfio.path, !f->running_build_id[0] ? ""
			 : ", the build-id is that of the loaded module");
	if (f->vfio_error[0])
		vs_page__line(page, f->vfio_file ? "" : "file", "%s", f->vfio_error);
	vs_page__line(page, "the fix", "%s", vs_fix__words(r->plan->fix));
	if (f->vfio_state != VS_KMOD_ABSENT)
		vs_page__line(page, "layout", "%s", layout_words(r));
	if (f->iommu_groups <= 0)
		vs_page__line(page, "IOMMU groups", "none: is the IOMMU on (intel_iommu=on, firmware)?");
	else
		vs_page__line(page, "IOMMU groups", "%d", f->iommu_groups);
}

static void put_row(const struct vs_page *page, const struct vs_plan_row *row)
{
	unsigned int indent = 2 + VS_PAGE_LABEL + 2;

	vs_out__printf(page->out, "  %-*s  %-14s %2u  ", VS_PAGE_LABEL, row->hook->name,
		vs_hook_status__name(row->status), row->nr_probes);
	vs_page__wrapped(page, indent + 15 + 4, row->how);
}

static void put_plan(const struct vs_page *page, const struct vs_doctor_report *r)
{
	vs_out__printf(page->out, "\nProbes%s\n", r->privileges_missing && !r->recorded
		? ", as root would get them" : "");
	for (size_t i = 0; i < r->plan->nr_rows; i++)
		put_row(page, &r->plan->rows[i]);
}

static bool said_before(const struct vs_plan *plan, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (plan->rows[i].status == VS_HOOK_MISSING &&
		    !strcmp(plan->rows[i].advice, plan->rows[row].advice))
			return true;
	return false;
}

/* Prints one line for each remedy, however many hooks need it. */
static void put_advice(const struct vs_page *page, const struct vs_doctor_report *r)
{
	const struct vs_plan *plan = r->plan;
	bool any = false;
	char text[512];

	for (size_t i = 0; i < plan->nr_rows; i++) {
		const struct vs_plan_row *row = &plan->rows[i];

		if (row->status != VS_HOOK_MISSING)
			continue;
		if (!any)
			vs_out__puts(page->out, "\nNot seen, and what to do\n");
		any = true;
		if (row->advice[0] && said_before(plan, i))
			continue;
		snprintf(text, sizeof(text), "%s: %s%s%s", row->hook->name, row->how,
			 row->advice[0] ? ". To do: " : "", row->advice);
		vs_page__item(page, text);
	}
}

static void put_test(const struct vs_page *page, const struct vs_doctor_report *r)
{
	if (!r->tested)
		return;
	vs_out__puts(page->out, "\nSelf-test\n");
	if (r->test_error[0])
		vs_page__line(page, "failed", "%s", r->test_error);
	else
		vs_page__line(page, "armed", "%zu probe%s in %.2f s (facts %.2f, load %.2f, attach %.2f), "
			 "%zu KiB of kernel memory", r->test_armed, vs_plural(r->test_armed), r->test_ns / 1e9,
			 r->times.learn_ns / 1e9, r->times.load_ns / 1e9,
			 r->times.attach_ns / 1e9, r->map_bytes >> 10);
	for (size_t i = 0; i < r->nr_failures; i++)
		vs_page__item(page, r->failures[i]);
	vs_doctor__put_self_test(page, &r->fired);
}

static bool has_partial(const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].status == VS_HOOK_PARTIAL)
			return true;
	return false;
}

struct verdict {
	const char *title, *words, *style;
};

#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define GREEN "\033[1;32m"

static struct verdict verdict_of(const struct vs_doctor_report *r)
{
	if (r->facts->vfio_state == VS_KMOD_ABSENT && !r->tested)
		return (struct verdict){ "NO VFIO", "this system has none, so there is nothing to see", YELLOW };
	if (r->exit_status == VS_EXIT_PERMISSION)
		return (struct verdict){ "NEEDS ROOT", "this user may not arm probes", YELLOW };
	if (r->exit_status != VS_EXIT_OK && r->tested && vs_plan__complete(r->plan))
		return (struct verdict){ "NOT READY", "something required did not work when it was tried", RED };
	if (r->exit_status != VS_EXIT_OK)
		return (struct verdict){ "NOT READY", "something required cannot be armed: see below", RED };
	if (has_partial(r->plan))
		return (struct verdict){ "READY IN PART", "not all of it is seen: see below", YELLOW };
	if (vs_plan__waits(r->plan))
		return (struct verdict){ "READY", "everything required can be armed, once vfio.ko is loaded", GREEN };
	return (struct verdict){ "READY", "everything required can be armed", GREEN };
}

static void put_verdict(struct vs_out *out, const struct vs_doctor_report *r)
{
	struct verdict v = verdict_of(r);

	vs_out__puts(out, "VERDICT   ");
	vs_out__style(out, r->color ? v.style : "");
	vs_out__text(out, v.title);
	vs_out__style(out, r->color ? VS_STYLE_OFF : "");
	vs_out__printf(out, ": %s\n", v.words);
}

/* What is asked first of a host, a line each. */
static void put_host(const struct vs_page *page, const struct vs_doctor_report *r)
{
	const struct vs_facts *f = r->facts;
	char groups[40] = "no IOMMU groups";

	vs_out__printf(page->out, "HOST      vfioscope %s %s %s (%s)\n", VS_VERSION, r->recorded ? "for" : "on",
		       f->release, f->machine);
	if (f->vfio_state == VS_KMOD_ABSENT)
		return;
	if (f->iommu_groups > 0)
		snprintf(groups, sizeof(groups), "%d IOMMU group%s", f->iommu_groups,
			 vs_plural((uint64_t)f->iommu_groups));
	vs_out__printf(page->out, "VFIO      %s, %s\n", state_words(f->vfio_state), groups);
	vs_out__puts(page->out, "FIX       ");
	vs_page__wrapped(page, 10, vs_fix__words(r->plan->fix));
	if (r->plan->fix != VS_FIX_ABSENT && r->plan->fix != VS_FIX_BOTH)
		return;
	vs_out__puts(page->out, "          ");
	vs_page__wrapped(page, 10, "This kernel can deadlock when devices of a group are bound and unbound at the same "
			 "time: update it.");
}

/* Where there is no VFIO, what stands in the way of looking at it does not matter. */
static void put_brief(const struct vs_page *page, const struct vs_doctor_report *r)
{
	if (r->facts->vfio_state != VS_KMOD_ABSENT || r->tested) {
		vs_doctor__put_problems(page, r->checks);
		put_advice(page, r);
	}
	put_test(page, r);
	vs_out__puts(page->out, "\nAll checks, probes and what can be seen: vfioscope doctor -v\n");
}

void vs_doctor__print_text(struct vs_out *out, const struct vs_doctor_report *report, unsigned int width)
{
	struct vs_page page = { out, width };

	put_verdict(out, report);
	put_host(&page, report);
	if (!report->verbose) {
		put_brief(&page, report);
		return;
	}
	vs_doctor__put_checks(&page, report->checks);
	put_vfio(&page, report);
	put_plan(&page, report);
	put_advice(&page, report);
	vs_doctor_sees__print(out, report->facts, report->plan, width);
	put_test(&page, report);
}

/* -- JSON -- */

static json_t *text(const char *words)
{
	return vs_json_text__new(words, SIZE_MAX);
}

static json_t *row_to_json(const struct vs_plan_row *row)
{
	return json_pack("{s:s, s:b, s:s, s:i, s:o, s:o, s:s}", "hook", row->hook->name,
			 "required", row->hook->required,
			 "status", vs_hook_status__name(row->status), "probes", row->nr_probes,
			 "how", text(row->how), "advice", text(row->advice), "sees", row->hook->what);
}

static json_t *plan_to_json(const struct vs_plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->nr_rows; i++)
		json_array_append_new(rows, row_to_json(&plan->rows[i]));
	return rows;
}

static json_t *test_to_json(const struct vs_doctor_report *r)
{
	json_t *failures = json_array();

	for (size_t i = 0; i < r->nr_failures; i++)
		json_array_append_new(failures, text(r->failures[i]));
	return json_pack("{s:i, s:I, s:I, s:o, s:o, s:o}", "probes", (int)r->test_armed,
			 "ns", (json_int_t)r->test_ns, "kernel_bytes", (json_int_t)r->map_bytes,
			 "error", text(r->test_error), "failures", failures,
			 "fired", vs_doctor__self_test_to_json(&r->fired));
}

json_t *vs_doctor__to_json(const struct vs_doctor_report *r)
{
	json_t *root = json_pack("{s:s, s:i, s:s, s:o, s:o, s:s, s:o, s:b, s:i, s:s}",
				 "type", "doctor", "schema", 1, "version", VS_VERSION,
				 "kernel", text(r->facts->release),
				 "machine", text(r->facts->machine),
				 "vfio", state_words(r->facts->vfio_state),
				 "build_id", text(r->facts->vfio.build_id),
				 "complete", vs_plan__complete(r->plan),
				 "exit_status", r->exit_status, "fix", vs_fix__name(r->plan->fix));

	json_object_set_new(root, "fix_words", json_string(vs_fix__words(r->plan->fix)));
	json_object_set_new(root, "checks", vs_doctor__checks_to_json(r->checks));
	json_object_set_new(root, "hooks", plan_to_json(r->plan));
	json_object_set_new(root, "sees", vs_doctor_sees__json(r->facts, r->plan));
	if (r->tested)
		json_object_set_new(root, "self_test", test_to_json(r));
	return root;
}

void vs_doctor__print_json(struct vs_out *out, const struct vs_doctor_report *r)
{
	vs_json_out__put(out, vs_doctor__to_json(r), JSON_INDENT(1));
}
