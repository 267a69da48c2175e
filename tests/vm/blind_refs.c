// SPDX-License-Identifier: GPL-2.0
/*
 * "vfioscope refs" whose looks at the host fail while /run/blind exists: linked so that
 * this one is called in place of vs_snapper__take().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "snapshot/snapshot.h"

int __real_vs_snapper__take(struct vs_snapper *snapper, struct vs_snapshot *s, char *error,
			    size_t size);
int __wrap_vs_snapper__take(struct vs_snapper *snapper, struct vs_snapshot *s, char *error,
			    size_t size);

int __wrap_vs_snapper__take(struct vs_snapper *snapper, struct vs_snapshot *s, char *error,
			    size_t size)
{
	int fd = open("/run/blind", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return __real_vs_snapper__take(snapper, s, error, size);
	close(fd);
	snprintf(error, size, "no snapshot: made to fail");
	return -ENOMEM;
}

int main(int argc, char **argv)
{
	return vs_cmd_refs.run(argc, argv);
}
