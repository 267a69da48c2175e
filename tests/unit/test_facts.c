// SPDX-License-Identifier: GPL-2.0
/* Facts as JSON, there and back and from hostile hands; kernel symbols from a made-up file. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kallsyms.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "recorded.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kernels[] = { "fixed", "unfixed", "6.12", "6.12-not-loaded" };

/* ---- facts ---- */

/* Without the newline that ends the file. */
static char *read_line_free(const char *name)
{
	char *text = read_recorded(name);

	text[strlen(text) - 1] = '\0';
	return text;
}

static void load(const char *text, struct vs_facts *facts)
{
	char error[200] = "";

	if (vs_facts__from_json(text, facts, error, sizeof(error)))
		fail_msg("%s", error);
}

static void assert_refused(const char *text, const char *words)
{
	char error[200] = "";
	struct vs_facts facts;
	int err = vs_facts__from_json(text, &facts, error, sizeof(error));

	if (!err)
		vs_facts__free(&facts);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(error, words));
	assert_null(strchr(error, '\n'));
}

static void test_round_trip(void **state)
{
	struct vs_facts facts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		char *text = read_line_free(kernels[i]), *again;

		load(text, &facts);
		again = vs_facts__to_json(&facts);
		assert_string_equal(again, text);
		vs_facts__free(&facts);
		free(again);
		free(text);
	}
}

static void test_recorded_values(void **state)
{
	char *text = read_line_free("6.12");
	struct vs_facts facts;

	(void)state;
	load(text, &facts);
	free(text);
	assert_int_equal(strncmp(facts.release, "6.12", 4), 0);
	assert_string_equal(facts.machine, "x86_64");
	assert_true(facts.vmlinux_btf);
	assert_int_equal(facts.vfio_state, VS_KMOD_LOADED);
	assert_int_equal(facts.layout_source, VS_LAYOUT_MODULE_BTF);
	assert_int_equal(facts.btf_layout.group_nb, VS_NO_OFFSET);
	assert_string_equal(facts.vfio.compression, "xz");
	assert_string_equal(facts.vfio.build_id, facts.running_build_id);
	assert_true(vs_names__has(&facts.tracepoints, "module_load"));
	assert_non_null(vs_kmod__func(&facts.vfio, "vfio_device_remove_group"));
	vs_facts__free(&facts);
}

/* All members at their extremes. */
static void fill(struct vs_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	memset(facts->release, 'r', sizeof(facts->release) - 1);
	strcpy(facts->machine, "m\"\\\xc3\xa4");
	facts->cap_perfmon = facts->addresses = true;
	facts->kptr_restrict = facts->mutex_size = VS_UNKNOWN;
	facts->perf_event_paranoid = INT32_MAX;
	facts->ftrace_enabled = INT32_MIN;
	facts->vfio_state = VS_KMOD_BUILTIN;
	facts->layout_source = VS_LAYOUT_VMLINUX_BTF;
	facts->btf_layout.device_group = 0x123;
	memset(facts->vfio_error, 'e', sizeof(facts->vfio_error) - 1);
	assert_int_equal(vs_names__add(&facts->livepatches, "patch"), 0);
	facts->vfio.nr_funcs = facts->vfio.nr_sites = 1;
	facts->vfio.funcs = calloc(1, sizeof(*facts->vfio.funcs));
	facts->vfio.sites = calloc(1, sizeof(*facts->vfio.sites));
	facts->vfio.funcs[0] = (struct vs_kmod_func){ strdup("f"), strdup(""), UINT64_MAX - 7, 9 };
	facts->vfio.sites[0] = (struct vs_kmod_site){
		.kind = VS_SITE_LOCKED_ADD, .func_off = INT32_MAX, .base_reg = 15, .value_reg = 15,
		.disp = INT32_MIN, .lock = UINT64_MAX,
	};
}

