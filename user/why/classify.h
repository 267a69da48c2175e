/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns evidence into verdicts: which tasks wait or hold, why, what to do. It is a pure function:
 * no kernel, no clock, no /proc.
 */
#ifndef VFIOSCOPE_WHY_CLASSIFY_H
#define VFIOSCOPE_WHY_CLASSIFY_H

#include "evidence/evidence.h"
#include "why/start.h"

/* Verdicts are in order of weight: the report begins with the heaviest. */
enum vs_why_verdict {
	VS_WHY_NOTIFIER_DEADLOCK,	/* the bug: its fix is missing */
	VS_WHY_CHAIN_DEADLOCK,	/* the same shape in another notifier chain */
	VS_WHY_DEAD_OWNER,	/* the task that has the lock has ended with it */
	VS_WHY_LEAK_SUSPECT,	/* a group is alive, and nothing accounts for it */
	VS_WHY_CONTAINER_STALL,	/* the container has to be left first */
	VS_WHY_IN_USE,		/* the device has to be released first */
	VS_WHY_DEFERRED_LATE,	/* a deferred put waits or runs too long */
	VS_WHY_NOT_VFIO,		/* stuck in another driver */
	VS_WHY_UNEXPLAINED,		/* something waits, for a reason that was not recognized */
	VS_WHY_COLLATERAL,		/* waits for one of the above: never a case of its own */
	VS_WHY_CANNOT_START,	/* nothing waits, but a VM that is to have the device cannot start */
	VS_WHY_NOT_SEEN,		/* nothing seen waits, and not all can be seen from here */
	VS_WHY_IDLE,		/* VFIO is there, nothing waits for it */
	VS_WHY_NOT_APPLICABLE,
	VS_WHY_NOT_SHOWN,	/* a log shows no wait, but there may be one */
	VS_VERDICTS,
};

enum vs_confidence { VS_LOW, VS_MEDIUM, VS_HIGH };

/* VS_REBOOT_YES: nothing but a reboot helps. */
enum vs_reboot { VS_REBOOT_NO, VS_REBOOT_YES, VS_REBOOT_UNKNOWN };

const char *vs_why_verdict__name(enum vs_why_verdict verdict);	/* "notifier-deadlock" */
const char *vs_confidence__name(enum vs_confidence confidence);

/* Something that keeps the device, the group or the container. */
struct vs_why_holder {
	enum vs_why_hold {
		VS_HOLD_FD,
		VS_HOLD_MAP,	/* memory of the device is mapped; every fd may be closed */
		VS_HOLD_MM,	/* the same in an address space that no process has any more */
		VS_HOLD_SOCKET,	/* on its way through the UNIX socket `fd` */
		VS_HOLD_RING,	/* registered with the io_uring `fd`, -1: one without a descriptor */
		VS_HOLD_RELEASE, /* closed; the task `tid` has not got through its release */
		VS_HOLD_CALL,	/* the task `tid` is in a call of the iommufd `fd` (-1: not known which) */
		VS_HOLD_ARGUMENTS, /* its command line names the device; its files were not to be seen */
	} how;
	enum vs_snap_file_kind kind; /* of an fd */
	uint32_t tgid;		/* 0: not known */
	uint32_t tid;		/* of a release, of a call */
	int fd;
	uint64_t file;		/* struct file *: descriptors of one file share it */
	uint64_t bytes;		/* mapped */
	bool likely;		/* not proven to be the one */
	bool exiting;		/* the process is on its way out */
	bool fixed;		/* QEMU has the device where it cannot be unplugged */
	bool hidden;		/* tgid 0: a process may have it, in another PID namespace */
	char comm[VS_COMM_LEN];
	char path[64];		/* of a vhost device, or "" */
	char vm[80];		/* libvirt or QEMU guest name, "" if none */
	char pod[64], container[80]; /* from the cgroup, "" if none */
	char pod_name[160];	/* "namespace/name", "" if not known */
	char container_name[96]; /* as its runtime has it, "" if not known */
	char unit[96];		/* of systemd, from the cgroup, "" if none */
	char family[160];	/* "sh[12] < sshd[7] < systemd[1]" */
};

