/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug keys: the table of functions, and who gets the next character of the serial line.
 *
 * Input arrives in an interrupt, which may stand in the middle of a long call; so a key is only
 * noted there and runs from a timer, where no lock is held.  One key waits at a time; more are
 * dropped, as nobody types that fast.  The table is written at boot on one CPU and only read
 * afterwards.
 */
#include <mica/errno.h>
#include "cpu/keys.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/smp.h"
#include "cpu/time.h"
#include "cpu/timer.h"
#include "lib/bug.h"

#define CTRL_A		1
#define SWITCH_COUNT	3
#define MAX_KEYS	32

static struct debug_key {
	char key;
	const char *help;
	void (*fn)(void);
} keys[MAX_KEYS];
static unsigned nr_keys;

static bool ours;			/* characters are keys, not dom0's input */
static unsigned nr_ctrl_a;
static uint8_t pending;			/* key to run, 0 = none */
static struct timer run_timer;

void keys_register(char key, const char *help, void (*fn)(void))
{
	bug_on(nr_keys == MAX_KEYS);
	keys[nr_keys++] = (struct debug_key){ key, help, fn };
}

int keys_run(char key)
{
	for (unsigned i = 0; i < nr_keys; i++) {
		if (keys[i].key != key)
			continue;
		log_at(LOG_ERR, "key '%c': %s", key, keys[i].help);
		keys[i].fn();
		return 0;
	}
	return -EINVAL;
}

static void run_pending(void *data)
{
	char key = (char)atomic_xchg(&pending, 0);

	if (key && keys_run(key))
		log_at(LOG_ERR, "no debug key '%c'; h lists them", key);
}

/* True when @c was part of the switch sequence and has been dealt with. */
static bool switch_input(char c)
{
	nr_ctrl_a = c == CTRL_A ? nr_ctrl_a + 1 : 0;
	if (nr_ctrl_a < SWITCH_COUNT)
		return false;
	nr_ctrl_a = 0;
	ours = !ours;
	log_at(LOG_ERR, "input goes to %s (Ctrl-a three times switches)",
	       ours ? "the hypervisor's debug keys, h for help" : "dom0");
	return true;
}

void keys_input(char c)
{
	if (switch_input(c))
		return;
	if (!ours) {
		if (log_input_hook)
			log_input_hook(c);
		return;
	}
	if (c <= ' ')
		return;
	atomic_set(&pending, (uint8_t)c);
	timer_set(&run_timer, now_ns());
}

static void show_help(void)
{
	for (unsigned i = 0; i < nr_keys; i++)
		log_at(LOG_ERR, "  %c  %s", keys[i].key, keys[i].help);
}

static void reboot_now(void)
{
	machine_reboot(EXIT_REBOOT);
}

/* Another CPU is looked at from here: what it does meanwhile changes under our eyes, which is fine. */
static void show_cpus(void)
{
	unsigned id;

	for_each_cpu(id, cpus_online) {
		struct percpu *pc = percpu_of(id);

		log_at(LOG_ERR, "CPU %u: irqs=%lu switches=%lu flushes=%lu", id,
		       pc->nr_irqs, pc->nr_switches, pc->nr_flushes);
		if (pc->vcpu && pc->vcpu != pc->idle)
			panic_show_regs((struct regs *)((char *)pc + CPU_STACK_TOP - sizeof(struct regs)));
	}
	panic_backtrace((uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0));
}

void keys_init(void)
{
	timer_init(&run_timer, run_pending, NULL, cpu_id());
	keys_register('h', "this list", show_help);
	keys_register('R', "reboot the machine", reboot_now);
	keys_register('d', "each CPU's registers and counters", show_cpus);
}
