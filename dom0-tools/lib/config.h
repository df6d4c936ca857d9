/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration files in xl.cfg syntax, in two layers: config.c turns text into keys and values,
 * each with the place it came from; domcfg.c knows the keys of a domain, their types and ranges.
 * Strict: an unknown or repeated key is an error, with the nearest known key as a suggestion.
 */
#ifndef MICA_LIB_CONFIG_H
#define MICA_LIB_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/mica.h"
#include "lib/spec.h"

enum cfg_kind { CFG_STRING, CFG_NUMBER, CFG_LIST };

struct cfg_value {
	enum cfg_kind kind;
	unsigned line, column;		/* from 1 */
	char *text;			/* string; of a number as it was written */
	int64_t number;
	struct cfg_value *items;	/* of a list */
	unsigned nr_items;
};

struct cfg_item {
	char *key;
	unsigned line, column;
	struct cfg_value value;
};

struct mica_config {
	char *file;			/* how it is called in messages */
	char *text;			/* whole, for the line a message shows */
	struct cfg_item *items;
	unsigned nr_items;
};

#define CFG_MAX_BYTES	(1u << 20)
#define CFG_MAX_ITEMS	1024u

/* Read @path, or parse @text that is called @file.  Later text can add or replace keys. */
int mica_config_read(struct mica_config *c, const char *path, struct mica_error *e);
int mica_config_parse(struct mica_config *c, const char *file, const char *text,
		      struct mica_error *e);
/* One "key=value" of the command line; a value that is no number or list may lack its quotes. */
int mica_config_set(struct mica_config *c, const char *assignment, struct mica_error *e);
void mica_config_free(struct mica_config *c);
/* The settings as they now stand, in the same syntax; the caller frees it.  NULL: no memory. */
char *mica_config_text(const struct mica_config *c);
const struct cfg_item *mica_config_find(const struct mica_config *c, const char *key);
/* Fill in an error that points at a place: adds the line and a caret as facts. */
int mica_config_fail(const struct mica_config *c, unsigned line, unsigned column,
		     struct mica_error *e, const char *code, const char *why, ...)
	__attribute__((format(printf, 6, 7)));

/* What happens when a domain ends in some way. */
enum mica_action { ACT_DESTROY, ACT_RESTART, ACT_PRESERVE };

struct mica_on_end {
	enum mica_action action;
	unsigned backoff_s;		/* restart: first wait, doubled up to 16 times */
	unsigned max;			/* restart: so many in a row, 0 for ever */
};

#define MICA_NAME_MAX	64

struct mica_domain_config {
	char name[MICA_NAME_MAX];
	bool has_uuid;
	uint8_t uuid[16];
	char *kernel, *ramdisk, *cmdline;	/* NULL: not given */
	uint64_t memory_kib, maxmem_kib;
	unsigned vcpus, maxvcpus;
	unsigned weight, cap;			/* weight 0: the default */
	bool has_cpus;
	uint8_t cpus[MICA_CPUSET_BYTES];
	int grant_frames, maptrack_frames;
	unsigned event_channels;
	int64_t time_offset_s;
	struct mica_on_end on_poweroff, on_reboot, on_crash;
	struct mica_disk *disks;		/* each has its vdev */
	struct mica_nic *nics;			/* without an address: mica_mac_make() */
	unsigned nr_disks, nr_nics;
	uint8_t mac_seed[16];			/* what generated addresses are made from */
	char warning[120];			/* a word that has no effect; "" */
};

int mica_domain_config_read(struct mica_domain_config *d, const struct mica_config *c,
			    struct mica_error *e);
void mica_domain_config_free(struct mica_domain_config *d);
/* devcfg.c: the lists disk and vif. */
int mica_config_disks(struct mica_domain_config *d, const struct mica_config *c,
		      const struct cfg_item *item, struct mica_error *e);
int mica_config_nics(struct mica_domain_config *d, const struct mica_config *c,
		     const struct cfg_item *item, struct mica_error *e);
/* From the UUID if one is given, else from the name and this host's machine-id. */
void mica_config_mac_seed(struct mica_domain_config *d);
/* Prints the table of keys. */
void mica_domain_config_help(void);

/* The word of @list (ends in NULL) most like @word, NULL if none is near. */
const char *mica_nearest(const char *word, const char *const *list);

/* "512m", "1.5g", "4096k", "512" (MiB) to KiB.  False: not a size. */
bool mica_parse_size_kib(const char *text, uint64_t *kib);
/* "90s", "5m", "2h", "90" (seconds) to milliseconds. */
bool mica_parse_time_ms(const char *text, uint64_t *ms);
/* "0-3,6", "all", "^1" takes away. */
bool mica_parse_cpus(const char *text, uint8_t cpus[MICA_CPUSET_BYTES]);
/* "background", "normal", "interactive", "system" or a number from 1 to 65535. */
bool mica_parse_weight(const char *text, unsigned *weight);
bool mica_parse_uuid(const char *text, uint8_t uuid[16]);
void mica_print_uuid(const uint8_t uuid[16], char text[37]);
/* May this be the name of a domain?  Letters, digits, . _ + -, not only digits. */
bool mica_name_is_valid(const char *name);

#endif
