#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an administrator or another program changes of ours in the kernel comes back, what is
# theirs stays, and whoever fights is answered more and more slowly.
NTK_TEST_SECONDS=${NTK_TEST_SECONDS:-400}
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

MAIN_STATE=$FIXTURES/states/p4-beta-n0.json

b()
{
	in_system beta "$@"
}

# n COMMAND…: in the namespace of the connectivity identity
n()
{
	in_system beta ip netns exec "$ns" "$@"
}

# counter KEY: of status
counter()
{
	ntk beta -j status | grep -o "\"$1\": *[0-9]*" | grep -o '[0-9]*$'
}

# notices: notifications that reached the daemon
notices()
{
	ntk beta -j show_counters | grep -o '"notices": *[0-9]*' | grep -o '[0-9]*$'
}

# Nothing is checked for a third of a second: what the last change caused is over.
is_calm()
{
	local before
	before=$(counter checks)
	sleep 0.3
	[[ $(counter checks) == "$before" ]]
}

is_numbered()
{
	((${EPOCHREALTIME/./} > begun + 1200000)) && [[ $(b ip netns list) == *"$ns (id: "* ]]
}

# begin: a daemon with both identities, as often as wanted: the waits begin anew.
begin()
{
	[[ -z ${SYS_NTKD[beta]:-} ]] || system_end beta || bail 'ntkd does not end well'
	system_start_or_bail beta
	ntk beta load_state "$MAIN_STATE" >/dev/null || bail 'load_state fails'
	ntk beta load_state "$SEED_STATE" >/dev/null || bail 'load_state fails'
	begun=${EPOCHREALTIME/./}
	ns=$(system_namespaces beta | grep '^ntkv')
	wait_for 10 is_numbered || bail 'the namespace has no id for notifications'
	wait_for 10 is_calm || bail 'checks do not end'
	# Link-locals are drawn anew: the state is another one for each daemon.
	sorted_dump >"$WORK/right"
}

# What comes back may stand behind what it stood before: rules of one priority, chains, routes.
sorted_dump()
{
	system_dump beta | sort
}

is_right()
{
	[[ $(sorted_dump) == "$(<"$WORK/right")" ]]
}

# is_whole TITLE SECONDS: one test; within that time everything is as it was
is_whole()
{
	if wait_for "$2" is_right; then
		ok "$1"
	else
		not_ok "$1"
		differs
	fi
}

differs()
{
	diff -U0 --label right --label now "$WORK/right" <(sorted_dump) | diag
	system_log beta
}

# lines: of the log about what was found
lines()
{
	grep -c 'was not as it shall be' "$WORK/beta.log"
}

has_repaired()
{
	(($(counter "$1") > $2)) && is_right
}

# mends TITLE COMMAND…: what the command breaks is whole again, by a check that found it
mends()
{
	mends_as repaired "$@"
}

# mends_as COUNTER TITLE COMMAND…
mends_as()
{
	local which=$1 title=$2 before
	shift 2
	before=$(counter "$which")
	if ! "$@" >"$WORK/harm.out" 2>&1; then
		not_ok "$title" "the harm itself failed: $(<"$WORK/harm.out")"
	elif wait_for 10 has_repaired "$which" "$before"; then
		ok "$title"
	else
		not_ok "$title" "$which: $before, then $(counter "$which")"
		differs
	fi
}

# both TITLE COMMAND…: in the default namespace and in the other one, each first of its kind for a
# new daemon, so that nobody waits
both()
{
	local title=$1
	shift
	begin
	mends "default namespace: $title" b "$@"
	mends "connectivity namespace: $title" n "$@"
}

scenario_system beta
# What is not ours, some of it close to it.
b ip link add canary0 type veth peer name canary1 || bail 'no veth'
b sysctl -qw net.ipv6.conf.canary0.disable_ipv6=1 net.ipv6.conf.canary1.disable_ipv6=1
b ip address add 192.0.2.1/24 dev canary0
b ip link set canary0 up
b ip link set canary1 up
b ip route add 198.51.100.0/24 dev canary0 table 100 proto static
b ip route add unreachable 203.0.113.0/24 table 250 proto static
b ip rule add priority 500 from 203.0.113.7 lookup 100
b nft 'table inet canary { chain c { type filter hook input priority 0; counter packets 0 bytes 0; }; }'
b nft 'table ip ntkd2 { set s { type ipv4_addr; elements = { 192.0.2.7 }; }; }'
cat >"$WORK/canary.nft" <<-END
	flush ruleset
	table inet canary { chain c { type filter hook input priority 0; counter packets 0 bytes 0; }; }
	table ip ntkd2 { set s { type ipv4_addr; elements = { 192.0.2.7 }; }; }
END
wait_for 10 system_has_carrier beta canary0
system_dump beta >"$WORK/before"

# -- each kind of object ------------------------------------------------------------------

