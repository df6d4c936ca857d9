/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the console daemon share.
 *
 *	main.c      options, start, end
 *	watch.c     the store: which domains there are, where their rings are
 *	guest.c     one domain: ring, log, history, pty
 *	viewer.c    readers on the socket
 *	loop.c      file descriptors and the timer
 *	ring.c history.c logfile.c mark.c   data, without knowledge of the others
 *
 * One thread; nothing here needs a lock.
 */
#ifndef MICA_CONSOLED_H
#define MICA_CONSOLED_H

#include <stdbool.h>
#include <mica/types.h>

#include "consoled/backend.h"
#include "consoled/history.h"
#include "consoled/logfile.h"
#include "consoled/loop.h"

#define MAX_VIEWERS	16		/* of one guest */
#define ROUND_BYTES	(64u << 10)	/* what one guest may write per tick of the loop */
#define LINGER_MS	1000		/* how long readers may read on after a guest's end */

/* Set once by main. */
struct settings {
	const char *log_dir;
	const char *mark_dir;
	const char *socket;
	uint64_t log_bytes;		/* rotate beyond */
	unsigned int log_keep;
	size_t history_bytes;		/* most that is kept per guest */
	int group;			/* may use the terminals; -1: nobody */
};
extern struct settings settings;
extern struct backend backend;

/*
 * waiting --console nodes complete--> up --released--> gone --LINGER_MS--> freed
 * A viewer of one that is gone is let go when it has read all.
 */
enum guest_state { GUEST_WAITING, GUEST_UP, GUEST_GONE };

struct viewer;

struct guest {
	struct guest *next;
	enum guest_state state;
	domid_t id;
	bool resumed;			/* was there before this daemon */
	bool held;			/* wrote too much; its port stays masked until the tick */
	char name[128];
	struct xencons_interface *ring;	/* up only */
	int granted;
	uint64_t mfn;			/* as the store says */
	uint32_t port, local;
	size_t budget;			/* bytes left in this tick */
	uint64_t gone_ms;
	struct logfile log;
	struct history history;
	struct source pty;		/* the master's side */
	int slave;			/* held open, so that no reader's end ends the pty */
	char tty[64];
	uint64_t pty_at;		/* position of the pty in the history */
	struct viewer *viewers;
	unsigned int nr_viewers;
	bool broken_ring;		/* said so already */
};

/* guest.c */
struct guest *guest_find(domid_t id);
struct guest *guest_first(void);
struct guest *guest_new(domid_t id, bool resumed);
/* The store says where its console is; the same again changes nothing.  0 or -errno. */
int guest_connect(struct guest *g, const char *name, uint64_t mfn, uint32_t port, size_t limit);
/* The domain is dying: last bytes, then the page is let go. */
void guest_release(struct guest *g);
/* Bytes typed; returns how many the guest had room for. */
size_t guest_type(struct guest *g, const char *from, size_t n);
/* How many it has room for. */
size_t guest_room(struct guest *g);
/* Move bytes both ways, as far as it goes now. */
void guest_service(struct guest *g);
/* An event channel has news. */
void guests_event(struct source *s, uint32_t events);
/* Once per tick: budgets, ends.  True when another tick is needed. */
bool guests_tick(void);
void guests_reopen_logs(void);
void guests_close(void);

/* viewer.c */
int viewers_listen(const char *path);
/* Write on, and adjust what they wait for. */
void viewers_service(struct guest *g);
/* True when each has got everything. */
bool viewers_done(const struct guest *g);
void viewers_drop(struct guest *g);

/* watch.c */
int watch_start(void);
/* Once per tick; true while the store is being looked for. */
bool watch_tick(void);
/* console/tty of a guest, for xl and mica. */
void watch_publish_tty(struct guest *g);

/* main.c: a line for the administrator. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
