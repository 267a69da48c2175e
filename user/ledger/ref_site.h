/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maps a place in vfio to the role of the reference taken or dropped there, by the source function that
 * it belongs to, inlined or not. Names are those of drivers/vfio/vfio.c and vfio_main.c, v4.4 to v6.12.
 */
#ifndef VFIOSCOPE_LEDGER_REF_SITE_H
#define VFIOSCOPE_LEDGER_REF_SITE_H

enum vs_role {
	VS_ROLE_UNKNOWN,	/* not a function of this table */
	VS_ROLE_HELPER,		/* the caller decides */
	VS_ROLE_NOTIFIER,
	VS_ROLE_REGISTER,	/* a device joins; a put there is its error path */
	VS_ROLE_UNREGISTER,
	VS_ROLE_OPEN,		/* /dev/vfio/N is opened; a put there is its error path */
	VS_ROLE_CLOSE,
	VS_ROLE_EXTERNAL_GET,	/* a put there is its error path */
	VS_ROLE_EXTERNAL_PUT,
	VS_ROLE_DEFERRED,	/* the worker of the deferred put */
	VS_ROLE_LOOKUP,		/* gets and puts in pairs, within one call */
};

/* @site: "vfio_group_fops_open+0x47", "vfio_group_put.part.0" or "vfio_pin_pages". */
enum vs_role vs_role__of(const char *site);

#endif
