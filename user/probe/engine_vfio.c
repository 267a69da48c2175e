// SPDX-License-Identifier: GPL-2.0
/* vfio.ko comes, goes, and comes back as another build. */
#include <errno.h>
#include <string.h>

#include "probe/engine_priv.h"

void vs_engine__note_changes(struct vs_engine *engine)
{
	engine->changes = __atomic_load_n(&engine->skel->bss->module_changes, __ATOMIC_ACQUIRE);
}

void vs_engine__set_vfio_ready(struct vs_engine *engine)
{
	engine->skel->bss->cfg.open_returns = vs_attach__runs(engine->attach, "open_returned");
	vs_engine__set_flag(&engine->skel->bss->cfg.vfio_ready, true);
	if (__atomic_load_n(&engine->skel->bss->module_changes, __ATOMIC_ACQUIRE) != engine->changes ||
	    vs_pulse__was_touched(engine->pulse))
		vs_engine__set_flag(&engine->skel->bss->cfg.vfio_ready, false);
}

static void drop_vfio(struct vs_engine *engine)
{
	/* Half of the probes would tell half of the truth, until all are armed again. */
	vs_engine__set_flag(&engine->skel->bss->cfg.vfio_ready, false);
	engine->skel->bss->cfg.deferred_func = 0;
	vs_attach__forget_vfio(engine->attach);
	if (engine->exact)
		vs_exact__unwatch_all(engine->exact);
	engine->text_addr = 0;
	engine->text = (struct vs_text_check){ .state = VS_TEXT_NOT_LOADED };
}

int vs_engine__vfio_gone(struct vs_engine *engine)
{
	size_t armed = vs_attach__nr(engine->attach);
	int err;

	drop_vfio(engine);
	vs_plan__free(&engine->plan);
	err = vs_facts__vfio_unloaded("", &engine->facts);
	if (!err)
		err = vs_engine__make_plan(engine);
	return err ? err : (int)(armed - vs_attach__nr(engine->attach));
}

uint64_t vs_engine__text_of_vfio(void)
{
	uint64_t addr;

	return vs_kmod__section_addr("", "vfio", ".text", &addr) ? 0 : addr;
}

struct vs_beat_answer vs_engine__beat(struct vs_engine *engine)
{
	return vs_pulse__beat(engine->pulse);
}

bool vs_engine__is_well(struct vs_engine *engine)
{
	return vs_pulse__is_well(engine->pulse);
}

const struct vs_pulse *vs_engine__pulse(const struct vs_engine *engine)
{
	return engine->pulse;
}

void vs_engine__hold(struct vs_engine *engine, bool hold)
{
	if (hold)
		vs_engine__set_flag(&engine->skel->bss->cfg.vfio_ready, false);
	else if (vs_engine__vfio_present(engine))
		vs_engine__set_vfio_ready(engine);
}

void vs_engine__check_text(struct vs_engine *engine)
{
	vs_text_check__run("", &engine->facts, engine->keeper, &engine->text);
	vs_attach__use_text(engine->attach, engine->facts.vfio.text);
}

const struct vs_text_check *vs_engine__text(const struct vs_engine *engine)
{
	return &engine->text;
}

/* A user other than root may read it only until privileges are given away: unreadable is not moved. */
static bool is_elsewhere(const struct vs_engine *engine)
{
	uint64_t addr = engine->text_addr ? vs_engine__text_of_vfio() : 0;

	return addr && addr != engine->text_addr;
}

bool vs_engine__vfio_moved(const struct vs_engine *engine)
{
	enum vs_kmod_state state = engine->facts.vfio_state;
	bool loaded;

	/* Its directory in sysfs outlives the event of its unload, by seconds on a busy host. */
	if (state == VS_KMOD_BUILTIN || vs_kmod__is_going("", "vfio"))
		return false;
	loaded = vs_kmod__is_loaded("", "vfio");
	return loaded != (state == VS_KMOD_LOADED) || (loaded && is_elsewhere(engine));
}

int64_t vs_engine__unseen_groups(const struct vs_engine *engine)
{
	const struct vs_plan_row *row = vs_plan__row(&engine->plan, "create");

	if (row->status != VS_HOOK_READY || row->rung->kind != VS_RUNG_FENTRY)
		return -1;
	return __atomic_load_n(&engine->skel->bss->unseen_groups, __ATOMIC_RELAXED);
}

