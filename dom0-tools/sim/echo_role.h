/* SPDX-License-Identifier: BSD-2-Clause */
/* One end of the echo pair as a program of its own, against a broker (proc.h).  0 or -errno. */
#ifndef MICA_SIM_ECHO_ROLE_H
#define MICA_SIM_ECHO_ROLE_H

#include <stdint.h>

/* The device is attached, @total questions asked, the device detached. */
int echo_role_front(const char *socket_path, uint64_t total);
/* Serve until the device is gone.  @journal_path: keeps what a restart needs; null: nothing. */
int echo_role_back(const char *socket_path, const char *journal_path);

#endif
