// SPDX-License-Identifier: GPL-2.0
#include "sink/sink.h"

int vs_sink__flush(struct vs_sink *s)
{
	return s->ops->flush(s);
}

void vs_sink__free(struct vs_sink *s)
{
	if (!s)
		return;
	s->ops->flush(s);
	s->ops->free(s);
}
