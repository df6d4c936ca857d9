/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MICA_SIM_BUS_PAGE_H
#define MICA_SIM_BUS_PAGE_H

#include <stdio.h>

/* docs/handshake.md, from the table in <mica/bus.def>. */
void bus_page(FILE *out);

#endif