static void test_extremes(void **state)
{
	struct vs_facts facts, back;
	char *text, *again;

	(void)state;
	fill(&facts);
	text = vs_facts__to_json(&facts);
	assert_non_null(text);
	load(text, &back);
	assert_string_equal(back.release, facts.release);
	assert_string_equal(back.machine, facts.machine);
	assert_string_equal(back.vfio_error, facts.vfio_error);
	assert_int_equal(back.ftrace_enabled, INT32_MIN);
	assert_int_equal(back.vfio.funcs[0].section_off, UINT64_MAX - 7);
	assert_int_equal(back.vfio.sites[0].lock, UINT64_MAX);
	assert_int_equal(back.vfio.sites[0].disp, INT32_MIN);
	assert_int_equal(back.vfio.sites[0].base_reg, 15);
	assert_null(back.vfio.sites[0].callee);
	assert_null(back.vfio.path);
	again = vs_facts__to_json(&back);
	assert_string_equal(again, text);
	free(again);
	free(text);
	vs_facts__free(&facts);
	vs_facts__free(&back);
}

static void test_nothing_known(void **state)
{
	struct vs_facts facts = {}, back;
	char *text = vs_facts__to_json(&facts);

	(void)state;
	load(text, &back);
	assert_int_equal(back.vfio.nr_funcs, 0);
	assert_int_equal(back.vfio_state, VS_KMOD_ABSENT);
	vs_facts__free(&back);
	free(text);
}

static void test_truncated_anywhere(void **state)
{
	char *text = read_line_free("fixed");

	(void)state;
	for (size_t len = strlen(text); len--;) {
		text[len] = '\0';
		assert_refused(text, "not JSON: line ");
	}
	free(text);
}

static void test_not_facts(void **state)
{
	(void)state;
	assert_refused("", "not JSON");
	assert_refused("{}", "\"schema\"");
	assert_refused("[]", "\"schema\"");
	assert_refused("{\"schema\": 2}", "\"schema\"");
	assert_refused("{\"schema\": \"1\"}", "\"schema\"");
	assert_refused("{\"schema\": 1}", "\"release\"");
	assert_refused("{\"schema\": 1} x", "not JSON");
	assert_refused("{\"schema\": 1, \"a\": [{\"b\": \"\\u001b[2J\"}]}", "control characters");
}

static void test_deeply_nested(void **state)
{
	size_t depth = 100000;
	char *text = malloc(depth + 1);

	(void)state;
	memset(text, '[', depth);
	text[depth] = '\0';
	assert_refused(text, "not JSON");
	free(text);
}

/* ---- one member at a time made wrong ---- */

static json_t *recorded(const char *name)
{
	char *text = read_line_free(name);
	json_t *root = json_loads(text, 0, NULL);

	free(text);
	assert_non_null(root);
	return root;
}

static void assert_tree_refused(json_t *root, const char *where)
{
	char *text = json_dumps(root, 0), quoted[80];

	snprintf(quoted, sizeof(quoted), "\"%s\"", where);
	assert_refused(text, quoted);
	free(text);
}

/* The member of each type that it is not, then without it. */
static void break_member(json_t *root, json_t *object, const char *key, const char *where)
{
	json_t *wrong[] = { json_true(), json_integer(1), json_string("x"), json_array(),
			    json_object(), json_real(1.5) };
	json_t *right = json_incref(json_object_get(object, key));

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		bool same = json_typeof(wrong[i]) == json_typeof(right) ||
			    (json_is_boolean(wrong[i]) && json_is_boolean(right));

		json_object_set_new(object, key, wrong[i]);
		if (!same && !(json_is_null(right) && json_is_string(wrong[i])))
			assert_tree_refused(root, where);
	}
	json_object_del(object, key);
	assert_tree_refused(root, where);
	json_object_set_new(object, key, right);
}

static void break_members(json_t *root, json_t *object, const char *where)
{
	char keys[64][40];
	const char *key;
	json_t *value;
	size_t nr = 0;

	json_object_foreach(object, key, value)
		snprintf(keys[nr++], sizeof(keys[0]), "%s", key);
	while (nr--)
		if (strcmp(keys[nr], "type"))
			break_member(root, object, keys[nr], where ? where : keys[nr]);
}

static void test_wrong_types(void **state)
{
	json_t *root = recorded("fixed"), *vfio = json_object_get(root, "vfio");

	(void)state;
	break_members(root, root, NULL);
	break_members(root, vfio, "vfio");
	break_members(root, json_array_get(json_object_get(vfio, "funcs"), 3), "vfio");
	break_members(root, json_array_get(json_object_get(vfio, "sites"), 1), "vfio");
	json_decref(root);
}

