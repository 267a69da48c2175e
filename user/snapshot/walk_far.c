// SPDX-License-Identifier: GPL-2.0
/*
 * Open files that no descriptor names: on their way through a UNIX socket, registered with an
 * io_uring, or closed by a task that has not got to their release.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "bpf/stacks.h"
#include "snapshot/kstack.h"
#include "snapshot/walk.h"

#define UNIX_FAMILY 1		/* include/linux/socket.h */
#define LISTENING 10		/* TCP_LISTEN, of all families */
#define MAX_QUEUE 4096		/* messages of one socket */
#define MAX_PASSED 253		/* files of one message, SCM_MAX_FD */
#define MAX_REGISTERED (1 << 15) /* files of one ring: IORING_MAX_FIXED_FILES */
#define RINGS_OF_TASK 16	/* IO_RINGFD_REG_MAX */
#define FILE_FLAGS 7ull		/* low bits of a registered file's address */
#define MAX_WORKS 65536		/* of one task */
#define CODE_BYTES 1024		/* of task_work_run(), and more */

struct far {
	const struct vs_walk *walk;
	struct vs_file_kinds *kinds;
	struct vs_snapshot *snapshot;
};

static bool are_known(const int *offsets, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (offsets[i] == VS_ABSENT)
			return false;
	return true;
}

