// SPDX-License-Identifier: GPL-2.0
#include <asm/ptrace.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/text_image.h"
#include "probe/attach.h"
#include "probe/kprobe.h"
#include "probe/missed.h"
#include "vfio/functions.h"

/* Caches the address of a section of the loaded vfio.ko, so that sysfs is asked once for each. */
struct section_base {
	char name[40];
	uint64_t addr;
};

#define MAX_SECTIONS 8
#define MAX_OBJECTS 4

/* One attached probe, and the address it sits at (0 in the kernel itself). */
struct armed {
	struct bpf_link *link;	/* NULL: this place could not be armed */
	const struct vs_probe *probe;	/* of the plan: only while it is attached */
	const char *program;
	uint64_t addr;
	int event;		/* descriptor of a kprobe's perf event, which is the link's */
	bool in_vfio;
	int error;		/* negative errno */
	char name[96];		/* "vfio_group_put_bg+0x19" */
};

struct vs_attach {
	struct bpf_object *objects[MAX_OBJECTS];
	size_t nr_objects;
	struct bpf_map *sites;
	int kprobe_type;
	struct vs_keeper *keeper;
	const struct vs_text_image *text;
	struct armed *armed;
	size_t nr_armed;
	pthread_t reaper;
	bool reaping;
	struct vs_missed_reader missed;
	uint64_t missed_retired; /* by probes of an unloaded vfio.ko */
	int missed_error;	/* why those are not known */
	struct section_base sections[MAX_SECTIONS];
	size_t nr_sections;
};

static void get_ready(struct bpf_object *object)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object) {
		if (bpf_program__fd(prog) >= 0) {
			vs_kprobe__get_ready(prog);
			return;
		}
	}
}

struct vs_attach *vs_attach__new(struct bpf_object *object, struct bpf_map *sites)
{
	struct vs_attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->objects[a->nr_objects++] = object;
	a->sites = sites;
	a->kprobe_type = vs_kprobe__type();
	a->missed.prog = -1;
	get_ready(object);
	return a;
}

int vs_attach__add_object(struct vs_attach *a, struct bpf_object *object)
{
	if (a->nr_objects == MAX_OBJECTS)
		return -ENOSPC;
	a->objects[a->nr_objects++] = object;
	return 0;
}

void vs_attach__use_keeper(struct vs_attach *a, struct vs_keeper *keeper)
{
	a->keeper = keeper;
}

void vs_attach__use_text(struct vs_attach *a, const struct vs_text_image *text)
{
	a->text = text;
}

static void finish_reaping(struct vs_attach *a)
{
	if (a->reaping)
		pthread_join(a->reaper, NULL);
	a->reaping = false;
}

void vs_attach__free(struct vs_attach *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->nr_armed; i++)
		bpf_link__destroy(a->armed[i].link);
	finish_reaping(a);
	free(a->armed);
	free(a);
}

static int section_base(struct vs_attach *a, const struct vs_kmod_func *func, uint64_t *addr)
{
	struct section_base *base = a->sections;
	const char *name = func->section;
	int err;

	for (size_t i = 0; i < a->nr_sections; i++, base++)
		if (!strcmp(base->name, name)) {
			*addr = base->addr;
			return 0;
		}
	err = vs_kmod__section_addr("", "vfio", name, addr);
	if (err == -EACCES)
		err = vs_kmod__section_by_symbol("", "vfio", func, addr);
	if (err || a->nr_sections == MAX_SECTIONS || strlen(name) >= sizeof(base->name))
		return err;
	strcpy(base->name, name);
	base->addr = *addr;
	a->nr_sections++;
	return 0;
}

/* Functions that come from kallsyms have no section: their offset is the address. */
int vs_attach__address(struct vs_attach *a, const struct vs_kmod_func *func, uint64_t *addr)
{
	uint64_t base = 0;
	int err = func->section[0] ? section_base(a, func, &base) : 0;

	*addr = base + func->section_off;
	return err;
}

/* Returns the offset in struct pt_regs of the register that x86 instructions call `reg`. */
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

static int tell_site(struct vs_attach *a, const struct vs_probe *probe, uint64_t addr)
{
	struct vs_site_action action = {
		.base_offset = register_offset(probe->site->base_reg),
		.value_offset = register_offset(probe->site->value_reg),
		.disp = probe->site->disp,
		.opens_file = !strcmp(probe->func->name, VS_VFIO_GROUP_OPEN),
	};

	return bpf_map__update_elem(a->sites, &addr, sizeof(addr), &action, sizeof(action),
				    BPF_ANY);
}

