/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk: TARGET[,FORMAT][,VDEV][,ACCESS] and key=value in any place behind the first word, as
 * xl-disk-configuration has them.  A word without "=" is a format, a device name or an access
 * mode by what it is, in that order.  Old prefixes (phy: file: tap:qcow2:) still name the format.
 * A format is never guessed from the contents: they are the guest's.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/spec_priv.h"

static const char *const keys[] = {
	"target", "format", "vdev", "access", "devtype", "backend", "backendtype", "script",
	"discard", "no-discard", "direct-io-safe", "iops", "bps", "cache", "sector", NULL,
};

/* xl's names and the daemon's for one thing. */
static const struct {
	const char *word, *format;
} formats[] = {
	{ "raw", "raw" }, { "qcow2", "qcow2" }, { "qcow", "qcow" }, { "vhd", "vpc" },
	{ "vpc", "vpc" }, { "vhdx", "vhdx" }, { "vmdk", "vmdk" }, { "vdi", "vdi" },
	{ "qed", "qed" }, { "parallels", "parallels" }, { "luks", "luks" },
	{ "blockdev", "blockdev" }, { "aio", "raw" }, { "phy", "raw" }, { "file", "raw" },
};

#define NR_FORMATS	(sizeof(formats) / sizeof(formats[0]))
#define XL_FORMATS	12		/* the rest are prefixes only */

static const char *format_of(const char *word, size_t n, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strlen(formats[i].word) == n && !memcmp(formats[i].word, word, n))
			return formats[i].format;
	return NULL;
}

enum expect { WANT_TARGET, WANT_FORMAT, WANT_VDEV, WANT_ACCESS, WANT_NONE };

struct reader {
	struct mica_disk *d;
	struct mica_spec_error *e;
	enum expect next;
	bool has_format, has_access;
};

static bool set_target(struct reader *r, const struct spec_word *w)
{
	const char *path = w->value, *colon, *format;

	if (strlen(w->value) >= sizeof(r->d->target) - 1)
		return spec_fail(r->e, w->value_at, "the target is too long");
	while ((colon = strchr(path, ':'))) {
		if (colon - path == 3 && !memcmp(path, "tap", 3)) {
			path = colon + 1;
			continue;
		}
		format = format_of(path, (size_t)(colon - path), NR_FORMATS);
		if (!format)
			break;
		strcpy(r->d->format, format);
		r->has_format = true;
		path = colon + 1;
	}
	strcpy(r->d->target, path);
	return true;
}

static bool set_format(struct reader *r, const struct spec_word *w)
{
	const char *format = format_of(w->value, strlen(w->value), XL_FORMATS);

	if (!format)
		return spec_fail(r->e, w->value_at, "'%.40s' is no format: raw, qcow2, vhd, vmdk, vdi, "
				 "vhdx, qed, qcow, parallels, luks, blockdev", w->value);
	strcpy(r->d->format, format);
	r->has_format = true;
	return true;
}

static bool set_vdev(struct reader *r, const struct spec_word *w)
{
	char name[sizeof(w->value)], *kind;

	strcpy(name, w->value);
	kind = strchr(name, ':');
	if (kind) {			/* xvda:cdrom, as it once was */
		*kind++ = 0;
		if (strcmp(kind, "cdrom") && strcmp(kind, "disk"))
			return spec_fail(r->e, w->value_at, "'%.40s' is neither disk nor cdrom", kind);
		r->d->cdrom |= !strcmp(kind, "cdrom");
	}
	if (strlen(name) >= sizeof(r->d->vdev) || !mica_vdev_number(name, &r->d->number))
		return spec_fail(r->e, w->value_at, "'%.40s' is no device name such as xvda, sda, hda "
				 "or d0p0", name);
	mica_vdev_name(r->d->number, r->d->vdev);
	return true;
}

static bool set_access(struct reader *r, const struct spec_word *w)
{
	const char *v = w->value;

	r->has_access = true;
	r->d->read_only = !strcmp(v, "r") || !strcmp(v, "ro");
	if (r->d->read_only || !strcmp(v, "w") || !strcmp(v, "rw"))
		return true;
	if (!strcmp(v, "w!") || !strcmp(v, "!"))
		return spec_fail(r->e, w->value_at, "'%s' (shared writing) is not offered: one writer "
				 "for each disk", v);
	return spec_fail(r->e, w->value_at, "'%.40s' is no access mode: r, ro, w or rw", v);
}

static bool set_backend(struct reader *r, const struct spec_word *w)
{
	static const struct {
		const char *word;
		bool kernel;
	} known[] = {
		{ "mica", false }, { "kernel", true }, { "phy", true }, { "qdisk", false },
		{ "tap", false }, { "0", false }, { "dom0", false }, { "Domain-0", false },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].word, w->value))
			continue;
		r->d->kernel |= known[i].kernel;
		return true;
	}
	return spec_fail(r->e, w->value_at, "'%.40s' is no back end: mica or kernel", w->value);
}