both 'a route of a table is deleted' ip route del 10.0.0.8/29 table 250
both 'a route is replaced' ip route replace blackhole 10.0.0.8/29 table 250 metric 1 proto 15
both 'a table is flushed' ip route flush table 249
both 'a neighbour route is deleted' ip route del 169.254.94.223/32
both 'a rule is deleted' ip rule del priority 10000
both 'an element of the map of marks is deleted' \
	nft delete element ip ntkd peers '{ 00:16:3e:5b:78:d5 }'
both 'the table of nftables is deleted' nft delete table ip ntkd
both 'forwarding is switched off' sysctl -qw net.ipv4.ip_forward=0
both 'the reverse path filter of all is switched on' sysctl -qw net.ipv4.conf.all.rp_filter=1

begin
mends 'default namespace: an own address is deleted' b ip address del 10.0.0.23/32 dev eth1
mends 'connectivity namespace: the pseudo-interface is down' n ip link set "${ns}_0" down
begin
main_ll=$(b ip -4 -o address show dev eth1 scope link | grep -o '169\.254\.[0-9.]*' | head -n 1)
mends 'default namespace: the link-local address is deleted' b ip address del "$main_ll/32" dev eth1
ll=$(n ip -4 -o address show dev "${ns}_0" | grep -o '169\.254\.[0-9.]*' | head -n 1)
mends 'connectivity namespace: the link-local address is deleted' \
	n ip address del "$ll/32" dev "${ns}_0"
begin
mends 'default namespace: all addresses of the interface are flushed' b ip -4 address flush dev eth1
mends 'connectivity namespace: the whole ruleset is flushed' n nft flush ruleset
begin
mends "default namespace: the address of localhost's synonym is deleted" \
	b ip address del 10.0.0.32/32 dev lo
mends 'connectivity namespace: all rules of ours are flushed' n ip rule flush protocol 15
begin
mends 'default namespace: a route of table ntk is deleted' b ip route del 10.0.0.16/30 table 251
mends 'connectivity namespace: the filter of the pseudo-interface is switched on' \
	n sysctl -qw "net.ipv4.conf.${ns}_0.rp_filter=1"
begin
mends 'default namespace: the rule for table ntk is deleted' b ip rule del priority 10001
mends_as removed 'connectivity namespace: a route with our label that is not ours goes' \
	n ip route add unreachable 10.0.0.9/32 table 250 proto 15
begin
mends "default namespace: the ruleset is flushed and others' is made anew" b nft -f "$WORK/canary.nft"
begin
mends 'default namespace: the chain of address translation is flushed' b nft flush chain ip ntkd srcnat
begin
mends_as removed 'default namespace: a route with our label that is not ours goes' \
	b ip route add unreachable 10.0.0.9/32 table 251 proto 15
begin
mends 'default namespace: the filter of the interface is switched on' \
	b sysctl -qw net.ipv4.conf.eth1.rp_filter=1

# -- links -----------------------------------------------------------------------------------

begin
b ip link set eth1 down
b ip link set eth1 up
is_whole 'the interface goes down and up: everything is there again' 10
b ip link set eth1 down
wait_for 10 grep -q 'cannot be put back now' "$WORK/beta.log" || true
like 'while it is down: the log says what cannot be put back' "$(<"$WORK/beta.log")" 'cannot be put back now'
like 'while it is down: status counts' "$(counter failed)" '^[1-9]'
told=$(lines)
ntk beta check >/dev/null
ntk beta check >/dev/null
is 'while it is down: what is known is not told again' "$(lines)" "$told"
b ip link set eth1 up
is_whole 'and up again: everything is there at once' 3
is 'nothing is left that failed' "$(counter failed)" 0

has_listener()
{
	ntk beta -j show_counters | grep -q '"listeners": *1'
}

# -- somebody else's in the place of ours --------------------------------------------------------

begin
nsenter -t "${SYS_PID[beta]}" -m -n -- "$NTKCTL" -s /run/ntkd/control -j events >"$WORK/events" &
listener=$!
wait_for 5 has_listener || bail 'events does not listen'
b ip route replace prohibit 10.0.0.8/29 table 251 metric 1 proto static
foreign_counted()
{
	[[ $(counter foreign) == "$1" ]]
}
check "somebody's route in the place of ours is counted" wait_for 10 foreign_counted 1
like "somebody's route is left alone" "$(b ip route show table 251 10.0.0.8/29)" '^prohibit .*proto static'
like 'the log names it' "$(grep 'left alone' "$WORK/beta.log")" 'of somebody else.*10\.0\.0\.8/29'
told=$(lines)
out=$(ntk beta check)
like 'check tells it' "$out" 'foreign +route +.*10\.0\.0\.8/29'
is 'the log does not tell it again' "$(lines)" "$told"
like 'an event tells it' "$(grep '"drift"' "$WORK/events")" '10\.0\.0\.8/29'
b ip route del prohibit 10.0.0.8/29 table 251
is_whole 'it goes, and ours comes back' 10
kill "$listener"
wait "$listener" 2>/dev/null

