/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects rows, then prints them in the format chosen.  Nothing reaches standard output before
 * out_end(), so a command that fails half way prints no half result.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MAX_COLUMNS	40
#define MAX_EXTRAS	8

static struct {
	enum out_format format;
	bool no_header, quiet, record;
	char wanted[512];
	const char *schema, *plural;
	const struct out_column *columns;
	unsigned nr_columns, nr_rows, nr_extras;
	unsigned shown[MAX_COLUMNS], nr_shown;
	struct out_value *rows;
	struct { const char *key; struct out_value value; } extras[MAX_EXTRAS];
	char notes[1024];
} out;

void out_set_format(enum out_format f) { out.format = f; }
enum out_format out_get_format(void) { return out.format; }
void out_set_header(bool on) { out.no_header = !on; }
void out_set_quiet(bool on) { out.quiet = on; }

bool out_set_columns(const char *list)
{
	if (strlen(list) >= sizeof(out.wanted))
		return false;
	strcpy(out.wanted, list);
	return true;
}

struct out_value out_null(void)
{
	return (struct out_value){ .kind = OUT_NULL };
}

struct out_value out_text(const char *text)
{
	return (struct out_value){ .kind = OUT_TEXT, .text = strdup(text ? text : "") };
}

struct out_value out_u64(uint64_t n)
{
	return (struct out_value){ .kind = OUT_U64, .n.u = n };
}

struct out_value out_i64(int64_t n)
{
	return (struct out_value){ .kind = OUT_I64, .n.i = n };
}

struct out_value out_bool(bool b)
{
	return (struct out_value){ .kind = OUT_BOOL, .n.u = b };
}

static char *print(const char *shown, va_list args)
{
	char *text;

	return vasprintf(&text, shown, args) < 0 ? NULL : text;
}

struct out_value out_real(double n, const char *shown, ...)
{
	struct out_value v = { .kind = OUT_REAL, .n.real = n };
	va_list args;

	va_start(args, shown);
	v.text = print(shown, args);
	va_end(args);
	return v;
}

struct out_value out_u64_as(uint64_t n, const char *shown, ...)
{
	struct out_value v = { .kind = OUT_U64, .n.u = n };
	va_list args;

	va_start(args, shown);
	v.text = print(shown, args);
	va_end(args);
	return v;
}

static void begin(const char *schema, const char *plural, const struct out_column *columns)
{
	out.schema = schema;
	out.plural = plural;
	out.columns = columns;
	out.nr_columns = out.nr_rows = out.nr_extras = 0;
	out.notes[0] = 0;
	while (columns[out.nr_columns].key && out.nr_columns < MAX_COLUMNS)
		out.nr_columns++;
}

void out_list(const char *schema, const char *plural, const struct out_column *columns)
{
	begin(schema, plural, columns);
	out.record = false;
}

void out_record(const char *schema, const struct out_column *columns)
{
	begin(schema, NULL, columns);
	out.record = true;
}

void out_row(const struct out_value *values)
{
	struct out_value *more = reallocarray(out.rows, (out.nr_rows + 1) * out.nr_columns,
					      sizeof(*more));

	if (!more)
		return;
	out.rows = more;
	memcpy(&more[out.nr_rows++ * out.nr_columns], values, out.nr_columns * sizeof(*values));
}

void out_extra(const char *key, struct out_value value)
{
	if (out.nr_extras < MAX_EXTRAS) {
		out.extras[out.nr_extras].key = key;
		out.extras[out.nr_extras++].value = value;
	}
}

void out_note(const char *text, ...)
{
	size_t n = strlen(out.notes);
	va_list args;

	va_start(args, text);
	vsnprintf(out.notes + n, sizeof(out.notes) - n, text, args);
	va_end(args);
	n = strlen(out.notes);
	snprintf(out.notes + n, sizeof(out.notes) - n, "\n");
}

void out_json_string(void *stream, const char *text)
{
	FILE *f = stream;

	fputc('"', f);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void json_value(const struct out_value *v)
{
	switch (v->kind) {
	case OUT_NULL: fputs("null", stdout); break;
	case OUT_TEXT: out_json_string(stdout, v->text ? v->text : ""); break;
	case OUT_U64: printf("%llu", (unsigned long long)v->n.u); break;
	case OUT_I64: printf("%lld", (long long)v->n.i); break;
	case OUT_REAL: printf("%.6g", v->n.real); break;
	case OUT_BOOL: fputs(v->n.u ? "true" : "false", stdout); break;
	}
}

static const struct out_value *cell(unsigned row, unsigned shown)
{
	return &out.rows[row * out.nr_columns + out.shown[shown]];
}

static void json_members(unsigned row)
{
	for (unsigned c = 0; c < out.nr_shown; c++) {
		printf("%s", c ? "," : "");
		out_json_string(stdout, out.columns[out.shown[c]].key);
		putchar(':');
		json_value(cell(row, c));
	}
}

static void print_json(void)
{
	printf("{\"schema\":\"%s\"", out.schema);
	if (out.record) {
		putchar(',');
		json_members(0);
	} else {
		printf(",\"%s\":[", out.plural);
		for (unsigned r = 0; r < out.nr_rows; r++) {
			printf("%s\n {", r ? "," : "");
			json_members(r);
			putchar('}');
		}
		fputs("]", stdout);
	}
	for (unsigned i = 0; i < out.nr_extras; i++) {
		putchar(',');
		out_json_string(stdout, out.extras[i].key);
		putchar(':');
		json_value(&out.extras[i].value);
	}
	puts("}");
}

static void print_jsonl(void)
{
	for (unsigned r = 0; r < out.nr_rows; r++) {
		printf("{\"schema\":\"%s\",", out.schema);
		json_members(r);
		puts("}");
	}
}

static void plain(FILE *f, const struct out_value *v, bool human)
{
	if (human && v->kind != OUT_TEXT && v->text)
		fputs(v->text, f);
	else if (v->kind == OUT_TEXT)
		fputs(v->text && (v->text[0] || !human) ? v->text : "-", f);
	else if (v->kind == OUT_NULL)
		fputs(human ? "-" : "", f);
	else if (v->kind == OUT_BOOL)
		fputs(human ? (v->n.u ? "yes" : "no") : (v->n.u ? "true" : "false"), f);
	else if (v->kind == OUT_REAL)
		fprintf(f, "%.6g", v->n.real);
	else if (v->kind == OUT_I64)
		fprintf(f, "%lld", (long long)v->n.i);
	else
		fprintf(f, "%llu", (unsigned long long)v->n.u);
}

static char *plain_text(const struct out_value *v, bool human)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	if (!f)
		return NULL;
	plain(f, v, human);
	fclose(f);
	return text;
}

