// SPDX-License-Identifier: GPL-2.0
/*
 * The engine with room for one task inside a notifier chain: what does not fit is counted.
 * Until SIGINT. Prints "armed", then at the end a line "records N" and one for each cause of loss.
 */
#include <errno.h>
#include <stdio.h>

#include "base/stop.h"
#include "event/names.h"
#include "probe/engine.h"

static void count(void *ctx, const void *data, size_t len)
{
	(void)data;
	(void)len;
	++*(unsigned long *)ctx;
}

int main(void)
{
	unsigned long records = 0;
	struct vs_engine_opts opts = { .max_tasks = 1, .record = count, .ctx = &records };
	char error[200];
	struct vs_engine *engine = vs_engine__new(&opts, error, sizeof(error));

	if (!engine || vs_engine__attach(engine)) {
		fprintf(stderr, "%s\n", engine ? "nothing can be armed" : error);
		return 1;
	}
	vs_stop__catch();
	setlinebuf(stdout);
	printf("armed\n");
	while (!vs_stop__asked())
		vs_engine__poll(engine, 20);
	vs_engine__drain(engine);
	printf("records %lu\n", records);
	for (unsigned int cause = 0; cause < VS_LOSS_KERNEL_END; cause++)
		printf("%s %llu\n", vs_loss__name(cause),
		       (unsigned long long)vs_engine__loss(engine, cause));
	vs_engine__free(engine);
	return 0;
}