static bool set_count(struct reader *r, const struct spec_word *w, uint64_t *to)
{
	return mica_parse_count(w->value, to) ||
		spec_fail(r->e, w->value_at, "'%.40s' is no number such as 500 or 10m", w->value);
}

static bool set_word(struct reader *r, const struct spec_word *w, const char *yes, const char *no,
		     bool *to)
{
	*to = !strcmp(w->value, yes);
	return *to || !strcmp(w->value, no) ||
		spec_fail(r->e, w->value_at, "'%.40s' is neither %s nor %s", w->value, yes, no);
}

static bool set_key(struct reader *r, const struct spec_word *w)
{
	struct mica_disk *d = r->d;
	const char *k = w->key;

	if (!strcmp(k, "target"))
		return set_target(r, w);
	if (!strcmp(k, "format"))
		return set_format(r, w);
	if (!strcmp(k, "vdev"))
		return set_vdev(r, w);
	if (!strcmp(k, "access"))
		return set_access(r, w);
	if (!strcmp(k, "devtype"))
		return set_word(r, w, "cdrom", "disk", &d->cdrom);
	if (!strcmp(k, "backend") || !strcmp(k, "backendtype"))
		return set_backend(r, w);
	if (!strcmp(k, "iops"))
		return set_count(r, w, &d->iops_limit);
	if (!strcmp(k, "bps"))
		return set_count(r, w, &d->bps_limit);
	if (!strcmp(k, "cache"))
		return set_word(r, w, "writethrough", "writeback", &d->durable);
	if (!strcmp(k, "sector")) {
		d->sector_bytes = (unsigned)atoi(w->value);
		return !strcmp(w->value, "512") || !strcmp(w->value, "4096") ||
			spec_fail(r->e, w->value_at, "'%.40s' is neither 512 nor 4096", w->value);
	}
	if (!strcmp(k, "script")) {
		snprintf(r->e->ignored, sizeof(r->e->ignored), "script");
		return true;
	}
	return spec_unknown(r->e, w, keys);
}

/* A word alone that is a flag; -1: it is none. */
static int set_flag(struct reader *r, const char *word)
{
	if (!strcmp(word, "cdrom"))
		r->d->cdrom = true;
	else if (!strcmp(word, "discard"))
		r->d->no_discard = false;
	else if (!strcmp(word, "no-discard"))
		r->d->no_discard = true;
	else if (!strcmp(word, "direct-io-safe"))
		r->d->direct_io_safe = true;
	else
		return -1;
	return 0;
}

static bool set_position(struct reader *r, const struct spec_word *w)
{
	uint32_t number;
	char name[sizeof(w->value)];

	if (r->next == WANT_TARGET) {
		r->next = WANT_FORMAT;
		return set_target(r, w);
	}
	if (!w->value[0]) {		/* left out: its default */
		r->next += r->next < WANT_NONE;
		return true;
	}
	if (!set_flag(r, w->value))
		return true;
	if (r->next <= WANT_FORMAT && format_of(w->value, strlen(w->value), XL_FORMATS)) {
		r->next = WANT_VDEV;
		return set_format(r, w);
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(w->value, ":"), w->value);
	if (r->next <= WANT_VDEV && mica_vdev_number(name, &number)) {
		r->next = WANT_ACCESS;
		return set_vdev(r, w);
	}
	if (r->next <= WANT_ACCESS && strlen(w->value) <= 2) {
		r->next = WANT_NONE;
		return set_access(r, w);
	}
	if (r->next == WANT_FORMAT)
		return spec_fail(r->e, w->at, "'%.40s' is neither a format (raw, qcow2, ...) nor a "
				 "device name (xvda)", w->value);
	if (r->next == WANT_VDEV)
		return spec_fail(r->e, w->at, "'%.40s' is no device name such as xvda", w->value);
	return spec_unknown(r->e, w, keys);
}

bool mica_disk_parse(struct mica_disk *d, const char *text, struct mica_spec_error *e)
{
	struct reader r = { .d = d, .e = e };
	struct spec_word w;
	size_t pos = 0;

	memset(d, 0, sizeof(*d));
	memset(e, 0, sizeof(*e));
	strcpy(d->format, "raw");
	while (spec_next(text, &pos, "target", &w)) {
		bool fine = w.key[0] ? set_key(&r, &w) : set_position(&r, &w);

		if (!fine)
			return false;
	}
	if (!d->target[0])
		return spec_fail(e, 0, "it names no target (a path)");
	if (strcmp(d->format, "blockdev") && d->target[0] != '/')
		return spec_fail(e, 0, "the target '%.60s' is no absolute path", d->target);
	if (d->cdrom && r.has_access && !d->read_only)
		return spec_fail(e, 0, "a cdrom can only be read");
	d->read_only |= d->cdrom;
	if (d->kernel && strcmp(d->format, "raw"))
		return spec_fail(e, 0, "the kernel's back end serves raw disks only, not %s", d->format);
	if (d->kernel && (d->iops_limit || d->bps_limit))
		return spec_fail(e, 0, "the kernel's back end knows no limits; use backend=mica");
	return true;
}
