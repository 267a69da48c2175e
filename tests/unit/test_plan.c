// SPDX-License-Identifier: GPL-2.0
/* The probe plan on facts recorded from lab kernels, and on what may differ elsewhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/plan.h"
#include "recorded.h"

static struct vs_facts facts;
static struct vs_plan plan;

/* ---- facts: recorded, then changed ---- */

static void load(const char *name)
{
	char *text = read_recorded(name), error[200] = "";
	int err = vs_facts__from_json(text, &facts, error, sizeof(error));

	free(text);
	if (err)
		fail_msg("%s: %s", name, error);
}

static int teardown(void **state)
{
	(void)state;
	vs_plan__free(&plan);
	vs_facts__free(&facts);
	return 0;
}

static size_t index_of(const char *func)
{
	const struct vs_kmod_func *found = vs_kmod__func(&facts.vfio, func);

	if (!found)
		fail_msg("no function %s", func);
	return found - facts.vfio.funcs;
}

static void rename_func(const char *from, const char *to)
{
	struct vs_kmod_func *func = &facts.vfio.funcs[index_of(from)];

	free(func->name);
	func->name = strdup(to);
}

static void drop_site(size_t nr)
{
	struct vs_kmod *kmod = &facts.vfio;

	free(kmod->sites[nr].callee);
	memmove(&kmod->sites[nr], &kmod->sites[nr + 1],
		(--kmod->nr_sites - nr) * sizeof(*kmod->sites));
}

static void drop_sites_in(const char *func)
{
	for (size_t i = facts.vfio.nr_sites; i--;)
		if (!strcmp(facts.vfio.funcs[facts.vfio.sites[i].func].name, func))
			drop_site(i);
}

static void drop_calls_of(const char *callee)
{
	for (size_t i = facts.vfio.nr_sites; i--;)
		if (facts.vfio.sites[i].callee && !strcmp(facts.vfio.sites[i].callee, callee))
			drop_site(i);
}

static void drop_locked_adds(void)
{
	for (size_t i = facts.vfio.nr_sites; i--;)
		if (facts.vfio.sites[i].kind == VS_SITE_LOCKED_ADD)
			drop_site(i);
}

static struct vs_kmod_site *call_in(const char *func, const char *callee)
{
	for (size_t i = 0; i < facts.vfio.nr_sites; i++) {
		struct vs_kmod_site *site = &facts.vfio.sites[i];

		if (site->callee && !strcmp(site->callee, callee) &&
		    !strcmp(facts.vfio.funcs[site->func].name, func))
			return site;
	}
	fail_msg("no call of %s in %s", callee, func);
	return NULL;
}

/* As without any module file: what kallsyms names is all there is. */
static void forget_file(const char *why)
{
	while (facts.vfio.nr_sites)
		drop_site(facts.vfio.nr_sites - 1);
	for (size_t i = 0; i < facts.vfio.nr_funcs; i++) {
		struct vs_kmod_func *func = &facts.vfio.funcs[i];

		free(func->section);
		func->section = strdup("");
		func->section_off += 0xffffffffc0400000;
	}
	facts.vfio_file = false;
	facts.vfio.build_id[0] = '\0';
	snprintf(facts.vfio_error, sizeof(facts.vfio_error), "%s", why);
}

static void forget_vfio(enum vs_kmod_state vfio_state, const char *why)
{
	vs_kmod__free(&facts.vfio);
	memset(&facts.vfio, 0, sizeof(facts.vfio));
	facts.vfio_state = vfio_state;
	facts.vfio_file = facts.addresses = false;
	facts.running_build_id[0] = '\0';
	snprintf(facts.vfio_error, sizeof(facts.vfio_error), "%s", why);
}

static void forget_btf(void)
{
	facts.vmlinux_btf = false;
	facts.mutex_size = facts.work_size = VS_UNKNOWN;
	vs_names__free(&facts.btf_funcs);
	vs_names__free(&facts.tracepoints);
}

static void not_loaded(void)
{
	facts.vfio_state = VS_KMOD_ON_DISK;
	facts.running_build_id[0] = '\0';
	facts.addresses = false;
}

/* As 5.16 to 5.18: a notifier that takes no reference. */
static void make_5_16(void)
{
	drop_sites_in("vfio_iommu_group_notifier");
	drop_sites_in("vfio_group_put_bg");
	rename_func("vfio_group_put_bg", "some_other_function");
}

/* ---- what holds for every plan ---- */

static bool same_place(const struct vs_probe *a, const struct vs_probe *b)
{
	if (strcmp(a->program, b->program))
		return false;
	return a->func || b->func ? a->func == b->func && a->offset == b->offset
				  : !strcmp(a->rung->target, b->rung->target);
}

static void check_places(void)
{
	for (size_t i = 0; i < plan.nr_probes; i++) {
		const struct vs_probe *probe = &plan.probes[i];

		assert_non_null(probe->program);
		assert_int_equal(!!probe->func, probe->rung->kind < VS_RUNG_FENTRY);
		assert_int_equal(probe->offset, probe->site ? probe->site->func_off : 0);
		for (size_t j = 0; j < i; j++)
			if (same_place(probe, &plan.probes[j]))
				fail_msg("%s twice at %s", probe->program,
					 probe->func ? probe->func->name : probe->rung->target);
	}
}

static void check_row(const struct vs_plan_row *row)
{
	bool armed = row->status == VS_HOOK_READY || row->status == VS_HOOK_PARTIAL ||
		     row->status == VS_HOOK_WAITING;

	if (!row->how[0] || row->how[strlen(row->how) - 1] == ' ')
		fail_msg("%s: \"%s\" are no words", row->hook->name, row->how);
	assert_int_equal(armed, row->nr_probes > 0);
	assert_int_equal(armed, row->rung != NULL);
	if (row->advice[0] && row->status != VS_HOOK_MISSING && row->status != VS_HOOK_PARTIAL)
		fail_msg("%s is %s, why \"%s\"?", row->hook->name,
			 vs_hook_status__name(row->status), row->advice);
}

