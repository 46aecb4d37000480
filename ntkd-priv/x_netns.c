/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"
#include "ntkd-priv/journal.h"
#include "ntkd-priv/x_link.h"
#include "ntkd-priv/x_sysctl.h"

enum {
	RT_BUFFER = 1 << 20,	/* bytes; acknowledgements of a batch, dumps of links */
	NFT_BUFFER = 4 << 20,	/* an nftables batch must go out in one piece */
	TRIES = 1000,		/* names and ids that may be somebody else's */
};

void
x_netns_name(uint32_t number, char *name)
{
	snprintf(name, NETNS_NAME, NETNS_PREFIX "%u", number);
}

static void
slot_close(struct ns *n)
{
	nl_socket_free(n->rt);
	nl_socket_free(n->nft);
	if (n->fd >= 0)
		close(n->fd);
	n->rt = n->nft = NULL;
	n->fd = -1;
}

/* Opens the namespace in which the process presently is; 0 or errno. */
static int
slot_open(struct ns *n)
{
	struct stat st;

	n->fd = -1;
	n->rt = nlq_open(NETLINK_ROUTE, RT_BUFFER);
	n->nft = n->rt != NULL ? nlq_open(NETLINK_NETFILTER, NFT_BUFFER) : NULL;
	if (n->nft == NULL)
		return errno != 0 ? errno : ENOMEM;
	/* Without a path: the namespace behind a socket that is in it. */
	n->fd = ioctl(nl_socket_get_fd(n->rt), SIOCGSKNS);
	if (n->fd < 0 || fstat(n->fd, &st) != 0)
		return errno;
	n->st_dev = st.st_dev;
	n->st_ino = st.st_ino;
	return 0;
}

int
x_netns_open_default(struct ledger *l)
{
	return slot_open(&l->ns[NS_DEFAULT]);
}

