/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which names of namespaces the helper takes for its own: in a directory of this test, with
 * files in the place of namespaces.  The calls that would need rights are recorded only, some of
 * them by the linker (--wrap).
 */
#include "ntkd-priv/x_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <netlink/cache.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_sysctl.h"
#include "tests/unit/tap.h"

enum { NUMBER = 7, OTHERS_UID = 12345 };
#define NAME "ntkv7"

static char dir[] = "/tmp/ntk-netns.XXXXXX";
static char lines[1000];
static int unmounted;		/* how often umount2() was called */
static int unmount_error;	/* what it answers */
static int entered;		/* how often setns() was called */
static bool may_enter;
static int inside;		/* descriptor of where we seem to be; 0: the default namespace */
static struct ledger *world;
static unsigned opened, silent;	/* sockets, interfaces */
static bool no_socket;
static int check_error;

/* --- in the place of the C library's ------------------------------------------------ */

int
umount2(const char *target, int flags)
{
	CU_ASSERT_STRING_EQUAL(target, NAME);
	CU_ASSERT_EQUAL(flags, MNT_DETACH | UMOUNT_NOFOLLOW);
	unmounted++;
	errno = unmount_error;
	return unmount_error != 0 ? -1 : 0;
}

/* Nothing is entered: what would follow there is not tried here. */
int
setns(int fd, int type)
{
	CU_ASSERT(fd >= 0 && type == CLONE_NEWNET);
	entered++;
	if (may_enter && world != NULL)
		inside = fd == world->ns[NS_DEFAULT].fd ? 0 : fd;
	errno = EPERM;
	return may_enter ? 0 : -1;
}

struct nl_sock *__wrap_nlq_open(int protocol, int buffer);
int __wrap_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out);
int __wrap_x_link_silence(struct nl_sock *rt, struct rtnl_link *link);
int __wrap_x_sysctl_check(bool *right);

/* In the namespace itself; what is asked of it afterwards is asked from the default one. */
struct nl_sock *
__wrap_nlq_open(int protocol, int buffer)
{
	CU_ASSERT(protocol == NETLINK_ROUTE && buffer > 0 && inside != 0);
	opened++;
	return no_socket ? NULL : nl_socket_alloc();
}

int
__wrap_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out)
{
	static const char *const names[] = { "lo", "ntkv7_0", "eth0", "ntkv7_1" };

	CU_ASSERT(sk != NULL && family == AF_UNSPEC && inside == 0);
	CU_ASSERT_FATAL(nl_cache_alloc_name("route/link", out) == 0);
	for (int i = 0; i < 4; i++) {
		struct rtnl_link *link = rtnl_link_alloc();

		rtnl_link_set_ifindex(link, i + 1);
		rtnl_link_set_name(link, names[i]);
		CU_ASSERT(nl_cache_add(*out, (struct nl_object *)link) == 0);
		rtnl_link_put(link);
	}
	return 0;
}

int
__wrap_x_link_silence(struct nl_sock *rt, struct rtnl_link *link)
{
	CU_ASSERT(rt != NULL && inside == 0);
	silent |= 1U << rtnl_link_get_ifindex(link);
	return 0;
}

int
__wrap_x_sysctl_check(bool *right)
{
	*right = inside != 0 && check_error == 0;
	return check_error;
}

int
unshare(int flags)
{
	CU_ASSERT_EQUAL(flags, CLONE_NEWNET);
	errno = ENOSPC;
	return -1;
}

/* --- the stage ------------------------------------------------------------------------ */

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
}

static void
put(int fd, int at)
{
	CU_ASSERT_FATAL(fd >= 0 && dup2(fd, at) == at);
	if (fd != at)
		close(fd);
}

static void
stage_open(void)
{
	char journal[] = "/tmp/ntk-netns-journal.XXXXXX";

	put(mkstemp(journal), PRIV_FD_JOURNAL);
	unlink(journal);
	put(open(dir, O_RDONLY | O_DIRECTORY), PRIV_FD_NAMES);
	unlinkat(PRIV_FD_NAMES, NAME, 0);
	unlinkat(PRIV_FD_NAMES, NAME, AT_REMOVEDIR);
	unmounted = unmount_error = entered = inside = check_error = 0;
	opened = silent = 0;
	may_enter = no_socket = false;
	world = NULL;
	lines[0] = '\0';
	log_set_hook(on_line, NULL);
}

