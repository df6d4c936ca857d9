/* unit: dom0-tools/lib/config.c dom0-tools/lib/domcfg.c dom0-tools/lib/devcfg.c dom0-tools/lib/spec.c dom0-tools/lib/disk_spec.c dom0-tools/lib/nic_spec.c dom0-tools/lib/vdev.c dom0-tools/lib/digest.c dom0-tools/lib/parse.c dom0-tools/lib/error.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration files: what xl.cfg files of the field look like, and every way to be wrong with
 * its line, column, code and suggestion.  Also the words of the command line, and random text.
 */
#include "unit.h"
#include "lib/config.h"

static struct mica_error e;

static int read_domain(const char *text, struct mica_domain_config *d)
{
	struct mica_config c;
	int rc = mica_config_parse(&c, "t.cfg", text, &e);

	if (rc)
		return rc;
	rc = mica_domain_config_read(d, &c, &e);
	mica_config_free(&c);
	return rc;
}

static void test_whole(void **state)
{
	struct mica_domain_config d;

	assert_int_equal(read_domain(
		"# a comment\n"
		"name = \"web1\"	# behind\n"
		"type='pv'; memory = 0x200\n"
		"maxmem = \"1.5g\"\n"
		"vcpus=2\nmaxvcpus = \"4\"\n"
		"kernel = \"/boot/vmlinuz\"\nramdisk = '/boot/initrd'\n"
		"root = \"/dev/xvda1 ro\"\nextra = \"console=hvc0 \\\"x\\\"\"\n"
		"disk = [\n\n ]\nvif = [ ]\n"
		"cpus = \"0-3,^1\"\nweight = \"interactive\"\ncap = 50\n"
		"uuid = \"01020304-0506-0708-090a-0b0c0d0e0f10\"\n"
		"on_crash = \"restart:backoff=30s,max=5\"\non_reboot = \"preserve\"\n", &d), 0);
	assert_string_equal(d.name, "web1");
	assert_int_equal(d.memory_kib, 512 << 10);
	assert_int_equal(d.maxmem_kib, 1536 << 10);
	assert_int_equal(d.vcpus, 2);
	assert_int_equal(d.maxvcpus, 4);
	assert_string_equal(d.cmdline, "root=/dev/xvda1 ro console=hvc0 \"x\"");
	assert_int_equal(d.cpus[0], 0x0d);
	assert_int_equal(d.weight, 512);
	assert_int_equal(d.cap, 50);
	assert_true(d.has_uuid);
	assert_int_equal(d.uuid[15], 0x10);
	assert_int_equal(d.on_crash.action, ACT_RESTART);
	assert_int_equal(d.on_crash.backoff_s, 30);
	assert_int_equal(d.on_crash.max, 5);
	assert_int_equal(d.on_reboot.action, ACT_PRESERVE);
	assert_int_equal(d.on_poweroff.action, ACT_DESTROY);
	mica_domain_config_free(&d);
}

#define REST	"name='a'\nkernel='/k'\n"

