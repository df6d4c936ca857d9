/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_screen.h.  The only file that knows ncurses. */
#include <locale.h>
#include <ncurses.h>

#include "cli/top_screen.h"

#define LINE_MAX_BYTES	512

static SCREEN *screen;

bool top_screen_open(void)
{
	setlocale(LC_ALL, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	return true;
}

void top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

int top_screen_height(void)
{
	return LINES > TOP_HEAD_LINES ? LINES - TOP_HEAD_LINES : 0;
}

static void put(int y, const char *text, int attributes)
{
	attrset(attributes);
	mvaddnstr(y, 0, text, COLS);
	clrtoeol();
}

void top_screen_paint(struct top_model *t)
{
	int height = top_screen_height();
	char text[LINE_MAX_BYTES];

	/* The window may have become smaller, or the list shorter. */
	if (t->first + height > t->nr)
		t->first = t->nr > height ? t->nr - height : 0;
	if (t->selected >= t->first + height && height)
		t->first = t->selected - height + 1;
	for (int i = 0; i < TOP_HEAD_LINES && i < LINES; i++) {
		top_model_head(t, i, text, sizeof(text));
		put(i, text, i ? A_BOLD : A_NORMAL);
	}
	for (int i = 0; i < height; i++) {
		text[0] = 0;
		if (t->first + i < t->nr)
			top_model_line(t, t->first + i, text, sizeof(text));
		put(TOP_HEAD_LINES + i, text, t->first + i == t->selected && text[0] ? A_REVERSE :
		    A_NORMAL);
	}
	refresh();
}

int top_screen_key(int ms)
{
	int key;

	timeout(ms);
	key = getch();
	switch (key) {
	case ERR: return 0;
	case KEY_UP: return TOP_UP;
	case KEY_DOWN: return TOP_DOWN;
	case KEY_PPAGE: return TOP_PAGE_UP;
	case KEY_NPAGE: return TOP_PAGE_DOWN;
	default: return key;
	}
}
