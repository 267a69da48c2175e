// SPDX-License-Identifier: GPL-2.0
#include <asm/ptrace.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "probe/engine.h"
#include "probe/kprobe.h"
#include "probe/merge.h"
#include "probe/missed.h"
#include "vfioscope_bpf.skel.h"

#define DEFAULT_RING_BYTES (1 << 20)
#define DEFAULT_MAX_TASKS 1024
#define SMALLEST_RING (64 << 10)
/* A record is sent within microseconds of the time it carries; the rest is margin. */
#define REORDER_NS 2000000

/* One attached probe, and the address it sits at (0 in vmlinux). */
struct armed {
	struct bpf_link *link;
	uint64_t addr;
	bool in_vfio;
	char name[96];		/* "vfio_group_put_bg+0x19" */
};

/* Where a section of the loaded vfio.ko is: sysfs is asked once for each. */
struct section_base {
	char name[40];
	uint64_t addr;
};

#define MAX_SECTIONS 8

struct vs_engine {
	struct vs_engine_opts opts;
	struct vs_facts facts;
	struct vs_plan plan;
	struct vfioscope_bpf *skel;
	struct ring_buffer *ring; /* over all rings */
	int ring_fds[VS_MAX_RINGS];
	struct vs_merge *merge;
	bool urgent;		/* an alarm is among the records held back */
	int record_error;
	struct armed *armed;
	size_t nr_armed;
	struct bpf_link **retired; /* of an unloaded vfio.ko: freeing them takes long */
	size_t nr_retired;
	uint64_t missed_retired; /* what those had missed */
	int kprobe_type;
	struct vs_engine_times times;
	struct section_base sections[MAX_SECTIONS];
	size_t nr_sections;
};

/* What fails is told in our own words with the errno; libbpf's own are for --debug. */
static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int debug_output(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

static bool is_urgent(const struct vs_event *e)
{
	return e->type == VS_CHAIN_DEADLOCK || e->type == VS_MODULE_LOAD ||
	       e->type == VS_MODULE_FREE ||
	       (e->context == VS_CTX_NOTIFIER &&
		(e->type == VS_RELEASE || e->type == VS_UNREGISTER_NOTIFIER));
}

static int take_record(void *ctx, void *data, size_t len)
{
	struct vs_engine *engine = ctx;
	int err = vs_merge__add(engine->merge, data, len);

	if (err)
		engine->record_error = err;
	else if (is_urgent(data))
		engine->urgent = true;
	return 0;
}

/* -- before load -- */

/* Each program costs the verifier's time: those that the plan does not use stay out. */
static bool is_planned(const struct vs_plan *plan, const char *program)
{
	for (size_t i = 0; i < plan->nr_probes; i++)
		if (!strcmp(plan->probes[i].program, program))
			return true;
	return false;
}

static void choose_programs(struct vs_engine *engine)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, engine->skel->obj) {
		bpf_program__set_autoload(prog, is_planned(&engine->plan,
							   bpf_program__name(prog)));
	}
}

static uint32_t power_of_two(uint32_t value)
{
	uint32_t power = 1;

	while (power < value)
		power *= 2;
	return power;
}

/* All rings together hold what was asked for; a ring too small would be worse than more memory. */
static void set_sizes(struct vs_engine *engine)
{
	int cpus = libbpf_num_possible_cpus();
	uint32_t rings = power_of_two(cpus > 0 ? cpus : 1), bytes;

	if (rings > VS_MAX_RINGS)
		rings = VS_MAX_RINGS;
	bytes = engine->opts.ring_bytes / rings;
	if (bytes < SMALLEST_RING)
		bytes = SMALLEST_RING;
	engine->skel->rodata->ring_bytes = bytes;
	engine->skel->rodata->nr_rings = rings;
	bpf_map__set_max_entries(engine->skel->maps.rings, rings);
	bpf_map__set_max_entries(engine->skel->maps.tasks, engine->opts.max_tasks);
}

static int create_ring(const struct vs_engine *engine)
{
	return bpf_map_create(BPF_MAP_TYPE_RINGBUF, "vfioscope_ring", 0, 0,
			      engine->skel->rodata->ring_bytes, NULL);
}