/* Each load of vfio.ko has new addresses: the map has room for a few loads only. */
static void forget_site(struct vs_attach *a, const struct armed *armed)
{
	if (armed->in_vfio && armed->addr)
		bpf_map__delete_elem(a->sites, &armed->addr, sizeof(armed->addr), 0);
}

static void name_place(struct armed *armed)
{
	const struct vs_probe *probe = armed->probe;

	if (probe->func && probe->offset)
		snprintf(armed->name, sizeof(armed->name), "%.80s+0x%x", probe->func->name,
			 probe->offset);
	else
		snprintf(armed->name, sizeof(armed->name), "%.80s",
			 probe->func ? probe->func->name : probe->rung->target);
}

static int attach_vfio(struct vs_attach *a, struct armed *armed, struct bpf_program *prog)
{
	const struct vs_kmod_func *func = armed->probe->func;
	int err = vs_attach__address(a, func, &armed->addr);

	if (vs_text_image__is_changed(a->text, func->section,
				      func->section_off + armed->probe->offset))
		return -EILSEQ;
	armed->addr += armed->probe->offset;
	if (!err && armed->probe->site && armed->probe->site->kind != VS_SITE_CALL)
		err = tell_site(a, armed->probe, armed->addr);
	if (err)
		return err;
	armed->link = vs_kprobe__attach_event(prog, a->keeper, a->kprobe_type, armed->addr,
					      &armed->event);
	return armed->link ? 0 : -errno;
}

static struct bpf_program *find_program(struct vs_attach *a, const char *name)
{
	for (size_t i = 0; i < a->nr_objects; i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(a->objects[i], name);

		if (prog && bpf_program__fd(prog) >= 0)
			return prog;
	}
	return NULL;
}

static int attach_place(struct vs_attach *a, struct armed *armed)
{
	struct bpf_program *prog = find_program(a, armed->program);

	/* Another build of vfio.ko was loaded than the one planned for, once too often. */
	if (!prog)
		return -ESTALE;
	name_place(armed);
	if (armed->in_vfio)
		return attach_vfio(a, armed, prog);
	armed->link = bpf_program__attach(prog);
	return armed->link ? 0 : -errno;
}

bool vs_attach__runs(const struct vs_attach *a, const char *program)
{
	for (size_t i = 0; i < a->nr_armed; i++)
		if (!a->armed[i].in_vfio && !strcmp(a->armed[i].program, program))
			return true;
	return false;
}

static bool is_planned(const struct vs_plan *plan, const char *program)
{
	for (size_t i = 0; i < plan->nr_probes; i++)
		if (!plan->probes[i].func && !strcmp(plan->probes[i].program, program))
			return true;
	return false;
}

/* Another build of vfio.ko may be followed through other functions: not through both. */
static void drop_unplanned(struct vs_attach *a, const struct vs_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->nr_armed; i++) {
		if (a->armed[i].in_vfio || is_planned(plan, a->armed[i].program))
			a->armed[kept++] = a->armed[i];
		else
			bpf_link__destroy(a->armed[i].link);
	}
	a->nr_armed = kept;
}

static int add_places(struct vs_attach *a, const struct vs_plan *plan, bool in_kernel,
		      bool in_vfio)
{
	struct armed *grown = realloc(a->armed, (a->nr_armed + plan->nr_probes + 1) *
						sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->armed = grown;
	for (size_t i = 0; i < plan->nr_probes; i++) {
		const struct vs_probe *probe = &plan->probes[i];

		if (probe->func ? in_vfio : in_kernel && !vs_attach__runs(a, probe->program))
			grown[a->nr_armed++] = (struct armed){
				.probe = probe,
				.program = probe->program,
				.in_vfio = probe->func,
			};
	}
	return 0;
}

static struct vs_plan_row *row_of(struct vs_plan *plan, const struct vs_hook *hook)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].hook == hook)
			return &plan->rows[i];
	return NULL;
}

#define ENOTSUPP 524	/* include/linux/errno.h: no libc has words for it */

const char *vs_attach_error__words(int error)
{
	switch (error) {
	case -ESTALE:
		return "vfio.ko is another build now: restart vfioscope";
	case -EILSEQ:
		return "what is there in memory is not what its file has";
	case -ENOTSUPP:
		return "this kernel cannot do that on this machine (ENOTSUPP)";
	default:
		return strerror(-error);
	}
}

