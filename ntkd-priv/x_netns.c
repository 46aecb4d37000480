/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	NAME_TRIES = 1000,	/* names that may be somebody else's */
};

/* lo has this index in every namespace. */
enum { LO_INDEX = 1 };

static void
name_print(uint32_t number, char *name)
{
	snprintf(name, NETNS_NAME, "ntkv%u", number);
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

/* Makes an empty file with the next name that is nobody's; 0 or errno. */
static int
name_take(struct ledger *l, uint32_t *number)
{
	char name[NETNS_NAME];
	int fd = -1;

	for (int i = 0; fd < 0 && i < NAME_TRIES; i++) {
		*number = l->next_ns_number++;
		name_print(*number, name);
		fd = openat(PRIV_FD_NAMES, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC |
		    O_NOFOLLOW, 0444);
		if (fd < 0 && errno != EEXIST)
			return errno;
	}
	if (fd < 0)
		return EEXIST;
	close(fd);
	return 0;
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
	name_print(n->number, name);
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
	if (error != 0)
		return error;
	/* Without lo there is no local table, and no gateway would be accepted. */
	snprintf(alias, sizeof(alias), "ntkd identity %u", label);
	return x_link_set(n->rt, LO_INDEX, LINK_UP, alias, err);
}

bool
x_netns_remove_name(uint32_t number, dev_t dev, ino_t ino)
{
	char name[NETNS_NAME];
	struct stat st;

	name_print(number, name);
	if (fstatat(PRIV_FD_NAMES, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	if (st.st_dev == dev && st.st_ino == ino) {
		if (umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
			return false;
	} else if (!S_ISREG(st.st_mode) || st.st_size != 0 || st.st_uid != geteuid()) {
		return false;
	}
	return unlinkat(PRIV_FD_NAMES, name, 0) == 0;
}

/*
 * Somebody else's descriptor may keep the namespace alive after its name is
 * gone: so that it does not go on answering neighbours, its interfaces go down first.
 */
static void
ns_silence(const struct ledger *l, unsigned ns)
{
	struct nlq_error ignored;

	for (unsigned i = CONF_INTERFACES + 1; i < LEDGER_DEVS; i++)
		if (l->dev[i].slot.used && l->dev[i].ns == ns)
			x_link_set(l->ns[ns].rt, l->dev[i].ifindex, LINK_DOWN, NULL, &ignored);
}

static void
ns_remove(struct ledger *l, unsigned ns)
{
	struct ns *n = &l->ns[ns];

	if (n->rt != NULL)
		ns_silence(l, ns);
	if (n->number != 0 && !x_netns_remove_name(n->number, n->st_dev, n->st_ino))
		log_warnx("netns", "the name ntkv%u is not ours any more; left alone", n->number);
	journal_forget_namespace(n->number);
	/* The newest number may be used again: numbers still tell the order of making. */
	if (n->number == l->next_ns_number - 1)
		l->next_ns_number--;
	slot_close(n);
}

int
x_netns_change(struct ledger *l, const struct change *ch, struct nlq_error *err)
{
	const struct obj *o = change_subject(ch);
	int error = 0;

	if (ch->has_to && (error = ns_make(l, &l->ns[o->ns], o->number, err)) == 0)
		return 0;
	ns_remove(l, o->ns);
	ledger_forget_ns(l, o->ns);
	ledger_release(l, o);
	return error;
}
