/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and states as people read them. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <mica/sched.h>

#include "cli/cli.h"

unsigned shutdown_reason(const mica_dominfo *info)
{
	return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

const char *reason_word(unsigned reason)
{
	static const char *const words[] = {
		"poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset",
	};

	return reason < sizeof(words) / sizeof(words[0]) ? words[reason] : "unknown";
}

const char *state_word(const mica_dominfo *info)
{
	if (info->flags & XEN_DOMINF_dying)
		return "dying";
	if (info->flags & XEN_DOMINF_shutdown)
		return shutdown_reason(info) == SHUTDOWN_crash ? "crashed" :
			shutdown_reason(info) == SHUTDOWN_suspend ? "suspended" : "shutdown";
	if (info->flags & XEN_DOMINF_paused)
		return "paused";
	return "running";
}

void human_kib(uint64_t kib, char text[24])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)kib;
	unsigned u = 0;

	for (; n >= 1024 && u < 3; u++)
		n /= 1024;
	snprintf(text, 24, u < 2 ? "%.0f %s" : "%.1f %s", n, units[u]);
}

void human_ns(uint64_t ns, char text[24])
{
	uint64_t s = ns / 1000000000;

	if (s >= 86400)
		snprintf(text, 24, "%llud %lluh", (unsigned long long)s / 86400,
			 (unsigned long long)s / 3600 % 24);
	else if (s >= 3600)
		snprintf(text, 24, "%lluh %llum", (unsigned long long)s / 3600,
			 (unsigned long long)s / 60 % 60);
	else if (s >= 60)
		snprintf(text, 24, "%llum %llus", (unsigned long long)s / 60,
			 (unsigned long long)s % 60);
	else
		snprintf(text, 24, "%.1f s", (double)ns / 1e9);
}

static bool in_set(const uint8_t *cpus, unsigned i)
{
	return cpus[i / 8] >> i % 8 & 1;
}

void human_cpus(const uint8_t cpus[MICA_CPUSET_BYTES], unsigned nr_cpus, char *text, size_t room)
{
	size_t at = 0;
	unsigned in = 0;

	for (unsigned i = 0; i < nr_cpus; i++)
		in += in_set(cpus, i);
	if (in == nr_cpus) {
		snprintf(text, room, "all");
		return;
	}
	text[0] = 0;
	for (unsigned i = 0, end; i < nr_cpus && at < room; i = end + 1) {
		end = i;
		if (!in_set(cpus, i))
			continue;
		while (end + 1 < nr_cpus && in_set(cpus, end + 1))
			end++;
		at += (size_t)snprintf(text + at, room - at, end > i ? "%s%u-%u" : "%s%u",
				       at ? "," : "", i, end);
	}
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