static bool is_loaded(const struct vs_engine *engine, const char *program)
{
	const struct bpf_program *prog =
		bpf_object__find_program_by_name(engine->skel->obj, program);
	bool loaded = prog && bpf_program__fd(prog) >= 0;

	for (size_t i = 0; i < engine->nr_more && !loaded; i++) {
		prog = bpf_object__find_program_by_name(engine->more[i]->obj, program);
		loaded = prog && bpf_program__fd(prog) >= 0;
	}
	return loaded;
}

typedef bool (*choose_fn)(const struct vs_engine *engine, const struct bpf_program *prog);

static const char *behind(const char *section, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(section, prefix, len) ? NULL : section + len;
}

/* Returns true if this kernel can attach `prog` to follow some vfio.ko, whatever the present one has. */
static bool is_for_some_build(const struct vs_engine *engine, const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog), *target;

	if (vs_pulse__has(prog))
		return false;
	if (bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE)
		return true;
	target = behind(section, "fentry/");
	/* A fentry in a module's own function would hold the module. */
	if (target)
		return !behind(target, "vfio_") && vs_names__has(&engine->facts.btf_funcs, target);
	target = behind(section, "tp_btf/");
	if (!target)
		target = behind(section, "raw_tp/");
	return target && vs_names__has(&engine->facts.tracepoints, target);
}

/* Returns how many programs are chosen that are not loaded yet. */
static size_t choose_more(const struct vs_engine *engine, struct bpf_object *object,
			  choose_fn choose)
{
	struct bpf_program *prog;
	size_t nr = 0;

	bpf_object__for_each_program(prog, object) {
		bool more = choose(engine, prog) && !is_loaded(engine, bpf_program__name(prog));

		bpf_program__set_autoload(prog, more);
		nr += more;
	}
	return nr;
}

static int share_maps(const struct vs_engine *engine, struct bpf_object *object)
{
	struct bpf_map *map, *first;
	int err = 0;

	bpf_object__for_each_map(map, object) {
		first = bpf_object__find_map_by_name(engine->skel->obj, bpf_map__name(map));
		if (!err)
			err = first ? bpf_map__reuse_fd(map, bpf_map__fd(first)) : -ENOENT;
	}
	return err;
}

/* Loads more programs that write to the same maps. */
static int load_more(struct vs_engine *engine, choose_fn choose)
{
	struct trace_bpf *more;
	int err;

	if (engine->nr_more == VS_ENGINE_MORE)
		return -ENOMEM;
	more = vs_engine__open_programs();
	if (!more)
		return -ENOMEM;
	if (!choose_more(engine, more->obj, choose)) {
		trace_bpf__destroy(more);
		return 0;
	}
	err = share_maps(engine, more->obj);
	if (!err)
		err = trace_bpf__load(more);
	if (!err)
		err = vs_attach__add_object(engine->attach, more->obj);
	if (err)
		trace_bpf__destroy(more);
	else
		engine->more[engine->nr_more++] = more;
	return err;
}

int vs_engine__load_for_other_builds(struct vs_engine *engine)
{
	return engine->facts.vfio_state == VS_KMOD_BUILTIN ? 0 : load_more(engine, is_for_some_build);
}

static int learn_again(struct vs_engine *engine)
{
	int err;

	vs_plan__free(&engine->plan);
	err = vs_facts__collect_vfio("", &engine->facts);
	return err ? err : vs_engine__make_plan(engine);
}

int vs_engine__vfio_loaded(struct vs_engine *engine)
{
	size_t kernel;
	int err, nr;

	vs_engine__note_changes(engine);
	drop_vfio(engine);
	kernel = vs_attach__nr(engine->attach);
	err = learn_again(engine);
	if (err || !vs_engine__vfio_present(engine))
		return err;
	load_more(engine, vs_engine__is_wanted);	/* a failure shows at each place that wants it */
	vs_engine__configure(engine);
	engine->text_addr = vs_engine__text_of_vfio();
	vs_engine__check_text(engine);
	nr = vs_attach__arm(engine->attach, &engine->plan, true, true);
	vs_engine__set_vfio_ready(engine);
	return nr < 0 ? nr : (int)(vs_attach__nr(engine->attach) - kernel);
}
