/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results on standard output: rows of values under named columns, printed as a table for people or
 * as JSON, JSON lines or CSV for programs.  Every result has a schema with a version; a column's
 * key never changes its meaning within a version, and units are part of the key.
 */
#ifndef MICA_CLI_OUT_H
#define MICA_CLI_OUT_H

#include <stdbool.h>
#include <stdint.h>

enum out_format { OUT_TABLE, OUT_WIDE, OUT_JSON, OUT_JSONL, OUT_CSV };

struct out_column {
	const char *key;		/* "memory_kib" */
	const char *header;		/* "MEMORY"; NULL: not in tables */
	bool right, wide;		/* aligned right; only in wide tables */
};

enum out_kind { OUT_NULL, OUT_TEXT, OUT_U64, OUT_I64, OUT_REAL, OUT_BOOL };

struct out_value {
	enum out_kind kind;
	union {
		uint64_t u;
		int64_t i;
		double real;
	} n;
	char *text;			/* of OUT_TEXT; else what a table shows, NULL: the number */
};

struct out_value out_null(void);
struct out_value out_text(const char *text);
struct out_value out_u64(uint64_t n);
struct out_value out_i64(int64_t n);
struct out_value out_bool(bool b);
struct out_value out_real(double n, const char *shown, ...)
	__attribute__((format(printf, 2, 3)));
struct out_value out_u64_as(uint64_t n, const char *shown, ...)
	__attribute__((format(printf, 2, 3)));

/* What the global options chose. */
void out_set_format(enum out_format f);
enum out_format out_get_format(void);
bool out_set_columns(const char *comma_list);
void out_set_header(bool on);
void out_set_quiet(bool on);

/* A list of rows: JSON {"schema":..., "plural": [...]}. */
void out_list(const char *schema, const char *plural, const struct out_column *columns);
/* One thing: JSON {"schema":..., key: value, ...}; a table has one line per column. */
void out_record(const char *schema, const struct out_column *columns);
/* A row: one value per column, in order; takes the values over. */
void out_row(const struct out_value *values);
/* Another member of a list's JSON object. */
void out_extra(const char *key, struct out_value value);
/* A line under the table; programs do not see it. */
void out_note(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* Print it.  Returns 0, or 2 after reporting a column that does not exist. */
int out_end(void);

/* One JSON string with its quotes. */
void out_json_string(void *stream, const char *text);

#endif
