// SPDX-License-Identifier: GPL-2.0
#include "record/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define QUEUE_BYTES (4u << 20)

#ifndef BTRFS_SUPER_MAGIC
#define BTRFS_SUPER_MAGIC 0x9123683e
#endif
#define ZFS_MAGIC 0x2fc12fc1

struct job {
	struct job *next;
	uint64_t offset;
	size_t len;		/* 0: a sync */
	uint32_t inputs;
	uint8_t data[];
};

struct vs_disk {
	int fd;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t wake;
	struct job *first, **last;
	size_t queued;		/* bytes */
	bool over, failed;
	int error;		/* the first one */
	uint64_t lost;
};

/* -- opening -- */

static int say(char *error, size_t size, const char *words, int err)
{
	snprintf(error, size, "%s%s%s", words, err ? ": " : "", err ? strerror(-err) : "");
	return err ? err : -EINVAL;
}

static int write_all(int fd, uint64_t offset, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t nr = pwrite(fd, at, len, (off_t)offset);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr <= 0)
			return nr ? -errno : -EIO;
		at += nr;
		offset += (uint64_t)nr;
		len -= (size_t)nr;
	}
	return 0;
}

/* Where a file system writes to new places each time, zeroes reserve nothing. */
static bool keeps_places(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) || ((unsigned int)s.f_type != BTRFS_SUPER_MAGIC &&
				   (unsigned int)s.f_type != ZFS_MAGIC);
}

static int fill(int fd, uint64_t from, uint32_t slots)
{
	static const uint8_t zeroes[64 << 10];
	uint64_t len = VS_VFR_SLOTS_AT + (uint64_t)slots * VS_VFR_SLOT;
	int err = keeps_places(fd) ? 0 : -ENOTSUP;

	for (uint64_t at = from; at < len && !err; at += sizeof(zeroes))
		err = write_all(fd, at, zeroes, len - at < sizeof(zeroes) ? len - at : sizeof(zeroes));
	return err == -ENOTSUP ? (ftruncate(fd, (off_t)len) ? -errno : 0) : err;
}

/* The superblocks come first: who is killed while it fills the ring leaves an empty one, which the next fills. */
static int make(int fd, uint32_t slots, struct vs_vfr_super *super)
{
	uint8_t block[VS_VFR_SUPER];
	int err;

	*super = (struct vs_vfr_super){
		.major = VS_VFR_MAJOR, .minor = VS_VFR_MINOR, .generation = 2,
		.slot_size = VS_VFR_SLOT, .slots = slots,
	};
	vs_vfr_super__write(super, block);
	err = write_all(fd, 0, block, sizeof(block));
	if (!err)
		err = write_all(fd, VS_VFR_SUPER, block, sizeof(block));
	if (!err && slots)
		err = fill(fd, VS_VFR_SLOTS_AT, slots);
	return err ? err : fdatasync(fd) ? -errno : 0;
}

static int go_on(int fd, uint64_t len, uint32_t slots, struct vs_vfr_super *super,
		 struct vs_read_end *end, char *error, size_t size)
{
	struct vs_source source = { .fd = fd, .len = len };
	struct vs_reader *reader = vs_reader__new(&source, error, size);
	int err;

	if (!reader)
		return -errno;
	*super = *vs_reader__super(reader);
	vs_reader__end(reader, end);
	vs_reader__free(reader);
	if (!slots != !super->slots)
		return say(error, size, slots ? "is there already, and is no ring" :
			   "is there already, and is a ring: say --ring", 0);
	if (slots != super->slots)
		return say(error, size, "is there already, as a ring of another size", 0);
	err = slots ? fill(fd, len < VS_VFR_SLOTS_AT ? VS_VFR_SLOTS_AT : len, slots) : 0;
	return err ? say(error, size, "cannot write to it", err) : 0;
}

static int prepare(int fd, uint32_t slots, struct vs_vfr_super *super, struct vs_read_end *end,
		   char *error, size_t size)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return say(error, size, "cannot look at it", -errno);
	if (!S_ISREG(st.st_mode))
		return say(error, size, "is no regular file", 0);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return say(error, size, errno == EWOULDBLOCK ? "another process records into it" :
			   "cannot lock it", errno == EWOULDBLOCK ? 0 : -errno);
	*end = (struct vs_read_end){ 0 };
	if (st.st_size)
		return go_on(fd, (uint64_t)st.st_size, slots, super, end, error, size);
	err = make(fd, slots, super);
	return err ? say(error, size, "cannot write to it", err) : 0;
}

