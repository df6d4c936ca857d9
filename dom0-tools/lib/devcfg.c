/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys disk and vif of a configuration: lists of strings, read by spec.h, errors in place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/digest.h"
#include "lib/spec.h"

#define MAX_DISKS	64u
#define MAX_NICS	32u

static int wrong(const struct mica_config *c, const struct cfg_value *v,
		 const struct mica_spec_error *se, struct mica_error *e)
{
	/* The quote comes before the text. */
	int rc = mica_config_fail(c, v->line, v->column + 1 + (unsigned)se->at, e, "MICA-CFG-009",
				  "%s", se->why);

	if (!v->line) {
		mica_fact(e, "%.300s", v->text);
		mica_fact(e, "%*s^", (int)(se->at < 300 ? se->at : 0), "");
	}
	if (se->suggestion[0])
		mica_hint(e, "did you mean '%s'?", se->suggestion);
	return rc;
}

static int wrong_list(const struct mica_config *c, const struct cfg_item *item, unsigned most,
		      struct mica_error *e)
{
	return mica_config_fail(c, item->value.line, item->value.column, e, "MICA-CFG-003",
				"%s must be a list of at most %u strings in brackets", item->key, most);
}

static void remember_ignored(struct mica_domain_config *d, const struct cfg_item *item,
			     const struct mica_spec_error *se)
{
	if (se->ignored[0] && !d->warning[0])
		snprintf(d->warning, sizeof(d->warning), "%s: '%s' has no effect", item->key,
			 se->ignored);
}

static bool is_taken(const struct mica_domain_config *d, unsigned n, uint32_t number)
{
	for (unsigned i = 0; i < n; i++)
		if (d->disks[i].vdev[0] && d->disks[i].number == number)
			return true;
	return false;
}

/* Disks without a name get the next that is free, once all names are known. */
static void name_disks(struct mica_domain_config *d)
{
	char name[MICA_VDEV_BYTES];
	uint32_t number;

	for (unsigned i = 0, next = 0; i < d->nr_disks; i++) {
		if (d->disks[i].vdev[0])
			continue;
		do {
			snprintf(name, sizeof(name), "d%up0", next++);
		} while (mica_vdev_number(name, &number) && is_taken(d, d->nr_disks, number));
		d->disks[i].number = number;
		mica_vdev_name(number, d->disks[i].vdev);
	}
}

int mica_config_disks(struct mica_domain_config *d, const struct mica_config *c,
		      const struct cfg_item *item, struct mica_error *e)
{
	const struct cfg_value *list = &item->value;
	struct mica_spec_error se;

	if (list->kind != CFG_LIST || list->nr_items > MAX_DISKS)
		return wrong_list(c, item, MAX_DISKS, e);
	d->disks = calloc(list->nr_items + 1, sizeof(*d->disks));
	if (!d->disks)
		return mica_fail(e, "MICA-HOST-002", "out of memory");
	for (unsigned i = 0; i < list->nr_items; i++) {
		const struct cfg_value *v = &list->items[i];
		struct mica_disk *disk = &d->disks[i];

		if (v->kind != CFG_STRING)
			return wrong_list(c, item, MAX_DISKS, e);
		if (!mica_disk_parse(disk, v->text, &se))
			return wrong(c, v, &se, e);
		if (disk->vdev[0] && is_taken(d, i, disk->number)) {
			snprintf(se.why, sizeof(se.why), "two disks are %s", disk->vdev);
			se.at = 0;
			return wrong(c, v, &se, e);
		}
		remember_ignored(d, item, &se);
		d->nr_disks++;
	}
	name_disks(d);
	return 0;
}

int mica_config_nics(struct mica_domain_config *d, const struct mica_config *c,
		     const struct cfg_item *item, struct mica_error *e)
{
	const struct cfg_value *list = &item->value;
	struct mica_spec_error se;

	if (list->kind != CFG_LIST || list->nr_items > MAX_NICS)
		return wrong_list(c, item, MAX_NICS, e);
	d->nics = calloc(list->nr_items + 1, sizeof(*d->nics));
	if (!d->nics)
		return mica_fail(e, "MICA-HOST-002", "out of memory");
	for (unsigned i = 0; i < list->nr_items; i++) {
		const struct cfg_value *v = &list->items[i];
		struct mica_nic *nic = &d->nics[i];

		if (v->kind != CFG_STRING)
			return wrong_list(c, item, MAX_NICS, e);
		if (!mica_nic_parse(nic, v->text, &se))
			return wrong(c, v, &se, e);
		nic->handle = i;
		remember_ignored(d, item, &se);
		for (unsigned k = 0; k < i; k++) {
			if (!nic->mac[0] || strcmp(d->nics[k].mac, nic->mac))
				continue;
			snprintf(se.why, sizeof(se.why), "two cards have the address %s", nic->mac);
			se.at = 0;
			return wrong(c, v, &se, e);
		}
		d->nr_nics++;
	}
	return 0;
}

void mica_config_mac_seed(struct mica_domain_config *d)
{
	static const uint64_t key[MICA_DIGEST_KEY_WORDS] = { 's', 'e', 'e', 'd' };
	char from[MICA_NAME_MAX + 64] = "";
	FILE *f = fopen("/etc/machine-id", "re");
	struct mica_digest seed;

	if (d->has_uuid) {
		memcpy(d->mac_seed, d->uuid, sizeof(d->mac_seed));
	} else {
		/* Guests of one name on two hosts must not share an address. */
		if (f && !fgets(from, 64, f))
			from[0] = 0;
		strcat(from, d->name);
		seed = mica_digest(key, from, strlen(from));
		memcpy(d->mac_seed, &seed, sizeof(d->mac_seed));
	}
	if (f)
		fclose(f);
}
