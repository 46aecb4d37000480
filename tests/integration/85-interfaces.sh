#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Managed interfaces that come, go, are made again, change their names, or are of a wrong kind, while ntkd
# runs: each time the kernel has what it would have had from the beginning, and in the end nothing is left.
NTK_TEST_SECONDS=${NTK_TEST_SECONDS:-300}
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"

LEFT_MAC=00:16:3e:83:00:01	# of eth1 and eth2 of the system in the middle
RIGHT_MAC=00:16:3e:83:00:02
FAR_LEFT=00:16:3e:83:00:03	# of its neighbours
FAR_RIGHT=00:16:3e:83:00:04

# plug DEV MAC SEGMENT: an interface more for the system in the middle
NEARS=0
plug()
{
	plug_into middle "$@"
}
plug_into()
{
	ip link add "near$((++NEARS))" type veth peer name "$2" address "$3" netns "${SYS_PID[$1]}" &&
		ip link set "near$NEARS" master "$4" up && in_system "$1" ip link set "$2" up ||
		bail "cannot make $2"
}

# nic NAME DEV: its state
nic()
{
	ntk "$1" -j show_handlednics | tr -d ' \n' | sed 's/},{/}\n{/g' | grep "\"dev\":\"$2\"" |
		sed 's/.*"state":"\([a-z_]*\)".*/\1/'
}
nic_is()
{
	[[ $(nic "$1" "$2") == "$3" ]]
}

# arc NAME DEV MAC: the state of its arc by that interface with that neighbour
arc()
{
	ntk "$1" -j show_neighborhood_arcs | tr -d ' \n' | sed 's/},{/}\n{/g' |
		grep -F "\"dev\":\"$2\"" | grep -F "\"$3\"" | sed 's/.*"state":"\([a-z]*\)".*/\1/'
}
arc_is()
{
	[[ $(arc "$1" "$2" "$3") == "$4" ]]
}
arcs_are_up()
{
	arc_is middle "$1" $FAR_LEFT up && arc_is middle "$2" $FAR_RIGHT up
}

# plain: what the kernel of the middle system has, link-locals and numbers of tables told by what they are for
plain()
{
	local dev ll script=
	for dev in eth1 eth2; do
		ll=$(own "$dev")
		[[ -z $ll ]] || script+="s/\\b$ll\\b/OWN-$dev/g;"
	done
	in_system middle ip -N route show table all proto 15 | sed -E "$script s/169\.254\.[0-9.]+/FAR/g; s/table [0-9]+/table N/; s/metric [0-9]+ *//" | sort
	in_system middle ip -4 -o address show | sed -E "$script s/^[0-9]+: //" | sort
	in_system middle ip -N rule show | sed -E 's/0x[0-9a-f]+/MARK/; s/lookup [0-9]+/lookup N/; s/^[0-9]+://' | sort
	in_system middle nft -s list ruleset | sed -E 's/0x[0-9a-f]+/MARK/g; s/peer_?[0-9]+/PEER/g' | sort
	in_system middle grep -s '' /proc/sys/net/ipv4/conf/eth{1,2}/{rp_filter,arp_ignore,arp_announce,forwarding}
}
own()
{
	in_system middle ip -4 -o address show dev "$1" | sed -n '1s/.* \(169\.254\.[0-9.]*\)\/32 .*/\1/p'
}
plain_is()
{
	[[ $(plain) == "$(<"$WORK/plain")" ]]
}
check_plain()
{
	if wait_for 10 plain_is; then
		ok "$1"
	else
		not_ok "$1"
		diff -U0 "$WORK/plain" <(plain) | head -n 30 | diag
		system_log middle
	fi
}

# rest: everything that could be left, but for what an interface that was made again has of its own
rest()
{
	system_dump "$1" | grep -vE '^(link|address6|route6): '
}
rest_is()
{
	[[ $(rest "$1") == "$(<"$WORK/$1.rest")" ]]
}

# settings NAME DEV: rp_filter, arp_ignore, arp_announce
nic_settings()
{
	in_system "$1" cat /proc/sys/net/ipv4/conf/"$2"/{rp_filter,arp_ignore,arp_announce} | tr '\n' ' '
}

says()
{
	grep -qE "$1" "$WORK/middle.log"
}

# -- in the middle, between two neighbours -----------------------------------------------------------

