/* SPDX-License-Identifier: BSD-2-Clause */
/* What operators write into the store, as numbers. */
#ifndef MICA_NETD_CONFIG_H
#define MICA_NETD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "netd/switch.h"

#define CONFIG_WORD	512u	/* longest value that is looked at */

/* The keys of a device, as text; "" where there is none. */
struct config_words {
	char mac[32], vlan[16], trunk[CONFIG_WORD], isolated[8], antispoof[8], ip[CONFIG_WORD];
	char rate_bps[24], storm[24], capture[128];
};

struct config_port {
	struct switch_config sw;
	uint64_t rate_bps;		/* bytes a second from the guest; 0: no limit */
	bool capture;
	uint32_t snaplen;
	uint64_t capture_bytes;
};

/* NULL, or what is wrong: "vlan '4097' is not a number from 0 to 4094". */
const char *config_parse(struct config_port *c, const struct config_words *w, bool uplink);
/* A network's name: letters, digits, '-', at most NET_NAME of them, a letter first. */
bool config_name(const char *name);
/* "10,20-30" or "all" into a bit set of VLANs; false: it is no such list. */
bool config_vlans(uint64_t vlans[SWITCH_VLANS / 64], const char *text);
/* A decimal number from @low to @high; false: it is none. */
bool config_number(uint64_t *value, const char *text, uint64_t low, uint64_t high);

#endif
