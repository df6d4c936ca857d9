/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-blkd-nbd: a disk's process whose image is an NBD server.  A program of its own, because
 * libnbd brings libraries (TLS, XML) that have no place in the one for raw images.  mica-blkd
 * runs it; by hand it is of no use.
 *
 *	--disk-process	descriptors as proto.h says
 *	--measure	standard input is a connected socket: print its size and whether it trims
 */
#include <libnbd.h>
#include <stdio.h>
#include <string.h>

#include "blkd/proto.h"

static int measure(void)
{
	struct nbd_handle *h = nbd_create();
	int64_t bytes;

	if (!h || nbd_set_export_name(h, "disk") || nbd_connect_socket(h, 0)) {
		fprintf(stderr, "mica-blkd-nbd: %s\n", nbd_get_error());
		return 1;
	}
	bytes = nbd_get_size(h);
	if (bytes <= 0)
		return 1;
	printf("%lld %d\n", (long long)bytes, nbd_can_trim(h) == 1);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct engine_ops *const engines[] = { &engine_nbd, NULL };

	if (argc == 2 && !strcmp(argv[1], "--disk-process"))
		return process_main(engines);
	if (argc == 2 && !strcmp(argv[1], "--measure"))
		return measure();
	fputs("mica-blkd-nbd is run by mica-blkd, see mica-blkd(8)\n", stderr);
	return 2;
}
