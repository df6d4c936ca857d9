/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal side of `mica top`: paints a model, waits for keys. */
#ifndef MICA_CLI_TOP_SCREEN_H
#define MICA_CLI_TOP_SCREEN_H

#include "cli/top_model.h"

/* False: the terminal is not one that ncurses knows; nothing was changed. */
bool top_screen_open(void);
void top_screen_close(void);
void top_screen_paint(struct top_model *t);
/* Rows of domains that fit. */
int top_screen_height(void);
/* A key as top_model_key() takes it; 0: none within @ms. */
int top_screen_key(int ms);

#endif
