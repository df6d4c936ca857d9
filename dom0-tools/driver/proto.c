/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a protocol file.  jansson parses; what a key may hold is checked here, and a key nobody
 * knows is an error that says where.  Names become C identifiers and store keys, so they are
 * held to what both allow.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/proto.h"

#define FILE_MAX	(256u << 10)

const struct proto_type proto_types[PROTO_KINDS] = {
	[PROTO_U8] = { "u8", "uint8_t", "%lld", 1 },
	[PROTO_U16] = { "u16", "uint16_t", "%lld", 2 },
	[PROTO_U32] = { "u32", "uint32_t", "%lld", 4 },
	[PROTO_U64] = { "u64", "uint64_t", "%lld", 8 },
	[PROTO_S16] = { "s16", "int16_t", "%lld", 2 },
	[PROTO_S32] = { "s32", "int32_t", "%lld", 4 },
	[PROTO_GRANT] = { "grant", "grant_ref_t", "%lld", 4 },
};

struct reader {
	struct proto *p;
	const char *file;
	struct mica_error *e;
};

static int wrong(struct reader *r, const char *where, const char *why)
{
	return mica_fail(r->e, "MICA-CFG-003", "%s: %s: %s", r->file, where, why);
}

/* Lower-case C identifier; @extra: one more character allowed ('-' in keys, capitals: 'A'). */
static bool name_ok(const char *s, char extra)
{
	size_t n = strlen(s);

	if (!n || n >= PROTO_NAME || strchr("0123456789-", s[0]))
		return false;
	for (; *s; s++) {
		bool letter = (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_';
		bool capital = extra == 'A' && *s >= 'A' && *s <= 'Z';

		if (!letter && !capital && !(extra == '-' && *s == '-'))
			return false;
	}
	return true;
}

/* Fields go into a C structure as they are, and a kernel's headers know these, too. */
static const char *const c_words[] = {
	"auto", "bool", "break", "case", "char", "const", "continue", "current", "default", "do",
	"double", "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int",
	"linux", "long", "register", "restrict", "return", "short", "signed", "sizeof", "static",
	"struct", "switch", "true", "typedef", "typeof", "union", "unix", "unsigned", "void",
	"volatile", "while", NULL,
};

/* Keys of the handshake and of the driver itself. */
static const char *const own_keys[] = {
	"state", "online", "frontend", "frontend-id", "backend", "backend-id", "version",
	"event-channel", "slot-bytes", "error", "stats", NULL,
};

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

static bool has_item(const struct proto_item *items, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(items[i].name, name))
			return true;
	return false;
}

/* Only keys of @known ("a b c "), each with a space behind it. */
static int only(struct reader *r, json_t *object, const char *where, const char *known)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return wrong(r, where, "must be an object {...}");
	json_object_foreach(object, key, value) {
		char word[PROTO_NAME + 2];

		snprintf(word, sizeof(word), "%.*s ", PROTO_NAME, key);
		if (!strstr(known, word)) {
			int rc = mica_fail(r->e, "MICA-CFG-002", "%s: %s: unknown key '%s'", r->file,
					   where, key);

			mica_hint(r->e, "known here: %s", known);
			return rc;
		}
	}
	return 0;
}

static int text_of(struct reader *r, json_t *object, const char *key, const char *where, char *out,
		   size_t room, bool needed)
{
	json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	out[0] = 0;
	if (!value && !needed)
		return 0;
	if (!text || strlen(text) >= room || strpbrk(text, "\n\r") || strstr(text, "*/"))
		return wrong(r, where, needed && !value ? "is missing" :
			     "must be a short text of one line");
	strcpy(out, text);
	return 0;
}

static int number_of(struct reader *r, json_t *object, const char *key, long long low,
		     long long high, long long otherwise, long long *out)
{
	json_t *value = json_object_get(object, key);
	char why[80];

	*out = otherwise;
	if (!value)
		return 0;
	*out = json_integer_value(value);
	if (json_is_integer(value) && *out >= low && *out <= high)
		return 0;
	snprintf(why, sizeof(why), "must be a whole number from %lld to %lld", low, high);
	return wrong(r, key, why);
}

