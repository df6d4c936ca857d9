/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of the switch as `mica net` sees them: in the store while dom0 is up (cmd_net.c), and
 * in a file each that outlives it (net_file.c).
 */
#ifndef MICA_CLI_NET_H
#define MICA_CLI_NET_H

#include <stdbool.h>

#include "lib/store.h"

#define NET_SETTINGS_MAX	8

/* cmd_net.c.  @what is what the operator asked for, for messages. */
bool net_exists(struct mica_store *s, const char *net);
/* Check KEY=VALUE; 0 or the exit status after reporting. */
int net_check_word(const char *what, const char *word);
/* Make it in the store from checked words; 0 or -errno. */
int net_write(struct mica_store *s, const char *net, int argc, char **argv);

/* net_file.c */
bool net_file_exists(const char *net);
/* Keep checked words, or forget them; 0 or the exit status after reporting. */
int net_file_write(const char *net, int argc, char **argv);
int net_file_remove(const char *what, const char *net);

#endif
