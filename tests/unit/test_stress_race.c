// SPDX-License-Identifier: GPL-2.0
/* How vfio-stress gives up: what is slow, what goes on, and what its own errors are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/stress/race.h"

#define TENTH 100000000ull
#define LONG (600 * 10 * TENTH)

/* Shared with the children. */
static struct shared {
	volatile bool go, done;
} *shared;

static struct late {
	int nr;
	pid_t pid;
	bool ended;
} late;

static bool never(void)
{
	return false;
}

static void say_late(pid_t pid, char state, const char *stack, bool ended)
{
	(void)state;
	(void)stack;
	late.nr++;
	late.pid = pid;
	late.ended = ended;
}

static const struct st_race race = { TENTH, never, say_late };

static int set_up(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	late = (struct late){};
	return shared == MAP_FAILED;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

static int answer(void *ctx)
{
	return *(int *)ctx;
}

static int hang(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 60000 && !shared->go; i++)
		usleep(1000);
	shared->done = true;
	return 0;
}

static int take_a_while(void *ctx)
{
	(void)ctx;
	usleep(5 * TENTH / 1000);
	return 0;
}

/* A device that answers with ETIMEDOUT or EDEADLK is neither slow nor stuck. */
static void errors_of_the_work_are_its_own(void **state)
{
	int errors[] = { 0, -ETIMEDOUT, -EDEADLK, -ENODEV };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		assert_int_equal(st_race__guarded(&race, &(struct st_work){ answer, &errors[i], LONG,
									    i % 2 }), errors[i]);
	assert_int_equal(late.nr, 0);
}

static void its_own_limit_counts(void **state)
{
	(void)state;
	assert_int_equal(st_race__guarded(&race, &(struct st_work){ take_a_while, NULL, LONG, false }),
			 0);
	assert_int_equal(late.nr, 0);
}

static void what_dies_was_slow(void **state)
{
	(void)state;
	assert_int_equal(st_race__guarded(&race, &(struct st_work){ hang, NULL, TENTH, false }),
			 ST_RACE_SLOW);
	assert_int_equal(late.nr, 1);
	assert_true(late.ended);
	assert_false(shared->done);
	assert_int_equal(kill(late.pid, 0), -1);
}

/* Nobody waits for it any longer, and it goes on to its end. */
static void what_puts_back_is_left_alone(void **state)
{
	int status;

	(void)state;
	assert_int_equal(st_race__guarded(&race, &(struct st_work){ hang, NULL, TENTH, true }),
			 ST_RACE_SLOW);
	assert_int_equal(late.nr, 0);
	shared->go = true;
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_true(shared->done);
}

static int run_and_end(void)
{
	st_race__guarded(&race, &(struct st_work){ hang, NULL, TENTH, true });
	return 0;
}

static void it_outlives_its_parent(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(run_and_end());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	usleep(TENTH / 1000);
	shared->go = true;
	for (int i = 0; i < 20000 && !shared->done; i++)
		usleep(1000);
	assert_true(shared->done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(errors_of_the_work_are_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(its_own_limit_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_dies_was_slow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_puts_back_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_outlives_its_parent, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