/* A task below the culprit in the tree of waits. */
struct vs_why_victim {
	const struct vs_ev_task *task;
	unsigned int depth;	/* 1: waits for the culprit itself */
	bool likely;		/* the lock has several readers, the culprit is one of them */
	char lock[96];
};

#define VS_WHY_PROOF_LEN 120

struct vs_why_case {
	enum vs_why_verdict verdict;
	enum vs_confidence confidence;
	enum vs_reboot reboot;
	const struct vs_ev_task *task; /* the task that waits, or the culprit; NULL: none */
	int group;		/* IOMMU group, -1 not known */
	char device[VS_DEVICE_LEN]; /* "" not known */
	char driver[32];
	uint64_t since_ns;	/* at least; VS_EV_UNKNOWN */
	uint64_t at_most_ns;	/* VS_EV_UNKNOWN: since_ns is exact enough */
	char says[2000];
	char next[2400];
	char place[VS_SITE_LEN]; /* where it waits */
	char way[96];		/* on which the device leaves, in words; "" not known */
	const struct vs_ev_task *waits_back; /* a holder's task that waits for ours; NULL: none */
	const struct vs_ev_task *owner; /* of the lock that a driver waits for; NULL: none known */
	size_t nr_elsewhere;	/* idle, not applicable: as in struct vs_why */
	bool runs;		/* the task does not sleep: it was running there at each look */
	bool driver_lock;	/* the driver waits for a lock */
	bool iommufd;		/* in use: not the device, but an object of iommufd that goes away */
	bool in_iommufd;	/* a holder closes it already, and waits in another such case */
	bool cycle;		/* a deadlock of locks: the task waits for itself through others */
	bool either;		/* of a log: in use, or a stalled container; it does not tell which */
	struct vs_start_report *start;	/* what keeps a VM from starting, or is worth to know for it; NULL: not looked at */
	const struct vs_ev_message *message; /* of a log: VFIO's own words; NULL: none */
	struct vs_why_holder *holders;
	size_t nr_holders;
	size_t nr_now;		/* so many of them have to let go first, the others after them (see says) */
	struct vs_why_victim *victims;
	size_t nr_victims;
	char (*proof)[VS_WHY_PROOF_LEN];
	size_t nr_proof;
};

/* The user asks about this. */
struct vs_why_subject {
	const char *device;	/* "0000:00:05.0", NULL: not by device */
	int group;		/* -1: not by group */
	uint32_t pid;		/* 0: not by task */
};

struct vs_why {
	struct vs_why_case *cases; /* never empty: at least idle or not-applicable */
	size_t nr_cases;
	char (*notes)[VS_WHY_PROOF_LEN]; /* what the kernel's log says beside the host: weaker */
	size_t nr_notes;
	const struct vs_ev_task *asked; /* the task that was asked about, or that removes the device
				 * which was, if it is a victim of a case */
	size_t nr_elsewhere;	/* tasks that wait, and not for what was asked about: those of the
				 * cases that were left out */
	bool blind;		/* not all was seen: "idle" and the holders are not certain */
};

/* 0 or -ENOMEM. The result points into @e. */
int vs_classify(const struct vs_evidence *e, const struct vs_why_subject *subject,
		struct vs_why *why);
void vs_why__free(struct vs_why *why);

/* Tells if a case is about the subject. VS_MAYBE: its device is not known, so that it may be this one. */
enum vs_concern { VS_CONCERNS_NOT, VS_MAYBE, VS_CONCERNS };
enum vs_concern vs_why_case__concerns(const struct vs_why_case *c, const struct vs_evidence *e,
				      const struct vs_why_subject *subject);

/* Exit status, enum vs_exit, by the heaviest verdict. */
int vs_why__status(const struct vs_why *why);

#endif
