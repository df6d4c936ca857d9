/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random reads of 4 KiB with so many under way, past the guest's page cache, each checked:
 *
 *	blkread fill DEVICE MIB			write block numbers
 *	blkread DEVICE MIB DEPTH WARM COUNT	WARM reads that are not counted, then COUNT
 *
 * The counted ones stand between two markers, instructions that do nothing but are told from all
 * others by tests/bench/count.c.  Says `blkread: COUNT requests NS ns IRQS interrupts`.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK	4096u
#define DEPTH	128u

/* nopl MARK(%rax,%rax) */
#define MARKER(mark) __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long " #mark ::: "memory")

static uint64_t blocks, seed = 0x2545f4914f6cdd1dull;
static int disk;

static void failed(const char *what)
{
	printf("blkread: bad: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void *pages(unsigned n)
{
	void *at;

	if (posix_memalign(&at, BLOCK, (size_t)n * BLOCK))
		failed("memory");
	memset(at, 0, (size_t)n * BLOCK);
	return at;
}

static int fill(void)
{
	char *buffer = pages(16);

	for (uint64_t block = 0; block < blocks; block += 16) {
		for (unsigned i = 0; i < 16; i++)
			*(uint64_t *)(buffer + i * BLOCK) = block + i;
		if (pwrite(disk, buffer, 16 * BLOCK, (off_t)(block * BLOCK)) != 16 * BLOCK)
			failed("write");
	}
	puts("blkread: filled");
	return 0;
}

/* Of all the disks of this guest, so far. */
static uint64_t interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[512];
	uint64_t n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "blkif"))
			n += strtoull(strchr(line, ':') + 1, NULL, 10);
	if (f)
		fclose(f);
	return n;
}

static void ask(struct iocb *cb)
{
	cb->aio_offset = (int64_t)(next() % blocks * BLOCK);
}

static void check(const struct io_event *e)
{
	const struct iocb *cb = (const struct iocb *)(uintptr_t)e->obj;

	if (e->res != BLOCK) {
		errno = e->res < 0 ? (int)-e->res : EIO;
		failed("read");
	}
	if (*(const uint64_t *)(uintptr_t)cb->aio_buf != (uint64_t)cb->aio_offset / BLOCK) {
		errno = EILSEQ;
		failed("data");
	}
}

static void submit(aio_context_t ctx, struct iocb **list, long n)
{
	if (syscall(SYS_io_submit, ctx, n, list) != n)
		failed("io_submit");
}

/* @count reads, @depth of them under way until the last have begun. */
static void load(aio_context_t ctx, struct iocb *cb, unsigned depth, uint64_t count)
{
	struct iocb *list[DEPTH];
	struct io_event events[DEPTH];
	uint64_t begun = 0, done = 0;

	for (; begun < depth && begun < count; begun++) {
		ask(&cb[begun]);
		list[begun] = &cb[begun];
	}
	submit(ctx, list, (long)begun);
	while (done < count) {
		long got = syscall(SYS_io_getevents, ctx, 1, (long)depth, events, NULL), again = 0;

		if (got < 1)
			failed("io_getevents");
		for (long i = 0; i < got; i++) {
			check(&events[i]);
			if (begun == count)
				continue;
			begun++;
			list[again] = (struct iocb *)(uintptr_t)events[i].obj;
			ask(list[again++]);
		}
		if (again)
			submit(ctx, list, again);
		done += (uint64_t)got;
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int run(unsigned depth, uint64_t warm, uint64_t count)
{
	static struct iocb cb[DEPTH];
	aio_context_t ctx = 0;
	char *buffer = pages(depth);
	uint64_t start, irqs;

	for (unsigned i = 0; i < depth; i++) {
		cb[i].aio_lio_opcode = IOCB_CMD_PREAD;
		cb[i].aio_fildes = (uint32_t)disk;
		cb[i].aio_buf = (uintptr_t)(buffer + i * BLOCK);
		cb[i].aio_nbytes = BLOCK;
	}
	if (syscall(SYS_io_setup, depth, &ctx))
		failed("io_setup");
	load(ctx, cb, depth, warm);
	irqs = interrupts();
	start = now_ns();
	MARKER(0x4143494d);
	load(ctx, cb, depth, count);
	MARKER(0x4143494e);
	start = now_ns() - start;
	printf("blkread: %llu requests %llu ns %llu interrupts\n", (unsigned long long)count,
	       (unsigned long long)start, (unsigned long long)(interrupts() - irqs));
	return 0;
}

int main(int argc, char **argv)
{
	int filling = argc == 4 && !strcmp(argv[1], "fill");
	unsigned depth;

	if (!filling && argc != 6) {
		fputs("usage: blkread [fill] DEVICE MIB [DEPTH WARM COUNT]\n", stderr);
		return 2;
	}
	argv += filling;
	blocks = strtoull(argv[2], NULL, 10) * 256;
	disk = open(argv[1], O_RDWR | O_DIRECT);
	if (disk < 0)
		failed(argv[1]);
	if (filling)
		return fill();
	depth = (unsigned)atoi(argv[3]);
	if (!depth || depth > DEPTH)
		depth = DEPTH;
	return run(depth, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
}