static struct stat
file_make(const char *text)
{
	int fd = openat(PRIV_FD_NAMES, NAME, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	struct stat st;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CU_ASSERT_FATAL(fstat(fd, &st) == 0);
	close(fd);
	return st;
}

static bool
is_there(void)
{
	return faccessat(PRIV_FD_NAMES, NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
told(const char *text)
{
	return strstr(lines, text) != NULL;
}

/* --- removing a name --------------------------------------------------------------------- */

static void
test_absent(void)
{
	stage_open();
	CU_ASSERT_TRUE(x_netns_remove_name(NUMBER, 1, 1));
	CU_ASSERT_EQUAL(unmounted, 0);
	CU_ASSERT_STRING_EQUAL(lines, "");
}

/* The namespace itself: unmounted, then the file below is removed. */
static void
test_ours(void)
{
	struct stat st;

	stage_open();
	st = file_make("a namespace");
	CU_ASSERT_TRUE(x_netns_remove_name(NUMBER, st.st_dev, st.st_ino));
	CU_ASSERT_EQUAL(unmounted, 1);
	CU_ASSERT_FALSE(is_there());
	CU_ASSERT_STRING_EQUAL(lines, "");
}

static void
test_busy(void)
{
	struct stat st;

	stage_open();
	st = file_make("a namespace");
	unmount_error = EBUSY;
	CU_ASSERT_FALSE(x_netns_remove_name(NUMBER, st.st_dev, st.st_ino));
	CU_ASSERT_TRUE(is_there());
	CU_ASSERT_TRUE(told("the name " NAME " cannot be unmounted"));
}

/* What cannot even be looked at is not settled. */
static void
test_blind(void)
{
	stage_open();
	file_make("a namespace");
	close(PRIV_FD_NAMES);
	CU_ASSERT_FALSE(x_netns_remove_name(NUMBER, 1, 1));
	CU_ASSERT_EQUAL(unmounted, 0);
	CU_ASSERT_TRUE(told("the name " NAME " cannot be looked at"));
}

static void
test_not_removable(void)
{
	struct stat st;

	stage_open();
	CU_ASSERT_FATAL(mkdirat(PRIV_FD_NAMES, NAME, 0755) == 0);
	CU_ASSERT_FATAL(fstatat(PRIV_FD_NAMES, NAME, &st, 0) == 0);
	CU_ASSERT_FALSE(x_netns_remove_name(NUMBER, st.st_dev, st.st_ino));
	CU_ASSERT_EQUAL(unmounted, 1);
	CU_ASSERT_TRUE(told("the name " NAME " cannot be removed"));
}

/* It is neither unmounted nor removed, and settled. */
static void
left_alone(dev_t dev, ino_t ino)
{
	unmounted = 0;
	lines[0] = '\0';
	CU_ASSERT_TRUE(x_netns_remove_name(NUMBER, dev, ino));
	CU_ASSERT_EQUAL(unmounted, 0);
	CU_ASSERT_TRUE(is_there());
	CU_ASSERT_TRUE(told("the name " NAME " is not ours any more; left alone"));
}

static void
test_foreign(void)
{
	struct stat st;

	stage_open();
	st = file_make("somebody else's");
	left_alone(st.st_dev + 1, st.st_ino);
	left_alone(st.st_dev, st.st_ino + 1);
	/* A link that leads to it is not it. */
	CU_ASSERT_FATAL(renameat(PRIV_FD_NAMES, NAME, PRIV_FD_NAMES, "moved") == 0);
	CU_ASSERT_FATAL(symlinkat("moved", PRIV_FD_NAMES, NAME) == 0);
	left_alone(st.st_dev, st.st_ino);
	CU_ASSERT_FATAL(unlinkat(PRIV_FD_NAMES, NAME, 0) == 0);
	CU_ASSERT_FATAL(unlinkat(PRIV_FD_NAMES, "moved", 0) == 0);
	/* A pipe of ours is as empty as a file. */
	CU_ASSERT_FATAL(mkfifoat(PRIV_FD_NAMES, NAME, 0644) == 0);
	left_alone(st.st_dev + 1, st.st_ino);
}

/* An empty file of ours is a name on which nothing was bound, or not any more. */
static void
test_empty(void)
{
	struct stat st;

	stage_open();
	st = file_make("");
	CU_ASSERT_TRUE(x_netns_remove_name(NUMBER, st.st_dev + 1, st.st_ino));
	CU_ASSERT_EQUAL(unmounted, 0);
	CU_ASSERT_FALSE(is_there());
	CU_ASSERT_STRING_EQUAL(lines, "");
}

static void
test_empty_foreign(void)
{
	struct stat st;

	if (geteuid() != 0) {
		tap_skip("only root can make files of others");
		return;
	}
	stage_open();
	st = file_make("");
	CU_ASSERT_FATAL(fchownat(PRIV_FD_NAMES, NAME, OTHERS_UID, 0, 0) == 0);
	left_alone(st.st_dev + 1, st.st_ino);
}

/* --- a previous life ------------------------------------------------------------------------ */

static void
test_former(void)
{
	static struct ledger l;
	struct stat st;

	stage_open();
	l.ns[NS_DEFAULT].fd = PRIV_FD_NAMES;
	x_netns_silence_former(&l, NUMBER, 1, 1);
	CU_ASSERT_EQUAL(entered, 0);
	st = file_make("a namespace");
	x_netns_silence_former(&l, NUMBER, st.st_dev + 1, st.st_ino);
	x_netns_silence_former(&l, NUMBER, st.st_dev, st.st_ino + 1);
	CU_ASSERT_EQUAL(entered, 0);
	x_netns_silence_former(&l, NUMBER, st.st_dev, st.st_ino);
	CU_ASSERT_EQUAL(entered, 1);
}

/* Every interface of it is looked at, from where we were before. */
static void
test_silenced(void)
{
	static struct ledger l;
	struct stat st;

	stage_open();
	world = &l;
	may_enter = true;
	l.ns[NS_DEFAULT].fd = PRIV_FD_NAMES;
	st = file_make("a namespace");
	x_netns_silence_former(&l, NUMBER, st.st_dev, st.st_ino);
	CU_ASSERT(entered == 2 && inside == 0 && opened == 1);
	CU_ASSERT_EQUAL(silent, 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4);
	no_socket = true;
	silent = 0;
	x_netns_silence_former(&l, NUMBER, st.st_dev, st.st_ino);
	CU_ASSERT(entered == 4 && inside == 0 && opened == 2 && silent == 0);
}

/* --- looking at it ------------------------------------------------------------------------- */

static void
test_name_look(void)
{
	struct ns n = { .number = NUMBER };
	struct stat st;

	stage_open();
	CU_ASSERT_EQUAL(x_netns_name_look(&n), ENOENT);
	st = file_make("a namespace");
	n.st_dev = st.st_dev;
	n.st_ino = st.st_ino;
	CU_ASSERT_EQUAL(x_netns_name_look(&n), 0);
	n.st_dev++;
	CU_ASSERT_EQUAL(x_netns_name_look(&n), EEXIST);
	n.st_dev--;
	n.st_ino++;
	CU_ASSERT_EQUAL(x_netns_name_look(&n), EEXIST);
	n.st_ino--;
	/* A link that leads to it is not it. */
	CU_ASSERT_FATAL(renameat(PRIV_FD_NAMES, NAME, PRIV_FD_NAMES, "moved") == 0);
	CU_ASSERT_FATAL(symlinkat("moved", PRIV_FD_NAMES, NAME) == 0);
	CU_ASSERT_EQUAL(x_netns_name_look(&n), EEXIST);
	CU_ASSERT_FATAL(unlinkat(PRIV_FD_NAMES, "moved", 0) == 0);
}

/* Settings are looked at inside, and we return. */
static void
test_settings(void)
{
	static struct ledger l;
	bool right = true;

	stage_open();
	world = &l;
	l.ns[NS_DEFAULT].fd = PRIV_FD_NAMES;
	l.ns[1].fd = PRIV_FD_JOURNAL;
	CU_ASSERT_EQUAL(x_netns_settings_check(&l, 1, &right), EPERM);
	CU_ASSERT_FALSE(right);
	CU_ASSERT_EQUAL(entered, 1);
	may_enter = true;
	CU_ASSERT_EQUAL(x_netns_settings_check(&l, 1, &right), 0);
	CU_ASSERT(right && inside == 0 && entered == 3);
	check_error = EROFS;
	CU_ASSERT_EQUAL(x_netns_settings_check(&l, 1, &right), EROFS);
	CU_ASSERT(!right && inside == 0 && entered == 5);
	/* We are in the default one already. */
	check_error = 0;
	CU_ASSERT_EQUAL(x_netns_settings_check(&l, NS_DEFAULT, &right), 0);
	CU_ASSERT(!right && entered == 5);
}

/* No descriptor is left open. */
static void
test_closes(void)
{
	static struct ledger l;
	struct stat st;
	int before, after;

	stage_open();
	st = file_make("a namespace");
	before = dup(PRIV_FD_NAMES);
	close(before);
	x_netns_silence_former(&l, NUMBER, st.st_dev, st.st_ino);
	after = dup(PRIV_FD_NAMES);
	close(after);
	CU_ASSERT_EQUAL(before, after);
}

/* --- the journal ------------------------------------------------------------------------------ */

static bool
count(const struct journal_record *r, void *arg)
{
	uint32_t *n = arg;

	CU_ASSERT(r->kind == JOURNAL_LABELS || r->value == NUMBER + 1);
	(*n)++;
	return false;
}

/* A namespace that could not be made leaves no name, and of the journal only what is about others. */
static void
test_not_made(void)
{
	static struct ledger l;
	const struct journal_record others[] = {
		{ .kind = JOURNAL_LABELS, .value = NUMBER },
		{ .kind = JOURNAL_NAMESPACE, .value = NUMBER + 1 },
	};
	const struct change made = { .has_to = true, .to = { .kind = OBJ_NS, .ns = 1 } };
	static const struct conf conf;
	struct nlq_error err;
	uint32_t n = 0;

	stage_open();
	CU_ASSERT(journal_add(&others[0]) && journal_add(&others[1]));
	ledger_init(&l, &conf);
	l.next_ns_number = NUMBER;
	CU_ASSERT_EQUAL(x_netns_change(&l, &made, &err), ENOSPC);
	x_netns_close(&l);
	CU_ASSERT_FALSE(is_there());
	CU_ASSERT_EQUAL(l.next_ns_number, NUMBER);
	CU_ASSERT_FALSE(l.ns[1].slot.used);
	journal_walk(count, &n);
	CU_ASSERT_EQUAL(n, 2);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "a name that is gone needs nothing", test_absent },
		{ "our namespace is unbound and its name removed", test_ours },
		{ "one that cannot be unbound keeps its name", test_busy },
		{ "one that cannot be looked at is told", test_blind },
		{ "one that cannot be removed is told", test_not_removable },
		{ "whatever else stands there is left alone", test_foreign },
		{ "an empty file of ours is removed", test_empty },
		{ "an empty file of somebody else is left alone", test_empty_foreign },
		{ "only the namespace of a previous life is entered", test_former },
		{ "its interfaces are silenced", test_silenced },
		{ "a look at it leaves no descriptor", test_closes },
		{ "what the name shows", test_name_look },
		{ "settings inside", test_settings },
		{ "what could not be made leaves no name and no record", test_not_made },
	};
	int status;

	if (mkdtemp(dir) == NULL)
		return 1;
	status = TAP_RUN(tests);
	unlinkat(PRIV_FD_NAMES, NAME, 0);
	rmdir(dir);
	return status;
}
