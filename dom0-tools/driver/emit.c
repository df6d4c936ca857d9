/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns a template into a file.  In a template
 *
 *	@word@		is replaced: a word of the protocol, or a list made from it
 *	@if payload@	alone on a line, with @else@ and @end@: lines for protocols with a payload;
 *			within a line it holds up to @end@ of the same line
 *
 * An @word@ nobody knows is a defect of the template and ends the program: the tests make every
 * file from protocols with everything and with nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/proto.h"

#define COMMENT_COLUMN	40

extern const char driver_text_wire[], driver_text_front_h[], driver_text_front[],
	driver_text_back_h[], driver_text_back[], driver_text_serve[], driver_text_backd[],
	driver_text_frontd[], driver_text_sim_test[], driver_text_fuzz[], driver_text_front_drv[],
	driver_text_back_drv[], driver_text_kbuild_front[], driver_text_kbuild_back[],
	driver_text_makefile[], driver_text_page[];

static const struct {
	const char *name;		/* %s: the protocol's */
	const char *text;
} files[] = {
	{ "%s.h", driver_text_wire },
	{ "%s_front.h", driver_text_front_h },
	{ "%s_front.c", driver_text_front },
	{ "%s_back.h", driver_text_back_h },
	{ "%s_back.c", driver_text_back },
	{ "%s_serve.c", driver_text_serve },
	{ "%s_backd.c", driver_text_backd },
	{ "%s_frontd.c", driver_text_frontd },
	{ "%s_sim_test.c", driver_text_sim_test },
	{ "%s_fuzz.c", driver_text_fuzz },
	{ "linux/%s_front_drv.c", driver_text_front_drv },
	{ "linux/%s_back_drv.c", driver_text_back_drv },
	{ "linux/Kbuild.front", driver_text_kbuild_front },
	{ "linux/Kbuild.back", driver_text_kbuild_back },
	{ "Makefile", driver_text_makefile },
	{ "%s.md", driver_text_page },
};

/* A comment behind what fills a line up to column @at, if there is one to make; and the line's end. */
static void put_comment(FILE *out, int at, const char *doc)
{
	if (*doc) {
		do {
			fputc('\t', out);
			at = (at / 8 + 1) * 8;
		} while (at < COMMENT_COLUMN);
		fprintf(out, "/* %s */", doc);
	}
	fputc('\n', out);
}

/* One field with the padding before it, so that nothing is padded unseen.  Returns bytes. */
static unsigned put_field(FILE *out, const struct proto_field *f, unsigned at, int *pads)
{
	const struct proto_type *t = &proto_types[f->kind];
	unsigned pad = (t->bytes - at % t->bytes) % t->bytes;
	char name[PROTO_NAME + 16];

	if (pad)
		fprintf(out, "\tuint8_t _pad%d[%u];\n", (*pads)++, pad);
	if (f->count)
		snprintf(name, sizeof(name), "%s[%u];", f->name, f->count);
	else
		snprintf(name, sizeof(name), "%s;", f->name);
	put_comment(out, fprintf(out, "\t%s %s", t->c, name) + 7, f->doc);
	return pad + t->bytes * (f->count ? f->count : 1);
}

/* All fields behind the id; returns the whole message's bytes. */
static unsigned put_fields(FILE *out, const struct proto_message *m)
{
	unsigned at = 8;
	int pads = 0;

	for (int i = 0; i < m->fields; i++)
		at += put_field(out, &m->field[i], at, &pads);
	if (at % 8) {
		fprintf(out, "\tuint8_t _pad%d[%u];\n", pads, 8 - at % 8);
		at += 8 - at % 8;
	}
	return at;
}

static void put_size(FILE *out, const struct proto_message *m, unsigned more)
{
	FILE *none = fopen("/dev/null", "we");

	if (!none)
		abort();
	fprintf(out, "%u", put_fields(none, m) + more);
	fclose(none);
}

