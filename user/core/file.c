// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/file_priv.h"

#define SLOTS 2048		/* pages that are kept: 8 MiB */

struct vs_core_page {
	uint64_t pfn;		/* + 1; 0: the slot is empty */
	int error;
	uint8_t bytes[VS_CORE_PAGE];
};

static const struct vs_core_format *const formats[] = { &vs_core_elf, &vs_core_kdump };

/* These files are no dumps that can be read: `words` tells the user what to do instead. */
static const struct {
	const char *magic;
	const char *words;
} others[] = {
	{ "LibvirtQemudSave", "saved by libvirt as a whole VM: made with virsh dump, but without --memory-only" },
	{ "LibvirtQemudPart", "a part of a VM that libvirt did not save to its end" },
	{ "QEVM", "the saved state of a VM, not a dump of its memory: virsh dump --memory-only makes one" },
	{ "DISKDUMP", "made by diskdump, which ended with Linux 2.6" },
	{ "\x1f\x8b", "packed as a whole: unpack it first (gunzip)" },
	{ "\x28\xb5\x2f\xfd", "packed as a whole: unpack it first (unzstd)" },
	{ "\xfd" "7zXZ", "packed as a whole: unpack it first (unxz)" },
	{ "\x89LZO", "packed as a whole: unpack it first (lzop -d)" },
	{ "\x04\"M\x18", "packed as a whole: unpack it first (unlz4)" },
};

static const char *words_of_other(const struct vs_core *core)
{
	char head[16] = "";

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		size_t len = strlen(others[i].magic);

		if (!vs_core_bytes__read(&core->bytes, 0, head, len) && !memcmp(head, others[i].magic, len))
			return others[i].words;
	}
	return "no dump of a machine's memory: neither an ELF core nor a kdump-compressed file";
}

/* One page packed in this way shows that all are. */
static int try_out(struct vs_core *core, char *error, size_t size)
{
	uint8_t byte;

	for (uint64_t mib = 1; mib < 64; mib++)
		if (vs_core__read(core, mib << 20, &byte, 1) == -ENOTSUP) {
			snprintf(error, size, "its pages are packed with lzo or snappy, which is not read here; repack "
				 "it: makedumpfile -c FILE NEW (zlib), or makedumpfile -z FILE NEW (zstd)");
			return -ENOTSUP;
		}
	return 0;
}

static int find_format(struct vs_core *core, char *error, size_t size)
{
	int ret = 0;

	error[0] = '\0';
	for (size_t i = 0; !ret && i < sizeof(formats) / sizeof(formats[0]); i++) {
		core->format = formats[i];
		ret = formats[i]->open(core, error, size);
	}
	if (ret == 1)
		return try_out(core, error, size);
	if (!ret)
		snprintf(error, size, "%s", words_of_other(core));
	else if (!error[0])
		snprintf(error, size, "%s", strerror(-ret));
	return ret ?: -EINVAL;
}

static int finish_open(struct vs_core *core, int err, char *error, size_t size)
{
	if (err) {
		snprintf(error, size, "%s", err == -EFBIG ?
			 "a stream of too many pieces; put it in order first: makedumpfile -R NEW < FILE" :
			 err == -ESPIPE ? "not a regular file: a dump is read here and there" : strerror(-err));
		return err;
	}
	core->cache = calloc(SLOTS, sizeof(*core->cache));
	if (!core->cache) {
		snprintf(error, size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	return find_format(core, error, size);
}

int vs_core__open(const char *path, struct vs_core *core, char *error, size_t size)
{
	memset(core, 0, sizeof(*core));
	return finish_open(core, vs_core_bytes__open(path, &core->bytes), error, size);
}

int vs_core__open_memory(const void *memory, size_t len, struct vs_core *core, char *error, size_t size)
{
	memset(core, 0, sizeof(*core));
	return finish_open(core, vs_core_bytes__of(memory, len, &core->bytes), error, size);
}

void vs_core__close(struct vs_core *core)
{
	if (core->format)
		core->format->close(core);
	vs_core_bytes__close(&core->bytes);
	free(core->cache);
	free(core->info);
	free(core->cpus);
	memset(core, 0, sizeof(*core));
	core->bytes.fd = -1;
}

static const struct vs_core_page *page_of(struct vs_core *core, uint64_t pfn)
{
	struct vs_core_page *page = &core->cache[(pfn ^ pfn >> 11) % SLOTS];

	if (page->pfn != pfn + 1) {
		page->error = core->format->read_page(core, pfn, page->bytes);
		page->pfn = pfn + 1;
	}
	return page;
}

int vs_core__read(struct vs_core *core, uint64_t physical, void *buf, size_t len)
{
	size_t done = 0, part;

	if (physical > INT64_MAX || len > INT64_MAX - physical)
		return -EFAULT;
	for (; done < len; done += part) {
		uint64_t at = physical + done;
		const struct vs_core_page *page = page_of(core, at / VS_CORE_PAGE);
		size_t in = at % VS_CORE_PAGE;

		if (page->error)
			return page->error;
		part = VS_CORE_PAGE - in < len - done ? VS_CORE_PAGE - in : len - done;
		memcpy((char *)buf + done, page->bytes + in, part);
	}
	return 0;
}