static void make(void)
{
	vs_plan__free(&plan);
	assert_int_equal(vs_plan__make(&facts, &plan), 0);
	check_places();
	for (size_t i = 0; i < plan.nr_rows; i++) {
		assert_ptr_equal(plan.rows[i].hook, &vs_hooks[i]);
		check_row(&plan.rows[i]);
	}
	assert_null(vs_hooks[plan.nr_rows].name);
	assert_true(strlen(vs_fix__words(plan.fix)) > 10);
}

static const struct vs_plan_row *row_of(const char *hook)
{
	const struct vs_plan_row *row = vs_plan__row(&plan, hook);

	if (!row)
		fail_msg("no hook %s", hook);
	return row;
}

static void assert_status(const char *hook, enum vs_hook_status status)
{
	const struct vs_plan_row *row = row_of(hook);

	if (row->status != status)
		fail_msg("%s is %s (%s), not %s", hook, vs_hook_status__name(row->status), row->how,
			 vs_hook_status__name(status));
}

static void assert_armed(const char *hook, enum vs_hook_status status, enum vs_rung_kind kind,
			 unsigned int nr_probes)
{
	assert_status(hook, status);
	assert_int_equal(row_of(hook)->rung->kind, kind);
	assert_int_equal(row_of(hook)->nr_probes, nr_probes);
}

static void assert_says(const char *hook, const char *words)
{
	if (!strstr(row_of(hook)->how, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", hook, row_of(hook)->how, words);
}

/* Missing, for a reason that something can be done about. */
static void assert_missing(const char *hook, const char *why, const char *advice)
{
	assert_status(hook, VS_HOOK_MISSING);
	assert_says(hook, why);
	if (!row_of(hook)->advice[0] || !strstr(row_of(hook)->advice, advice))
		fail_msg("%s: the advice \"%s\" lacks \"%s\"", hook, row_of(hook)->advice, advice);
}

static void assert_not_applicable(const char *hook, const char *why)
{
	assert_status(hook, VS_HOOK_NOT_APPLICABLE);
	assert_says(hook, why);
}

static void assert_no_deferred(const char *why)
{
	assert_not_applicable("deferred-queue", why);
	assert_not_applicable("deferred-start", why);
	assert_not_applicable("deferred-end", why);
}

/* The hooks of containers and of iommufd belong to later kernels than the others. */
static void assert_all(enum vs_hook_status status)
{
	for (size_t i = 0; i < plan.nr_rows; i++)
		if (strncmp(plan.rows[i].hook->name, "container-", 10) &&
		    strncmp(plan.rows[i].hook->name, "iommufd-", 8))
			assert_status(plan.rows[i].hook->name, status);
}

static size_t count_program(const char *program)
{
	size_t nr = 0;

	for (size_t i = 0; i < plan.nr_probes; i++)
		nr += !strcmp(plan.probes[i].program, program);
	return nr;
}

static size_t count_in(const char *program, const char *func)
{
	size_t nr = 0;

	for (size_t i = 0; i < plan.nr_probes; i++)
		nr += !strcmp(plan.probes[i].program, program) && plan.probes[i].func &&
		      !strcmp(plan.probes[i].func->name, func);
	return nr;
}

/* ---- the lab kernels as they are ---- */

static void test_fixed(void **state)
{
	(void)state;
	load("fixed");
	make();
	assert_all(VS_HOOK_READY);
	assert_int_equal(plan.nr_probes, 39);
	assert_int_equal(plan.fix, VS_FIX_PRESENT);
	assert_string_equal(plan.deferred_func->name, "vfio_group_put_bg");
	assert_true(vs_plan__complete(&plan));
	assert_false(vs_plan__waits(&plan));
	assert_false(plan.release_is_free);
	assert_null(vs_plan__row(&plan, "nonsense"));
}

static void test_fixed_put_and_get(void **state)
{
	(void)state;
	load("fixed");
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 13);
	assert_says("put", "13 inlined copies");
	assert_says("put", "in 12 functions");
	assert_int_equal(count_program("put_site"), 13);
	assert_int_equal(count_in("put_site", "vfio_group_fops_open"), 2);
	assert_int_equal(count_in("put_site", "vfio_group_put_bg"), 1);
	assert_int_equal(count_in("put_site", "vfio_iommu_group_notifier"), 0);
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 5);
	assert_int_equal(count_program("get_site"), 5);
	assert_int_equal(count_in("get_site", "vfio_iommu_group_notifier"), 1);
	assert_int_equal(count_in("get_site", "vfio_group_fops_unl_ioctl"), 0);
}