static void test_wrong(void **state)
{
	static const struct { const char *text, *where, *code, *hint; } wrong[] = {
		{ "memroy = 5\n", "t.cfg:1:1", "MICA-CFG-002", "did you mean 'memory'?" },
		{ REST "  krenel='x'", "t.cfg:3:3", "MICA-CFG-002", "did you mean 'kernel'?" },
		{ "name = \"a\nkernel='/k'", "t.cfg:1:10", "MICA-CFG-001", NULL },
		{ "name 'a'", "t.cfg:1:6", "MICA-CFG-001", NULL },
		{ "name = a", "t.cfg:1:8", "MICA-CFG-001", NULL },
		{ "name = 'a' x", "t.cfg:1:12", "MICA-CFG-001", NULL },
		{ "disk = [ 'a' 'b' ]", "t.cfg:1:14", "MICA-CFG-001", NULL },
		{ "disk = [ 'a',", "t.cfg:1:14", "MICA-CFG-001", NULL },
		{ "disk = [[[[['a']]]]]", "t.cfg:1:12", "MICA-CFG-001", NULL },
		{ "memory = 12x", "t.cfg:1:10", "MICA-CFG-001", NULL },
		{ "= 5", "t.cfg:1:1", "MICA-CFG-001", NULL },
		{ "name='a'\nname='b'\n", "t.cfg:2:1", "MICA-CFG-006", NULL },
		{ REST "memory = 1\n", "t.cfg:3:10", "MICA-CFG-003", NULL },
		{ REST "memory = []\n", "t.cfg:3:10", "MICA-CFG-003", NULL },
		{ REST "vcpus = 33\n", "t.cfg:3:9", "MICA-CFG-003", NULL },
		{ REST "vcpus = -1\n", "t.cfg:3:9", "MICA-CFG-003", NULL },
		{ REST "vcpus = 'two'\n", "t.cfg:3:9", "MICA-CFG-003", NULL },
		{ REST "cpus = '3-1'\n", "t.cfg:3:8", "MICA-CFG-003", NULL },
		{ REST "uuid = 'zz'\n", "t.cfg:3:8", "MICA-CFG-003", NULL },
		{ REST "on_crash = 'explode'\n", "t.cfg:3:12", "MICA-CFG-003", NULL },
		{ REST "on_crash = 'restart:max='\n", "t.cfg:3:12", "MICA-CFG-003", NULL },
		{ REST "cmdline = 5\n", "t.cfg:3:11", "MICA-CFG-003", NULL },
		{ "kernel='/k'\nname = '17'\n", "t.cfg:2:8", "MICA-CFG-003", NULL },
		{ REST "type = 'hvm'\n", "t.cfg:3:8", "MICA-CFG-007", NULL },
		{ REST "builder = 'hvm'\n", "t.cfg:3:11", "MICA-CFG-007", NULL },
		{ REST "vnc = 1\n", "t.cfg:3:1", "MICA-CFG-007", NULL },
		{ REST "pci = [ 'x' ]\n", "t.cfg:3:1", "MICA-CFG-008", NULL },
		{ REST "disk = [ 'x' ]\n", "t.cfg:3:11", "MICA-CFG-009", NULL },
		{ REST "disk = [ '/x,xvda,w',\n '/y,raw,xvdb,wx' ]\n", "t.cfg:4:15", "MICA-CFG-009",
		  NULL },
		{ REST "disk = [ '/x,xvda,iosp=5' ]\n", "t.cfg:3:19", "MICA-CFG-009",
		  "did you mean 'iops'?" },
		{ REST "disk = [ '/x,xvda', '/y,d0p0' ]\n", "t.cfg:3:22", "MICA-CFG-009", NULL },
		{ REST "disk = '/x,xvda'\n", "t.cfg:3:8", "MICA-CFG-003", NULL },
		{ REST "disk = [ 5 ]\n", "t.cfg:3:8", "MICA-CFG-003", NULL },
		{ REST "vif = [ 'brigde=lan' ]\n", "t.cfg:3:10", "MICA-CFG-009",
		  "did you mean 'bridge'?" },
		{ REST "vif = [ 'mac=00:16:3e:00:00:01', 'mac=00:16:3E:00:00:01' ]\n", "t.cfg:3:35",
		  "MICA-CFG-009", NULL },
		{ "kernel = '/k'", "t.cfg", "MICA-CFG-004", NULL },
		{ "name = 'a'", "t.cfg", "MICA-CFG-004", NULL },
		{ REST "memory=64\nmaxmem=32", "", "MICA-CFG-003", NULL },
		{ REST "vcpus=4\nmaxvcpus=2", "", "MICA-CFG-003", NULL },
		{ REST "cmdline='a'\nextra='b'", "", "MICA-CFG-003", NULL },
	};
	struct mica_domain_config d;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (!read_domain(wrong[i].text, &d))
			fail_msg("accepted: %s", wrong[i].text);
		if (strcmp(e.code->name, wrong[i].code) || strcmp(e.what, wrong[i].where))
			fail_msg("%s: %s %s (%s)", wrong[i].text, e.what, e.code->name, e.why);
		if (wrong[i].hint)
			assert_string_equal(e.hint[0], wrong[i].hint);
	}
}

static void test_caret(void **state)
{
	struct mica_domain_config d;

	assert_true(read_domain(REST "  vcpus = 99 # many\n", &d) < 0);
	assert_int_equal(e.facts, 2);
	assert_string_equal(e.fact[0], "  vcpus = 99 # many");
	assert_string_equal(e.fact[1], "          ^");
	assert_int_equal(e.code->exit, EXIT_USAGE);
}

static void test_set_and_text(void **state)
{
	struct mica_domain_config d;
	struct mica_config c, again;
	char *text;

	assert_int_equal(mica_config_parse(&c, "t.cfg", REST "extra = \"a\"\nextra += ' \"b\"'\n"
					   "vif = ['1']\nvif += ['2']\n", &e), 0);
	assert_int_equal(mica_config_find(&c, "vif")->value.nr_items, 2);
	assert_int_equal(mica_config_set(&c, "name=other", &e), 0);
	assert_int_equal(mica_config_set(&c, "memory=256m", &e), 0);
	assert_int_equal(mica_config_set(&c, "vcpus=2", &e), 0);
	assert_int_equal(mica_config_set(&c, "vif=[]", &e), 0);
	assert_true(mica_config_set(&c, "novalue", &e) < 0);
	text = mica_config_text(&c);
	assert_int_equal(mica_config_parse(&again, "again", text, &e), 0);
	if (mica_domain_config_read(&d, &again, &e))
		fail_msg("%s", e.why);
	assert_string_equal(d.name, "other");
	assert_int_equal(d.memory_kib, 256 << 10);
	assert_int_equal(d.vcpus, 2);
	assert_string_equal(d.cmdline, "a \"b\"");
	mica_domain_config_free(&d);
	assert_int_equal(mica_config_set(&c, "vcpus=77", &e), 0);
	assert_true(mica_domain_config_read(&d, &c, &e) < 0);
	assert_string_equal(e.what, "command line");
	free(text);
	mica_config_free(&c);
	mica_config_free(&again);
}

