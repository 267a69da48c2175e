// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "kernel/btf_file.h"
#include "kernel/libbpf_setup.h"
#include "probe/attach.h"
#include "probe/engine.h"
#include "probe/engine_priv.h"
#include "probe/merge.h"
#include "probe/missed.h"
#include "probe/rings.h"
#include "vfio/functions.h"

#define DEFAULT_RING_BYTES (4 << 20)
#define DEFAULT_MAX_TASKS 1024
/* A kprobe at a function's entry reports the address after the endbr64 on a kernel with IBT. */
#define ENDBR_BYTES 4
#define NEEDS_PRIVILEGES "needs root, or CAP_BPF with CAP_PERFMON and CAP_SYSLOG"
/* We wait no longer than this for an unfinished record: its CPU stands still. */
#define MAX_WAIT_NS 2000000000ull
#define ALARM_WAIT_NS 20000000ull

static bool is_urgent(const struct vs_event *e)
{
	return e->type == VS_CHAIN_DEADLOCK || e->type == VS_MODULE_LOAD ||
	       e->type == VS_MODULE_FREE ||
	       (e->context == VS_CTX_NOTIFIER &&
		(e->type == VS_RELEASE || e->type == VS_UNREGISTER_NOTIFIER));
}

static int hold(struct vs_engine *engine, const void *data, size_t len)
{
	const struct vs_event *e = data;
	int err = vs_merge__add(engine->merge, e->seq, data, len);

	engine->late += e->seq < engine->forced_seq;
	if (err)
		engine->record_error = err;
	else if (is_urgent(e))
		engine->urgent_seq = e->seq;
	return 0;
}

static int take_record(void *ctx, void *data, size_t len)
{
	struct vs_engine *engine = ctx;
	const struct vs_event *e = data;
	struct vs_stack_event clean;

	if (len < sizeof(*e)) {
		engine->record_error = -EINVAL;
		return 0;
	}
	if (engine->exact && e->type == VS_RELEASE)
		vs_exact__released(engine->exact, e->group, e->seq);
	if (!engine->exact || e->type != VS_CHANGE)
		return hold(engine, data, len);
	if (!vs_exact__clean(engine->exact, data, len, &clean))
		return 0;
	return hold(engine, &clean, sizeof(clean));
}

/*
 * Facts and libbpf each read all of BTF, one after the other, and fresh pages cost more than the
 * reading: the second one reuses the pages of the first.
 */
static void keep_pages(bool keep)
{
	mallopt(M_MMAP_THRESHOLD, keep ? 64 << 20 : 128 << 10);
	mallopt(M_TRIM_THRESHOLD, keep ? 64 << 20 : 128 << 10);
	if (!keep)
		malloc_trim(0);
}

/* -- before load -- */

/* Each program costs the verifier's time: those that are not used stay out. */
bool vs_engine__is_wanted(const struct vs_engine *engine, const struct bpf_program *prog)
{
	const struct vs_plan *plan = &engine->plan;
	const char *program = bpf_program__name(prog);

	if (!strcmp(program, "counter_written"))
		return engine->opts.exact;
	for (size_t i = 0; i < plan->nr_probes; i++)
		if (!strcmp(plan->probes[i].program, program))
			return true;
	return false;
}

static void choose_programs(struct vs_engine *engine)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, engine->skel->obj) {
		bpf_program__set_autoload(prog, vs_engine__is_wanted(engine, prog));
	}
	vs_pulse__choose(engine->pulse, engine->skel->obj);
	bpf_program__set_autoload(engine->skel->progs.kprobe_missed, true);
}

static int set_sizes(struct vs_engine *engine)
{
	engine->skel->rodata->ring_bytes = vs_rings__bytes_each(engine->rings);
	bpf_map__set_max_entries(engine->skel->maps.tasks, engine->opts.max_tasks);
	return vs_rings__use(engine->rings, engine->skel->maps.rings);
}