static void put_rows(FILE *out, const struct proto_message *m)
{
	for (int i = 0; i < m->fields; i++) {
		const struct proto_field *f = &m->field[i];

		fprintf(out, "| `%s` | %s", f->name, proto_types[f->kind].word);
		if (f->count)
			fprintf(out, " x %u", f->count);
		fprintf(out, " | %s |\n", f->doc);
	}
}

static void put_constants(FILE *out, const struct proto *p, bool table)
{
	for (int i = 0; i < p->constants; i++) {
		const struct proto_item *c = &p->constant[i];

		if (table)
			fprintf(out, "| `%s` | %lld |\n", c->name, c->value);
		else
			fprintf(out, c->value < 0 ? "#define %s\t(%lld)\n" : "#define %s\t%lld\n",
				c->name, c->value);
	}
	if (p->constants && !table)
		fputc('\n', out);
}

static void put_key_rows(FILE *out, const struct proto *p)
{
	for (int i = 0; i < p->keys; i++)
		fprintf(out, "| `%s` | %s | %s (default %lld) |\n", p->key[i].name,
			p->key[i].back ? "back" : "front", p->key[i].doc, p->key[i].value);
	for (int i = 0; i < p->features; i++)
		fprintf(out, "| `%s` | %s | %s (1: offered) |\n", p->feature[i].name,
			p->feature[i].back ? "back" : "front", p->feature[i].doc);
}

static void put_writes(FILE *out, const struct proto_item *items, int n, bool back)
{
	for (int i = 0; i < n; i++) {
		if (items[i].back != back)
			continue;
		fprintf(out, "\tif (!rc)\n\t\trc = %s, \"%s\", \"%%u\", %lldu);\n",
			back ? "back_write(dev" : "front_write(&e->front", items[i].name,
			items[i].value);
	}
}

static void put_keys(FILE *out, const struct proto *p, bool back)
{
	put_writes(out, p->key, p->keys, back);
	put_writes(out, p->feature, p->features, back);
}

/* Words with a fixed text when the protocol has a payload, and another when it has none. */
static const struct {
	const char *word, *with, *without;
} payload_words[] = {
	{ "payload_params", ",\n\t\t       const void *data, uint32_t bytes", "" },
	{ "payload_args", ", const void *data,\n\t\t      uint32_t bytes", "" },
	{ "payload_answer", ", e->copy, rsp->@payload_bytes@", "" },
	{ "payload_note", " with @bytes at @data as its payload", "" },
	{ "payload_fields_note", ", @payload_grant@ and @payload_bytes@ are", " is" },
	{ "serve_params", ", uint8_t *data,\n\t\tuint32_t *bytes, struct @name@_response *rsp",
		",\n\t\tstruct @name@_response *rsp" },
	{ "serve_note", "  @data holds *bytes of\n * payload; what it and *bytes hold afterwards "
		"goes back.", "" },
};

static void expand(FILE *out, const struct proto *p, const char *text, size_t bytes);

static bool put_payload_word(FILE *out, const struct proto *p, const char *word)
{
	for (size_t i = 0; i < sizeof(payload_words) / sizeof(payload_words[0]); i++) {
		const char *text;

		if (strcmp(payload_words[i].word, word))
			continue;
		text = p->payload_max ? payload_words[i].with : payload_words[i].without;
		expand(out, p, text, strlen(text));
		return true;
	}
	return false;
}

static bool put_number(FILE *out, const struct proto *p, const char *word)
{
	if (!strcmp(word, "version"))
		fprintf(out, "%u", p->version);
	else if (!strcmp(word, "pages"))
		fprintf(out, "%u", p->pages);
	else if (!strcmp(word, "window"))
		fprintf(out, "%u", p->window);
	else if (!strcmp(word, "payload_max"))
		fprintf(out, "%u", p->payload_max);
	else if (!strcmp(word, "request_bytes"))
		put_size(out, &p->request, 0);
	else if (!strcmp(word, "response_bytes"))
		put_size(out, &p->response, 8);		/* the seal */
	else
		return false;
	return true;
}

