/* SPDX-License-Identifier: BSD-2-Clause */
/* The program behind `make handshake-page`: the page goes to standard output. */
#include "sim/bus_page.h"

int main(void)
{
	bus_page(stdout);
	return 0;
}
