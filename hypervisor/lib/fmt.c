/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printf into a buffer, and numbers out of text.  Pure: no state, no allocation, no locale.
 *
 * A conversion it does not know is copied as it stands, so a wrong format shows in the output and
 * takes no argument.
 */
#include "lib/fmt.h"
#include "lib/string.h"

struct out {
	char *at, *end;			/* @end is the place of the last terminator */
	int total;			/* characters the whole text has */
};

struct spec {
	bool zero, wide;		/* padded with zeroes; 8 bytes instead of 4 */
	int width, precision;		/* precision -1: not given */
};

static void put(struct out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
	o->total++;
}

static void pad(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *sp, const char *s)
{
	int n = 0;

	if (!s)
		s = "(null)";
	while (n != sp->precision && s[n])
		n++;
	pad(o, ' ', sp->width - n);
	while (n--)
		put(o, *s++);
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v, unsigned base, bool negative)
{
	char text[24];
	int n = 0, room;

	do
		text[n++] = "0123456789abcdef"[v % base];
	while (v /= base);
	room = sp->width - n - negative;
	if (!sp->zero)
		pad(o, ' ', room);
	if (negative)
		put(o, '-');
	if (sp->zero)
		pad(o, '0', room);
	while (n)
		put(o, text[--n]);
}

static const char *parse_int(const char *f, int *value)
{
	for (*value = 0; *f >= '0' && *f <= '9'; f++)
		*value = *value * 10 + (*f - '0');
	return f;
}

/* Reads what stands between '%' and the conversion letter; returns the letter's place. */
static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1, .zero = *f == '0' };
	f = parse_int(f, &sp->width);
	if (f[0] == '.' && f[1] == '*') {
		sp->precision = va_arg(*ap, int);
		f += 2;
	} else if (*f == '.') {
		f = parse_int(f + 1, &sp->precision);
	}
	for (; *f == 'l' || *f == 'z'; f++)
		sp->wide = true;
	return f;
}

static uint64_t get_unsigned(const struct spec *sp, va_list *ap)
{
	return sp->wide ? va_arg(*ap, uint64_t) : va_arg(*ap, uint32_t);
}

/* One conversion, @f at its '%'; returns what follows it. */
static const char *convert(struct out *o, const char *f, va_list *ap)
{
	struct spec sp;
	const char *letter = parse_spec(f + 1, &sp, ap);
	int64_t v;

	switch (*letter) {
	case 's':
		put_text(o, &sp, va_arg(*ap, const char *));
		break;
	case 'c':
		put(o, (char)va_arg(*ap, int));
		break;
	case 'd':
		v = sp.wide ? va_arg(*ap, int64_t) : va_arg(*ap, int32_t);
		put_number(o, &sp, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0);
		break;
	case 'u':
		put_number(o, &sp, get_unsigned(&sp, ap), 10, false);
		break;
	case 'x':
		put_number(o, &sp, get_unsigned(&sp, ap), 16, false);
		break;
	case 'p':
		sp = (struct spec){ .zero = true, .width = 16 };
		put_number(o, &sp, (uint64_t)va_arg(*ap, void *), 16, false);
		break;
	case '%':
		put(o, '%');
		break;
	default:
		put(o, '%');
		return f + 1;
	}
	return letter + 1;
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .at = buf, .end = size ? buf + size - 1 : buf };
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&o, fmt, &args);
		else
			put(&o, *fmt++);
	}
	va_end(args);
	if (size)
		*o.at = '\0';
	return o.total;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;				/* lower case */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* A number that does not fit 64 bits counts as no number. */
uint64_t fmt_parse_u64(const char *s, const char **end)
{
	int base = 10;
	const char *p = s;
	uint64_t v = 0;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_of(p[2]) < 16) {
		base = 16;
		p += 2;
	} else if (p[0] == '0') {
		base = 8;
	}
	*end = s;
	for (; digit_of(*p) < base; p++) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit_of(*p), &v)) {
			*end = s;
			return 0;
		}
		*end = p + 1;
	}
	return v;
}

uint64_t fmt_parse_size(const char *s, const char **end)
{
	static const char letters[] = "bkmgt";		/* powers of 1024 */
	uint64_t v = fmt_parse_u64(s, end);
	const char *letter = *end != s && **end ? strchr(letters, **end | 0x20) : NULL;
	int shift = letter ? 10 * (int)(letter - letters) : 10;

	if (v << shift >> shift != v) {
		*end = s;
		return 0;
	}
	*end += letter != NULL;
	return v << shift;
}
