/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/x_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"
#include "ntkd-priv/x_link.h"

static const char ip_forward[] = "ipv4/ip_forward";
static const char all_rp_filter[] = "ipv4/conf/all/rp_filter";
static const char all_redirects[] = "ipv4/conf/all/accept_redirects";
static const char default_forwarding[] = "ipv4/conf/default/forwarding";

static bool
value_write(const char *path, uint32_t value)
{
	int fd = openat(PRIV_FD_SYSCTL, path, O_WRONLY | O_CLOEXEC);
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", value);
	bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
value_read(const char *path, uint32_t *value)
{
	int fd = openat(PRIV_FD_SYSCTL, path, O_RDONLY | O_CLOEXEC);
	char text[12] = "";
	bool ok = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0;

	if (fd >= 0)
		close(fd);
	*value = (uint32_t)strtoul(text, NULL, 10);
	return ok;
}

int
x_sysctl_enable(void)
{
	return value_write(ip_forward, 1) && value_write(all_rp_filter, 0) ? 0 : errno;
}

int
x_sysctl_check(bool *right)
{
	uint32_t forward, filter;

	*right = value_read(ip_forward, &forward) && value_read(all_rp_filter, &filter) &&
	    forward == 1 && filter == 0;
	return *right ? 0 : x_sysctl_enable();
}

static int
note(enum journal_kind kind, int ifindex, const char *path)
{
	struct journal_record r = { .kind = kind, .ifindex = ifindex };

	snprintf(r.path, sizeof(r.path), "%s", path);
	return value_read(path, &r.value) && journal_add(&r) ? 0 : errno;
}

int
x_sysctl_note(enum journal_kind kind, int ifindex, const char *name, const char *what)
{
	char path[JOURNAL_PATH];

	snprintf(path, sizeof(path), "ipv4/conf/%s/%s", name, what);
	return note(kind, ifindex, path);
}

/* Each interface may have been set alone. */
static int
forwarding_note(struct nl_sock *rt, struct rtnl_link *link)
{
	int error = x_sysctl_note(JOURNAL_FORWARDING, rtnl_link_get_ifindex(link),
	    rtnl_link_get_name(link), "forwarding");

	(void)rt;
	/* Gone meanwhile, or without IPv4: nothing to put back. */
	return error == ENOENT ? 0 : error;
}

/* In the reverse of the order in which it must be put back: ip_forward changes the others. */
int
x_sysctl_prepare(struct nl_sock *rt)
{
	uint32_t forward;
	int error = note(JOURNAL_FORWARDING, 0, all_rp_filter);

	if (error != 0 || !value_read(ip_forward, &forward))
		return errno;
	if (forward == 0 && ((error = note(JOURNAL_FORWARDING, 0, all_redirects)) != 0 ||
	    (error = x_link_each(rt, forwarding_note)) != 0 ||
	    (error = note(JOURNAL_FORWARDING, 0, default_forwarding)) != 0 ||
	    (error = note(JOURNAL_FORWARDING, 0, ip_forward)) != 0))
		return error;
	return x_sysctl_enable();
}

struct restoring {
	const struct ledger *l;
	enum journal_kind kind;
	int ifindex;
};

/* Where the setting of R is now: its interface may have got another name.  ENODEV: it is gone. */
static int
path_now(struct nl_sock *rt, const struct journal_record *r, char path[JOURNAL_PATH])
{
	const char *what = strrchr(r->path, '/');
	struct link_facts f;
	int error = 0;

	memcpy(path, r->path, JOURNAL_PATH);
	if (r->ifindex == 0)
		return 0;
	if (what == NULL || (error = x_link_read(rt, r->ifindex, NULL, &f)) != 0)
		return what == NULL ? ENODEV : error;
	return snprintf(path, JOURNAL_PATH, "ipv4/conf/%s%s", f.name, what) < JOURNAL_PATH ? 0 :
	    ENODEV;
}

static bool
restore_one(const struct journal_record *r, void *arg)
{
	const struct restoring *to = arg;
	char path[JOURNAL_PATH];

	if (r->kind != to->kind || (to->ifindex != 0 && r->ifindex != to->ifindex))
		return false;
	errno = path_now(to->l->ns[NS_DEFAULT].rt, r, path);
	if (errno == ENODEV)
		return true;
	if (errno != 0) {
		log_warn("sysctl", "cannot see whose %s is", path);
		return false;
	}
	if (value_write(path, r->value) || errno == ENOENT)
		return true;
	log_warn("sysctl", "cannot put %s back to %u", path, r->value);
	return false;
}

void
x_sysctl_restore(const struct ledger *l, enum journal_kind kind, int ifindex)
{
	struct restoring to = { l, kind, ifindex };

	journal_walk(restore_one, &to);
}
