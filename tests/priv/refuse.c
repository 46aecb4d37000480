/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/privfd.h"

enum {
	NO_SUCH_ROUTE_TYPE = 0x7fff,	/* above RTM_MAX for years to come */
	NO_SUCH_NFT_TYPE = NFNL_SUBSYS_NFTABLES << 8 | 0xff,
	SPOILT_MAX = 64,
	FDS = 1024,
};

static struct refuse nothing, *refuse = &nothing;
static uint32_t spoilt[SPOILT_MAX];	/* sequence numbers; their answers get our errno */
static size_t n_spoilt;
static bool is_nft_socket[FDS];	/* messages of the two kinds have the same numbers */

/* Mapped before main(), since later no file can be opened. */
static void __attribute__((constructor))
refuse_map(void)
{
	int fd = open(REFUSE_FILE, O_RDWR | O_CLOEXEC);
	void *at = MAP_FAILED;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*refuse), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at != MAP_FAILED)
		refuse = at;
}

static uint64_t
hash_add(uint64_t h, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Counts one call, WHAT with the contents DATA; true when it shall be refused. */
static bool
is_refused(const char *what, const void *data, size_t len)
{
	uint64_t h = hash_add(hash_add(UINT64_C(0xcbf29ce484222325), what, strlen(what)), data, len);
	bool is;

	if (refuse->only[0] != '\0')
		return strncmp(what, refuse->only, strlen(refuse->only)) == 0;
	if (!refuse->armed)
		return false;
	is = ++refuse->seen == refuse->at || (refuse->hits != 0 && refuse->hits < refuse->times &&
	    h == refuse->hash);
	if (!is)
		return false;
	if (refuse->hits++ == 0) {
		snprintf(refuse->what, sizeof(refuse->what), "%s", what);
		refuse->hash = h;
	}
	return true;
}

/* The same for a call that then fails. */
static bool
fails(const char *what, const void *data, size_t len)
{
	if (!is_refused(what, data, len))
		return false;
	errno = refuse->error;
	return true;
}

static bool
fails_on(const char *what, const char *path)
{
	char text[REFUSE_WHAT];

	snprintf(text, sizeof(text), "%s %s", what, path);
	return fails(text, NULL, 0);
}

static bool
fails_with(const char *what, long value)
{
	return fails(what, &value, sizeof(value));
}

/* --- netlink ------------------------------------------------------------------ */

static bool
is_bracket(uint16_t type)
{
	return type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
}

/* Spoils the messages that shall be refused.  Nothing but the type tells the kernel so. */
static void
messages_spoil(uint8_t *data, size_t len, bool is_nft)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)data;
	char what[REFUSE_WHAT];

	n_spoilt = 0;
	while (len >= sizeof(*nlh) && nlh->nlmsg_len <= len) {
		size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

		snprintf(what, sizeof(what), "%s message %u", is_nft ? "nft" : "route",
		    nlh->nlmsg_type & (is_nft ? 0xffU : 0xffffU));
		if (!(is_nft && is_bracket(nlh->nlmsg_type)) &&
		    is_refused(what, nlh + 1, nlh->nlmsg_len - sizeof(*nlh))) {
			nlh->nlmsg_type = is_nft ? NO_SUCH_NFT_TYPE : NO_SUCH_ROUTE_TYPE;
			if (n_spoilt < SPOILT_MAX)
				spoilt[n_spoilt++] = nlh->nlmsg_seq;
		}
		len -= step < len ? step : len;
		nlh = (struct nlmsghdr *)(void *)((uint8_t *)nlh + step);
	}
}

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	/* The buffer is the caller's own and is written anew before it is used again. */
	if (fd != PRIV_FD_SOCKET)
		messages_spoil((uint8_t *)(uintptr_t)data, len, fd < FDS && is_nft_socket[fd]);
	return __real_send(fd, data, len, flags);
}

