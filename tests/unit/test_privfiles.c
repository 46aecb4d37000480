/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the helper writes into files: settings of system and interfaces, noted in the journal
 * before and put back from there, in a directory of this test in the place of /proc/sys/net; and
 * names of tables.  Functions that ask the kernel are replaced by the linker (--wrap).
 */
#include <errno.h>
#include <fcntl.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/names.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_sysctl.h"
#include "tests/unit/tap.h"

enum { LINKS = 4 };

static char dir[] = "/tmp/ntk-files.XXXXXX";
static char lines[2000];
static struct ledger ledger;
static char rt;				/* in the place of a socket */
static int read_error;			/* of x_link_read() */
static int cache_error;
static char name_now[CONF_IFNAME];	/* of interface 2 */

/* --- in the place of the kernel's --------------------------------------------------- */

int __wrap_x_link_read(struct nl_sock *sk, int ifindex, const char *name, struct link_facts *out);
int __wrap_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out);

int
__wrap_x_link_read(struct nl_sock *sk, int ifindex, const char *name, struct link_facts *out)
{
	const char *const names[] = { "", "lo", name_now, "eth3" };

	CU_ASSERT_FATAL((char *)sk == &rt && name == NULL && ifindex > 0 && ifindex < LINKS);
	memset(out, 0, sizeof(*out));
	if (read_error == 0)
		snprintf(out->name, sizeof(out->name), "%s", names[ifindex]);
	return read_error;
}

int
__wrap_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out)
{
	static const char *const names[LINKS] = { "lo", "eth2", "eth3", "bare" };

	CU_ASSERT((char *)sk == &rt && family == AF_UNSPEC);
	if (cache_error != 0)
		return -cache_error;
	CU_ASSERT_FATAL(nl_cache_alloc_name("route/link", out) == 0);
	for (int i = 0; i < LINKS; i++) {
		struct rtnl_link *link = rtnl_link_alloc();

		rtnl_link_set_ifindex(link, i + 1);
		rtnl_link_set_name(link, names[i]);
		CU_ASSERT(nl_cache_add(*out, (struct nl_object *)link) == 0);
		rtnl_link_put(link);
	}
	return 0;
}

/* --- the stage ------------------------------------------------------------------------ */

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
}

static bool
said(const char *text)
{
	bool is = text != NULL ? strstr(lines, text) != NULL : lines[0] == '\0';

	lines[0] = '\0';
	return is;
}

static void
put_at(int fd, int at)
{
	CU_ASSERT_FATAL(fd >= 0 && dup2(fd, at) == at);
	if (fd != at)
		close(fd);
}

static void
file_write(const char *path, const char *text)
{
	FILE *f;
	char whole[200];

	snprintf(whole, sizeof(whole), "%s/%s", dir, path);
	f = fopen(whole, "w");
	CU_ASSERT_FATAL(f != NULL);
	fputs(text, f);
	fclose(f);
}

/* What is not cut off stays: the kernel's files have no length. */
static bool
file_is(const char *path, const char *want)
{
	char whole[200], have[400] = "";
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", dir, path);
	f = fopen(whole, "r");
	if (f == NULL)
		return want == NULL;
	have[fread(have, 1, sizeof(have) - 1, f)] = '\0';
	fclose(f);
	if (want == NULL || strcmp(have, want) != 0)
		tap_note("%s: %s", path, have);
	return want != NULL && strcmp(have, want) == 0;
}

static const struct {
	const char *path;
	const char *value;
} settings[] = {
	{ "ipv4/ip_forward", "0\n" },
	{ "ipv4/conf/all/rp_filter", "2\n" },
	{ "ipv4/conf/all/accept_redirects", "1\n" },
	{ "ipv4/conf/default/forwarding", "3\n" },
	{ "ipv4/conf/lo/forwarding", "4\n" },
	{ "ipv4/conf/eth2/forwarding", "5\n" },
	{ "ipv4/conf/eth3/forwarding", "6\n" },
	{ "ipv4/conf/eth2/rp_filter", "7\n" },
	{ "ipv4/conf/eth3/rp_filter", "8\n" },
};

