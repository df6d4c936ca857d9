/* unit: dom0-tools/consoled/ring.c dom0-tools/consoled/history.c dom0-tools/consoled/logfile.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console daemon's data: the ring against a guest that plays fair and one that does not, the
 * history against a model, the log's rotation on a real directory.
 */
#include "host.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consoled/history.h"
#include "consoled/logfile.h"
#include "consoled/ring.h"

static struct xencons_interface page;

/* What a fair guest does. */
static size_t guest_says(const char *from, size_t n)
{
	size_t i;

	for (i = 0; i < n && page.out_prod - page.out_cons < sizeof(page.out); i++) {
		page.out[MASK_XENCONS_IDX(page.out_prod, page.out)] = from[i];
		page.out_prod++;
	}
	return i;
}

static void ring_moves_every_byte_once(void **state)
{
	char said[RING_OUT_BYTES], got[RING_OUT_BYTES];
	uint64_t sent = 0, received = 0;
	bool skipped;

	dice_start();
	memset(&page, 0, sizeof(page));
	page.out_cons = page.out_prod = 0xfffffc00;	/* wraps soon */
	for (int step = 0; step < 20000; step++) {
		size_t want = dice(sizeof(said)), n;

		for (size_t i = 0; i < want; i++)
			said[i] = (char)((sent + i) * 7);
		sent += guest_says(said, want);
		n = ring_peek(&page, got, &skipped);
		assert_false(skipped);
		assert_int_equal(n, page.out_prod - page.out_cons);
		if (n && dice(2))
			n = dice(n);	/* killed: the rest is peeked again */
		for (size_t i = 0; i < n; i++)
			assert_int_equal(got[i], (char)((received + i) * 7));
		ring_take(&page, n);
		received += n;
	}
	assert_true(received > 1000000);
}

static void ring_refuses_impossible_indexes(void **state)
{
	char got[RING_OUT_BYTES];
	bool skipped;

	memset(&page, 0, sizeof(page));
	page.out_prod = RING_OUT_BYTES;
	assert_int_equal(ring_peek(&page, got, &skipped), RING_OUT_BYTES);
	page.out_prod = RING_OUT_BYTES + 1;
	assert_int_equal(ring_peek(&page, got, &skipped), 0);
	assert_true(skipped);
	page.out_prod = 0xffffffff;
	assert_int_equal(ring_peek(&page, got, &skipped), 0);
	assert_true(skipped);
	ring_resync(&page);
	assert_int_equal(page.out_cons, page.out_prod);
	assert_int_equal(ring_peek(&page, got, &skipped), 0);
	assert_false(skipped);

	page.in_prod = 5;
	page.in_cons = 6;
	assert_int_equal(ring_room(&page), 0);
	assert_int_equal(ring_put(&page, "x", 1), 0);
	assert_int_equal(page.in_prod, 5);
}

static void ring_puts_what_fits(void **state)
{
	char text[RING_IN_BYTES + 100];

	memset(&page, 0, sizeof(page));
	page.in_prod = page.in_cons = 0xffffffff - 10;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	assert_int_equal(ring_put(&page, text, sizeof(text)), RING_IN_BYTES);
	assert_int_equal(ring_room(&page), 0);
	for (size_t i = 0; i < RING_IN_BYTES; i++)
		assert_int_equal(page.in[MASK_XENCONS_IDX(page.in_cons + i, page.in)], text[i]);
	page.in_cons += 3;
	assert_int_equal(ring_put(&page, text, sizeof(text)), 3);
}

static void history_keeps_the_youngest(void **state)
{
	uint64_t at[3] = { 0 }, total = 0;
	struct history h;
	char bytes[5000];

	dice_start();
	history_init(&h, 3000);
	assert_int_equal(h.size, 2048);
	for (int step = 0; step < 20000; step++) {
		size_t n = dice(step % 100 ? 300 : sizeof(bytes));
		unsigned int who = dice(3);
		const char *from;
		size_t run;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)((total + i) % 251);
		history_add(&h, bytes, n);
		total += n;
		assert_int_equal(h.end, total);
		while ((from = history_at(&h, &at[who], &run))) {
			assert_true(at[who] >= history_start(&h) && at[who] + run <= h.end);
			for (size_t i = 0; i < run; i++)
				assert_int_equal(from[i], (char)((at[who] + i) % 251));
			at[who] += run;
		}
		assert_int_equal(at[who], total);
	}
	history_free(&h);
}

static char dir[] = "/tmp/consoled-test-XXXXXX";

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[600];
	DIR *d = opendir(dir);
	struct dirent *e;

	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	return rmdir(dir);
}

static long size_of(const char *name)
{
	char path[600];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) ? -1 : (long)st.st_size;
}

static void log_rotates(void **state)
{
	char line[100], tail[300];
	struct logfile l;

	memset(line, 'a', sizeof(line));
	assert_int_equal(logfile_open(&l, dir, "web", 250, 2), 0);
	for (int i = 0; i < 9; i++) {
		memset(line, 'a' + i, sizeof(line));
		logfile_write(&l, line, sizeof(line));
	}
	assert_int_equal(size_of("guest-web.log"), 100);
	assert_int_equal(size_of("guest-web.log.1"), 200);
	assert_int_equal(size_of("guest-web.log.2"), 200);
	assert_int_equal(size_of("guest-web.log.3"), -1);
	assert_int_equal(logfile_tail(&l, tail, sizeof(tail)), 100);
	assert_int_equal(tail[0], 'i');
	assert_int_equal(logfile_tail(&l, tail, 10), 10);
	logfile_close(&l);

	/* an older daemon's log is appended to */
	assert_int_equal(logfile_open(&l, dir, "web", 250, 2), 0);
	assert_int_equal(l.bytes, 100);
	logfile_write(&l, line, sizeof(line));
	assert_int_equal(size_of("guest-web.log"), 200);
	logfile_close(&l);
}

static void log_survives_a_full_disk(void **state)
{
	struct logfile l;
	char path[] = "/dev/full";

	assert_int_equal(logfile_open(&l, dir, "full", 0, 0), 0);
	logfile_close(&l);
	strcpy(l.path, path);
	assert_int_equal(logfile_reopen(&l), 0);
	logfile_write(&l, "12345", 5);
	logfile_write(&l, "12345", 5);
	assert_int_equal(l.lost, 10);
	logfile_close(&l);
	snprintf(l.path, sizeof(l.path), "%s/guest-full.log", dir);
	assert_int_equal(logfile_reopen(&l), 0);
	logfile_write(&l, "67", 2);
	assert_int_equal(l.lost, 0);
	assert_int_equal(size_of("guest-full.log"), 35 + 2);
	logfile_close(&l);
}

static void log_names_stay_in_their_directory(void **state)
{
	char clean[32];

	logfile_clean_name(clean, sizeof(clean), "../../etc/passwd");
	assert_string_equal(clean, ".._.._etc_passwd");
	logfile_clean_name(clean, sizeof(clean), "a b\n%s");
	assert_string_equal(clean, "a_b__s");
	logfile_clean_name(clean, 4, "abcdef");
	assert_string_equal(clean, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_moves_every_byte_once),
		cmocka_unit_test(ring_refuses_impossible_indexes),
		cmocka_unit_test(ring_puts_what_fits),
		cmocka_unit_test(history_keeps_the_youngest),
		cmocka_unit_test(log_rotates),
		cmocka_unit_test(log_survives_a_full_disk),
		cmocka_unit_test(log_names_stay_in_their_directory),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
