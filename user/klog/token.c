// SPDX-License-Identifier: GPL-2.0
#include "klog/token.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "klog/json_line.h"

#define LINE_MAX_LEN 65536	/* of a longer one each piece counts as a line */

struct klog_lines {
	klog_token_fn take;
	void *ctx;
	size_t count, len;
	size_t start;		/* of what was read last, after a soft break */
	bool first;
	bool open_bracket;	/* the last line ended within "[  12.345678]" */
	bool full;		/* this line is as wide as any was: a terminal may have broken a word */
	bool holding;		/* its last word waits for what the next line begins with */
	size_t widest;
	enum klog_token_kind before; /* the kind of the token before the one that is held */
	struct klog_token held;
	char when[KLOG_WHEN_LEN];
	struct klog_token token;
	char line[LINE_MAX_LEN + 1];
	char message[LINE_MAX_LEN + 1];
};

struct klog_lines *klog_lines__new(klog_token_fn take, void *ctx)
{
	struct klog_lines *l = calloc(1, sizeof(*l));

	if (l) {
		l->take = take;
		l->ctx = ctx;
	}
	return l;
}

void klog_lines__free(struct klog_lines *l)
{
	free(l);
}

size_t klog_lines__count(const struct klog_lines *l)
{
	return l->count;
}

/* -- what is in brackets -- */

static size_t hex_digits(const char *p)
{
	size_t nr = 0;

	while (isxdigit((unsigned char)p[nr]))
		nr++;
	return nr;
}

static const char *skip_spaces(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

static bool is_day(const char *p)
{
	static const char days[] = "Mon Tue Wed Thu Fri Sat Sun ";

	for (size_t i = 0; *p >= 'A' && *p <= 'Z' && i < sizeof(days) - 1; i += 4)
		if (!strncmp(p, days + i, 4))
			return true;
	return false;
}

static bool is_month(const char *p)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t i = 0; *p >= 'A' && *p <= 'Z' && i < sizeof(months) - 1; i += 3)
		if (!strncmp(p, months + i, 3))
			return true;
	return false;
}

/* "T607", "C8": the task or the CPU that printed the line. Returns the end, or @p if it is neither. */
static const char *take_caller_id(struct klog_token *t, const char *p)
{
	const char *at = p + 1;
	uint32_t number = 0;

	if ((*p != 'C' && *p != 'T') || !isdigit((unsigned char)*at))
		return p;
	for (; isdigit((unsigned char)*at); at++)
		number = number * 10 + (uint32_t)(*at - '0');
	t->caller = *p == 'C' ? number | 1u << 31 : number + 1;
	return at;
}

/* "[T607]" or "[C8]", directly after a stamp. */
static const char *take_caller(struct klog_token *t, const char *p)
{
	const char *at = p[0] == '[' ? skip_spaces(p + 1) : p, *end;
	struct klog_token caller;

	if (at == p)
		return p;
	end = take_caller_id(&caller, at);
	if (end == at || *end != ']')
		return p;
	t->caller = caller.caller;
	return end + 1;
}

/* "123.456789]": the seconds since boot. Some vendors add the CPU to them. */
static const char *take_seconds(struct klog_token *t, const char *p)
{
	uint64_t seconds = 0, part = 0, unit = 1000000000;
	size_t extra = 0;

	if (!isdigit((unsigned char)*p))
		return NULL;
	for (; isdigit((unsigned char)*p) && seconds < 100000000000ull; p++)
		seconds = seconds * 10 + (uint64_t)(*p - '0');
	if (*p++ != '.')
		return NULL;
	for (; isdigit((unsigned char)*p); p++)
		if (unit > 1) {
			unit /= 10;
			part += (uint64_t)(*p - '0') * unit;
		}
	while (*p && *p != ']' && *p != ' ' && extra++ < 8)
		p++;
	if (*p != ']')
		return NULL;
	t->time_ns = seconds * 1000000000ull + part;
	return take_caller(t, p + 1);
}

/* "[Mon Nov 30 09:28:18 2026]", "[Nov30 09:28]", "[  +0.000012]", "[]": no clock to count by. */
static const char *take_date(struct klog_lines *l, const char *p)
{
	const char *end = strchr(p, ']');
	size_t len = end ? (size_t)(end - p) : 0;

	if (!end || len >= KLOG_WHEN_LEN)
		return NULL;
	if (is_day(p) || (is_month(p) && isdigit((unsigned char)p[3]))) {
		memcpy(l->when, p, len);
		l->when[len] = '\0';
	} else if (len && !(*skip_spaces(p) == '+' && isdigit((unsigned char)skip_spaces(p)[1]))) {
		return NULL;
	}
	return take_caller(&l->token, end + 1);
}

