// SPDX-License-Identifier: GPL-2.0
/* Times in which not everything was seen, and livepatches, which are one reason for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/gaps.h"
#include "probe/patched.h"
#include "validate/identity.h"

static struct vs_gaps g;

static int fresh(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	return 0;
}

static void load(uint64_t from, int64_t groups)
{
	vs_gaps__add(&g, &(struct vs_gap_row){ .why = VS_GAP_LOADED, .from_ns = from,
					       .to_ns = from + 5, .groups = groups });
}

static void only_what_had_no_group_is_empty(void **state)
{
	char words[VS_GAP_WORDS];

	(void)state;
	load(10, 0);
	assert_int_equal(g.blind, 0);
	load(20, 1);
	load(30, -1);
	assert_int_equal(g.blind, 2);
	assert_int_equal(g.nr, 3);
	vs_gap__words(&g.rows[0], words, sizeof(words));
	assert_non_null(strstr(words, "nothing was missed"));
	vs_gap__words(&g.rows[1], words, sizeof(words));
	assert_non_null(strstr(words, "1 group was created"));
	vs_gap__words(&g.rows[2], words, sizeof(words));
	assert_non_null(strstr(words, "was not seen"));
}

static void one_of_a_kind_is_open(void **state)
{
	const struct vs_gap_row *row;
	char words[VS_GAP_WORDS];

	(void)state;
	assert_null(vs_gaps__end(&g, VS_GAP_PATCHED, 5));
	row = vs_gaps__begin(&g, VS_GAP_PATCHED, 10, "livepatch a");
	assert_non_null(row);
	assert_int_equal(row->to_ns, 0);
	assert_null(vs_gaps__begin(&g, VS_GAP_PATCHED, 11, "livepatch a"));
	assert_non_null(vs_gaps__begin(&g, VS_GAP_BLIND, 12, "x"));
	assert_non_null(vs_gaps__begin(&g, VS_GAP_PATCHED, 13, "livepatch b"));
	assert_int_equal(g.rows[0].to_ns, 13);
	row = vs_gaps__end(&g, VS_GAP_PATCHED, 20);
	assert_int_equal(row->from_ns, 13);
	assert_int_equal(row->to_ns, 20);
	assert_int_equal(g.nr, 3);
	assert_int_equal(g.rows[2].to_ns, 20);
	assert_int_equal(g.blind, 3);
	assert_null(vs_gaps__end(&g, VS_GAP_PATCHED, 21));
	row = vs_gaps__begin(&g, VS_GAP_SILENT, 22, "kprobes are off");
	assert_string_equal(vs_gap_why__name(row->why), "silent");
	assert_false(vs_gap__is_empty(row));
	vs_gap__words(row, words, sizeof(words));
	assert_string_equal(words, "kprobes are off: what happened meanwhile was not seen");
	assert_non_null(vs_gaps__end(&g, VS_GAP_SILENT, 22));
	row = vs_gaps__begin(&g, VS_GAP_CHANGED, 22, "text of f in memory is not that of F");
	assert_string_equal(vs_gap_why__name(row->why), "changed");
	vs_gap__words(row, words, sizeof(words));
	assert_non_null(strstr(words, "not that of F: what that code does is not known"));
}

static void more_than_are_kept_are_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		load(10 * i, 2);
	assert_non_null(vs_gaps__begin(&g, VS_GAP_PATCHED, 99, "p"));
	assert_int_equal(vs_gaps__end(&g, VS_GAP_PATCHED, 101)->to_ns, 101);
	assert_int_equal(g.nr, VS_GAPS_KEPT);
	assert_int_equal(g.total, 1001);
	assert_int_equal(g.blind, 1001);
}

/* -- livepatches, in a tree of their own -- */

