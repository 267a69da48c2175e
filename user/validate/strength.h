/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much a run without a finding rules out. The dangerous case is a last put, and each one that the
 * worker made is a trial: a kernel that makes a share of them in the notifier would have deadlocked at the
 * first of those (all that `unfixed` was seen to make did). Assuming that the share does not depend on the
 * trial, none in N leaves a share below 1 - 0.05^(1/N) at a confidence of 95 %: 14 % for 20, 1 % for 299.
 */
#ifndef VFIOSCOPE_STRENGTH_H
#define VFIOSCOPE_STRENGTH_H

#include <stddef.h>
#include <stdint.h>

/* Returns the share, 0 to 1, that `nr` last puts without a deadlock leave possible at 95 %; 1 for none. */
double vs_strength__bound(uint64_t nr);

/* Returns the number of last puts that it takes to rule out `share`, above 0 and below 1. */
uint64_t vs_strength__needed(double share);

/* Parses "1%", "0.05%", with or without the sign; 0.0001 to 50. 0 or -EINVAL. */
int vs_strength__parse(const char *text, double *share);

/* Writes one sentence about `nr` last puts. */
void vs_strength__words(char *buf, size_t size, uint64_t nr);

#endif
