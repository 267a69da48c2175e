/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers, texts and rows as bytes: small numbers take one byte. Reading never leaves the bytes that it
 * was given: after the first mistake everything reads as 0, and `failed` stays set.
 */
#ifndef VFIOSCOPE_RECORD_PACK_H
#define VFIOSCOPE_RECORD_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer that grows. All zeroes: empty. */
struct vs_pack {
	uint8_t *data;
	size_t len, room;
	bool failed;		/* no memory: what it has is not complete */
};

void vs_pack__free(struct vs_pack *p);
void vs_pack__bytes(struct vs_pack *p, const void *data, size_t len);
void vs_pack__number(struct vs_pack *p, uint64_t value);
void vs_pack__signed(struct vs_pack *p, int64_t value);
void vs_pack__blob(struct vs_pack *p, const void *data, size_t len);	/* with its length */
void vs_pack__text(struct vs_pack *p, const char *text);	/* NULL reads as "" */

/* Borrows the bytes. */
struct vs_packed {
	const uint8_t *data;
	size_t len, at;
	bool failed;
};

uint64_t vs_packed__number(struct vs_packed *u);
int64_t vs_packed__signed(struct vs_packed *u);
/* Returns @len bytes in place; NULL if there are not so many. */
const uint8_t *vs_packed__bytes(struct vs_packed *u, size_t len);
const uint8_t *vs_packed__blob(struct vs_packed *u, size_t *len);
/* Copies a text; cut where @size ends. */
void vs_packed__text(struct vs_packed *u, char *buf, size_t size);
bool vs_packed__more(const struct vs_packed *u);

/* How one member of a structure is packed. */
enum vs_field_kind {
	VS_FIELD_NUMBER,	/* unsigned, of 1, 2, 4 or 8 bytes */
	VS_FIELD_FLAG,		/* bool */
	VS_FIELD_SIGNED,	/* of 4 or 8 bytes */
	VS_FIELD_TEXT,		/* an array of char that ends with NUL */
};

struct vs_field {
	uint16_t offset, size;
	enum vs_field_kind kind;
};

#define VS_FIELD(type, member, k) { offsetof(struct type, member), sizeof(((struct type *)0)->member), k }

/*
 * Packs the members of the structure at @row, in the order of the table, and reads them back. Tables
 * only grow: members that the bytes do not have read as 0, bytes without a member are skipped.
 */
void vs_pack__row(struct vs_pack *p, const struct vs_field *fields, size_t nr, const void *row);
void vs_packed__row(struct vs_packed *u, const struct vs_field *fields, size_t nr, void *row);

#endif
