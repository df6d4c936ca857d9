/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault plans: JSON to a table, and the decision at each chance.
 *
 *	{ "name": "lost-first-kick", "expects": "healthy",
 *	  "faults": [ { "what": "event.drop", "domain": 1, "nth": 1, "times": 1 } ] }
 *
 * A fault counts its chances (calls of its kind by its domain, on paths that end in its "path")
 * and strikes from the nth on, "times" times, each time with "chance" of 1000.  Whether it does
 * depends on nothing but the seed, so a run can be repeated.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "sim/sim_priv.h"

static const char *const fault_names[] = {
#define SIM_FAULT_NAME(name, text) [SIM_##name] = text,
	SIM_FAULTS(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
};

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "EACCES", -EACCES }, { "EAGAIN", -EAGAIN }, { "EBUSY", -EBUSY }, { "EFAULT", -EFAULT },
	{ "EINVAL", -EINVAL }, { "EIO", -EIO }, { "ENOENT", -ENOENT }, { "ENOMEM", -ENOMEM },
	{ "ENOSPC", -ENOSPC }, { "EPERM", -EPERM },
};

static int complain(char *why, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int complain(char *why, size_t room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, room, format, args);
	va_end(args);
	return -EINVAL;
}

static int default_error(enum sim_fault_kind what)
{
	switch (what) {
	case SIM_STORE_DENIED:
		return -EACCES;
	case SIM_GRANT_LEND:
		return -ENOMEM;
	case SIM_COPY_FAIL:
		return -EFAULT;
	case SIM_BIND_FAIL:
		return -EINVAL;
	default:
		return -ENOSPC;
	}
}

static int read_number(json_t *value, const char *key, json_int_t low, json_int_t high,
		       json_int_t *out, char *why, size_t room)
{
	if (!json_is_integer(value) || json_integer_value(value) < low ||
	    json_integer_value(value) > high)
		return complain(why, room, "\"%s\" must be a number from %lld to %lld", key,
				(long long)low, (long long)high);
	*out = json_integer_value(value);
	return 0;
}

static int read_text(json_t *value, const char *key, char *out, size_t out_room, char *why,
		     size_t room)
{
	if (!json_is_string(value) || strlen(json_string_value(value)) >= out_room)
		return complain(why, room, "\"%s\" must be a text below %zu bytes", key, out_room);
	strcpy(out, json_string_value(value));
	return 0;
}

static int read_kind(const char *text, enum sim_fault_kind *what)
{
	for (unsigned i = 0; i < SIM_FAULT_KINDS; i++)
		if (!strcmp(fault_names[i], text)) {
			*what = i;
			return 0;
		}
	return -EINVAL;
}

static int read_error(const char *text, int *error)
{
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, text)) {
			*error = errors[i].error;
			return 0;
		}
	return -EINVAL;
}

static int read_key(struct sim_fault *f, const char *key, json_t *value, char *why, size_t room)
{
	char text[64];
	json_int_t n = 0;
	int rc = 0;

	if (!strcmp(key, "what")) {
		rc = read_text(value, key, text, sizeof(text), why, room);
		return !rc && read_kind(text, &f->what) ?
			complain(why, room, "there is no fault \"%s\"", text) : rc;
	}
	if (!strcmp(key, "error")) {
		rc = read_text(value, key, text, sizeof(text), why, room);
		return !rc && read_error(text, &f->error) ?
			complain(why, room, "there is no error \"%s\"", text) : rc;
	}
	if (!strcmp(key, "path"))
		return read_text(value, key, f->path, sizeof(f->path), why, room);
	if (!strcmp(key, "value"))
		return read_text(value, key, f->value, sizeof(f->value), why, room);
	if (!strcmp(key, "domain")) {
		rc = read_number(value, key, 0, 0x7fef, &n, why, room);
		f->domain = (int)n;
	} else if (!strcmp(key, "nth")) {
		rc = read_number(value, key, 1, 1000000, &n, why, room);
		f->nth = (unsigned)n;
	} else if (!strcmp(key, "times")) {
		rc = read_number(value, key, 0, 1000000, &n, why, room);
		f->times = (unsigned)n;
	} else if (!strcmp(key, "chance")) {
		rc = read_number(value, key, 1, 1000, &n, why, room);
		f->chance = (unsigned)n;
	} else if (!strcmp(key, "delay_us")) {
		rc = read_number(value, key, 0, 3600000000ll, &n, why, room);
		f->delay_ns = (uint64_t)n * 1000;
	} else if (!strcmp(key, "piece")) {
		rc = read_number(value, key, 0, 255, &n, why, room);
		f->piece = (unsigned)n;
	} else if (!strcmp(key, "by")) {
		rc = read_number(value, key, -0x80000000ll, 0xffffffffll, &n, why, room);
		f->by = n;
	} else if (!strcmp(key, "state")) {
		rc = read_number(value, key, 0, 8, &n, why, room);
		snprintf(f->path, sizeof(f->path), "state=%d", (int)n);
	} else {
		rc = complain(why, room, "a fault has no \"%s\"", key);
	}
	return rc;
}

