// SPDX-License-Identifier: GPL-2.0
/* Unpacks what modules and kernels are packed with; the first bytes tell the formats apart. */
#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "code/unpack.h"

#define XZ_MEMORY	(128u << 20)	/* xz -9 needs 65 MiB */

enum step { STEP_MORE, STEP_DONE, STEP_DAMAGED, STEP_NO_MEMORY };

struct window {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

/* One decompressor: `step` moves some bytes from in to out. */
struct codec {
	const char *name;
	uint8_t magic[6];
	uint8_t magic_len;
	void *(*open)(void);
	enum step (*step)(void *state, struct window *win);
	void (*close)(void *state);
};

static void *xz__open(void)
{
	lzma_stream init = LZMA_STREAM_INIT;
	lzma_stream *state = malloc(sizeof(*state));

	if (!state)
		return NULL;
	*state = init;
	if (lzma_stream_decoder(state, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK)
		return state;
	free(state);
	return NULL;
}

static enum step xz__step(void *state, struct window *win)
{
	lzma_stream *xz = state;
	lzma_ret ret;

	xz->next_in = win->in;
	xz->avail_in = win->in_len;
	xz->next_out = win->out;
	xz->avail_out = win->out_len;
	ret = lzma_code(xz, LZMA_FINISH);
	*win = (struct window){ xz->next_in, xz->avail_in, xz->next_out, xz->avail_out };
	if (ret == LZMA_MEM_ERROR || ret == LZMA_MEMLIMIT_ERROR)
		return STEP_NO_MEMORY;
	if (ret == LZMA_STREAM_END)
		return STEP_DONE;
	return ret == LZMA_OK ? STEP_MORE : STEP_DAMAGED;
}

static void xz__close(void *state)
{
	lzma_end(state);
	free(state);
}

/* The format before xz: CONFIG_KERNEL_LZMA. */
static void *lzma__open(void)
{
	lzma_stream init = LZMA_STREAM_INIT;
	lzma_stream *state = malloc(sizeof(*state));

	if (!state)
		return NULL;
	*state = init;
	if (lzma_alone_decoder(state, XZ_MEMORY) == LZMA_OK)
		return state;
	free(state);
	return NULL;
}

static void *zstd__open(void)
{
	return ZSTD_createDStream();
}

static enum step zstd__step(void *state, struct window *win)
{
	ZSTD_inBuffer in = { win->in, win->in_len, 0 };
	ZSTD_outBuffer out = { win->out, win->out_len, 0 };
	size_t ret = ZSTD_decompressStream(state, &out, &in);

	if (ZSTD_isError(ret))
		return STEP_DAMAGED;
	*win = (struct window){ win->in + in.pos, win->in_len - in.pos,
				win->out + out.pos, win->out_len - out.pos };
	return !ret && !win->in_len ? STEP_DONE : STEP_MORE;
}

static void zstd__close(void *state)
{
	ZSTD_freeDStream(state);
}

static void *gzip__open(void)
{
	z_stream *state = calloc(1, sizeof(*state));

	if (state && inflateInit2(state, 16 + MAX_WBITS) == Z_OK)
		return state;
	free(state);
	return NULL;
}

static enum step gzip__step(void *state, struct window *win)
{
	z_stream *gz = state;
	int ret;

	gz->next_in = (Bytef *)(uintptr_t)win->in;
	gz->avail_in = (uInt)win->in_len;
	gz->next_out = win->out;
	gz->avail_out = (uInt)win->out_len;
	ret = inflate(gz, Z_NO_FLUSH);
	*win = (struct window){ gz->next_in, gz->avail_in, gz->next_out, gz->avail_out };
	if (ret == Z_MEM_ERROR)
		return STEP_NO_MEMORY;
	if (ret == Z_STREAM_END)	/* members may follow each other */
		return win->in_len && inflateReset(gz) == Z_OK ? STEP_MORE : STEP_DONE;
	return ret == Z_OK || ret == Z_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static void gzip__close(void *state)
{
	inflateEnd(state);
	free(state);
}

static void *bzip2__open(void)
{
	bz_stream *state = calloc(1, sizeof(*state));

	if (state && BZ2_bzDecompressInit(state, 0, 0) == BZ_OK)
		return state;
	free(state);
	return NULL;
}

static enum step bzip2__step(void *state, struct window *win)
{
	bz_stream *bz = state;
	int ret;

	bz->next_in = (char *)(uintptr_t)win->in;
	bz->avail_in = (unsigned int)win->in_len;
	bz->next_out = (char *)win->out;
	bz->avail_out = (unsigned int)win->out_len;
	ret = BZ2_bzDecompress(bz);
	*win = (struct window){ (uint8_t *)bz->next_in, bz->avail_in, (uint8_t *)bz->next_out,
				bz->avail_out };
	if (ret == BZ_MEM_ERROR)
		return STEP_NO_MEMORY;
	if (ret == BZ_STREAM_END)
		return STEP_DONE;
	return ret == BZ_OK ? STEP_MORE : STEP_DAMAGED;
}

static void bzip2__close(void *state)
{
	BZ2_bzDecompressEnd(state);
	free(state);
}

/*
 * lz4 -l, which the kernel's build uses: a magic, then blocks of at most 8 MiB, each after its
 * packed size. We unpack a block as a whole, and hand it out piece by piece.
 */
#define LZ4_BLOCK (8u << 20)

struct lz4 {
	bool begun;
	size_t len, taken;
	char block[LZ4_BLOCK];
};

static void *lz4__open(void)
{
	struct lz4 *state = malloc(sizeof(*state));

	if (!state)
		return NULL;
	state->begun = false;
	state->len = state->taken = 0;
	return state;
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static enum step lz4__next_block(struct lz4 *lz4, struct window *win)
{
	size_t packed;
	int len;

	if (win->in_len < 4)
		return STEP_DONE;
	packed = le32(win->in);
	if (packed > win->in_len - 4 || packed > LZ4_COMPRESSBOUND(LZ4_BLOCK))
		return STEP_DAMAGED;
	len = LZ4_decompress_safe((const char *)win->in + 4, lz4->block, (int)packed, LZ4_BLOCK);
	if (len <= 0)
		return STEP_DAMAGED;
	lz4->len = (size_t)len;
	lz4->taken = 0;
	win->in += 4 + packed;
	win->in_len -= 4 + packed;
	return STEP_MORE;
}

static enum step lz4__step(void *state, struct window *win)
{
	struct lz4 *lz4 = state;
	size_t nr;

	if (!lz4->begun) {
		win->in += 4;
		win->in_len -= 4;
		lz4->begun = true;
	}
	if (lz4->taken == lz4->len) {
		enum step step = lz4__next_block(lz4, win);

		if (step != STEP_MORE)
			return step;
	}
	nr = lz4->len - lz4->taken < win->out_len ? lz4->len - lz4->taken : win->out_len;
	memcpy(win->out, lz4->block + lz4->taken, nr);
	lz4->taken += nr;
	win->out += nr;
	win->out_len -= nr;
	return STEP_MORE;
}

static const struct codec codecs[] = {
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz__open, xz__step, xz__close },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd__open, zstd__step, zstd__close },
	{ "gzip", { 0x1f, 0x8b }, 2, gzip__open, gzip__step, gzip__close },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, lz4__open, lz4__step, free },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, bzip2__open, bzip2__step, bzip2__close },
	{ "lzma", { 0x5d, 0, 0 }, 3, lzma__open, xz__step, xz__close },
};

