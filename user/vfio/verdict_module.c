// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <string.h>

#include "code/elf_file.h"
#include "code/scan.h"
#include "vfio/verdict.h"

bool vs_judge__module(const void *data, size_t len, struct vs_fix_facts *facts)
{
	struct vs_judgement judgement;
	struct vs_code code;
	struct vs_elf elf;
	bool followed = false;

	memset(facts, 0, sizeof(*facts));
	if (vs_elf__open(data, len, &vs_scan__module_opts, &elf))
		return false;
	if (elf.ehdr.e_type == ET_REL && elf.symtab && !vs_scan__module(&elf, &code)) {
		if (!vs_judge(&code, &judgement)) {
			*facts = judgement.facts;
			followed = true;
			vs_judgement__free(&judgement);
		}
		vs_code__free(&code);
	}
	vs_elf__close(&elf);
	return followed;
}
