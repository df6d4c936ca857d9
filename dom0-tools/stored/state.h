/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the journal's records mean: written by the operations as they change something, read once
 * at start-up, and written for the whole store when the journal is compacted.
 * All are no-ops for a store without a journal.
 */
#ifndef STORED_STATE_H
#define STORED_STATE_H

#include "dom.h"
#include "journal.h"
#include "store.h"

void state_node(struct store *s, const struct node *n);		/* is like this now */
void state_gone(struct store *s, const char *path, size_t len);	/* with all below it */
void state_introduce(struct store *s, const struct domain *d);
void state_release(struct store *s, unsigned domid);
void state_shutdown(struct store *s, const struct domain *d);
void state_watch(struct store *s, const struct watch *x);
void state_unwatch(struct store *s, const struct watch *x);
void state_reset(struct store *s, const struct conn *c);
void state_txn(struct store *s, const struct conn *c, uint32_t id, bool open);
void state_owed(struct store *s, const struct watch *x);
void state_output(struct store *s, struct conn *c);	/* what is queued and not logged */
void state_done(struct store *s, const struct domain *d);

/* Rebuild the store from the journal.  Returns 0, or -EINVAL if the journal is damaged. */
int state_replay(struct store *s);
/* If the journal has grown enough, write it anew.  Between requests only. */
void state_compact(struct store *s, bool now);

#endif
