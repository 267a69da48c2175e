// SPDX-License-Identifier: GPL-2.0
#include "probe/text_check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "code/elf_file.h"
#include "code/text_compare.h"
#include "vfio/module_text.h"

#define PROBES_LIST "/sys/kernel/debug/kprobes/list"
#define MAX_PROBES 4096		/* in one section: it has some thousand instructions */
#define LOOKS 3
#define PAUSE_US 10000
#define COMPARE_NS 5000000000ull

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

static int say_not_loaded(struct vs_text_check *check)
{
	say(check, 0, "vfio.ko is not loaded", NULL);
	check->state = VS_TEXT_NOT_LOADED;
	return -ENOENT;
}

/* -- what can be compared at all -- */

static int check_facts(const struct vs_facts *facts, struct vs_text_check *check)
{
	if (facts->vfio_state == VS_KMOD_BUILTIN)
		return say(check, -ENOTSUP, "VFIO is built in", NULL);
	if (facts->vfio_state != VS_KMOD_LOADED)
		return say_not_loaded(check);
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

/* -ENOENT means that vfio.ko was unloaded meanwhile. */
static int say_unreadable(struct vs_text_check *check, int err)
{
	return err == -ENOENT ? say_not_loaded(check) : say_kcore(check, err);
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

/* Reads the probes in [from, to). The caller frees the addresses in any case. */
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

static int compare_with(struct look *l, size_t index, const uint8_t *memory,
			const struct vs_text_probes *probes, uint64_t addr)
{
	int err = vs_text_compare__section(l->image, index, memory, addr, probes, &l->diff);

	return err ? say(l->check, err, "cannot compare", strerror(-err)) : 0;
}

static int compare_with_probes(struct look *l, size_t index, const uint8_t *memory)
{
	const struct vs_text_section *section = &l->image->sections[index];
	struct vs_text_probes probes;
	uint64_t addr, *addrs;
	int err = vs_kmod__section_addr(l->root, "vfio", section->name, &addr);

	if (err)
		return say_unreadable(l->check, err);
	addrs = read_probes(l->root, addr, addr + section->len, &probes);
	l->check->nr_probes += probes.nr;
	err = compare_with(l, index, memory, &probes, addr);
	free(addrs);
	return err;
}

/* The list has all probes of the host: it is not read where it would explain nothing. */
static int compare_memory(struct look *l, size_t index, const uint8_t *memory)
{
	static const struct vs_text_probes none = { .known = true };
	const struct vs_text_diff before = l->diff;
	int err = compare_with(l, index, memory, &none, 0);

	if (err || l->diff.nr_differ == before.nr_differ)
		return err;
	l->diff = before;
	return compare_with_probes(l, index, memory);
}

static int compare_section(struct look *l, size_t index)
{
	const struct vs_text_section *section = &l->image->sections[index];
	uint8_t *memory = malloc(section->len);
	int err = memory ? read_section(l, section, memory) : -ENOMEM;

	if (err)
		say_unreadable(l->check, err);
	else
		err = compare_memory(l, index, memory);
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

/* -- again and again -- */

bool vs_text_watch__is_due(const struct vs_text_watch *w, uint64_t now)
{
	return now - w->compared_ns >= COMPARE_NS;
}

enum vs_text_news vs_text_watch__take(struct vs_text_watch *w, const struct vs_text_check *check,
				      uint64_t now, char words[VS_TEXT_NEWS_WORDS])
{
	bool lapsed = check->state == VS_TEXT_NOT_COMPARED && w->was_compared;

	w->compared_ns = now;
	if (check->state != VS_TEXT_NOT_LOADED)
		w->was_compared = check->state != VS_TEXT_NOT_COMPARED;
	snprintf(words, VS_TEXT_NEWS_WORDS, "%s%s",
		 lapsed ? "text of vfio.ko in memory: not compared any more: " : "", check->words);
	if (check->state == VS_TEXT_NOT_COMPARED)
		return lapsed ? VS_TEXT_LAPSED : VS_TEXT_NO_NEWS;
	return check->state == VS_TEXT_CHANGED ? VS_TEXT_IS_OTHER : VS_TEXT_IN_ORDER;
}