/* "[<ffffffff810a97f7>]", "[<0>]", "[c000003c4588bd10]". */
static const char *take_address(const char *p)
{
	bool angle = *p == '<';
	size_t digits;

	p += angle;
	digits = hex_digits(p);
	if (!digits || digits > 16 || (!angle && digits < 8))
		return NULL;
	p += digits;
	if (angle && *p++ != '>')
		return NULL;
	return *p == ']' ? p + 1 : NULL;
}

/* The end of a stamp or of an address at a "[", NULL for neither. */
static const char *take_bracket(struct klog_lines *l, const char *p)
{
	const char *at = skip_spaces(p + 1), *end;
	bool delta = at[0] == '<' && (at[1] == ' ' || strchr(at, '.'));

	end = take_address(p + 1);
	if (end) {
		l->token.kind = KLOG_ADDRESS;
		return end;
	}
	end = take_seconds(&l->token, at);
	if (!end && delta) {
		end = strchr(p, ']');
		end = end && end - p < 24 && end[-1] == '>' ? end + 1 : NULL;
	}
	if (!end)
		end = take_date(l, p + 1);
	if (end)
		l->token.kind = KLOG_STAMP;
	return end;
}

/* journalctl -o export: "MESSAGE=Call Trace:" */
static const char *take_key(struct klog_lines *l, const char *p)
{
	if (strncmp(p, "MESSAGE=", 8))
		return NULL;
	l->token.kind = KLOG_STAMP;
	return p + 8;
}

/* "6,1205,92934837013,-,caller=T9;": a record of /dev/kmsg, or of netconsole behind a prefix of syslog. */
static const char *take_record(struct klog_lines *l, const char *p)
{
	unsigned long long stamp;
	unsigned int level;
	int used = 0;
	const char *id, *end;

	if (!isdigit((unsigned char)*p) || !memchr(p, ',', strnlen(p, 4)) ||
	    sscanf(p, "%3u,%*20[0-9],%18llu,%n", &level, &stamp, &used) != 2 || !used)
		return NULL;
	end = p + strcspn(p, " ;");
	if (*end != ';' || level > 7)
		return NULL;
	id = strstr(p, "caller=");
	l->token.kind = KLOG_STAMP;
	l->token.time_ns = (uint64_t)stamp * 1000;
	if (id && id < end)
		take_caller_id(&l->token, id + strlen("caller="));
	return end + 1;
}

/* -- tokens of a line -- */

