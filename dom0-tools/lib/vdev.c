/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of virtual disks.  The number is what the guest's ABI carries: up to 16 disks of 16
 * partitions as block device 202 of Linux, beyond that bit 28 with 8 bits of partition; the IDE
 * and SCSI names as Linux numbered those.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/spec.h"

#define MAJOR_XVD	202u
#define MAJOR_SD	8u
#define MAJOR_HD_1	3u
#define MAJOR_HD_2	22u
#define EXTENDED	(1u << 28)
#define MAX_DISK	((1u << 20) - 1)

static uint32_t plain_number(uint32_t disk, uint32_t part)
{
	return disk < 16 && part < 16 ? MAJOR_XVD << 8 | disk << 4 | part :
		EXTENDED | disk << 8 | part;
}

/* Letters: a..z, aa.. ; *end behind them.  False: none, or too many. */
static bool letters(const char *text, uint32_t *disk, const char **end)
{
	uint64_t n = 0;
	const char *p = text;

	for (; *p >= 'a' && *p <= 'z'; p++) {
		n = n * 26 + (uint64_t)(*p - 'a') + 1;
		if (n > MAX_DISK)
			return false;
	}
	*disk = (uint32_t)n - 1;
	*end = p;
	return p > text;
}

/* Digits to the end; none is 0. */
static bool partition(const char *text, uint32_t *part)
{
	*part = 0;
	if (!*text)
		return true;
	if (*text == '0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 3)
		return false;
	*part = (uint32_t)atoi(text);
	return *part < 256;
}

static bool disk_and_part(const char *name, uint32_t *number)
{
	unsigned long disk, part;
	char *end;

	if (!isdigit((unsigned char)name[1]))
		return false;
	disk = strtoul(name + 1, &end, 10);
	if (*end != 'p' || !isdigit((unsigned char)end[1]))
		return false;
	part = strtoul(end + 1, &end, 10);
	if (*end || disk > MAX_DISK || part > 255)
		return false;
	*number = plain_number((uint32_t)disk, (uint32_t)part);
	return true;
}

static bool by_number(const char *name, uint32_t *number)
{
	unsigned long n;
	char *end;

	n = strtoul(name, &end, 0);
	*number = (uint32_t)n;
	return !*end && n && n < 1ul << 29;
}

bool mica_vdev_number(const char *name, uint32_t *number)
{
	uint32_t disk, part;
	const char *rest;

	if (isdigit((unsigned char)name[0]))
		return by_number(name, number);
	if (name[0] == 'd')
		return disk_and_part(name, number);
	if (!strncmp(name, "xvd", 3)) {
		if (!letters(name + 3, &disk, &rest) || !partition(rest, &part))
			return false;
		*number = plain_number(disk, part);
		return true;
	}
	if ((strncmp(name, "sd", 2) && strncmp(name, "hd", 2)) ||
	    !letters(name + 2, &disk, &rest) || !partition(rest, &part))
		return false;
	if (name[0] == 's') {
		*number = MAJOR_SD << 8 | disk << 4 | part;
		return disk < 16 && part < 16;
	}
	*number = (disk < 2 ? MAJOR_HD_1 : MAJOR_HD_2) << 8 | (disk & 1) << 6 | part;
	return disk < 4 && part < 64;
}

static void put_name(char name[MICA_VDEV_BYTES], const char *kind, uint32_t disk, uint32_t part)
{
	char letters_[8];
	int at = sizeof(letters_) - 1;
	uint32_t n = disk + 1;

	letters_[at] = 0;
	for (; n; n = (n - 1) / 26)
		letters_[--at] = (char)('a' + (n - 1) % 26);
	if (part)
		snprintf(name, MICA_VDEV_BYTES, "%s%s%u", kind, letters_ + at, part);
	else
		snprintf(name, MICA_VDEV_BYTES, "%s%s", kind, letters_ + at);
}

void mica_vdev_name(uint32_t number, char name[MICA_VDEV_BYTES])
{
	uint32_t major = number >> 8;

	if (number & EXTENDED)
		put_name(name, "xvd", number >> 8 & MAX_DISK, number & 255);
	else if (major == MAJOR_XVD)
		put_name(name, "xvd", number >> 4 & 15, number & 15);
	else if (major == MAJOR_SD)
		put_name(name, "sd", number >> 4 & 15, number & 15);
	else if (major == MAJOR_HD_1 || major == MAJOR_HD_2)
		put_name(name, "hd", (major == MAJOR_HD_2 ? 2 : 0) + (number >> 6 & 1), number & 63);
	else
		snprintf(name, MICA_VDEV_BYTES, "%u", number);
}
