// SPDX-License-Identifier: GPL-2.0
/*
 * The store, through the kernel's client.  A watch fires in that client's thread; the change is
 * put on a list and told to the driver by the worker.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "mica_io_priv.h"

struct watch {
	struct list_head list;
	struct xenbus_watch w;
	struct mica_io_linux *l;
	char *token;
	char path[];
};

struct change {
	struct list_head list;
	char *token;
	char path[];
};

int linux_read(struct mica_io *io, const char *path, char *value, size_t room)
{
	unsigned int bytes;
	char *text = xenbus_read(linux_of(io)->xbt, path, "", &bytes);
	int rc = 0;

	if (IS_ERR(text))
		return PTR_ERR(text);
	if (bytes >= room) {
		rc = -ERANGE;
	} else {
		memcpy(value, text, bytes);
		value[bytes] = 0;
	}
	kfree(text);
	return rc;
}

int linux_write(struct mica_io *io, const char *path, const char *value)
{
	return xenbus_write(linux_of(io)->xbt, path, "", value);
}

int linux_remove(struct mica_io *io, const char *path)
{
	return xenbus_rm(linux_of(io)->xbt, path, "");
}

int linux_list(struct mica_io *io, const char *path, char *names, size_t room)
{
	unsigned int n;
	char **list = xenbus_directory(linux_of(io)->xbt, path, "", &n);
	size_t at = 0;
	int rc;

	if (IS_ERR(list))
		return PTR_ERR(list);
	rc = n;
	for (unsigned int i = 0; i < n; i++) {
		size_t bytes = strlen(list[i]) + 1;

		if (bytes > room - at) {
			rc = -ERANGE;
			break;
		}
		memcpy(names + at, list[i], bytes);
		at += bytes;
	}
	kfree(list);
	return rc;
}

static void change_work(struct work_struct *work)
{
	struct mica_io_linux *l = container_of(work, struct mica_io_linux, change_work);
	struct change *c;

	for (;;) {
		spin_lock(&l->lock);
		c = list_first_entry_or_null(&l->changes, struct change, list);
		if (c)
			list_del(&c->list);
		spin_unlock(&l->lock);
		if (!c)
			return;
		if (l->io.driver.changed)
			l->io.driver.changed(l->io.driver.ctx, c->path, c->token);
		kfree(c);
	}
}

static void fired(struct xenbus_watch *w, const char *path, const char *token)
{
	struct watch *mine = container_of(w, struct watch, w);
	struct mica_io_linux *l = mine->l;
	size_t path_bytes = strlen(path) + 1, token_bytes = strlen(mine->token) + 1;
	struct change *c = kmalloc(sizeof(*c) + path_bytes + token_bytes, GFP_KERNEL);

	if (!c)
		return;		/* the next change of this node says it all again */
	memcpy(c->path, path, path_bytes);
	c->token = c->path + path_bytes;
	memcpy(c->token, mine->token, token_bytes);
	spin_lock(&l->lock);
	list_add_tail(&c->list, &l->changes);
	spin_unlock(&l->lock);
	queue_work(l->worker, &l->change_work);
}

int linux_watch(struct mica_io *io, const char *path, const char *token)
{
	size_t path_bytes = strlen(path) + 1, token_bytes = strlen(token) + 1;
	struct watch *mine = kzalloc(sizeof(*mine) + path_bytes + token_bytes, GFP_KERNEL);
	int rc;

	if (!mine)
		return -ENOMEM;
	memcpy(mine->path, path, path_bytes);
	mine->token = mine->path + path_bytes;
	memcpy(mine->token, token, token_bytes);
	mine->l = linux_of(io);
	mine->w.node = mine->path;
	mine->w.callback = fired;
	rc = register_xenbus_watch(&mine->w);
	if (rc)
		kfree(mine);
	else
		list_add(&mine->list, &linux_of(io)->watches);
	return rc;
}

static void watch_drop(struct watch *mine)
{
	list_del(&mine->list);
	unregister_xenbus_watch(&mine->w);
	kfree(mine);
}

int linux_unwatch(struct mica_io *io, const char *path, const char *token)
{
	struct watch *mine, *next;

	list_for_each_entry_safe(mine, next, &linux_of(io)->watches, list) {
		if (!strcmp(mine->path, path) && !strcmp(mine->token, token)) {
			watch_drop(mine);
			return 0;
		}
	}
	return -ENOENT;
}

int linux_begin(struct mica_io *io)
{
	return xenbus_transaction_start(&linux_of(io)->xbt);
}

int linux_end(struct mica_io *io, bool commit)
{
	struct xenbus_transaction xbt = linux_of(io)->xbt;

	linux_of(io)->xbt = XBT_NIL;
	return xenbus_transaction_end(xbt, !commit);
}

void linux_store_open(struct mica_io_linux *l)
{
	spin_lock_init(&l->lock);
	INIT_LIST_HEAD(&l->changes);
	INIT_WORK(&l->change_work, change_work);
}

static int drop_watches(void *ctx)
{
	struct mica_io_linux *l = ctx;
	struct watch *mine, *next;

	list_for_each_entry_safe(mine, next, &l->watches, list)
		watch_drop(mine);
	return 0;
}

void linux_store_close(struct mica_io_linux *l)
{
	struct change *c, *next;

	mica_io_linux_call(&l->io, drop_watches, l);
	cancel_work_sync(&l->change_work);
	list_for_each_entry_safe(c, next, &l->changes, list)
		kfree(c);
}
