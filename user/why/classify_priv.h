/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Only the parts of the classifier share this: the others build on cases.c and frames.c; roots.c,
 * victims.c and puts.c each find their kind of case; asked.c keeps the cases that were asked about.
 * Outside of it only collect_rounds.c asks frames.c which tasks to look at again.
 */
#ifndef VFIOSCOPE_WHY_CLASSIFY_PRIV_H
#define VFIOSCOPE_WHY_CLASSIFY_PRIV_H

#include "base/name.h"
#include "why/classify.h"

/* -- cases.c: a case and its proof; 0 or -ENOMEM -- */

/* Adds a case about task @t, NULL for none: its wait is that of the case. NULL without memory. */
struct vs_why_case *why_case__add(struct vs_why *why, enum vs_why_verdict verdict,
				  const struct vs_ev_task *t);
void why_case__free(struct vs_why_case *c);

/* Adds a line to the proof, up to a limit. */
__attribute__((format(printf, 2, 3)))
int why_case__prove(struct vs_why_case *c, const char *format, ...);

/* Adds the innermost frames of its task up to @last, as far as they are about it. */
int why_case__prove_stack(struct vs_why_case *c, size_t last);
int why_case__prove_stack_of(struct vs_why_case *c, const struct vs_ev_task *t, size_t last);

/* Takes its device, driver and group from a device whose lock is held. */
void why_case__take_device(struct vs_why_case *c, const struct vs_evidence *e,
			   const struct vs_ev_locked *l);

/* Both return NULL if the evidence has no such one. */
const struct vs_snap_device *why_device__named(const struct vs_evidence *e, const char *name);
const struct vs_snap_group *why_group__numbered(const struct vs_evidence *e, int number);

/* Counts the devices that keep the group alive. */
int why_group__devices(const struct vs_evidence *e, const struct vs_snap_group *g);

/*
 * Returns the device of VFIO that the task unregisters: the one that names it as its waiter, else
 * the one whose lock it holds (it may hold that of a parent, too), else the only one that is
 * leaving if no other task unregisters any. NULL for none.
 */
const struct vs_snap_device *why_device__left_by(const struct vs_evidence *e,
						 const struct vs_ev_task *t);

/* Returns true if some device names the task as the one that waits for its users. */
bool why_device__names(const struct vs_evidence *e, const struct vs_ev_task *t);

/* Returns true if a task waits until its users have let go, or is about to. */
bool why_device__is_leaving(const struct vs_snap_device *d);

/* Returns the group that names the task as waiting until it has left its container; NULL: none. */
const struct vs_snap_group *why_group__left_by(const struct vs_evidence *e,
					       const struct vs_ev_task *t);

/* -- frames.c: what the frames of a task say; an index of nr_frames is none -- */

bool why_frames__has(const struct vs_ev_task *t, size_t i, unsigned int flag);	/* VS_FRAME_... */
size_t why_frames__first(const struct vs_ev_task *t, size_t from, unsigned int flag);
bool why_frames__waiting(const struct vs_ev_task *t);

/* Returns true if its stack shows that it reads the rwsem which @writer, a waiting task, asks for. */
bool why_frames__reads(const struct vs_ev_task *t, const struct vs_ev_task *writer);
bool why_frames__is_long(const struct vs_ev_task *t, uint64_t seconds);	/* or not known */

/* Returns true if its driver's function waits for a lock that is no device's, nor the kernel's at large. */
bool why_frames__driver_lock(const struct vs_ev_task *t);

/* Finds the frames where it changes a chain, and where a chain called it. */
bool why_frames__chain_deadlock(const struct vs_ev_task *t, size_t *change, size_t *call);

/* Finds the frame in which an unbind waits in VFIO; the other tells if it waits for the device's users. */
size_t why_frames__unregister(const struct vs_ev_task *t);
bool why_frames__waits_for_users(const struct vs_ev_task *t, const struct vs_snap_device *d);

/* Returns true if it is of the driver core or of a bus: the function that it calls is the driver's. */
bool why_frames__is_core(const char *frame);

