/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load on a disk, with every byte checked: blkload DEVICE MIB SECONDS [THREADS]
 * Enter ends it before its time.
 *
 * Each thread has blocks of 4 KiB of its own and writes them in random order with a pattern made
 * of block number and generation; it remembers what it was told is written.  Reads in between and
 * of all blocks at the end must find just that.  A generation that is older than what was
 * acknowledged is a lost write, one of another block a misplaced one.
 *
 * Ends in one line: `BLKLOAD: ok ...` or `BLKLOAD: bad ...`.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK		4096u
#define WORDS		(BLOCK / 8)
#define RUN		8u		/* most blocks of one write */
#define MAX_THREADS	32

struct worker {
	pthread_t thread;
	unsigned nr;
	uint64_t first, blocks;		/* its own */
	uint32_t *generation;		/* acknowledged */
	uint64_t random, writes, reads;
	uint64_t *buffer;
};

static int disk;
static time_t until;
static struct worker workers[MAX_THREADS];
static int ending;

static void *listen_for_enter(void *arg)
{
	char c;

	while (read(0, &c, 1) == 1)
		if (c == '\n' || c == '\r')
			__atomic_store_n(&ending, 1, __ATOMIC_RELAXED);
	return arg;
}

static void bad(const char *what, uint64_t block, uint64_t found, uint64_t wanted)
{
	printf("BLKLOAD: bad: %s, block %llu: found %llx, wanted %llx\n", what,
	       (unsigned long long)block, (unsigned long long)found, (unsigned long long)wanted);
	exit(1);
}

static void failed(const char *what, uint64_t block)
{
	printf("BLKLOAD: bad: %s of block %llu: %s\n", what, (unsigned long long)block,
	       strerror(errno));
	exit(1);
}

static uint64_t next(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static uint64_t word(uint64_t block, uint32_t generation, unsigned i)
{
	return (block << 32 | generation) ^ (uint64_t)i * 0x9e3779b97f4a7c15ull;
}

static void check(const struct worker *w, uint64_t block, const uint64_t *data)
{
	uint32_t generation = w->generation[block - w->first];

	for (unsigned i = 0; i < WORDS; i++)
		if (data[i] != word(block, generation, i))
			bad(data[i] >> 32 == block ? "another generation" : "other data", block,
			    data[i] ^ word(0, 0, i), word(block, generation, 0));
}

static unsigned pick(struct worker *w, uint64_t *block)
{
	unsigned n = 1 + (unsigned)(next(w) % RUN);

	*block = w->first + next(w) % (w->blocks - n + 1);
	return n;
}

static void write_some(struct worker *w)
{
	uint64_t block;
	unsigned n = pick(w, &block);

	for (unsigned b = 0; b < n; b++) {
		uint32_t generation = w->generation[block + b - w->first] + 1;

		for (unsigned i = 0; i < WORDS; i++)
			w->buffer[b * WORDS + i] = word(block + b, generation, i);
	}
	if (pwrite(disk, w->buffer, n * BLOCK, (off_t)(block * BLOCK)) != (ssize_t)(n * BLOCK))
		failed("write", block);
	for (unsigned b = 0; b < n; b++)
		w->generation[block + b - w->first]++;
	w->writes++;
	if (next(w) % 64 == 0 && fdatasync(disk))
		failed("flush", block);
}

static void read_some(struct worker *w, uint64_t block, unsigned n)
{
	if (pread(disk, w->buffer, n * BLOCK, (off_t)(block * BLOCK)) != (ssize_t)(n * BLOCK))
		failed("read", block);
	for (unsigned b = 0; b < n; b++)
		if (w->generation[block + b - w->first])
			check(w, block + b, w->buffer + b * WORDS);
	w->reads++;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t block;
	unsigned n;

	if (posix_memalign((void **)&w->buffer, BLOCK, RUN * BLOCK))
		exit(1);
	while (time(NULL) < until && !__atomic_load_n(&ending, __ATOMIC_RELAXED)) {
		if (next(w) % 3) {
			write_some(w);
		} else {
			n = pick(w, &block);
			read_some(w, block, n);
		}
	}
	for (block = w->first; block < w->first + w->blocks; block++)
		read_some(w, block, 1);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t blocks, writes = 0, reads = 0;
	pthread_t enter;
	unsigned threads;

	if (argc < 4) {
		fputs("usage: blkload DEVICE MIB SECONDS [THREADS]\n", stderr);
		return 2;
	}
	blocks = strtoull(argv[2], NULL, 10) * 256;
	threads = argc > 4 ? (unsigned)atoi(argv[4]) : 8;
	until = time(NULL) + atoi(argv[3]);
	disk = open(argv[1], O_RDWR | O_DIRECT);
	if (disk < 0 || !threads || threads > MAX_THREADS || blocks < threads * RUN) {
		printf("BLKLOAD: bad: %s cannot be used: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (unsigned i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		w->nr = i;
		w->blocks = blocks / threads;
		w->first = i * w->blocks;
		w->generation = calloc(w->blocks, sizeof(*w->generation));
		w->random = 0x2545f4914f6cdd1dull * (i + 1);
		if (!w->generation || pthread_create(&w->thread, NULL, work, w))
			return 1;
	}
	if (pthread_create(&enter, NULL, listen_for_enter, NULL))
		return 1;
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		writes += workers[i].writes;
		reads += workers[i].reads;
	}
	printf("BLKLOAD: ok, %llu writes and %llu reads, all data as acknowledged\n",
	       (unsigned long long)writes, (unsigned long long)reads);
	return 0;
}
