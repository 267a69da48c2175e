// SPDX-License-Identifier: GPL-2.0
#include "record/pack.h"

#include <stdlib.h>
#include <string.h>

void vs_pack__free(struct vs_pack *p)
{
	free(p->data);
	*p = (struct vs_pack){ 0 };
}

static bool reserve(struct vs_pack *p, size_t more)
{
	size_t room = p->room ? p->room : 256;
	uint8_t *data;

	if (p->failed || more > SIZE_MAX / 4)
		return false;
	if (p->len + more <= p->room)
		return true;
	while (room < p->len + more)
		room *= 2;
	data = realloc(p->data, room);
	p->failed = !data;
	if (!data)
		return false;
	p->data = data;
	p->room = room;
	return true;
}

void vs_pack__bytes(struct vs_pack *p, const void *data, size_t len)
{
	if (!len || !reserve(p, len))
		return;
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

void vs_pack__number(struct vs_pack *p, uint64_t value)
{
	uint8_t bytes[10];
	size_t len = 0;

	do {
		bytes[len] = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		len++;
		value >>= 7;
	} while (value);
	vs_pack__bytes(p, bytes, len);
}

void vs_pack__signed(struct vs_pack *p, int64_t value)
{
	vs_pack__number(p, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void vs_pack__blob(struct vs_pack *p, const void *data, size_t len)
{
	vs_pack__number(p, len);
	vs_pack__bytes(p, data, len);
}

void vs_pack__text(struct vs_pack *p, const char *text)
{
	vs_pack__blob(p, text, text ? strlen(text) : 0);
}

uint64_t vs_packed__number(struct vs_packed *u)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (u->failed || u->at >= u->len)
			break;
		byte = u->data[u->at++];
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	u->failed = true;
	return 0;
}

int64_t vs_packed__signed(struct vs_packed *u)
{
	uint64_t value = vs_packed__number(u);

	return (int64_t)(value >> 1 ^ -(value & 1));
}

const uint8_t *vs_packed__bytes(struct vs_packed *u, size_t len)
{
	if (u->failed || !u->data || len > u->len - u->at) {
		u->failed = true;
		return NULL;
	}
	u->at += len;
	return u->data + u->at - len;
}

const uint8_t *vs_packed__blob(struct vs_packed *u, size_t *len)
{
	uint64_t wanted = vs_packed__number(u);
	const uint8_t *bytes = vs_packed__bytes(u, wanted);

	*len = bytes ? wanted : 0;
	return bytes;
}

void vs_packed__text(struct vs_packed *u, char *buf, size_t size)
{
	size_t len;
	const uint8_t *bytes = vs_packed__blob(u, &len);

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(buf, bytes, len);
	memset(buf + len, 0, size - len);
}

bool vs_packed__more(const struct vs_packed *u)
{
	return !u->failed && u->at < u->len;
}

/* -- rows -- */

static uint64_t load(const void *at, size_t size)
{
	uint64_t value = 0;

	switch (size) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return *(const uint32_t *)at;
	default:
		memcpy(&value, at, sizeof(value));
		return value;
	}
}

static void store(void *at, size_t size, uint64_t value)
{
	uint32_t half = (uint32_t)value;
	uint16_t quarter = (uint16_t)value;
	uint8_t byte = (uint8_t)value;

	memcpy(at, size == 1 ? (void *)&byte : size == 2 ? (void *)&quarter :
	       size == 4 ? (void *)&half : (void *)&value, size);
}

static int64_t load_signed(const void *at, size_t size)
{
	return size == 4 ? *(const int32_t *)at : (int64_t)load(at, size);
}

static void pack_row(struct vs_pack *p, const struct vs_field *f, const char *row)
{
	if (f->kind == VS_FIELD_NUMBER || f->kind == VS_FIELD_FLAG)
		vs_pack__number(p, load(row + f->offset, f->size));
	else if (f->kind == VS_FIELD_SIGNED)
		vs_pack__signed(p, load_signed(row + f->offset, f->size));
	else
		vs_pack__blob(p, row + f->offset, strnlen(row + f->offset, f->size));
}

void vs_pack__row(struct vs_pack *p, const struct vs_field *fields, size_t nr, const void *row)
{
	struct vs_pack body = { 0 };

	for (size_t i = 0; i < nr; i++)
		pack_row(&body, &fields[i], row);
	p->failed |= body.failed;
	vs_pack__blob(p, body.data, body.len);
	vs_pack__free(&body);
}

static void unpack_field(struct vs_packed *u, const struct vs_field *f, char *row)
{
	if (f->kind == VS_FIELD_NUMBER)
		store(row + f->offset, f->size, vs_packed__number(u));
	else if (f->kind == VS_FIELD_FLAG)
		*(bool *)(row + f->offset) = vs_packed__number(u);
	else if (f->kind == VS_FIELD_SIGNED)
		store(row + f->offset, f->size, (uint64_t)vs_packed__signed(u));
	else
		vs_packed__text(u, row + f->offset, f->size);
}

void vs_packed__row(struct vs_packed *u, const struct vs_field *fields, size_t nr, void *row)
{
	struct vs_packed body = { 0 };

	body.data = vs_packed__blob(u, &body.len);
	for (size_t i = 0; i < nr && vs_packed__more(&body); i++)
		unpack_field(&body, &fields[i], row);
	u->failed |= body.failed;
}
