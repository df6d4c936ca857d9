/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time from the TSC.  Its speed is measured once, against the first of these that is there and runs:
 * the ACPI PM timer, the HPET, channel 2 of the PIT.  All three are counters with a known rate, read
 * twice 8 ms apart; each reading is the best of a few, bracketed by the TSC, so that a pause of our
 * own (SMI, a busy host) is not counted.
 *
 * Other CPUs' TSCs are compared with the boot CPU's as they start: a message back and forth bounds the
 * difference.  Should one differ by more than can be explained, its percpu.tsc_offset makes up for it
 * and tsc_stable is false.
 */
#include "cpu/acpi_info.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/log.h"
#include "cpu/map_device.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"
#include "cpu/smp.h"
#include "cpu/time.h"
#include "lib/string.h"

struct tsc_scale tsc_scale;
uint64_t tsc_base;
uint32_t tsc_khz;
bool tsc_stable;
static bool tsc_skewed;			/* some CPU has a tsc_offset */
uint64_t time_boot_wallclock;

/* --- reference counters ---------------------------------------------------------------------- */

static volatile uint32_t *hpet;

static boot_text uint32_t pm_read(void)
{
	return inl(acpi.pm_timer);
}

static boot_text uint32_t hpet_read(void)
{
	return hpet[0xf0 / 4];
}

/* Channel 2 counts down; a latch command freezes its value for two reads. */
static boot_text uint32_t pit_read(void)
{
	uint32_t v;

	outb(0x43, 0x80);
	v = inb(0x42);
	v |= (uint32_t)inb(0x42) << 8;
	return ~v;
}

static boot_text uint64_t pm_start(void)
{
	return acpi.pm_timer ? 3579545 : 0;
}

static boot_text uint64_t hpet_start(void)
{
	uint32_t period_fs;

	if (!acpi.hpet_phys || !(hpet = map_device(acpi.hpet_phys, 0x400)))
		return 0;
	period_fs = hpet[1];
	if (period_fs < 100000 || period_fs > 100000000)	/* the upper limit is the specification's */
		return 0;
	hpet[0x10 / 4] |= 1;
	return 1000000000000000ul / period_fs;
}

static boot_text uint64_t pit_start(void)
{
	outb(0x61, (inb(0x61) & ~2u) | 1);	/* gate open, speaker off */
	outb(0x43, 0xb0);			/* channel 2, both bytes, mode 0 */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	return 1193182;
}

static const struct reference {
	const char *name;
	uint64_t (*start)(void);	/* its rate in Hz; 0: not there */
	uint32_t (*read)(void);
	uint32_t mask;
} references[] = {
	{ "ACPI PM timer", pm_start, pm_read, 0xffffff },
	{ "HPET", hpet_start, hpet_read, 0xffffffff },
	{ "PIT", pit_start, pit_read, 0xffff },
};

boot_text void time_read_pair(uint32_t (*read)(void), uint32_t *count, uint64_t *tsc)
{
	uint64_t best = ~0ul;

	for (int i = 0; i < 5; i++) {
		uint64_t before = rdtsc();
		uint32_t c = read();
		uint64_t after = rdtsc();

		if (after - before < best) {
			best = after - before;
			*count = c;
			*tsc = before + best / 2;
		}
	}
}

/* TSC ticks per second by this reference; 0 when it is missing or stands still. */
static boot_text uint64_t measure(const struct reference *ref)
{
	uint64_t hz = ref->start(), tsc0, tsc1;
	uint32_t count0, count1, last, now;
	unsigned still = 0;

	if (!hz)
		return 0;
	time_read_pair(ref->read, &count0, &tsc0);
	last = count0;
	do {
		now = ref->read();
		still = now == last ? still + 1 : 0;
		last = now;
		if (still > 100000)
			return 0;
	} while (((now - count0) & ref->mask) < hz / 125);
	time_read_pair(ref->read, &count1, &tsc1);
	return (tsc1 - tsc0) * hz / ((count1 - count0) & ref->mask);
}

/* ns = (tsc << shift) * mul >> 32 with mul in [2^31, 2^32): the most digits that fit. */
static boot_text void set_scale(uint64_t hz)
{
	int8_t shift = 0;

	while (hz > 2000000000) {
		hz >>= 1;
		shift--;
	}
	while (hz <= 1000000000) {
		hz <<= 1;
		shift++;
	}
	tsc_scale.shift = shift;
	tsc_scale.mul = (uint32_t)((1000000000ul << 32) / hz);
}

/* --- the clock --------------------------------------------------------------------------------- */