static void test_wrong_elements(void **state)
{
	json_t *root = recorded("fixed"), *vfio = json_object_get(root, "vfio");
	json_t *lists[] = { json_object_get(vfio, "funcs"), json_object_get(vfio, "sites"),
			    json_object_get(root, "tracepoints") };
	const char *const where[] = { "vfio", "vfio", "tracepoints" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_array_insert_new(lists[i], 1, json_null());
		assert_tree_refused(root, where[i]);
		json_array_set_new(lists[i], 1, json_pack("[i]", 1));
		assert_tree_refused(root, where[i]);
		json_array_remove(lists[i], 1);
	}
	json_decref(root);
}

/* One value of a site or of the root, which has the right type and cannot be. */
static void assert_value_refused(json_t *root, json_t *object, const char *key, json_t *value,
				 const char *where)
{
	json_t *right = json_incref(json_object_get(object, key));

	json_object_set_new(object, key, value);
	assert_tree_refused(root, where);
	json_object_set_new(object, key, right);
}

static void test_site_out_of_range(void **state)
{
	json_t *root = recorded("fixed"), *vfio = json_object_get(root, "vfio");
	json_t *site = json_array_get(json_object_get(vfio, "sites"), 0);
	size_t nr = json_array_size(json_object_get(vfio, "funcs"));

	(void)state;
	assert_value_refused(root, site, "func", json_integer(nr), "vfio");
	assert_value_refused(root, site, "func", json_integer(-1), "vfio");
	assert_value_refused(root, site, "func", json_integer(INT32_MAX), "vfio");
	assert_value_refused(root, site, "func_off", json_integer(-1), "vfio");
	assert_value_refused(root, site, "callee", json_null(), "vfio");
	assert_value_refused(root, vfio, "funcs", json_array(), "vfio");
	json_decref(root);
}

static void test_values_out_of_range(void **state)
{
	json_t *root = recorded("fixed");

	(void)state;
	assert_value_refused(root, root, "vfio_state", json_integer(4), "vfio_state");
	assert_value_refused(root, root, "vfio_state", json_integer(-1), "vfio_state");
	assert_value_refused(root, root, "layout_source", json_integer(3), "vfio_state");
	assert_value_refused(root, root, "mutex_size", json_integer(1LL << 32), "mutex_size");
	json_decref(root);
}

static json_t *repeated(size_t len)
{
	char *text = malloc(len + 1);
	json_t *string;

	memset(text, 'x', len);
	text[len] = '\0';
	string = json_string(text);
	free(text);
	return string;
}

static void test_huge_strings(void **state)
{
	json_t *root = recorded("fixed");

	(void)state;
	assert_value_refused(root, root, "release", repeated(65), "release");
	assert_value_refused(root, root, "lockdown", repeated(32), "lockdown");
	assert_value_refused(root, root, "vfio_error", repeated(200), "vfio_error");
	assert_value_refused(root, root, "running_build_id", repeated(VS_BUILD_ID_HEX),
			     "running_build_id");
	assert_value_refused(root, root, "machine", repeated(1 << 20), "machine");
	json_decref(root);
}

static void test_huge_names(void **state)
{
	json_t *root = recorded("fixed"), *vfio = json_object_get(root, "vfio");
	json_t *func = json_array_get(json_object_get(vfio, "funcs"), 0);
	struct vs_facts facts;
	char *text;

	(void)state;
	json_object_set_new(func, "name", repeated(1 << 20));
	json_object_set_new(vfio, "build_id", repeated(1000));
	text = json_dumps(root, 0);
	load(text, &facts);
	assert_int_equal(strlen(facts.vfio.funcs[0].name), 1 << 20);
	assert_in_range(strlen(facts.vfio.build_id), 0, VS_BUILD_ID_HEX - 1);
	vs_facts__free(&facts);
	free(text);
	json_decref(root);
}

