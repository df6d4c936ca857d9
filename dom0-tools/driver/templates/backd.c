/* SPDX-License-Identifier: BSD-2-Clause */
/* @name@-backd: the back end of @name@ as a program of the control domain. */
#include <stdio.h>
#include <string.h>

#include "io/io_xen.h"
#include "@name@_back.h"

int main(int argc, char **argv)
{
	struct mica_io *io;
	struct back *back = NULL;
	const char *what;
	int rc = io_xen_open(&io, IO_XEN_STORE | IO_XEN_GRANTS | IO_XEN_EVENTS, &what);

	if (rc) {
		fprintf(stderr, "error: %s: %s\n", what, strerror(-rc));
		return 1;
	}
	rc = back_open(&back, io, &@name@_back_kind, &back);
	if (rc) {
		fprintf(stderr, "error: cannot watch for devices: %s\n", strerror(-rc));
		return 1;
	}
	printf("@name@-backd: serving\n");
	fflush(stdout);
	for (;;)
		io_xen_wait(io, -1);
}
