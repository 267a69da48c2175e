// SPDX-License-Identifier: GPL-2.0
/* Reads a module file, unpacks it by its magic, and has the ELF image parsed. */
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "kmod.h"
#include "kmod_priv.h"

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

static const struct codec codecs[] = {
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz__open, xz__step, xz__close },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd__open, zstd__step, zstd__close },
	{ "gzip", { 0x1f, 0x8b }, 2, gzip__open, gzip__step, gzip__close },
};

static const struct codec *codec__of(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (len >= codecs[i].magic_len &&
		    !memcmp(data, codecs[i].magic, codecs[i].magic_len))
			return &codecs[i];
	return NULL;
}

static int blob__reserve(struct vs_blob *blob, size_t cap)
{
	uint8_t *bytes;

	if (cap > VS_KMOD_MAX_BYTES)
		cap = VS_KMOD_MAX_BYTES;
	if (cap <= blob->cap)
		return -EFBIG;
	bytes = realloc(blob->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	blob->bytes = bytes;
	blob->cap = cap;
	return 0;
}

/* Room for more bytes when there is none left. */
static int blob__grow(struct vs_blob *blob)
{
	if (blob->len < blob->cap)
		return 0;
	return blob__reserve(blob, blob->cap ? blob->cap * 2 : 64 << 10);
}

static int fail_size(struct vs_kmod *kmod, int err)
{
	if (err == -EFBIG)
		return vs_kmod__fail(kmod, err, "larger than %u MiB: not a kernel module",
				     VS_KMOD_MAX_BYTES >> 20);
	return vs_kmod__fail(kmod, err, "out of memory");
}

/* Runs until the packed bytes are used up; each round has to move something. */
static int codec__run(const struct codec *codec, void *state, struct window *win,
		      struct vs_blob *out, struct vs_kmod *kmod)
{
	for (;;) {
		int err = blob__grow(out);
		size_t in_before = win->in_len;
		enum step step;

		if (err)
			return fail_size(kmod, err);
		win->out = out->bytes + out->len;
		win->out_len = out->cap - out->len;
		step = codec->step(state, win);
		if (step == STEP_NO_MEMORY)
			return vs_kmod__fail(kmod, -ENOMEM, "%s: needs too much memory",
					     codec->name);
		if (step == STEP_DAMAGED)
			return vs_kmod__fail(kmod, -ENOEXEC, "%s: damaged", codec->name);
		if (step == STEP_MORE && win->in_len == in_before &&
		    win->out_len == out->cap - out->len)
			return vs_kmod__fail(kmod, -ENOEXEC, "%s: ends too early", codec->name);
		out->len = out->cap - win->out_len;
		if (step == STEP_DONE)
			return 0;
	}
}

static int codec__unpack(const struct codec *codec, const void *data, size_t len,
			 struct vs_blob *out, struct vs_kmod *kmod)
{
	struct window win = { .in = data, .in_len = len };
	void *state = codec->open();
	int err;

	if (!state)
		return vs_kmod__fail(kmod, -ENOMEM, "%s: out of memory", codec->name);
	err = codec__run(codec, state, &win, out, kmod);
	codec->close(state);
	return err;
}

static int unpack_and_parse(const void *data, size_t len, const char *const *callees,
			    struct vs_kmod *kmod)
{
	const struct codec *codec = codec__of(data, len);
	struct vs_blob out = { 0 };
	int err;

	if (len > VS_KMOD_MAX_BYTES)
		return fail_size(kmod, -EFBIG);
	kmod->compression = codec ? codec->name : "none";
	if (!codec)
		return vs_kmod__parse_elf(data, len, callees, kmod);
	err = codec__unpack(codec, data, len, &out, kmod);
	if (!err)
		err = vs_kmod__parse_elf(out.bytes, out.len, callees, kmod);
	free(out.bytes);
	return err;
}

static int read_all(int fd, struct vs_blob *blob)
{
	for (;;) {
		int err = blob__grow(blob);
		ssize_t got;

		if (err)
			return err;
		got = read(fd, blob->bytes + blob->len, blob->cap - blob->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		blob->len += (size_t)got;
	}
}

static int read_fd(int fd, struct vs_blob *blob, struct vs_kmod *kmod)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return vs_kmod__fail(kmod, -errno, "cannot read: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return vs_kmod__fail(kmod, -ENOEXEC, "%s, not a module file",
				     S_ISDIR(st.st_mode) ? "a directory" : "a special file");
	/* one more, so that the end is seen without doubling */
	err = st.st_size < VS_KMOD_MAX_BYTES ? blob__reserve(blob, (size_t)st.st_size + 1) :
					       -EFBIG;
	if (!err)
		err = read_all(fd, blob);
	if (err == -EFBIG || err == -ENOMEM)
		return fail_size(kmod, err);
	return err ? vs_kmod__fail(kmod, err, "cannot read: %s", strerror(-err)) : 0;
}

static int read_file(const char *path, struct vs_blob *blob, struct vs_kmod *kmod)
{
	/* O_NONBLOCK: a FIFO given by mistake is refused, not waited for */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0)
		return vs_kmod__fail(kmod, -errno, "cannot open: %s", strerror(errno));
	err = read_fd(fd, blob, kmod);
	close(fd);
	return err;
}

/* After a failure nothing but the words is left. */
static int finish(struct vs_kmod *kmod, int err)
{
	char error[sizeof(kmod->error)];

	if (!err)
		return 0;
	memcpy(error, kmod->error, sizeof(error));
	vs_kmod__free(kmod);
	memcpy(kmod->error, error, sizeof(error));
	return err;
}

static int start(struct vs_kmod *kmod, const char *path)
{
	memset(kmod, 0, sizeof(*kmod));
	kmod->path = strdup(path);
	return kmod->path ? 0 : vs_kmod__fail(kmod, -ENOMEM, "out of memory");
}

int vs_kmod__parse(const void *data, size_t len, const char *const *callees,
		   struct vs_kmod *kmod)
{
	int err = start(kmod, "");

	if (!err)
		err = unpack_and_parse(data, len, callees, kmod);
	return finish(kmod, err);
}

int vs_kmod__read(const char *path, const char *const *callees, struct vs_kmod *kmod)
{
	struct vs_blob blob = { 0 };
	int err = start(kmod, path);

	if (!err)
		err = read_file(path, &blob, kmod);
	if (!err)
		err = unpack_and_parse(blob.bytes, blob.len, callees, kmod);
	free(blob.bytes);
	return finish(kmod, err);
}
