// SPDX-License-Identifier: GPL-2.0
#include "probe/text_check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "probe/module_text.h"
#include "text/text_compare.h"

#define PROBES_LIST "/sys/kernel/debug/kprobes/list"
#define MAX_PROBES 4096		/* in one section: it has some thousand instructions */
#define LOOKS 3
#define PAUSE_US 10000

struct look {
	const char *root;
	const struct vs_facts *facts;
	struct vs_text_image *image;
	struct vs_keeper *keeper;
	struct vs_module_text *here;	/* NULL: by the keeper */
	struct vs_text_check *check;
	struct vs_text_diff diff;
};

static int say(struct vs_text_check *check, int err, const char *words, const char *what)
{
	check->state = VS_TEXT_NOT_COMPARED;
	snprintf(check->words, sizeof(check->words), "%s%s%s", words, what ? ": " : "",
		 what ? what : "");
	return err;
}

/* -- what can be compared at all -- */

static int check_facts(const struct vs_facts *facts, struct vs_text_check *check)
{
	if (facts->vfio_state == VS_KMOD_BUILTIN)
		return say(check, -ENOTSUP, "VFIO is built in", NULL);
	if (facts->vfio_state != VS_KMOD_LOADED) {
		say(check, 0, "vfio.ko is not loaded", NULL);
		check->state = VS_TEXT_NOT_LOADED;
		return -ENOENT;
	}
	if (!facts->vfio_file)
		return say(check, -ENOENT, "the file of the loaded vfio.ko is not there", NULL);
	if (!facts->vfio.text)
		return say(check, -ENOTSUP, "on x86-64 only", NULL);
	if (facts->vfio.text->error[0])
		return say(check, -ENOTSUP, facts->vfio.text->error, NULL);
	return 0;
}

static int say_kcore(struct vs_text_check *check, int err)
{
	if (err == -EPERM || err == -EACCES)
		return say(check, err, "/proc/kcore needs CAP_SYS_RAWIO, and no lockdown", NULL);
	return say(check, err, "memory of vfio.ko cannot be read", strerror(-err));
}

/* -- probes -- */

static int add_probe(struct vs_text_probes *probes, uint64_t **addrs, uint64_t addr)
{
	uint64_t *grown;

	if (probes->nr == MAX_PROBES)
		return -E2BIG;
	grown = vs_elf__grow(*addrs, probes->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	probes->addrs = *addrs = grown;
	grown[probes->nr++] = addr;
	return 0;
}

static int read_lines(FILE *file, uint64_t from, uint64_t to, struct vs_text_probes *probes,
		      uint64_t **addrs)
{
	char line[1024];
	uint64_t addr;
	int err = 0;

	while (!err && fgets(line, sizeof(line), file)) {
		if (!vs_text_probes__parse(line, &addr))
			return -EPERM;
		if (addr >= from && addr < to)
			err = add_probe(probes, addrs, addr);
	}
	return err;
}

/* Of [from, to). The addresses are to be freed in any case. */
static uint64_t *read_probes(const char *root, uint64_t from, uint64_t to,
			     struct vs_text_probes *probes)
{
	uint64_t *addrs = NULL;
	char path[PATH_MAX];
	FILE *file;

	*probes = (struct vs_text_probes){ 0 };
	snprintf(path, sizeof(path), "%s" PROBES_LIST, root);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	probes->known = !read_lines(file, from, to, probes, &addrs);
	fclose(file);
	return addrs;
}

/* -- one look -- */

static int read_section(struct look *l, const struct vs_text_section *section, uint8_t *memory)
{
	if (l->here)
		return vs_module_text__read(l->here, section->name, 0, memory, section->len);
	return vs_keeper__text(l->keeper, section->name, memory, section->len);
}

static int compare_with(struct look *l, size_t index, const uint8_t *memory)
{
	const struct vs_text_section *section = &l->image->sections[index];
	struct vs_text_probes probes;
	uint64_t addr, *addrs;
	int err = vs_kmod__section_addr(l->root, "vfio", section->name, &addr);

	if (err)
		return say_kcore(l->check, err);
	addrs = read_probes(l->root, addr, addr + section->len, &probes);
	err = vs_text_compare__section(l->image, index, memory, addr, &probes, &l->diff);
	l->check->nr_probes += probes.nr;
	free(addrs);
	return err ? say(l->check, err, "cannot compare", strerror(-err)) : 0;
}

static int compare_section(struct look *l, size_t index)
{
	const struct vs_text_section *section = &l->image->sections[index];
	uint8_t *memory = malloc(section->len);
	int err = memory ? read_section(l, section, memory) : -ENOMEM;

	if (err)
		say_kcore(l->check, err);
	else
		err = compare_with(l, index, memory);
	free(memory);
	return err;
}

static void say_difference(struct look *l)
{
	const struct vs_text_diff *d = &l->diff;
	char more[40] = "";

	if (d->nr_differ > 1)
		snprintf(more, sizeof(more), "; %zu more function%s", d->nr_differ - 1,
			 d->nr_differ > 2 ? "s" : "");
	l->check->state = VS_TEXT_CHANGED;
	snprintf(l->check->words, sizeof(l->check->words),
		 "text of %.40s in memory is not that of %.72s (+0x%llx, %zu byte%s%s)",
		 d->func->name, l->facts->vfio.path, (unsigned long long)d->off, d->nr_bytes,
		 d->nr_bytes > 1 ? "s" : "", more);
}

static void conclude(struct look *l)
{
	struct vs_text_check *check = l->check;

	check->bytes = l->diff.bytes;
	check->nr_funcs = l->diff.nr_funcs;
	if (l->diff.nr_differ) {
		say_difference(l);
	} else if (l->diff.nr_jumps) {
		say(check, 0, "a jump may be a probe, and " PROBES_LIST " is not readable; in",
		    l->diff.jump->name);
	} else {
		check->state = VS_TEXT_AS_FILE;
		check->words[0] = '\0';
	}
}

static int look_once(struct look *l)
{
	int err = 0;

	l->diff = (struct vs_text_diff){ 0 };
	l->check->nr_probes = 0;
	for (size_t i = 0; i < l->image->nr_sections && !err; i++)
		err = compare_section(l, i);
	if (err)
		vs_text_image__forget(l->image);
	else
		conclude(l);
	return err;
}

static void look(struct look *l)
{
	int err = look_once(l);

	for (int i = 1; !err && i < LOOKS && l->check->state == VS_TEXT_CHANGED; i++) {
		usleep(PAUSE_US);
		err = look_once(l);
	}
}

void vs_text_check__run(const char *root, const struct vs_facts *facts, struct vs_keeper *keeper,
			struct vs_text_check *check)
{
	struct look l = { .root = root, .facts = facts, .image = facts->vfio.text,
			  .keeper = keeper, .check = check };
	uint64_t start = vs_host__mono_ns();

	memset(check, 0, sizeof(*check));
	if (check_facts(facts, check))
		return;
	check->nr_ranges = l.image->nr_ranges;
	l.here = keeper ? NULL : vs_module_text__open(root);
	if (!keeper && !l.here)
		say_kcore(check, -errno);
	else
		look(&l);
	vs_module_text__free(l.here);
	check->ns = vs_host__mono_ns() - start;
}

void vs_text_check__lapsed(const struct vs_text_check *check, char *words, size_t size)
{
	snprintf(words, size, "text of vfio.ko in memory: not compared any more: %s", check->words);
}