static int open_ends(struct vs_engine *engine)
{
	engine->merge = vs_merge__new();
	engine->attach = vs_attach__new(engine->skel->obj, engine->skel->maps.sites);
	if (engine->opts.exact)
		engine->exact = vs_exact__new(engine->skel->progs.counter_written,
					      engine->skel->maps.watches,
					      (const uint64_t *)&engine->skel->bss->watch_runs,
					      &engine->skel->bss->ended);
	if (engine->attach)
		vs_attach__use_missed(engine->attach, engine->skel->progs.kprobe_missed,
				      &engine->skel->bss->missed_ask);
	if (!engine->merge || !engine->attach || (engine->opts.exact && !engine->exact))
		return -ENOMEM;
	engine->ring = vs_rings__reader(engine->rings, take_record, engine);
	return engine->ring ? 0 : -errno;
}

/* `words` are complete: unlike fail(), this appends no text of the errno. */
static int refuse(char *error, size_t size, int err, const char *words)
{
	snprintf(error, size, "%s", words);
	errno = err;
	return -err;
}

static int fail(char *error, size_t size, int err, const char *words)
{
	snprintf(error, size, "%s: %s", words, strerror(err));
	errno = err;
	return -err;
}

struct trace_bpf *vs_engine__open_programs(void)
{
	struct bpf_object_open_opts opts;

	vs_btf_file__open_opts(&opts);
	return trace_bpf__open_opts(&opts);
}

static int load_programs(struct vs_engine *engine, char *error, size_t size)
{
	int err;

	engine->skel = vs_engine__open_programs();
	if (!engine->skel)
		return fail(error, size, errno, "cannot open the built-in BPF object");
	choose_programs(engine);
	err = set_sizes(engine);
	if (err)
		return fail(error, size, -err, "cannot use the ring buffers");
	err = trace_bpf__load(engine->skel);
	if (err == -EPERM)
		return refuse(error, size, ENOTSUP,
			      "this kernel forbids BPF programs of these types, to root too");
	if (err)
		return fail(error, size, -err, "the kernel does not take the BPF programs");
	err = open_ends(engine);
	return err ? fail(error, size, -err, "cannot read the ring buffers") : 0;
}

/* Call it early: the rings get ready while facts are collected and programs are loaded. */
static int make_rings(struct vs_engine *engine, char *error, size_t size)
{
	vs_libbpf__raise_limits();
	engine->rings = vs_rings__new(engine->opts.ring_bytes);
	if (engine->rings)
		return 0;
	if (errno == EPERM)
		return refuse(error, size, EPERM, NEEDS_PRIVILEGES);
	return fail(error, size, errno, "cannot make the ring buffers");
}

static int leave_out(struct vs_engine *engine)
{
	const char *list = engine->opts.without ? engine->opts.without : "";
	char hook[40];
	int err = 0;

	while (*list && !err) {
		size_t len = strcspn(list, ",");

		snprintf(hook, sizeof(hook), "%.*s", (int)len, list);
		err = vs_plan__leave_out(&engine->plan, hook);
		list += len + !!list[len];
	}
	return err;
}

int vs_engine__make_plan(struct vs_engine *engine)
{
	int err = vs_plan__make(&engine->facts, &engine->plan);

	return err ? err : leave_out(engine);
}

static int learn(struct vs_engine *engine, char *error, size_t size)
{
	int err = vs_facts__collect("", &engine->facts);

	if (!err)
		err = vs_engine__make_plan(engine);
	if (err)
		return fail(error, size, -err, "cannot collect facts about the kernel");
	if (!engine->facts.cap_bpf || !engine->facts.cap_perfmon)
		return refuse(error, size, EPERM, NEEDS_PRIVILEGES);
	if (!engine->facts.vmlinux_btf && !vs_btf_file__given())
		return refuse(error, size, ENOTSUP,
			      "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF=y)");
	if (vs_facts__ring_may_sleep(&engine->facts))
		return refuse(error, size, ENOTSUP, VS_RING_MAY_SLEEP);
	engine->pulse = vs_pulse__new(vs_pulse__parts(&engine->facts));
	return engine->pulse ? 0 : fail(error, size, errno, "cannot start");
}