static const struct codec *codec__of(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (len >= codecs[i].magic_len &&
		    !memcmp(data, codecs[i].magic, codecs[i].magic_len))
			return &codecs[i];
	return NULL;
}

__attribute__((format(printf, 3, 4)))
static int fail(struct vs_unpack *u, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(u->error, sizeof(u->error), fmt, args);
	va_end(args);
	return err;
}

static int fail_size(struct vs_unpack *u, int err)
{
	if (err == -EFBIG)
		return fail(u, err, "larger than %zu MiB: not a kernel%s", u->max >> 20,
			    u->max > VS_UNPACK_MODULE ? "" : " module");
	return fail(u, err, "out of memory");
}

static int reserve(struct vs_unpack *u, size_t cap)
{
	uint8_t *bytes;

	if (cap > u->max)
		cap = u->max;
	if (cap <= u->cap)
		return -EFBIG;
	bytes = realloc(u->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	u->bytes = bytes;
	u->cap = cap;
	return 0;
}

/* Makes room for more bytes when there is none left. */
static int grow(struct vs_unpack *u)
{
	if (u->len < u->cap)
		return 0;
	return reserve(u, u->cap ? u->cap * 2 : 64 << 10);
}

/* Runs until the packed bytes are used up; each round has to move something. */
static int codec__run(const struct codec *codec, void *state, struct window *win,
		      struct vs_unpack *u)
{
	for (;;) {
		int err = grow(u);
		size_t in_before = win->in_len;
		enum step step;

		if (err)
			return fail_size(u, err);
		win->out = u->bytes + u->len;
		win->out_len = u->cap - u->len;
		step = codec->step(state, win);
		if (step == STEP_NO_MEMORY)
			return fail(u, -ENOMEM, "%s: needs too much memory", codec->name);
		if (step == STEP_DAMAGED)
			return fail(u, -ENOEXEC, "%s: damaged", codec->name);
		if (step == STEP_MORE && win->in_len == in_before &&
		    win->out_len == u->cap - u->len)
			return fail(u, -ENOEXEC, "%s: ends too early", codec->name);
		u->len = u->cap - win->out_len;
		if (step == STEP_DONE)
			return 0;
	}
}

const char *vs_unpack__packed_with(const void *data, size_t len)
{
	const struct codec *codec = codec__of(data, len);

	return codec ? codec->name : NULL;
}

int vs_unpack__bytes(struct vs_unpack *u, const void *data, size_t len)
{
	const struct codec *codec = codec__of(data, len);
	struct window win = { .in = data, .in_len = len };
	void *state;
	int err;

	if (!codec)
		return fail(u, -ENOEXEC, "not packed in a known way");
	state = codec->open();
	if (!state)
		return fail(u, -ENOMEM, "%s: out of memory", codec->name);
	err = codec__run(codec, state, &win, u);
	codec->close(state);
	return err;
}

static int read_all(int fd, struct vs_unpack *u)
{
	for (;;) {
		int err = grow(u);
		ssize_t got;

		if (err)
			return err;
		got = read(fd, u->bytes + u->len, u->cap - u->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		u->len += (size_t)got;
	}
}

static int read_fd(int fd, struct vs_unpack *u)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return fail(u, -errno, "cannot read: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(u, -ENOEXEC, "%s, not a %s file",
			    S_ISDIR(st.st_mode) ? "a directory" : "a special file",
			    u->max > VS_UNPACK_MODULE ? "kernel" : "module");
	/* one more byte, so that we see the end without doubling */
	err = (uint64_t)st.st_size < u->max ? reserve(u, (size_t)st.st_size + 1) : -EFBIG;
	if (!err)
		err = read_all(fd, u);
	if (err == -EFBIG || err == -ENOMEM)
		return fail_size(u, err);
	return err ? fail(u, err, "cannot read: %s", strerror(-err)) : 0;
}

int vs_unpack__read(struct vs_unpack *u, const char *path)
{
	/* O_NONBLOCK: refuse a FIFO given by mistake, do not wait for it */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0)
		return fail(u, -errno, "cannot open: %s", strerror(errno));
	err = read_fd(fd, u);
	close(fd);
	return err;
}

void vs_unpack__free(struct vs_unpack *u)
{
	free(u->bytes);
	u->bytes = NULL;
	u->len = u->cap = 0;
}