/* Finds the frame of the driver's own function; none if the core or its notifiers wait. */
size_t why_frames__driver(const struct vs_ev_task *t);

/*
 * Returns true if it sleeps in such a function, not VFIO's, and not yet for long: it may poll there
 * forever, or be done soon. A second look, why_frames__same_driver(), sets stayed_ns.
 */
bool why_frames__is_brief(const struct vs_ev_task *t);
bool why_frames__is_open(const struct vs_ev_task *t); /* brief, and not looked at again */
bool why_frames__in_rounds(const struct vs_ev_task *t);

/* Returns true if both are in the same function of a driver, for the same device. */
bool why_frames__same_driver(const struct vs_ev_task *a, const struct vs_ev_task *b);

/* Returns true if both are in the same function of VFIO, or of a driver for the same device. */
bool why_frames__same_place(const struct vs_ev_task *a, const struct vs_ev_task *b);

/* Finds the frame of iommufd's wait for the users of an object; none unless it waits right there. */
size_t why_frames__iommufd(const struct vs_ev_task *t);

/* Returns true if two looks found it running there: it does not sleep, and does not come back. */
bool why_frames__keeps_running(const struct vs_ev_task *t);

/* -- the kinds of cases; 0 or -ENOMEM -- */

/* Adds a task whose own frames say why it waits; others may wait for it. */
int why_roots__add(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t);
int why_roots__add_unexplained(struct vs_why *why, const struct vs_evidence *e,
			       const struct vs_ev_task *t);

/* Adds devices and groups whose waiter is no task in sight. */
int why_roots__add_unseen(struct vs_why *why, const struct vs_evidence *e);

/* Returns true if it waits for a lock that no task can give back any more. */
bool why_frames__owner_is_dead(const struct vs_evidence *e, const struct vs_ev_task *t);
int why_roots__add_dead_owner(struct vs_why *why, const struct vs_evidence *e,
			      const struct vs_ev_task *t);

/* Adds a driver that waits for a lock, which is no device's and not the kernel's at large. */
int why_roots__add_driver_lock(struct vs_why *why, const struct vs_evidence *e,
			       const struct vs_ev_task *t);

/* -- tree.c: who waits for whom -- */

/* A tree has these tasks; waits() returns true if @t waits for @of, *likely if @of is one of several. */
struct why_tree {
	const struct vs_ev_task *tasks;
	size_t nr;
	bool (*waits)(const struct vs_why_case *c, const struct vs_evidence *e, const struct vs_ev_task *t,
		      const struct vs_ev_task *of, bool *likely);
};

/* Adds all tasks that wait for the task of the case, and those that wait for these. 0 or -ENOMEM. */
int why_tree__grow(struct vs_why_case *c, const struct vs_evidence *e, const struct why_tree *tree);

/* Inserts one of them at c->victims[@at], up to a limit of victims. */
int why_tree__add(struct vs_why_case *c, size_t at, const struct vs_ev_task *t, unsigned int depth, bool likely);

/* Returns true if it is the task of the case or one of its victims; the other asks that of all cases. */
bool why_tree__has(const struct vs_why_case *c, const struct vs_ev_task *t);
bool why_tree__explains(const struct vs_why *why, const struct vs_ev_task *t);

/* Returns the owner of the lock that it waits for, NULL: not known; the last in a chain of owners. */
const struct vs_ev_task *why_tree__owner(const struct vs_evidence *e, const struct vs_ev_task *t);
const struct vs_ev_task *why_tree__top(const struct vs_evidence *e, const struct vs_ev_task *t);

/* Adds all tasks that wait for the task of the case, as a tree. */
int why_victims__add(struct vs_why_case *c, const struct vs_evidence *e);

/* Adds locks whose owner has ended, with the tasks that wait for them. */
int why_victims__add_dead_owners(struct vs_why *why, const struct vs_evidence *e);

/* Adds drivers that wait for a lock and are in no tree, each with its own tree. */
int why_victims__add_driver_locks(struct vs_why *why, const struct vs_evidence *e);

/* Adds tasks that have waited for long in VFIO or in the driver core and are in no tree. */
int why_victims__add_unexplained(struct vs_why *why, const struct vs_evidence *e);