segment left
segment right
system_new middle "eth1=$LEFT_MAC@left"
system_new farleft "eth1=$FAR_LEFT@left"
system_new farright "eth1=$FAR_RIGHT@right"
for name in farleft farright; do
	system_config "$name" 'mode = "auto"' 'address = "1.0.1.0"'
done
system_config middle 'mode = "auto"' 'address = "2.1.1.0"'
echo 'interface eth2 { }' >>"$WORK/middle.conf"
plug eth2 $RIGHT_MAC right
rest middle >"$WORK/middle.rest"
for name in middle farleft farright; do
	system_start_or_bail "$name"
done

check 'from the beginning: both interfaces are used' wait_for 30 arcs_are_up eth1 eth2
# What everything is compared with: two arcs with neighbours whose networks are others.
plain >"$WORK/plain"
is 'from the beginning: there are neighbour routes by both' "$(grep -oE '^FAR dev eth[12]' "$WORK/plain" | sort)" $'FAR dev eth1\nFAR dev eth2'
system_end middle
is 'the first one ends well' $? 0
check 'and leaves nothing' wait_for 5 rest_is middle

in_system middle ip link delete eth2
system_start_or_bail middle
check 'one is missing at the start: told' says 'interface: eth2 does not exist: it is taken up when it comes'
is 'one is missing at the start: shown' "$(nic middle eth2)" gone
check 'one is missing at the start: the other one is used' wait_for 30 arc_is middle eth1 $FAR_LEFT up
nsenter -t "${SYS_PID[middle]}" -m -n -- "$NTKCTL" -s /run/ntkd/control -j events </dev/null >"$WORK/events" 2>&1 &
WATCHER=$!
listens()
{
	ntk middle -j show_counters | tr -d ' \n' | grep -q '"listeners":1,'
}
wait_for 10 listens || bail 'no events'
plug eth2 $RIGHT_MAC right
check 'it comes: it is taken up' wait_for 10 nic_is middle eth2 used
check 'it comes: the arc forms' wait_for 30 arcs_are_up eth1 eth2
check_plain 'it comes: the kernel has what it had from the beginning'
check 'it comes: the log tells' says 'interface: eth2 is taken up: number [0-9]+, 00:16:3e:83:00:02'
check 'it comes: an event tells' grep -qE '"event":"interface".*"dev":"eth2".*"text":"used"' "$WORK/events"

# -- made again ---------------------------------------------------------------------------------------

in_system middle ip link delete eth1
check 'it is removed: shown' wait_for 10 nic_is middle eth1 gone
check 'it is removed: no arc' wait_for 10 arc_is middle eth1 $FAR_LEFT ''
check 'it is removed: the other one is not touched' arc_is middle eth2 $FAR_RIGHT up
check 'it is removed: an event tells' wait_for 10 grep -qE '"event":"interface".*"dev":"eth1".*"text":"gone"' "$WORK/events"
plug eth1 $LEFT_MAC left
check 'it is made again: taken up' wait_for 10 nic_is middle eth1 used
check 'it is made again: the arc forms again' wait_for 30 arcs_are_up eth1 eth2
check_plain 'it is made again: the kernel has what it had from the beginning'
is 'it is made again: a check finds nothing' "$(ntk middle -j check | tr -d ' \n' | grep -oE '"(repaired|failed|removed|foreign)":[1-9]')" ''

# -- names ----------------------------------------------------------------------------------------------

name_is()
{
	in_system middle ip link set "$1" down
	in_system middle ip link set "$1" name "$2"
	in_system middle ip link set "$2" up
}
before=$(nic_settings farleft lo)
name_is eth1 ethx
check 'it is renamed: gone' wait_for 10 nic_is middle eth1 gone
settings_back()
{
	[[ $(nic_settings middle ethx) == "$before" ]]
}
check 'it is renamed: what has another name now has its own settings' wait_for 10 settings_back
is 'it is renamed: and nothing of ours' "$(in_system middle ip -4 -o address show dev ethx)" ''
name_is ethx eth1
check 'it gets its name back: used' wait_for 10 nic_is middle eth1 used
check 'it gets its name back: the arc forms again' wait_for 30 arcs_are_up eth1 eth2
check_plain 'it gets its name back: the kernel has what it had from the beginning'