static void
begin(void)
{
	char command[200], journal[] = "/tmp/ntk-files-journal.XXXXXX";
	const struct conf conf = { .routing_protocol = 15, .tables = { 251, 200 } };

	put_at(mkstemp(journal), PRIV_FD_JOURNAL);
	unlink(journal);
	snprintf(command, sizeof(command), "rm -rf %s/* && cd %s && mkdir -p run "
	    "ipv4/conf/all ipv4/conf/default ipv4/conf/lo ipv4/conf/eth2 ipv4/conf/eth3", dir, dir);
	CU_ASSERT_FATAL(system(command) == 0);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		file_write(settings[i].path, settings[i].value);
	put_at(open(dir, O_RDONLY | O_DIRECTORY), PRIV_FD_SYSCTL);
	put_at(openat(PRIV_FD_SYSCTL, "run", O_RDONLY | O_DIRECTORY), PRIV_FD_RUN);
	ledger_init(&ledger, &conf);
	ledger.ns[NS_DEFAULT].rt = (struct nl_sock *)&rt;
	read_error = cache_error = 0;
	snprintf(name_now, sizeof(name_now), "eth2");
	lines[0] = '\0';
	log_set_hook(on_line, NULL);
}

/* The kinds and values that are noted, newest last. */
static unsigned
records(void)
{
	struct journal_record r;
	unsigned n = 0;

	for (off_t at = 0; pread(PRIV_FD_JOURNAL, &r, sizeof(r), at) == (ssize_t)sizeof(r);
	    at += (off_t)sizeof(r))
		n += r.kind != JOURNAL_GONE;
	return n;
}

static bool
noted(enum journal_kind kind, int ifindex, const char *path, uint32_t value)
{
	struct journal_record r;

	for (off_t at = 0; pread(PRIV_FD_JOURNAL, &r, sizeof(r), at) == (ssize_t)sizeof(r);
	    at += (off_t)sizeof(r))
		if (r.kind == kind && r.ifindex == ifindex && strcmp(r.path, path) == 0)
			return r.value == value;
	return false;
}

static void
setting_remove(const char *path)
{
	CU_ASSERT_EQUAL(unlinkat(PRIV_FD_SYSCTL, path, 0), 0);
}

/* --- forwarding ---------------------------------------------------------------------- */

static void
test_prepare(void)
{
	begin();
	CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), 0);
	CU_ASSERT_EQUAL(records(), 7);
	CU_ASSERT(noted(JOURNAL_FORWARDING, 0, "ipv4/conf/all/rp_filter", 2));
	CU_ASSERT(noted(JOURNAL_FORWARDING, 0, "ipv4/conf/all/accept_redirects", 1));
	CU_ASSERT(noted(JOURNAL_FORWARDING, 1, "ipv4/conf/lo/forwarding", 4));
	CU_ASSERT(noted(JOURNAL_FORWARDING, 2, "ipv4/conf/eth2/forwarding", 5));
	CU_ASSERT(noted(JOURNAL_FORWARDING, 3, "ipv4/conf/eth3/forwarding", 6));
	CU_ASSERT(noted(JOURNAL_FORWARDING, 0, "ipv4/conf/default/forwarding", 3));
	CU_ASSERT(noted(JOURNAL_FORWARDING, 0, "ipv4/ip_forward", 0));
	CU_ASSERT(file_is("ipv4/ip_forward", "1\n") && file_is("ipv4/conf/all/rp_filter", "0\n"));
	/* The kernel sets all the others then. */
	file_write("ipv4/conf/eth2/forwarding", "1\n");
	file_write("ipv4/conf/all/accept_redirects", "0\n");
	x_sysctl_restore(&ledger, JOURNAL_FORWARDING, 0);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		CU_ASSERT(file_is(settings[i].path, settings[i].value));
	CU_ASSERT_EQUAL(records(), 0);
	CU_ASSERT(said(NULL));
	/* Where forwarding is on already nothing else changes. */
	file_write("ipv4/ip_forward", "1\n");
	CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), 0);
	CU_ASSERT_EQUAL(records(), 1);
}