/* Before load: the first ring tells the kernel what all of them are like. */
static int create_rings(struct vs_engine *engine)
{
	for (uint32_t nr = 0; nr < engine->skel->rodata->nr_rings; nr++) {
		engine->ring_fds[nr] = create_ring(engine);
		if (engine->ring_fds[nr] < 0)
			return engine->ring_fds[nr];
	}
	return bpf_map__set_inner_map_fd(engine->skel->maps.rings, engine->ring_fds[0]);
}

static int add_ring(struct vs_engine *engine, uint32_t nr)
{
	int fd = engine->ring_fds[nr];

	if (bpf_map_update_elem(bpf_map__fd(engine->skel->maps.rings), &nr, &fd, BPF_ANY))
		return -errno;
	if (engine->ring)
		return ring_buffer__add(engine->ring, fd, take_record, engine);
	engine->ring = ring_buffer__new(fd, take_record, engine, NULL);
	return engine->ring ? 0 : -errno;
}

static int add_rings(struct vs_engine *engine)
{
	int err = 0;

	engine->merge = vs_merge__new();
	if (!engine->merge)
		return -ENOMEM;
	for (uint32_t nr = 0; nr < engine->skel->rodata->nr_rings && !err; nr++)
		err = add_ring(engine, nr);
	return err;
}

static int fail(char *error, size_t size, int err, const char *words)
{
	snprintf(error, size, "%s: %s", words, strerror(err));
	errno = err;
	return -err;
}

static int load_programs(struct vs_engine *engine, char *error, size_t size)
{
	int err;

	engine->skel = vfioscope_bpf__open();
	if (!engine->skel)
		return fail(error, size, errno, "cannot open the built-in BPF object");
	choose_programs(engine);
	set_sizes(engine);
	err = create_rings(engine);
	if (err)
		return fail(error, size, -err, "cannot make the ring buffers");
	err = vfioscope_bpf__load(engine->skel);
	if (err)
		return fail(error, size, -err, "the kernel does not take the BPF programs");
	err = add_rings(engine);
	return err ? fail(error, size, -err, "cannot use the ring buffers") : 0;
}

static int learn(struct vs_engine *engine, char *error, size_t size)
{
	int err = vs_facts__collect("", &engine->facts);

	if (!err)
		err = vs_plan__make(&engine->facts, &engine->plan);
	if (err)
		return fail(error, size, -err, "cannot collect facts about the kernel");
	if (!engine->facts.cap_bpf || !engine->facts.cap_perfmon)
		return fail(error, size, EPERM,
			    "needs root, or CAP_BPF with CAP_PERFMON and CAP_SYSLOG");
	if (!engine->facts.vmlinux_btf)
		return fail(error, size, ENOTSUP,
			    "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF=y)");
	return 0;
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
	libbpf_set_print(opts->debug ? debug_output : no_output);
	engine->opts = *opts;
	engine->opts.ring_bytes = opts->ring_bytes ? opts->ring_bytes : DEFAULT_RING_BYTES;
	engine->opts.max_tasks = opts->max_tasks ? opts->max_tasks : DEFAULT_MAX_TASKS;
	engine->kprobe_type = vs_kprobe__type();
	err = learn(engine, error, size);
	engine->times.learn_ns = vs_host__mono_ns() - start;
	if (!err)
		err = load_programs(engine, error, size);
	engine->times.load_ns = vs_host__mono_ns() - start - engine->times.learn_ns;
	if (err) {
		vs_engine__free(engine);
		errno = -err;
		return NULL;
	}
	return engine;
}

/* -- attach -- */

static struct bpf_program *find_program(const struct vs_engine *engine, const char *name)
{
	return bpf_object__find_program_by_name(engine->skel->obj, name);
}

static int section_base(struct vs_engine *engine, const char *name, uint64_t *addr)
{
	struct section_base *base = engine->sections;
	int err;

	for (size_t i = 0; i < engine->nr_sections; i++, base++)
		if (!strcmp(base->name, name)) {
			*addr = base->addr;
			return 0;
		}
	err = vs_kmod__section_addr("", "vfio", name, addr);
	if (err || engine->nr_sections == MAX_SECTIONS || strlen(name) >= sizeof(base->name))
		return err;
	strcpy(base->name, name);
	base->addr = *addr;
	engine->nr_sections++;
	return 0;
}

