/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compares the text of the loaded vfio.ko with its file, in which we find the places of probes.
 * Other checks find livepatches and other builds (patched.h, the build-id), but not what somebody
 * has written over the text in memory.
 */
#ifndef VFIOSCOPE_TEXT_CHECK_H
#define VFIOSCOPE_TEXT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privilege/keeper.h"
#include "probe/facts.h"

enum vs_text_state {
	VS_TEXT_NOT_COMPARED = 0, /* nothing is known: words say why */
	VS_TEXT_NOT_LOADED,	/* there is none in memory */
	VS_TEXT_AS_FILE,
	VS_TEXT_CHANGED,	/* words say where */
};

struct vs_text_check {
	enum vs_text_state state;
	/*
	 * CHANGED: "text of vfio_group_put_bg in memory is not that of FILE (+0x12, 5 bytes)";
	 * NOT_COMPARED: "/proc/kcore cannot be read: ..."
	 */
	char words[240];
	size_t bytes, nr_funcs;	/* compared */
	size_t nr_ranges;	/* that the kernel may change, as the file lists them */
	size_t nr_probes;	/* of anybody, in what was compared */
	uint64_t ns;		/* that it took */
};

/*
 * Compares what `facts` has of the file with memory, and notes in facts->vfio.text which
 * bytes differ. Anybody's kprobes are known from /sys/kernel/debug/kprobes/list. A difference
 * is looked at again twice, 10 ms apart: somebody may be writing. `keeper` reads memory for
 * us, NULL: read here. Some 1 ms, of which most is the opening of files. Never fails.
 */
void vs_text_check__run(const char *root, const struct vs_facts *facts, struct vs_keeper *keeper,
			struct vs_text_check *check);

#define VS_TEXT_NEWS_WORDS 320

/* The state that a run keeps of it. Starts all zero. */
struct vs_text_watch {
	uint64_t compared_ns;	/* when it was compared last */
	bool was_compared;	/* it could be, then */
};

enum vs_text_news {
	VS_TEXT_NO_NEWS = 0,
	VS_TEXT_IN_ORDER,	/* the difference is gone */
	VS_TEXT_IS_OTHER,	/* where, in words */
	VS_TEXT_LAPSED,		/* it could be compared, and cannot any more: why, in words */
};

/* Every 5 s, by CLOCK_MONOTONIC. */
bool vs_text_watch__is_due(const struct vs_text_watch *w, uint64_t now);

/* Returns what a comparison made now means for the run. Pure. */
enum vs_text_news vs_text_watch__take(struct vs_text_watch *w, const struct vs_text_check *check,
				      uint64_t now, char words[VS_TEXT_NEWS_WORDS]);

#endif
