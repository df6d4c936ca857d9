/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may hold pages of a domain that cannot die: processes of this domain that have guests' pages
 * mapped through gntdev or privcmd.  The kernel does not say whose pages those are, so a name here
 * is a suspect; in practice it is the daemon or the tool that hangs.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "lib/domain.h"

/* True: some line of its maps names such a device. */
static bool maps_guests(const char *proc, const char *pid)
{
	char path[300], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%.20s/maps", proc, pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "/xen/gntdev") || strstr(line, "/xen/privcmd");
	if (f)
		fclose(f);
	return found;
}

static void name_of(const char *proc, const char *pid, char name[32])
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%.20s/comm", proc, pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, 32, f))
		strcpy(name, "?");
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = 0;
}

int mica_holders(const char *proc, char *text, size_t room)
{
	DIR *d = opendir(proc ? proc : "/proc");
	struct dirent *de;
	size_t at = 0;
	int n = 0;

	text[0] = 0;
	while (d && (de = readdir(d))) {
		char name[32];
		int len;

		if (!isdigit((unsigned char)de->d_name[0]) ||
		    !maps_guests(proc ? proc : "/proc", de->d_name))
			continue;
		name_of(proc ? proc : "/proc", de->d_name, name);
		len = snprintf(text + at, room - at, "%s%s pid %.20s", n ? ", " : "", name,
			       de->d_name);
		n++;
		if (len < 0 || (size_t)len >= room - at)
			break;
		at += (size_t)len;
	}
	if (d)
		closedir(d);
	return n;
}
