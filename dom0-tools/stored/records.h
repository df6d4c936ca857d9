/* SPDX-License-Identifier: BSD-2-Clause */
/* The fixed parts of the journal's records; shared by state.c, which writes, and state_load.c. */
#ifndef STORED_RECORDS_H
#define STORED_RECORDS_H

#include "state.h"

enum {
	REC_NODE = 1,			/* rec_node, rec_perm[], path, value */
	REC_GONE,			/* path */
	REC_INTRODUCE,			/* rec_domain */
	REC_SHUTDOWN,			/* rec_domain */
	REC_RELEASE,
	REC_WATCH,			/* rec_watch, path, token */
	REC_UNWATCH,
	REC_OWED,
	REC_RESET,
	REC_TXN_OPEN,			/* u32: id */
	REC_TXN_SHUT,
	REC_OUTPUT,			/* rec_output, bytes */
	REC_DONE,			/* u32: domain.start */
};

struct rec_node {
	uint32_t value_len;
	uint16_t path_len;
	uint16_t perms;
};

struct rec_perm {
	uint16_t id;
	uint16_t may;
};

struct rec_domain {
	uint64_t frame;
	uint32_t port;
	uint32_t shutdown;
};

struct rec_watch {
	int32_t depth;
	uint16_t skip;
	uint16_t path_len;
	uint16_t token_len;
	uint16_t pad;
};

struct rec_output {
	uint32_t at;			/* ring index of the first byte */
	uint32_t head_left;		/* of a message whose start was sent before */
};

#endif
