#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A private subnet of level 1 behind its gateway (spec/kernel-state 4): the mappings that the kernel
# has, routes that stop at the subnet's level, and packets through them in both directions.
#
#	far 2.0.1.0 -- west -- gate 2.1.1.0 -- east -- near 2.1.0.0
#	                         |
#	                       inner -- host 10.0.0.41, which runs nothing of Netsukuku
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

command -v python3 >/dev/null || skip_all 'needs python3'
command -v ping >/dev/null || skip_all 'needs ping'

TOPOLOGY=4.2.2.2
declare -A ADDRESS=([far]=2.0.1.0 [gate]=2.1.1.0 [near]=2.1.0.0)
FAR=02:00:00:00:01:01 NEAR=02:00:00:00:03:01
GATE_WEST=02:00:00:00:02:01 GATE_EAST=02:00:00:00:02:02
PORT=4000

subnet()
{
	python3 "$NTK_SRCDIR/tests/integration/subnet.py" "$@"
}

# -- the four --------------------------------------------------------------------------

system_new far eth1=$FAR@west
system_new gate eth1=$GATE_WEST@west eth2=$GATE_EAST@east
system_new near eth1=$NEAR@east
system_config far 'address = "2.0.1.0"' 'anonymize-others = false'
system_config near 'address = "2.1.0.0"' 'anonymize-others = false'

# gate_config LEVEL ACCEPT ANONYMIZE: eth1 and eth2 are managed; what leads inwards is not.
system_config gate
sed -E '/^(address|subnet-level|accept-anonymous|anonymize-others)/d' "$WORK/gate.conf" >"$WORK/gate.base"
gate_config()
{
	{
		printf 'address = "%s"\nsubnet-level = %s\naccept-anonymous = %s\nanonymize-others = %s\n' \
			"${ADDRESS[gate]}" "$1" "$2" "$3"
		cat "$WORK/gate.base"
	} >"$WORK/gate.conf"
}

system_new host eth0=02:00:00:00:04:01@inner
system_plug gate sub0 02:00:00:00:02:03 inner || bail 'cannot give sub0 to gate'
in_system host ip address add 10.0.0.41/31 dev eth0 &&
	in_system host ip route add default via 10.0.0.40 || bail 'cannot set up the host'
# All that the gateway's administrator does: the way to the hosts behind it.
in_system gate ip route add 10.0.0.40/31 dev sub0 || bail 'cannot set up the way to the host'

for name in far near gate; do
	[[ $name == gate ]] || system_start_or_bail "$name"
	system_dump "$name" >"$WORK/$name.before"
done

# linklocal NAME DEV
linklocal()
{
	in_system "$1" ip -4 -o address show dev "$2" | sed -nE 's/.* inet (169\.254\.[0-9.]+).*/\1/p'
}

# state NAME ARCS PATHS: gives the main identity of that system these arcs and paths.
state()
{
	printf '{ "version": 1, "topology": "%s", "address": "%s", "main": true, "namespace": 0,
		"arcs": [%s], "paths": [%s] }' $TOPOLOGY "${ADDRESS[$1]}" "$2" "$3" >"$WORK/$1.json"
	ntk "$1" load_state "$WORK/$1.json" >/dev/null || bail "$1 does not take its state"
}

# arc DEV MAC LINKLOCAL ADDRESS
arc()
{
	printf '{"dev": "%s", "peer_mac": "%s", "peer_linklocal": "%s", "qspn": true, "peer_address": "%s"}' "$@"
}

# path ARC HOPS: to the last of them
path()
{
	printf '{"dst": %s, "arc": %s, "hops": [%s], "cost": 1000}' "${2##*, [}" "$1" "$2" |
		sed -E 's/"dst": \[?/"dst": [/'
}

# Everybody learns of everybody, as neighbours tell each other.
all_states()
{
	state gate "$(arc eth1 $FAR "$(linklocal far eth1)" 2.0.1.0), $(arc eth2 $NEAR "$(linklocal near eth1)" 2.1.0.0)" \
		"$(path 0 '[2, 0]'), $(path 1 '[1, 0]')"
	state far "$(arc eth1 $GATE_WEST "$(linklocal gate eth1)" 2.1.1.0)" "$(path 0 '[2, 1]')"
	state near "$(arc eth1 $GATE_EAST "$(linklocal gate eth2)" 2.1.1.0)" \
		"$(path 0 '[1, 1]'), $(path 0 '[1, 1], [2, 0]')"
}

