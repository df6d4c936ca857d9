/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress SECONDS: what makes a paravirtualized kernel write page tables, from user space.
 *
 * One process per CPU and kind of work, each in a loop until the time is over: fork trees that
 * write to shared pages, exec, mappings made, split, protected, moved and unmapped, threads that
 * fault in one address space from several CPUs, signals on an alternate stack, and descriptor
 * table changes.  Every loop checks its data, so a page that is not what it was is seen.
 * Status 0 if all loops ended well.
 */
#include <asm/ldt.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096
#define ARENA_PAGES	512
#define NR_THREADS	4

static time_t end_time;

static void expect(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "stress: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void fill(uint64_t *page, uint64_t seed)
{
	for (unsigned i = 0; i < PAGE / 8; i += 64)
		page[i] = seed + i;
}

static int holds(const uint64_t *page, uint64_t seed)
{
	for (unsigned i = 0; i < PAGE / 8; i += 64) {
		if (page[i] != seed + i)
			return 0;
	}
	return 1;
}

static void *pages(unsigned n)
{
	void *p = mmap(NULL, (size_t)n * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(p != MAP_FAILED, "mmap");
	return p;
}

static void reap(pid_t pid, const char *what)
{
	int status;

	expect(waitpid(pid, &status, 0) == pid, what);
	expect(WIFEXITED(status) && !WEXITSTATUS(status), what);
}

/* A child sees the parent's pages, writes its own copies, and has children that do the same. */
static void fork_tree(uint8_t *arena, unsigned depth, uint64_t seed)
{
	for (unsigned i = 0; i < 2; i++) {
		pid_t pid = fork();

		expect(pid >= 0, "fork");
		if (!pid) {
			for (unsigned p = 0; p < 64; p++)
				expect(holds((void *)(arena + p * PAGE), seed + p), "copy on write");
			for (unsigned p = i; p < 64; p += 2)
				fill((void *)(arena + p * PAGE), seed + p);
			if (depth)
				fork_tree(arena, depth - 1, seed);
			_exit(0);
		}
		reap(pid, "forked child");
	}
}

static void loop_fork(unsigned round)
{
	uint8_t *arena = pages(64);

	for (unsigned p = 0; p < 64; p++)
		fill((void *)(arena + p * PAGE), round + p);
	fork_tree(arena, 2, round);
	munmap(arena, 64 * PAGE);
}

static void loop_exec(unsigned round)
{
	pid_t pid = vfork();

	expect(pid >= 0, "vfork");
	if (!pid) {
		execl("/proc/self/exe", "stress", "nothing", NULL);
		_exit(1);
	}
	reap(pid, "executed child");
}

/* Make, split, protect, move and drop mappings; whole 2 MiB stretches free their tables. */
static void loop_map(unsigned round)
{
	uint8_t *a = pages(ARENA_PAGES * 9), *b;
	size_t part = ARENA_PAGES * PAGE;

	for (unsigned p = 0; p < ARENA_PAGES * 4; p += 3)
		fill((void *)(a + (size_t)p * PAGE), round + p);
	for (unsigned p = 0; p < ARENA_PAGES; p += 2)
		expect(!mprotect(a + (size_t)p * PAGE, PAGE, PROT_READ), "mprotect");
	expect(!mprotect(a, part, PROT_READ | PROT_WRITE), "mprotect back");
	b = mremap(a + part, part, part, MREMAP_MAYMOVE | MREMAP_FIXED, a + 8 * part);
	expect(b != MAP_FAILED, "mremap");
	for (unsigned p = 0; p < ARENA_PAGES; p++) {
		if ((p + ARENA_PAGES) % 3 == 0)
			expect(holds((void *)(b + (size_t)p * PAGE), round + p + ARENA_PAGES),
			       "moved page");
	}
	expect(!madvise(a, part, MADV_DONTNEED), "madvise");
	expect(a[0] == 0, "page dropped");
	munmap(b, part);
	munmap(a + 2 * part, 6 * part);
	munmap(a, part);
}

static volatile unsigned faults;
static uint8_t *guarded;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	expect((uint8_t *)info->si_addr == guarded, "fault address");
	expect(!mprotect(guarded, PAGE, PROT_READ | PROT_WRITE), "mprotect in handler");
	faults++;
}

static void on_signal(int sig)
{
	faults++;
}

static void loop_signal(unsigned round)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction plain = { .sa_handler = on_signal };
	stack_t stack = { .ss_sp = pages(16), .ss_size = 16 * PAGE };

	guarded = pages(1);
	faults = 0;
	expect(!sigaltstack(&stack, NULL), "sigaltstack");
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGUSR1, &plain, NULL);
	for (unsigned i = 0; i < 50; i++) {
		expect(!mprotect(guarded, PAGE, PROT_NONE), "guard");
		*(volatile uint8_t *)guarded = (uint8_t)i;
		expect(*guarded == (uint8_t)i, "guarded byte");
		raise(SIGUSR1);
	}
	expect(faults == 100, "number of signals");
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	munmap(stack.ss_sp, 16 * PAGE);
	munmap(guarded, PAGE);
}