/* Nothing is written that was not noted. */
static void
test_not_noted(void)
{
	static const char *const needed[] = { "ipv4/conf/all/rp_filter", "ipv4/ip_forward",
		"ipv4/conf/all/accept_redirects", "ipv4/conf/default/forwarding" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		begin();
		setting_remove(needed[i]);
		CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), ENOENT);
		CU_ASSERT(i == 1 || file_is("ipv4/ip_forward", "0\n"));
		CU_ASSERT(i == 0 || file_is("ipv4/conf/all/rp_filter", "2\n"));
	}
	begin();
	cache_error = NLE_NOMEM;
	CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), EIO);
	CU_ASSERT(file_is("ipv4/ip_forward", "0\n"));
	begin();
	close(PRIV_FD_JOURNAL);
	CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), EBADF);
	CU_ASSERT_EQUAL(x_sysctl_note(JOURNAL_INTERFACE, 2, "eth2", "rp_filter"), EBADF);
	CU_ASSERT(file_is("ipv4/ip_forward", "0\n") && file_is("ipv4/conf/all/rp_filter", "2\n"));
	/* One interface that cannot be read, and is not gone; the rest is not asked. */
	begin();
	setting_remove("ipv4/conf/eth2/forwarding");
	CU_ASSERT_EQUAL(mkdirat(PRIV_FD_SYSCTL, "ipv4/conf/eth2/forwarding", 0755), 0);
	CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), EISDIR);
	CU_ASSERT(file_is("ipv4/ip_forward", "0\n") && file_is("ipv4/conf/all/rp_filter", "2\n"));
	CU_ASSERT_FALSE(noted(JOURNAL_FORWARDING, 3, "ipv4/conf/eth3/forwarding", 6));
}

static void
test_check(void)
{
	bool right = true;

	begin();
	CU_ASSERT_EQUAL(x_sysctl_check(&right), 0);
	CU_ASSERT_FALSE(right);
	CU_ASSERT(file_is("ipv4/ip_forward", "1\n") && file_is("ipv4/conf/all/rp_filter", "0\n"));
	CU_ASSERT_EQUAL(x_sysctl_check(&right), 0);
	CU_ASSERT_TRUE(right);
	file_write("ipv4/ip_forward", "0\n");
	CU_ASSERT_EQUAL(x_sysctl_check(&right), 0);
	CU_ASSERT_FALSE(right);
	file_write("ipv4/conf/all/rp_filter", "1\n");
	CU_ASSERT_EQUAL(x_sysctl_check(&right), 0);
	CU_ASSERT_FALSE(right);
	CU_ASSERT(file_is("ipv4/conf/all/rp_filter", "0\n"));
	/* What says nothing is not 0. */
	file_write("ipv4/conf/all/rp_filter", "");
	CU_ASSERT_EQUAL(x_sysctl_check(&right), 0);
	CU_ASSERT_FALSE(right);
	setting_remove("ipv4/conf/all/rp_filter");
	CU_ASSERT_EQUAL(x_sysctl_check(&right), ENOENT);
	CU_ASSERT_FALSE(right);
	setting_remove("ipv4/ip_forward");
	file_write("ipv4/conf/all/rp_filter", "0\n");
	CU_ASSERT_EQUAL(x_sysctl_check(&right), ENOENT);
	CU_ASSERT_FALSE(right);
	CU_ASSERT_EQUAL(records(), 0);
}

/* --- interfaces ------------------------------------------------------------------------ */

static void
interfaces_note(void)
{
	begin();
	CU_ASSERT_EQUAL(x_sysctl_note(JOURNAL_INTERFACE, 2, "eth2", "rp_filter"), 0);
	CU_ASSERT_EQUAL(x_sysctl_note(JOURNAL_INTERFACE, 3, "eth3", "rp_filter"), 0);
	CU_ASSERT_EQUAL(records(), 2);
	CU_ASSERT(noted(JOURNAL_INTERFACE, 2, "ipv4/conf/eth2/rp_filter", 7));
	file_write("ipv4/conf/eth2/rp_filter", "0\n");
	file_write("ipv4/conf/eth3/rp_filter", "0\n");
}