/* A few bytes changed: refused, or facts that a plan can be made from. */
static void test_damaged(void **state)
{
	static const char bytes[] = "{}[]\",:-0129eftnulx \\";
	char *text = read_line_free("unfixed"), error[200];
	size_t len = strlen(text), loaded = 0;
	struct vs_facts facts;
	struct vs_plan plan;

	(void)state;
	srand(5);
	for (int round = 0; round < 3000; round++) {
		size_t at = rand() % len;
		char was = text[at];

		text[at] = bytes[rand() % (sizeof(bytes) - 1)];
		if (!vs_facts__from_json(text, &facts, error, sizeof(error))) {
			assert_int_equal(vs_plan__make(&facts, &plan), 0);
			vs_plan__free(&plan);
			vs_facts__free(&facts);
			loaded++;
		}
		text[at] = was;
	}
	assert_in_range(loaded, 100, 2900);
	free(text);
}

static void test_error_buffer_is_small(void **state)
{
	struct vs_facts facts;
	char error[8] = "1234567";

	(void)state;
	assert_int_equal(vs_facts__from_json("{", &facts, error, 5), -EINVAL);
	assert_string_equal(error, "not ");
	assert_int_equal(error[5], '6');
}

/* ---- small parts ---- */

static void test_names(void **state)
{
	struct vs_names set = {};
	char name[16] = "one";

	(void)state;
	assert_false(vs_names__has(&set, "one"));
	assert_int_equal(vs_names__add(&set, name), 0);
	strcpy(name, "two");
	assert_int_equal(vs_names__add(&set, name), 0);
	assert_true(vs_names__has(&set, "one"));
	assert_true(vs_names__has(&set, "two"));
	assert_false(vs_names__has(&set, "on"));
	assert_false(vs_names__has(&set, ""));
	assert_int_equal(set.nr, 2);
	vs_names__free(&set);
	assert_int_equal(set.nr, 0);
	vs_names__free(&set);
}

static void test_build_id_matches(void **state)
{
	struct vs_facts facts = {};

	(void)state;
	assert_true(vs_facts__build_id_matches(&facts));
	strcpy(facts.running_build_id, "abc1");
	assert_true(vs_facts__build_id_matches(&facts));
	strcpy(facts.vfio.build_id, "abc2");
	assert_false(vs_facts__build_id_matches(&facts));
	strcpy(facts.vfio.build_id, "abc1");
	assert_true(vs_facts__build_id_matches(&facts));
	strcpy(facts.vfio.build_id, "abc");
	assert_false(vs_facts__build_id_matches(&facts));
	facts.running_build_id[0] = '\0';
	assert_true(vs_facts__build_id_matches(&facts));
}

/* ---- kallsyms ---- */

static const char symbols[] =
	"0000000000000000 A fixed_percpu_data\n"
	"ffffffff81000000 T _stext\n"
	"ffffffffc0400fa0 t vfio_group_release\t[vfio]\n"
	"ffffffff81001000 T do_one\n"
	"ffffffff81000ff0 t __pfx_do_one\n"
	"ffffffff81002000 W weak_one\n"
	"ffffffff81500000 D some_data\n"
	"ffffffffc0401130 t vfio_group_put_bg\t[vfio]\n"
	"ffffffff81003000 a absolute\n"
	"ffffffffc0402000 t bpf_prog_1234\t[bpf]\n";

static FILE *open_text(const char *text)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	fputs(text, file);
	rewind(file);
	return file;
}

struct walk {
	char text[2048];
	int calls, stop_at;
};

static int note(void *ctx, const struct vs_symbol *symbol)
{
	struct walk *walk = ctx;
	size_t len = strlen(walk->text);

	snprintf(walk->text + len, sizeof(walk->text) - len, "%" PRIx64 " %c %s %s|", symbol->addr,
		 symbol->type, symbol->name, symbol->module);
	return ++walk->calls == walk->stop_at ? -ENOSPC : 0;
}

static struct walk walk_text(const char *text, int stop_at, int expected)
{
	struct walk walk = { .stop_at = stop_at };
	FILE *file = open_text(text);

	assert_int_equal(vs_kallsyms__each(file, note, &walk), expected);
	fclose(file);
	return walk;
}

static void test_each_symbol(void **state)
{
	struct walk walk;

	(void)state;
	walk = walk_text(symbols, 0, 0);
	assert_int_equal(walk.calls, 10);
	walk = walk_text("ffffffffc0400fa0 t vfio_group_release\t[vfio]\n00 T last", 0, 0);
	assert_string_equal(walk.text, "ffffffffc0400fa0 t vfio_group_release vfio|0 T last |");
}