static char root[64];

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/vs-patched.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void put(const char *path, const char *text)
{
	char full[300];
	FILE *file;

	snprintf(full, sizeof(full), "mkdir -p $(dirname %s/sys/kernel/livepatch/%s)", root, path);
	assert_int_equal(system(full), 0);
	snprintf(full, sizeof(full), "%s/sys/kernel/livepatch/%s", root, path);
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect(const char *words)
{
	char found[160];

	assert_int_equal(vs_patched__find(root, found, sizeof(found)), !!*words);
	assert_string_equal(found, words);
}

static void livepatches_in_force_are_found(void **state)
{
	(void)state;
	expect("");
	put("other/enabled", "1\n");
	put("other/nfs/nfs_open,1", "");
	put("other/vmlinux/do_exit,1", "");
	expect("");
	put("p/enabled", "0\n");
	put("p/transition", "0\n");
	put("p/vfio/patched", "1\n");
	put("p/vfio/vfio_group_put_bg,1", "");
	expect("");
	put("p/transition", "1\n");
	expect("livepatch p replaces vfio_group_put_bg of vfio");
	put("p/transition", "0\n");
	put("p/enabled", "1\n");
	expect("livepatch p replaces vfio_group_put_bg of vfio");
}

static void functions_of_the_kernel_count_if_they_are_followed(void **state)
{
	char words[160];

	(void)state;
	put("k/enabled", "1\n");
	put("k/vmlinux/queue_work_on_not,1", "");
	expect("");
	put("k/vmlinux/blocking_notifier_call_chain,1", "");
	expect("livepatch k replaces blocking_notifier_call_chain of vmlinux");
	put("k/vmlinux/iommu_group_unregister_notifier,1", "");
	assert_true(vs_patched__find(root, words, sizeof(words)));
	assert_non_null(strstr(words, " of vmlinux (and 1 more)"));
}

static void expect_identity(const char *vfio_livepatch)
{
	struct vs_identity id;

	vs_identity__read(root, &id);
	assert_string_equal(id.vfio_livepatch, vfio_livepatch);
	assert_non_null(strstr(id.livepatches, "other"));
}

/* For validate's check "code": what of VFIO itself is not what its file says. */
static void validate_names_a_livepatch_of_vfio(void **state)
{
	(void)state;
	put("other/enabled", "1\n");
	put("other/vmlinux/queue_work_on,1", "");	/* followed, but not of VFIO */
	put("other/vmlinux/kvm_vfio_set_attr,1", "");
	put("other/vfio_pci/vfio_pci_open,1", "");
	expect_identity("");
	put("built-in/enabled", "0\n");
	put("built-in/vmlinux/vfio_iommu_group_notifier,1", "");
	expect_identity("");
	put("built-in/transition", "1\n");
	expect_identity("built-in");
	put("built-in/transition", "0\n");
	put("module/enabled", "1\n");
	put("module/vfio/livepatched,1", "");
	expect_identity("module");
}

/* None of them is a hook's target: they hold inlined gets and puts. */
static void any_function_of_a_built_in_vfio_counts(void **state)
{
	static const char *const functions[] = {
		"vfio_pin_pages", "vfio_device_get_from_dev", "vfio_group_get_external_user",
		"__vfio_register_dev", "vfio_unpin_pages.part.0",
	};
	char path[100], words[100];

	(void)state;
	put("b/enabled", "0\n");
	put("b/vmlinux/kvm_vfio_set_attr,1", "");
	put("b/vmlinux/vfio,1", "");
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		snprintf(path, sizeof(path), "b%zu/vmlinux/%s,1", i, functions[i]);
		put(path, "");
		put("b/enabled", "1\n");
		expect("");
		snprintf(path, sizeof(path), "b%zu/enabled", i);
		put(path, "1\n");
		snprintf(words, sizeof(words), "livepatch b%zu replaces %s of vmlinux", i, functions[i]);
		expect(words);
		put(path, "0\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_what_had_no_group_is_empty, fresh),
		cmocka_unit_test_setup(one_of_a_kind_is_open, fresh),
		cmocka_unit_test_setup(more_than_are_kept_are_counted, fresh),
		cmocka_unit_test_setup_teardown(livepatches_in_force_are_found, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(functions_of_the_kernel_count_if_they_are_followed,
						make_root, remove_root),
		cmocka_unit_test_setup_teardown(validate_names_a_livepatch_of_vfio, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(any_function_of_a_built_in_vfio_counts, make_root,
						remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
