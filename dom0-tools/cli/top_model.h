/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `mica top` shows, without a terminal: samples become rows, keys change how they are sorted
 * and which part is seen, rows become lines of text.  No state outside the struct.
 */
#ifndef MICA_CLI_TOP_MODEL_H
#define MICA_CLI_TOP_MODEL_H

#include "lib/domain.h"

enum top_sort { TOP_BY_CPU, TOP_BY_TIME, TOP_BY_MEMORY, TOP_BY_NAME, TOP_BY_ID };

struct top_row {
	domid_t id;
	uint8_t uuid[16];
	char name[MICA_NAME_MAX];
	const char *state;
	double percent;			/* of one CPU, since the sample before */
	uint64_t cpu_ns, memory_kib;
	unsigned vcpus;
	bool fresh;			/* not in the sample before: no percentage yet */
};

struct top_model {
	struct top_row *rows;
	int nr;
	uint64_t at_ms;			/* of the last sample; 0: none yet */
	enum top_sort sort;
	bool reverse;
	int first, selected;		/* rows of the screen: first seen, marked */
	unsigned host_cpus;
	uint64_t host_kib, free_kib;
};

enum top_key { TOP_NOTHING, TOP_REDRAW, TOP_SAMPLE, TOP_QUIT };

#define TOP_UP		0x10001		/* keys beside characters */
#define TOP_DOWN	0x10002
#define TOP_PAGE_UP	0x10003
#define TOP_PAGE_DOWN	0x10004

void top_model_free(struct top_model *t);
/* A sample at @at_ms: domains as listed, their names.  Keeps what was marked marked. */
bool top_model_sample(struct top_model *t, uint64_t at_ms, const mica_dominfo *list, int n,
		      char (*names)[MICA_NAME_MAX]);
/* A key was pressed while @height rows are seen. */
enum top_key top_model_key(struct top_model *t, int key, int height);
/* Lines of at most @width columns: the head, and row @i of the whole list. */
void top_model_head(const struct top_model *t, int line, char *text, size_t room);
void top_model_line(const struct top_model *t, int i, char *text, size_t room);

#define TOP_HEAD_LINES	2		/* the host; the columns */

#endif
