/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STRESS_ONE_LINE_H
#define STRESS_ONE_LINE_H

/*
 * One line on stderr, "vfio-stress: words: what"; `what` may be NULL. Of each part 90
 * characters at most, and what is not printable ASCII as a question mark.
 */
void st_say_line(const char *words, const char *what);

#endif
