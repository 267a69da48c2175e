// SPDX-License-Identifier: GPL-2.0
/*
 * What the sinks write. Expected text is in fixtures/trace-*.txt; with
 * VS_GOLDEN_WRITE=1 in the environment those files are written instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/name.h"
#include "base/out.h"
#include "base/words.h"
#include "scenario.h"
#include "sink/event_words.h"

#ifndef VS_FIXTURES
#define VS_FIXTURES "tests/unit/fixtures"
#endif

static const struct vs_probe_row probes[] = {
	{ "put", "armed", "call sites from the relocations of vfio.ko", 13 },
	{ "notifier", "armed", "vfio_iommu_group_notifier", 1 },
	{ "lookup get", "missing", "no symbol", 0 },
};

static const struct vs_start start = {
	.version = "0.1",
	.kernel = "5.10.0-46-amd64",
	.mono_ns = T0,
	.wall_ns = 1700000000000000000ull,
	.probes = probes,
	.nr_probes = 3,
};

typedef void (*scenario_fn)(struct vs_session *s);

static struct vs_session *session_with(struct vs_sink *const *sinks, size_t nr)
{
	return vs_session__new(&(struct vs_session_opts){
		.calls = { resolve, two_devices, NULL, clock_2ms },
		.sinks = sinks,
		.nr_sinks = nr,
	});
}

static struct vs_sink *new_sink(const struct vs_sink_opts *o, bool json)
{
	return json ? vs_json_sink__new(o) : vs_text_sink__new(o);
}

/* All that one run writes; the caller frees. */
static char *run(scenario_fn scenario, unsigned int width, bool json)
{
	struct vs_sink_opts o = { .fd = scratch_file(), .width = width };
	struct vs_sink *sink = new_sink(&o, json);
	struct vs_session *s = session_with(&sink, 1);
	char *text;

	vs_session__start(s, &start);
	scenario(s);
	assert_int_equal(vs_session__finish(s, T0 + 5000000, NULL), 0);
	vs_session__free(s);
	vs_sink__free(sink);
	text = written(o.fd);
	close(o.fd);
	return text;
}

static char *read_golden(const char *path)
{
	int fd = open(path, O_RDONLY);
	char *text;

	assert_true(fd >= 0);
	text = written(fd);
	close(fd);
	return text;
}

