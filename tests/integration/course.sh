# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The course of the reference scenario, p1 to p6, as the operator gives it to running systems: read after
# scenario.sh.  Each step waits for its effect with a bound; a step that fails ends the script.

STEP_SECONDS=30

# counted VERB SYSTEM [ARG…]: how many objects the verb shows
counted()
{
	local verb=$1 name=$2
	shift 2
	ntk "$name" -j "$verb" "$@" 2>/dev/null | grep -o '"peer_mac"' | wc -l
}

at_least()
{
	(($("${@:2}") >= $1))
}

# order NAME VERB ARG…: given, or the script ends; $ORDERS, if set, is a file of who was given what when
order()
{
	local out
	[[ -z ${ORDERS:-} ]] || printf '%s %s\n' "$EPOCHREALTIME" "$*" >>"$ORDERS"
	out=$(ntk "$@" 2>&1) || bail "$*: $out"
	printf '%s' "$out"
}

# is_heard A B: A's radar knows B well enough
is_heard()
{
	ntk "$1" -j show_neighborhood_arcs 2>/dev/null | grep -qF "\"${SCENARIO_MAC[$2]}\""
}

# arc_state NAME PEER: of its arc with the interface of the other
arc_state()
{
	ntk "$1" -j show_neighborhood_arcs 2>/dev/null | tr -d ' \n' | sed 's/},{/}\n{/g' |
		grep -F "\"${SCENARIO_MAC[$2]}\"" | sed 's/.*"state":"\([a-z]*\)".*/\1/'
}
arc_is()
{
	[[ $(arc_state "$1" "$2") == "$3" ]]
}
nic_state()
{
	ntk "$1" -j show_handlednics | tr -d ' \n' | sed 's/.*"state":"\([a-z_]*\)".*/\1/'
}
nic_is()
{
	[[ $(nic_state "$1") == "$2" ]]
}

# real_arc A IDENTITY COST B IDENTITY COST: accepted at both ends, until the identity-arc is there
real_arc()
{
	local a=$1 ia=$2 ca=$3 b=$4 ib=$5 cb=$6 na nb
	na=$(counted show_identity_arcs "$a" "$ia")
	nb=$(counted show_identity_arcs "$b" "$ib")
	wait_for $STEP_SECONDS is_heard "$a" "$b" || bail "$a does not hear $b"
	wait_for $STEP_SECONDS is_heard "$b" "$a" || bail "$b does not hear $a"
	order "$a" add_real_arc "${SCENARIO_MAC[$a]}" "${SCENARIO_MAC[$b]}" "$ca" >/dev/null
	order "$b" add_real_arc "${SCENARIO_MAC[$b]}" "${SCENARIO_MAC[$a]}" "$cb" >/dev/null
	wait_for $STEP_SECONDS at_least $((na + 1)) counted show_identity_arcs "$a" "$ia" ||
		bail "no identity-arc of $a with $b"
	wait_for $STEP_SECONDS at_least $((nb + 1)) counted show_identity_arcs "$b" "$ib" ||
		bail "no identity-arc of $b with $a"
}

# qspn_arc A IDENTITY B COUNT: when the identity has COUNT identity-arcs
qspn_arc()
{
	wait_for $STEP_SECONDS at_least "$4" counted show_identity_arcs "$1" "$2" ||
		bail "$1 has no second identity-arc with $3"
	order "$1" add_qspn_arc "$2" eth1 "${SCENARIO_MAC[$3]}"
}

# identity_is NAME INDEX STATE; has_identity NAME INDEX
identity_is()
{
	ntk "$1" -j show_local_identities 2>/dev/null | tr -d ' \n' | sed 's/},{/}\n{/g' |
		grep "\"index\":$2," | grep -q "\"state\":\"$3\""
}

has_identity()
{
	ntk "$1" -j show_local_identities 2>/dev/null | tr -d ' \n' | grep -q "\"index\":$2,"
}

has_no_identity()
{
	! has_identity "$@"
}

# operation_is NAME OPERATION STATE
operation_is()
{
	ntk "$1" -j show_operations 2>/dev/null | tr -d ' \n' | sed 's/},{/}\n{/g' |
		grep "\"operation\":$2," | grep -q "\"state\":\"$3\""
}

# settled NAME OLD OPERATION [STATE]: the operation has come to its end, and the old identity to its own
settled()
{
	wait_for $STEP_SECONDS operation_is "$1" "$3" "${4:-done}" ||
		bail "$1: operation $3 is not ${4:-done}: $(ntk "$1" show_operations)"
	wait_for $STEP_SECONDS has_no_identity "$1" "$2" || bail "$1: identity $2 does not go"
}