struct vs_disk *vs_disk__open(const char *path, uint32_t slots, struct vs_vfr_super *super,
			      struct vs_read_end *end, char *error, size_t size)
{
	struct vs_disk *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return NULL;
	d->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	err = d->fd < 0 ? say(error, size, "cannot open it", -errno) :
	      prepare(d->fd, slots, super, end, error, size);
	if (err) {
		if (d->fd >= 0)
			close(d->fd);
		free(d);
		errno = -err;
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	d->last = &d->first;
	return d;
}

/* -- the thread -- */

static void fail(struct vs_disk *d, const struct job *job, int err)
{
	pthread_mutex_lock(&d->lock);
	d->failed = true;
	d->error = d->error ? d->error : err;
	d->lost += job->inputs;
	/* They follow it in its slot, and nobody could read them. */
	for (struct job *j = d->first; j; j = j->next) {
		if (!j->inputs)
			continue;
		d->lost += j->inputs;
		d->queued -= j->len;
		j->inputs = 0;
		j->len = 0;
	}
	pthread_mutex_unlock(&d->lock);
}

static void do_job(struct vs_disk *d, const struct job *job)
{
	int err = job->len ? write_all(d->fd, job->offset, job->data, job->len) :
		  fdatasync(d->fd) ? -errno : 0;

	if (err)
		fail(d, job, err);
}

static struct job *next_job(struct vs_disk *d)
{
	struct job *job;

	pthread_mutex_lock(&d->lock);
	while (!d->first && !d->over)
		pthread_cond_wait(&d->wake, &d->lock);
	job = d->first;
	if (job) {
		d->first = job->next;
		d->queued -= job->len;
		if (!d->first)
			d->last = &d->first;
	}
	pthread_mutex_unlock(&d->lock);
	return job;
}

static void *work(void *disk)
{
	struct job *job;

	while ((job = next_job(disk))) {
		do_job(disk, job);
		free(job);
	}
	return NULL;
}

int vs_disk__run(struct vs_disk *d)
{
	int err = d->running ? 0 : pthread_create(&d->thread, NULL, work, d);

	d->running |= !err;
	return -err;
}

/* -- the owner's side -- */

static int queue(struct vs_disk *d, uint64_t offset, const void *data, size_t len, uint32_t inputs)
{
	struct job *job = malloc(sizeof(*job) + len);
	int err = 0;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .offset = offset, .len = len, .inputs = inputs };
	if (len)
		memcpy(job->data, data, len);
	pthread_mutex_lock(&d->lock);
	if (inputs && d->failed)
		err = -EIO;
	else if (len && d->queued + len > QUEUE_BYTES)
		err = -EAGAIN;
	if (inputs)
		d->failed = false;
	if (!err) {
		*d->last = job;
		d->last = &job->next;
		d->queued += len;
		pthread_cond_signal(&d->wake);
	}
	pthread_mutex_unlock(&d->lock);
	if (err)
		free(job);
	return err;
}

int vs_disk__write(void *disk, uint64_t offset, const void *data, size_t len, uint32_t inputs)
{
	return queue(disk, offset, data, len, inputs);
}

void vs_disk__sync(void *disk)
{
	queue(disk, 0, NULL, 0, 0);
}

uint64_t vs_disk__lost(void *disk)
{
	struct vs_disk *d = disk;
	uint64_t lost;

	pthread_mutex_lock(&d->lock);
	lost = d->lost;
	pthread_mutex_unlock(&d->lock);
	return lost;
}

void vs_disk__super(void *disk, const struct vs_vfr_super *super)
{
	uint8_t block[VS_VFR_SUPER];

	vs_vfr_super__write(super, block);
	queue(disk, super->generation % 2 * VS_VFR_SUPER, block, sizeof(block), 0);
	vs_disk__sync(disk);
}

int vs_disk__close(struct vs_disk *d, uint64_t *lost)
{
	int err;

	*lost = 0;
	if (!d)
		return 0;
	vs_disk__sync(d);
	pthread_mutex_lock(&d->lock);
	d->over = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (d->running)
		pthread_join(d->thread, NULL);
	else
		work(d);
	err = d->error;
	*lost = d->lost;
	close(d->fd);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->wake);
	free(d);
	return err;
}
