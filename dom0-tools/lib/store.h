/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the store: Xenstore's wire protocol over the daemon's socket or, where that does not
 * exist, the kernel's /dev/xen/xenbus.  One request at a time; watch events that arrive between
 * are kept.  A handle belongs to one thread.  Functions return 0 or -errno as the daemon gave it.
 */
#ifndef MICA_LIB_STORE_H
#define MICA_LIB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/types.h>

struct mica_store;

/* Who may do what with a node: 'n' nothing, 'r', 'w', 'b' both.  The first entry is the owner and
 * says what everyone else may. */
struct mica_perm {
	char access;
	domid_t domain;
};

int mica_store_open(struct mica_store **s);
/* Only over the socket: the kernel's device waits for ever where no daemon runs. */
int mica_store_open_socket(struct mica_store **s);
/* Speak over @fd, which becomes the store's; for tests. */
int mica_store_open_fd(struct mica_store **s, int fd);
void mica_store_close(struct mica_store *s);
static inline void mica_store_close_cleanup(struct mica_store **s)
{
	mica_store_close(*s);
}
int mica_store_fd(const struct mica_store *s);
/* Where it is connected to. */
const char *mica_store_place(const struct mica_store *s);

/* Transactions do not nest: between begin and end every call belongs to it.  end: -EAGAIN when
 * somebody else changed what was read; start again then. */
int mica_store_begin(struct mica_store *s);
int mica_store_end(struct mica_store *s, bool commit);

/*
 * Between batch and batch_end, calls that only change something are sent without waiting for their
 * answers, which saves a switch to the daemon and back for each; they return 0 or what failed
 * before.  batch_end waits for all: 0, or the first failure.
 */
int mica_store_batch(struct mica_store *s);
int mica_store_batch_end(struct mica_store *s);
/* Read @n nodes in one go: values[i] is NULL where there is none, else freed by the caller.
 * -errno only when the connection failed. */
int mica_store_read_many(struct mica_store *s, unsigned n, const char *const *paths,
			 char **values);

/* *value is NUL terminated beyond its *bytes (may be NULL); the caller frees it. */
int mica_store_read(struct mica_store *s, const char *path, char **value, size_t *bytes);
/* Read into a buffer of the caller; -ERANGE when it does not fit. */
int mica_store_get(struct mica_store *s, char *value, size_t room, const char *path, ...)
	__attribute__((format(printf, 4, 5)));
int mica_store_write(struct mica_store *s, const char *path, const void *value, size_t bytes);
/* Write a formatted value. */
int mica_store_put(struct mica_store *s, const char *path, const char *value, ...)
	__attribute__((format(printf, 3, 4)));
int mica_store_mkdir(struct mica_store *s, const char *path);
int mica_store_rm(struct mica_store *s, const char *path);
/* Names of the children; free *names, which holds the text too.  Returns how many. */
int mica_store_list(struct mica_store *s, const char *path, char ***names);
int mica_store_get_perms(struct mica_store *s, const char *path, struct mica_perm *list, int room);
int mica_store_set_perms(struct mica_store *s, const char *path, const struct mica_perm *list,
			 int n);
int mica_store_watch(struct mica_store *s, const char *path, const char *token);
/* @introduceDomain or @releaseDomain, with events that name the domain (see mica_store_event_domain)
 * where the daemon can do that: mica-stored can, Debian's 4.17 cannot. */
int mica_store_watch_domains(struct mica_store *s, const char *special, const char *token);
/* Which domain an event's path is about, as in @releaseDomain/7; -1: it does not say. */
int mica_store_event_domain(const char *path);
int mica_store_unwatch(struct mica_store *s, const char *path, const char *token);
/* The next event: 1 and *path, *token (free *path, which holds both), 0 after @timeout_ms
 * (-1: wait for ever), -errno when the connection is gone. */
int mica_store_event(struct mica_store *s, int timeout_ms, char **path, char **token);
/* Hand out such an event, too; it comes after those that are here. */
int mica_store_event_again(struct mica_store *s, const char *path, const char *token);
/* Something lies here already, which mica_store_fd() will not tell: ask before waiting for that. */
bool mica_store_waiting(const struct mica_store *s);

/*
 * A request that is not answered within @ms fails with -ETIMEDOUT; the store may do what it asks for all
 * the same.  The connection stays, and is late: until that answer has come, which mica_store_event() looks
 * for, every other request fails so at once, a transaction that was under way is none any more, and events
 * are kept back.  0: requests wait for ever, as they do at first.
 */
void mica_store_limit(struct mica_store *s, int ms);
bool mica_store_is_late(const struct mica_store *s);

int mica_store_introduce(struct mica_store *s, domid_t id, uint64_t mfn, uint32_t port);
int mica_store_release(struct mica_store *s, domid_t id);
/* 1: the daemon knows the domain, 0: it does not. */
int mica_store_is_introduced(struct mica_store *s, domid_t id);

#endif
