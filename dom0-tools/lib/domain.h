/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains as operators know them: by name, with their part of the store, from a configuration.
 * Names stand in the store (/local/domain/ID/name, which the guest cannot write) and, for when the
 * store is down, in a file per domain under MICA_RUN_DIR.
 */
#ifndef MICA_LIB_DOMAIN_H
#define MICA_LIB_DOMAIN_H

#include "lib/build.h"
#include "lib/config.h"
#include "lib/store.h"

#define MICA_RUN_DIR		"/run/mica/domains"
#define MICA_LOG_DIR		"/var/log/mica"
#define MICA_CONSOLE_LOG	MICA_LOG_DIR "/console/guest-%s.log"
#define MICA_DEFINE_DIR		"/etc/mica/domains"
#define MICA_NETWORK_DIR	"/etc/mica/networks"

/* The domain called @word: a name or a number.  @s may be NULL. */
int mica_domain_find(struct mica *m, struct mica_store *s, const char *word, domid_t *id,
		     struct mica_error *e);
/* Its name into @name: "dom0", what the store or the run file says, or "(ID)". */
void mica_domain_name(struct mica_store *s, domid_t id, char name[MICA_NAME_MAX]);
/* The names of all on a list, at the price of one question; freed by the caller, NULL: no memory. */
char (*mica_domain_names(struct mica_store *s, const mica_dominfo *list, int n))[MICA_NAME_MAX];
/*
 * Nobody but the caller may give a domain this name until it closes the descriptor it gets, which is
 * when the store has the name.  -EEXIST when a domain other than @but has it or is being given it.
 */
int mica_domain_name_claim(struct mica *m, struct mica_store *s, const char *name, int but,
			   struct mica_error *e);
int mica_domain_rename(struct mica *m, struct mica_store *s, domid_t id, const char *name,
		       struct mica_error *e);

/* Told about each step of a create: its name, what it found; seconds it took. */
typedef void (*mica_progress)(void *ctx, const char *step, const char *what, double seconds);

struct mica_create_options {
	bool paused;
	const char *cache_dir;		/* of unpacked kernels; NULL: none is used */
	mica_progress progress;		/* NULL: silent */
	void *ctx;
	bool (*interrupted)(void);	/* true: undo it, unless it runs already; NULL: never */
};

/* Create the domain @d describes.  All or nothing; e->undone says so. */
int mica_domain_start(struct mica *m, struct mica_store *s, const struct mica_domain_config *d,
		      const struct mica_create_options *o, domid_t *id, struct mica_error *e);
/* Destroy it and remove what the store and the run directory have of it. */
int mica_domain_remove(struct mica *m, struct mica_store *s, domid_t id, unsigned timeout_ms,
		       struct mica_error *e);
/* Processes that map pages of guests, as "NAME pid N, ..."; how many.  @proc NULL: /proc. */
int mica_holders(const char *proc, char *text, size_t room);
/* Only the latter: for a domain that is gone. */
void mica_domain_forget(struct mica_store *s, domid_t id, const uint8_t uuid[16]);

/* store_tree.c: the nodes a new guest finds.  @b and @d describe it. */
int mica_store_add_domain(struct mica_store *s, const struct mica_built *b,
			  const struct mica_domain_config *d, const char *uuid);

/* Where the files about running domains are: MICA_RUN_DIR. */
extern const char *mica_run_dir;
/* mica_run_write(7, "name", ...) makes MICA_RUN_DIR/7.name; text NULL removes it. */
int mica_run_write(domid_t id, const char *what, const char *text);
char *mica_run_read(domid_t id, const char *what);
void mica_run_remove(domid_t id);

/*
 * A domain that ended and waits to be started again by its monitor: MICA_RUN_DIR/NAME.restart says
 * when, seconds since 1970.  Whoever removes the file calls the restart off.
 */
#define MICA_RESTART_SUFFIX	".restart"
int mica_restart_write(const char *name, const char *text);
char *mica_restart_read(const char *name);

/* restart.c: what to do about an end.  @ran_ms: how long it ran; *restarts: how often in a row. */
struct mica_restart {
	bool again;
	unsigned wait_s;
	unsigned restarts;		/* the new count */
};
struct mica_restart mica_restart_plan(const struct mica_on_end *on, bool reboot, uint64_t ran_ms,
				      unsigned restarts);

#endif
