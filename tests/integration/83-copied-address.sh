#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Somebody on the link has our link-local address.  The kernel hides that: it drops what comes from an address
# of its own.  A third system hears both and says so; who has no arcs moves, who has keeps them and tells.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"

HOSTILE=${NTK_HOSTILE:-$NTK_BUILD/tests/hostile}
[[ -x $HOSTILE ]] || bail "needs $HOSTILE: make check builds it"
command -v python3 >/dev/null || skip_all 'needs python3'

# counter NAME EXPRESSION: of what show_counters answers, called c
counter()
{
	ntk "$1" -j show_counters | python3 -c 'import json, sys
c = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$2"
}
refusals()
{
	counter "$1" "next(r['times'] for r in c['refusals'] if r['reason'] == '$2')"
}

# copies SECONDS ADDRESS: mallet says hello ten times a second from that address, which it has, too
copies()
{
	local did
	did=$(in_system mallet "$HOSTILE" "$1" copy eth1 169.254.200.1 "$2" 2>&1)
	[[ $did == sent* ]] || bail "hostile copy: $did"
}

address_is()
{
	[[ $(own_linklocal "$1") == "$2" ]]
}
address_is_not()
{
	local now
	now=$(own_linklocal "$1")
	[[ -n $now && $now != "$2" ]]
}
heard_at()
{
	ntk "$1" -j show_neighborhood_arcs | grep -q "\"peer_linklocal\":\"$2\""
}

for name in beta gamma; do
	scenario_system "$name"
done
system_new mallet eth1=02:66:66:00:00:01
in_system mallet ip address add 169.254.200.1/32 dev eth1 scope link

# -- nobody else there: the kernel lets us hear nothing ------------------------------------

system_start_or_bail beta
wait_for 10 address_is_not beta '' || bail 'beta has no link-local'
first=$(own_linklocal beta)
copies 2 "$first"
is 'alone with who copies our address: nothing of that is heard' \
	"$(counter beta "[c['radar'][0][k] for k in ('heard', 'dropped', 'no_frame', 'odd_source')]")" '[0, 0, 0, 0]'
is 'our own is, as often as it was said' "$(counter beta "c['radar'][0]['own'] == c['radar'][0]['said']")" True
is 'and the address stays' "$(own_linklocal beta)" "$first"

# -- a third is there ---------------------------------------------------------------------------

in_system beta "$NTKCTL" -s /run/ntkd/control -j events >"$WORK/beta.events" 2>/dev/null &
listener=$!
system_start_or_bail gamma
wait_for 10 is_heard gamma beta || bail 'gamma does not hear beta'
copies 3 "$first"
check 'without arcs: we move' wait_for 5 address_is_not beta "$first"
second=$(own_linklocal beta)
check 'an event says so' grep -q '"event":"linklocal".*"dev":"eth1"' "$WORK/beta.events"
check 'the third has counted a neighbour with the address of another' test "$(refusals gamma shared_address)" -gt 0
check 'and knows us at the new address' wait_for 15 heard_at gamma "$second"

# -- with arcs ------------------------------------------------------------------------------------

real_arc beta 0 10000 gamma 0 10000
# Longer than a neighbour may be silent, and more often than anybody forgets.
copies 6 "$second"
is 'with arcs: the address stays' "$(own_linklocal beta)" "$second"
is 'and the arc' "$(grep -c arc_removed "$WORK/beta.log") $(ntk beta -j show_real_arcs | grep -o '"up"')" '0 "up"'
check 'we are told of it' test "$(refusals beta told_shared)" -gt 0
like 'and tell the operator, once' "$(grep -c 'a neighbour says that another interface uses our link-local' "$WORK/beta.log")" '^1$'
kill "$listener"
for name in beta gamma; do
	system_end "$name"
	is "$name: exit status" $? 0
done
done_testing
