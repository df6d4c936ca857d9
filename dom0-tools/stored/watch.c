/* SPDX-License-Identifier: BSD-2-Clause */
/* See watch.h. */
#include "watch.h"

static struct spot *spot_find(const struct watches *w, const char *path, size_t len, uint32_t hash)
{
	struct hlink *l;

	for (l = table_chain(&w->spots, hash); l; l = l->next) {
		struct spot *s = container(l, struct spot, hash);

		if (l->hash == hash && s->path_len == len && !memcmp(s->path, path, len))
			return s;
	}
	return NULL;
}

struct watch *watch_find(const struct watches *w, const struct conn *conn, const char *path,
			 const char *token)
{
	size_t len = strlen(path);
	struct spot *s = spot_find(w, path, len, hash_path(path, len));
	struct list *l;

	if (!s)
		return NULL;
	list_each(l, &s->watches) {
		struct watch *x = container(l, struct watch, here);

		if (x->conn == conn && !strcmp(x->token, token))
			return x;
	}
	return NULL;
}

struct watch *watch_add(struct watches *w, struct conn *conn, struct list *mine, const char *path,
			const char *token, int depth, uint16_t skip)
{
	size_t len = strlen(path), token_room = strlen(token) + 1;
	uint32_t hash = hash_path(path, len);
	struct spot *s = spot_find(w, path, len, hash);
	struct watch *x = xmalloc(sizeof(*x) + token_room);

	if (!s) {
		s = xmalloc(sizeof(*s) + len + 1);
		memcpy(s->path, path, len + 1);
		s->path_len = (uint16_t)len;
		list_init(&s->watches);
		table_add(&w->spots, &s->hash, hash);
	}
	x->conn = conn;
	x->spot = s;
	x->depth = depth;
	x->skip = skip;
	x->owed = false;
	memcpy(x->token, token, token_room);
	list_append(&s->watches, &x->here);
	list_append(mine, &x->link);
	w->count++;
	return x;
}

void watch_remove(struct watches *w, struct watch *x)
{
	struct spot *s = x->spot;

	list_remove(&x->here);
	list_remove(&x->link);
	free(x);
	w->count--;
	if (list_empty(&s->watches)) {
		table_remove(&w->spots, &s->hash);
		free(s);
	}
}

void watches_free(struct watches *w)
{
	for (uint32_t i = 0; i < w->spots.slots; i++)
		while (w->spots.slot[i]) {
			struct spot *s = container(w->spots.slot[i], struct spot, hash);

			watch_remove(w, list_first(&s->watches, struct watch, here));
		}
	table_free(&w->spots);
}

static int components(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s == '/';
	return n;
}

void watch_fire(const struct watches *w, const char *path, size_t len, bool exact,
		void (*hit)(void *arg, struct watch *x, const char *path), void *arg)
{
	uint32_t hash = hash_seed;
	struct list *l;

	for (size_t at = 0, done = 0; at <= len; at++) {
		struct spot *s = NULL;

		if (at != len && path[at] != '/')
			continue;
		hash = hash_more(hash, path + done, at - done);
		done = at;
		if (!exact || at == len)
			s = spot_find(w, path, at, hash);
		if (!s)
			continue;
		list_each(l, &s->watches) {
			struct watch *x = container(l, struct watch, here);

			if (x->depth == WATCH_ANY_DEPTH || components(path + at) <= x->depth)
				hit(arg, x, path);
		}
	}
}
