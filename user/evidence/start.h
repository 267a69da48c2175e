/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The facts that a virtual machine's start with a device rests on: of sysfs and /proc, so an ordinary user
 * has most of them. It is plain data: vs_start__collect() fills it on a host, vs_start__judge() reads it.
 */
#ifndef VFIOSCOPE_EVIDENCE_START_H
#define VFIOSCOPE_EVIDENCE_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/inventory.h"

#define VS_START_MEMBERS 24	/* of a group that are looked at */
#define VS_START_NO_LIMIT UINT64_MAX

/* A fact that is yes, no, or not known. */
enum vs_start_fact { VS_START_UNKNOWN = -1, VS_START_NO, VS_START_YES };

/* A device of the group, or the one that was asked about, which may have no group. */
struct vs_start_member {
	struct vs_device device;
	char override[VS_DRIVER_LEN]; /* driver_override, "" if none; only with override_read */
	bool override_read;
	char power[16];		/* "D0", "D3cold"; "" not known (before v5.8) */
	int dead;		/* enum vs_start_fact: its config space reads all ones */
	int resets;		/* the kernel knows a way to reset it */
};

struct vs_start_facts {
	char device[VS_DEVICE_LEN];	/* it was asked about; "": only the group was */
	int group;		/* of IOMMU, -1: none */
	bool noiommu;		/* VFIO's substitute for a group, without an IOMMU */
	struct vs_start_member members[VS_START_MEMBERS];
	size_t nr_members;
	uint32_t nr_more;	/* that were not looked at */

	/* The host. */
	uint32_t nr_groups;	/* IOMMU groups, VFIO's substitutes not among them */
	int acpi;		/* enum vs_start_fact: the firmware's tables can be listed */
	char iommu_table[8];	/* "DMAR", "IVRS", "IORT", "VIOT", "" none */
	char vendor[16];	/* of the CPU, as in /proc/cpuinfo */
	bool guest;		/* this machine is itself a virtual one */
	char arguments[160];	/* of the kernel's command line: those about IOMMUs */
	int remaps;		/* interrupts are remapped */
	int unsafe_type1, unsafe_iommufd; /* allow_unsafe_interrupts; unknown: not loaded */
	int has_vfio_pci;	/* a driver of that name is registered */

	/* /dev/vfio/N of the group, and may this user open it? */
	int node;		/* enum vs_start_fact: it is there */
	int may_open;
	uint32_t mode, uid, gid;
	char owner[32], owner_group[32]; /* names, "" not known */
	uint32_t user;		/* who asks */
	char user_name[32];

	/* The memory that a process may lock: of a command that failed, or of the task that was asked about. */
	uint32_t pid;		/* 0: not asked for, and the rest is not known */
	uint64_t memlock, locked; /* bytes */
	int ipc_lock;		/* it has CAP_IPC_LOCK, so that there is no limit */
};

#endif