change_names()
{
	local dev
	for dev in eth1 eth2; do
		in_system middle ip link set $dev down
	done
	in_system middle ip link set eth1 name ethx
	in_system middle ip link set eth2 name eth1
	in_system middle ip link set ethx name eth2
	for dev in eth1 eth2; do
		in_system middle ip link set $dev up
	done
}
change_names
changed_arcs_are_up()
{
	arc_is middle eth2 $FAR_LEFT up && arc_is middle eth1 $FAR_RIGHT up
}
check 'two change names: each has the neighbour of the other one' wait_for 30 changed_arcs_are_up
is 'two change names: both are used' "$(nic middle eth1) $(nic middle eth2)" 'used used'
check_plain 'two change names: the kernel has what it had from the beginning'
change_names
check 'they change them back: each has its own neighbour' wait_for 30 arcs_are_up eth1 eth2

# -- the wrong kind ------------------------------------------------------------------------------------

in_system middle ip link delete eth1
# Whichever of the two this kernel has: neither knows ARP.
in_system middle ip link add eth1 type dummy 2>/dev/null || in_system middle ip link add eth1 type ifb
in_system middle ip link set eth1 up
check 'another kind has its name: shown' wait_for 10 nic_is middle eth1 unfit
check 'another kind has its name: the log tells why' wait_for 10 says \
	'interface: eth1 is not an Ethernet-like interface with broadcast and ARP'
is 'another kind has its name: it is left alone' "$(in_system middle ip -4 -o address show dev eth1)" ''
in_system middle ip link delete eth1
plug eth1 $LEFT_MAC left
wait_for 10 nic_is middle eth1 used
in_system middle ip link add bridge type bridge
in_system middle ip link set eth1 master bridge
check 'it becomes a port of a bridge: shown' wait_for 10 nic_is middle eth1 unfit
check 'it becomes a port of a bridge: the log tells what to do' wait_for 10 says \
	'interface: eth1 is a port of a bridge, bond or VRF: name that one, or take the interface out of it'
in_system middle ip link set eth1 nomaster
in_system middle ip link delete bridge
check 'it is none any more: used' wait_for 10 nic_is middle eth1 used

lines=$(wc -l <"$WORK/middle.log")
for ((i = 0; i < 40; i++)); do
	in_system middle ip link delete eth1
	plug eth1 $LEFT_MAC left
done
check 'made again 40 times, without waiting: used' wait_for 15 nic_is middle eth1 used
check 'made again 40 times: the arc forms again' wait_for 30 arcs_are_up eth1 eth2
check_plain 'made again 40 times: the kernel has what it had from the beginning'
lines=$(($(wc -l <"$WORK/middle.log") - lines))
diag "made again 40 times: $lines lines of the log"
check 'made again 40 times: not everything is told' test "$lines" -le 140

kill "$WATCHER" 2>/dev/null
in_system middle ip link delete eth1
in_system middle ip link delete eth2
check 'both are gone: shown' wait_for 10 nic_is middle eth1 gone
check 'without any interface it goes on' system_is_up middle
plug eth1 $LEFT_MAC left
plug eth2 $RIGHT_MAC right
check 'both come back: arcs form again' wait_for 30 arcs_are_up eth1 eth2
check_plain 'both come back: the kernel has what it had from the beginning'

# -- one hardware address twice -----------------------------------------------------------------------------