/* -- cycles.c: who waits for each other -- */

/* Returns true if the task waits for a lock, whose owner waits for a lock ... whose owner is the task. */
bool why_cycles__has(const struct vs_evidence *e, const struct vs_ev_task *t);
int why_cycles__prove(struct vs_why_case *c, const struct vs_evidence *e);	/* lists the waits */

/* Sets c->waits_back when a holder is among the victims; 0 or -ENOMEM. */
int why_cycles__find_back(struct vs_why_case *c);

/* -- iommufd.c: a wait of iommufd's own -- */

/* Adds a case for a task in which why_frames__iommufd() finds a frame. 0 or -ENOMEM. */
int why_iommufd__add(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t);

/* Sets in_iommufd where a task of such a case is the holder of another one. */
void why_iommufd__link(struct vs_why *why);
void why_iommufd__advise(struct vs_why_case *c);

int why_puts__add_late(struct vs_why *why, const struct vs_evidence *e);
int why_puts__add_leaks(struct vs_why *why, const struct vs_evidence *e);

/* -- logged.c, logged_words.c: what a kernel's log shows, where there is nothing else -- */

int why_logged__add(struct vs_why *why, const struct vs_evidence *e);
int why_logged__add_nothing(struct vs_why *why, const struct vs_evidence *e,
			    const struct vs_why_subject *s);

/*
 * Adds why->notes from the log of a host, as far as they are about @subject or a case, and for how long VFIO has
 * asked for a device. Call when the cases are kept. 0 or -ENOMEM.
 */
int why_logged__add_notes(struct vs_why *why, const struct vs_evidence *e, const struct vs_why_subject *subject);

/* Returns true if something of the text looks like a kernel's log. */
bool why_logged__is_of_kernel(const struct vs_evidence *e);
void why_logged__advise(const struct vs_evidence *e, struct vs_why_case *c);

/* Returns true if there is only VFIO's message, and nothing tells that its wait goes on. */
bool why_logged__is_vague(const struct vs_why_case *c);

/* Returns true if its stack is whole, and it sleeps. */
bool why_logged__sleeps(const struct vs_ev_task *t);

/* Returns the task that died inside of VFIO in this boot, other than in a bind or unbind; NULL: none. */
const struct vs_ev_task *why_logged__dead_user(const struct vs_evidence *e, uint32_t boot);

/* Returns the task that died in another driver than VFIO's in a bind or unbind; NULL: none. */
const struct vs_ev_task *why_logged__dead_driver(const struct vs_evidence *e, uint32_t boot);

/* Returns true if it asks for a device's lock in a way that the device's user may. */
bool why_logged__may_be_user(const struct vs_ev_task *t);

/* Returns true if the function waits for a device or for an IOMMU. */
bool why_logged__is_of_hardware(const char *frame);
bool why_logged__asks_hardware(const struct vs_ev_task *t);	/* it is in such a function, called by VFIO */

/* "bash[8657]", or "a task" where the text has no name. Returns @buf. */
const char *why_logged__name(const struct vs_ev_task *t, char *buf, size_t size);

/* -- asked.c: of a subject only -- */

void why_asked__keep(struct vs_why *why, const struct vs_evidence *e,
		     const struct vs_why_subject *s);
int why_asked__add_nothing(struct vs_why *why, const struct vs_evidence *e,
			   const struct vs_why_subject *s);

/* -- start_case.c: what keeps a VM from starting, where nothing waits -- */

/* Sets c->start from the facts about @s, and the verdict if something of them blocks. 0 or -ENOMEM. */
int why_start__add(const struct vs_evidence *e, const struct vs_why_subject *s, struct vs_why_case *c);
void why_start__advise(struct vs_why_case *c, const char *what);
void why_start__note(struct vs_why_case *c);	/* adds to c->says what is worth to know, and no hindrance */

/* Sets why->asked: the victim that was asked about, or that removes the device which was. */
void why_asked__find(struct vs_why *why, const struct vs_evidence *e,
		     const struct vs_why_subject *s);

#endif