static int read_field(struct reader *r, json_t *item, const char *where, struct proto_message *m)
{
	struct proto_field *f = &m->field[m->fields];
	char word[PROTO_NAME];
	long long count;
	int rc;

	rc = only(r, item, where, "name type count doc ");
	if (!rc)
		rc = text_of(r, item, "name", where, f->name, sizeof(f->name), true);
	if (!rc)
		rc = text_of(r, item, "type", where, word, sizeof(word), true);
	if (!rc)
		rc = text_of(r, item, "doc", where, f->doc, sizeof(f->doc), false);
	if (!rc)
		rc = number_of(r, item, "count", 1, PROTO_MESSAGE, 0, &count);
	if (rc)
		return rc;
	if (!name_ok(f->name, 0) || !strcmp(f->name, "id") || !strcmp(f->name, "seal") ||
	    f->name[0] == '_')
		return wrong(r, f->name, "a field is a lower-case name; 'id' and 'seal' are always there");
	if (is_one_of(f->name, c_words))
		return wrong(r, f->name, "is a word of C: give the field another name");
	for (int i = 0; i < m->fields; i++)
		if (!strcmp(m->field[i].name, f->name))
			return wrong(r, f->name, "is there twice");
	f->count = count;
	for (f->kind = 0; f->kind < PROTO_KINDS; f->kind++)
		if (!strcmp(proto_types[f->kind].word, word))
			break;
	if (f->kind == PROTO_KINDS)
		return wrong(r, f->name, "type must be u8 u16 u32 u64 s16 s32 or grant");
	m->fields++;
	return 0;
}

static int read_message(struct reader *r, json_t *list, const char *where, struct proto_message *m)
{
	unsigned bytes = 8;
	json_t *item;
	size_t i;
	int rc = 0;

	if (!json_is_array(list) || json_array_size(list) > PROTO_FIELDS)
		return wrong(r, where, "must be a list of at most 32 fields");
	json_array_foreach(list, i, item) {
		rc = read_field(r, item, where, m);
		if (rc)
			return rc;
		bytes += 8 + proto_types[m->field[i].kind].bytes *
			(m->field[i].count ? m->field[i].count : 1);
	}
	return bytes > PROTO_MESSAGE ? wrong(r, where, "is longer than 256 bytes") : 0;
}

static int read_constants(struct reader *r, json_t *object)
{
	const char *key;
	json_t *value;

	if (object && !json_is_object(object))
		return wrong(r, "constants", "must be an object {...}");
	json_object_foreach(object, key, value) {
		struct proto_item *c = &r->p->constant[r->p->constants];

		if (r->p->constants == PROTO_ITEMS)
			return wrong(r, "constants", "are more than 32");
		if (!name_ok(key, 'A'))
			return wrong(r, key, "is no name of a constant");
		if (!json_is_integer(value))
			return wrong(r, key, "must be a whole number");
		strcpy(c->name, key);
		c->value = json_integer_value(value);
		r->p->constants++;
	}
	return 0;
}

static int read_items(struct reader *r, json_t *list, const char *where, struct proto_item *items,
		      int *n)
{
	char owner[PROTO_NAME];
	json_t *item;
	size_t i;
	int rc;

	if (list && (!json_is_array(list) || json_array_size(list) > PROTO_ITEMS))
		return wrong(r, where, "must be a list of at most 32");
	json_array_foreach(list, i, item) {
		struct proto_item *it = &items[*n];

		rc = only(r, item, where, "name owner default doc ");
		if (!rc)
			rc = text_of(r, item, "name", where, it->name, sizeof(it->name), true);
		if (!rc)
			rc = text_of(r, item, "owner", where, owner, sizeof(owner), true);
		if (!rc)
			rc = text_of(r, item, "doc", where, it->doc, sizeof(it->doc), false);
		if (!rc)
			rc = number_of(r, item, "default", 0, 0xffffffffll, 1, &it->value);
		if (rc)
			return rc;
		if (!name_ok(it->name, '-'))
			return wrong(r, it->name, "is no name of a key");
		if (is_one_of(it->name, own_keys) || !strncmp(it->name, "ring-ref", 8))
			return wrong(r, it->name, "is a key of the handshake's own");
		if (has_item(r->p->key, items == r->p->key ? *n : r->p->keys, it->name) ||
		    has_item(r->p->feature, items == r->p->feature ? *n : r->p->features, it->name))
			return wrong(r, it->name, "is there twice");
		it->back = !strcmp(owner, "back");
		if (!it->back && strcmp(owner, "front"))
			return wrong(r, it->name, "owner must be \"back\" or \"front\"");
		(*n)++;
	}
	return 0;
}

static const struct proto_field *field_find(const struct proto_message *m, const char *name)
{
	for (int i = 0; i < m->fields; i++)
		if (!strcmp(m->field[i].name, name))
			return &m->field[i];
	return NULL;
}

