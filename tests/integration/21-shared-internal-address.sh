#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Systems that have not met yet often own the same internal address.  An ARP
# request that carried it as its source would be dropped by the other one, so
# the link-local must be what ARP uses: first on its interface.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

# linklocal NAME: of its eth1
linklocal()
{
	in_system "$1" ip -4 -o address show dev eth1 scope link | awk '{ sub("/32", "", $4); print $4 }'
}

# ask NAME PEER: one datagram to the peer's link-local, so that ARP must find it.
ask()
{
	in_system "$1" "$BASH" -c 'echo >"/dev/udp/$1/9"' ask "$2" 2>/dev/null
}

knows()
{
	ask "$1" "$2"
	[[ $(in_system "$1" ip -4 neigh show "$2" dev eth1) =~ lladdr\ $3 ]]
}

for name in alfa beta; do
	scenario_system "$name"
	system_dump "$name" >"$WORK/$name.before"
	system_start_or_bail "$name"
done
alfa=$(linklocal alfa) beta=$(linklocal beta)

shared=$(comm -12 <(in_system alfa ip -4 -o address show dev eth1 | awk '{ print $4 }' | sort) \
	<(in_system beta ip -4 -o address show dev eth1 | awk '{ print $4 }' | sort))
is 'alfa and beta own the same internal addresses' "$shared" $'10.0.0.40/32\n10.0.0.50/32\n10.0.0.58/32'

# A neighbour route as an identity-arc without qspn-arc has it, in the main identity's namespace.
state()
{
	printf '{ "version": 1, "topology": "4.2.2.2", "address": "%s", "main": true, "namespace": 0,
		"arcs": [ { "dev": "eth1", "peer_mac": "%s", "peer_linklocal": "%s", "qspn": false } ],
		"paths": [] }' "$@"
}
state "${SCENARIO_ADDRESS[alfa]}" "${SCENARIO_MAC[beta]}" "$beta" >"$WORK/alfa.json"
state "${SCENARIO_ADDRESS[beta]}" "${SCENARIO_MAC[alfa]}" "$alfa" >"$WORK/beta.json"
check 'alfa: the arc to beta is loaded' ntk alfa load_state "$WORK/alfa.json"
check 'beta: the arc to alfa is loaded' ntk beta load_state "$WORK/beta.json"
like 'alfa: neighbour route' "$(in_system alfa ip -4 route show)" \
	"^$beta dev eth1 proto ntk scope link src $alfa( metric [0-9]+)? *$"

check "alfa resolves beta's link-local" wait_for 3 knows alfa "$beta" "${SCENARIO_MAC[beta]}"
check "beta resolves alfa's link-local" wait_for 3 knows beta "$alfa" "${SCENARIO_MAC[alfa]}"
is 'beta learnt no shared address from ARP' \
	"$(in_system beta ip -4 neigh show dev eth1 | awk '{ print $1 }' | sort -u)" "$alfa"
is 'alfa learnt no shared address from ARP' \
	"$(in_system alfa ip -4 neigh show dev eth1 | awk '{ print $1 }' | sort -u)" "$beta"

# The same without a source in the route: the kernel chooses, and chooses well.
in_system alfa ip neigh flush dev eth1
in_system beta ip neigh flush dev eth1
in_system alfa ip route replace "$beta" dev eth1 table 77
in_system alfa ip rule add pref 1 to "$beta" lookup 77
check 'without a source in the route too' wait_for 3 knows alfa "$beta" "${SCENARIO_MAC[beta]}"
is 'and with the link-local as source' \
	"$(in_system beta ip -4 neigh show dev eth1 | awk '{ print $1 }' | sort -u)" "$alfa"
in_system alfa ip rule del pref 1
in_system alfa ip route flush table 77

for name in alfa beta; do
	system_end "$name"
	is "$name: exit status" $? 0
	check_unchanged "$name: nothing is left" "$name" "$WORK/$name.before"
done
done_testing
