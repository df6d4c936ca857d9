/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs of disks and network cards share (device.c). */
#ifndef MICA_CLI_DEVICE_H
#define MICA_CLI_DEVICE_H

#include "cli/cli.h"
#include "lib/device.h"

#define DEVICE_WAIT_MS		30000
#define DEVICE_SPEC_BYTES	2048

extern const struct command_option device_detach_options[];

/* A domain that can have devices; opens both.  0 or the exit status. */
int device_target(struct target *t, struct mica **m, struct mica_store **s, const char *word);
int device_named(struct target *t, enum mica_device_kind kind, const char *name,
		 struct mica_device *d);
/* @row for each device of the domains named, or of all; then the table. */
int device_list_run(int argc, char **argv, enum mica_device_kind kind,
		    void (*row)(const struct target *t, const struct mica_device *d));
/* argv: the verb, the domain, the device. */
int device_detach_run(char **argv, enum mica_device_kind kind);

/* Words joined by commas; false: too long. */
bool device_join(int argc, char **argv, char *text, size_t room);
/* Report a wrong specification with a caret under the place. */
int device_spec_failed(const char *what, const char *text, const struct mica_spec_error *se);
/* Nodes of the back end's directory; "" and 0 where there is none. */
void device_text(struct mica_store *s, const struct mica_device *d, const char *node, char *text,
		 size_t room);
uint64_t device_number(struct mica_store *s, const struct mica_device *d, const char *node);
/* "xvda connected, xvdb closing"; null when there is none. */
struct out_value device_summary(struct mica_store *s, domid_t id, enum mica_device_kind kind);
/* One word for both ends. */
const char *device_state_word(const struct mica_device *d);

#endif