static int read_payload(struct reader *r, json_t *o)
{
	const struct proto_field *f;
	struct proto *p = r->p;
	long long max;
	int rc;

	if (!o)
		return 0;
	rc = only(r, o, "payload", "grant bytes max ");
	if (!rc)
		rc = text_of(r, o, "grant", "payload grant", p->payload_grant, PROTO_NAME, true);
	if (!rc)
		rc = text_of(r, o, "bytes", "payload bytes", p->payload_bytes, PROTO_NAME, true);
	if (!rc)
		rc = number_of(r, o, "max", 1, 4096, 4096, &max);
	if (rc)
		return rc;
	f = field_find(&p->request, p->payload_grant);
	if (!f || f->kind != PROTO_GRANT || f->count)
		return wrong(r, "payload grant", "must name a field of the request of type grant");
	f = field_find(&p->request, p->payload_bytes);
	if (!f || f->kind > PROTO_U32 || f->kind < PROTO_U16 || f->count)
		return wrong(r, "payload bytes", "must name a u16 or u32 of the request");
	f = field_find(&p->response, p->payload_bytes);
	if (!f || f->kind > PROTO_U32 || f->kind < PROTO_U16 || f->count)
		return wrong(r, "payload bytes", "must name a u16 or u32 of the response, too");
	p->payload_max = max;
	return 0;
}

static int read_all(struct reader *r, json_t *root)
{
	long long version, pages, window;
	struct proto *p = r->p;
	const struct proto_field *status;
	int rc;

	rc = only(r, root, "the file", "protocol version summary pages window constants request "
		  "response payload keys features ");
	if (!rc)
		rc = text_of(r, root, "protocol", "protocol", p->name, sizeof(p->name), true);
	if (!rc && (!name_ok(p->name, 0) || strlen(p->name) > 20))
		rc = wrong(r, "protocol", "must be a lower-case name of at most 20 letters");
	if (!rc && (is_one_of(p->name, c_words) || !strncmp(p->name, "mica", 4)))
		rc = wrong(r, "protocol", "is a word of C, or begins as what is Mica's own");
	if (!rc)
		rc = text_of(r, root, "summary", "summary", p->summary, PROTO_DOC, true);
	if (!rc)
		rc = number_of(r, root, "version", 1, 1000, 1, &version);
	if (!rc)
		rc = number_of(r, root, "pages", 1, 16, 1, &pages);
	if (!rc && (pages & (pages - 1)))
		rc = wrong(r, "pages", "must be a power of two");
	if (!rc)
		rc = number_of(r, root, "window", 1, 256, 16, &window);
	if (!rc)
		rc = read_constants(r, json_object_get(root, "constants"));
	if (!rc)
		rc = read_message(r, json_object_get(root, "request"), "request", &p->request);
	if (!rc)
		rc = read_message(r, json_object_get(root, "response"), "response", &p->response);
	if (!rc)
		rc = read_items(r, json_object_get(root, "keys"), "keys", p->key, &p->keys);
	if (!rc)
		rc = read_items(r, json_object_get(root, "features"), "features", p->feature,
				&p->features);
	if (!rc)
		rc = read_payload(r, json_object_get(root, "payload"));
	if (rc)
		return rc;
	status = field_find(&p->response, "status");
	if (!status || status->count || (status->kind != PROTO_S16 && status->kind != PROTO_S32))
		return wrong(r, "response", "must have a field \"status\" of type s16 or s32");
	p->version = version;
	p->pages = pages;
	p->window = window;
	return 0;
}

int proto_parse(struct proto *p, const char *text, size_t bytes, const char *file,
		struct mica_error *e)
{
	struct reader r = { p, file, e };
	json_error_t at;
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &at);
	int rc;

	memset(p, 0, sizeof(*p));
	if (!root)
		return mica_fail(e, "MICA-CFG-001", "%s:%d:%d: %s", file, at.line, at.column, at.text);
	rc = read_all(&r, root);
	json_decref(root);
	return rc;
}

int proto_read(struct proto *p, const char *file, struct mica_error *e)
{
	FILE *f = fopen(file, "re");
	char *text;
	size_t n;
	int rc;

	if (!f)
		return mica_fail(e, "MICA-CFG-005", "%s: %s", file, strerror(errno));
	text = malloc(FILE_MAX);
	n = text ? fread(text, 1, FILE_MAX, f) : 0;
	rc = !text || ferror(f) || n == FILE_MAX ?
		mica_fail(e, "MICA-CFG-005", "%s: cannot be read, or is longer than %u bytes", file,
			  FILE_MAX) : proto_parse(p, text, n, file, e);
	fclose(f);
	free(text);
	return rc;
}
