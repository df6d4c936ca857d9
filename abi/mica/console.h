/* SPDX-License-Identifier: MIT */
/*
 * console_io(cmd, count, buffer): the machine's console, for dom0.  `buffer` is a guest
 * pointer to `count` bytes.  Write returns 0; read returns how many bytes it stored,
 * 0 when none wait.  VIRQ_CONSOLE tells when there is something to read.
 */
#ifndef MICA_ABI_CONSOLE_H
#define MICA_ABI_CONSOLE_H

#define CONSOLEIO_write		0
#define CONSOLEIO_read		1

#endif /* MICA_ABI_CONSOLE_H */