static void test_words(void **state)
{
	static const char *const list[] = { "list", "pause", "console", NULL };
	uint8_t cpus[MICA_CPUSET_BYTES];
	uint64_t n;
	unsigned w;

	assert_true(mica_parse_size_kib("512", &n) && n == 512 << 10);
	assert_true(mica_parse_size_kib("1.5g", &n) && n == 1536 << 10);
	assert_true(mica_parse_size_kib("4096K", &n) && n == 4096);
	assert_true(mica_parse_size_kib("0.25t", &n) && n == 256ull << 20);
	assert_false(mica_parse_size_kib("", &n) || mica_parse_size_kib("x", &n) ||
		     mica_parse_size_kib("5q", &n) || mica_parse_size_kib("5mm", &n) ||
		     mica_parse_size_kib("-5", &n) || mica_parse_size_kib("99999999999999999t", &n));
	assert_true(mica_parse_time_ms("90s", &n) && n == 90000);
	assert_true(mica_parse_time_ms("1.5m", &n) && n == 90000);
	assert_true(mica_parse_time_ms("2", &n) && n == 2000);
	assert_true(mica_parse_cpus("0-2,5", cpus) && cpus[0] == 0x27);
	assert_true(mica_parse_cpus("all", cpus) && cpus[31] == 0xff);
	assert_true(mica_parse_cpus("^0", cpus) && cpus[0] == 0xfe);
	assert_false(mica_parse_cpus("", cpus) || mica_parse_cpus("256", cpus) ||
		     mica_parse_cpus("1,", cpus) || mica_parse_cpus("1-", cpus));
	assert_true(mica_parse_weight("system", &w) && w == 1024);
	assert_true(mica_parse_weight("65535", &w) && w == 65535);
	assert_false(mica_parse_weight("0", &w) || mica_parse_weight("65536", &w) ||
		     mica_parse_weight("fast", &w));
	assert_true(mica_name_is_valid("a-1.b_c+"));
	assert_false(mica_name_is_valid("") || mica_name_is_valid("12") ||
		     mica_name_is_valid("a/b") || mica_name_is_valid("-a") ||
		     mica_name_is_valid("."));
	assert_string_equal(mica_nearest("lsit", list), "list");
	assert_string_equal(mica_nearest("consol", list), "console");
	assert_null(mica_nearest("quit", list));
}

/* Every code has its words, names are unique and of the known form. */
static void test_catalogue(void **state)
{
	const struct mica_code *c, *other;

	for (size_t i = 0; (c = mica_code_nth(i)); i++) {
		assert_int_equal(strncmp(c->name, "MICA-", 5), 0);
		assert_true(c->title[0] && c->cause[0] && c->remedy[0]);
		assert_true(c->errnum > 0 && c->exit > 0 && c->exit < 15);
		for (size_t j = 0; j < i && (other = mica_code_nth(j)); j++)
			assert_int_not_equal(strcmp(c->name, other->name), 0);
	}
	assert_string_equal(mica_code_find("MICA-NOT-999")->name, "MICA-INT-001");
}

/* Random text never does more than fail. */
static void test_random(void **state)
{
	static const char *const pieces[] = {
		"name", "kernel", "memory", "=", "+=", "'", "\"", "[", "]", ",", "\n", ";", "#", " ",
		"5", "0x", "\\", "vif", "-", "cpus", "a", "\t", "disk",
	};
	char text[256];

	unit_seed("config");
	for (uint64_t n = unit_steps(20000); n; n--) {
		struct mica_domain_config d;

		size_t at = 0;

		text[0] = 0;
		for (uint64_t i = unit_below(24); i; i--)
			at += (size_t)sprintf(text + at, "%s", pieces[unit_below(
				sizeof(pieces) / sizeof(pieces[0]))]);
		if (!read_domain(text, &d))
			mica_domain_config_free(&d);
		else
			assert_non_null(e.code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_caret), cmocka_unit_test(test_set_and_text),
		cmocka_unit_test(test_words), cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