static void csv_field(const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++)
		fputs(*text == '"' ? "\"\"" : (char[]){ *text, 0 }, stdout);
	putchar('"');
}

static void print_csv(void)
{
	for (unsigned c = 0; c < out.nr_shown && !out.no_header; c++)
		printf("%s%s%s", c ? "," : "", out.columns[out.shown[c]].key,
		       c + 1 == out.nr_shown ? "\r\n" : "");
	for (unsigned r = 0; r < out.nr_rows; r++) {
		for (unsigned c = 0; c < out.nr_shown; c++) {
			char *text = plain_text(cell(r, c), false);

			printf("%s", c ? "," : "");
			csv_field(text ? text : "");
			free(text);
		}
		fputs("\r\n", stdout);
	}
}

/* Columns of a text: bytes that start a UTF-8 character. */
static int columns_of(const char *text)
{
	int n = 0;

	for (; text && *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void pad(const char *text, int width, bool right, bool last)
{
	int blanks = width - columns_of(text);

	printf("%*s%s%*s", right && blanks > 0 ? blanks : 0, "", text,
	       !right && !last && blanks > 0 ? blanks : 0, "");
}

static void print_table(void)
{
	int width[MAX_COLUMNS];

	for (unsigned c = 0; c < out.nr_shown; c++) {
		width[c] = out.no_header ? 0 : columns_of(out.columns[out.shown[c]].header);
		for (unsigned r = 0; r < out.nr_rows; r++) {
			char *text = plain_text(cell(r, c), true);

			if (columns_of(text) > width[c])
				width[c] = columns_of(text);
			free(text);
		}
	}
	for (unsigned r = out.no_header; r <= out.nr_rows; r++) {
		for (unsigned c = 0; c < out.nr_shown; c++) {
			const struct out_column *col = &out.columns[out.shown[c]];
			char *text = r ? plain_text(cell(r - 1, c), true) : strdup(col->header);

			printf("%s", c ? "  " : "");
			pad(text ? text : "", width[c], col->right, c + 1 == out.nr_shown);
			free(text);
		}
		putchar('\n');
	}
	fputs(out.notes, stdout);
}

static void print_record(void)
{
	int width = 0;

	for (unsigned c = 0; c < out.nr_shown; c++)
		if (columns_of(out.columns[out.shown[c]].header) > width)
			width = columns_of(out.columns[out.shown[c]].header);
	for (unsigned c = 0; c < out.nr_shown && out.nr_rows; c++) {
		char *text = plain_text(cell(0, c), true);

		pad(out.columns[out.shown[c]].header, width, false, false);
		printf("  %s\n", text ? text : "");
		free(text);
	}
	fputs(out.notes, stdout);
}

/* Which columns, in which order: those asked for, or all the format shows. */
static bool choose(void)
{
	bool table = out.format == OUT_TABLE || out.format == OUT_WIDE;
	char list[sizeof(out.wanted)], *at = list, *word;

	out.nr_shown = 0;
	if (!out.wanted[0]) {
		for (unsigned c = 0; c < out.nr_columns; c++)
			if (!table || (out.columns[c].header &&
				       (out.format == OUT_WIDE || !out.columns[c].wide)))
				out.shown[out.nr_shown++] = c;
		return true;
	}
	strcpy(list, out.wanted);
	while ((word = strsep(&at, ",")) && out.nr_shown < MAX_COLUMNS) {
		unsigned c = 0;

		while (c < out.nr_columns && strcmp(out.columns[c].key, word) &&
		       (!out.columns[c].header || strcasecmp(out.columns[c].header, word)))
			c++;
		if (c == out.nr_columns) {
			cli_fail("MICA-CFG-002", "--columns", "there is no column '%s'", word);
			return false;
		}
		out.shown[out.nr_shown++] = c;
	}
	return true;
}

static void print_quiet(void)
{
	out.nr_shown = 1;
	for (unsigned r = 0; r < out.nr_rows; r++) {
		plain(stdout, cell(r, 0), false);
		putchar('\n');
	}
}

int out_end(void)
{
	bool ok = choose();

	if (!ok)
		;
	else if (out.quiet && out.nr_shown)
		print_quiet();
	else if (out.format == OUT_JSON)
		print_json();
	else if (out.format == OUT_JSONL)
		print_jsonl();
	else if (out.format == OUT_CSV)
		print_csv();
	else if (out.record)
		print_record();
	else
		print_table();
	for (unsigned i = 0; i < out.nr_rows * out.nr_columns; i++)
		free(out.rows[i].text);
	for (unsigned i = 0; i < out.nr_extras; i++)
		free(out.extras[i].value.text);
	free(out.rows);
	out.rows = NULL;
	out.nr_rows = 0;
	fflush(stdout);
	return ok ? 0 : EXIT_USAGE;
}