course_p1()
{
	real_arc beta 0 10000 gamma 0 11000
	order beta prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 '[0]' 4379845 null
	is_index beta 1 "$(order beta enter_net_phase_1 0 4379845)"
	qspn_arc gamma 0 beta 2
	settled beta 0 4379845
}

course_p2()
{
	real_arc mu 0 10000 delta 0 11000
	order mu prepare_enter_net_phase_1 0 0 1 3.1.0 0.0.0 2 1 0 2 2 1 '[0]' 3069540 null
	is_index mu 1 "$(order mu enter_net_phase_1 0 3069540)"
	qspn_arc delta 0 mu 2
	settled mu 0 3069540
}

# is_index NAME EXPECTED PRINTED: what a phase 1 prints
is_index()
{
	[[ $3 == "$2" ]] || bail "$1: the index of the new identity is $3, not $2"
}

# arc_index NAME IDENTITY PEER: of its identity-arc with the neighbour's interface
arc_index()
{
	ntk "$1" -j show_identity_arcs "$2" | tr -d ' \n' | sed 's/},{/}\n{/g' |
		grep -F "\"peer_mac\":\"${SCENARIO_MAC[$3]}\"" | sed 's/.*"index":\([0-9]*\).*/\1/'
}

course_p3()
{
	local k n
	real_arc delta 0 10000 gamma 0 11000
	k=$(arc_index delta 0 gamma)
	n=$(counted show_identity_arcs gamma 0)
	order delta prepare_enter_net_phase_1 0 1 2 2.1 0.0 2 1 0 2 2 1 "[$k]" 8191409 null
	order mu prepare_enter_net_phase_1 1 1 2 2.1 0.0 2 1 0 2 2 1 '[]' 8191409 null
	is_index delta 1 "$(order delta enter_net_phase_1 0 8191409)"
	is_index mu 2 "$(order mu enter_net_phase_1 1 8191409)"
	qspn_arc gamma 0 delta $((n + 1))
	settled delta 0 8191409
	settled mu 1 8191409
}

course_p4()
{
	local n
	real_arc alfa 0 10000 beta 1 10000
	n=$(counted show_identity_arcs beta 1)
	order alfa prepare_enter_net_phase_1 0 0 3 2 0 2 1 0 2 2 1 '[0]' 90256060 null
	is_index alfa 1 "$(order alfa enter_net_phase_1 0 90256060)"
	qspn_arc beta 1 alfa $((n + 1))
	settled alfa 0 90256060
}

# The two halves of p5: epsilon enters at its temporary position, then beta migrates.
course_p5a()
{
	local n
	real_arc epsilon 0 10000 beta 1 9000
	n=$(counted show_identity_arcs beta 1)
	order epsilon prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 3 1 4 2 1 '[0]' 4958850 262359
	is_index epsilon 1 "$(order epsilon enter_net_phase_1 0 4958850)"
	qspn_arc beta 1 epsilon $((n + 1))
	settled epsilon 0 4958850 waiting
}

course_p5b()
{
	local alfa gamma epsilon
	alfa=$(counted show_identity_arcs alfa 1)
	gamma=$(counted show_identity_arcs gamma 0)
	epsilon=$(counted show_identity_arcs epsilon 1)
	order beta prepare_migrate_phase_1 1 0 1 2.0.1 0.2.0 2 3 1 4 3 3 262359 null
	is_index beta 2 "$(order beta migrate_phase_1 1 262359)"
	qspn_arc alfa 1 beta $((alfa + 1))
	qspn_arc gamma 0 beta $((gamma + 1))
	qspn_arc epsilon 1 beta $((epsilon + 1))
	wait_for $STEP_SECONDS operation_is beta 262359 done || bail 'beta does not migrate'
	# Its outer arc, to alfa, is closed when it has handed over.
	wait_for $STEP_SECONDS at_most 2 qspn_arcs beta 1 || bail "beta's old identity keeps its outer arc"
}

at_most()
{
	(($("${@:2}") <= $1))
}

qspn_arcs()
{
	ntk "$1" -j show_identity_arcs "$2" | tr -d ' \n' | grep -o '"qspn":true' | wc -l
}

course_p6()
{
	local tries
	# The g-node that beta left must be forgotten before its place can be taken.
	[[ -z ${ORDERS:-} ]] || printf '%s epsilon enter_net_phase_2\n' "$EPOCHREALTIME" >>"$ORDERS"
	for ((tries = 0; tries < 100; tries++)); do
		ntk epsilon enter_net_phase_2 0 4958850 >"$WORK/p6" 2>&1 && break
		grep -q position_taken "$WORK/p6" || bail "epsilon: $(<"$WORK/p6")"
		sleep 0.1
	done
	settled epsilon 0 4958850
}