static void
answers_alter(uint8_t *data, size_t len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)data;

	while (len >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) && nlh->nlmsg_len <= len) {
		struct nlmsgerr *e = NLMSG_DATA(nlh);
		size_t step = NLMSG_ALIGN(nlh->nlmsg_len);

		for (size_t i = 0; i < n_spoilt; i++)
			if (nlh->nlmsg_type == NLMSG_ERROR && nlh->nlmsg_seq == spoilt[i] &&
			    e->error != 0)
				e->error = -refuse->error;
		len -= step < len ? step : len;
		nlh = (struct nlmsghdr *)(void *)((uint8_t *)nlh + step);
	}
}

ssize_t __real_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from,
    socklen_t *from_len);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from,
    socklen_t *from_len);

ssize_t
__wrap_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from,
    socklen_t *from_len)
{
	ssize_t n = __real_recvfrom(fd, buf, size, flags, from, from_len);

	if (n > 0)
		answers_alter(buf, (size_t)n);
	return n;
}

int __real_nl_connect(struct nl_sock *sk, int protocol);
int __wrap_nl_connect(struct nl_sock *sk, int protocol);

int
__wrap_nl_connect(struct nl_sock *sk, int protocol)
{
	int error;

	if (fails_on("netlink socket", protocol == NETLINK_ROUTE ? "route" : "netfilter"))
		return -NLE_NOMEM;
	error = __real_nl_connect(sk, protocol);
	if (error == 0 && nl_socket_get_fd(sk) < FDS)
		is_nft_socket[nl_socket_get_fd(sk)] = protocol == NETLINK_NETFILTER;
	return error;
}

int __real_rtnl_link_get_kernel(struct nl_sock *sk, int index, const char *name,
    struct rtnl_link **out);
int __wrap_rtnl_link_get_kernel(struct nl_sock *sk, int index, const char *name,
    struct rtnl_link **out);

int
__wrap_rtnl_link_get_kernel(struct nl_sock *sk, int index, const char *name, struct rtnl_link **out)
{
	return fails_on("look at interface", name != NULL ? name : "") ? -NLE_NOMEM :
	    __real_rtnl_link_get_kernel(sk, index, name, out);
}

int __real_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out);
int __wrap_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out);

int
__wrap_rtnl_link_alloc_cache(struct nl_sock *sk, int family, struct nl_cache **out)
{
	return fails("list interfaces", NULL, 0) ? -NLE_NOMEM :
	    __real_rtnl_link_alloc_cache(sk, family, out);
}

/* --- namespaces and files ------------------------------------------------------- */

#define WRAP(result, name, params, args, refused) \
	result __real_##name params; \
	result __wrap_##name params; \
	result \
	__wrap_##name params \
	{ \
		return (refused) ? (result)-1 : __real_##name args; \
	}

WRAP(int, unshare, (int flags), (flags), fails("unshare", NULL, 0))
WRAP(int, setns, (int fd, int type), (fd, type), fails("setns", NULL, 0))
WRAP(int, mount, (const char *from, const char *to, const char *type, unsigned long flags,
    const void *data), (from, to, type, flags, data), fails_on("mount", to))
WRAP(int, umount2, (const char *path, int flags), (path, flags), fails_on("umount", path))
WRAP(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags),
    fails_on("unlink", path))
WRAP(int, renameat, (int dir, const char *path, int to, const char *new),
    (dir, path, to, new), fails_on("rename", path))
WRAP(int, ftruncate, (int fd, off_t size), (fd, size), fails_with("truncate", (long)size))
WRAP(int, fstatat, (int dir, const char *path, struct stat *st, int flags),
    (dir, path, st, flags), fails_on("stat", path))
WRAP(ssize_t, read, (int fd, void *buf, size_t size), (fd, buf, size),
    fails("read", NULL, 0))
WRAP(ssize_t, write, (int fd, const void *buf, size_t size), (fd, buf, size),
    fd > STDERR_FILENO && fails("write", buf, size))
WRAP(ssize_t, pwrite, (int fd, const void *buf, size_t size, off_t at), (fd, buf, size, at),
    fails("journal write", buf, size))

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return fails_on((flags & O_WRONLY) != 0 ? "open to write" : "open", path) ? -1 :
	    __real_openat(dir, path, flags, mode);
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	return fails("namespace of a socket", NULL, 0) ? -1 : __real_ioctl(fd, request);
}