uint64_t time_from_tsc(uint64_t tsc)
{
	uint64_t ticks = tsc - tsc_base;

	if (unlikely(tsc_skewed))
		ticks += (uint64_t)this_cpu()->tsc_offset;
	ticks = tsc_scale.shift < 0 ? ticks >> -tsc_scale.shift : ticks << tsc_scale.shift;
	return (uint64_t)((unsigned __int128)ticks * tsc_scale.mul >> 32);
}

boot_text void time_init(void)
{
	const struct reference *ref = references;
	uint64_t hz = 0;

	while (ref < references + ARRAY_SIZE(references) && !(hz = measure(ref)))
		ref++;
	if (hz < 1000000)
		boot_fail("no clock to measure the CPU's time stamp counter with");
	set_scale(hz);
	tsc_khz = (uint32_t)(hz / 1000);
	tsc_base = rdtsc();
	tsc_stable = cpu.invariant_tsc;
	time_boot_wallclock = time_read_rtc() - now_ns() / 1000000000;
	log_info("TSC: %u.%03u MHz by %s%s", tsc_khz / 1000, tsc_khz % 1000, ref->name,
		 tsc_stable ? ", invariant" : "");
}

void time_delay_us(uint32_t us)
{
	uint64_t ticks = (uint64_t)us * tsc_khz / 1000, start = rdtsc();

	while (rdtsc() - start < ticks)
		cpu_pause();
}

/* --- other CPUs' TSCs ---------------------------------------------------------------------------- */

#define SYNC_ROUNDS	8

static struct {
	uint32_t turn;			/* odd: the new CPU shall read its TSC; even: it has */
	uint64_t tsc;
} sync;

boot_text void time_sync_boot_cpu(struct percpu *other)
{
	uint64_t best = ~0ul;
	int64_t ahead = 0;

	for (uint32_t i = 1; i < 2 * SYNC_ROUNDS; i += 2) {
		uint64_t before = rdtsc(), after;

		atomic_release(&sync.turn, i);
		while (atomic_acquire(&sync.turn) == i)
			cpu_pause();
		after = rdtsc();
		if (after - before < best) {
			best = after - before;
			ahead = (int64_t)(sync.tsc - before - best / 2);
		}
	}
	if ((uint64_t)(ahead < 0 ? -ahead : ahead) > best / 2 + 1) {
		log_warn("CPU %u: TSC differs by %ld ticks", other->id, ahead);
		other->tsc_offset = -ahead;
		tsc_skewed = true;
		tsc_stable = false;
	}
	atomic_release(&sync.turn, 0u);
}

void time_sync_new_cpu(void)
{
	for (uint32_t i = 1; i < 2 * SYNC_ROUNDS; i += 2) {
		while (atomic_acquire(&sync.turn) != i)
			cpu_pause();
		sync.tsc = rdtsc();
		atomic_release(&sync.turn, i + 1);
	}
	while (atomic_acquire(&sync.turn))	/* tsc_offset is settled */
		cpu_pause();
}

/* --- CMOS clock ------------------------------------------------------------------------------------ */

enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, CMOS_BYTES };

static uint8_t cmos_byte(uint8_t index)
{
	outb(0x70, index);
	return inb(0x71);
}

static void cmos_read(uint8_t v[CMOS_BYTES])
{
	static const uint8_t index[CMOS_BYTES] = { 0, 2, 4, 7, 8, 9, 0x32 };

	for (int i = 0; i < 10000 && (cmos_byte(0x0a) & 0x80); i++)	/* an update is under way */
		;
	for (unsigned i = 0; i < CMOS_BYTES; i++)
		v[i] = cmos_byte(index[i]);
}

/* Days since 1970-01-01 of the Gregorian calendar, counting years from March so that leap days come
 * last. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return 365ul * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

uint64_t time_read_rtc(void)
{
	uint8_t v[CMOS_BYTES], again[CMOS_BYTES], mode = cmos_byte(0x0b);
	unsigned year, hour;
	bool pm;

	cmos_read(v);
	for (int i = 0; i < 5 && (cmos_read(again), memcmp(v, again, sizeof(v))); i++)
		memcpy(v, again, sizeof(v));
	pm = v[HOUR] & 0x80;
	v[HOUR] &= 0x7f;
	for (unsigned i = 0; i < CMOS_BYTES && !(mode & 4); i++)	/* they are decimal */
		v[i] = (uint8_t)((v[i] >> 4) * 10 + (v[i] & 15));
	hour = mode & 2 ? v[HOUR] : v[HOUR] % 12u + (pm ? 12 : 0);
	year = v[YEAR] + (v[CENTURY] >= 19 && v[CENTURY] <= 21 ? v[CENTURY] * 100u : 2000);
	return ((days_since_1970(year, v[MONTH], v[DAY]) * 24 + hour) * 60 + v[MINUTE]) * 60 + v[SECOND];
}