# -- a partner that fights -------------------------------------------------------------------------

begin
before=$(counter repaired)
told=$(lines)
end=$((${EPOCHREALTIME/./} + 5000000))
while ((${EPOCHREALTIME/./} < end)); do
	b ip route del 10.0.0.8/29 table 250 2>/dev/null
	sleep 0.02
done
repairs=$(($(counter repaired) - before))
diag "five seconds of fighting: $repairs repairs, $(($(lines) - told)) lines"
check 'a fight: repairs stay within the waits of 1 and 2 seconds' test "$repairs" -ge 2 -a "$repairs" -le 4
check 'a fight: a line for each repair' test "$(($(lines) - told))" -le 4
is_whole 'a fight: it is whole in the end' 20

# -- what does not concern us -----------------------------------------------------------------------

begin
checks=$(counter checks)
read_before=$(notices)
for i in {0..999}; do
	echo "route add 198.18.$((i / 250)).$((i % 250))/32 dev canary0 table $((i % 2 ? 254 : 100)) proto bgp"
	echo "route add 198.19.$((i / 250)).$((i % 250 & 254))/31 dev canary0 metric $i proto bgp"
done >"$WORK/routes"
b ip -batch "$WORK/routes" || bail 'foreign routes cannot be made'
b nft 'table inet other { set s { type ipv4_addr; }; chain c { type filter hook input priority 5; }; }'
b nft 'add element inet other s { 192.0.2.1, 192.0.2.2 }'
b ip rule add priority 501 from 203.0.113.8 lookup 100
b ip address add 192.0.2.9/24 dev canary0
b ip link set canary0 mtu 1400
b ip link set canary1 down
b ip link set canary1 up
sleep 0.5
is 'two thousand foreign routes, nftables, rules, addresses, links: no check' "$(counter checks)" "$checks"
diag "$(($(notices) - read_before)) notifications reached the daemon"
check 'of foreign routes those alone reach us that might be neighbours' \
	test "$(($(notices) - read_before))" -lt 600
b ip route flush proto bgp
b ip route flush table 100 proto bgp
b nft delete table inet other
b ip rule del priority 501
b ip address del 192.0.2.9/24 dev canary0
b ip link set canary0 mtu 1500
is 'nor when they go' "$(counter checks)" "$checks"
is_whole 'nothing of ours has changed' 5

# -- the timer, which finds what the kernel does not tell ------------------------------------------------

begin
checks=$(counter checks)
b sysctl -qw net.ipv4.conf.eth1.arp_ignore=0
n sysctl -qw "net.ipv4.conf.${ns}_0.arp_announce=0"
sleep 5
is 'a setting that the kernel tells nobody of: no check' "$(counter checks)" "$checks"
check 'the verb check finds it' ntk beta check
check 'and repairs it' is_right
checks=$(counter checks)
b sysctl -qw net.ipv4.conf.eth1.arp_ignore=0
is_whole 'the timer finds it within a minute' 65
check 'idle: no more than one check of each namespace in a minute' \
	test "$(($(counter checks) - checks))" -le 2

# -- where other namespaces have the ids, as on a host of containers ---------------------------------------

system_end beta || bail 'ntkd does not end well'
# Those of the daemons before may be theirs for some moments yet.
for i in {1..9}; do
	b ip netns add "other$i"
	wait_for 10 b ip netns set "other$i" "$i" || bail "no namespace can have the id $i"
done
begin
like 'the namespace has an id of its own' "$(b ip netns list)" "$ns \(id: [1-9][0-9]+\)"
mends 'connectivity namespace: a route is deleted, and a notification tells it' \
	n ip route del 10.0.0.8/29 table 250
begin
mends 'default namespace: a route is deleted, and a notification tells it' \
	b ip route del 10.0.0.8/29 table 251
for i in {1..9}; do
	b ip netns del "other$i"
done

# -- where the kernel does not tell about other namespaces, as in some containers ---------------------------

system_end beta || bail 'ntkd does not end well'
cat >"$WORK/bin/fewer-rights" <<-END
	#!/bin/sh
	exec setpriv --bounding-set -net_broadcast "$NTKD" "\$@"
END
chmod +x "$WORK/bin/fewer-rights"
NTKD=$WORK/bin/fewer-rights begin
like 'the log says so' "$(<"$WORK/beta.log")" 'in namespaces of our own are noticed once a minute only'
mends 'default namespace: a route is deleted, and comes back' b ip route del 10.0.0.8/29 table 251
n ip route del 10.0.0.8/29 table 250
check 'connectivity namespace: check puts it back' ntk beta check
is_whole 'everything is as it was' 5

system_end beta
is 'exit status' $? 0
check_unchanged 'nothing is left, and what is not ours is as it was' beta "$WORK/before"
done_testing