/* "symbol+0x12/0x34", and maybe "(" before it. */
static bool is_frame(const char *text)
{
	const char *plus = strstr(text, "+0x"), *slash = plus ? strstr(plus, "/0x") : NULL;
	size_t name = strspn(text + (*text == '('),
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	return plus && slash && text + (*text == '(') + name == plus &&
	       plus + 3 + strspn(plus + 3, "0123456789abcdef") == slash &&
	       isxdigit((unsigned char)slash[3]);
}

/*
 * Returns true if the held word and the first word of the next line are one: both together are a frame or
 * a module, and the first alone is none. If the second alone is a frame, the first has to stand where
 * frames do.
 */
static bool belongs_together(const struct klog_lines *l, const struct klog_token *t)
{
	char joined[2 * KLOG_TOKEN_LEN];
	const char *a = l->held.text;

	if (t->kind != KLOG_WORD || !t->first)
		return false;
	if (a[0] == '[' && a[1] && !strchr(a, ']') && t->text[t->len - 1] == ']' && !strchr(t->text, '['))
		return true;
	stpcpy(stpcpy(joined, a), t->text);
	return !is_frame(a) && is_frame(joined) &&
	       (!is_frame(t->text) || (l->before != KLOG_WORD && a[0] != '?' && a[0] != '<'));
}

static void give_held(struct klog_lines *l)
{
	if (l->holding)
		l->take(l->ctx, &l->held, l->when);
	l->holding = false;
}

static void join_held(struct klog_lines *l, struct klog_token *t)
{
	size_t room = KLOG_TOKEN_LEN - 1 - l->held.len, len = t->len < room ? t->len : room;

	memmove(t->text + l->held.len, t->text, len);
	memcpy(t->text, l->held.text, l->held.len);
	t->len = l->held.len + (unsigned int)len;
	t->text[t->len] = '\0';
	t->first = l->held.first;
	t->plus |= l->held.plus;
	t->slash |= l->held.slash;
	t->paren |= l->held.paren;
	l->holding = false;
}

static void give(struct klog_lines *l, const char *text, size_t len, bool last)
{
	struct klog_token *t = &l->token;

	t->first = l->first;
	t->len = (unsigned int)(len < KLOG_TOKEN_LEN ? len : KLOG_TOKEN_LEN - 1);
	memcpy(t->text, text, t->len);
	t->text[t->len] = '\0';
	l->first = false;
	if (l->holding && belongs_together(l, t))
		join_held(l, t);
	give_held(l);
	if (last && l->full && t->kind == KLOG_WORD) {
		l->held = *t;
		l->holding = true;
		return;
	}
	l->before = t->kind;
	l->take(l->ctx, t, l->when);
}

static bool is_space(char c)
{
	return (unsigned char)c <= ' ';
}

/* Finds the end of a word, which an address or a module without a blank between ends, too. */
static const char *end_of_word(struct klog_token *t, const char *p)
{
	const char *at = p + 1;

	t->slash = *p == '/';
	t->paren = *p == '(';
	t->plus = *p == '+';
	for (; !is_space(*at); at++) {
		if (*at > '[' || (*at >= '0' && *at < '['))	/* most are letters and digits */
			continue;
		if (*at == '[' && (at[1] == '<' || at[-1] == ':' || isxdigit((unsigned char)at[-1])))
			break;
		t->plus |= *at == '+';
		t->slash |= *at == '/';
		t->paren |= *at == '(';
	}
	return at;
}

static void take_tokens(struct klog_lines *l, const char *p)
{
	while (*p) {
		const char *end;

		if (is_space(*p)) {
			p++;
			continue;
		}
		l->token.kind = KLOG_WORD;
		l->token.time_ns = UINT64_MAX;
		l->token.caller = 0;
		if (*p == '[' && !*skip_spaces(p + 1)) {
			l->open_bracket = true;
			return;
		}
		end = *p == '[' ? take_bracket(l, p) : *p == 'M' ? take_key(l, p) : take_record(l, p);
		if (!end && *p == '(' && p[1] == '[') {	/* s390 */
			p++;
			continue;
		}
		if (!end)
			end = end_of_word(&l->token, p);
		if (*p == 'k' && l->token.kind == KLOG_WORD && end - p > 7 && !strncmp(p, "kernel:", 7))
			end = p + 7;	/* syslogd sends to terminals: "kernel:watchdog: BUG: ..." */
		give(l, p, (size_t)(end - p), !*end);
		p = end;
	}
}

/* -- what is around a line -- */

/* Skips the "> ", "| ", "# ", "<4>" of mails, comments and dmesg --raw. */
static const char *skip_quotes(const char *p)
{
	for (;;) {
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p == '>' || *p == '|')
			p++;
		else if ((*p == '#' || *p == '*' || *p == '%') && is_space(p[1]) && p[1])
			p++;
		else if (*p == '/' && p[1] == '/')
			p += 2;
		else if (*p == '<' && isdigit((unsigned char)p[1]) && strspn(p + 1, "0123456789") <= 3 &&
			 p[1 + strspn(p + 1, "0123456789")] == '>')
			p += 2 + strspn(p + 1, "0123456789");
		else
			return p;
	}
}

/* Keeps a date of syslog or of journalctl at the beginning, to show it to people. */
static void take_when(struct klog_lines *l, const char *p)
{
	size_t len;

	if (isdigit((unsigned char)p[0]) && isdigit((unsigned char)p[1]) && strlen(p) > 20 &&
	    p[4] == '-' && p[7] == '-' && (p[10] == 'T' || p[10] == ' ')) {
		len = 19;
	} else if (is_month(p) && p[3] == ' ' && strlen(p) > 16 && p[9] == ':' && p[12] == ':') {
		len = 15;
	} else {
		return;
	}
	memcpy(l->when, p, len);
	l->when[len] = '\0';
}