#define KNOWN(...) \
	are_known((const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static int keep(const struct far *f, uint64_t file, const struct vs_snap_fd *row)
{
	return vs_walk__keep(f->walk, f->kinds, file, row, f->snapshot);
}

static struct vs_snap_fd row_of(const struct vs_carrier *c, enum vs_snap_via via)
{
	struct vs_snap_fd row = { .via = via, .tgid = c->tgid, .fd = c->fd };

	memcpy(row.comm, c->comm, sizeof(row.comm));
	return row;
}

/* -- sockets -- */

static int look_at_message(const struct far *f, uint64_t skb, const struct vs_snap_fd *row)
{
	const struct vs_snap_layout *l = f->walk->layout;
	uint64_t list = vs_mem__pointer(f->walk->mem, skb + l->skb_cb + l->unix_fp);
	uint64_t files[MAX_PASSED];
	int16_t nr = 0;
	int err = 0;

	if (!list || vs_mem__read(f->walk->mem, list + l->fp_count, &nr, sizeof(nr)) || nr <= 0 ||
	    nr > MAX_PASSED ||
	    vs_mem__read(f->walk->mem, list + l->fp_files, files, nr * sizeof(*files)))
		return 0;
	for (int i = 0; i < nr && !err; i++)
		err = keep(f, files[i], row);
	return err;
}

/* On a listening socket each message is a connection not accepted yet, which has its own queue. */
static int look_at_socket(const struct far *f, uint64_t sk, const struct vs_snap_fd *row, bool inner)
{
	const struct vs_snap_layout *l = f->walk->layout;
	uint64_t *nodes = calloc(MAX_QUEUE, sizeof(*nodes));
	uint8_t state = 0;
	int nr, err = nodes ? 0 : -ENOMEM;

	nr = err ? 0 : vs_walk__list(f->walk->mem, sk + l->sock_queue, nodes, MAX_QUEUE);
	vs_mem__read(f->walk->mem, sk + l->sock_state, &state, sizeof(state));
	for (int i = 0; i < nr && !err; i++) {
		uint64_t other = vs_mem__pointer(f->walk->mem, nodes[i] + l->skb_sk);

		if (state != LISTENING)
			err = look_at_message(f, nodes[i], row);
		else if (!inner && other)
			err = look_at_socket(f, other, row, true);
	}
	free(nodes);
	return err;
}

static bool is_unix(const struct far *f, uint64_t sk)
{
	uint16_t family = 0;

	return sk && !vs_mem__read(f->walk->mem, sk + f->walk->layout->sock_family, &family,
				   sizeof(family)) && family == UNIX_FAMILY;
}

int vs_walk__sockets(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		     const struct vs_carriers *carriers, struct vs_snapshot *snapshot)
{
	const struct far f = { walk, kinds, snapshot };
	const struct vs_snap_layout *l = walk->layout;
	int err = 0;

	if (!KNOWN(l->socket_sk, l->sock_family, l->sock_state, l->sock_queue, l->skb_cb, l->skb_sk,
		   l->unix_fp, l->fp_count, l->fp_files))
		return 0;
	for (size_t i = 0; i < carriers->nr && !err; i++) {
		struct vs_snap_fd row = row_of(&carriers->rows[i], VS_VIA_SOCKET);
		uint64_t socket, sk;

		if (carriers->rows[i].kind != VS_FILE_SOCKET)
			continue;
		socket = vs_mem__pointer(walk->mem, carriers->rows[i].file + l->file_private);
		sk = socket ? vs_mem__pointer(walk->mem, socket + l->socket_sk) : 0;
		if (is_unix(&f, sk))
			err = look_at_socket(&f, sk, &row, false);
	}
	return err;
}

/* -- io_uring -- */

/* v6.13 and later: an array of pointers to nodes; before, one of addresses with flags. */
static uint64_t registered(const struct far *f, uint64_t entry)
{
	const struct vs_snap_layout *l = f->walk->layout;

	if (l->rsrc_nodes != VS_ABSENT)
		entry = entry ? vs_mem__pointer(f->walk->mem, entry + l->rsrc_file) : 0;
	return entry & ~FILE_FLAGS;
}

static uint64_t table_of(const struct far *f, uint64_t ring, uint32_t *nr)
{
	const struct vs_snap_layout *l = f->walk->layout;
	bool nodes = l->rsrc_nodes != VS_ABSENT;
	uint64_t table = ring + l->ring_table, at;

	at = nodes ? table + l->ring_data + l->rsrc_nr : ring + l->ring_nr;
	if (vs_mem__read(f->walk->mem, at, nr, sizeof(*nr)) || *nr > MAX_REGISTERED)
		*nr = 0;
	return vs_mem__pointer(f->walk->mem, nodes ? table + l->ring_data + l->rsrc_nodes :
						     table + l->ring_files);
}

static int look_at_ring(const struct far *f, uint64_t file, const struct vs_snap_fd *row)
{
	uint64_t ring = vs_mem__pointer(f->walk->mem, file + f->walk->layout->file_private), table;
	uint32_t nr = 0;
	int err = 0;

	table = ring ? table_of(f, ring, &nr) : 0;
	for (uint32_t i = 0; table && i < nr && !err; i++)
		err = keep(f, registered(f, vs_mem__pointer(f->walk->mem, table + 8 * i)), row);
	return err;
}

/* A ring without a descriptor: its file is registered with the task. */
static int look_at_task_rings(const struct far *f, const struct vs_snap_far *where)
{
	const struct vs_snap_layout *l = f->walk->layout;
	int err = 0;

	for (size_t i = 0; i < where->nr_rows && !err; i++) {
		const struct vs_stack_row *t = &where->rows[i];
		struct vs_snap_fd row = { .via = VS_VIA_RING, .tgid = t->tgid, .fd = -1 };
		uint64_t task = vs_mem__pointer(f->walk->mem, t->task + l->task_uring);
		uint64_t rings[RINGS_OF_TASK];

		memcpy(row.comm, t->comm, sizeof(row.comm) - 1);
		if (!task || vs_mem__read(f->walk->mem, task + l->uring_registered, rings,
					  sizeof(rings)))
			continue;
		for (int j = 0; j < RINGS_OF_TASK && !err; j++)
			if (rings[j])
				err = look_at_ring(f, rings[j], &row);
	}
	return err;
}

int vs_walk__rings(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		   const struct vs_carriers *carriers, const struct vs_snap_far *where,
		   struct vs_snapshot *snapshot)
{
	const struct far f = { walk, kinds, snapshot };
	const struct vs_snap_layout *l = walk->layout;
	bool nodes = l->rsrc_nodes != VS_ABSENT;
	int err = 0;

	if (l->ring_table == VS_ABSENT || (nodes ? !KNOWN(l->ring_data, l->rsrc_nr, l->rsrc_file) :
					   !KNOWN(l->ring_nr, l->ring_files)))
		return 0;
	for (size_t i = 0; i < carriers->nr && !err; i++) {
		struct vs_snap_fd row = row_of(&carriers->rows[i], VS_VIA_RING);

		if (carriers->rows[i].kind == VS_FILE_RING)
			err = look_at_ring(&f, carriers->rows[i].file, &row);
	}
	if (!err && KNOWN(l->task_uring, l->uring_registered))
		err = look_at_task_rings(&f, where);
	return err;
}

/* -- releases -- */

struct releases {
	struct far far;
	const struct vs_snap_far *where;
	int work;		/* offset of the callback_head in struct file */
};

static bool is_release(const struct releases *r, uint64_t work)
{
	return work && vs_mem__pointer(r->far.walk->mem, work +
				       r->far.walk->layout->work_func_of) == r->where->fput;
}

static bool is_kept(const struct releases *r, uint64_t file, uint32_t tid)
{
	const struct vs_snapshot *s = r->far.snapshot;

	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].via == VS_VIA_RELEASE && s->fds[i].file == file &&
		    s->fds[i].tid == tid)
			return true;
	return false;
}

