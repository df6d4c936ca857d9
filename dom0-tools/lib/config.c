/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The grammar of xl.cfg:
 *
 *	file  = { [ key ( "=" | "+=" ) value ] ( newline | ";" ) }
 *	value = number | string | "[" [ value { "," value } [ "," ] ] "]"
 *
 * Strings stand in ' or " quotes; \ takes the next character as it is.  Comments run from # to the
 * end of the line; inside a list newlines count as blanks.  "+=" adds to a string or a list.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"

#define MAX_DEPTH	4

struct cursor {
	struct mica_config *c;
	struct mica_error *e;
	const char *at, *line_start;
	unsigned line;
};

static unsigned column(const struct cursor *p)
{
	return (unsigned)(p->at - p->line_start) + 1;
}

int mica_config_fail(const struct mica_config *c, unsigned line, unsigned col,
		     struct mica_error *e, const char *code, const char *why, ...)
{
	char text[MICA_ERROR_TEXT];
	const char *start = c->text;
	va_list args;
	int rc;

	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	rc = mica_fail(e, code, "%s", text);
	if (!line) {			/* from mica_config_set() */
		mica_what(e, "command line");
		return rc;
	}
	mica_what(e, "%s:%u:%u", c->file, line, col);
	for (unsigned i = 1; start && i < line; i++) {
		start = strchr(start, '\n');
		start += start != NULL;
	}
	if (start) {
		mica_fact(e, "%.*s", (int)strcspn(start, "\n"), start);
		mica_fact(e, "%*s^", (int)(col < 200 ? col - 1 : 0), "");
	}
	return rc;
}

static int syntax(struct cursor *p, const char *why)
{
	return mica_config_fail(p->c, p->line, column(p), p->e, "MICA-CFG-001", "%s", why);
}

static void newline(struct cursor *p)
{
	p->line++;
	p->line_start = ++p->at;
}

/* Blanks and comments; newlines too if @lines. */
static void skip(struct cursor *p, bool lines)
{
	for (;;) {
		if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')
			p->at++;
		else if (*p->at == '#')
			p->at += strcspn(p->at, "\n");
		else if (*p->at == '\n' && lines)
			newline(p);
		else
			return;
	}
}

static void value_free(struct cfg_value *v)
{
	for (unsigned i = 0; i < v->nr_items; i++)
		value_free(&v->items[i]);
	free(v->items);
	free(v->text);
	memset(v, 0, sizeof(*v));
}

static int parse_string(struct cursor *p, struct cfg_value *v)
{
	char quote = *p->at++, *out = malloc(strlen(p->at) + 1), *to = out;

	if (!out)
		return syntax(p, "out of memory");
	v->kind = CFG_STRING;
	v->text = out;
	while (*p->at != quote) {
		if (*p->at == '\\' && p->at[1] && p->at[1] != '\n')
			p->at++;
		if (!*p->at || *p->at == '\n')
			return syntax(p, "the string is not closed on its line");
		*to++ = *p->at++;
	}
	*to = 0;
	p->at++;
	return 0;
}

static int parse_number(struct cursor *p, struct cfg_value *v)
{
	char *end;

	errno = 0;
	v->kind = CFG_NUMBER;
	v->number = strtoll(p->at, &end, 0);
	if (end == p->at || errno || isalnum((unsigned char)*end) || *end == '.')
		return syntax(p, "neither a number, a string in quotes, nor a list in []");
	v->text = strndup(p->at, (size_t)(end - p->at));
	p->at = end;
	return v->text ? 0 : syntax(p, "out of memory");
}

static int parse_value(struct cursor *p, struct cfg_value *v, int depth);

static int parse_list(struct cursor *p, struct cfg_value *v, int depth)
{
	struct cfg_value *more;
	int rc;

	v->kind = CFG_LIST;
	p->at++;
	for (;;) {
		skip(p, true);
		if (*p->at == ']') {
			p->at++;
			return 0;
		}
		if (v->nr_items >= CFG_MAX_ITEMS)
			return syntax(p, "the list has too many items");
		more = realloc(v->items, (v->nr_items + 1) * sizeof(*more));
		if (!more)
			return syntax(p, "out of memory");
		v->items = more;
		rc = parse_value(p, &v->items[v->nr_items], depth + 1);
		v->nr_items++;
		if (rc)
			return rc;
		skip(p, true);
		if (*p->at == ',')
			p->at++;
		else if (*p->at != ']')
			return syntax(p, *p->at ? "a comma or ] must follow" :
				      "the list is not closed");
	}
}