static void test_each_stops(void **state)
{
	struct walk walk;

	(void)state;
	walk = walk_text(symbols, 3, -ENOSPC);
	assert_int_equal(walk.calls, 3);
	walk = walk_text("", 1, 0);
	assert_int_equal(walk.calls, 0);
}

static void test_lines_passed_over(void **state)
{
	struct walk walk;

	(void)state;
	walk = walk_text("\n"
			 "nonsense\n"
			 "ffffffff81000000\n"
			 "ffffffff81000000 \n"
			 "ffffffff81000000 T\n"
			 "ffffffff81000000 T \n"
			 "ffffffff81000000 TT name\n"
			 "12 T good\n"
			 "13 t half\t[mod\n"
			 "14 t none\t\n", 0, 0);
	assert_string_equal(walk.text, "12 T good |13 t half mod|14 t none |");
}

static void test_long_lines(void **state)
{
	char text[5000];
	struct walk walk;

	(void)state;
	strcpy(text, "10 T ");
	memset(text + 5, 'z', 4000);
	strcpy(text + 4005, "\n11 T next\n");
	walk = walk_text(text, 0, 0);
	assert_non_null(strstr(walk.text, "|11 T next |"));
}

static struct vs_ksyms *read_symbols(const char *text)
{
	FILE *file = open_text(text);
	struct vs_ksyms *ksyms = vs_ksyms__read(file);

	fclose(file);
	return ksyms;
}

static void test_lookup(void **state)
{
	static const struct { uint64_t addr; const char *name; } known[] = {
		{ 0xffffffff81000000, "_stext" },
		{ 0xffffffff81000001, "_stext+0x1" },
		{ 0xffffffff81000ff8, "_stext+0xff8" },
		{ 0xffffffff81001000, "do_one" },
		{ 0xffffffff8100101a, "do_one+0x1a" },
		{ 0xffffffff81002000, "weak_one" },
		{ 0xffffffff81003000, "weak_one+0x1000" },
		{ 0xffffffff81500010, "some_data+0x10" },
		{ 0xffffffffc0400fa0, "vfio_group_release [vfio]" },
		{ 0xffffffffc0401149, "vfio_group_put_bg+0x19 [vfio]" },
		{ 0xffffffffc0402004, "bpf_prog_1234+0x4 [bpf]" },
	};
	struct vs_ksyms *ksyms = read_symbols(symbols);
	char name[64];

	(void)state;
	assert_non_null(ksyms);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_true(vs_ksyms__lookup(ksyms, known[i].addr, name, sizeof(name)));
		assert_string_equal(name, known[i].name);
	}
	vs_ksyms__free(ksyms);
}

static void test_lookup_far_away(void **state)
{
	struct vs_ksyms *ksyms = read_symbols(symbols);
	char name[64] = "kept";

	(void)state;
	assert_false(vs_ksyms__lookup(ksyms, 0, name, sizeof(name)));
	assert_false(vs_ksyms__lookup(ksyms, 0xffff888000001000, name, sizeof(name)));
	assert_false(vs_ksyms__lookup(ksyms, 0xffffffff80ffffff, name, sizeof(name)));
	assert_false(vs_ksyms__lookup(ksyms, 0xffffffff81500000 + (1 << 20) + 1, name,
				      sizeof(name)));
	assert_false(vs_ksyms__lookup(ksyms, UINT64_MAX, name, sizeof(name)));
	assert_string_equal(name, "kept");
	assert_true(vs_ksyms__lookup(ksyms, 0xffffffff81500000 + (1 << 20), name, sizeof(name)));
	assert_string_equal(name, "some_data+0x100000");
	vs_ksyms__free(ksyms);
}

static void test_find_and_code(void **state)
{
	struct vs_ksyms *ksyms = read_symbols(symbols);

	(void)state;
	assert_int_equal(vs_ksyms__find(ksyms, "do_one"), 0xffffffff81001000);
	assert_int_equal(vs_ksyms__find(ksyms, "vfio_group_release"), 0xffffffffc0400fa0);
	assert_int_equal(vs_ksyms__find(ksyms, "do_on"), 0);
	assert_true(vs_ksyms__is_code(ksyms, 0xffffffff8100101a));
	assert_true(vs_ksyms__is_code(ksyms, 0xffffffffc0401149));
	assert_true(vs_ksyms__is_code(ksyms, 0xffffffff81002000));	/* weak */
	assert_false(vs_ksyms__is_code(ksyms, 0xffffffff81500010));	/* data */
	assert_false(vs_ksyms__is_code(ksyms, 0xffff888000001000));
	vs_ksyms__free(ksyms);
}