static void
test_interfaces(void)
{
	interfaces_note();
	x_sysctl_restore(&ledger, JOURNAL_FORWARDING, 0);
	CU_ASSERT_EQUAL(records(), 2);
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 2);
	CU_ASSERT_EQUAL(records(), 1);
	CU_ASSERT(file_is("ipv4/conf/eth2/rp_filter", "7\n"));
	CU_ASSERT(file_is("ipv4/conf/eth3/rp_filter", "0\n"));
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT_EQUAL(records(), 0);
	CU_ASSERT(file_is("ipv4/conf/eth3/rp_filter", "8\n"));
	CU_ASSERT_EQUAL(x_sysctl_note(JOURNAL_INTERFACE, 2, "eth9", "rp_filter"), ENOENT);
	CU_ASSERT(said(NULL));
}

/* The interface is what its number says, whatever it is called by now. */
static void
test_renamed(void)
{
	interfaces_note();
	snprintf(name_now, sizeof(name_now), "lo");
	file_write("ipv4/conf/lo/rp_filter", "0\n");
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 2);
	CU_ASSERT(file_is("ipv4/conf/lo/rp_filter", "7\n"));
	CU_ASSERT(file_is("ipv4/conf/eth2/rp_filter", "0\n"));
	CU_ASSERT_EQUAL(records(), 1);
}

static void
test_not_put_back(void)
{
	struct journal_record odd = { .kind = JOURNAL_INTERFACE, .ifindex = 2, .path = "nothing" };
	char cut[JOURNAL_PATH + 20];

	/* It is gone: settled.  Whether it is gone cannot be seen: it stays. */
	interfaces_note();
	read_error = EIO;
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT_EQUAL(records(), 2);
	CU_ASSERT(said("cannot see whose ipv4/conf/eth2/rp_filter is"));
	read_error = ENODEV;
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT_EQUAL(records(), 0);
	CU_ASSERT(said(NULL));
	/* So it is with its setting. */
	interfaces_note();
	setting_remove("ipv4/conf/eth2/rp_filter");
	setting_remove("ipv4/conf/eth3/rp_filter");
	CU_ASSERT_EQUAL(mkdirat(PRIV_FD_SYSCTL, "ipv4/conf/eth3/rp_filter", 0755), 0);
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT_EQUAL(records(), 1);
	CU_ASSERT(said("cannot put ipv4/conf/eth3/rp_filter back to 8: Is a directory"));
	/* A record that names no setting of an interface. */
	begin();
	CU_ASSERT(journal_add(&odd));
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT_EQUAL(records(), 0);
	/* One that would not fit any more is not written somewhere else. */
	memset(odd.path, '/', sizeof(odd.path) - 1);
	memset(odd.path + 1, 'a', sizeof(odd.path) - 2);
	odd.value = 1;
	snprintf(name_now, sizeof(name_now), "eth2");
	CU_ASSERT(journal_add(&odd));
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT_EQUAL(records(), 0);
	CU_ASSERT(said(NULL));
	/* Not by one byte, either. */
	odd.path[JOURNAL_PATH - strlen("ipv4/conf/eth2")] = '\0';
	snprintf(cut, sizeof(cut), "ipv4/conf/eth2%s", odd.path);
	cut[JOURNAL_PATH - 1] = '\0';
	file_write(cut, "5\n");
	CU_ASSERT(journal_add(&odd));
	x_sysctl_restore(&ledger, JOURNAL_INTERFACE, 0);
	CU_ASSERT(file_is(cut, "5\n"));
	CU_ASSERT_EQUAL(records(), 0);
}