static int parse_value(struct cursor *p, struct cfg_value *v, int depth)
{
	memset(v, 0, sizeof(*v));
	v->line = p->line;
	v->column = column(p);
	if (*p->at == '"' || *p->at == '\'')
		return parse_string(p, v);
	if (*p->at == '[')
		return depth < MAX_DEPTH ? parse_list(p, v, depth) :
			syntax(p, "lists are nested too deep");
	return parse_number(p, v);
}

/* "+=": strings grow by text, lists by items.  Takes @more over. */
static bool append(struct cfg_value *v, struct cfg_value *more)
{
	void *grown;

	if (v->kind != more->kind || v->kind == CFG_NUMBER)
		return false;
	if (v->kind == CFG_STRING) {
		grown = realloc(v->text, strlen(v->text) + strlen(more->text) + 1);
		if (!grown)
			return false;
		v->text = strcat(grown, more->text);
	} else if (more->nr_items) {
		grown = realloc(v->items, (v->nr_items + more->nr_items) * sizeof(*v->items));
		if (!grown)
			return false;
		v->items = grown;
		memcpy(v->items + v->nr_items, more->items, more->nr_items * sizeof(*v->items));
		v->nr_items += more->nr_items;
		more->nr_items = 0;
	}
	value_free(more);
	return true;
}

static struct cfg_item *find(const struct mica_config *c, const char *key)
{
	for (unsigned i = 0; i < c->nr_items; i++)
		if (!strcmp(c->items[i].key, key))
			return &c->items[i];
	return NULL;
}

const struct cfg_item *mica_config_find(const struct mica_config *c, const char *key)
{
	return find(c, key);
}

static int add_item(struct cursor *p, const struct cfg_item *item, bool more, bool replace)
{
	struct cfg_item *old = find(p->c, item->key), *grown, copy = *item;

	if (old && more && append(&old->value, &copy.value)) {
		free(copy.key);
		return 0;
	}
	if (old && (more || !replace)) {
		mica_config_fail(p->c, item->line, item->column, p->e, "MICA-CFG-006",
				 more ? "'%s' cannot be added to" : "'%s' is given twice", item->key);
		mica_fact(p->e, "first in line %u", old->line);
		return -p->e->code->errnum;
	}
	if (old) {
		value_free(&old->value);
		old->value = copy.value;
		free(copy.key);
		return 0;
	}
	if (p->c->nr_items >= CFG_MAX_ITEMS)
		return syntax(p, "too many keys");
	grown = realloc(p->c->items, (p->c->nr_items + 1) * sizeof(*grown));
	if (!grown)
		return syntax(p, "out of memory");
	p->c->items = grown;
	p->c->items[p->c->nr_items++] = copy;
	return 0;
}

static int parse_item(struct cursor *p, bool replace)
{
	struct cfg_item item = { .line = p->line, .column = column(p) };
	const char *key = p->at;
	bool more;
	int rc;

	while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '-')
		p->at++;
	if (p->at == key)
		return syntax(p, "a key must stand here");
	item.key = strndup(key, (size_t)(p->at - key));
	skip(p, false);
	more = *p->at == '+';
	p->at += more;
	if (!item.key || *p->at != '=') {
		free(item.key);
		return syntax(p, "= must follow the key");
	}
	p->at++;
	skip(p, false);
	rc = parse_value(p, &item.value, 0);
	skip(p, false);
	if (!rc && *p->at && *p->at != '\n' && *p->at != ';')
		rc = syntax(p, "the line must end after the value");
	if (!rc)
		rc = add_item(p, &item, more, replace);
	if (rc) {
		value_free(&item.value);
		free(item.key);
	}
	return rc;
}

static int parse(struct mica_config *c, const char *text, bool replace, struct mica_error *e)
{
	struct cursor p = { .c = c, .e = e, .at = text, .line_start = text, .line = 1 };

	for (;;) {
		skip(&p, true);
		if (*p.at == ';') {
			p.at++;
		} else if (*p.at) {
			int rc = parse_item(&p, replace);

			if (rc)
				return rc;
		} else {
			return 0;
		}
	}
}