static int keep_release(const struct releases *r, uint64_t file, const struct vs_stack_row *t)
{
	struct vs_snap_fd row = { .via = VS_VIA_RELEASE, .tgid = t->tgid, .tid = t->tid, .fd = -1 };

	memcpy(row.comm, t->comm, sizeof(row.comm) - 1);
	return is_kept(r, file, t->tid) ? 0 : keep(&r->far, file, &row);
}

/* From one work of the task to the next; others than releases are passed over. */
static int follow(const struct releases *r, uint64_t work, const struct vs_stack_row *t)
{
	int err = 0;

	for (int i = 0; work && i < MAX_WORKS && !err; i++) {
		if (is_release(r, work))
			err = keep_release(r, work - (uint64_t)r->work, t);
		work = vs_mem__pointer(r->far.walk->mem, work);
	}
	return err;
}

/*
 * task_work_run() has taken the list off the task: the work that is done now, or the next one, is
 * known to its stack alone.
 */
static int look_at_stack(const struct releases *r, const struct vs_stack_row *t)
{
	const struct vs_mem *mem = r->far.walk->mem;
	uint64_t words[VS_KSTACK_WORDS], funcs[VS_KSTACK_WORDS], at[VS_KSTACK_WORDS];
	bool ok[VS_KSTACK_WORDS];
	size_t nr = vs_kstack__read(mem, t, words);
	int err = 0;

	for (size_t i = 0; i < nr; i++)
		at[i] = words[i] + r->far.walk->layout->work_func_of;
	vs_mem__words(mem, at, funcs, ok, nr);
	for (size_t i = 0; i < nr && !err; i++)
		if (ok[i] && funcs[i] == r->where->fput)
			err = follow(r, words[i], t);
	/* The file itself: in a register of the release that is under way. */
	for (size_t i = 0; i < nr; i++)
		at[i] = words[i] + r->work + r->far.walk->layout->work_func_of;
	vs_mem__words(mem, at, funcs, ok, nr);
	for (size_t i = 0; i < nr && !err; i++)
		if (ok[i] && funcs[i] == r->where->fput)
			err = follow(r, words[i] + r->work, t);
	return err;
}

static bool is_inside(const struct vs_stack_row *t, uint64_t function)
{
	for (int i = 0; function && i < t->nr_frames; i++)
		if (t->frames[i] - function < CODE_BYTES)
			return true;
	return false;
}

