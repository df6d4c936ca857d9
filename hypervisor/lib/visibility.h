/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included first in every C file of the hypervisor by the build (-include).
 *
 * The image is linked once, as a whole, at an address outside the top 2 GiB.  Code is
 * therefore compiled position independent, and everything it names is in the same image:
 * hidden visibility says so, and the compiler reaches it relative to RIP, without a table
 * of addresses in between.
 */
#ifndef MICA_LIB_VISIBILITY_H
#define MICA_LIB_VISIBILITY_H

#pragma GCC visibility push(hidden)

#endif
