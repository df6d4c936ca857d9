/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A protocol file: what two ends of a device say to each other, as `mica driver new` reads it.
 * docs/driver-kit.md describes the format.  Everything is checked when it is read; what is in
 * struct proto can be turned into C as it stands.
 */
#ifndef MICA_DRIVER_PROTO_H
#define MICA_DRIVER_PROTO_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

#define PROTO_NAME	32
#define PROTO_DOC	200
#define PROTO_FIELDS	32
#define PROTO_ITEMS	32
#define PROTO_MESSAGE	256	/* bytes of one message, id included */

enum proto_kind { PROTO_U8, PROTO_U16, PROTO_U32, PROTO_U64, PROTO_S16, PROTO_S32, PROTO_GRANT,
		  PROTO_KINDS };

struct proto_type {
	const char *word;		/* in the file */
	const char *c;
	const char *format;		/* printf, after a cast to long long */
	unsigned bytes;
};
extern const struct proto_type proto_types[PROTO_KINDS];

struct proto_field {
	char name[PROTO_NAME], doc[PROTO_DOC];
	enum proto_kind kind;
	unsigned count;			/* 0: no array */
};

struct proto_message {
	struct proto_field field[PROTO_FIELDS];
	int fields;
};

/* A constant, a key or a feature. */
struct proto_item {
	char name[PROTO_NAME], doc[PROTO_DOC];
	long long value;		/* of a constant; default of a key */
	bool back;			/* the back end writes it */
};

struct proto {
	char name[PROTO_NAME], summary[PROTO_DOC];
	unsigned version, pages, window;
	struct proto_message request, response;
	struct proto_item constant[PROTO_ITEMS], key[PROTO_ITEMS], feature[PROTO_ITEMS];
	int constants, keys, features;
	/* A page lent with each request; payload_max 0: none. */
	char payload_grant[PROTO_NAME], payload_bytes[PROTO_NAME];
	unsigned payload_max;
};

/* Read and check @file.  0, or a negative errno with *e filled in. */
int proto_read(struct proto *p, const char *file, struct mica_error *e);
/* The same from text; @file is for messages. */
int proto_parse(struct proto *p, const char *text, size_t bytes, const char *file,
		struct mica_error *e);

/*
 * Write all files of the driver into @dir, which must not exist or be empty; the protocol's text
 * (@text, @bytes) goes with them.  0, or a negative errno with *e filled in and nothing left.
 */
int driver_write(const struct proto *p, const char *text, size_t bytes, const char *dir,
		 struct mica_error *e);

/* One generated file as text the caller frees; -EINVAL: there is no file @i.  *name: where it
 * goes below the directory, "linux/echo_front_drv.c". */
int driver_file(const struct proto *p, unsigned i, char name[128], char **text);

#endif