/* The files that a table still has, if it is one: a table grows by whole words of its bitmaps. */
static int keep_table(const struct releases *r, uint64_t files, const struct vs_stack_row *t)
{
	const struct vs_mem *mem = r->far.walk->mem;
	const struct vs_snap_layout *l = r->far.walk->layout;
	uint64_t fdt = vs_mem__pointer(mem, files + l->files_fdt), fd;
	uint32_t max;
	int err = 0;

	if (!fdt || vs_mem__read(mem, fdt + l->fdt_max, &max, sizeof(max)) || !max || max % 64 ||
	    max > VS_WALK_MAX_FDS)
		return 0;
	fd = vs_mem__pointer(mem, fdt + l->fdt_fd);
	for (uint32_t i = 0; fd && i < max && !err; i++) {
		uint64_t file;

		if (vs_mem__read(mem, fd + 8 * i, &file, sizeof(file)))
			break;
		err = file ? keep_release(r, file, t) : 0;
	}
	return err;
}

/* A task that ends has let go of its table before it closes what is in it: its stack alone has it. */
static int look_at_closing(const struct releases *r, const struct vs_stack_row *t)
{
	const struct vs_mem *mem = r->far.walk->mem;
	uint64_t words[VS_KSTACK_WORDS];
	size_t nr = vs_kstack__read(mem, t, words);
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		if (words[i] && !(words[i] & 7))
			err = keep_table(r, words[i], t);
	return err;
}

static bool is_open(const struct releases *r, uint64_t file)
{
	const struct vs_snapshot *s = r->far.snapshot;

	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].via == VS_VIA_FD && s->fds[i].file == file)
			return true;
	return false;
}

/*
 * A close(2) of v6.6 and later releases the file at once, and no work knows it. But a task that is inside of the
 * release of a kind has that very file on its stack, as no descriptor has.
 */
static int look_at_release(const struct releases *r, const struct vs_stack_row *t, uint64_t release)
{
	const struct vs_mem *mem = r->far.walk->mem;
	const struct vs_snap_layout *l = r->far.walk->layout;
	uint64_t words[VS_KSTACK_WORDS], found[VS_KSTACK_WORDS], at[VS_KSTACK_WORDS];
	bool ok[VS_KSTACK_WORDS];
	size_t nr = vs_kstack__read(mem, t, words);
	int err = 0;

	for (size_t i = 0; i < nr; i++)
		at[i] = words[i] + l->file_op;
	vs_mem__words(mem, at, found, ok, nr);
	for (size_t i = 0; i < nr; i++)
		at[i] = ok[i] ? found[i] + l->op_release : 0;
	vs_mem__words(mem, at, found, ok, nr);
	for (size_t i = 0; i < nr && !err; i++)
		if (ok[i] && found[i] == release && !is_open(r, words[i]))
			err = keep_release(r, words[i], t);
	return err;
}

static int look_at_releases(const struct releases *r, const struct vs_stack_row *t)
{
	int err = 0;

	for (int kind = 0; kind < VS_SNAP_FILE_KINDS && !err; kind++) {
		uint64_t release = r->far.walk->symbols->release[kind];

		if (release && is_inside(t, release))
			err = look_at_release(r, t, release);
	}
	return err;
}

int vs_walk__releases(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		      const struct vs_snap_far *where, struct vs_snapshot *snapshot)
{
	const struct vs_snap_layout *l = walk->layout;
	struct releases r = { { walk, kinds, snapshot }, where,
			      l->file_task_work != VS_ABSENT ? l->file_task_work :
			      l->file_rcuhead != VS_ABSENT ? l->file_rcuhead : l->file_union };
	int err = 0;

	if (!where->fput || r.work == VS_ABSENT || !KNOWN(l->task_works, l->work_func_of))
		return 0;
	for (size_t i = 0; i < where->nr_rows && !err; i++) {
		const struct vs_stack_row *t = &where->rows[i];

		err = follow(&r, vs_mem__pointer(walk->mem, t->task + l->task_works), t);
		if (!err && (is_inside(t, where->work_run) || is_inside(t, where->work_run_part)))
			err = look_at_stack(&r, t);
		if (!err && (is_inside(t, where->put_files) || is_inside(t, where->put_files_part)))
			err = look_at_closing(&r, t);
		err = err ?: look_at_releases(&r, t);
	}
	return err;
}