struct vs_engine *vs_engine__new(const struct vs_engine_opts *opts, char *error, size_t size)
{
	struct vs_engine *engine = calloc(1, sizeof(*engine));
	uint64_t start = vs_host__mono_ns();
	int err;

	if (!engine) {
		fail(error, size, ENOMEM, "cannot start");
		return NULL;
	}
	vs_libbpf__quiet(opts->debug);
	engine->opts = *opts;
	engine->opts.ring_bytes = opts->ring_bytes ? opts->ring_bytes : DEFAULT_RING_BYTES;
	engine->opts.max_tasks = opts->max_tasks ? opts->max_tasks : DEFAULT_MAX_TASKS;
	keep_pages(true);
	err = make_rings(engine, error, size);
	if (!err)
		err = learn(engine, error, size);
	engine->times.learn_ns = vs_host__mono_ns() - start;
	if (!err)
		err = load_programs(engine, error, size);
	keep_pages(false);
	engine->times.load_ns = vs_host__mono_ns() - start - engine->times.learn_ns;
	if (err) {
		vs_engine__free(engine);
		errno = -err;
		return NULL;
	}
	return engine;
}

/* -- attach -- */

bool vs_engine__vfio_present(const struct vs_engine *engine)
{
	return engine->facts.vfio_state == VS_KMOD_LOADED ||
	       engine->facts.vfio_state == VS_KMOD_BUILTIN;
}

/* Sets the addresses that fentry programs report as their place. */
static void configure_entries(const struct vs_kmod *vfio, struct vs_config *cfg)
{
	static const char *const names[VS_ENTRY_MAX] = {
		[VS_ENTRY_NOTIFIER] = VS_VFIO_NOTIFIER,
		[VS_ENTRY_RELEASE] = VS_VFIO_RELEASE,
		[VS_ENTRY_REGISTER] = VS_VFIO_REGISTER,
		[VS_ENTRY_UNREGISTER] = VS_VFIO_UNREGISTER,
		[VS_ENTRY_CLOSE] = VS_VFIO_GROUP_CLOSE,
	};

	for (size_t i = 0; i < VS_ENTRY_MAX; i++) {
		const struct vs_kmod_func *func = vs_kmod__func(vfio, names[i]);

		cfg->entry[i] = func ? func->section_off : 0;
	}
}

void vs_engine__configure(struct vs_engine *engine)
{
	const struct vs_kmod_func *deferred = engine->plan.deferred_func;
	struct vs_config *cfg = &engine->skel->bss->cfg;
	uint64_t addr = 0;

	cfg->layout = engine->plan.layout;
	cfg->release_is_free = engine->plan.release_is_free;
	cfg->stacks = engine->opts.stacks;
	if (deferred && vs_attach__address(engine->attach, deferred, &addr))
		addr = 0;
	cfg->deferred_func = addr;
	if (engine->facts.vfio_state == VS_KMOD_BUILTIN)
		configure_entries(&engine->facts.vfio, cfg);
}

int vs_engine__attach(struct vs_engine *engine)
{
	uint64_t start = vs_host__mono_ns();
	int nr;

	vs_engine__note_changes(engine);
	vs_engine__configure(engine);	/* before vfio.ko is there, too: the birth of a group is seen */
	engine->text_addr = vs_engine__text_of_vfio();
	vs_engine__check_text(engine);
	nr = vs_attach__arm(engine->attach, &engine->plan, true, vs_engine__vfio_present(engine));
	vs_pulse__arm(engine->pulse, engine->skel->obj, &engine->skel->bss->pulse);
	engine->times.attach_ns = vs_host__mono_ns() - start;
	if (nr <= 0)
		return nr ? nr : -ENOTSUP;
	if (vs_engine__vfio_present(engine))
		vs_engine__set_vfio_ready(engine);
	vs_engine__set_flag(&engine->skel->bss->cfg.ready, true);
	/* vfio.ko may have been loaded before the programs could report it. */
	if (engine->facts.vfio_state != VS_KMOD_BUILTIN &&
	    vs_kmod__state("", engine->facts.release, "vfio") != engine->facts.vfio_state)
		vs_engine__vfio_loaded(engine);
	return 0;
}