static void write_golden(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect_golden(const char *name, scenario_fn scenario, unsigned int width)
{
	char *text = run(scenario, width, false), *golden, path[512];

	snprintf(path, sizeof(path), "%s/trace-%s-%u.txt", VS_FIXTURES, name, width);
	if (getenv("VS_GOLDEN_WRITE"))
		write_golden(path, text);
	golden = read_golden(path);
	assert_string_equal(text, golden);
	free(golden);
	free(text);
}

static void without_proof(struct vs_session *s)
{
	feed_until_release(s, sh, other_sh, 0);
}

static void other_chain(struct vs_session *s)
{
	static const unsigned long long stack[] = { 0x1001, 0x1002, 0x1010, 0x1006, 0x1007, 0x1011 };
	struct vs_event e = event(VS_CHAIN_DEADLOCK, sh, 50);

	e.context = VS_CTX_CHAIN;
	e.ctx_object = REBOOT_CHAIN;
	e.iommu_group = -1;
	feed_alarm(s, e, 0, stack, 6);
}

static void fixed_run(struct vs_session *s)
{
	feed_create(s, 0);
	feed_fixed(s, 100, WORK, 0);
	feed_fixed(s, 1000, WORK, 1);
	vs_session__loss(s, VS_LOSS_RING_FULL, 12);
	vs_session__loss_not_reported(s, VS_LOSS_RECURSION);
	vs_session__gap(s, &(struct vs_gap_row){ .why = VS_GAP_LOADED, .from_ns = T0 - 900000,
						 .to_ns = T0 + 2200000, .groups = -1 });
	vs_session__notice(s, T0 + 2300000, "vfio.ko is not loaded; waiting for it");
}

/* Long names, several other tasks, and no room for symbol and offset. */
static void hard_case(struct vs_session *s)
{
	static const struct who qemu = { 2, 4194303, "qemu-system-x86" };
	static const struct who vhost = { 3, 4194302, "vhost-4194303" };
	static const struct who long_name = { 1, 4194301, "a\x1b[31mred\xff\n" };

	feed_until_release(s, long_name, qemu, 1);
	feed(s, refs(event(VS_PUT, vhost, 932), 1234567890, 0x7fffffffffffull));
	feed_proof(s, long_name);
}

static struct vs_event changed(struct vs_event e, unsigned int flags)
{
	e.object = GROUP;
	e.flags |= flags;
	return e;
}

/* A get and a put with stacks, and the changes that watchpoints saw. */
static void stacks(struct vs_session *s)
{
	static const unsigned long long get[] = { IP_TRY_GET, 0x1006, 0x1007, 0x1001,
						   0x100a, 0x1008, 0x5555 };
	static const unsigned long long put[] = { IP_PUT_BG };
	static const unsigned long long drop[] = { 0x100d, 0x100e, 0x100f };
	static const unsigned long long lib_only[] = { 0x100d };

	feed_create(s, 0);
	feed_stack(s, changed(refs(event(VS_CHANGE, sh, 99), 2, IP_TRY_GET), VS_F_TAKEN), get, 7);
	feed_stack(s, refs(event(VS_GET, sh, 100), 2, IP_TRY_GET), get, 7);
	feed_stack(s, refs(event(VS_PUT, worker, 200), 2, IP_PUT_BG), put, 1);
	feed_stack(s, changed(refs(event(VS_CHANGE, worker, 201), 1, 0x100d), VS_F_DROPPED), drop, 3);
	feed_stack(s, changed(refs(event(VS_CHANGE, worker, 300), -1073741824, 0x100d), 0),
		   lib_only, 1);
	feed_stack(s, changed(event(VS_CHANGE, sh, 400), VS_F_DROPPED), NULL, 0);
	feed_stack(s, changed(event(VS_CHANGE, sh, 401), 0), NULL, 0);
}

static void text_is_as_expected(void **state)
{
	(void)state;
	expect_golden("deadlock", feed_deadlock, 80);
	expect_golden("deadlock", feed_deadlock, 120);
	expect_golden("deadlock", feed_deadlock, 0);
	expect_golden("without-proof", without_proof, 80);
	expect_golden("other-chain", other_chain, 80);
	expect_golden("hard-case", hard_case, 80);
	expect_golden("stacks", stacks, 0);
	expect_golden("stacks", stacks, 80);
	expect_golden("fixed", fixed_run, 80);
	expect_golden("fixed", fixed_run, 120);
	expect_golden("fixed", fixed_run, 0);
}

static void expect_width(scenario_fn scenario, unsigned int width)
{
	char *text = run(scenario, width, false);

	for (char *line = text; *line; line += strcspn(line, "\n") + 1) {
		if (strcspn(line, "\n") > width)
			fail_msg("%u columns: %.*s", width, (int)strcspn(line, "\n"), line);
	}
	free(text);
}

static void lines_fit_the_terminal(void **state)
{
	(void)state;
	for (unsigned int width = 80; width <= 140; width += 10) {
		expect_width(feed_deadlock, width);
		expect_width(without_proof, width);
		expect_width(other_chain, width);
		expect_width(hard_case, width);
		expect_width(stacks, width);
		expect_width(fixed_run, width);
	}
}

static void only_printable_ascii_comes_out(void **state)
{
	char *text = run(hard_case, 80, false);

	(void)state;
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	assert_non_null(strstr(text, "a\\x1b[31mred\\xff\\x0a[4194301]"));
	free(text);
}

/* A line that was taken out by grep or a pager colours no other. */
static bool ends_as_it_began(const char *line, size_t len)
{
	bool coloured = false;

	for (const char *at = memchr(line, '\x1b', len); at; at = memchr(at + 1, '\x1b', len - (size_t)(at + 1 - line)))
		coloured = strncmp(at, VS_STYLE_OFF, strlen(VS_STYLE_OFF));
	return !coloured;
}

/* Over lines, where a line is broken, and where a line is empty. */
static void each_line_has_its_own_colour(void **state)
{
	struct vs_out o;

	(void)state;
	vs_out__init(&o, -1);
	vs_out__style(&o, "\x1b[31m");
	vs_words__wrap(&o, "one two", 0, 2, 5);
	vs_out__puts(&o, "\n");
	vs_out__printf(&o, "%3s", "x");
	vs_out__style(&o, "");
	vs_out__style(&o, VS_STYLE_OFF);
	vs_out__puts(&o, "y");
	vs_out__raw(&o, "", 1);
	assert_string_equal(o.buf,
			    "\x1b[31mone\x1b[0m\n\x1b[31m  two\x1b[0m\n\n\x1b[31m  x\x1b[0my");
	vs_out__fini(&o);
}

static void colour_is_only_on_request(void **state)
{
	struct vs_sink_opts o = { .fd = scratch_file(), .width = 80, .color = true };
	struct vs_sink *sink = vs_text_sink__new(&o);
	struct vs_session *s = session_with(&sink, 1);
	char *text;

	(void)state;
	feed_deadlock(s);
	text = written(o.fd);
	assert_non_null(strstr(text, "\x1b[1;31m==== BUG notifier-deadlock"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(ends_as_it_began(line, strcspn(line, "\n")));
	free(text);
	vs_session__free(s);
	vs_sink__free(sink);
	close(o.fd);
}

static void expect_field(json_t *o, const char *key, const char *value)
{
	assert_string_equal(json_string_value(json_object_get(o, key)), value);
}

static json_t *parse_line(const char *line, size_t len)
{
	json_error_t error;
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (!o)
		fail_msg("%s: %.*s", error.text, (int)len, line);
	assert_true(json_is_string(json_object_get(o, "type")));
	assert_int_equal(json_integer_value(json_object_get(o, "schema")), 1);
	return o;
}

/* The @nth line of that type, parsed; every line before it is checked as well. */
static json_t *find_line(const char *text, const char *type, int nth)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		json_t *o = parse_line(line, strcspn(line, "\n"));

		if (!strcmp(json_string_value(json_object_get(o, "type")), type) && !nth--)
			return o;
		json_decref(o);
	}
	fail_msg("no line of type %s", type);
	return NULL;
}

static void ndjson_tells_the_deadlock(void **state)
{
	char *text = run(feed_deadlock, 0, true);
	json_t *o = find_line(text, "finding", 1), *rows;

	(void)state;
	expect_field(o, "name", "notifier-deadlock");
	expect_field(o, "grade", "bug");
	expect_field(o, "chain", "0xffff888004b22058");
	expect_field(o, "call_place", "iommu_bus_notifier+0x9f");
	rows = json_object_get(json_object_get(o, "picture"), "rows");
	assert_int_equal(json_array_size(rows), 7);
	assert_true(json_is_true(json_object_get(json_array_get(rows, 2), "other")));
	assert_int_equal(json_array_size(json_object_get(o, "stack")), 11);
	json_decref(o);
	o = find_line(text, "summary", 0);
	assert_int_equal(json_integer_value(json_object_get(
		json_object_get(o, "findings"), "notifier-deadlock")), 1);
	json_decref(o);
	free(text);
}

static void ndjson_starts_and_ends_as_told(void **state)
{
	char *text = run(fixed_run, 0, true), *last;
	json_t *o = parse_line(text, strcspn(text, "\n"));

	(void)state;
	expect_field(o, "type", "start");
	expect_field(o, "kernel", "5.10.0-46-amd64");
	assert_int_equal(json_integer_value(json_object_get(o, "time_ns")), T0);
	assert_int_equal(json_array_size(json_object_get(o, "probes")), 3);
	json_decref(o);
	text[strlen(text) - 1] = '\0';
	last = strrchr(text, '\n') + 1;
	o = parse_line(last, strlen(last));
	expect_field(o, "type", "summary");
	assert_int_equal(json_array_size(json_object_get(o, "losses")), VS_LOSS_END);
	assert_int_equal(json_array_size(json_object_get(o, "gaps")), 1);
	json_decref(o);
	free(text);
}

static void ndjson_tells_events_and_deferred_puts(void **state)
{
	char *text = run(fixed_run, 0, true);
	json_t *o = find_line(text, "event", 3);

	(void)state;
	expect_field(o, "event", "get");
	expect_field(o, "context", "notifier");
	expect_field(o, "site", "vfio_iommu_group_notifier+0x31");
	assert_true(json_is_true(json_object_get(o, "refs_exact")));
	assert_int_equal(json_integer_value(json_object_get(
		json_object_get(o, "group"), "number")), 1);
	json_decref(o);
	o = find_line(text, "deferred", 1);
	assert_true(json_is_true(json_object_get(o, "last_sure")));
	assert_int_equal(json_integer_value(json_object_get(o, "release_ns")), T0 + 1127000);
	json_decref(o);
	json_decref(find_line(text, "loss", 0));
	json_decref(find_line(text, "gap", 0));
	json_decref(find_line(text, "notice", 0));
	free(text);
}

static void expect_frames(json_t *o, size_t nr, const char *first)
{
	json_t *stack = json_object_get(o, "stack");

	assert_int_equal(json_array_size(stack), nr);
	if (nr)
		assert_string_equal(json_string_value(json_array_get(stack, 0)), first);
}

static void ndjson_tells_stacks_and_changes(void **state)
{
	char *text = run(stacks, 0, true);
	json_t *o = find_line(text, "event", 2);

	(void)state;
	expect_field(o, "event", "change");
	assert_true(json_is_true(json_object_get(o, "taken")));
	assert_true(json_is_true(json_object_get(o, "refs_exact")));
	json_decref(o);
	o = find_line(text, "event", 4);
	expect_field(o, "event", "put");
	expect_frames(o, 1, "vfio_group_put_bg+0x19");
	json_decref(o);
	o = find_line(text, "event", 5);
	assert_true(json_is_true(json_object_get(o, "dropped")));
	expect_field(o, "site", "vfio_group_put_bg+0x1e");
	expect_field(o, "ip", "0x100d");
	expect_frames(o, 3, "refcount_dec_not_one+0x19");
	json_decref(o);
	o = find_line(text, "event", 7);
	assert_null(json_object_get(o, "refs"));
	expect_frames(o, 0, NULL);
	json_decref(o);
	free(text);
}

static void ndjson_is_valid_whatever_a_task_is_called(void **state)
{
	char *text = run(hard_case, 0, true);
	json_t *o = find_line(text, "event", 2);

	(void)state;
	expect_field(o, "comm", "a\x1b[31mred\\xff\n");
	json_decref(o);
	json_decref(find_line(text, "summary", 0));
	free(text);
}

static int count_writes(int fd, char *last, size_t size)
{
	int nr = 0;
	ssize_t len;

	while ((len = recv(fd, last, size - 1, MSG_DONTWAIT)) > 0) {
		last[len] = '\0';
		nr++;
	}
	return nr;
}

/* On a socket that keeps packets apart each write(2) can be told. */
static void a_finding_is_one_write_at_once(void **state)
{
	int fds[2];
	struct vs_sink_opts o = { .width = 80 };
	struct vs_sink *sink;
	struct vs_session *s;
	char last[16384];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	o.fd = fds[0];
	sink = vs_text_sink__new(&o);
	s = session_with(&sink, 1);
	feed_until_release(s, sh, other_sh, 1);
	assert_int_equal(count_writes(fds[1], last, sizeof(last)), 1);
	assert_non_null(strstr(last, "HAZARD put-in-notifier"));
	feed_proof(s, sh);
	assert_int_equal(count_writes(fds[1], last, sizeof(last)), 1);
	assert_non_null(strstr(last, "chain-deadlock group 1"));
	assert_non_null(strstr(last, "BUG notifier-deadlock"));
	assert_non_null(strstr(last, "Kernel stack of sh[431]"));
	vs_session__free(s);
	vs_sink__free(sink);
	close(fds[0]);
	close(fds[1]);
}

static void events_wait_for_the_flush(void **state)
{
	struct vs_sink_opts o = { .fd = scratch_file(), .width = 80 };
	struct vs_sink *sink = vs_text_sink__new(&o);
	struct vs_session *s = session_with(&sink, 1);
	char *text;

	(void)state;
	feed_create(s, 0);
	text = written(o.fd);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(vs_session__flush(s), 0);
	text = written(o.fd);
	assert_non_null(strstr(text, "create"));
	free(text);
	vs_session__free(s);
	vs_sink__free(sink);
	close(o.fd);
}

/* A sink that notes when it was asked for what. */
struct order_sink {
	struct vs_sink base;
	const char *name;
	bool full;
};

static char order[256];

static void note(const char *who, const char *what)
{
	size_t len = strlen(order);

	snprintf(order + len, sizeof(order) - len, "%s:%s ", who, what);
}

static void order_finding(struct vs_sink *s, const struct vs_finding *f)
{
	if (f->grade == VS_GRADE_BUG)
		note(((struct order_sink *)s)->name, "write");
}

static bool order_ready(struct vs_sink *s)
{
	return !((struct order_sink *)s)->full;
}

static void order_sync(struct vs_sink *s)
{
	note(((struct order_sink *)s)->name, "sync");
}

static void order_event(struct vs_sink *s, const struct vs_view *v)
{
	(void)s;
	(void)v;
}

static const struct vs_sink_ops order_ops = {
	.event = order_event, .finding = order_finding, .ready = order_ready, .sync = order_sync,
};

static void nothing_slow_is_in_the_way_of_a_finding(void **state)
{
	struct order_sink pipe_ = { { .ops = &order_ops }, "pipe", true };
	struct order_sink screen = { { .ops = &order_ops }, "screen", false };
	struct order_sink file = { { .ops = &order_ops, .durable = true }, "file", false };
	struct vs_sink *sinks[] = { &pipe_.base, &screen.base, &file.base };
	struct vs_session *s = session_with(sinks, 3);

	(void)state;
	order[0] = '\0';
	feed_deadlock(s);
	assert_string_equal(order, "file:write screen:write file:sync pipe:write ");
	vs_session__free(s);
}

static void write_errors_are_kept(void **state)
{
	struct vs_sink_opts o = { .fd = open("/dev/full", O_WRONLY), .width = 80 };
	struct vs_sink *sink = vs_text_sink__new(&o);
	struct vs_session *s = session_with(&sink, 1);
	struct vs_session_result result;

	(void)state;
	feed_create(s, 0);
	assert_int_equal(vs_session__flush(s), -28);
	vs_session__finish(s, 0, &result);
	assert_int_equal(result.write_error, -28);
	vs_session__free(s);
	vs_sink__free(sink);
	close(o.fd);
}

static void words_are_short_and_safe(void **state)
{
	struct vs_group_view g = { .known = true, .number = 1,
		.devices = "0000:01:00.0 0000:01:00.1 0000:01:00.2 0000:01:00.3" };
	char buf[VS_TASK_LEN];

	(void)state;
	vs_words__duration(buf, sizeof(buf), 850);
	assert_string_equal(buf, "850 ns");
	vs_words__duration(buf, sizeof(buf), 2500);
	assert_string_equal(buf, "3 us");
	vs_words__duration(buf, sizeof(buf), 12500000);
	assert_string_equal(buf, "12.5 ms");
	vs_name__task(buf, "kworker/u16:112", 4194303, 16);
	assert_string_equal(buf, "kworker[4194303]");
	vs_words__group(buf, sizeof(buf), &g, true);
	assert_string_equal(buf, "group 1 (0000:01:00.0 0000:01:00.1 +2)");
	vs_words__group(buf, sizeof(buf), &g, false);
	assert_string_equal(buf, "group 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_as_expected),
		cmocka_unit_test(lines_fit_the_terminal),
		cmocka_unit_test(only_printable_ascii_comes_out),
		cmocka_unit_test(each_line_has_its_own_colour),
		cmocka_unit_test(colour_is_only_on_request),
		cmocka_unit_test(ndjson_tells_the_deadlock),
		cmocka_unit_test(ndjson_starts_and_ends_as_told),
		cmocka_unit_test(ndjson_tells_events_and_deferred_puts),
		cmocka_unit_test(ndjson_tells_stacks_and_changes),
		cmocka_unit_test(ndjson_is_valid_whatever_a_task_is_called),
		cmocka_unit_test(a_finding_is_one_write_at_once),
		cmocka_unit_test(events_wait_for_the_flush),
		cmocka_unit_test(nothing_slow_is_in_the_way_of_a_finding),
		cmocka_unit_test(write_errors_are_kept),
		cmocka_unit_test(words_are_short_and_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
