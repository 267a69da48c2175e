// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latency/chain.h"
#include "latency/places.h"
#include "probe/attach.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "probe/pulse.h"
#include "vfio/functions.h"


struct vs_chain {
	struct vs_facts facts;
	struct vs_plan plan;
	bool facts_made, plan_made;
	struct vs_attach *attach;
	struct vs_plan places;
	struct vs_attach *life;
	bool follows;		/* by the probes of `life` */
	struct vs_keeper *keeper; /* NULL: privileges are our own */
	struct vs_text_check text;
	uint64_t deferred_func;
	struct bpf_program *missed_prog;
	struct vs_missed_ask *missed_ask;
};

static bool is_loaded(const struct vs_chain *c)
{
	return c->facts.vfio_state == VS_KMOD_LOADED || c->facts.vfio_state == VS_KMOD_BUILTIN;
}

/* Returns true for the gets and puts at the two ends of the chain only. */
static bool is_end(const struct vs_probe *probe)
{
	const char *func = probe->func ? probe->func->name : "";

	if (!strcmp(probe->program, "get_site"))
		return !strcmp(func, VS_VFIO_NOTIFIER);
	if (!strcmp(probe->program, "put_site"))
		return !strcmp(func, VS_VFIO_DEFERRED);
	return !strcmp(probe->program, "group_release") && !strcmp(probe->hook->name, "release");
}

static void keep_ends(struct vs_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->nr_probes; i++)
		if (is_end(&plan->probes[i]))
			plan->probes[kept++] = plan->probes[i];
	plan->nr_probes = kept;
}

static int make_plan(struct vs_chain *c)
{
	int err = vs_plan__make(&c->facts, &c->plan);

	c->plan_made = !err;
	if (!err)
		keep_ends(&c->plan);
	return err;
}

struct vs_chain *vs_chain__new(void)
{
	struct vs_chain *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return NULL;
	err = vs_facts__collect("", &c->facts);
	c->facts_made = !err;
	if (!err)
		err = make_plan(c);
	if (!err)
		return c;
	vs_chain__free(c);
	errno = -err;
	return NULL;
}

/* A thread frees its probes; the number of hits that they missed is kept. */
static void drop_life(struct vs_chain *c)
{
	if (c->life)
		vs_attach__forget_vfio(c->life);
	vs_plan__free(&c->places);
	c->follows = false;
}

void vs_chain__free(struct vs_chain *c)
{
	if (!c)
		return;
	vs_attach__free(c->life);
	vs_attach__free(c->attach);
	vs_plan__free(&c->places);
	if (c->plan_made)
		vs_plan__free(&c->plan);
	if (c->facts_made)
		vs_facts__free(&c->facts);
	free(c);
}

enum vs_chain_state vs_chain__state(const struct vs_chain *c, char *words, size_t size)
{
	enum vs_fix fix = c->plan.fix;

	words[0] = '\0';
	if (is_loaded(c) && c->plan.deferred_func)
		return VS_CHAIN_READY;
	if (fix == VS_FIX_ABSENT || fix == VS_FIX_NO_REFERENCE || fix == VS_FIX_NO_NOTIFIER) {
		snprintf(words, size, "no put is deferred here, the fix is %s", vs_fix__words(fix));
		return VS_CHAIN_NONE;
	}
	if (is_loaded(c)) {
		snprintf(words, size, "VFIO is there, but " VS_VFIO_DEFERRED " was not found in it; see "
			 "vfioscope doctor");
		return VS_CHAIN_NONE;
	}
	snprintf(words, size, "vfio.ko is not loaded: its deferred puts are followed once it is");
	return VS_CHAIN_WAITING;
}

void vs_chain__use_missed(struct vs_chain *c, struct bpf_program *prog, struct vs_missed_ask *ask)
{
	c->missed_prog = prog;
	c->missed_ask = ask;
}

static struct vs_attach *new_attach(const struct vs_chain *c, struct bpf_object *object,
				    struct bpf_map *sites)
{
	struct vs_attach *attach = vs_attach__new(object, sites);

	if (attach && c->missed_prog)
		vs_attach__use_missed(attach, c->missed_prog, c->missed_ask);
	return attach;
}

unsigned int vs_chain__pulse(const struct vs_chain *c)
{
	return vs_pulse__parts(&c->facts);
}

bool vs_chain__sees_births(const struct vs_chain *c)
{
	return c->facts.vfio_state != VS_KMOD_BUILTIN &&
	       vs_names__has(&c->facts.btf_funcs, "iommu_group_register_notifier");
}

void vs_chain__use_keeper(struct vs_chain *c, struct vs_keeper *keeper)
{
	c->keeper = keeper;
	if (c->attach)
		vs_attach__use_keeper(c->attach, keeper);
}

