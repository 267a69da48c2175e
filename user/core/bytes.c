// SPDX-License-Identifier: GPL-2.0
/*
 * A stream begins with a page that names it; then come pieces, each with its place and its
 * length, big-endian, until both are -1. Later pieces replace earlier ones.
 */
#include "core/bytes.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"

#define STREAM_NAME "makedumpfile"
#define STREAM_HEADER 4096
#define MAX_PIECES (4u << 20)	/* 96 MiB of them; QEMU writes some 16,000 for 1 GiB */

static int read_plain(const struct vs_core_bytes *b, uint64_t at, void *buf, size_t len)
{
	size_t done = 0;
	ssize_t got;

	if (at > b->len || len > b->len - at)
		return -ENODATA;
	if (b->fd < 0) {
		memcpy(buf, b->memory + at, len);
		return 0;
	}
	while (done < len) {
		got = pread(b->fd, (char *)buf + done, len - done, (off_t)(at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -EIO : -ENODATA;
		done += (size_t)got;
	}
	return 0;
}

/* The last piece that begins at or before @at. */
static const struct vs_core_piece *piece_of(const struct vs_core_bytes *b, uint64_t at)
{
	size_t nr = VS_ROWS_UP_TO(b->pieces, b->nr_pieces, at, at);

	return nr ? &b->pieces[nr - 1] : NULL;
}

int vs_core_bytes__read(const struct vs_core_bytes *b, uint64_t at, void *buf, size_t len)
{
	size_t done = 0, part;
	int err = 0;

	if (!b->pieces)
		return read_plain(b, at, buf, len);
	for (; done < len && !err; done += part) {
		const struct vs_core_piece *p = piece_of(b, at + done);
		uint64_t in = p ? at + done - p->at : 0;

		if (!p || in >= p->len)
			return -ENODATA;
		part = p->len - in < len - done ? (size_t)(p->len - in) : len - done;
		err = read_plain(b, p->from + in, (char *)buf + done, part);
	}
	return err;
}

static int add_piece(struct vs_core_bytes *b, size_t *room, const struct vs_core_piece *piece)
{
	struct vs_core_piece *grown;

	if (b->nr_pieces == MAX_PIECES)
		return -EFBIG;
	if (b->nr_pieces == *room) {
		*room = 2 * *room + 1024;
		grown = realloc(b->pieces, *room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		b->pieces = grown;
	}
	b->pieces[b->nr_pieces++] = *piece;
	return 0;
}

/* Sorts by place. Of two pieces at one place the later one comes first, and then hides the other. */
static int by_place(const void *a, const void *b)
{
	const struct vs_core_piece *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->from > y->from ? -1 : x->from < y->from;
}

/*
 * Cuts what a neighbour overlaps, so that each byte has one place: makedumpfile writes its header again at the
 * end, at the same place and as long as before. Another overlap is cut at the next one's start.
 */
static void put_in_order(struct vs_core_bytes *b)
{
	size_t kept = 0;

	qsort(b->pieces, b->nr_pieces, sizeof(*b->pieces), by_place);
	for (size_t i = 0; i < b->nr_pieces; i++) {
		struct vs_core_piece p = b->pieces[i], *last = kept ? &b->pieces[kept - 1] : NULL;

		if (last && last->at == p.at && last->len >= p.len)
			continue;
		if (last && last->at == p.at) {
			p.at += last->len;
			p.from += last->len;
			p.len -= last->len;
		} else if (last && p.at - last->at < last->len) {
			last->len = p.at - last->at;
		}
		b->pieces[kept++] = p;
	}
	b->nr_pieces = kept;
}

/* A piece that is cut off at the end counts as not written. */
static int read_stream(struct vs_core_bytes *b)
{
	uint64_t at = STREAM_HEADER, head[2];
	size_t room = 0;
	int err = 0;

	while (!err && !read_plain(b, at, head, sizeof(head))) {
		struct vs_core_piece p = { be64toh(head[0]), be64toh(head[1]), at + sizeof(head) };

		if (p.at == UINT64_MAX || p.len > b->len - p.from || p.at > INT64_MAX - p.len)
			break;
		if (p.len)
			err = add_piece(b, &room, &p);
		at = p.from + p.len;
	}
	if (!err && !b->nr_pieces)
		err = -ENODATA;
	if (!err)
		put_in_order(b);
	return err;
}

static int begin(struct vs_core_bytes *b)
{
	char name[sizeof(STREAM_NAME)];

	if (read_plain(b, 0, name, sizeof(name)) || memcmp(name, STREAM_NAME, sizeof(name)))
		return 0;
	return read_stream(b);
}

int vs_core_bytes__open(const char *path, struct vs_core_bytes *b)
{
	struct stat st;

	memset(b, 0, sizeof(*b));
	b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (b->fd < 0)
		return -errno;
	if (fstat(b->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
	b->len = (uint64_t)st.st_size;
	return begin(b);
}

int vs_core_bytes__of(const void *memory, size_t len, struct vs_core_bytes *b)
{
	*b = (struct vs_core_bytes){ .fd = -1, .memory = memory, .len = len };
	return begin(b);
}

void vs_core_bytes__close(struct vs_core_bytes *b)
{
	if (b->fd >= 0)
		close(b->fd);
	free(b->pieces);
	*b = (struct vs_core_bytes){ .fd = -1 };
}
