/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the supervisor share.
 *
 *	main.c      options, start, loop, end
 *	vbd.c       a disk: its keys, its steps in the handshake
 *	child.c     the disk's process: start, messages, death, start again
 *	image.c     files and devices
 *	storage.c   formats other than raw, by qemu-storage-daemon
 *	report.c    numbers: the store, JSON
 *
 * One thread.  It never touches a guest's memory, and a guest's disk needs it only to begin, to
 * end, and when the disk's process dies.
 */
#ifndef MICA_BLKD_BLKD_H
#define MICA_BLKD_BLKD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "back/back.h"
#include "back/handshake.h"
#include "blkd/image.h"
#include "blkd/journal.h"
#include "blkd/proto.h"

struct settings {
	const char *run_dir;		/* journals, the socket */
	uint8_t engine;
	bool no_sandbox;
	const char *program;		/* of disk processes */
	const char *nbd_program, *storage_program;	/* for formats other than raw */
};
extern struct settings settings;

enum child_state {
	CHILD_NONE,
	CHILD_STARTING,			/* until READY */
	CHILD_IDLE,			/* no rings */
	CHILD_CONNECTING,		/* until DONE */
	CHILD_UP,
	CHILD_DISCONNECTING,		/* until DONE */
};

/* What back_done() is owed for. */
enum vbd_step { VBD_NOTHING, VBD_PROBE, VBD_CONNECT, VBD_DISCONNECT };

struct storage;

struct vbd {
	struct vbd *next;
	struct back_device *dev;
	enum vbd_step step;
	char path[1024], type[16], name[64];	/* name: of the guest, for messages */
	struct image image;
	struct storage *storage;	/* NULL: raw */
	bool durable;
	bool broken;			/* no storage server: all is answered with errors */
	uint64_t ops_limit, bytes_limit;
	/* the process */
	enum child_state child;
	pid_t pid;
	int control;
	int alive;			/* end of file: nothing of the last process is under way */
	bool resizing;			/* it was ended to be started with another size */
	bool old_server;		/* the storage server of the last process has to end */
	bool has_rings, resume;		/* rings to be connected, where a process left them */
	struct blk_rings rings;
	int journal_fd;
	struct journal *journal;	/* read only here */
	char journal_path[256];
	enum engine_kind engine;
	unsigned deaths;		/* since the last progress */
	uint64_t progress, restarts;
	uint64_t retry_ns;		/* try to lock, or start the process, again; 0: not */
	uint64_t retry_until_ns;
	uint64_t stuck_ns;		/* when to tell that a dead process's transfers do not end */
	uint64_t deadline_ns;		/* of its start or of a disconnection */
	char last_words[256];		/* of a process that could not go on */
	uint64_t told_sum;		/* numbers in the store are of then */
	bool gone;			/* removed; freed when nobody looks at it any more */
};

extern struct vbd *vbds;
extern const struct back_kind vbd_kind;

/* vbd.c */
/* The lock, the process: what a probe still needs. */
void vbd_probe_on(struct vbd *v);
/* The process of a probe is ready; @bytes and @can_discard from an NBD server. */
void vbd_ready(struct vbd *v, uint64_t bytes, bool can_discard);
/* The process was started again; @bytes from an NBD server. */
void vbd_ready_again(struct vbd *v, uint64_t bytes);
/* The step under way has ended. */
void vbd_done(struct vbd *v, int rc);
/* Retries and deadlines; true while there are any. */
bool vbd_tick(uint64_t now);
/* Free those that are gone.  Only where no callback is under way. */
void vbd_reap(void);
/* Journals of disks that are gone. */
void vbd_sweep(struct back *b);

/* child.c */
int child_journal(struct vbd *v);
int child_start(struct vbd *v);
/* Ask for the rings; VBD_CONNECT or a resumption follows by DONE. */
void child_connect(struct vbd *v);
/* True: DONE will come; false: there is nothing to disconnect. */
bool child_disconnect(struct vbd *v);
void child_limits(struct vbd *v);
void child_resize(struct vbd *v);
/* The control socket is readable. */
void child_readable(struct vbd *v);
/* True when the process before left nothing that could still reach image or guest. */
bool child_is_over(struct vbd *v);
/* It has died, with the status of waitpid(). */
void child_died(struct vbd *v, int status);
/* End it; its death is not news. */
void child_kill(struct vbd *v);

/* report.c */
int report_listen(const char *path);
void report_accept(int fd);
/* Write the numbers that changed into the store. */
void report_store(void);

/* main.c */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ns(void);
/* Look at @fd in the loop for @v, until it is closed. */
int loop_watch(int fd, struct vbd *v);
/* Have ticks come until nothing needs them. */
void loop_need_tick(void);

#endif
