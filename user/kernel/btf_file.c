// SPDX-License-Identifier: GPL-2.0
#include "kernel/btf_file.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/btf.h"
#include "privilege/caps.h"

static const char *given;

int vs_btf_file__give(const char *path)
{
	struct vs_btf *btf;

	if (given)
		return -EEXIST;
	btf = vs_btf__read(path, NULL);
	if (!btf)
		return -errno;
	vs_btf__free(btf);
	given = path;
	return 0;
}

const char *vs_btf_file__given(void)
{
	return given;
}

const char *vs_btf_file__path(const char *root, char buf[PATH_MAX])
{
	if (given)
		return given;
	snprintf(buf, PATH_MAX, "%s" VS_BTF_VMLINUX, root);
	return buf;
}

bool vs_btf_file__in_kernel(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" VS_BTF_VMLINUX, root);
	return !access(path, R_OK);
}

void vs_btf_file__open_opts(struct bpf_object_open_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->sz = sizeof(*opts);
	if (given)
		opts->btf_custom_path = given;
	else if (!(vs_caps__effective() & VS_CAP_BIT(CAP_SYS_ADMIN)) && vs_btf_file__in_kernel(""))
		opts->btf_custom_path = VS_BTF_VMLINUX;
}
