/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/peersock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static struct sockaddr_in
address(ntk_ip_t ip, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { .s_addr = htonl(ip) },
	};
}

static bool
set(int fd, int level, int option, uint32_t value)
{
	int v = (int)value;

	return setsockopt(fd, level, option, &v, sizeof(v)) == 0;
}

static bool
bind_to(int fd, ntk_ip_t ip, uint16_t port)
{
	struct sockaddr_in sa = address(ip, port);

	return bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

static bool
connect_to(int fd, ntk_ip_t ip)
{
	struct sockaddr_in sa = address(ip, PEER_PORT);

	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

static bool
stay_on_link(int fd)
{
	return set(fd, IPPROTO_IP, IP_TTL, 1) && set(fd, SOL_SOCKET, SO_DONTROUTE, 1);
}

bool
peersock_timeout(int fd, uint32_t timeout)
{
	return set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeout);
}

static bool
tcp_prepare(int fd, const struct peersock_nic *nic)
{
	return stay_on_link(fd) && set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	    peersock_timeout(fd, nic->timeout);
}

static bool
prepare(int fd, enum peersock_kind kind, const struct peersock_nic *nic)
{
	if (!set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, nic->ifindex))
		return false;
	switch (kind) {
	case PEERSOCK_HEARING:
		return bind_to(fd, PEER_BROADCAST, PEER_PORT);
	case PEERSOCK_SPEAKING:
		return stay_on_link(fd) && set(fd, SOL_SOCKET, SO_BROADCAST, 1) &&
		    bind_to(fd, nic->addr, PEER_PORT) && connect_to(fd, PEER_BROADCAST);
	case PEERSOCK_WAITING:
		/* A listener that was closed a moment ago is no obstacle. */
		return tcp_prepare(fd, nic) && set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
		    bind_to(fd, nic->addr, PEER_PORT) && listen(fd, PEER_BACKLOG) == 0;
	case PEERSOCK_CALLING:
		return tcp_prepare(fd, nic) && bind_to(fd, nic->addr, 0);
	}
	return false;
}

int
peersock_open(enum peersock_kind kind, const struct peersock_nic *nic)
{
	bool udp = kind == PEERSOCK_HEARING || kind == PEERSOCK_SPEAKING;
	int fd = udp ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) :
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0 || prepare(fd, kind, nic))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool
peersock_connect(int fd, ntk_ip_t peer)
{
	return connect_to(fd, peer) || errno == EINPROGRESS;
}

int
peersock_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

int
peersock_accept(int fd, ntk_ip_t *peer)
{
	struct sockaddr_in sa = { .sin_port = 0 };
	socklen_t len = sizeof(sa);
	int got = accept4(fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	*peer = ntohl(sa.sin_addr.s_addr);
	return got;
}

int
peersock_hear(int fd, uint8_t *buf, size_t size, ntk_ip_t *from, uint16_t *port)
{
	struct sockaddr_in sa = { .sin_port = 0 };
	socklen_t len = sizeof(sa);
	ssize_t n = recvfrom(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&sa, &len);

	*from = ntohl(sa.sin_addr.s_addr);
	*port = ntohs(sa.sin_port);
	return (int)n;
}

bool
peersock_mac(int fd, const char *dev, ntk_ip_t peer, ntk_mac_t *mac)
{
	struct sockaddr_in sa = address(peer, 0);
	struct arpreq req = { .arp_flags = 0 };

	_Static_assert(sizeof(sa) <= sizeof(req.arp_pa), "an address is one of IPv4");
	memcpy(&req.arp_pa, &sa, sizeof(sa));
	memcpy(req.arp_dev, dev, strnlen(dev, sizeof(req.arp_dev) - 1));
	if (ioctl(fd, SIOCGARP, &req) != 0 || (req.arp_flags & ATF_COM) == 0 ||
	    req.arp_ha.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(mac->b, req.arp_ha.sa_data, sizeof(mac->b));
	return true;
}
