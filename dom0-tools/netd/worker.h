/* SPDX-License-Identifier: BSD-2-Clause */
/* mica-netd's own parts: the supervisor, and one worker for each network. */
#ifndef MICA_NETD_WORKER_H
#define MICA_NETD_WORKER_H

#include <stdbool.h>

struct net;

struct settings {
	const char *capture_dir;	/* captures of all networks are below it */
	const char *user;		/* whom a worker becomes; "" stays root (for tests) */
	const char *lease_dir;		/* dnsmasq's */
	const char *dnsmasq, *nft;	/* programs */
	unsigned poll_us;		/* look for work that long before sleeping */
	bool sandbox;
};
extern struct settings settings;

/* A line for the operator. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- worker.c --- */
/* Serve network @name until SIGTERM; @tap: the uplink's descriptor or -1.  The exit status. */
int worker_run(const char *name, int tap);

/* --- super.c --- */
/* Look after all networks until SIGTERM.  The exit status. */
int super_run(void);

/* --- stats.c --- */
/* Counters into the store, where they changed; whether any did. */
void stats_publish(struct net *n);
bool stats_due(const struct net *n);

/* --- sandbox.c --- */
/*
 * For a worker that has opened everything: files are those of @dir, no privileges, no system calls
 * but those of the data path.  0 or -errno with *what.
 */
int sandbox_enter(const char *dir, const char *user, const char **what);

#endif
