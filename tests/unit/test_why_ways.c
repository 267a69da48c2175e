// SPDX-License-Identifier: GPL-2.0
/*
 * Each way to leave VFIO and each holder, as tests/vm/ways.sh made them on kinds of host: evidence, and what
 * the scenario itself told. tests/evidence/ways/KERNEL-HOST has a cell a line, written by tools/hosts-table.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/words.h"
#include "why/classify.h"

#define CELLS "tests/evidence/ways"

static const char *file_name;
static json_t *cell;
static struct vs_evidence evidence;

static const char *told(const char *key)
{
	const char *text = json_string_value(json_object_get(cell, key));

	if (!text)
		fail_msg("%s: a cell has no %s", file_name, key);
	return text;
}

static void wrong(const char *view, const char *got, const char *expected)
{
	fail_msg("%s: %s, %s: view of the %s: got \"%s\", expected \"%s\"", file_name, told("way"),
		 told("holder"), view, got, expected);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* As tests/vm/holder.c tells what it holds, sorted. */
static void holders_of(const struct vs_why_case *c, char *buf, size_t size)
{
	static const char *const hows[] = { "fd", "map", "mm", "socket", "ring", "release" };
	static const char *const kinds[VS_SNAP_FILE_KINDS] = { "group", "device", "container",
		"cdev", "iommufd", "kvm" };
	char rows[8][64];
	size_t nr = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < c->nr_holders && i < 8; i++) {
		const struct vs_why_holder *h = &c->holders[i];
		bool memory = h->how == VS_HOLD_MAP || h->how == VS_HOLD_MM;

		snprintf(rows[nr], sizeof(rows[nr]), "%s:%s:%u:", hows[h->how],
			 memory ? "null" : kinds[h->kind], h->tgid);
		if (h->fd >= 0)
			vs_words__append(rows[nr], sizeof(rows[nr]), "%d", h->fd);
		else
			vs_words__append(rows[nr], sizeof(rows[nr]), "null");
		nr++;
	}
	qsort(rows, nr, sizeof(rows[0]), by_text);
	for (size_t i = 0; i < nr; i++)
		vs_words__append(buf, size, "%s%s", i ? "," : "", rows[i]);
}

static bool somebody_is_behind(const struct vs_why_case *c, const char *comm, const char *lock)
{
	for (size_t i = 0; i < c->nr_victims; i++)
		if (strstr(c->victims[i].task->comm, comm) && strstr(c->victims[i].lock, lock))
			return true;
	return false;
}

/* The threads of two slots and their holder wait for each other: nobody can let go. */
static void check_cycle(const char *view, const struct vs_why_case *c)
{
	char got[64];

	snprintf(got, sizeof(got), "cycle %d, reboot %d", c->cycle, c->reboot);
	if (!c->cycle || c->reboot != VS_REBOOT_YES)
		wrong(view, got, "a cycle that only a reboot ends");
}

static void check_waits(const char *view, const struct vs_why_case *c)
{
	char got[512];

	if (strcmp(c->way, told("words")))
		wrong(view, c->way, told("words"));
	if ((c->task ? c->task->tid : 0) != (uint32_t)json_integer_value(json_object_get(cell, "waiter")))
		wrong(view, c->task ? c->task->comm : "nobody", "the task that waits");
	holders_of(c, got, sizeof(got));
	if (strcmp(got, told("holders")))
		wrong(view, got, told("holders"));
	if (!strcmp(told("way"), "second") &&
	    !somebody_is_behind(c, "pciehp", "pci_rescan_remove_lock"))
		wrong(view, "nobody", "the removal of the second slot behind it");
	if (!strcmp(told("way"), "shutdown") && !somebody_is_behind(c, "reboot", "device lock"))
		wrong(view, "nobody", "the shutdown behind it");
}

static void check_view(const char *view, const struct vs_why_subject *s)
{
	const struct vs_why_case *c;
	struct vs_why why;

	assert_int_equal(vs_classify(&evidence, s, &why), 0);
	assert_int_equal(why.nr_cases, 1);
	c = &why.cases[0];
	if (c->verdict != VS_WHY_IN_USE || c->confidence != VS_HIGH)
		wrong(view, vs_why_verdict__name(c->verdict), "in-use, high");
	if (strcmp(c->device, told("device")))
		wrong(view, c->device, told("device"));
	if (!strcmp(told("way"), "cycle"))
		check_cycle(view, c);
	else
		check_waits(view, c);
	vs_why__free(&why);
}

static void check_cell(void)
{
	struct vs_why_subject host = { NULL, -1, 0 }, device = host, group = host, pid = host;
	char *text = json_dumps(json_object_get(cell, "evidence"), 0), error[200] = "";

	assert_non_null(text);
	if (vs_evidence__from_json(text, &evidence, error, sizeof(error)))
		fail_msg("%s: %s", file_name, error);
	free(text);
	device.device = told("device");
	group.group = (int)json_integer_value(json_object_get(cell, "group"));
	pid.pid = (uint32_t)json_integer_value(json_object_get(cell, "waiter"));
	check_view("host", &host);
	check_view("device", &device);
	check_view("group", &group);
	check_view("task", &pid);
	vs_evidence__free(&evidence);
}

static size_t check_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, nr = 0;

	assert_non_null(file);
	while (getline(&line, &room, file) > 0) {
		cell = json_loads(line, 0, NULL);
		assert_non_null(cell);
		check_cell();
		json_decref(cell);
		nr++;
	}
	free(line);
	fclose(file);
	return nr;
}

static void test_cells(void **unused)
{
	DIR *dir = opendir(CELLS);
	struct dirent *entry;
	char path[512];
	size_t nr = 0;

	(void)unused;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		file_name = entry->d_name;
		if (file_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CELLS "/%s", file_name);
		nr += check_file(path);
	}
	closedir(dir);
	assert_true(nr >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
