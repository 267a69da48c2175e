// SPDX-License-Identifier: GPL-2.0
/* Recordings on a real disk: who may write, full disks, SIGKILL. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "record/disk.h"
#include "record_lab.h"

static char dir[] = "/tmp/vfioscope-record-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/run.vfr", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int no_file(void **state)
{
	(void)state;
	return unlink(path) && errno != ENOENT;
}

/* Opens the file, which has to work, and makes a tape that goes on behind what is there. */
static struct vs_tape *open_tape(struct vs_disk **disk, uint32_t slots)
{
	struct vs_vfr_super super;
	struct vs_read_end end;
	char error[200];
	struct vs_tape_opts o = { .run = { .verb = "record", .version = "0.1", .keep_refs = true } };

	*disk = vs_disk__open(path, slots, &super, &end, error, sizeof(error));
	assert_non_null(*disk);
	assert_int_equal(vs_disk__run(*disk), 0);
	o.out = (struct vs_tape_out){ vs_disk__write, vs_disk__sync, vs_disk__lost, vs_disk__super, *disk };
	o.super = super;
	o.first_slot = end.seq ? (end.slot + 1) % (slots ? slots : UINT32_MAX) : 0;
	o.first_seq = end.seq + 1;
	o.session = (uint16_t)(end.session + 1);
	o.clock = lab_clock;
	return vs_tape__new(&o);
}

static void refused(uint32_t slots, const char *words)
{
	struct vs_vfr_super super;
	struct vs_read_end end;
	char error[200];

	assert_null(vs_disk__open(path, slots, &super, &end, error, sizeof(error)));
	assert_non_null(strstr(error, words));
}

static void only_a_recording_is_written_to(void **state)
{
	struct vs_vfr_super super;
	struct vs_read_end end;
	struct vs_disk *disk;
	char error[200], other[80];
	uint64_t lost;
	struct stat st;
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	fputs("the only copy of something", file);
	fclose(file);
	refused(0, "not a recording of vfioscope");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 26);
	unlink(path);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(symlink(other, path), 0);
	refused(0, "cannot open it");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(0, "is no regular file");
	unlink(path);
	disk = vs_disk__open(path, 8, &super, &end, error, sizeof(error));
	assert_non_null(disk);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, VS_VFR_SLOTS_AT + 8 * VS_VFR_SLOT);
	refused(8, "another process records into it");
	assert_int_equal(vs_disk__close(disk, &lost), 0);
	refused(4, "a ring of another size");
	refused(0, "is a ring");
	unlink(path);
	assert_int_equal(vs_disk__close(vs_disk__open(path, 0, &super, &end, error, sizeof(error)), &lost), 0);
	refused(8, "is no ring");
}

/* Records until it is killed, or for so many rounds. */
static uint64_t child(uint32_t slots, int rounds)
{
	struct printed live;
	struct vs_disk *disk;
	struct vs_tape *tape = open_tape(&disk, slots);
	struct vs_session *s;
	uint64_t missing, lost;

	print_begins(&live);
	s = begin(tape, &live);
	work(s, tape, rounds, 100);
	vs_session__finish(s, T0 + 1, NULL);
	vs_tape__end(tape, 0, T0 + 1);
	vs_session__free(s);
	vs_disk__close(disk, &lost);
	missing = vs_tape__missing(tape) + lost;
	vs_tape__free(tape);
	print_ends(&live);
	forget(&live);
	return missing;
}

static struct vs_reader *open_reader(int *fd)
{
	struct vs_source source = { 0 };
	char error[200];
	struct stat st;
	struct vs_reader *r;

	source.fd = *fd = open(path, O_RDONLY);
	assert_int_equal(fstat(*fd, &st), 0);
	source.len = (uint64_t)st.st_size;
	r = vs_reader__new(&source, error, sizeof(error));
	assert_non_null(r);
	return r;
}

/* Each is killed at another moment; the next one goes on behind it, in a file of the same size. */
static void a_killed_run_is_read_at_once(void **state)
{
	int kills = getenv("SOAK") ? 100 : 12;
	struct vs_run_row *rows;
	struct vs_reader *r;
	struct stat st;
	int fd, nr;

	(void)state;
	for (int i = 0; i < kills; i++) {
		pid_t pid = fork();

		if (!pid) {
			child(16, 1000000);
			_exit(1);
		}
		usleep(20000 + (useconds_t)(noise() % 60000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (stat(path, &st) || st.st_size < VS_VFR_SUPER)
			continue;	/* killed before there was anything */
		assert_true(st.st_size <= VS_VFR_SLOTS_AT + 16 * VS_VFR_SLOT);
		r = open_reader(&fd);
		nr = vs_replay__list(r, &rows);
		assert_true(nr >= 0);
		for (int k = 0; k < nr; k++)
			assert_false(rows[k].ended);
		assert_int_equal(vs_reader__damage(r)->odd, 0);
		assert_true(vs_reader__damage(r)->damaged <= (uint64_t)i + 1);
		free(rows);
		vs_reader__free(r);
		close(fd);
	}
}

/* The disk takes no more after 700 KB: what is written is whole, and what is not is counted. */
static void a_full_disk_stops_nothing(void **state)
{
	struct vs_run_row *rows;
	struct vs_reader *r;
	int fd, status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct rlimit limit = { 700 << 10, 700 << 10 };

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(child(0, 1500) > 100 ? 7 : 8);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	r = open_reader(&fd);
	assert_int_equal(vs_replay__list(r, &rows), 1);
	assert_true(rows[0].begun && !rows[0].ended && rows[0].events > 1000);
	assert_int_equal(vs_reader__damage(r)->odd, 0);
	free(rows);
	vs_reader__free(r);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_a_recording_is_written_to, no_file),
		cmocka_unit_test_setup(a_killed_run_is_read_at_once, no_file),
		cmocka_unit_test_setup(a_full_disk_stops_nothing, no_file),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
