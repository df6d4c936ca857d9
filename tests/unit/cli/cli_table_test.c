/* unit: dom0-tools/lib/error.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program itself, where there is no hypervisor: every command of its own help has help, wrong
 * command lines end in status 2 with a suggestion, xl's spellings are known, plans do nothing,
 * errors have both forms, and the completion script is one that bash reads.
 */
#include "unit.h"
#include <libgen.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/error.h"

static char program[4096];
static char said[65536];

/* Runs `mica ARGS`; what it says on both outputs is in said[].  Returns its status. */
static int run(const char *args)
{
	char line[8192];
	size_t n;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "%s %s 2>&1 </dev/null", program, args);
	f = popen(line, "r");
	assert_non_null(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = 0;
	status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_every_command_has_help(void **state)
{
	char help[65536], args[256], *line, *next;
	int n = 0;

	assert_int_equal(run("help"), 0);
	memcpy(help, said, sizeof(help));
	for (line = help; (next = strchr(line, '\n')); line = next + 1) {
		char first[64] = "";

		*next = 0;
		if (strncmp(line, "  ", 2) || sscanf(line, "%63s", first) < 1)
			continue;
		n++;
		snprintf(args, sizeof(args), "%s --help", first);
		if (run(args) || !said[0])
			fail_msg("mica %s", args);
	}
	assert_true(n > 35);
}

static void test_wrong_command_lines(void **state)
{
	static const struct { const char *args, *says; } wrong[] = {
		{ "lsit", "did you mean 'list'?" },
		{ "cpu pni x", "did you mean 'cpu pin'?" },
		{ "pause", "too few arguments" },
		{ "rename a b c", "too many arguments, from 'c' on" },
		{ "list --frmat json", "did you mean --format?" },
		{ "list --format yaml", "'yaml' is not table" },
		{ "list --timeout soon", "is not a time" },
		{ "list --plan", "changes nothing" },
		{ "list --format", "needs a value" },
		{ "list --verbose=1", "takes no value" },
		{ "wait x --for ever", "is not running, booted" },
		{ "cpu pin a b 0", "not the number of a vCPU" },
		{ "cpu pin a 0 x", "not a set of CPUs" },
		{ "memory set a lots", "not a size" },
		{ "destroy a", "--yes" },
		{ "store perm / x9", "not n, r, w or b" },
		{ "disk attach web /x,xvda,iosp=5", "did you mean 'iops'?" },
		{ "run /k --plan --set 'disk=[\"/x,xvda,iosp=3\"]'",
		  "/x,xvda,iosp=3\n          ^\n  hint: did you mean 'iops'?" },
		{ "disk attach web x", "no absolute path" },
		{ "disk limit web xvda iops=many", "neither iops=N nor bps=SIZE" },
		{ "disk limit web xvda", "too few arguments" },
		{ "nic attach web brigde=lan", "did you mean 'bridge'?" },
		{ "nic attach web vlan=4095", "no number from 0 to 4094" },
		{ "net create 1st", "is no name of a network" },
		{ "net create lan uplnk=tap", "did you mean 'uplink='?" },
		{ "net create lan subnet=10.0.0.1", "an address with 8 to 29 bits" },
		{ "net create lan uplink=eth0", "none, tap or bridge:NAME" },
		{ "ring kick web", "names no device" },
		{ "ring kick web/xvda --to guest", "front or back, not 'guest'" },
		{ "ring check --interval 9", "is no time from 10 to" },
		{ "ring watch --count 0", "not a number of rounds" },
		{ "ring capture web", "names no device" },
		{ "ring capture web/xvda --count -1", "is no number of messages" },
		{ "ring capture web/xvda --time soon", "not a time" },
		{ "ring capture web/xvda --interval 0", "is no time from 1 to" },
		{ "help nothing", "no command" },
		{ "help MICA-FOO-001", "no error code" },
		{ "completion fish", "bash only" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int status = run(wrong[i].args);

		if (!strncmp(wrong[i].args, "store perm", 10) && status == 10)
			continue;		/* the store is opened first */
		if (status != EXIT_USAGE || !strstr(said, wrong[i].says))
			fail_msg("mica %s: %d: %s", wrong[i].args, status, said);
	}
}

/* Lines out of real scripts: known, so they fail for want of a hypervisor and not of a command. */
static void test_xl_spellings(void **state)
{
	static const char *const lines[] = {
		"list", "ls", "vcpu-list", "vcpu-list web", "vcpu-pin web 0 1-3", "vcpu-set web 2",
		"mem-set web 512", "mem-max web 1024", "unpause web", "pause web", "info",
		"sched-credit2 -d web -w 512", "sched-credit2 -d web -c 50", "debug-keys q", "domid web",
		"domname 3", "shutdown -w web", "--yes destroy web", "dmesg", "top -b", "rename a b",
		"reboot web", "uptime", "block-list web", "block-attach web /dev/x raw xvdb w",
		"block-detach web xvdb", "network-list", "network-attach web bridge=lan",
		"network-detach web 0",
	};
	static const char *const refused[] = { "save web f", "pci-attach web 0", "vncviewer web" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (run(lines[i]) != EXIT_NO_HOST)
			fail_msg("mica %s: %s", lines[i], said);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (run(refused[i]) != EXIT_UNSUPPORTED)
			fail_msg("mica %s: %s", refused[i], said);
}

static void test_error_forms(void **state)
{
	assert_int_equal(run("list"), EXIT_NO_HOST);
	assert_int_equal(strncmp(said, "error: ", 7), 0);
	assert_non_null(strstr(said, "[MICA-HOST-001]\n  hint: "));
	assert_int_equal(run("list --format json"), EXIT_NO_HOST);
	assert_int_equal(strncmp(said, "{\"schema\":\"mica/error/1\",\"code\":\"MICA-HOST-001\"", 46), 0);
	assert_int_equal(run("create /nonexistent.cfg"), EXIT_NOT_FOUND);
	assert_non_null(strstr(said, "[MICA-CFG-005]"));
	for (size_t i = 0; mica_code_nth(i); i++) {
		char args[64];

		snprintf(args, sizeof(args), "help %s", mica_code_nth(i)->name);
		assert_int_equal(run(args), 0);
	}
}

static void test_plan_and_formats(void **state)
{
	assert_int_equal(run("run /boot/k --name x --memory 64m --plan"), 0);
	assert_string_equal(said, "would create x: 64 MiB, 1 vCPU, kernel /boot/k\n");
	assert_int_equal(run("run /boot/k --name x --plan --format json"), 0);
	assert_int_equal(strncmp(said, "{\"schema\":\"mica/plan/1\",", 24), 0);
	assert_int_equal(run("version --format json"), 0);
	assert_non_null(strstr(said, "\"schema\":\"mica/version/1\",\"tools\":"));
	assert_int_equal(run("version --format csv --columns hypervisor,tools"), 0);
	assert_int_equal(strncmp(said, "hypervisor,tools\r\nnone,", 23), 0);
	assert_int_equal(run("version --columns nope"), EXIT_USAGE);
	assert_int_equal(run("kernel check /etc/passwd --format jsonl"), EXIT_UNSUPPORTED);
	assert_non_null(strstr(said, "\"fit\":false"));
}

static void test_completion(void **state)
{
	char line[8192];

	snprintf(line, sizeof(line), "%s completion bash | bash -n", program);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof(line), "bash -c 'eval \"$(%s completion bash)\"; COMP_WORDS=(mica sto "
		 "\"\"); COMP_CWORD=1; _mica; echo ${COMPREPLY[*]}' | grep -qw store", program);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof(line), "bash -c 'eval \"$(%s completion bash)\"; COMP_WORDS=(mica store "
		 "w); COMP_CWORD=2; _mica; echo ${COMPREPLY[*]}' | grep -qx \"write watch\"", program);
	assert_int_equal(system(line), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_command_has_help),
		cmocka_unit_test(test_wrong_command_lines), cmocka_unit_test(test_xl_spellings),
		cmocka_unit_test(test_error_forms), cmocka_unit_test(test_plan_and_formats),
		cmocka_unit_test(test_completion),
	};
	char self[2048];

	/* BUILD/unit/this -> BUILD/tools/mica */
	snprintf(self, sizeof(self), "%s", argv[0]);
	snprintf(program, sizeof(program), "%s/../tools/mica", dirname(self));
	if (access(program, X_OK)) {
		fprintf(stderr, "no %s; run make\n", program);
		return 1;
	}
	if (!access("/dev/xen/privcmd", F_OK)) {
		fputs("there is a hypervisor; this test needs a system without one\n", stderr);
		return 1;			/* not run is not passed */
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