int mica_config_parse(struct mica_config *c, const char *file, const char *text,
		      struct mica_error *e)
{
	int rc;

	memset(c, 0, sizeof(*c));
	c->file = strdup(file);
	c->text = strdup(text);
	if (!c->file || !c->text) {
		mica_config_free(c);
		return mica_fail(e, "MICA-HOST-002", "out of memory");
	}
	rc = parse(c, c->text, false, e);
	if (rc)
		mica_config_free(c);
	return rc;
}

int mica_config_read(struct mica_config *c, const char *path, struct mica_error *e)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(CFG_MAX_BYTES + 1) : NULL;
	size_t n;
	int rc;

	if (!text) {
		rc = mica_fail(e, "MICA-CFG-005", "%s: %s", path, strerror(errno));
		if (f)
			fclose(f);
		return rc;
	}
	n = fread(text, 1, CFG_MAX_BYTES + 1, f);
	if (ferror(f))
		rc = mica_fail(e, "MICA-CFG-005", "%s: %s", path, strerror(errno));
	else if (n > CFG_MAX_BYTES || memchr(text, 0, n))
		rc = mica_fail(e, "MICA-CFG-001", "%s: it is %s, not a configuration", path,
			       n > CFG_MAX_BYTES ? "above 1 MiB" : "binary");
	else {
		text[n] = 0;
		rc = mica_config_parse(c, path, text, e);
	}
	fclose(f);
	free(text);
	return rc;
}

static void no_line(struct cfg_value *v)
{
	v->line = 0;
	for (unsigned i = 0; i < v->nr_items; i++)
		no_line(&v->items[i]);
}

/* Keys of the command line have no line. */
static void set_key_line(struct mica_config *c, const char *key, size_t n)
{
	for (unsigned i = 0; i < c->nr_items; i++)
		if (strlen(c->items[i].key) == n && !memcmp(c->items[i].key, key, n))
			c->items[i].line = 0, no_line(&c->items[i].value);
}

int mica_config_set(struct mica_config *c, const char *assignment, struct mica_error *e)
{
	const char *value = strchr(assignment, '=');
	char *quoted = NULL, *old_text = c->text, *old_file = c->file;
	bool bare = value && value[1] && !strchr("[\"'", value[1]);
	int rc;

	/* Anything but a plain number is taken as a string. */
	if (bare && value[1 + strspn(value + 1, "0123456789")])
		rc = asprintf(&quoted, "%.*s=\"%s\"", (int)(value - assignment), assignment,
			      value + 1);
	else
		rc = asprintf(&quoted, "%s", assignment);
	if (rc < 0)
		return mica_fail(e, "MICA-HOST-002", "out of memory");
	c->text = quoted;
	c->file = (char *)"command line";
	rc = parse(c, quoted, true, e);
	if (!rc)
		set_key_line(c, assignment, strcspn(assignment, "+= \t"));
	c->text = old_text;
	c->file = old_file;
	free(quoted);
	return rc;
}

static void print_value(FILE *f, const struct cfg_value *v)
{
	if (v->kind == CFG_LIST) {
		fputs("[ ", f);
		for (unsigned i = 0; i < v->nr_items; i++) {
			print_value(f, &v->items[i]);
			fputs(", ", f);
		}
		fputc(']', f);
		return;
	}
	if (v->kind == CFG_NUMBER) {
		fputs(v->text, f);
		return;
	}
	fputc('"', f);
	for (const char *p = v->text; *p; p++)
		fprintf(f, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	fputc('"', f);
}

char *mica_config_text(const struct mica_config *c)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	for (unsigned i = 0; f && i < c->nr_items; i++) {
		fprintf(f, "%s = ", c->items[i].key);
		print_value(f, &c->items[i].value);
		fputc('\n', f);
	}
	if (f)
		fclose(f);
	return text;
}

void mica_config_free(struct mica_config *c)
{
	for (unsigned i = 0; i < c->nr_items; i++) {
		value_free(&c->items[i].value);
		free(c->items[i].key);
	}
	free(c->items);
	free(c->text);
	free(c->file);
	memset(c, 0, sizeof(*c));
}
