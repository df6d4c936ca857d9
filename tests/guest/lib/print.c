/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text out: a small formatter over console_io, and freestanding string functions.
 *
 * A line is formatted into a buffer on the stack and handed over in one hypercall, so lines of
 * two vCPUs do not mix.  No state, no lock.
 */
#include "print.h"
#include "hyper.h"

struct sink {
	char *out;
	size_t size, len;
};

static void put(struct sink *s, char c)
{
	if (s->len + 1 < s->size)
		s->out[s->len++] = c;
}

static void put_number(struct sink *s, unsigned long v, unsigned int base, int width, char pad)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n < width && n < (int)sizeof(digits))
		digits[n++] = pad;
	while (n)
		put(s, digits[--n]);
}

static void put_string(struct sink *s, const char *str)
{
	for (str = str ? str : "(null)"; *str; str++)
		put(s, *str);
}

static void put_signed(struct sink *s, long v, int width, char pad)
{
	if (v < 0) {
		put(s, '-');
		v = -v;
	}
	put_number(s, (unsigned long)v, 10, width, pad);
}

static unsigned long next_unsigned(va_list *args, bool is_long)
{
	return is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int);
}

/* One conversion; returns the character after it. */
static const char *put_conversion(struct sink *s, const char *fmt, va_list *args)
{
	char pad = ' ';
	int width = 0;
	bool is_long = false;

	if (*fmt == '0')
		pad = '0';
	while (*fmt >= '0' && *fmt <= '9')
		width = width * 10 + *fmt++ - '0';
	while (*fmt == 'l' || *fmt == 'z') {
		is_long = true;
		fmt++;
	}
	switch (*fmt) {
	case 's':
		put_string(s, va_arg(*args, const char *));
		break;
	case 'c':
		put(s, (char)va_arg(*args, int));
		break;
	case 'd':
		put_signed(s, is_long ? va_arg(*args, long) : va_arg(*args, int), width, pad);
		break;
	case 'u':
		put_number(s, next_unsigned(args, is_long), 10, width, pad);
		break;
	case 'x':
		put_number(s, next_unsigned(args, is_long), 16, width, pad);
		break;
	case 'p':
		put_number(s, (unsigned long)va_arg(*args, void *), 16, 16, '0');
		break;
	default:
		put(s, *fmt);
	}
	return fmt + 1;
}

/* Format into @out, always terminated; returns the length, cut to what fits. */
int format(char *out, size_t size, const char *fmt, va_list args)
{
	struct sink s = { .out = out, .size = size };
	va_list copy;

	va_copy(copy, args);
	while (*fmt) {
		if (*fmt != '%')
			put(&s, *fmt++);
		else
			fmt = put_conversion(&s, fmt + 1, &copy);
	}
	va_end(copy);
	out[s.len] = '\0';
	return (int)s.len;
}

void print(const char *fmt, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = format(line, sizeof(line), fmt, args);
	va_end(args);
	hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, len, line);
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *ret = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return ret;
}

void *memset(void *to, int c, size_t n)
{
	void *ret = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return ret;
}

void *memmove(void *to, const void *from, size_t n)
{
	const char *src = from;
	char *dst = to;

	if (dst <= src)
		return memcpy(to, from, n);
	while (n--)
		dst[n] = src[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}