static int read_fault(struct sim_fault *f, json_t *from, char *why, size_t room)
{
	const char *key;
	json_t *value;

	*f = (struct sim_fault){ .what = SIM_FAULT_KINDS, .domain = -1, .nth = 1, .times = 1,
				 .chance = 1000, .by = 0x10000 };
	json_object_foreach(from, key, value) {
		int rc = read_key(f, key, value, why, room);

		if (rc)
			return rc;
	}
	if (f->what == SIM_FAULT_KINDS)
		return complain(why, room, "a fault lacks \"what\"");
	if (!f->error)
		f->error = default_error(f->what);
	return 0;
}

static int read_plan(struct sim_plan *plan, json_t *root, char *why, size_t room)
{
	json_t *faults = json_object_get(root, "faults");
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(root, key, value) {
		if (!strcmp(key, "name"))
			rc = read_text(value, key, plan->name, sizeof(plan->name), why, room);
		else if (!strcmp(key, "expects"))
			rc = read_text(value, key, plan->expects, sizeof(plan->expects), why, room);
		else if (strcmp(key, "about") && strcmp(key, "faults"))
			rc = complain(why, room, "a plan has no \"%s\"", key);
		if (rc)
			return rc;
	}
	if (!json_is_array(faults) || !json_array_size(faults) || json_array_size(faults) > 64)
		return complain(why, room, "\"faults\" must be a list of 1 to 64 faults");
	if (strcmp(plan->expects, "healthy") && strcmp(plan->expects, "cut") &&
	    strcmp(plan->expects, "either"))
		return complain(why, room, "\"expects\" must be healthy, cut or either");
	plan->faults = (unsigned)json_array_size(faults);
	plan->fault = calloc(plan->faults, sizeof(*plan->fault));
	for (unsigned i = 0; i < plan->faults; i++) {
		rc = read_fault(&plan->fault[i], json_array_get(faults, i), why, room);
		if (rc)
			return rc;
		plan->kinds |= 1ull << plan->fault[i].what;
	}
	return 0;
}

static struct sim_plan *from_json(json_t *root, json_error_t *error, char *why, size_t room)
{
	struct sim_plan *plan;

	if (!root) {
		complain(why, room, "line %d: %s", error->line, error->text);
		return NULL;
	}
	plan = calloc(1, sizeof(*plan));
	strcpy(plan->name, "unnamed");
	strcpy(plan->expects, "either");
	if (read_plan(plan, root, why, room)) {
		sim_plan_free(plan);
		plan = NULL;
	}
	json_decref(root);
	return plan;
}

struct sim_plan *sim_plan_parse(const char *json, char *why, size_t room)
{
	json_error_t error;

	return from_json(json_loads(json, JSON_REJECT_DUPLICATES, &error), &error, why, room);
}

struct sim_plan *sim_plan_read(const char *file, char *why, size_t room)
{
	json_error_t error;

	return from_json(json_load_file(file, JSON_REJECT_DUPLICATES, &error), &error, why, room);
}

void sim_plan_free(struct sim_plan *plan)
{
	if (plan)
		free(plan->fault);
	free(plan);
}

const char *sim_plan_name(const struct sim_plan *plan)
{
	return plan->name;
}

const char *sim_plan_expects(const struct sim_plan *plan)
{
	return plan->expects;
}

/* --- at run time --- */

static bool ends_so(const char *path, const char *end)
{
	size_t n = path ? strlen(path) : 0, m = strlen(end);

	return n >= m && !strcmp(path + n - m, end);
}

struct sim_fault *sim_fault(struct sim *w, struct sim_dom *d, enum sim_fault_kind what,
			    const char *path)
{
	struct sim_plan *plan = w->options.plan;

	if (!plan || !(plan->kinds & 1ull << what))
		return NULL;
	for (unsigned i = 0; i < plan->faults; i++) {
		struct sim_fault *f = &plan->fault[i];

		if (f->what != what || (f->domain >= 0 && f->domain != d->id) ||
		    (*f->path && !ends_so(path, f->path)))
			continue;
		if (++f->seen < f->nth || (f->times && f->done >= f->times))
			continue;
		if (f->chance < 1000 && sim_dice(w, 1000) >= f->chance)
			continue;
		f->done++;
		w->faults_done++;
		sim_trace(w, "fault %s d%u %s", fault_names[what], d->id, path ? path : "");
		return f;
	}
	return NULL;
}