/* No descriptor is left open. */
static void
test_closes(void)
{
	bool right;
	int before, after;

	begin();
	before = dup(PRIV_FD_RUN);
	close(before);
	CU_ASSERT_EQUAL(x_sysctl_prepare((struct nl_sock *)&rt), 0);
	x_sysctl_check(&right);
	x_sysctl_restore(&ledger, JOURNAL_FORWARDING, 0);
	names_write(&ledger);
	after = dup(PRIV_FD_RUN);
	close(after);
	CU_ASSERT_EQUAL(before, after);
}

/* --- names of tables ------------------------------------------------------------------- */

static const char names[] = "251\tntk\n250\tntk_from_00:16:3E:FD:E2:AA\n"
    "1000\tntk_from_02:00:00:00:00:01\n";

static void
peers_make(void)
{
	begin();
	ledger.peer[PEER_NTK].table = 251;
	ledger.peer[1] = (struct peer){ .slot = { true, 1 }, .table = 250,
		.mac = { { 0, 0x16, 0x3e, 0xfd, 0xe2, 0xaa } } };
	ledger.peer[2] = (struct peer){ .table = 249 };
	ledger.peer[LEDGER_PEERS - 1] = (struct peer){ .slot = { true, 1 }, .table = 1000,
		.mac = { { 2, 0, 0, 0, 0, 1 } } };
}

static void
test_names(void)
{
	peers_make();
	file_write("run/rt_tables.new", "what a life that was killed left, and longer than all of it: "
	    "what a life that was killed left, and longer than all of it");
	names_write(&ledger);
	CU_ASSERT(file_is("run/rt_tables", names));
	CU_ASSERT(file_is("run/rt_tables.new", NULL));
	ledger.peer[1].slot.used = false;
	names_write(&ledger);
	CU_ASSERT(file_is("run/rt_tables", "251\tntk\n1000\tntk_from_02:00:00:00:00:01\n"));
	CU_ASSERT(said(NULL));
	file_write("run/rt_tables.new", "");
	names_remove();
	CU_ASSERT(file_is("run/rt_tables", NULL) && file_is("run/rt_tables.new", NULL));
}

/* The list that is there stays whole when there cannot be a new one. */
static void
test_names_not_written(void)
{
	struct rlimit all, little;

	peers_make();
	names_write(&ledger);
	/* Nobody's link is followed. */
	CU_ASSERT_EQUAL(symlinkat("../ipv4/ip_forward", PRIV_FD_RUN, "rt_tables.new"), 0);
	names_write(&ledger);
	CU_ASSERT(said("the names of tables cannot be written"));
	CU_ASSERT(file_is("ipv4/ip_forward", "0\n"));
	CU_ASSERT(file_is("run/rt_tables", names));
	/* No room: for the first line, for the last one. */
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &all), 0);
	for (rlim_t room = 3; room < sizeof(names); room += 30) {
		little = (struct rlimit){ room, all.rlim_max };
		CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &little), 0);
		names_write(&ledger);
		CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &all), 0);
		CU_ASSERT(said("the names of tables cannot be written"));
		CU_ASSERT(file_is("run/rt_tables", names));
		CU_ASSERT(file_is("run/rt_tables.new", NULL));
	}
	/* Something that cannot be replaced has the name. */
	names_remove();
	CU_ASSERT_EQUAL(mkdirat(PRIV_FD_RUN, "rt_tables", 0755), 0);
	names_write(&ledger);
	CU_ASSERT(said("the names of tables cannot be written"));
	CU_ASSERT(file_is("run/rt_tables.new", NULL));
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "forwarding is noted, switched on, and put back", test_prepare },
		{ "what cannot be noted is not changed", test_not_noted },
		{ "a look at what is switched on", test_check },
		{ "settings of interfaces", test_interfaces },
		{ "an interface that was renamed", test_renamed },
		{ "what cannot be put back", test_not_put_back },
		{ "no descriptor is left open", test_closes },
		{ "names of tables", test_names },
		{ "names that cannot be written", test_names_not_written },
	};
	char command[100];
	int status;

	signal(SIGXFSZ, SIG_IGN);
	if (mkdtemp(dir) == NULL)
		return 1;
	status = TAP_RUN(tests);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? status : 1;
}