/* Functions that come from kallsyms have no section: their offset is the address. */
static int func_addr(struct vs_engine *engine, const struct vs_kmod_func *func, uint64_t *addr)
{
	uint64_t base = 0;
	int err = func->section[0] ? section_base(engine, func->section, &base) : 0;

	*addr = base + func->section_off;
	return err;
}

/* Of a register as x86 instructions number them, in struct pt_regs. */
static uint16_t register_offset(uint8_t reg)
{
#ifdef __x86_64__
	static const uint16_t offsets[] = {
		offsetof(struct pt_regs, rax), offsetof(struct pt_regs, rcx),
		offsetof(struct pt_regs, rdx), offsetof(struct pt_regs, rbx),
		offsetof(struct pt_regs, rsp), offsetof(struct pt_regs, rbp),
		offsetof(struct pt_regs, rsi), offsetof(struct pt_regs, rdi),
		offsetof(struct pt_regs, r8), offsetof(struct pt_regs, r9),
		offsetof(struct pt_regs, r10), offsetof(struct pt_regs, r11),
		offsetof(struct pt_regs, r12), offsetof(struct pt_regs, r13),
		offsetof(struct pt_regs, r14), offsetof(struct pt_regs, r15),
	};

	return offsets[reg % 16];
#else
	return reg;	/* locked adds are found on x86-64 only */
#endif
}

static int tell_site(struct vs_engine *engine, const struct vs_probe *probe, uint64_t addr)
{
	struct vs_site_action action = {
		.base_offset = register_offset(probe->site->base_reg),
		.value_offset = register_offset(probe->site->value_reg),
		.disp = probe->site->disp,
		.opens_file = !strcmp(probe->func->name, "vfio_group_fops_open"),
	};

	return bpf_map__update_elem(engine->skel->maps.sites, &addr, sizeof(addr), &action,
				    sizeof(action), BPF_ANY);
}

static void name_probe(struct armed *armed, const struct vs_probe *probe)
{
	if (probe->func && probe->offset)
		snprintf(armed->name, sizeof(armed->name), "%.80s+0x%x", probe->func->name,
			 probe->offset);
	else
		snprintf(armed->name, sizeof(armed->name), "%.80s",
			 probe->func ? probe->func->name : probe->rung->target);
}

static struct bpf_link *attach_vfio(struct vs_engine *engine, const struct vs_probe *probe,
				    struct bpf_program *prog, struct armed *armed)
{
	int err = func_addr(engine, probe->func, &armed->addr);

	armed->addr += probe->offset;
	if (!err && probe->site && probe->site->kind == VS_SITE_LOCKED_ADD)
		err = tell_site(engine, probe, armed->addr);
	if (err) {
		errno = -err;
		return NULL;
	}
	return vs_kprobe__attach(prog, engine->kprobe_type, armed->addr);
}

