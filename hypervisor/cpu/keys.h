/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug keys.  What is typed on the serial line goes to dom0; Ctrl-a three times switches to the
 * hypervisor and back.  There, each key runs the function registered for it.
 */
#ifndef CPU_KEYS_H
#define CPU_KEYS_H

#include "lib/util.h"

/* Each floor registers its own at boot; @help is a few words.  Runs from a timer, no lock held. */
void keys_register(char key, const char *help, void (*fn)(void));
/* The UART's interrupt handler brings each received character here. */
void keys_input(char c);
/* Runs @key at once, on this CPU: for sysctl's debug_keys.  -EINVAL when nobody registered it. */
int keys_run(char key);
/* After timer_init_cpu(). */
void keys_init(void);

#endif
