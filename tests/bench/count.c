/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts instructions by who executes them, as a plugin of QEMU's translator:
 *
 *	-plugin FILE.so,out=COUNTS[,profile=BLOCKS]
 *
 * Between two markers that a program in the guest executes (blkread.c) every translated block adds
 * its instructions to
 *
 *	hypervisor		addresses from ffff8000'00000000 to ffff87ff'ffffffff, which the
 *				PV ABI keeps for it (Mica and Xen alike)
 *	dom0, guest		all others, each split in kernel (upper half) and user (lower half)
 *
 * The two are told apart by where in the machine's memory the code lies.  A stock kernel's text has
 * the same address in both, and is in one piece: the distance from address to memory that is seen
 * first is dom0's, any other the guest's.  A page of modules or of programs belongs to the domain
 * whose kernel text was executed last when the page was first seen, which its page fault makes sure.
 *
 * A line of COUNTS for each pair of markers; BLOCKS: round, owner, address, instructions of the block, how
 * often it was executed, and its first bytes, by which profile.py finds the program.  The declarations are those of version 1 of the plugin interface.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT		__attribute__((visibility("default")))
#define MARK_START	0x4143494du
#define MARK_STOP	0x4143494eu
#define TEXT_FIRST	0xffffffff81000000ull
#define TEXT_END	0xffffffff82400000ull
#define PAGES		(1u << 20)	/* of the hash; 4 GiB of memory */
#define CODE_BYTES	24

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void exec_cb(unsigned cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_cb *, int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, exec_cb *, int flags,
					    void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *);
void qemu_plugin_reset(plugin_id id, void (*cb)(plugin_id));

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

enum owner { NOBODY, HYPERVISOR, DOM0, GUEST, OWNERS };
static const char *const names[] = { "nobody", "hypervisor", "dom0", "guest" };

struct page {
	uintptr_t at;
	enum owner owner;
};

/* One translated block. */
struct block {
	struct block *next;
	uint64_t address, times;
	unsigned n;
	bool text;
	struct page *page;
	uint8_t code[CODE_BYTES];
	size_t bytes;
};

static struct page pages[PAGES], hypervisor = { .owner = HYPERVISOR };
static struct block *blocks;
static uint64_t counts[OWNERS][2], entries, distance;
static enum owner last, before;
static bool counting, wanted, know_distance;
static unsigned rounds;
static const char *out, *profile;
static plugin_id self;

static void translated(plugin_id id, struct qemu_plugin_tb *tb);

static struct page *page_of(const void *host)
{
	uintptr_t at = (uintptr_t)host >> 12;
	size_t i = at & (PAGES - 1);

	while (pages[i].at && pages[i].at != at)
		i = (i + 1) & (PAGES - 1);
	pages[i].at = at;
	return &pages[i];
}

static void executed(unsigned cpu, void *data)
{
	struct block *b = data;
	enum owner owner = b->page->owner;

	if (owner == NOBODY)
		owner = b->page->owner = last;
	if (b->text)
		last = owner;
	entries += owner == HYPERVISOR && before != HYPERVISOR;
	before = owner;
	counts[owner][b->address >> 63] += b->n;
	b->times++;
}

static void write_profile(void)
{
	FILE *f = fopen(profile, rounds > 1 ? "a" : "w");

	for (struct block *b = blocks; f && b; b = b->next) {
		if (!b->times)
			continue;
		fprintf(f, "%u %s %llx %u %llu ", rounds, names[b->page->owner],
			(unsigned long long)b->address, b->n, (unsigned long long)b->times);
		for (size_t i = 0; i < b->bytes; i++)
			fprintf(f, "%02x", b->code[i]);
		fputc('\n', f);
	}
	if (f)
		fclose(f);
}

static void write_counts(void)
{
	FILE *f = fopen(out, ++rounds > 1 ? "a" : "w");

	if (!f)
		return;
	fprintf(f, "hypervisor %llu dom0-kernel %llu dom0-user %llu guest-kernel %llu guest-user %llu"
		" entries %llu\n",
		(unsigned long long)counts[HYPERVISOR][1], (unsigned long long)counts[DOM0][1],
		(unsigned long long)counts[DOM0][0], (unsigned long long)counts[GUEST][1],
		(unsigned long long)counts[GUEST][0], (unsigned long long)entries);
	fclose(f);
	if (profile)
		write_profile();
}

/* All blocks are translated anew, with or without a call for each. */
static void begin_anew(plugin_id id)
{
	struct block *b;

	if (!wanted && counting)
		write_counts();
	while ((b = blocks)) {
		blocks = b->next;
		free(b);
	}
	memset(counts, 0, sizeof(counts));
	entries = 0;
	last = before = GUEST;		/* whose marker it was */
	counting = wanted;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
}

static void marked(unsigned cpu, void *data)
{
	bool start = data != NULL;

	if (wanted == start)
		return;
	wanted = start;
	qemu_plugin_reset(self, begin_anew);
}

static void look_for_markers(struct qemu_plugin_insn *insn)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x84, 0x00 };
	const uint8_t *code = qemu_plugin_insn_data(insn);
	uint32_t mark;

	if (qemu_plugin_insn_size(insn) != 8 || memcmp(code, nop, sizeof(nop)))
		return;
	memcpy(&mark, code + 4, sizeof(mark));
	if (mark == MARK_START || mark == MARK_STOP)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0,
						       mark == MARK_START ? &hypervisor : NULL);
}

/* Who has this code, where that can be known. */
static struct page *find_page(uint64_t address, const void *host, bool text)
{
	struct page *page;

	if (address >> 43 == 0xffff800000000000ull >> 43)
		return &hypervisor;
	page = page_of(host);
	if (text && !know_distance) {
		know_distance = true;
		distance = (uintptr_t)host - address;
	}
	if (text)
		page->owner = (uintptr_t)host - address == distance ? DOM0 : GUEST;
	return page;
}

static void take_code(struct block *b, const struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < b->n && b->bytes < CODE_BYTES; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		size_t size = qemu_plugin_insn_size(insn), room = CODE_BYTES - b->bytes;

		size = size < room ? size : room;
		memcpy(b->code + b->bytes, qemu_plugin_insn_data(insn), size);
		b->bytes += size;
	}
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	bool text = address >= TEXT_FIRST && address < TEXT_END;
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct page *page;
	struct block *b;

	if (address >> 63 == 0)
		for (size_t i = 0; i < n; i++)
			look_for_markers(qemu_plugin_tb_get_insn(tb, i));
	page = find_page(address, qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)), text);
	if (!counting)
		return;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	*b = (struct block){ .next = blocks, .address = address, .n = (unsigned)n, .text = text,
			     .page = page };
	if (profile)
		take_code(b, tb);
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, b);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "profile=", 8))
			profile = strdup(argv[i] + 8);
		else
			return -1;
	}
	self = id;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return out ? 0 : -1;
}
