/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/priv/canary.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char canary_config[] =
    "topology = \"4.2.2.2\"\nrange = \"10.0.0.0/8\"\naddress = \"2.1.1.0\"\nmode = \"manual\"\n"
    "accept-anonymous = true\nanonymize-others = true\nsubnet-level = 1\n"
    "user = \"64100\"\nhelper-user = \"64101\"\ninterface eth1 { }\ninterface eth2 { }\n";

/* Duplicates are looked for and routers asked at a time of the kernel's choosing. */
#define QUIET_V6 \
	"for f in all default; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad;" \
	" echo 0 >/proc/sys/net/ipv6/conf/$f/router_solicitations; done;"

#define IN(ns, what)	"ip netns exec '" ns "' sh -ec '" what "';"

/* Settings that nobody has by default, so that one that is put back wrongly shows. */
#define SETTINGS \
	"cd /proc/sys/net; echo 2 >ipv4/conf/all/rp_filter; echo 2 >ipv4/conf/default/rp_filter;" \
	"echo 2 >ipv4/conf/eth1/rp_filter; echo 2 >ipv4/conf/eth1/arp_ignore;" \
	"echo 1 >ipv4/conf/eth1/arp_announce; echo 1 >ipv4/conf/eth2/rp_filter;" \
	"echo 8 >ipv4/conf/eth2/arp_ignore; echo 0 >ipv4/ip_forward;" \
	"echo 1 >ipv4/conf/eth0/forwarding; echo 1 >ipv4/conf/eth2/forwarding;" \
	"echo 1 >ipv4/conf/all/accept_redirects; echo 0 >ipv4/conf/eth1/accept_redirects;" \
	"echo 1 >ipv4/conf/all/log_martians; echo 0 >ipv4/conf/eth0/send_redirects;" \
	"echo '20000 30000' >ipv4/ip_local_port_range; echo 7 >ipv4/tcp_fin_timeout;" \
	"echo 2 >ipv4/conf/eth1/proxy_arp_pvlan || :; echo 0 >ipv6/conf/eth0/accept_ra;" \
	"echo 33 >ipv6/conf/eth1/hop_limit; cd /;"