/* One place that cannot be armed makes the hook blind for it: the hook counts as missing. */
static void note_failure(struct vs_plan *plan, const struct armed *armed)
{
	struct vs_plan_row *row = row_of(plan, armed->probe->hook);

	if (!row)	/* not in the plan's rows: the caller counts what was armed */
		return;
	row->status = VS_HOOK_MISSING;
	/* perf_event_open(2): only Debian's third level refuses a process that may load programs. */
	if (armed->error == -EACCES) {
		snprintf(row->how, sizeof(row->how),
			 "kernel.perf_event_paranoid is too high for this process");
		snprintf(row->advice, sizeof(row->advice),
			 "sysctl kernel.perf_event_paranoid=2, or run as root");
		return;
	}
	snprintf(row->how, sizeof(row->how), "cannot attach to %.60s: %.80s",
		 armed->name[0] ? armed->name : armed->program, vs_attach_error__words(armed->error));
}

/* Leaves only what is really attached. */
static int settle(struct vs_attach *a, struct vs_plan *plan, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < a->nr_armed; i++) {
		if (a->armed[i].link) {
			a->armed[kept++] = a->armed[i];
			continue;
		}
		forget_site(a, &a->armed[i]);
		note_failure(plan, &a->armed[i]);
	}
	a->nr_armed = kept;
	return kept - first;
}

int vs_attach__arm(struct vs_attach *a, struct vs_plan *plan, bool in_kernel, bool in_vfio)
{
	size_t first;

	if (in_kernel)
		drop_unplanned(a, plan);
	first = a->nr_armed;
	if (add_places(a, plan, in_kernel, in_vfio))
		return -ENOMEM;
	for (size_t i = first; i < a->nr_armed; i++)
		a->armed[i].error = attach_place(a, &a->armed[i]);
	return settle(a, plan, first);
}

void vs_attach__use_missed(struct vs_attach *a, struct bpf_program *prog, struct vs_missed_ask *ask)
{
	a->missed = (struct vs_missed_reader){ .prog = bpf_program__fd(prog), .ask = ask };
}

static int missed_by(const struct vs_attach *a, const struct armed *armed, uint64_t *missed)
{
	struct vs_missed_kprobe probe = {
		.link = bpf_link__fd(armed->link), .event = armed->event, .addr = armed->addr,
	};

	return vs_missed__kprobe(&a->missed, &probe, missed);
}

/* Destroys dead links: `arg` is an array of them that ends with NULL. */
static void *reap(void *arg)
{
	struct bpf_link **links = arg;

	for (size_t i = 0; links[i]; i++)
		bpf_link__destroy(links[i]);
	free(links);
	return NULL;
}

/* Freeing a kprobe waits for RCU: do it in a thread, so that arming new ones is not delayed. */
static void reap_beside(struct vs_attach *a, struct bpf_link **links)
{
	finish_reaping(a);
	a->reaping = !pthread_create(&a->reaper, NULL, reap, links);
	if (!a->reaping)
		reap(links);
}

void vs_attach__forget_vfio(struct vs_attach *a)
{
	struct bpf_link **dead = calloc(a->nr_armed + 1, sizeof(*dead));
	size_t kept = 0, nr = 0;

	for (size_t i = 0; i < a->nr_armed; i++) {
		if (!a->armed[i].in_vfio) {
			a->armed[kept++] = a->armed[i];
			continue;
		}
		forget_site(a, &a->armed[i]);
		if (!a->missed_error)
			a->missed_error = missed_by(a, &a->armed[i], &a->missed_retired);
		if (dead)
			dead[nr++] = a->armed[i].link;
		else
			bpf_link__destroy(a->armed[i].link);
	}
	a->nr_armed = kept;
	a->nr_sections = 0;
	if (nr)
		reap_beside(a, dead);
	else
		free(dead);
}

size_t vs_attach__nr(const struct vs_attach *a)
{
	return a->nr_armed;
}

bool vs_attach__has(const struct vs_attach *a, const struct vs_probe *probe)
{
	for (size_t i = 0; i < a->nr_armed; i++)
		if (a->armed[i].probe == probe)
			return true;
	return false;
}

const char *vs_attach__name_at(const struct vs_attach *a, uint64_t addr)
{
	for (size_t i = 0; i < a->nr_armed; i++)
		if (addr && a->armed[i].addr == addr)
			return a->armed[i].name;
	return NULL;
}

int vs_attach__missed(const struct vs_attach *a, uint64_t *missed)
{
	int err = a->missed_error;

	*missed = a->missed_retired;
	for (size_t i = 0; i < a->nr_armed && !err; i++)
		if (a->armed[i].in_vfio)
			err = missed_by(a, &a->armed[i], missed);
	return err;
}