/* A namespace that is bound to the name would show another owner. */
static bool
is_our_empty_file(const char *name)
{
	struct stat st;

	return fstatat(PRIV_FD_NAMES, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_size == 0 && st.st_uid == geteuid();
}

static bool
record_is_of(const struct journal_record *r, void *arg)
{
	return r->kind == JOURNAL_NAMESPACE && r->value == *(const uint32_t *)arg;
}

/*
 * Makes an empty file with the next name that is nobody's; 0 or errno.  The journal
 * learns of each name before it is tried: a life that ends right here would leave a file
 * that nobody knows.
 */
static int
name_take(struct ledger *l, uint32_t *number)
{
	struct journal_record r = { .kind = JOURNAL_NAMESPACE };
	char name[NETNS_NAME];
	int fd, error = EEXIST;

	for (int i = 0; error == EEXIST && i < TRIES; i++) {
		*number = r.value = l->next_ns_number++;
		x_netns_name(*number, name);
		if (!journal_add(&r))
			return errno;
		if (is_our_empty_file(name))
			unlinkat(PRIV_FD_NAMES, name, 0);
		fd = openat(PRIV_FD_NAMES, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC |
		    O_NOFOLLOW, 0444);
		error = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
		else
			journal_walk(record_is_of, number);
	}
	return error;
}

/*
 * The part inside the new namespace.  The journal learns of it before the name
 * does, so that a next life never finds a bound name that it does not know.
 */
static int
inside_setup(struct ns *n)
{
	struct journal_record r = { .kind = JOURNAL_NAMESPACE, .value = n->number };
	char name[NETNS_NAME];
	int error = slot_open(n);

	if (error != 0)
		return error;
	r.dev = n->st_dev;
	r.ino = n->st_ino;
	x_netns_name(n->number, name);
	if (!journal_add(&r))
		return errno;
	/* The working directory is the names directory. */
	if (mount("/proc/thread-self/ns/net", name, NULL, MS_BIND, NULL) != 0)
		return errno;
	return x_sysctl_enable();
}

static void
back_to_default(const struct ledger *l)
{
	if (setns(l->ns[NS_DEFAULT].fd, CLONE_NEWNET) == 0)
		return;
	/* Everything that follows would happen in the wrong place. */
	log_warn("netns", "cannot return to the default namespace; giving up");
	abort();
}

int
x_netns_settings_check(const struct ledger *l, unsigned ns, bool *right)
{
	int error;

	*right = false;
	if (ns != NS_DEFAULT && setns(l->ns[ns].fd, CLONE_NEWNET) != 0)
		return errno;
	error = x_sysctl_check(right);
	if (ns != NS_DEFAULT)
		back_to_default(l);
	return error;
}

int
x_netns_name_look(const struct ns *n)
{
	char name[NETNS_NAME];
	struct stat st;

	x_netns_name(n->number, name);
	if (fstatat(PRIV_FD_NAMES, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno;
	return st.st_dev == n->st_dev && st.st_ino == n->st_ino ? 0 : EEXIST;
}

/* Has the default namespace call N by the first id from its number on that is nobody's. */
static int
id_take(const struct ledger *l, struct ns *n, struct nlq_error *err)
{
	const struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
	struct nl_msg *m;
	int error = EEXIST;

	for (uint32_t i = 0; error == EEXIST && i < TRIES; i++) {
		n->id = n->number + i;
		m = nlq_message(RTM_NEWNSID, 0, &head, sizeof(head));
		nlq_put_u32(m, NETNSA_NSID, n->id);
		nlq_put_u32(m, NETNSA_FD, (uint32_t)n->fd);
		error = nlq_request(l->ns[NS_DEFAULT].rt, m, err);
	}
	return error;
}

static int
ns_make(struct ledger *l, struct ns *n, uint32_t label, struct nlq_error *err)
{
	char alias[48];
	int error;

	*n = (struct ns){ .slot = n->slot, .fd = -1 };
	ledger_take(l, PRIV_H_NS, (unsigned)(n - l->ns));
	error = name_take(l, &n->number);
	if (error != 0)
		return error;
	if (unshare(CLONE_NEWNET) != 0)
		return errno;
	error = inside_setup(n);
	back_to_default(l);
	if (error == 0)
		error = id_take(l, n, err);
	if (error != 0)
		return error;
	/* Without lo there is no local table, and no gateway would be accepted. */
	snprintf(alias, sizeof(alias), "ntkd identity %u", label);
	return x_link_set(n->rt, NETNS_LO, LINK_UP, alias, err);
}

static bool
cannot(const char *name, const char *what)
{
	log_warn("netns", "the name %s cannot be %s", name, what);
	return false;
}

bool
x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino)
{
	char name[NETNS_NAME];
	struct stat st;

	x_netns_name(number, name);
	if (fstatat(PRIV_FD_NAMES, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || cannot(name, "looked at");
	if (st.st_dev == dev && st.st_ino == ino) {
		if (umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
			return cannot(name, "unmounted");
	} else if (!is_our_empty_file(name)) {
		log_warnx("netns", "the name %s is not ours any more; left alone", name);
		return true;
	}
	return unlinkat(PRIV_FD_NAMES, name, 0) == 0 || cannot(name, "removed");
}

void
x_netns_silence_former(const struct ledger *l, uint32_t number, dev_t dev, ino_t ino)
{
	char name[NETNS_NAME];
	struct nl_sock *rt = NULL;
	struct stat st;
	int fd;

	x_netns_name(number, name);
	/* Without waiting, were it a pipe by now. */
	fd = openat(PRIV_FD_NAMES, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino &&
	    setns(fd, CLONE_NEWNET) == 0) {
		rt = nlq_open(NETLINK_ROUTE, RT_BUFFER);
		back_to_default(l);
	}
	close(fd);
	x_link_each(rt, x_link_silence);
	nl_socket_free(rt);
}

/*
 * Somebody else's descriptor may keep the namespace alive after its name is
 * gone: so that it does not go on answering neighbours, its interfaces fall silent first.
 */
static void
ns_close(struct ledger *l, struct ns *n)
{
	x_link_each(n->rt, x_link_silence);
	if (n->number != 0 && x_netns_remove_name(n->number, n->st_dev, n->st_ino))
		journal_walk(record_is_of, &n->number);
	/* The newest number may be used again: numbers still tell the order of making. */
	if (n->number == l->next_ns_number - 1)
		l->next_ns_number--;
	slot_close(n);
}

void
x_netns_close(struct ledger *l)
{
	for (unsigned i = NS_DEFAULT + 1; i < LEDGER_NAMESPACES; i++) {
		if (l->ns[i].closing)
			ns_close(l, &l->ns[i]);
		l->ns[i].closing = false;
	}
}

int
x_netns_change(struct ledger *l, const struct change *ch, struct nlq_error *err)
{
	const struct obj *o = change_subject(ch);
	int error = 0;

	if (ch->has_to && (error = ns_make(l, &l->ns[o->ns], o->number, err)) == 0)
		return 0;
	l->ns[o->ns].closing = true;
	ledger_forget_ns(l, o->ns);
	ledger_release(l, o);
	return error;
}
