/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and network cards of domains in the store: the two directories of each device, written and
 * removed as one, the xenbus handshake as far as the toolstack sees it, and who uses what.
 *
 * Who serves a device follows from the name of its back end's directory: mblk and mnet are Mica's
 * daemons, vbd and vif the kernel's drivers, for which hotplug.h does the host's part.
 */
#ifndef MICA_LIB_DEVICE_H
#define MICA_LIB_DEVICE_H

#include "lib/error.h"
#include "lib/spec.h"
#include "lib/store.h"

enum mica_device_kind { MICA_DISK, MICA_NIC };

/* States of the handshake, as both ends write them. */
enum {
	DEVICE_UNKNOWN, DEVICE_INITIALISING, DEVICE_INIT_WAIT, DEVICE_INITIALISED,
	DEVICE_CONNECTED, DEVICE_CLOSING, DEVICE_CLOSED, DEVICE_RECONFIGURING,
	DEVICE_RECONFIGURED,
};

/* A device as the store has it. */
struct mica_device {
	enum mica_device_kind kind;
	domid_t domain;
	uint32_t number;		/* virtual device, handle */
	bool kernel;
	char name[MICA_VDEV_BYTES];	/* "xvda"; "eth0" of handle 0 */
	char front[64], back[96];	/* the directories; front "": it is gone */
	unsigned front_state, back_state;	/* 0: no such node */
	char error[160];		/* the back end's words, "" if it has none */
};

const char *mica_device_state(unsigned state);
const char *mica_device_kind_word(enum mica_device_kind kind);

/*
 * Write both directories, within the caller's transaction and batch.  Failures are sticky in the
 * store's batch; these return what is known so far.
 */
int mica_device_put_disk(struct mica_store *s, domid_t id, const struct mica_disk *d);
int mica_device_put_nic(struct mica_store *s, domid_t id, const struct mica_nic *n);
/* The same as a transaction of its own, for a domain that runs; -EEXIST when it has such a one. */
int mica_device_attach_disk(struct mica_store *s, domid_t id, const struct mica_disk *d,
			    struct mica_error *e);
int mica_device_attach_nic(struct mica_store *s, domid_t id, const struct mica_nic *n,
			   struct mica_error *e);
/* Wait until both ends are connected; an error says in words what each one does. */
int mica_device_wait(struct mica_store *s, domid_t id, enum mica_device_kind kind, uint32_t number,
		     unsigned timeout_ms, struct mica_error *e);
/* Ask the back end to close, wait for it, remove both directories.  @force: do not wait. */
int mica_device_detach(struct mica_store *s, domid_t id, enum mica_device_kind kind,
		       uint32_t number, bool force, unsigned timeout_ms, struct mica_error *e);

/* All devices of a domain; free *list.  How many, or -errno. */
int mica_device_list(struct mica_store *s, domid_t id, enum mica_device_kind kind,
		     struct mica_device **list);
/* The one called @name ("xvda", "51712", "eth0", "0"); 0 or an error with what there is. */
int mica_device_find(struct mica_store *s, domid_t id, enum mica_device_kind kind,
		     const char *name, struct mica_device *d, struct mica_error *e);
/* The lowest number no device of the domain has: xvda.., handle 0.. . */
int mica_device_free_number(struct mica_store *s, domid_t id, enum mica_device_kind kind,
			    uint32_t *number);

/* Is the target there, and may it be used so?  Sets nothing up.  The holder of a disk that is open
 * for writing is named. */
int mica_disk_check(struct mica_store *s, const struct mica_disk *d, struct mica_error *e);
/*
 * Before its disks are checked until the store has them for a domain, whoever gives them to it claims
 * their images, with a descriptor from mica_domain_name_claim() or mica_names_claim_none().  Waits for
 * others that do so, until @interrupted (NULL: never) says so.
 */
int mica_disks_claim(int claim, const struct mica_disk *disks, unsigned nr, bool (*interrupted)(void),
		     struct mica_error *e);
/* "phy", "file" or the format, as the daemon has it. */
const char *mica_disk_type(const struct mica_disk *d);
/* Choose the network of a card that names none, and see that there is such a one. */
int mica_nic_check(struct mica_store *s, struct mica_nic *n, struct mica_error *e);

#endif