/* Quoted-printable: "=3D", the UTF-8 of a hard space, a blank at the end of the line. */
static bool take_encoded(char **from, char *to)
{
	static const struct {
		const char *code;
		char is;
	} codes[] = { { "=3D", '=' }, { "=C2=A0", ' ' }, { "=20", ' ' } };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		size_t len = strlen(codes[i].code);

		if (strncmp(*from, codes[i].code, len) || (i == 2 && (*from)[len]))
			continue;
		*to = codes[i].is;
		*from += len;
		return true;
	}
	return false;
}

/* Cleans in place: entities as web pages have them, colours of a terminal, UTF-8's hard space. */
static void clean(char *line)
{
	static const struct {
		const char *name;
		char is;
	} entities[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' },
			 { "&#39;", '\'' }, { "&nbsp;", ' ' } };
	char *to = line;

	for (char *from = line; *from;) {
		size_t i = 0, n = sizeof(entities) / sizeof(entities[0]);

		if (*from == '\033') {
			from++;
			if (*from == '[')
				for (from++; *from && !isalpha((unsigned char)*from); from++)
					;
			from += *from ? 1 : 0;
			continue;
		}
		for (; *from == '&' && i < n; i++)
			if (!strncmp(from, entities[i].name, strlen(entities[i].name)))
				break;
		if (*from == '=' && take_encoded(&from, to)) {
			to++;
		} else if (*from == '&' && i < n) {
			*to++ = entities[i].is;
			from += strlen(entities[i].name);
		} else if ((unsigned char)from[0] == 0xc2 && (unsigned char)from[1] == 0xa0) {
			*to++ = ' ';
			from += 2;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* Takes the rest of a stamp whose bracket ends the line above: mail programs break lines at blanks. */
static const char *take_rest(struct klog_lines *l, const char *p)
{
	const char *end = take_seconds(&l->token, p);

	l->open_bracket = false;
	if (!end)
		return p;
	l->token.kind = KLOG_STAMP;
	give(l, p, (size_t)(end - p), false);
	return end;
}

static void take_plain(struct klog_lines *l, char *line)
{
	const char *p;
	size_t width = strlen(line);

	l->full = width >= 60 && width >= l->widest && width < 250;
	if (l->full)
		l->widest = width;
	if (strpbrk(line, "&\033\xc2="))
		clean(line);
	p = skip_quotes(line);
	take_when(l, p);
	l->first = true;
	if (l->open_bracket)
		p = take_rest(l, p);
	take_tokens(l, p);
}

/* A message of journalctl -o json may have several lines. */
static void take_line(struct klog_lines *l)
{
	char *at = l->message, *end;

	l->line[l->len] = '\0';
	l->count++;
	l->len = l->start = 0;
	if (!klog_json_line__message(skip_quotes(l->line), l->message, sizeof(l->message), l->when,
				     sizeof(l->when))) {
		take_plain(l, l->line);
		return;
	}
	for (; at; at = end) {
		end = strchr(at, '\n');
		if (end)
			*end++ = '\0';
		take_plain(l, at);
	}
}

/* Quoted-printable breaks what is longer than 76 characters by a "=" at the end, maybe a little earlier. */
static bool is_soft_break(struct klog_lines *l)
{
	size_t end = l->len - (l->len && l->line[l->len - 1] == '\r'), width = end - l->start;

	if (width < 66 || width > 77 || l->line[end - 1] != '=')
		return false;
	l->start = l->len = end - 1;
	return true;
}

/* A NUL would hide what follows. */
static void hide_nuls(char *text, size_t len)
{
	char *at = text;

	while ((at = memchr(at, '\0', len - (size_t)(at - text))))
		*at = ' ';
}

void klog_lines__feed(struct klog_lines *l, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t part = end ? (size_t)(end - text) : len, room = LINE_MAX_LEN - l->len;
		bool whole = end && part <= room;

		if (part > room)
			part = room;
		memcpy(l->line + l->len, text, part);
		hide_nuls(l->line + l->len, part);
		l->len += part;
		if ((whole && !is_soft_break(l)) || l->len == LINE_MAX_LEN)
			take_line(l);
		text += part + (whole ? 1 : 0);
		len -= part + (whole ? 1 : 0);
	}
}

void klog_lines__end(struct klog_lines *l)
{
	if (l->len)
		take_line(l);
	give_held(l);
	l->open_bracket = false;
	l->widest = 0;
	l->when[0] = '\0';
}