twin="has the hardware address of eth1 and is not used: neighbours could not tell them apart"
# why DEV: what show_handlednics says besides its state
why()
{
	ntk middle -j show_handlednics | tr -d '\n' | grep -oE "\"dev\": ?\"$1\"[^}]*" | sed -n 's/.*"why": *"\([^"]*\)".*/\1/p'
}
in_system middle ip link delete eth2
wait_for 10 nic_is middle eth2 gone
plug eth2 $LEFT_MAC right
check 'one comes with the address of another: shown' wait_for 10 nic_is middle eth2 unfit
like 'one comes with the address of another: shown why' "$(why eth2)" "^$twin; give one of them another"
is 'one comes with the address of another: nothing is said of the one that is used' "$(why eth1)" ''
check 'one comes with the address of another: the log warns of both' says "interface: eth2 $twin; .*dev eth2"
is 'one comes with the address of another: it is left alone' "$(in_system middle ip -4 -o address show dev eth2)" ''
check 'one comes with the address of another: that is not touched' arc_is middle eth1 $FAR_LEFT up
system_end middle
is 'it ends well' $? 0
system_start_or_bail middle
check 'so it is at the start: the log warns of both' says "interface: eth2 $twin; .*dev eth2"
check 'so it is at the start: the first one is used' wait_for 30 arc_is middle eth1 $FAR_LEFT up
is 'so it is at the start: shown' "$(nic middle eth1) $(nic middle eth2)" 'used unfit'
is 'so it is at the start: told once' "$(grep -c "eth2 $twin" "$WORK/middle.log")" 1
is 'so it is at the start: it is left alone' "$(in_system middle ip -4 -o address show dev eth2)" ''
in_system middle ip link set dev eth2 address $RIGHT_MAC
check 'it gets another address: arcs form by both' wait_for 30 arcs_are_up eth1 eth2
check_plain 'it gets another address: the kernel has what it had from the beginning'
in_system middle ip link set dev eth2 address $LEFT_MAC
check 'it gets the same one while it is used: shown' wait_for 10 nic_is middle eth2 unfit
in_system middle ip link delete eth1
check 'the one that was used goes: the other one is used' wait_for 10 nic_is middle eth2 used
check 'the one that was used goes: its arc forms' wait_for 30 arc_is middle eth2 $FAR_RIGHT up
plug eth1 $LEFT_MAC left
check 'and comes back: now it is the one too many' wait_for 10 nic_is middle eth1 unfit
in_system middle ip link set dev eth2 address $RIGHT_MAC
check 'each has its own again: arcs form by both' wait_for 30 arcs_are_up eth1 eth2
check_plain 'each has its own again: the kernel has what it had from the beginning'
for name in middle farleft farright; do
	system_end "$name"
	is "$name ends well" $? 0
done
check 'nothing is left' wait_for 5 rest_is middle

# -- identities -------------------------------------------------------------------------------------------

# pseudo: the pseudo-interfaces of beta's other namespaces
pseudo()
{
	local ns
	for ns in $(system_namespaces beta); do
		in_system beta ip -n "$ns" -o link show type macvlan | sed -E 's/^[0-9]+: ([^:@]+).*/\1/'
	done
}
pseudo_is()
{
	[[ $(pseudo | tr '\n' ' ') == "$1" ]]
}

for name in beta gamma; do
	system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
	system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 5000'
done
echo 'interface eth2 { }' >>"$WORK/beta.conf"
segment other
plug_into beta eth2 $RIGHT_MAC other
rest beta >"$WORK/beta.rest"
for name in beta gamma; do
	system_start_or_bail "$name"
done

real_arc beta 0 10000 gamma 0 11000
order beta prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 '[0]' 4379845 null
# The interface goes while the namespace of the old identity is being made with a pseudo-interface on it.
in_system beta ip link delete eth2 &
is_index beta 1 "$(order beta enter_net_phase_1 0 4379845)"
wait $!
check 'removed in the middle of a duplication: told' wait_for 10 nic_is beta eth2 gone
check 'removed in the middle of a duplication: the old identity has the other one only' wait_for 10 pseudo_is 'ntkv1_0 '
plug_into beta eth2 $RIGHT_MAC other
check 'made again: taken up' wait_for 10 nic_is beta eth2 used
check 'made again: the old identity keeps what it has' pseudo_is 'ntkv1_0 '
qspn_arc gamma 0 beta 2
settled beta 0 4379845
is 'the network is entered all the same' "$(ntk beta -j show_local_identities | tr -d ' \n' | grep -o '"address":"[0-9.]*"')" '"address":"2.1.1.1"'

# Of beta with one interface the golden state is known.
in_system beta ip link delete eth2
wait_for 10 nic_is beta eth2 gone
p1_is()
{
	[[ $(made_names beta) == "$(expected p1 beta)" ]]
}
SCENARIO=(beta gamma)
check 'with one interface: what the reference has' wait_for 20 p1_is
in_system beta ip link delete eth1
check 'that goes, too' wait_for 10 nic_is beta eth1 gone
plug_into beta eth1 "${SCENARIO_MAC[beta]}" lan
check 'that comes back: the arc that was accepted forms again' wait_for 30 arc_is beta eth1 "${SCENARIO_MAC[gamma]}" up
check 'that comes back: an identity-arc, too' wait_for 30 at_least 1 counted show_identity_arcs beta 1

plug_into beta eth2 $RIGHT_MAC other
wait_for 10 nic_is beta eth2 used
for name in beta gamma; do
	system_end "$name"
	is "$name ends well" $? 0
done
check 'nothing is left of identities' wait_for 5 rest_is beta

done_testing