/* -- events out -- */

static void hand_over(struct vs_engine *engine, uint64_t until)
{
	vs_merge__drain(engine->merge, until, engine->opts.record, engine->opts.ctx);
	engine->urgent_seq = 0;
}

uint64_t vs_engine__begun(const struct vs_engine *engine)
{
	return __atomic_load_n(&engine->skel->bss->sequence.begun, __ATOMIC_ACQUIRE);
}

/* Fetches everything in the rings. Returns the number of records, or a negative errno. */
static int fetch(struct vs_engine *engine, uint64_t *horizon)
{
	struct vs_horizon h;
	int nr;

	vs_rings__mark(engine->rings, vs_engine__begun(engine), vs_host__mono_ns());
	nr = ring_buffer__consume(engine->ring);
	h = vs_rings__horizon(engine->rings, MAX_WAIT_NS);
	if (h.forced)
		engine->forced_seq = h.seq;
	*horizon = h.seq;
	return nr;
}

/*
 * An alarm hands over everything, in order or not. It first waits a moment for what another CPU was
 * writing when the alarm was raised: that may be the put that left the alarm's put the last one.
 */
static int fetch_with_alarms(struct vs_engine *engine, uint64_t *until)
{
	uint64_t give_up = vs_host__mono_ns() + ALARM_WAIT_NS;
	int nr = fetch(engine, until);

	while (engine->urgent_seq && *until <= engine->urgent_seq && vs_host__mono_ns() < give_up) {
		usleep(500);
		nr += fetch(engine, until);
	}
	if (engine->urgent_seq)
		*until = UINT64_MAX;
	return nr;
}

/* Ordinary records wake nobody, so the rings are emptied after each wait. */
int vs_engine__poll(struct vs_engine *engine, int timeout_ms)
{
	int woken = ring_buffer__poll(engine->ring, timeout_ms);
	uint64_t horizon;
	int more = woken < 0 ? woken : fetch_with_alarms(engine, &horizon);

	if (more < 0)
		return more;
	hand_over(engine, horizon);
	return engine->record_error ? engine->record_error : woken + more;
}

uint64_t vs_engine__settle(struct vs_engine *engine)
{
	uint64_t horizon;

	fetch_with_alarms(engine, &horizon);
	hand_over(engine, horizon);
	return horizon == UINT64_MAX ? 0 : horizon;
}

void vs_engine__drain(struct vs_engine *engine)
{
	uint64_t horizon;

	fetch(engine, &horizon);
	hand_over(engine, UINT64_MAX);
}

uint64_t vs_engine__late(const struct vs_engine *engine)
{
	return engine->late;
}

/* -- watchpoints -- */

int vs_engine__watch(struct vs_engine *engine, uint64_t group, int iommu_group, uint64_t seen_seq)
{
	int32_t offset = engine->plan.layout.group_counter;

	if (engine->exact && !vs_engine__vfio_present(engine))
		return -ENOENT;
	if (!engine->exact || offset == VS_NO_OFFSET)
		return -ENOTSUP;
	return vs_exact__watch(engine->exact, group + offset, group, iommu_group, seen_seq);
}

int vs_engine__unwatch(struct vs_engine *engine, uint64_t group)
{
	return engine->exact ? vs_exact__unwatch(engine->exact, group) : -ENOENT;
}

void vs_engine__groups_found(struct vs_engine *engine, const uint64_t *groups, size_t nr,
			     uint64_t taken_seq, uint64_t taken_ns)
{
	if (engine->exact)
		vs_exact__found(engine->exact, groups, nr, taken_seq, taken_ns);
}

struct vs_exact_stats vs_engine__watch_stats(struct vs_engine *engine)
{
	return engine->exact ? vs_exact__stats(engine->exact) : (struct vs_exact_stats){ 0 };
}

void vs_engine__use_keeper(struct vs_engine *engine, struct vs_keeper *keeper)
{
	engine->keeper = keeper;
	vs_attach__use_keeper(engine->attach, keeper);
	if (engine->exact)
		vs_exact__use_keeper(engine->exact, keeper);
}

