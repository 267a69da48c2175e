// SPDX-License-Identifier: GPL-2.0
/*
 * The load of load.h.
 * usage: works BATCHES [WORKS]
 * prints ns per work: of time, and of CPU time that this task and all workers took, each the
 * median over batches of WORKS (2000); and the CPU time of the best tenth, which depends least
 * on what else runs.
 */
#include "load.h"

int main(int argc, char **argv)
{
	size_t batches = argc > 1 ? strtoul(argv[1], NULL, 10) : 20;
	int works = argc > 2 ? atoi(argv[2]) : 2000, master, slave = open_pty(&master);
	double *wall = calloc(batches, sizeof(*wall)), *cpu = calloc(batches, sizeof(*cpu));
	double middle;

	if (slave < 0 || !wall || !cpu || !batches || works <= 0 || keep_awake())
		return 1;
	for (size_t i = 0; i < batches; i++)
		if (batch(master, slave, works, &wall[i], &cpu[i]))
			return 1;
	/* median() sorts, and arguments are evaluated in no order. */
	middle = median(cpu, batches);
	printf("%.1f %.1f %.1f\n", median(wall, batches), middle, cpu[batches / 10]);
	free(wall);
	free(cpu);
	return 0;
}