# -- what is in the kernel ---------------------------------------------------------------

live_mappings()
{
	in_system gate nft -j list table ip ntkd | subnet live
}

# The same as the reference's own reader has it.
reference_mappings()
{
	python3 "$NTK_REFERENCE/kstate.py" snapshot "gate=${SYS_PID[gate]}" | python3 -c '
import json, sys
for n in json.load(sys.stdin)["gate"]["default"]["netmap"]:
    print(n["hook"], *(["src", n["src"]] if n["src"] else []), "dst", n["dst"], "to", n["to"])' | sort
}

check_kernel()
{
	local level=$1 accept=$2 title="subnet of level $1, accept-anonymous $2, anonymize-others $3" table want
	want=$(subnet mappings "$level" "${ADDRESS[gate]}" $TOPOLOGY "$([[ $accept == true ]] && echo 1)")
	is "$title: exactly the mappings of the rule" "$(live_mappings | grep -v 'snat$' | sort)" "$want"
	if [[ $3 == true ]]; then
		is "$title: source NAT comes after every mapping" "$(live_mappings | tail -n 1)" \
			'postrouting dst 10.0.0.64/27 to 10.0.0.22/32 snat'
	else
		is "$title: no source NAT" "$(live_mappings | grep -c 'snat$')" 0
	fi
	if [[ -z $NTK_REFERENCE ]]; then
		skip "$title: the mappings, as the reference's kstate.py reads them" \
			'the reference material is not here (NTK_REFERENCE)'
	else
		is "$title: the mappings, as the reference's kstate.py reads them" "$(reference_mappings)" "$want"
	fi
	for table in $(in_system gate ip -4 -N rule show | sed -nE 's/.* lookup (2[0-4][0-9]|25[01]) .*/\1/p'); do
		is "$title: destinations of table $table stop at its level" \
			"$(in_system gate ip -4 -N route show table "$table" |
				sed -E 's/^[67] //; s/^([0-9.]+)( .*|)$/\1\/32/; s/ .*//' | sort -V)" \
			"$(subnet routes "$level" "${ADDRESS[gate]}" $TOPOLOGY | sort -V)"
	done
}

# -- and what packets make of it -----------------------------------------------------------

# serve NAME: answers there from now on.
serve()
{
	in_system "$1" python3 "$NTK_SRCDIR/tests/integration/subnet.py" serve $PORT "$WORK/$1.serves" \
		>"$WORK/$1.server" 2>&1 &
	wait_for 10 test -e "$WORK/$1.serves" || bail "no server in $1: $(<"$WORK/$1.server")"
}

# talks TITLE FROM ADDRESS SOURCE: ping, UDP and TCP are answered, and the other end sees SOURCE.
talks()
{
	local out
	out=$(in_system "$2" ping -n -c 1 -W 3 "$3" 2>&1)
	like "$1: $2 pings $3" "$out" ' 0% packet loss'
	is "$1: $2 talks to $3, which sees $4" \
		"$(in_system "$2" python3 "$NTK_SRCDIR/tests/integration/subnet.py" ask $PORT "$3" 2>&1)" \
		"from $4, from $4"
}

# silent TITLE FROM ADDRESS: nothing is answered.
silent()
{
	local out
	out=$(in_system "$2" ping -n -c 1 -W 1 "$3" 2>&1)
	like "$1: $2 gets no answer from $3" "$out" ' 100% packet loss'
}

for name in host near far; do
	serve "$name"
done

from_inside()
{
	talks "$1, global" host 10.0.0.20 10.0.0.23
	talks "$1, internal to 2" host 10.0.0.48 10.0.0.51
	talks "$1, internal to 3" host 10.0.0.60 10.0.0.63
	talks "$1, anonymizing" host 10.0.0.84 10.0.0.23
	talks "$1, far, global" host 10.0.0.18 10.0.0.23
	talks "$1, far, internal to 3" host 10.0.0.58 10.0.0.63
	talks "$1, far, anonymizing" host 10.0.0.82 10.0.0.23
}