const struct vs_facts *vs_engine__facts(const struct vs_engine *engine)
{
	return &engine->facts;
}

const struct vs_plan *vs_engine__plan(const struct vs_engine *engine)
{
	return &engine->plan;
}

struct vs_engine_times vs_engine__times(const struct vs_engine *engine)
{
	return engine->times;
}

size_t vs_engine__nr_armed(const struct vs_engine *engine)
{
	return vs_attach__nr(engine->attach);
}

uint64_t vs_engine__loss(const struct vs_engine *engine, enum vs_loss cause)
{
	return __atomic_load_n(&engine->skel->bss->losses[cause], __ATOMIC_RELAXED);
}

int vs_engine__missed_programs(const struct vs_engine *engine, uint64_t *missed)
{
	struct bpf_program *prog;
	int err = 0;

	*missed = 0;
	bpf_object__for_each_program(prog, engine->skel->obj)
		if (!err && bpf_program__fd(prog) >= 0)
			err = vs_missed__program(bpf_program__fd(prog), missed);
	for (size_t i = 0; i < engine->nr_more; i++)
		bpf_object__for_each_program(prog, engine->more[i]->obj)
			if (!err && bpf_program__fd(prog) >= 0)
				err = vs_missed__program(bpf_program__fd(prog), missed);
	return err;
}

int vs_engine__missed_kprobes(const struct vs_engine *engine, uint64_t *missed)
{
	return vs_attach__missed(engine->attach, missed);
}

static const struct vs_kmod_func *function_at(struct vs_engine *engine, uint64_t addr,
					      uint64_t *offset)
{
	const struct vs_kmod *vfio = &engine->facts.vfio;
	uint64_t start;

	for (size_t i = 0; i < vfio->nr_funcs; i++) {
		const struct vs_kmod_func *func = &vfio->funcs[i];

		if (vs_attach__address(engine->attach, func, &start) || addr < start)
			continue;
		*offset = addr - start;
		if (*offset < func->size || !*offset)
			return func;
	}
	return NULL;
}

bool vs_engine__resolve(struct vs_engine *engine, uint64_t addr, char *buf, size_t size)
{
	const char *name = vs_attach__name_at(engine->attach, addr);
	const struct vs_kmod_func *func;
	uint64_t offset;

	if (name) {
		snprintf(buf, size, "%s", name);
		return true;
	}
	func = addr && vs_engine__vfio_present(engine) ? function_at(engine, addr, &offset) : NULL;
	if (!func)
		return false;
	if (offset && !(offset <= ENDBR_BYTES && vs_attach__name_at(engine->attach, addr - offset)))
		snprintf(buf, size, "%s+0x%llx", func->name, (unsigned long long)offset);
	else
		snprintf(buf, size, "%s", func->name);
	return true;
}

size_t vs_engine__map_bytes(const struct vs_engine *engine)
{
	size_t bytes = vs_rings__bytes_each(engine->rings) * vs_rings__nr(engine->rings);
	struct bpf_map *map;

	bpf_object__for_each_map(map, engine->skel->obj)
		bytes += (bpf_map__key_size(map) + bpf_map__value_size(map)) *
			 (size_t)bpf_map__max_entries(map);
	return bytes;
}

void vs_engine__free(struct vs_engine *engine)
{
	if (!engine)
		return;
	if (engine->skel)
		engine->skel->bss->cfg.ready = engine->skel->bss->cfg.vfio_ready = 0;
	vs_exact__free(engine->exact);
	vs_pulse__free(engine->pulse);
	vs_attach__free(engine->attach);
	ring_buffer__free(engine->ring);
	vs_rings__free(engine->rings);
	vs_merge__free(engine->merge);
	for (size_t i = 0; i < engine->nr_more; i++)
		trace_bpf__destroy(engine->more[i]);
	trace_bpf__destroy(engine->skel);
	vs_plan__free(&engine->plan);
	vs_facts__free(&engine->facts);
	free(engine);
}
