/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start and end of a test kernel.
 *
 * guest_start() sets up memory and traps and runs test_main(); test_finish() asks for the audit,
 * prints the one RESULT line and powers off.  The worst result seen wins: error, failure, skip.
 */
#include "result.h"
#include "hyper.h"
#include "mm.h"

enum result { PASS, SKIP, FAIL, ERROR };

static const char *const result_name[] = { "pass", "skip", "fail", "error" };
static enum result result;
static char reason[256];

static void set_result(enum result r, const char *fmt, va_list args)
{
	char text[256];

	format(text, sizeof(text), fmt, args);
	print("  %s: %s\n", result_name[r], text);
	if (r <= result)
		return;
	result = r;
	memcpy(reason, text, sizeof(reason));
}

void test_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_result(FAIL, fmt, args);
	va_end(args);
}

void test_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_result(SKIP, fmt, args);
	va_end(args);
	test_finish();
}

void test_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_result(ERROR, fmt, args);
	va_end(args);
	test_finish();
}

bool on_mica(void)
{
	char extra[16];

	hc_version(XENVER_extraversion, extra);
	return !strncmp(extra, "-mica", 5);
}

static void ask_for_audit(void)
{
	long differences = hypercall(__HYPERVISOR_mica_op, MICA_OP_audit, 0);

	if (differences && differences != -ENOSYS)
		test_fail("audit: %ld differences", differences);
}

void test_finish(void)
{
	/* Xen's power off halts without ending QEMU; its reboot does under -no-reboot */
	struct sched_shutdown off = { .reason = on_mica() ? SHUTDOWN_poweroff : SHUTDOWN_reboot };

	this_cpu()->hook = NULL;
	ask_for_audit();
	if (result == PASS)
		print("RESULT: pass %s\n", test_name);
	else
		print("RESULT: %s %s: %s\n", result_name[result], test_name, reason);
	for (;;)
		hc_sched(SCHEDOP_shutdown, &off);
}

void check_equal_at(const char *what, long got, long want, int line)
{
	if (got != want)
		test_fail("%s: got %lx (%ld), want %lx (line %d)", what, got, got, want, line);
}

void check_refused_at(const char *what, long got, int line)
{
	if (got >= 0)
		test_fail("%s was not refused: %ld (line %d)", what, got, line);
}

void check_fault_at(const struct fault *f, int vector, long error, int line)
{
	if (vector < 0) {
		if (f->hit)
			test_fail("unexpected vector %lu error %lx cr2 %lx rip %lx (line %d)",
				  f->vector, f->error, f->cr2, f->regs.rip, line);
	} else if (!f->hit) {
		test_fail("no exception, wanted vector %d (line %d)", vector, line);
	} else if (f->vector != (uint64_t)vector || f->error != (uint64_t)error) {
		test_fail("vector %lu error %lx, wanted %d error %lx (line %d)", f->vector,
			  f->error, vector, error, line);
	}
}

void guest_start(const struct start_info *si);
void guest_start(const struct start_info *si)
{
	start_info = si;
	mm_init();
	trap_init();
	hc_vcpu(VCPUOP_stop_periodic_timer, 0, NULL);
	print("TEST: %s\n", test_name);
	test_main();
	test_finish();
}
