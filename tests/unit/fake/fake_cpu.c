/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs, locks with rank check, preemption, softirqs, calls to other CPUs, log, bug: see fake.h. */
#include "unit.h"
#include "cpu/asm.h"
#include "cpu/lock.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "lib/bug.h"

#include <sched.h>

#define weak __attribute__((weak))

struct fake_machine fake_machine;
struct percpu fake_percpus[MAX_CPUS];
struct regs fake_guest_regs[MAX_CPUS];
__thread struct percpu *fake_this_cpu = &fake_percpus[0];
weak cpumask_t cpus_online = 1;
weak unsigned nr_cpus = 1;
unsigned fake_preempt_one_in;
unsigned fake_log_lines, fake_refusals;
weak bool log_refusals = true;
weak bool opt_noreboot, opt_qemu_exit, opt_pcid = true;
static __thread uint64_t random_state = 0x9e3779b97f4a7c15;
static __thread uint32_t ranks_held[NR_RANKS];

void fake_cpus(unsigned n)
{
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		fake_percpus[i].id = i;
		fake_percpus[i].apic_id = i;
	}
	nr_cpus = n;
	cpus_online = n == 64 ? ~0ul : MASK(n);
	fake_run_on(0);
}

void fake_run_on(unsigned cpu)
{
	fake_this_cpu = &fake_percpus[cpu];
	fake_percpus[cpu].id = cpu;
}

/* --- randomness: splitmix64 --- */
uint64_t unit_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void unit_reseed(uint64_t seed)
{
	random_state = seed;
}

uint64_t unit_seed(const char *what)
{
	const char *given = getenv("UNIT_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 20240607;

	printf("# %s: seed %lu\n", what, seed);
	unit_reseed(seed);
	return seed;
}

uint64_t unit_steps(uint64_t n)
{
	const char *given = getenv("UNIT_STEPS");

	return given ? strtoull(given, NULL, 0) : n;
}

/* --- locks: one word, yielding; ranks must rise, equal ranks only through lock_pair --- */
weak void lock_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT(rank);
}

static void take_unranked(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->ticket, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	l->owner = this_cpu()->id + 1;
	ranks_held[l->rank]++;
}

weak void lock_take(struct spinlock *l)
{
	for (unsigned r = l->rank; r < NR_RANKS; r++) {
		if (!ranks_held[r])
			continue;
		fprintf(stderr, "lock of rank %u taken while rank %u is held\n", l->rank, r);
		abort();
	}
	take_unranked(l);
}

weak bool lock_try(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->ticket, 1, __ATOMIC_ACQUIRE))
		return false;
	l->owner = this_cpu()->id + 1;
	ranks_held[l->rank]++;
	return true;
}

weak void lock_drop(struct spinlock *l)
{
	if (!l->ticket || !ranks_held[l->rank])
		bug("dropped a lock that is not held", __FILE__, __LINE__);
	ranks_held[l->rank]--;
	l->owner = 0;
	__atomic_store_n(&l->ticket, 0, __ATOMIC_RELEASE);
}

bool fake_lock_held(const struct spinlock *l)
{
	return __atomic_load_n(&l->ticket, __ATOMIC_RELAXED);
}

weak void lock_pair(struct spinlock *a, struct spinlock *b)
{
	struct spinlock *low = a < b ? a : b, *high = a < b ? b : a;

	lock_take(low);
	if (low != high)
		take_unranked(high);
}

weak void lock_pair_drop(struct spinlock *a, struct spinlock *b)
{
	lock_drop(a);
	if (a != b)
		lock_drop(b);
}

void fake_lock_check_none(void)
{
	for (unsigned r = 0; r < NR_RANKS; r++)
		assert_int_equal(ranks_held[r], 0);
}

/* --- softirqs and preemption --- */
static void (*softirq_fn[NR_SOFTIRQS])(void);

weak void softirq_register(enum softirq nr, void (*fn)(void))
{
	softirq_fn[nr] = fn;
}

weak void softirq_raise_on(unsigned cpu, enum softirq nr)
{
	atomic_or(&fake_percpus[cpu].softirq_pending, 1u << nr);
}

weak void softirq_raise(enum softirq nr)
{
	softirq_raise_on(this_cpu()->id, nr);
}

weak void softirq_run(void)
{
	for (unsigned nr = 0; nr < NR_SOFTIRQS; nr++)
		if (atomic_and(&this_cpu()->softirq_pending, ~(1u << nr)) & (1u << nr))
			if (softirq_fn[nr])
				softirq_fn[nr]();
}

weak bool preempt_due(void)
{
	return fake_preempt_one_in && unit_one_in(fake_preempt_one_in);
}

/* --- other CPUs: a call runs here, as if there --- */
weak void (*smp_ap_main)(void);
weak int smp_start_cpu(unsigned cpu) { return 0; }
weak void smp_poll(void) { }
weak void smp_stop_others(void) { }
weak void smp_kick(cpumask_t mask, enum ipi_bit bit)
{
	unsigned cpu;

	for_each_cpu(cpu, mask)
		atomic_or(&fake_percpus[cpu].ipi_work, 1u << bit);
}

weak void smp_call(cpumask_t mask, void (*fn)(void *arg), void *arg)
{
	unsigned me = this_cpu()->id, cpu;

	for_each_cpu(cpu, mask) {
		fake_run_on(cpu);
		fn(arg);
	}
	fake_run_on(me);
}

/* --- log, bug, end of the machine --- */
static void log_line(const char *prefix, const char *fmt, va_list ap)
{
	atomic_add(&fake_log_lines, 1);
	if (!getenv("UNIT_VERBOSE"))
		return;
	printf("# %s", prefix);
	vprintf(fmt, ap);
	putchar('\n');
}

weak void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("log: ", fmt, ap);
	va_end(ap);
}

weak void log_guest(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("guest: ", fmt, ap);
	va_end(ap);
}

weak void log_refuse(int rc, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	atomic_add(&fake_refusals, 1);
	va_start(ap, fmt);
	log_line("refused: ", fmt, ap);
	va_end(ap);
}

weak void log_raw(const char *text, size_t n) { }
weak void (*log_input_hook)(char c);

weak void bug(const char *what, const char *file, int line)
{
	fprintf(stderr, "bug: %s at %s:%d\n", what, file, line);
	mock_assert(0, what, file, line);
	abort();
}

static void noreturn end_of_machine(const char *how, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", how);
	if (fmt)
		vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	abort();
}

weak void boot_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_of_machine("cannot boot", fmt, ap);
}

weak void machine_reboot(enum exit_code code) { abort(); }
weak void machine_halt(enum exit_code code) { abort(); }
weak void machine_power_off(uint32_t a, uint32_t b) { abort(); }
weak void panic_show_regs(const struct regs *r) { }