/* As 7.3 has put_files_struct(): a task that ends is never seen in the short one. */
static void test_find_part(void **state)
{
	struct vs_ksyms *ksyms = read_symbols("ffffffff81001000 t put_files.part.0.cold\n"
					      "ffffffff81002000 t put_files_too.part.0\n"
					      "ffffffff81003000 t put_files.part.0\n"
					      "ffffffff81004000 T put_files\n"
					      "ffffffff81005000 T put_files.constprop.0\n"
					      "ffffffff81006000 T whole\n");

	(void)state;
	assert_int_equal(vs_ksyms__find_part(ksyms, "put_files"), 0xffffffff81003000);
	assert_int_equal(vs_ksyms__find(ksyms, "put_files"), 0xffffffff81004000);
	assert_int_equal(vs_ksyms__find_part(ksyms, "whole"), 0);
	vs_ksyms__free(ksyms);
}

static void test_lookup_is_cut(void **state)
{
	struct vs_ksyms *ksyms = read_symbols(symbols);
	char name[32];

	(void)state;
	for (size_t size = 1; size < sizeof(name); size++) {
		memset(name, '~', sizeof(name));
		assert_true(vs_ksyms__lookup(ksyms, 0xffffffffc0401149, name, size));
		assert_int_equal(strlen(name), size - 1 < 29 ? size - 1 : 29);
		assert_int_equal(strncmp(name, "vfio_group_put_bg+0x19 [vfio]", strlen(name)), 0);
		assert_int_equal(name[size], '~');
	}
	vs_ksyms__free(ksyms);
}

static void test_hidden_addresses(void **state)
{
	(void)state;
	errno = 0;
	assert_null(read_symbols("0000000000000000 T _stext\n"
				 "0000000000000000 t vfio_group_release\t[vfio]\n"));
	assert_int_equal(errno, EPERM);
	errno = 0;
	assert_null(read_symbols(""));
	assert_int_equal(errno, EPERM);
	vs_ksyms__free(NULL);
}

/* As many as a kernel has, backwards, half of them in a module. */
static void test_big_table(void **state)
{
	const uint64_t base = 0xffffffff81000000, nr = 50000;
	FILE *file = tmpfile();
	struct vs_ksyms *ksyms;
	char name[64], expected[64];

	(void)state;
	for (uint64_t i = nr; i--;)
		fprintf(file, "%" PRIx64 " t f%" PRIu64 "%s\n", base + 16 * i, i,
			i % 2 ? "\t[m]" : "");
	rewind(file);
	ksyms = vs_ksyms__read(file);
	fclose(file);
	assert_non_null(ksyms);
	for (uint64_t i = 0; i < nr; i++) {
		assert_true(vs_ksyms__lookup(ksyms, base + 16 * i + 15, name, sizeof(name)));
		snprintf(expected, sizeof(expected), "f%" PRIu64 "+0xf%s", i, i % 2 ? " [m]" : "");
		assert_string_equal(name, expected);
	}
	vs_ksyms__free(ksyms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_recorded_values),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_not_facts),
		cmocka_unit_test(test_deeply_nested),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_wrong_elements),
		cmocka_unit_test(test_site_out_of_range),
		cmocka_unit_test(test_values_out_of_range),
		cmocka_unit_test(test_huge_strings),
		cmocka_unit_test(test_huge_names),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_error_buffer_is_small),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_build_id_matches),
		cmocka_unit_test(test_each_symbol),
		cmocka_unit_test(test_each_stops),
		cmocka_unit_test(test_lines_passed_over),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_lookup_far_away),
		cmocka_unit_test(test_find_and_code),
		cmocka_unit_test(test_find_part),
		cmocka_unit_test(test_lookup_is_cut),
		cmocka_unit_test(test_hidden_addresses),
		cmocka_unit_test(test_big_table),
	};

	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