static void *thread_work(void *arg)
{
	uint8_t *mine = arg;
	double sum = 0;

	for (unsigned turn = 0; turn < 4; turn++) {
		for (unsigned p = 0; p < 64; p++)
			fill((void *)(mine + p * PAGE), p + turn);
		for (unsigned p = 0; p < 64; p++) {
			expect(holds((void *)(mine + p * PAGE), p + turn), "thread page");
			sum += (double)p / 3;
		}
		expect(!madvise(mine, 64 * PAGE, MADV_DONTNEED), "madvise");
		sched_yield();
	}
	expect(sum > 2687.9 && sum < 2688.1, "floating point sum");
	return NULL;
}

static void loop_threads(unsigned round)
{
	pthread_t thread[NR_THREADS];
	uint8_t *arena = pages(64 * NR_THREADS);

	for (unsigned t = 0; t < NR_THREADS; t++)
		expect(!pthread_create(&thread[t], NULL, thread_work, arena + (size_t)t * 64 * PAGE),
		       "thread");
	for (unsigned t = 0; t < NR_THREADS; t++)
		pthread_join(thread[t], NULL);
	munmap(arena, (size_t)64 * NR_THREADS * PAGE);
}

/* A local descriptor table, where the kernel offers one. */
static void loop_ldt(unsigned round)
{
	struct user_desc entry = { .entry_number = round % 64, .base_addr = 0x1000, .limit = 0xfff,
				   .seg_32bit = 1, .useable = 1 };
	pid_t pid = fork();

	expect(pid >= 0, "fork");
	if (!pid) {
		if (syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)) && errno != ENOSYS)
			_exit(1);
		_exit(0);
	}
	reap(pid, "descriptor child");
}

static const struct work {
	const char *name;
	void (*loop)(unsigned round);
} works[] = {
	{ "fork", loop_fork }, { "exec", loop_exec }, { "map", loop_map },
	{ "signal", loop_signal }, { "threads", loop_threads }, { "ldt", loop_ldt },
};
#define NR_WORKS (sizeof(works) / sizeof(works[0]))

static pid_t start(const struct work *work)
{
	pid_t pid = fork();
	unsigned round = 0;

	expect(pid >= 0, "fork");
	if (pid)
		return pid;
	do
		work->loop(round++);
	while (time(NULL) < end_time);
	printf("stress: %s, %u rounds\n", work->name, round);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t pid[64];
	unsigned n = 0;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int failed = 0, status;

	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (argc != 2) {
		fprintf(stderr, "usage: stress SECONDS\n");
		return 2;
	}
	end_time = time(NULL) + atoi(argv[1]);
	for (unsigned w = 0; w < NR_WORKS; w++) {
		for (long c = 0; c < (cpus > 4 ? 4 : cpus); c++)
			pid[n++] = start(&works[w]);
	}
	while (n--) {
		if (waitpid(pid[n], &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
			failed = 1;
	}
	puts(failed ? "stress: failed" : "stress: ok");
	return failed;
}
