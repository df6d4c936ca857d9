/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-blkd-nbd: a disk's process whose image is an NBD server.  A program of its own, because
 * libnbd brings libraries (TLS, XML) that have no place in the one for raw images.  mica-blkd
 * runs it; by hand it is of no use.
 */
#include <stdio.h>
#include <string.h>

#include "blkd/proto.h"

int main(int argc, char **argv)
{
	static const struct engine_ops *const engines[] = { &engine_nbd, NULL };

	if (argc == 2 && !strcmp(argv[1], "--disk-process"))
		return process_main(engines);
	fputs("mica-blkd-nbd is run by mica-blkd, see mica-blkd(8)\n", stderr);
	return 2;
}
