// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "devices/page.h"
#include "devices/print.h"

static const char *const answers[] = { [VS_CAN_YES] = "yes", [VS_CAN_NO] = "no", [VS_CAN_NOT_TOLD] = "cannot be told" };

static bool is_for_answer(const struct vs_can *can, enum vs_can_kind kind)
{
	if (can->answer == VS_CAN_NO)
		return kind <= VS_CAN_LAST_NO;
	return can->answer == VS_CAN_YES || kind <= VS_CAN_LAST_HIDDEN;
}

/* It is one line for a script, whatever its length. */
static void say_answer(struct vs_page *p, const struct vs_can *can, bool terminal)
{
	static const char *const colors[] = { "\033[1;32m", "\033[1;31m", "\033[1;33m" };
	const struct vs_can_ground *g = can->nr_grounds ? &can->grounds[0] : NULL;
	const char *answer = answers[can->answer];
	char words[sizeof(g->says)];

	if (p->color)
		vs_out__style(&p->out, colors[can->answer]);
	vs_out__text(&p->out, answer);
	vs_out__style(&p->out, p->color ? VS_STYLE_OFF : "");
	vs_out__puts(&p->out, ": ");
	if (can->answer == VS_CAN_YES && (!g || g->kind != VS_CAN_NOTHING))
		snprintf(words, sizeof(words), "nobody uses %s%s", can->subject, g ? ", but see below" : "");
	else
		snprintf(words, sizeof(words), "%s", g->says);
	vs_words__wrap(&p->out, words, strlen(answer) + 2, VS_PAGE_LABEL, terminal ? p->width : 0);
}

static const char *ground_label(const struct vs_can *can, enum vs_can_kind kind)
{
	if (kind <= VS_CAN_LAST_NO)
		return "NO";
	if (kind <= VS_CAN_LAST_HIDDEN)
		return "NOT KNOWN";
	if (kind == VS_CAN_NO_FIX)
		return "KERNEL";
	if (kind == VS_CAN_GROUP_LIVE || kind == VS_CAN_GROUP_SPOILED)
		return "GROUP";
	return can->answer == VS_CAN_YES && kind == VS_CAN_NOTHING ? "" : "TOO";
}

static void say_grounds(struct vs_page *p, const struct vs_can *can)
{
	const char *last = "";

	for (size_t i = can->answer != VS_CAN_YES || (can->nr_grounds && can->grounds[0].kind == VS_CAN_NOTHING); i < can->nr_grounds;
	     i++) {
		const char *label = ground_label(can, can->grounds[i].kind);

		if (can->answer == VS_CAN_NO && can->grounds[i].kind == VS_CAN_UNSEEN)
			continue; /* LIMITS says it */
		vs_page__row(p, strcmp(label, last) ? label : "", "%s", can->grounds[i].says);
		last = label;
	}
}

/* What happens to those that have it. */
static void say_way(struct vs_page *p, const struct vs_can *can)
{
	bool used = false, vm = false;

	for (size_t i = 0; i < can->nr_grounds; i++)
		used |= can->grounds[i].kind == VS_CAN_IN_USE || can->grounds[i].kind == VS_CAN_FUNCTION_IN_USE;
	for (size_t i = 0; i < can->nr_usages; i++)
		for (size_t j = 0; j < can->usages[i].nr_own; j++)
			vm |= can->usages[i].holders[j].vm[0];
	if (used && can->way == VS_CAN_RMMOD)
		vs_page__row(p, "THEN", "rmmod refuses the module as long as somebody uses a device of it");
	else if (used)
		vs_page__row(p, "THEN", "the kernel asks its user to release the device%s, and waits until it has, without a limit; "
		    "nobody can bind or unbind it meanwhile", vm ? " (QEMU takes it away from the guest)" : "");
}

int vs_can__print_text(int fd, const struct vs_can_report *r)
{
	struct vs_page p = { .width = vs_page__width(r->width), .color = r->color };
	const struct vs_can *can = r->can;
	int err;

	vs_out__init(&p.out, fd);
	say_answer(&p, can, r->width);
	if (!r->quiet) {
		say_grounds(&p, can);
		if (can->first[0])
			vs_page__row(&p, "FIRST", "%s", can->first);
		say_way(&p, can);
		if (can->answer != VS_CAN_YES || !is_for_answer(can, VS_CAN_UNSEEN))
			vs_page__limits(&p, &r->facts->evidence);
	}
	err = vs_out__flush(&p.out);
	vs_out__fini(&p.out);
	return err;
}
