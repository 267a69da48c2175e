// SPDX-License-Identifier: GPL-2.0
/*
 * Headers of boot images: Documentation/x86/boot.rst, Documentation/arm64/booting.rst,
 * drivers/firmware/efi/libstub/zboot-header.S.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "code/boot_image.h"

enum {
	X86_SETUP_SECTS = 0x1f1,
	X86_MAGIC = 0x202,
	X86_VERSION = 0x206,
	X86_PAYLOAD = 0x248,
	X86_PAYLOAD_LEN = 0x24c,
	X86_END = 0x250,
	ZBOOT_MAGIC = 4,
	ZBOOT_PAYLOAD = 8,
	ZBOOT_PAYLOAD_LEN = 12,
	ZBOOT_END = 16,
	ARM64_MAGIC = 0x38,
};

struct payload {
	const uint8_t *bytes;
	size_t len;
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_bzimage(const uint8_t *data, size_t len)
{
	/* payload_offset came with version 2.08 (v2.6.26) */
	return len >= X86_END && !memcmp(data + X86_MAGIC, "HdrS", 4) &&
	       (data[X86_VERSION] | data[X86_VERSION + 1] << 8) >= 0x208;
}

static bool is_zboot(const uint8_t *data, size_t len)
{
	return len >= ZBOOT_END && !memcmp(data, "MZ", 2) && !memcmp(data + ZBOOT_MAGIC, "zimg", 4);
}

bool vs_boot_image__is_raw_aarch64(const void *data, size_t len)
{
	return len >= ARM64_MAGIC + 4 && !memcmp((const char *)data + ARM64_MAGIC, "ARM\x64", 4);
}

bool vs_boot_image__is_packed(const void *data, size_t len)
{
	return is_bzimage(data, len) || is_zboot(data, len) || vs_unpack__packed_with(data, len);
}

static bool find_payload(const uint8_t *data, size_t len, struct payload *payload)
{
	uint64_t off = 0, bytes = len;

	if (is_bzimage(data, len)) {
		/* 0 means 4, for backwards compatibility */
		unsigned int sectors = data[X86_SETUP_SECTS] ? data[X86_SETUP_SECTS] : 4;

		off = (sectors + 1) * 512ull + le32(data + X86_PAYLOAD);
		bytes = le32(data + X86_PAYLOAD_LEN);
	} else if (is_zboot(data, len)) {
		off = le32(data + ZBOOT_PAYLOAD);
		bytes = le32(data + ZBOOT_PAYLOAD_LEN);
	}
	if (off > len || bytes > len - off)
		return false;
	payload->bytes = data + off;
	payload->len = bytes;
	return true;
}

/* The build appends the unpacked size, four bytes that only gzip has in its own format. */
static void drop_size(const char *compression, const uint8_t *data, size_t len,
		      struct payload *payload)
{
	if ((is_bzimage(data, len) || is_zboot(data, len)) && strcmp(compression, "gzip") &&
	    payload->len > 4)
		payload->len -= 4;
}

int vs_boot_image__unpack(const void *data, size_t len, struct vs_unpack *out,
			  const char **compression)
{
	struct payload payload;

	if (!find_payload(data, len, &payload)) {
		snprintf(out->error, sizeof(out->error), "damaged boot image: it ends too early");
		return -ENOEXEC;
	}
	*compression = vs_unpack__packed_with(payload.bytes, payload.len);
	if (!*compression) {
		snprintf(out->error, sizeof(out->error),
			 "a boot image, packed in a way that is not known here");
		return -ENOEXEC;
	}
	drop_size(*compression, data, len, &payload);
	return vs_unpack__bytes(out, payload.bytes, payload.len);
}
