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
	bool left, zero, upper, negative;
	int width, precision;		/* precision -1: not given */
	int size;			/* 4 or 8 bytes, 2 and 1 for h and hh */
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
	while ((sp->precision < 0 || n < sp->precision) && s[n])
		n++;
	if (!sp->left)
		pad(o, ' ', sp->width - n);
	for (int i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->left)
		pad(o, ' ', sp->width - n);
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v, unsigned base)
{
	const char *digits = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	int n = 0, sign = sp->negative, zeroes;

	/* Hexadecimal without a division: it is most of what a dump prints. */
	if (base == 16)
		for (; v; v >>= 4)
			text[n++] = digits[v & 15];
	else
		for (; v; v /= 10)
			text[n++] = digits[v % 10];
	zeroes = (sp->precision < 0 ? 1 : sp->precision) - n;
	if (zeroes < 0)
		zeroes = 0;
	if (sp->zero && !sp->left && sp->precision < 0 && sp->width - sign > n + zeroes)
		zeroes = sp->width - sign - n;
	if (!sp->left)
		pad(o, ' ', sp->width - sign - zeroes - n);
	if (sign)
		put(o, '-');
	pad(o, '0', zeroes);
	for (int i = n; i > 0; i--)
		put(o, text[i - 1]);
	if (sp->left)
		pad(o, ' ', sp->width - sign - zeroes - n);
}

/* Reads what stands between '%' and the conversion letter; returns the letter's place. */
static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1, .size = 4 };
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + (*f - '0');
	if (*f == '.') {
		sp->precision = 0;
		if (*++f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			sp->precision = sp->precision * 10 + (*f - '0');
	}
	for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
		sp->size = *f != 'h' ? 8 : sp->size == 2 ? 1 : 2;
	return f;
}

static uint64_t get_unsigned(const struct spec *sp, va_list *ap)
{
	if (sp->size == 8)
		return va_arg(*ap, uint64_t);
	uint32_t v = va_arg(*ap, uint32_t);
	return sp->size == 4 ? v : sp->size == 2 ? (uint16_t)v : (uint8_t)v;
}

static uint64_t get_signed(struct spec *sp, va_list *ap)
{
	int64_t v;

	if (sp->size == 8)
		v = va_arg(*ap, int64_t);
	else
		v = va_arg(*ap, int32_t);
	if (sp->size == 2)
		v = (int16_t)v;
	else if (sp->size == 1)
		v = (int8_t)v;
	sp->negative = v < 0;
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* One conversion, @f at its '%'; returns what follows it. */
static const char *convert(struct out *o, const char *f, va_list *ap)
{
	struct spec sp;
	const char *letter = parse_spec(f + 1, &sp, ap);
	char c[2] = "";

	switch (*letter) {
	case 's':
		put_text(o, &sp, va_arg(*ap, const char *));
		break;
	case 'c':
		c[0] = (char)va_arg(*ap, int);
		put_text(o, &sp, c);
		break;
	case 'd':
	case 'i': {
		uint64_t v = get_signed(&sp, ap);

		put_number(o, &sp, v, 10);
		break;
	}
	case 'u':
		put_number(o, &sp, get_unsigned(&sp, ap), 10);
		break;
	case 'X':
		sp.upper = true;
		/* fall through */
	case 'x':
		put_number(o, &sp, get_unsigned(&sp, ap), 16);
		break;
	case 'p':
		sp.precision = 16;
		put_number(o, &sp, (uint64_t)va_arg(*ap, void *), 16);
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
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
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
	uint64_t v = fmt_parse_u64(s, end);
	int shift = 10, letter = 1;

	if (*end == s)
		return 0;
	switch (**end) {
	case 'B': case 'b': shift = 0; break;
	case 'K': case 'k': shift = 10; break;
	case 'M': case 'm': shift = 20; break;
	case 'G': case 'g': shift = 30; break;
	case 'T': case 't': shift = 40; break;
	default: letter = 0;
	}
	if (v << shift >> shift != v) {
		*end = s;
		return 0;
	}
	*end += letter;
	return v << shift;
}
