/* SPDX-License-Identifier: BSD-2-Clause */
/* Every command there is, in the order help prints them. */
#include "cli/cli.h"

#define COMMANDS(X) \
	X(list) X(info) X(create) X(start) X(run) X(define) X(undefine) X(console) X(log) \
	X(pause) X(resume) X(shutdown) X(reboot) X(destroy) X(rename) X(wait) X(sysrq) \
	X(cpu_show) X(cpu_pin) X(cpu_set) X(cpu_weight) X(cpu_cap) X(cpu_ratelimit) \
	X(memory_show) X(memory_set) X(memory_max) \
	X(disk_list) X(disk_attach) X(disk_detach) X(disk_resize) X(disk_limit) \
	X(nic_list) X(nic_attach) X(nic_detach) X(nic_set) X(nic_limit) X(nic_capture) \
	X(net_list) X(net_create) X(net_start) X(net_delete) X(net_show) \
	X(kernel_check) X(kernel_cache) X(top) X(event) X(dmesg) X(keys) X(doctor) \
	X(driver_new) X(driver_check) X(driver_attach) X(driver_detach) \
	X(ring_list) X(ring_show) X(ring_check) X(ring_watch) X(ring_kick) X(ring_capture) \
	X(store_ls) X(store_read) X(store_write) X(store_rm) X(store_watch) X(store_perm) \
	X(version) X(help) X(completion) X(monitor) X(domid) X(domname)

#define X(name) extern const struct command cmd_##name;
COMMANDS(X)
#undef X

const struct command *const commands[] = {
#define X(name) &cmd_##name,
	COMMANDS(X)
#undef X
	NULL,
};
