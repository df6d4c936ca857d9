/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_model.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/top_model.h"

void top_model_free(struct top_model *t)
{
	free(t->rows);
	t->rows = NULL;
	t->nr = 0;
}

static const struct top_row *find(const struct top_model *t, domid_t id, const uint8_t uuid[16])
{
	for (int i = 0; i < t->nr; i++)
		if (t->rows[i].id == id && !memcmp(t->rows[i].uuid, uuid, 16))
			return &t->rows[i];
	return NULL;
}

static int compare(const struct top_model *t, const struct top_row *a, const struct top_row *b)
{
	int order = 0;

	switch (t->sort) {
	case TOP_BY_CPU:
		order = a->percent < b->percent ? 1 : -(a->percent > b->percent);
		break;
	case TOP_BY_TIME:
		order = a->cpu_ns < b->cpu_ns ? 1 : -(a->cpu_ns > b->cpu_ns);
		break;
	case TOP_BY_MEMORY:
		order = a->memory_kib < b->memory_kib ? 1 : -(a->memory_kib > b->memory_kib);
		break;
	case TOP_BY_NAME:
		order = strcmp(a->name, b->name);
		break;
	case TOP_BY_ID:
		break;
	}
	if (!order)
		order = (int)a->id - (int)b->id;
	return t->reverse ? -order : order;
}

/* Insertion: the list is nearly in order from the last time. */
static void sort(struct top_model *t)
{
	for (int i = 1; i < t->nr; i++) {
		struct top_row row = t->rows[i];
		int j = i;

		for (; j && compare(t, &t->rows[j - 1], &row) > 0; j--)
			t->rows[j] = t->rows[j - 1];
		t->rows[j] = row;
	}
}

static void resort(struct top_model *t, const struct top_row *marked)
{
	struct top_row keep = *marked;

	sort(t);
	for (int i = 0; i < t->nr; i++)
		if (t->rows[i].id == keep.id && !memcmp(t->rows[i].uuid, keep.uuid, 16))
			t->selected = i;
}

static void fill(struct top_row *row, const mica_dominfo *info, const char *name,
		 const struct top_row *before, uint64_t passed_ms)
{
	*row = (struct top_row){
		.id = info->domain, .state = state_word(info), .cpu_ns = info->cpu_time,
		.memory_kib = info->tot_pages * KIB_PER_PAGE, .vcpus = info->nr_online_vcpus,
		.fresh = !before,
	};
	memcpy(row->uuid, info->handle, sizeof(row->uuid));
	snprintf(row->name, sizeof(row->name), "%s", name);
	if (before && passed_ms && info->cpu_time > before->cpu_ns)
		row->percent = (double)(info->cpu_time - before->cpu_ns) / 1e4 / (double)passed_ms;
}

bool top_model_sample(struct top_model *t, uint64_t at_ms, const mica_dominfo *list, int n,
		      char (*names)[MICA_NAME_MAX])
{
	struct top_row *rows = calloc((size_t)n + 1, sizeof(*rows)), marked = { 0 };
	uint64_t passed = t->at_ms ? at_ms - t->at_ms : 0;
	int at = t->selected;

	if (!rows)
		return false;
	for (int i = 0; i < n; i++)
		fill(&rows[i], &list[i], names[i], find(t, list[i].domain, list[i].handle), passed);
	if (t->nr)
		marked = t->rows[at];
	free(t->rows);
	t->rows = rows;
	t->nr = n;
	t->at_ms = at_ms;
	/* The mark stays on its domain; on its place when that is gone, or is the first. */
	t->selected = at < n ? at : n ? n - 1 : 0;
	if (at)
		resort(t, &marked);
	else
		sort(t);
	return true;
}

static enum top_key sort_by(struct top_model *t, enum top_sort how)
{
	t->sort = how;
	if (t->nr)
		resort(t, &t->rows[t->selected]);
	return TOP_REDRAW;
}

static enum top_key move(struct top_model *t, int by, int height)
{
	t->selected += by;
	if (t->selected >= t->nr)
		t->selected = t->nr - 1;
	if (t->selected < 0)
		t->selected = 0;
	if (t->selected < t->first)
		t->first = t->selected;
	if (height > 0 && t->selected >= t->first + height)
		t->first = t->selected - height + 1;
	return TOP_REDRAW;
}

enum top_key top_model_key(struct top_model *t, int key, int height)
{
	switch (key) {
	case 'q': case 'Q': case 3: return TOP_QUIT;
	case ' ': return TOP_SAMPLE;
	case 'c': return sort_by(t, TOP_BY_CPU);
	case 't': return sort_by(t, TOP_BY_TIME);
	case 'm': return sort_by(t, TOP_BY_MEMORY);
	case 'n': return sort_by(t, TOP_BY_NAME);
	case 'i': return sort_by(t, TOP_BY_ID);
	case 'r':
		t->reverse = !t->reverse;
		return sort_by(t, t->sort);
	case TOP_UP: case 'k': return move(t, -1, height);
	case TOP_DOWN: case 'j': return move(t, 1, height);
	case TOP_PAGE_UP: return move(t, -(height > 1 ? height - 1 : 1), height);
	case TOP_PAGE_DOWN: return move(t, height > 1 ? height - 1 : 1, height);
	default: return TOP_NOTHING;
	}
}

void top_model_head(const struct top_model *t, int line, char *text, size_t room)
{
	static const char *const sorted[] = { "CPU", "time", "memory", "name", "number" };
	char left[24], total[24];

	human_kib(t->free_kib, left);
	human_kib(t->host_kib, total);
	if (line == 0)
		snprintf(text, room, "mica top  %d domains, %u CPUs, free %s of %s  by %s%s  "
			 "(c t m n i r sort, q ends)", t->nr, t->host_cpus, left, total,
			 sorted[t->sort], t->reverse ? ", reversed" : "");
	else
		snprintf(text, room, "%-24s %5s %-9s %6s %9s %9s %5s", "NAME", "ID", "STATE", "CPU%",
			 "TIME", "MEMORY", "VCPUS");
}

void top_model_line(const struct top_model *t, int i, char *text, size_t room)
{
	const struct top_row *r = &t->rows[i];
	char memory[24], cpu[24], percent[16] = "-";

	human_kib(r->memory_kib, memory);
	human_ns(r->cpu_ns, cpu);
	if (!r->fresh)
		snprintf(percent, sizeof(percent), "%.1f", r->percent);
	snprintf(text, room, "%-24.24s %5u %-9s %6s %9s %9s %5u", r->name, r->id, r->state, percent,
		 cpu, memory, r->vcpus);
}
