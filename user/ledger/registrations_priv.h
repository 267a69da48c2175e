/* SPDX-License-Identifier: GPL-2.0 */
/* Only the files of the ledger of registrations share this header. */
#ifndef VFIOSCOPE_LEDGER_REGISTRATIONS_PRIV_H
#define VFIOSCOPE_LEDGER_REGISTRATIONS_PRIV_H

#include "base/lru.h"
#include "ledger/registrations.h"
#include "vfio/functions.h"

struct vs_registrations {
	struct vs_registrations_opts opts;
	struct vs_lru *books;	/* struct vs_registration_book by the address of the device */
	struct vs_stacks *stacks;
	struct vs_registrations_totals past;	/* of devices that are gone */
	size_t nr_refs;
	uint64_t refused;
	uint64_t seed_start_seq, seeded_seq; /* the first snapshot was taken between these records */
	size_t nr_waiting;
	uint64_t said;
	bool no_gets;
	struct vs_finding finding;	/* built here */
};

/* -- registrations.c -- */
struct vs_registration_book *registrations_book(struct vs_registrations *r, uint64_t device);
struct vs_registration_book *registrations_new_book(struct vs_registrations *r, uint64_t device);
struct vs_registration *registrations_add(struct vs_registrations *r,
					  struct vs_registration_book *b, unsigned int class);
void registrations_drop(struct vs_registrations *r, struct vs_registration_book *b,
			struct vs_registration *ref);
void registrations_end(struct vs_registrations *r, struct vs_registration_book *b);

/* -- registrations_match.c -- */
enum vs_registration_role registrations_role(const struct vs_registrations *r,
					     const struct vs_event *e, uint64_t *place);
void registrations_get(struct vs_registrations *r, struct vs_registration_book *b,
		       const struct vs_event *e);
void registrations_put(struct vs_registrations *r, struct vs_registration_book *b,
		       const struct vs_event *e);

/* -- registrations_wait.c -- */
void registrations_wait_begins(struct vs_registrations *r, struct vs_registration_book *b,
			       const struct vs_event *e);
void registrations_wait_put(struct vs_registrations *r, struct vs_registration_book *b,
			    const struct vs_event *e);
/* The task continues: its device has left the group. */
void registrations_wait_ends(struct vs_registrations *r, const struct vs_event *e);

#endif