static void test_fixed_others(void **state)
{
	(void)state;
	load("fixed");
	make();
	assert_armed("chain-call", VS_HOOK_READY, VS_RUNG_FENTRY, 4);
	assert_armed("chain-change", VS_HOOK_READY, VS_RUNG_FENTRY, 2);
	assert_armed("notifier", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("release", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("group-unregister", VS_HOOK_READY, VS_RUNG_FENTRY, 1);
	assert_armed("create", VS_HOOK_READY, VS_RUNG_FENTRY, 1);
	assert_armed("open", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 1);
	assert_armed("close", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("deferred-queue", VS_HOOK_READY, VS_RUNG_TRACEPOINT, 1);
	assert_armed("module-free", VS_HOOK_READY, VS_RUNG_TRACEPOINT, 1);
}

static void test_fixed_layout(void **state)
{
	(void)state;
	load("fixed");
	make();
	assert_true(plan.layout_assumed);
	assert_int_equal(plan.layout.group_counter, 0);
	assert_int_equal(plan.layout.group_iommu_group, 0x10);
	assert_int_equal(plan.layout.group_nb, 0x58);
	assert_int_equal(plan.layout.group_cdev, VS_NO_OFFSET);
	assert_int_equal(plan.layout.device_group, 0x10);
}

static void test_unfixed(void **state)
{
	(void)state;
	load("unfixed");
	make();
	assert_int_equal(plan.fix, VS_FIX_ABSENT);
	assert_non_null(strstr(vs_fix__words(plan.fix), "ABSENT"));
	assert_null(plan.deferred_func);
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 13);
	assert_int_equal(count_in("put_site", "vfio_iommu_group_notifier"), 1);
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 5);
	assert_no_deferred("lacks the fix");
	assert_int_equal(plan.nr_probes, 36);
	assert_int_equal(count_program("deferred_queue"), 0);
	assert_true(vs_plan__complete(&plan));
	assert_true(plan.layout_assumed);
}

static void test_6_12(void **state)
{
	(void)state;
	load("6.12");
	make();
	assert_int_equal(plan.fix, VS_FIX_NO_NOTIFIER);
	assert_not_applicable("notifier", "no notifier");
	assert_not_applicable("group-unregister", "no notifier");
	assert_no_deferred("no notifier");
	assert_true(plan.release_is_free);
	assert_true(vs_plan__complete(&plan));
	assert_false(vs_plan__waits(&plan));
	assert_int_equal(plan.nr_probes, 22);
}

static void test_6_12_still_traced(void **state)
{
	(void)state;
	load("6.12");
	make();
	assert_armed("chain-call", VS_HOOK_READY, VS_RUNG_FENTRY, 4);
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 1);
	assert_says("put", "1 inlined copy, at its call of refcount_dec_and_mutex_lock in 1 function");
	assert_int_equal(count_in("put_site", "vfio_device_remove_group"), 1);
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 1);
	assert_int_equal(count_in("get_site", "vfio_device_set_group"), 1);
	assert_armed("release", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("create", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("register", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("open", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("close", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
}

/* A device's own references: two gets are inlined up to 6.1, and 7.x lists no locked instruction. */
static void test_registrations(void **state)
{
	static const struct {
		const char *facts, *put;
		unsigned int gets;
	} eras[] = {
		{ "fixed", "vfio_device_put", 2 },
		{ "unfixed", "vfio_device_put", 2 },
		{ "6.1", "vfio_device_put_registration", 2 },
		{ "6.12", "vfio_device_put_registration", 1 },
		{ "7.x", "vfio_device_put_registration", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		load(eras[i].facts);
		make();
		assert_armed("registration-get", VS_HOOK_READY, VS_RUNG_LOCKED_EXCHANGES,
			     eras[i].gets);
		assert_armed("registration-put", VS_HOOK_READY, VS_RUNG_LOCKED_SUBS, 1);
		assert_int_equal(count_in("registration_put", eras[i].put), 1);
		assert_true(plan.layout.device_refcount > 0);
		teardown(NULL);
	}
}

/* Each later kernel has two of the four functions that change it; up to 6.0 it is inlined. */
static void test_container_users(void **state)
{
	static const char *const later[] = { "6.1", "6.12", "7.x" };

	(void)state;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		load(later[i]);
		make();
		assert_armed("container-use", VS_HOOK_READY, VS_RUNG_FUNCTION, 2);
		assert_armed("container-unuse", VS_HOOK_READY, VS_RUNG_FUNCTION, 2);
		assert_int_equal(count_in("container_attach", "vfio_container_attach_group"), 1);
		assert_int_equal(count_in("container_unuse", "vfio_group_detach_container"), 1);
		teardown(NULL);
	}
	load("fixed");
	make();
	assert_status("container-use", VS_HOOK_NOT_APPLICABLE);
	assert_status("container-unuse", VS_HOOK_NOT_APPLICABLE);
}

/* A physical and an emulated device have functions of their own; up to v6.5 there is no detach. */
static void test_iommufd(void **state)
{
	static const char *const hooks[] = { "iommufd-bind", "iommufd-unbind", "iommufd-attach", "iommufd-detach" };

	(void)state;
	load("iommufd");
	make();
	for (size_t i = 0; i < 4; i++)
		assert_armed(hooks[i], VS_HOOK_READY, VS_RUNG_FUNCTION, 2);
	assert_int_equal(count_in("iommufd_bind", "vfio_iommufd_emulated_bind"), 1);
	teardown(NULL);
	load("6.12");
	make();
	for (size_t i = 0; i < 4; i++)
		assert_status(hooks[i], VS_HOOK_NOT_APPLICABLE);
}

/* Built without groups VFIO has devices and iommufds to trace, and nothing is missing. */
static void test_no_groups(void **state)
{
	static const char *const groups[] = { "put", "get", "release", "create", "open", "close",
					      "container-use", "container-unuse" };

	(void)state;
	load("cdev");
	make();
	assert_true(plan.no_groups);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		assert_status(groups[i], VS_HOOK_NOT_APPLICABLE);
		assert_string_equal(vs_plan__row(&plan, groups[i])->how, VS_NO_GROUPS);
	}
	assert_armed("unregister", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("iommufd-bind", VS_HOOK_READY, VS_RUNG_FUNCTION, 2);
	assert_armed("registration-put", VS_HOOK_READY, VS_RUNG_LOCKED_SUBS, 1);
	assert_true(vs_plan__complete(&plan));
	teardown(NULL);
	load("iommufd");
	make();
	assert_false(plan.no_groups);
}

/* The kref that devices had before 5.13 is another thing. */
static void test_no_registrations(void **state)
{
	(void)state;
	load("fixed");
	drop_sites_in("vfio_device_put");
	make();
	assert_int_equal(plan.layout.device_refcount, VS_NO_OFFSET);
	assert_status("registration-get", VS_HOOK_NOT_APPLICABLE);
	assert_status("registration-put", VS_HOOK_NOT_APPLICABLE);
}

/* Without a file only the entry can be probed: before the put, so the count is a reading. */
static void test_registrations_without_file(void **state)
{
	(void)state;
	load("6.12");
	forget_file("no vfio.ko in /lib/modules/6.12");
	make();
	assert_status("registration-get", VS_HOOK_MISSING);
	assert_armed("registration-put", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_int_equal(count_in("registration_put_entry", "vfio_device_put_registration"), 1);
}

static void test_6_12_layout(void **state)
{
	(void)state;
	load("6.12");
	make();
	assert_int_equal(facts.layout_source, VS_LAYOUT_MODULE_BTF);
	assert_false(plan.layout_assumed);
	assert_memory_equal(&plan.layout, &facts.btf_layout, sizeof(plan.layout));
	assert_true(plan.layout.group_counter > 0);
	assert_true(plan.layout.group_cdev > 0);
	assert_int_equal(plan.layout.group_nb, VS_NO_OFFSET);
}

/* ---- not loaded ---- */

static void test_6_12_not_loaded(void **state)
{
	(void)state;
	load("6.12-not-loaded");
	make();
	assert_true(vs_plan__waits(&plan));
	assert_true(vs_plan__complete(&plan));
	assert_armed("put", VS_HOOK_WAITING, VS_RUNG_CALL_SITES, 1);
	assert_armed("release", VS_HOOK_WAITING, VS_RUNG_FUNCTION, 1);
	assert_armed("open", VS_HOOK_WAITING, VS_RUNG_FUNCTION, 1);
	assert_armed("chain-change", VS_HOOK_READY, VS_RUNG_FENTRY, 2);
	assert_armed("module-load", VS_HOOK_READY, VS_RUNG_TRACEPOINT, 1);
	assert_not_applicable("notifier", "no notifier");
}

/* Its BTF is readable once it is loaded; the program for gets has to be there by then. */
static void test_6_12_not_loaded_gets(void **state)
{
	(void)state;
	load("6.12-not-loaded");
	make();
	assert_status("get", VS_HOOK_WAITING);
	assert_int_equal(count_in("get_site", "vfio_device_set_group"), 1);
}

static void test_fixed_not_loaded(void **state)
{
	(void)state;
	load("fixed");
	not_loaded();
	make();
	assert_armed("put", VS_HOOK_WAITING, VS_RUNG_CALL_SITES, 13);
	assert_armed("get", VS_HOOK_WAITING, VS_RUNG_LOCKED_ADDS, 5);
	assert_armed("notifier", VS_HOOK_WAITING, VS_RUNG_FUNCTION, 1);
	assert_status("create", VS_HOOK_READY);
	assert_status("deferred-queue", VS_HOOK_READY);
	assert_true(vs_plan__waits(&plan));
	assert_true(vs_plan__complete(&plan));
	assert_int_equal(plan.nr_probes, 39);
}

static void test_5_16_not_loaded(void **state)
{
	(void)state;
	load("fixed");
	make_5_16();
	not_loaded();
	make();
	assert_int_equal(plan.fix, VS_FIX_NO_REFERENCE);
	assert_armed("put", VS_HOOK_WAITING, VS_RUNG_CALL_SITES, 12);
	assert_status("register", VS_HOOK_WAITING);
	assert_status("open", VS_HOOK_WAITING);
}

/* ---- the file ---- */

static void assert_remainder(const char *why)
{
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_string_equal(row_of("put")->rung->target, "vfio_group_release");
	assert_says("put", "function vfio_group_release only: single puts are not seen");
	assert_non_null(strstr(row_of("put")->advice, "vfio.ko"));
	assert_missing("get", why, "vfio.ko");
	assert_missing("open", why, "vfio.ko");
	assert_int_equal(count_program("group_release"), 1);
	assert_armed("release", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("notifier", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
}

static void test_file_missing(void **state)
{
	(void)state;
	load("fixed");
	forget_file("no vfio.ko in /lib/modules/5.10.0-46-amd64");
	make();
	assert_remainder("no vfio.ko in /lib/modules/5.10.0-46-amd64");
	/* Of the notifier's code nothing is known; that it has a worker's function proves nothing. */
	assert_int_equal(plan.fix, VS_FIX_UNKNOWN);
	assert_true(plan.layout_assumed);
	assert_status("deferred-queue", VS_HOOK_READY);
	assert_int_equal(plan.nr_probes, 4 + 2 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 3 + 2);
}

static void test_file_of_another_build(void **state)
{
	(void)state;
	load("fixed");
	forget_file("/lib/modules/x/vfio.ko is not the loaded vfio: its build-id differs");
	make();
	assert_remainder("build-id differs");
}

static void test_file_missing_unfixed(void **state)
{
	(void)state;
	load("unfixed");
	forget_file("no vfio.ko in /lib/modules/5.10.0-46-amd64");
	make();
	assert_int_equal(plan.fix, VS_FIX_UNKNOWN);
	assert_non_null(strstr(vs_fix__words(plan.fix), "not known"));
	assert_false(plan.layout_assumed);
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_status("deferred-queue", VS_HOOK_READY);
}

static void test_file_missing_6_12(void **state)
{
	(void)state;
	load("6.12");
	forget_file("no vfio.ko in /lib/modules/6.12");
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_string_equal(row_of("put")->rung->target, "vfio_device_remove_group");
	assert_status("get", VS_HOOK_MISSING);
}

static void test_nothing_known_of_vfio(void **state)
{
	(void)state;
	load("fixed");
	forget_vfio(VS_KMOD_LOADED, "/lib/modules/x/vfio.ko.xz: damaged");
	make();
	assert_missing("put", "damaged", "root");
	assert_missing("notifier", "damaged", "root");
	assert_int_equal(plan.fix, VS_FIX_UNKNOWN);
	assert_status("chain-change", VS_HOOK_READY);
	assert_status("create", VS_HOOK_MISSING);
	assert_false(vs_plan__complete(&plan));
}

/* ---- the kernel refuses ---- */

static void test_no_kprobes(void **state)
{
	(void)state;
	load("fixed");
	facts.kprobe_pmu = false;
	make();
	assert_missing("put", "no kprobes", "CONFIG_KPROBE_EVENTS");
	assert_missing("get", "no kprobes", "CONFIG_KPROBE_EVENTS");
	assert_missing("notifier", "no kprobes", "CONFIG_KPROBE_EVENTS");
	assert_missing("close", "no kprobes", "CONFIG_KPROBE_EVENTS");
	assert_status("chain-call", VS_HOOK_READY);
	assert_status("create", VS_HOOK_READY);
	assert_status("deferred-start", VS_HOOK_READY);
	assert_int_equal(plan.nr_probes, 13);
	assert_false(vs_plan__complete(&plan));
}

static void test_no_btf(void **state)
{
	(void)state;
	load("fixed");
	forget_btf();
	make();
	assert_missing("chain-call", "no BTF", "CONFIG_DEBUG_INFO_BTF=y");
	assert_missing("chain-change", "no BTF", "CONFIG_DEBUG_INFO_BTF=y");
	assert_missing("group-unregister", "no BTF", "CONFIG_DEBUG_INFO_BTF=y");
	assert_missing("deferred-queue", "no BTF", "CONFIG_DEBUG_INFO_BTF=y");
	assert_missing("module-load", "no BTF", "CONFIG_DEBUG_INFO_BTF=y");
	assert_false(vs_plan__complete(&plan));
	assert_false(plan.layout_assumed);
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_status("notifier", VS_HOOK_READY);
	assert_int_equal(plan.fix, VS_FIX_PRESENT);
}

/* A later rung holds: nothing is to be done any more. */
static void test_no_btf_6_12(void **state)
{
	(void)state;
	load("6.12");
	forget_btf();
	make();
	assert_int_equal(plan.fix, VS_FIX_NO_NOTIFIER);
	assert_armed("create", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_string_equal(row_of("create")->advice, "");
	assert_missing("chain-call", "no BTF", "CONFIG_DEBUG_INFO_BTF=y");
}

/* Detaching it would be dangerous, so it is not armed; a fentry alone leaves nothing on stacks. */
static void test_no_fexit(void **state)
{
	(void)state;
	load("fixed");
	facts.tramp_image = false;
	make();
	assert_missing("chain-call", "while a task sleeps in the function", "e21aa341785c");
	assert_status("chain-change", VS_HOOK_READY);
	assert_status("group-unregister", VS_HOOK_READY);
	assert_false(vs_plan__complete(&plan));
	for (size_t i = 0; i < plan.nr_probes; i++)
		assert_null(plan.probes[i].rung->exit_program);
}

static const char *exit_of(const char *hook)
{
	for (size_t i = 0; i < plan.nr_probes; i++)
		if (!strcmp(plan.probes[i].hook->name, hook) && plan.probes[i].rung->exit_program)
			return plan.probes[i].program;
	return "none";
}

/* An open is told when it has not failed, where that can be seen; elsewhere when it begins. */
static void test_end_of_an_open(void **state)
{
	static const char *const hosts[] = { "fixed", "6.12" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		load(hosts[i]);
		make();
		assert_status("open", VS_HOOK_READY);
		assert_string_equal(exit_of("open"), "none");
		assert_int_equal(vs_names__add(&facts.btf_funcs, "chrdev_open"), 0);
		make();
		assert_status("open", VS_HOOK_READY);
		assert_string_equal(exit_of("open"), "open_returned");
		assert_non_null(strstr(row_of("open")->how, ", chrdev_open"));
		facts.tramp_image = false;
		make();
		assert_status("open", VS_HOOK_READY);
		assert_string_equal(row_of("open")->advice, "");
		assert_string_equal(exit_of("open"), "none");
		teardown(state);
	}
}

/* Neither fentry nor a kprobe at a function's entry fires then; call sites do. */
static void test_ftrace_off(void **state)
{
	static const char *const at_entry[] = {
		"chain-call", "chain-change", "notifier", "release", "group-unregister", "create",
		"register", "unregister", "close",
	};

	(void)state;
	load("fixed");
	facts.ftrace_enabled = 0;
	make();
	for (size_t i = 0; i < sizeof(at_entry) / sizeof(at_entry[0]); i++)
		assert_missing(at_entry[i], "ftrace_enabled is 0",
			       "sysctl kernel.ftrace_enabled=1");
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 13);
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 5);
	assert_armed("open", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 1);
	assert_status("deferred-end", VS_HOOK_READY);
	assert_false(vs_plan__complete(&plan));
}

static void test_ftrace_unknown(void **state)
{
	(void)state;
	load("fixed");
	facts.ftrace_enabled = VS_UNKNOWN;
	make();
	assert_all(VS_HOOK_READY);
}

static void test_lockdown(void **state)
{
	(void)state;
	load("fixed");
	strcpy(facts.lockdown, "confidentiality");
	make();
	for (size_t i = 0; i < plan.nr_rows; i++)
		if (plan.rows[i].status != VS_HOOK_NOT_APPLICABLE)
			assert_missing(plan.rows[i].hook->name, "confidentiality",
				       "lockdown=integrity");
	assert_int_equal(plan.nr_probes, 0);
	assert_false(vs_plan__complete(&plan));
	strcpy(facts.lockdown, "integrity");
	make();
	assert_all(VS_HOOK_READY);
}

static void test_hidden_addresses(void **state)
{
	(void)state;
	load("fixed");
	facts.addresses = false;
	facts.kptr_restrict = 2;
	make();
	assert_missing("put", "hides its addresses", "kernel.kptr_restrict=1");
	assert_missing("notifier", "hides its addresses", "kernel.kptr_restrict=1");
	assert_status("chain-change", VS_HOOK_READY);
	assert_false(vs_plan__complete(&plan));
	facts.kptr_restrict = 1;
	make();
	assert_missing("put", "hides its addresses", "CAP_SYSLOG");
	assert_null(strstr(row_of("put")->advice, "sysctl"));
}

static void test_module_absent(void **state)
{
	(void)state;
	load("fixed");
	forget_vfio(VS_KMOD_ABSENT, "");
	make();
	assert_missing("put", "no vfio module", "install");
	assert_missing("notifier", "no vfio module", "install");
	assert_missing("close", "no vfio module", "install");
	assert_status("chain-call", VS_HOOK_READY);
	assert_int_equal(plan.fix, VS_FIX_UNKNOWN);
	assert_false(vs_plan__complete(&plan));
	assert_false(vs_plan__waits(&plan));
}

static void test_module_absent_6_12(void **state)
{
	(void)state;
	load("6.12");
	forget_vfio(VS_KMOD_ABSENT, "");
	make();
	assert_int_equal(plan.fix, VS_FIX_NO_NOTIFIER);
	assert_not_applicable("notifier", "no notifier");
	assert_missing("create", "no vfio module", "install");
}

static void test_built_in(void **state)
{
	(void)state;
	load("fixed");
	forget_file("");
	facts.vfio_state = VS_KMOD_BUILTIN;
	facts.running_build_id[0] = '\0';
	make();
	assert_not_applicable("module-load", "built in");
	assert_not_applicable("module-free", "built in");
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_missing("get", "built in", "kcore");
	assert_armed("notifier", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_int_equal(plan.fix, VS_FIX_UNKNOWN);
	assert_false(vs_plan__waits(&plan));
}

static void forget_btf_func(const char *name)
{
	struct vs_names *set = &facts.btf_funcs;

	for (size_t i = 0; i < set->nr; i++)
		if (!strcmp(set->names[i], name)) {
			free(set->names[i]);
			set->names[i] = set->names[--set->nr];
			return;
		}
	fail_msg("no function %s in BTF", name);
}

/* Recorded where VFIO is built in and its text can be read. */
static void test_built_in_text(void **state)
{
	(void)state;
	load("builtin");
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 13);
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 5);
	assert_armed("open", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 1);
	assert_armed("notifier", VS_HOOK_READY, VS_RUNG_FENTRY, 1);
	assert_armed("release", VS_HOOK_READY, VS_RUNG_FENTRY, 1);
	assert_armed("close", VS_HOOK_READY, VS_RUNG_FENTRY, 1);
	assert_true(vs_plan__complete(&plan));
	assert_false(plan.layout_assumed);
	assert_int_equal(plan.layout.group_nb, 0x58);
	/* Two calls with another lock. */
	for (size_t i = 0; i < plan.nr_probes; i++)
		assert_false(plan.probes[i].func &&
			     !strncmp(plan.probes[i].func->name, "vfio_pci_", 9));
}

static void test_built_in_without_fentry(void **state)
{
	(void)state;
	load("builtin");
	forget_btf_func("vfio_group_release");
	make();
	assert_armed("release", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_armed("notifier", VS_HOOK_READY, VS_RUNG_FENTRY, 1);
}

/* A fentry in a module would pin it, whatever its BTF says. */
static void test_no_fentry_in_a_module(void **state)
{
	(void)state;
	load("fixed");
	assert_int_equal(vs_names__add(&facts.btf_funcs, "vfio_group_release"), 0);
	make();
	assert_armed("release", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
}

/* ---- other builds ---- */

/* Ubuntu 4.15 to 5.13 keep vfio_group_put out of line. */
static void test_put_is_a_function(void **state)
{
	(void)state;
	load("fixed");
	rename_func("vfio_dev_viable", "vfio_group_put");
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_int_equal(count_in("put_group", "vfio_group_put"), 1);
	assert_int_equal(count_program("put_site"), 0);
}

/* 5.19 has vfio_group_put.part.0: the call inside it is what is left of it. */
static void test_put_in_part(void **state)
{
	(void)state;
	load("6.12");
	rename_func("vfio_device_remove_group", "vfio_group_put.part.0");
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 1);
	assert_int_equal(count_in("put_site", "vfio_group_put.part.0"), 1);
}

/* Debian 6.1, and no file: a name is there, but not the arguments that belong to it. */
static void test_suffixed_only(void **state)
{
	(void)state;
	load("6.12");
	rename_func("vfio_device_remove_group", "vfio_device_remove_group.isra.0");
	rename_func("vfio_register_group_dev", "vfio_register_group_dev.isra.0");
	rename_func("vfio_group_release", "vfio_group_release.constprop.0");
	forget_file("no vfio.ko in /lib/modules/6.1");
	make();
	assert_status("put", VS_HOOK_MISSING);
	assert_status("register", VS_HOOK_MISSING);
	assert_says("register", "only vfio_register_group_dev.isra.0 exists");
	assert_says("put", "only vfio_group_release.constprop.0 exists");
	assert_int_equal(count_program("device_register"), 0);
	assert_false(vs_plan__complete(&plan));
}

static void test_cold_part_is_no_entry(void **state)
{
	(void)state;
	load("fixed");
	assert_non_null(vs_kmod__func(&facts.vfio, "vfio_unregister_group_dev.cold"));
	rename_func("vfio_unregister_group_dev", "inlined_somewhere");
	make();
	assert_status("unregister", VS_HOOK_MISSING);
	assert_says("unregister", "vfio_unregister_group_dev is inlined or absent");
}

static void test_isra_with_site(void **state)
{
	(void)state;
	load("6.12");
	rename_func("vfio_device_remove_group", "vfio_device_remove_group.isra.0");
	rename_func("vfio_device_set_group", "vfio_device_set_group.constprop.0");
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 1);
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 1);
}

/* Lock debugging moves the members: guessing would read something else. */
static void test_debug_kernel(void **state)
{
	(void)state;
	load("fixed");
	facts.mutex_size = 144;
	make();
	assert_false(plan.layout_assumed);
	assert_int_equal(plan.layout.group_counter, VS_NO_OFFSET);
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_status("get", VS_HOOK_MISSING);
	assert_says("get", "layout");
	assert_status("register", VS_HOOK_MISSING);
	assert_status("notifier", VS_HOOK_READY);
	facts.mutex_size = 32;
	facts.work_size = 80;
	make();
	assert_false(plan.layout_assumed);
}

/* Before 5.13 struct vfio_device began otherwise. */
static void test_older_device(void **state)
{
	(void)state;
	load("fixed");
	rename_func("vfio_register_group_dev", "vfio_add_group_dev_");
	make();
	assert_true(plan.layout_assumed);
	assert_int_equal(plan.layout.group_nb, 0x58);
	assert_int_equal(plan.layout.device_dev, VS_NO_OFFSET);
	assert_int_equal(plan.layout.device_group, VS_NO_OFFSET);
	assert_status("unregister", VS_HOOK_MISSING);
}

static void test_call_with_another_lock(void **state)
{
	(void)state;
	load("fixed");
	call_in("vfio_pin_pages", "refcount_dec_and_mutex_lock")->lock += 0x40;
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 12);
	assert_int_equal(count_in("put_site", "vfio_pin_pages"), 0);
	call_in("vfio_group_put_external_user", "refcount_dec_and_mutex_lock")->lock = 0;
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 11);
	assert_says("put", "in 10 functions");
}

static void test_locks_unknown(void **state)
{
	(void)state;
	load("fixed");
	for (size_t i = 0; i < facts.vfio.nr_sites; i++)
		facts.vfio.sites[i].lock = 0;
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 13);
}

/* The same instruction on another member of the group is no get. */
static void test_add_elsewhere(void **state)
{
	(void)state;
	load("fixed");
	for (size_t i = 0; i < facts.vfio.nr_sites; i++)
		if (facts.vfio.sites[i].func == index_of("vfio_group_get_external_user"))
			facts.vfio.sites[i].disp = 0x48;
	make();
	assert_armed("get", VS_HOOK_READY, VS_RUNG_LOCKED_ADDS, 4);
	assert_int_equal(count_in("get_site", "vfio_group_get_external_user"), 0);
}

static void test_no_call_sites(void **state)
{
	(void)state;
	load("fixed");
	drop_calls_of("refcount_dec_and_mutex_lock");
	make();
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_int_equal(count_program("put_site"), 0);
}

static void test_5_16(void **state)
{
	(void)state;
	load("fixed");
	make_5_16();
	facts.layout_source = VS_LAYOUT_MODULE_BTF;
	facts.btf_layout = (struct vs_layout){ 0, 0x10, 0x58, 0x100, 0, 0x18, -1, 0x8 };
	make();
	assert_int_equal(plan.fix, VS_FIX_NO_REFERENCE);
	assert_true(plan.release_is_free);
	assert_status("notifier", VS_HOOK_READY);
	assert_no_deferred("takes no reference");
	assert_int_equal(plan.layout.group_cdev, 0x100);
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 12);
	assert_armed("open", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
}

/* Relocations are symbolic everywhere, offsets and instructions are not. */
static void test_other_architecture(void **state)
{
	(void)state;
	load("fixed");
	strcpy(facts.machine, "aarch64");
	drop_locked_adds();
	make();
	assert_int_equal(plan.fix, VS_FIX_PRESENT);
	assert_false(plan.layout_assumed);
	assert_armed("put", VS_HOOK_PARTIAL, VS_RUNG_FUNCTION, 1);
	assert_status("get", VS_HOOK_MISSING);
	assert_armed("notifier", VS_HOOK_READY, VS_RUNG_FUNCTION, 1);
	assert_status("deferred-queue", VS_HOOK_READY);
}

static void test_other_architecture_with_layout(void **state)
{
	(void)state;
	load("6.12");
	strcpy(facts.machine, "aarch64");
	drop_locked_adds();
	make();
	assert_armed("put", VS_HOOK_READY, VS_RUNG_CALL_SITES, 1);
	assert_status("get", VS_HOOK_MISSING);
	assert_says("get", "x86-64 only");
}

static void test_other_architecture_unfixed(void **state)
{
	(void)state;
	load("unfixed");
	strcpy(facts.machine, "s390x");
	drop_locked_adds();
	make();
	assert_int_equal(plan.fix, VS_FIX_ABSENT);
}

/* ---- robustness ---- */

static void test_no_facts_at_all(void **state)
{
	(void)state;
	memset(&facts, 0, sizeof(facts));
	make();
	assert_int_equal(plan.nr_probes, 0);
	assert_false(vs_plan__complete(&plan));
	for (size_t i = 0; i < plan.nr_rows; i++)
		assert_status(plan.rows[i].hook->name, VS_HOOK_MISSING);
}

static void make_without_each_func(void)
{
	for (size_t i = 0; i < facts.vfio.nr_funcs; i++) {
		char *name = facts.vfio.funcs[i].name;

		facts.vfio.funcs[i].name = strdup("gone");
		make();
		free(facts.vfio.funcs[i].name);
		facts.vfio.funcs[i].name = name;
	}
}

static void make_with_fewer(struct vs_names *set)
{
	while (set->nr) {
		free(set->names[--set->nr]);
		make();
	}
}

/* A plan is made, with words, whatever is left out. */
static void test_less_and_less(void **state)
{
	static const char *const kernels[] = { "fixed", "unfixed", "6.12", "6.12-not-loaded" };

	(void)state;
	for (size_t k = 0; k < sizeof(kernels) / sizeof(kernels[0]); k++) {
		load(kernels[k]);
		make_without_each_func();
		while (facts.vfio.nr_sites) {
			drop_site(facts.vfio.nr_sites / 2);
			make();
		}
		make_with_fewer(&facts.tracepoints);
		make_with_fewer(&facts.btf_funcs);
		teardown(NULL);
	}
}

static void test_same_facts_same_plan(void **state)
{
	struct vs_plan first;

	(void)state;
	load("fixed");
	assert_int_equal(vs_plan__make(&facts, &first), 0);
	make();
	assert_int_equal(plan.nr_probes, first.nr_probes);
	for (size_t i = 0; i < plan.nr_probes; i++)
		assert_true(same_place(&plan.probes[i], &first.probes[i]));
	for (size_t i = 0; i < plan.nr_rows; i++) {
		assert_int_equal(plan.rows[i].status, first.rows[i].status);
		assert_string_equal(plan.rows[i].how, first.rows[i].how);
	}
	vs_plan__free(&first);
}

/* Whatever is left out is missing, with all its probes, and nothing else is. */
static void test_leave_out(void **state)
{
	(void)state;
	load("fixed");
	for (size_t i = 0; vs_hooks[i].name; i++) {
		const struct vs_plan_row *row;
		size_t before, own;

		make();
		row = vs_plan__row(&plan, vs_hooks[i].name);
		if (row->status == VS_HOOK_NOT_APPLICABLE) {
			vs_plan__free(&plan);
			continue;
		}
		before = plan.nr_probes;
		own = row->nr_probes;
		assert_int_equal(vs_plan__leave_out(&plan, vs_hooks[i].name), 0);
		assert_int_equal(row->status, VS_HOOK_MISSING);
		/* open shares its place with get, which has the probe */
		assert_int_equal(plan.nr_probes, before - (strcmp(vs_hooks[i].name, "open") ? own : 0));
		for (size_t j = 0; j < plan.nr_probes; j++)
			assert_ptr_not_equal(plan.probes[j].hook, &vs_hooks[i]);
		assert_int_equal(vs_plan__complete(&plan), !vs_hooks[i].required);
	}
	assert_int_equal(vs_plan__leave_out(&plan, "nonsense"), -ENOENT);
}

static void test_leave_out_what_does_not_apply(void **state)
{
	(void)state;
	load("6.12");
	make();
	assert_int_equal(vs_plan__leave_out(&plan, "notifier"), 0);
	assert_int_equal(vs_plan__row(&plan, "notifier")->status, VS_HOOK_NOT_APPLICABLE);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fixed),
		TEST(test_fixed_put_and_get),
		TEST(test_fixed_others),
		TEST(test_fixed_layout),
		TEST(test_unfixed),
		TEST(test_6_12),
		TEST(test_6_12_still_traced),
		TEST(test_6_12_layout),
		TEST(test_registrations),
		TEST(test_container_users), TEST(test_iommufd), TEST(test_no_groups),
		TEST(test_no_registrations),
		TEST(test_registrations_without_file),
		TEST(test_6_12_not_loaded),
		TEST(test_6_12_not_loaded_gets),
		TEST(test_fixed_not_loaded),
		TEST(test_5_16_not_loaded),
		TEST(test_file_missing),
		TEST(test_file_of_another_build),
		TEST(test_file_missing_unfixed),
		TEST(test_file_missing_6_12),
		TEST(test_nothing_known_of_vfio),
		TEST(test_no_kprobes),
		TEST(test_no_btf),
		TEST(test_no_btf_6_12),
		TEST(test_no_fexit),
		TEST(test_end_of_an_open),
		TEST(test_ftrace_off),
		TEST(test_ftrace_unknown),
		TEST(test_lockdown),
		TEST(test_hidden_addresses),
		TEST(test_module_absent),
		TEST(test_module_absent_6_12),
		TEST(test_built_in),
		TEST(test_built_in_text),
		TEST(test_built_in_without_fentry),
		TEST(test_no_fentry_in_a_module),
		TEST(test_put_is_a_function),
		TEST(test_put_in_part),
		TEST(test_suffixed_only),
		TEST(test_cold_part_is_no_entry),
		TEST(test_isra_with_site),
		TEST(test_debug_kernel),
		TEST(test_older_device),
		TEST(test_call_with_another_lock),
		TEST(test_locks_unknown),
		TEST(test_add_elsewhere),
		TEST(test_no_call_sites),
		TEST(test_5_16),
		TEST(test_other_architecture),
		TEST(test_other_architecture_with_layout),
		TEST(test_other_architecture_unfixed),
		TEST(test_no_facts_at_all),
		TEST(test_less_and_less),
		TEST(test_same_facts_same_plan),
		TEST(test_leave_out),
		TEST(test_leave_out_what_does_not_apply),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
