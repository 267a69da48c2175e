// SPDX-License-Identifier: GPL-2.0
#include "ledger/frames.h"

#include <stdio.h>
#include <string.h>

static bool in_function(const char *frame, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(frame, name, len) && (!frame[len] || strchr("+.", frame[len]));
}

/*
 * Returns true if the frame belongs to a BPF program, its helper or the trampoline that calls it, not
 * to the kernel's own path. Such a frame has no name if the symbols were read before the program was
 * loaded.
 */
static bool is_own(const char *frame)
{
	return !strncmp(frame, "bpf_", 4) || !strncmp(frame, "0x", 2);
}

static bool same_function(const char *a, const char *b)
{
	size_t len = strcspn(a, "+");

	return len == strcspn(b, "+") && !strncmp(a, b, len);
}

/*
 * A traced function appears twice around the trampoline: once at the place it has reached, and once at
 * its very beginning, where it called the trampoline.
 */
static void add_frame(struct vs_frames *f, const char *name, bool *after_own)
{
	bool twice = *after_own && f->nr && same_function(f->name[f->nr - 1], name);

	*after_own = is_own(name);
	if (*after_own || twice)
		return;
	snprintf(f->name[f->nr++], VS_SITE_LEN, "%s", name);
}

bool vs_frames__resolve(struct vs_frames *f, struct vs_sites *sites, const uint64_t *ips,
			size_t nr)
{
	bool after_own = false;

	f->nr = 0;
	for (size_t i = 0; i < nr && i < VS_STACK_LEN; i++)
		add_frame(f, vs_sites__name(sites, ips[i]), &after_own);
	return f->nr;
}

size_t vs_frames__names(struct vs_sites *sites, const __u64 *ips, size_t nr,
			char (*names)[VS_SITE_LEN])
{
	bool after_own = false;
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		const char *name = vs_sites__name(sites, ips[i]);
		bool twice = after_own && n && same_function(names[n - 1], name);

		after_own = !strncmp(name, "bpf_", 4);
		if (!after_own && !twice)
			snprintf(names[n++], VS_SITE_LEN, "%s", name);
	}
	return n;
}

static void parse_line(struct vs_frames *f, const char *line, size_t len, bool *after_own)
{
	const char *at = memchr(line, ']', len);
	char frame[VS_SITE_LEN];
	size_t name;

	at = at ? at + 1 : line;
	len -= (size_t)(at - line);
	while (len && *at == ' ') {
		at++;
		len--;
	}
	name = strcspn(at, "/ \n");
	if (name > len)
		name = len;
	snprintf(frame, sizeof(frame), "%.*s", (int)name, at);
	if (name)
		add_frame(f, frame, after_own);
}

void vs_frames__parse(struct vs_frames *f, const char *text)
{
	bool after_own = false;

	f->nr = 0;
	while (*text && f->nr < VS_STACK_LEN) {
		size_t len = strcspn(text, "\n");

		parse_line(f, text, len, &after_own);
		text += len + (text[len] == '\n');
	}
}

size_t vs_frames__find(const struct vs_frames *f, size_t from, const char *name)
{
	for (size_t i = from; i < f->nr; i++)
		if (in_function(f->name[i], name))
			return i;
	return f->nr;
}

static size_t find_change(const struct vs_frames *f)
{
	static const char *const names[] = {
		"blocking_notifier_chain_unregister",
		"blocking_notifier_chain_register",
		"blocking_notifier_chain_cond_register",
		"blocking_notifier_chain_register_unique_prio",
	};
	size_t at = f->nr;

	for (size_t i = 0; at == f->nr && i < sizeof(names) / sizeof(names[0]); i++)
		at = vs_frames__find(f, 0, names[i]);
	return at;
}

static size_t find_call(const struct vs_frames *f, size_t from)
{
	size_t plain = vs_frames__find(f, from, "blocking_notifier_call_chain");
	size_t robust = vs_frames__find(f, from, "blocking_notifier_call_chain_robust");

	return plain < robust ? plain : robust;
}

bool vs_frames__tell(const struct vs_frames *f)
{
	size_t change = find_change(f);

	return change < f->nr && find_call(f, change) < f->nr;
}

/* The function that the chain called: just inside notifier_call_chain, if not inlined. */
static size_t find_callback(const struct vs_frames *f, size_t change, size_t call)
{
	size_t walk = vs_frames__find(f, change, "notifier_call_chain");

	return (walk < call ? walk : call) - 1;
}

static void copy_frame(const struct vs_frames *f, size_t i, char *buf)
{
	snprintf(buf, VS_SITE_LEN, "%s", i < f->nr ? f->name[i] : "");
}

/* The caller tells more than the wrappers of the iommu core. */
static size_t skip_wrapper(const struct vs_frames *f, size_t i)
{
	if (i < f->nr && (in_function(f->name[i], "iommu_group_unregister_notifier") ||
			  in_function(f->name[i], "iommu_group_register_notifier")))
		i++;
	return i;
}

static void copy_function(const struct vs_frames *f, size_t i, char *buf)
{
	copy_frame(f, i, buf);
	buf[strcspn(buf, "+")] = '\0';
}

void vs_frames__places(const struct vs_frames *f, char *change, char *call, char *callback)
{
	size_t changed = find_change(f), inner = changed < f->nr ? changed : 0, called;

	if (*callback && vs_frames__find(f, inner, callback) < f->nr)
		inner = vs_frames__find(f, inner, callback);
	called = find_call(f, inner);
	copy_frame(f, changed < f->nr ? skip_wrapper(f, changed + 1) : f->nr, change);
	copy_frame(f, called < f->nr ? called + 1 : f->nr, call);
	if (!*callback && called < f->nr && called > changed)
		copy_function(f, find_callback(f, changed, called), callback);
}

void vs_frames__print(const struct vs_frames *f, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < f->nr && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s\n", f->name[i]);
}
