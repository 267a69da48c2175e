// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "snapshot/walk.h"

struct links {
	uint64_t next, prev;
};

/* next->prev must lead back: so no circle but the one through the head is followed. */
static int walk_once(const struct vs_mem *mem, uint64_t head, uint64_t *nodes, size_t max)
{
	struct links links, first;
	uint64_t from = head;
	size_t nr = 0;

	if (vs_mem__read(mem, head, &first, sizeof(first)))
		return -EFAULT;
	for (uint64_t at = first.next; at != head; from = at, at = links.next) {
		if (nr == max)
			return -ELOOP;
		if (vs_mem__read(mem, at, &links, sizeof(links)) || links.prev != from)
			return -EFAULT;
		nodes[nr++] = at;
	}
	return vs_mem__pointer(mem, head + sizeof(uint64_t)) == from ? (int)nr : -EFAULT;
}

int vs_walk__list(const struct vs_mem *mem, uint64_t head, uint64_t *nodes, size_t max)
{
	int nr = -EFAULT;

	for (int i = 0; i < VS_WALK_TRIES && nr == -EFAULT; i++)
		nr = walk_once(mem, head, nodes, max);
	return nr;
}

/* By words: the end of a page may come right after the end of a string. */
void vs_walk__string(const struct vs_mem *mem, uint64_t address, char *buf, size_t size)
{
	char word[8];
	size_t part;

	memset(buf, 0, size);
	for (size_t done = 0; done < size - 1; done += part) {
		part = sizeof(word) - (address + done) % sizeof(word);
		if (part > size - 1 - done)
			part = size - 1 - done;
		if (vs_mem__read(mem, address + done, word, part))
			return;
		memcpy(buf + done, word, part);
		if (memchr(word, '\0', part))
			break;
	}
	/* The bytes after the terminator are not part of the string. */
	part = strlen(buf);
	memset(buf + part, 0, size - part);
}