from_outside()
{
	talks "$1, global" near 10.0.0.23 10.0.0.20
	talks "$1, internal to 2" near 10.0.0.51 10.0.0.48
	talks "$1, internal to 3" near 10.0.0.63 10.0.0.60
	talks "$1, far, global" far 10.0.0.23 10.0.0.18
	talks "$1, far, internal to 3" far 10.0.0.63 10.0.0.58
}

# Anonymous contact accepted, others anonymized.
gate_config 1 true true
system_start_or_bail gate
check_kernel 1 true true
all_states
check_kernel 1 true true
is 'three tables' "$(in_system gate ip -4 -N rule show | grep -cE 'lookup 2[0-4][0-9]|lookup 25[01]')" 3
like 'from far nothing internal to 2 is believed' \
	"$(in_system gate ip -4 -N route show table 250)" $'(^|\n)(6|blackhole) 10\.0\.0\.48/31 '
is 'from near everything can be meant' "$(in_system gate ip -4 -N route show table 249 | grep -cE '^(6|blackhole) ')" 0
from_inside 'from the subnet'
from_outside 'to the subnet'
talks 'to the subnet, anonymizing' near 10.0.0.87 10.0.0.20
talks 'to the subnet, far, anonymizing' far 10.0.0.87 10.0.0.18
talks 'for others: the gateway shows itself' far 10.0.0.84 10.0.0.22
talks 'for others: the other way' near 10.0.0.82 10.0.0.22
talks 'for others: by name' far 10.0.0.20 10.0.0.18
talks 'the gateway itself' gate 10.0.0.20 10.0.0.22
talks 'the gateway itself, internal to 2' gate 10.0.0.48 10.0.0.50
talks 'the gateway itself, anonymizing' gate 10.0.0.84 10.0.0.22
like 'to the gateway' "$(in_system near ping -n -c 1 -W 3 10.0.0.22 2>&1)" ' 0% packet loss'
like 'explain knows the mapping' "$(ntk gate -j explain 10.0.0.23 from $NEAR)" '"mapped":"10.0.0.41"'
system_end gate
is 'exit status' $? 0
check_unchanged 'nothing is left in the gateway' gate "$WORK/gate.before"

# Without both: nobody reaches the subnet by an anonymizing address, all else stays.
gate_config 1 false false
system_start_or_bail gate
all_states
check_kernel 1 false false
from_inside 'without anonymity, from the subnet'
from_outside 'without anonymity, to the subnet'
silent 'without anonymity' near 10.0.0.87
silent 'without anonymity' far 10.0.0.87
talks 'without anonymity, for others: nobody is hidden' far 10.0.0.84 10.0.0.18
system_end gate
check_unchanged 'nothing is left in the gateway' gate "$WORK/gate.before"

# Subnets of other sizes, as the rule has them.
in_system gate ip route del 10.0.0.40/31 dev sub0
for level in 2 3; do
	for accept in true false; do
		gate_config $level $accept true
		system_start_or_bail gate
		check_kernel $level $accept true
		system_end gate
	done
done
in_system gate ip route add 10.0.0.40/31 dev sub0

# What is not in the subnet is in use by somebody else, and stops the start as ever.
gate_config 1 true true
in_system gate ip route add 10.0.0.40/30 dev sub0
system_launch gate
system_reap gate
is 'a route that is wider than the subnet: refused' $? 1
like 'it says which' "$(<"$WORK/gate.log")" 'overlaps the route 10\.0\.0\.40/30'
in_system gate ip route del 10.0.0.40/30 dev sub0
in_system gate ip address add 10.0.0.40/31 dev sub0
check 'an address of the subnet on its interface' system_start gate
system_end gate
in_system gate ip address del 10.0.0.40/31 dev sub0
in_system gate ip route replace 10.0.0.40/31 dev sub0
check_unchanged 'nothing is left in the gateway' gate "$WORK/gate.before"
done_testing