const struct vs_text_check *vs_chain__text(const struct vs_chain *c)
{
	return &c->text;
}

void vs_chain__check_text(struct vs_chain *c)
{
	vs_text_check__run("", &c->facts, c->keeper, &c->text);
}

uint64_t vs_chain__deferred_func(const struct vs_chain *c)
{
	return c->deferred_func;
}

int32_t vs_chain__group_iommu_group(const struct vs_chain *c)
{
	return c->deferred_func ? c->plan.layout.group_iommu_group : VS_NO_OFFSET;
}

static size_t nr_wanted(const struct vs_chain *c, const char *program)
{
	size_t nr = 0;

	for (size_t i = 0; i < c->plan.nr_probes; i++)
		nr += !strcmp(c->plan.probes[i].program, program);
	return nr;
}

static int say_missing(struct vs_chain *c, int armed, char *words, size_t size)
{
	words[0] = '\0';
	if (!nr_wanted(c, "get_site"))
		snprintf(words, size, "the notifier's get cannot be seen here: no times from get "
			 "to drop");
	else if (!nr_wanted(c, "put_site"))
		snprintf(words, size, "the put itself cannot be seen here: its reference counts as "
			 "dropped when the work ends");
	else if (!nr_wanted(c, "group_release"))
		snprintf(words, size, "vfio_group_release cannot be seen here: which puts were the "
			 "last is not known");
	else if (armed < (int)c->plan.nr_probes)
		snprintf(words, size, "some probes in vfio.ko cannot be armed; see vfioscope "
			 "doctor --self-test");
	return words[0] ? -ENOTSUP : 0;
}

/* Only put_queued may be missing: to see a put queued and not end would be worse than to see none. */
static bool is_optional(const struct vs_probe *probe)
{
	return !strcmp(probe->program, "put_queued");
}

static size_t nr_needed(const struct vs_plan *places)
{
	size_t nr = 0;

	for (size_t i = 0; i < places->nr_probes; i++)
		nr += !is_optional(&places->probes[i]);
	return nr;
}

static size_t nr_armed(const struct vs_attach *life, const struct vs_plan *places)
{
	size_t nr = 0;

	for (size_t i = 0; i < places->nr_probes; i++)
		nr += !is_optional(&places->probes[i]) &&
		      vs_attach__has(life, &places->probes[i]);
	return nr;
}

int vs_chain__follow(struct vs_chain *c, struct bpf_object *object, struct bpf_map *sites)
{
	if (c->follows)
		return 0;
	if (!c->life)
		c->life = new_attach(c, object, sites);
	if (!c->life || !c->deferred_func || !vs_places__find(&c->facts, &c->places))
		return -ENOTSUP;
	vs_attach__use_text(c->life, c->facts.vfio.text);
	c->follows = vs_attach__arm(c->life, &c->places, false, true) >= 0 &&
		     nr_armed(c->life, &c->places) == nr_needed(&c->places);
	if (c->follows)
		return 0;
	drop_life(c);
	return -ENOTSUP;
}

int vs_chain__attach(struct vs_chain *c, struct bpf_object *object, struct bpf_map *sites,
		     char *words, size_t size)
{
	words[0] = '\0';
	/* Make it before there is anything to attach to: later is too late (see attach.h). */
	if (!c->attach)
		c->attach = new_attach(c, object, sites);
	if (!c->attach)
		return -ENOMEM;
	vs_chain__check_text(c);
	vs_attach__use_text(c->attach, c->facts.vfio.text);
	if (!is_loaded(c) || !c->plan.deferred_func)
		return 0;
	if (vs_attach__address(c->attach, c->plan.deferred_func, &c->deferred_func))
		c->deferred_func = 0;
	return say_missing(c, vs_attach__arm(c->attach, &c->plan, false, true), words, size);
}

int vs_chain__changed(struct vs_chain *c)
{
	int err;

	c->deferred_func = 0;
	drop_life(c);
	if (c->attach)
		vs_attach__forget_vfio(c->attach);
	vs_plan__free(&c->plan);
	c->plan_made = false;
	err = vs_facts__collect_vfio("", &c->facts);
	return err ? err : make_plan(c);
}

size_t vs_chain__nr(const struct vs_chain *c)
{
	return (c->attach ? vs_attach__nr(c->attach) : 0) +
	       (c->life ? vs_attach__nr(c->life) : 0);
}

static int add_missed(const struct vs_attach *attach, uint64_t *missed)
{
	uint64_t more = 0;
	int err = attach ? vs_attach__missed(attach, &more) : 0;

	*missed += more;
	return err;
}

int vs_chain__missed(const struct vs_chain *c, uint64_t *missed)
{
	int err;

	*missed = 0;
	err = add_missed(c->attach, missed);
	return err ? err : add_missed(c->life, missed);
}