/* The other ends of the cables are silent: they would answer IPv6 on their own. */
#define LINKS \
	"ip netns add isle;" IN("isle", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6;" \
	    " echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link set lo up") \
	"for i in 0 1 2; do ip link add eth$i type veth peer name far$i netns isle;" \
	" ip -n isle link set far$i up; ip link set eth$i up; done;" \
	"ip link add br0 type bridge forward_delay 0 mcast_snooping 0;" \
	"ip link add vetha type veth peer name vethb;" \
	/* Nothing is said there, so nothing is learned and forgotten. */ \
	"for i in br0 vetha vethb; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done;" \
	"ip link set br0 up; ip link set vethb master br0; ip link set vetha up; ip link set vethb up;" \
	"ip link add link eth1 name ntkv7_0 type macvlan mode private; ip link set ntkv7_0 up;" \
	"ip link add link eth0 name ntkv8_1 type macvlan mode bridge;" \
	"ip link set eth0 mtu 1420 alias 'ntkd identity 3';"

#define ADDRESSES \
	"ip address add 192.0.2.2/24 dev eth0; ip address add 192.0.2.99/32 dev lo;" \
	"ip address add 198.51.100.1/24 dev eth1; ip address add 198.51.100.129/25 dev eth2;" \
	"ip address add 10.0.0.20/29 dev eth1; ip address add 10.0.0.21/32 dev eth2;" \
	"ip address add 169.254.94.9/16 scope link dev eth1; ip address add 192.0.2.200/32 dev ntkv7_0;" \
	"ip address add 2001:db8::2/64 dev eth0; ip address add 2001:db8:1::2/64 dev eth1;" \
	"ip address add fd00::1/128 dev lo;"

/* Our protocol in tables of others, protocols of others in our tables. */
#define ROUTES \
	"ip route add default via 192.0.2.1 dev eth0;" \
	"ip route add 169.254.77.0/24 dev eth0; ip route add 10.0.0.24/29 dev eth0;" \
	"ip route add 169.254.69.99/32 dev eth1 metric 1 proto static;" \
	"ip route add 203.0.113.0/24 dev eth0 proto 15; ip route add 203.0.113.8/29 dev eth1 proto 15;" \
	"ip route add 203.0.113.0/24 dev eth0 table 100 proto 15;" \
	"ip route add blackhole 203.0.113.64/26 table 199 proto 15 metric 1;" \
	"ip route add blackhole 203.0.113.64/26 table 252 proto 15 metric 1;" \
	"ip route add unreachable 203.0.113.64/26 table 9999 proto 15 metric 1;" \
	"ip route add unreachable 203.0.113.64/26 table 11024 proto 15 metric 1;" \
	"ip route add blackhole 10.0.0.24/29 table 250 metric 1 proto static;" \
	"ip route add unreachable 10.0.0.28/30 table 251 metric 1 proto static;" \
	"ip route add unreachable 10.0.0.28/30 table 251 metric 2 proto boot;" \
	"ip route add default via 192.0.2.1 dev eth0 table 251 proto static metric 500;" \
	"ip route add 198.51.100.0/25 dev eth1 table 249 proto bird metric 1;" \
	"ip route add blackhole 198.51.100.0/24 table 10000 proto static metric 1;" \
	"ip route add throw 198.51.100.0/24 table 11023 proto babel;" \
	"ip -6 route add 2001:db8:2::/48 dev eth0; ip -6 route add blackhole 2001:db8:3::/48 table 250 proto 15;" \
	"ip -6 route add default via 2001:db8::1 dev eth0 table 251 proto 15;"

#define RULES \
	"ip rule add pref 10000 fwmark 77 lookup 250 protocol static;" \
	"ip rule add pref 10000 fwmark 250/0x3fff lookup 250 protocol static;" \
	"ip rule add pref 10001 from 192.0.2.0/24 lookup 251 protocol static;" \
	"ip rule add pref 9999 fwmark 250/0x3fff lookup 250 protocol 15;" \
	"ip rule add pref 10002 from 192.0.2.0/24 lookup 100 protocol 15;" \
	"ip -6 rule add pref 10000 fwmark 250/0x3fff lookup 250 protocol 15;" \
	"ip -6 rule add pref 10001 lookup 251 protocol 15;"

#define NEIGHBOURS \
	"ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:99 nud permanent dev eth0;" \
	"ip neighbour add 169.254.69.30 lladdr 02:00:00:00:00:98 nud permanent dev eth1;" \
	"ip -6 neighbour add 2001:db8::1 lladdr 02:00:00:00:00:97 nud permanent dev eth0;" \
	"bridge fdb add 02:00:00:00:00:96 dev vethb master static;"

#define RULESET \
	"nft 'table inet ntkd { map peers { type ether_addr : verdict; }; " \
	"chain peer_250 { meta mark set 0xfa; }; " \
	"chain prerouting { type filter hook prerouting priority -150; ether saddr vmap @peers; }; }';" \
	"nft 'table ip6 ntkd { set s { type ipv6_addr; elements = { 2001:db8::7 }; }; }';" \
	"nft 'table ip ntkd2 { chain srcnat { type nat hook postrouting priority 100; " \
	"ip daddr 192.0.2.64/26 snat to 192.0.2.2; }; }';" \
	"nft 'table ip filter { set blocked { type ipv4_addr; elements = { 192.0.2.66, 192.0.2.67 }; }; " \
	"chain input { type filter hook input priority 0; policy accept; ip saddr @blocked drop; }; }';"

/* In namespaces that are not ours even ours are not ours. */
#define LIKE_OURS \
	QUIET_V6 " ip link set lo up; ip link add ntkv7_0 type veth peer name ntkv7_1; ip link set ntkv7_0 up;" \
	" ip link set ntkv7_1 up; ip address add 169.254.94.1/32 dev ntkv7_0;" \
	" ip route add blackhole 10.0.0.16/30 table 250 proto 15 metric 1;" \
	" ip rule add pref 10000 fwmark 250/0x3fff lookup 250 protocol 15;" \
	" nft add table ip ntkd; nft add chain ip ntkd prerouting;" \
	" echo 1 >/proc/sys/net/ipv4/ip_forward"

#define NAMES \
	"for n in ntkv999 'ntkv1 ' guest; do ip netns add \"$n\"; done;" \
	IN("ntkv999", LIKE_OURS) IN("ntkv1 ", LIKE_OURS) IN("guest", LIKE_OURS) \
	"cd /run/netns; : >ntkv2; chmod 444 ntkv2; ln -s /etc/hostname ntkv3; mkdir ntkv4;" \
	"ln -s guest ntkv5; echo text >ntkv6; ln -s nowhere ntkv8; mkfifo ntkv9; cd /;" \
	"mkdir -m 700 /run/private; echo secret >/run/private/key; chmod 600 /run/private/key;"

const char canary_commands[] =
    "set -e; umask 022; mkdir -p /run/netns; ip link set lo up;"
    /* The names of tables are the machine's: others may be at work there. */
    "cp -a /etc/iproute2 /run/iproute2; mount --bind /run/iproute2 /etc/iproute2;"
    QUIET_V6 LINKS ADDRESSES ROUTES RULES NEIGHBOURS RULESET NAMES SETTINGS
    /* The bridge says that it is up when the kernel finds time, late on a busy machine. */
    "for i in $(seq 600); do ip link show br0 | grep -q 'state UP' && break; sleep 0.1; done;"
    "ip link show br0 | grep -q 'state UP'";

#define GUEST(what)	"ip netns exec guest " what

const struct canary_change canary_changes[] = {
	{ "ip route del default", "ip route add default via 192.0.2.1 dev eth0", "route" },
	{ "ip route change 10.0.0.24/29 dev eth2", "ip route change 10.0.0.24/29 dev eth0", "route" },
	{ "ip route add 8.8.8.8/32 dev eth1 table 250 metric 1 proto 15",
	    "ip route del 8.8.8.8/32 dev eth1 table 250", "route" },
	{ "ip route add default dev eth1 table 251 metric 1 proto 15",
	    "ip route del default dev eth1 table 251 metric 1", "route" },
	{ "ip route add blackhole 10.0.0.0/29 table 252 metric 1 proto 15",
	    "ip route del blackhole 10.0.0.0/29 table 252", "route" },
	{ "ip route add blackhole 10.0.0.0/29 table 250 metric 1 proto static",
	    "ip route del blackhole 10.0.0.0/29 table 250", "route" },
	{ "ip route add 169.254.169.254/32 dev eth1 proto 15 scope link",
	    "ip route del 169.254.169.254/32 dev eth1", "route" },
	{ "ip route del blackhole 10.0.0.24/29 table 250 metric 1",
	    "ip route add blackhole 10.0.0.24/29 table 250 metric 1 proto static", "route" },
	{ "ip -6 route add blackhole 2001:db8:4::/48 table 250 proto 15 metric 1",
	    "ip -6 route del blackhole 2001:db8:4::/48 table 250", "route" },
	{ "ip rule add pref 10000 fwmark 78/0x3fff lookup 250 protocol 15",
	    "ip rule del pref 10000 fwmark 78/0x3fff lookup 250 protocol 15", "rule" },
	{ "ip rule add pref 9998 fwmark 250/0x3fff lookup 250 protocol 15",
	    "ip rule del pref 9998", "rule" },
	{ "ip rule del pref 10001 protocol static",
	    "ip rule add pref 10001 from 192.0.2.0/24 lookup 251 protocol static", "rule" },
	{ "ip -6 rule add pref 10003 lookup 251 protocol 15", "ip -6 rule del pref 10003", "rule" },
	{ "ip address add 10.0.0.22/32 dev eth1", "ip address del 10.0.0.22/32 dev eth1", "address" },
	{ "address add 10.0.0.22 eth0", "address del 10.0.0.22 eth0",
	    "address" },
	{ "address add 192.0.2.77 eth1", "address del 192.0.2.77 eth1",
	    "address" },
	{ "ip -6 address add fd00::2/128 dev eth1", "ip -6 address del fd00::2/128 dev eth1", "address" },
	{ "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1420; ip link set ntkv8_1 mtu 1420",
	    "link" },
	{ "ip link set ntkv7_0 down", "ip link set ntkv7_0 up", "link" },
	{ "ip link set eth1 promisc on", "ip link set eth1 promisc off", "link" },
	{ "ip link set eth0 alias x", "ip link set eth0 alias 'ntkd identity 3'", "link" },
	{ "ip link set br0 type bridge priority 4096", "ip link set br0 type bridge priority 32768",
	    "link" },
	{ "ip neighbour change 192.0.2.1 lladdr 02:00:00:00:00:01 nud permanent dev eth0",
	    "ip neighbour change 192.0.2.1 lladdr 02:00:00:00:00:99 nud permanent dev eth0",
	    "neighbour" },
	{ "ip -6 neighbour del 2001:db8::1 dev eth0",
	    "ip -6 neighbour add 2001:db8::1 lladdr 02:00:00:00:00:97 nud permanent dev eth0",
	    "neighbour" },
	{ "bridge fdb add 02:00:00:00:00:95 dev vethb master static",
	    "bridge fdb del 02:00:00:00:00:95 dev vethb master", "forwarding" },
	{ "nft add element inet ntkd peers '{ 02:00:00:00:00:55 : accept }'",
	    "nft delete element inet ntkd peers '{ 02:00:00:00:00:55 }'", "nft element" },
	{ "nft add table ip ntkd3", "nft delete table ip ntkd3", "nft table" },
	{ "nft add chain ip filter c", "nft delete chain ip filter c", "nft chain" },
	{ "nft add counter ip filter c", "nft delete counter ip filter c", "nft object" },
	{ "nft add element ip filter blocked '{ 10.0.0.1 }'",
	    "nft delete element ip filter blocked '{ 10.0.0.1 }'", "nft element" },
	{ "echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter",
	    "echo 0 >/proc/sys/net/ipv4/conf/eth0/rp_filter", "sysctl" },
	{ "echo 3 >/proc/sys/net/ipv4/conf/eth1/arp_ignore",
	    "echo 2 >/proc/sys/net/ipv4/conf/eth1/arp_ignore", "sysctl" },
	{ "echo 8 >/proc/sys/net/ipv4/tcp_fin_timeout", "echo 7 >/proc/sys/net/ipv4/tcp_fin_timeout",
	    "sysctl" },
	{ "echo 1 >/proc/sys/net/ipv6/conf/eth2/forwarding",
	    "echo 0 >/proc/sys/net/ipv6/conf/eth2/forwarding", "sysctl" },
	{ GUEST("ip route del blackhole 10.0.0.16/30 table 250"),
	    GUEST("ip route add blackhole 10.0.0.16/30 table 250 proto 15 metric 1"), "netns 'guest'" },
	{ GUEST("ip link set ntkv7_0 down"), GUEST("ip link set ntkv7_0 up") ";"
	    GUEST("ip address replace 169.254.94.1/32 dev ntkv7_0"), "netns 'guest'" },
	{ GUEST("nft add set ip ntkd s '{ type ipv4_addr; }'"), GUEST("nft delete set ip ntkd s"),
	    "netns 'guest'" },
	{ GUEST("sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'"),
	    GUEST("sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'"), "netns 'guest'" },
	{ "ip netns add other", "ip netns del other", "/run/netns/other namespace" },
	{ "mount --bind /run/netns/guest /run/netns/ntkv999", "umount /run/netns/ntkv999",
	    "/run/netns/ntkv999" },
	{ "rm /run/netns/ntkv2", ": >/run/netns/ntkv2; chmod 444 /run/netns/ntkv2", "/run/netns/ntkv2" },
	{ "ln -sfn isle /run/netns/ntkv5", "ln -sfn guest /run/netns/ntkv5", "/run/netns/ntkv5" },
	{ "rmdir /run/netns/ntkv4", "mkdir /run/netns/ntkv4", "/run/netns/ntkv4" },
	{ "echo public >/run/private/key", "echo secret >/run/private/key", "/run/private/key" },
	{ "chmod 644 /run/private/key", "chmod 600 /run/private/key", "/run/private/key" },
	{ "chown 64101 /run/private/key", "chown 0 /run/private/key", "/run/private/key" },
	{ "touch /etc/iproute2/ntkd.test", "rm /etc/iproute2/ntkd.test", "/etc/iproute2" },
	{ NULL, NULL, NULL },
};

const struct canary_change canary_own_changes[] = {
	{ "ip route add blackhole 10.0.0.0/29 table 250 metric 1 proto 15",
	    "ip route del blackhole 10.0.0.0/29 table 250", "route" },
	{ "ip rule add pref 10000 fwmark 249/0x3fff lookup 249 protocol 15",
	    "ip rule del pref 10000 fwmark 249/0x3fff lookup 249 protocol 15", "rule" },
	{ "address add 10.0.0.22 eth1", "address del 10.0.0.22 eth1",
	    "address" },
	{ "nft add table ip ntkd", "nft delete table ip ntkd", "nft table" },
	{ "echo 1 >/proc/sys/net/ipv4/conf/eth1/arp_ignore",
	    "echo 2 >/proc/sys/net/ipv4/conf/eth1/arp_ignore", "sysctl" },
	{ "ip netns add ntkv1", "ip netns del ntkv1", "/run/netns/ntkv1 namespace" },
	{ NULL, NULL, NULL },
};

/* An address with our protocol's number, which ip(8) learned to give late. */
static bool
address_change(bool add, const char *addr, const char *ifname)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
		struct nlattr local;
		struct in_addr addr;
		struct nlattr protocol;
		uint8_t number[4];
	} m = {
		.head = { sizeof(m), add ? RTM_NEWADDR : RTM_DELADDR,
		    (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0)), 1, 0 },
		.body = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = if_nametoindex(ifname) },
		.local = { NLA_HDRLEN + sizeof(struct in_addr), IFA_LOCAL },
		.protocol = { NLA_HDRLEN + 1, IFA_PROTO },
		.number = { 15 },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
	} answer = { .err = { .error = -1 } };
	bool ok = fd >= 0 && inet_pton(AF_INET, addr, &m.addr) == 1 &&
	    send(fd, &m, sizeof(m), 0) == sizeof(m) &&
	    recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)sizeof(answer) && answer.err.error == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

bool
canary_run(const char *command)
{
	char verb[8], addr[INET_ADDRSTRLEN], ifname[IF_NAMESIZE];

	if (sscanf(command, "address %7s %15s %15s", verb, addr, ifname) == 3)
		return address_change(strcmp(verb, "add") == 0, addr, ifname);
	return system(command) == 0;
}
