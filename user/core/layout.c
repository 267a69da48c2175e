// SPDX-License-Identifier: GPL-2.0
#include "core/layout.h"

#include <string.h>

#include "kernel/btf.h"
#include "snapshot/layout.h"

#define QUERY(name, type, member) { type, member, VS_ABSENT },
static const struct vs_btf_query questions[] = { VS_CORE_FIELDS(QUERY) };
#undef QUERY

#define ASSIGN(name, type, member) layout->name = (q++)->answer;
static void take_answers(struct vs_core_layout *layout, const struct vs_btf_query *q)
{
	VS_CORE_FIELDS(ASSIGN)
}
#undef ASSIGN

static struct vs_core_bits bits_of(const struct vs_btf *btf, const char *member)
{
	struct vs_core_bits b = {};

	if (!vs_btf__field(btf, "orc_entry", member, &b.at, &b.bits))
		return (struct vs_core_bits){};
	return b;
}

void vs_core_layout__of(const struct vs_btf *btf, struct vs_core_layout *layout)
{
	struct vs_btf_query queries[sizeof(questions) / sizeof(questions[0])];

	memcpy(queries, questions, sizeof(queries));
	vs_btf__query(btf, queries, sizeof(queries) / sizeof(queries[0]));
	memset(layout, 0, sizeof(*layout));
	take_answers(layout, queries);
	layout->orc_sp_reg = bits_of(btf, "sp_reg");
	layout->orc_bp_reg = bits_of(btf, "bp_reg");
	layout->orc_type = bits_of(btf, "type");
	layout->orc_signal = bits_of(btf, "signal");
	layout->orc_end = bits_of(btf, "end");
}