static int attach_probe(struct vs_engine *engine, const struct vs_probe *probe)
{
	struct armed *grown, armed = { .in_vfio = probe->func };
	struct bpf_program *prog = find_program(engine, probe->program);

	/* Another build of vfio.ko came than the one planned for: only a restart helps. */
	if (bpf_program__fd(prog) < 0)
		return -ESTALE;
	grown = realloc(engine->armed, (engine->nr_armed + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	engine->armed = grown;
	name_probe(&armed, probe);
	armed.link = probe->func ? attach_vfio(engine, probe, prog, &armed)
				 : bpf_program__attach(prog);
	if (!armed.link)
		return -errno;
	grown[engine->nr_armed++] = armed;
	return 0;
}

static struct vs_plan_row *row_of(struct vs_engine *engine, const struct vs_hook *hook)
{
	for (size_t i = 0; i < engine->plan.nr_rows; i++)
		if (engine->plan.rows[i].hook == hook)
			return &engine->plan.rows[i];
	return NULL;
}

/* One place that cannot be armed makes the hook blind for it: the hook counts as missing. */
static void note_failure(struct vs_engine *engine, const struct vs_probe *probe, int err)
{
	struct vs_plan_row *row = row_of(engine, probe->hook);

	row->status = VS_HOOK_MISSING;
	snprintf(row->how, sizeof(row->how), "cannot attach to %.60s%s: %.60s",
		 probe->func ? probe->func->name : probe->rung->target,
		 probe->offset ? " (inside)" : "", strerror(-err));
}

static size_t attach_all(struct vs_engine *engine, bool in_vfio)
{
	size_t before = engine->nr_armed;

	for (size_t i = 0; i < engine->plan.nr_probes; i++) {
		const struct vs_probe *probe = &engine->plan.probes[i];
		int err;

		if (!!probe->func != in_vfio)
			continue;
		err = attach_probe(engine, probe);
		if (err)
			note_failure(engine, probe, err);
	}
	return engine->nr_armed - before;
}

static void configure(struct vs_engine *engine)
{
	struct vs_config *cfg = &engine->skel->bss->cfg;
	uint64_t addr = 0;

	cfg->layout = engine->plan.layout;
	cfg->release_is_free = engine->plan.release_is_free;
	if (engine->plan.deferred_func && func_addr(engine, engine->plan.deferred_func, &addr))
		addr = 0;
	cfg->deferred_func = addr;
}

static bool vfio_present(const struct vs_engine *engine)
{
	return engine->facts.vfio_state == VS_KMOD_LOADED ||
	       engine->facts.vfio_state == VS_KMOD_BUILTIN;
}

/* -- vfio.ko comes and goes -- */

static void retire(struct vs_engine *engine, struct armed *armed)
{
	struct bpf_link **grown;

	vs_missed__kprobe(bpf_link__fd(armed->link), &engine->missed_retired);
	grown = realloc(engine->retired, (engine->nr_retired + 1) * sizeof(*grown));
	if (!grown) {
		bpf_link__destroy(armed->link);
		return;
	}
	engine->retired = grown;
	grown[engine->nr_retired++] = armed->link;
}

void vs_engine__vfio_gone(struct vs_engine *engine)
{
	size_t kept = 0;

	engine->skel->bss->cfg.deferred_func = 0;
	for (size_t i = 0; i < engine->nr_armed; i++) {
		if (engine->armed[i].in_vfio)
			retire(engine, &engine->armed[i]);
		else
			engine->armed[kept++] = engine->armed[i];
	}
	engine->nr_armed = kept;
}

static int learn_again(struct vs_engine *engine)
{
	int err;

	vs_plan__free(&engine->plan);
	engine->nr_sections = 0;
	err = vs_facts__collect_vfio("", &engine->facts);
	return err ? err : vs_plan__make(&engine->facts, &engine->plan);
}

int vs_engine__vfio_loaded(struct vs_engine *engine)
{
	int err;

	vs_engine__vfio_gone(engine);
	err = learn_again(engine);
	if (err)
		return err;
	if (!vfio_present(engine))
		return 0;
	configure(engine);
	return attach_all(engine, true);
}

/* -- all at once -- */

int vs_engine__attach(struct vs_engine *engine)
{
	uint64_t start = vs_host__mono_ns();
	size_t nr = attach_all(engine, false);

	if (vfio_present(engine)) {
		configure(engine);
		nr += attach_all(engine, true);
	}
	engine->times.attach_ns = vs_host__mono_ns() - start;
	if (!nr)
		return -ENOTSUP;
	__atomic_store_n(&engine->skel->bss->cfg.ready, 1, __ATOMIC_RELEASE);
	/* It may have come while nobody was told of it. */
	if (engine->facts.vfio_state != VS_KMOD_BUILTIN &&
	    vs_kmod__state("", engine->facts.release, "vfio") != engine->facts.vfio_state)
		vs_engine__vfio_loaded(engine);
	return 0;
}

/* -- events out -- */

/*
 * Ordinary records wake nobody, so the rings are emptied after each wait. An alarm
 * does not wait for order.
 */
int vs_engine__poll(struct vs_engine *engine, int timeout_ms)
{
	int woken = ring_buffer__poll(engine->ring, timeout_ms);
	uint64_t now = vs_host__mono_ns();
	int more = woken < 0 ? woken : ring_buffer__consume(engine->ring);

	if (more < 0)
		return more;
	vs_merge__drain(engine->merge, engine->urgent ? UINT64_MAX : now - REORDER_NS,
			engine->opts.record, engine->opts.ctx);
	engine->urgent = false;
	return engine->record_error ? engine->record_error : woken + more;
}

void vs_engine__drain(struct vs_engine *engine)
{
	ring_buffer__consume(engine->ring);
	vs_merge__drain(engine->merge, UINT64_MAX, engine->opts.record, engine->opts.ctx);
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
	return engine->nr_armed;
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
	return err;
}

int vs_engine__missed_kprobes(const struct vs_engine *engine, uint64_t *missed)
{
	int err = 0;

	*missed = engine->missed_retired;
	for (size_t i = 0; i < engine->nr_armed && !err; i++)
		if (engine->armed[i].in_vfio)
			err = vs_missed__kprobe(bpf_link__fd(engine->armed[i].link), missed);
	return err;
}

static const struct vs_kmod_func *function_at(struct vs_engine *engine, uint64_t addr,
					      uint64_t *offset)
{
	const struct vs_kmod *vfio = &engine->facts.vfio;
	uint64_t start;

	for (size_t i = 0; i < vfio->nr_funcs; i++) {
		const struct vs_kmod_func *func = &vfio->funcs[i];

		if (func_addr(engine, func, &start) || addr < start)
			continue;
		*offset = addr - start;
		if (*offset < func->size || !*offset)
			return func;
	}
	return NULL;
}

static const char *armed_at(const struct vs_engine *engine, uint64_t addr)
{
	for (size_t i = 0; i < engine->nr_armed; i++)
		if (engine->armed[i].addr == addr)
			return engine->armed[i].name;
	return NULL;
}

bool vs_engine__resolve(struct vs_engine *engine, uint64_t addr, char *buf, size_t size)
{
	const char *name = addr ? armed_at(engine, addr) : NULL;
	const struct vs_kmod_func *func;
	uint64_t offset;

	if (name) {
		snprintf(buf, size, "%s", name);
		return true;
	}
	func = addr && vfio_present(engine) ? function_at(engine, addr, &offset) : NULL;
	if (!func)
		return false;
	if (offset)
		snprintf(buf, size, "%s+0x%llx", func->name, (unsigned long long)offset);
	else
		snprintf(buf, size, "%s", func->name);
	return true;
}

size_t vs_engine__map_bytes(const struct vs_engine *engine)
{
	size_t bytes = (size_t)engine->skel->rodata->ring_bytes * engine->skel->rodata->nr_rings;
	struct bpf_map *map;

	bpf_object__for_each_map(map, engine->skel->obj)
		bytes += (bpf_map__key_size(map) + bpf_map__value_size(map)) *
			 (size_t)bpf_map__max_entries(map);
	return bytes;
}

int vs_engine__each_program(const struct vs_engine *engine,
			    void (*each)(void *ctx, const char *name, uint32_t verified),
			    void *ctx)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, engine->skel->obj) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);

		if (bpf_program__fd(prog) < 0)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			return -errno;
		each(ctx, bpf_program__name(prog), info.verified_insns);
	}
	return 0;
}

void vs_engine__free(struct vs_engine *engine)
{
	if (!engine)
		return;
	if (engine->skel)
		engine->skel->bss->cfg.ready = 0;
	for (size_t i = 0; i < engine->nr_armed; i++)
		bpf_link__destroy(engine->armed[i].link);
	for (size_t i = 0; i < engine->nr_retired; i++)
		bpf_link__destroy(engine->retired[i]);
	free(engine->armed);
	free(engine->retired);
	ring_buffer__free(engine->ring);
	for (size_t i = 0; i < VS_MAX_RINGS; i++)
		if (engine->ring_fds[i] > 0)
			close(engine->ring_fds[i]);
	vs_merge__free(engine->merge);
	vfioscope_bpf__destroy(engine->skel);
	vs_plan__free(&engine->plan);
	vs_facts__free(&engine->facts);
	free(engine);
}
