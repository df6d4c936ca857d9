/* SPDX-License-Identifier: BSD-2-Clause */
/* Things about the hypervisor that boot/ tells and guests ask for; and the console's input. */
#ifndef CALL_VERSION_H
#define CALL_VERSION_H

/* The hypervisor's command line, for XENVER_commandline; copied. */
void version_set_cmdline(const char *cmdline);
/* Characters from the console go to dom0 from now on. */
void console_init(void);

#endif
