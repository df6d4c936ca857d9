/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What domains are called, in one file that is looked at without a question to the store: a slot
 * per domain number.  A slot counts only for the domain whose UUID it has, and only while that
 * domain's monitor watches the name in the store and keeps the slot like it; for all others the
 * store is asked.  So a name is found without a question for each guest.
 */
#ifndef MICA_LIB_NAMES_H
#define MICA_LIB_NAMES_H

#include "lib/config.h"

#define MICA_NAMES_FILE		"/run/mica/names"

struct mica_names;

/* Where it is: MICA_NAMES_FILE. */
extern const char *mica_names_file;

/* The file as it is now; NULL: there is none.  @path NULL here and below: mica_names_file. */
struct mica_names *mica_names_open(const char *path);
void mica_names_close(struct mica_names *t);
/* True, and the name of domain @id with this UUID. */
bool mica_names_get(const struct mica_names *t, domid_t id, const uint8_t uuid[16],
		    char name[MICA_NAME_MAX]);
/* True if domain @id with this UUID is certainly called something else than @name. */
bool mica_names_is_other(const struct mica_names *t, domid_t id, const uint8_t uuid[16],
			 const char *name);
/* Say what it is called; @name NULL: nobody keeps it up to date any more.  0 or -errno. */
int mica_names_set(const char *path, domid_t id, const uint8_t uuid[16], const char *name);

/*
 * From before a name is found to be free until the store has it for a domain, whoever gives it holds a
 * claim, so that no two domains get it at the same time.  Returns a descriptor, to be closed when
 * it is done; -EBUSY: somebody else holds it; another -errno.
 */
int mica_names_claim(const char *path, const char *name);
/* A descriptor with which no name is claimed, or -errno. */
int mica_names_claim_none(const char *path);
/*
 * Claim an image with such a descriptor, too; @image: a number made of what it is (disk_claim.c).  Any
 * number may have a shared claim.  0; -EBUSY: somebody else has it; another -errno.
 */
int mica_names_claim_image(int claim, uint64_t image, bool shared);

/*
 * Who looks up in the store what domain @id is called, to set its slot, and who gives it another name
 * there, holds it meanwhile: else the former could set a name that is no longer.  Waits.  Returns a
 * descriptor, to be closed when it is done, or -errno.
 */
int mica_names_hold(const char *path, domid_t id);

#endif