static bool put_list(FILE *out, const struct proto *p, const char *word)
{
	if (!strcmp(word, "request"))
		put_fields(out, &p->request);
	else if (!strcmp(word, "response"))
		put_fields(out, &p->response);
	else if (!strcmp(word, "request_rows"))
		put_rows(out, &p->request);
	else if (!strcmp(word, "response_rows"))
		put_rows(out, &p->response);
	else if (!strcmp(word, "constants"))
		put_constants(out, p, false);
	else if (!strcmp(word, "constant_rows"))
		put_constants(out, p, true);
	else if (!strcmp(word, "key_rows"))
		put_key_rows(out, p);
	else if (!strcmp(word, "front_keys"))
		put_keys(out, p, false);
	else if (!strcmp(word, "back_keys"))
		put_keys(out, p, true);
	else
		return false;
	return true;
}

static void put_word(FILE *out, const struct proto *p, const char *word)
{
	if (!strcmp(word, "name"))
		fputs(p->name, out);
	else if (!strcmp(word, "NAME"))
		for (const char *c = p->name; *c; c++)
			fputc(toupper((unsigned char)*c), out);
	else if (!strcmp(word, "summary"))
		fputs(p->summary, out);
	else if (!strcmp(word, "payload_grant"))
		fputs(p->payload_grant, out);
	else if (!strcmp(word, "payload_bytes"))
		fputs(p->payload_bytes, out);
	else if (!put_number(out, p, word) && !put_list(out, p, word) &&
		 !put_payload_word(out, p, word)) {
		fprintf(stderr, "driver template: unknown word @%s@\n", word);
		abort();
	}
}

/* The word between two @ at @text, or 0 when this @ is only one.  Lists that end lines swallow
 * the line's own end. */
static size_t word_at(const char *text, size_t bytes, char word[PROTO_NAME])
{
	size_t n = 1;

	while (n < bytes && n < PROTO_NAME && (isalnum((unsigned char)text[n]) || text[n] == '_' ||
					       (text[n] == ' ' && !strncmp(text, "@if ", 4))))
		n++;
	if (n >= bytes || n == 1 || n >= PROTO_NAME || text[n] != '@')
		return 0;
	memcpy(word, text + 1, n - 1);
	word[n - 1] = 0;
	return n + 1;
}

/* Everything of @text with its @words@; conditions nest no deeper than one. */
static void expand(FILE *out, const struct proto *p, const char *text, size_t bytes)
{
	char word[PROTO_NAME];
	bool skip = false;

	for (size_t i = 0; i < bytes;) {
		size_t n = text[i] == '@' ? word_at(text + i, bytes - i, word) : 0;
		bool condition = n && (!strcmp(word, "if payload") || !strcmp(word, "else") ||
				       !strcmp(word, "end"));

		if (!n) {
			if (!skip)
				fputc(text[i], out);
			i++;
			continue;
		}
		if (condition) {
			bool line = (i == 0 || text[i - 1] == '\n') && text[i + n] == '\n';

			skip = !strcmp(word, "if payload") ? !p->payload_max :
				!strcmp(word, "else") ? !skip : false;
			i += n + line;
			continue;
		}
		if (!skip)
			put_word(out, p, word);
		i += n;
	}
}

int driver_file(const struct proto *p, unsigned i, char name[128], char **text)
{
	size_t bytes;
	FILE *out;

	if (i >= sizeof(files) / sizeof(files[0]))
		return -EINVAL;
	snprintf(name, 128, files[i].name, p->name);
	out = open_memstream(text, &bytes);
	if (!out)
		return -ENOMEM;
	expand(out, p, files[i].text, strlen(files[i].text));
	return fclose(out) ? -ENOMEM : 0;
}
