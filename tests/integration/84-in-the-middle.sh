#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happens to running daemons in the middle of something: interfaces that are pulled while an identity is
# being duplicated, neighbours that migrate at the same time, processes that stand still for longer than a
# neighbour may be silent, a wall clock that is set.  In the end everybody knows what is true, and nothing is left.
#
# NTK_PARTS: which parts run.  NTK_TWICE: how often two migrate at once.  NTK_STILL: seconds of standing still.
NTK_TEST_SECONDS=${NTK_TEST_SECONDS:-600}
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"
. "$NTK_SRCDIR/tests/integration/streams.sh"

PARTS=${NTK_PARTS:-pulled at_once still clocks wrap}
TWICE=${NTK_TWICE:-2}
STILL=${NTK_STILL:-11}
SHIFTCLOCK=${NTK_SHIFTCLOCK:-$NTK_BUILD/tests/shiftclock}

declare -A SEGMENT=() SECOND=()	# of a system: "@SEGMENT" when it is not the usual one; an interface more

# begin NAME…: these run
begin()
{
	local name
	for name; do
		system_new "$name" "eth1=${SCENARIO_MAC[$name]}${SEGMENT[$name]:-}" ${SECOND[$name]:-}
		system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 1000'
		system_dump "$name" >"$WORK/$name.before"
		system_launch "$name"
	done
	for name; do
		system_await "$name" || bail "$name does not start"
	done
}

# end TEXT NAME…: in good order; nothing is left.  Where the interface is gone: nothing but what a system without has.
end()
{
	local text=$1 name
	shift
	for name; do
		system_end "$name"
		is "$text: $name: exit status" $? 0
		[[ -n $(near_end "$name") ]] || cp "$WORK/bare.before" "$WORK/$name.before"
		check_unchanged "$text: $name: nothing is left" "$name" "$WORK/$name.before"
	done
	for name; do
		system_remove "$name"
	done
}

identities()
{
	ntk "$1" -j show_local_identities | grep -o '"nodeid"' | wc -l
}
has_identities()
{
	(($(identities "$1") == $2))
}
has_no_namespaces()
{
	[[ -z $(system_namespaces "$1") ]]
}

# is_whole TEXT NAME [DEV]: the kernel has what the daemon wants, to the last entry of all its namespaces; but for the
# interface DEV, which is gone
is_whole()
{
	local out
	out=$(ntk "$2" -j check 2>&1 | tr -d ' \n' | sed 's/},{/}\n{/g;s/"differences"/\n&/')
	like "$1: $2: everything is compared" "$out" '"compared":[1-9]'
	is "$1: $2: the kernel has what is wanted" \
		"$(grep -E '"fate":' <<<"$out" | grep -vE "\"kind\":\"interface\",\"object\":\"${3:-none}\"")" ''
}

# -- interfaces ------------------------------------------------------------------------------------

ENTRY=4379845

# enters: beta and gamma are neighbours, and beta is about to enter gamma's network
enters()
{
	begin beta gamma
	real_arc beta 0 10000 gamma 0 11000
	order beta prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 '[0]' $ENTRY null
}

pull()
{
	in_system "$1" ip link delete eth1
	wait_for 10 nic_is "$1" gone || bail "$1 does not see that its interface is gone"
}

# alone TEXT NAME: it is what it was before it had a neighbour
alone()
{
	local SCENARIO=("$2")
	check "$1: $2 has no neighbour" wait_for 20 has_no_neighbour "$2"
	is "$1: $2: addresses, routes, rules, NAT" "$(made "$2")" "$(expected p0 "$2")"
}
has_no_neighbour()
{
	! ntk "$1" -j show_neighborhood_arcs | grep -q '"state"' && [[ $(made "$1") == "$(expected p0 "$1")" ]]
}

# The helper is about to make the namespace, and what it shall be made on is gone.
pulled_before()
{
	local text='pulled before the namespace is made' helper verb
	enters
	helper=$(system_helper beta)
	kill -STOP "$helper"
	ntk beta enter_net_phase_1 0 $ENTRY >"$WORK/verb" 2>&1 &
	verb=$!
	wait_for 10 operation_is beta $ENTRY making || bail 'the operation does not begin'
	pull beta
	kill -CONT "$helper"
	wait $verb
	isnt "$text: the operator hears that it has failed" $? 0
	like "$text: and why" "$(<"$WORK/verb")" 'code kernel'
	check "$text: beta is one identity" wait_for 20 has_identities beta 1
	check "$text: beta has no namespace" wait_for 20 has_no_namespaces beta
	check "$text: the main one runs" identity_is beta 0 running
	alone "$text" gamma
	end "$text" beta gamma
}
isnt()
{
	check "$1" test "$2" != "$3"
}

# The namespace is there, and the neighbour, who stands still, has not answered: the interface goes below both.
pulled_meanwhile()
{
	local text='pulled while the neighbour is asked'
	enters
	kill -STOP "${SYS_NTKD[gamma]}"
	is_index beta 1 "$(order beta enter_net_phase_1 0 $ENTRY)"
	check "$text: both identities are there" has_identities beta 2
	pull beta
	kill -CONT "${SYS_NTKD[gamma]}"
	# What has no interface left supports nobody.
	check "$text: beta's old identity goes" wait_for 30 has_no_identity beta 0
	check "$text: beta has no namespace" wait_for 20 has_no_namespaces beta
	is "$text: beta is one identity" "$(identities beta)" 1
	alone "$text" gamma
	is "$text: gamma is one identity" "$(identities gamma)" 1
	end "$text" beta gamma
}

# The same at the other end: beta hears nothing more, and is a network by itself.
pulled_there()
{
	local text='pulled at the neighbour that is asked'
	enters
	kill -STOP "${SYS_NTKD[gamma]}"
	is_index beta 1 "$(order beta enter_net_phase_1 0 $ENTRY)"
	in_system gamma ip link delete eth1
	kill -CONT "${SYS_NTKD[gamma]}"
	check "$text: gamma sees it" wait_for 10 nic_is gamma gone
	check "$text: beta's entry has failed" wait_for 30 operation_is beta $ENTRY failed
	# What the old identity serves may still exist: that is for the operator to say (spec/manual-mode 5.5).
	check "$text: beta's old identity stays" has_identity beta 0
	check "$text: and can be removed" ntk beta remove_identity 0
	check "$text: it goes" wait_for 30 has_no_identity beta 0
	check "$text: beta has no namespace" wait_for 20 has_no_namespaces beta
	is_whole "$text" beta
	end "$text" beta gamma
}

# One of two interfaces: the other one serves on, and what was begun comes to its end.
pulled_one()
{
	local text='one of two pulled while a neighbour is asked' SCENARIO=(beta gamma)
	SEGMENT[delta]=@lane SECOND[beta]=eth2=00:16:3e:ec:a3:e2@lane
	begin beta gamma delta
	SEGMENT=() SECOND=()
	real_arc beta 0 10000 gamma 0 11000
	wait_for $STEP_SECONDS is_heard beta delta || bail 'beta does not hear delta'
	order beta add_real_arc 00:16:3e:ec:a3:e2 "${SCENARIO_MAC[delta]}" 10000 >/dev/null
	order delta add_real_arc "${SCENARIO_MAC[delta]}" 00:16:3e:ec:a3:e2 10000 >/dev/null
	wait_for $STEP_SECONDS at_least 2 counted show_identity_arcs beta 0 || bail 'beta and delta have no identity-arc'
	order beta prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 "[$(arc_index beta 0 gamma)]" $ENTRY null
	kill -STOP "${SYS_NTKD[gamma]}"
	is_index beta 1 "$(order beta enter_net_phase_1 0 $ENTRY)"
	check "$text: both identities are there" has_identities beta 2
	is "$text: with two interfaces each" "$(pseudo_interfaces beta)" 2
	in_system beta ip link delete eth2
	check "$text: delta is missed" wait_for 10 has_no_arc_with beta delta
	kill -CONT "${SYS_NTKD[gamma]}"
	qspn_arc gamma 0 beta 2
	settled beta 0 $ENTRY
	check "$text: beta has no namespace" wait_for 20 has_no_namespaces beta
	check "$text: beta has entered" wait_for 20 is_quiet p1
	is "$text: beta and gamma: addresses, routes, rules, NAT" "$(made_names beta; made_names gamma)" \
		"$(expected p1 beta; expected p1 gamma)"
	is_whole "$text" beta eth2
	alone "$text" delta
	system_end beta
	is "$text: beta: exit status" $? 0
	grep -v eth2 "$WORK/beta.before" >"$WORK/beta.eth1"
	check "$text: beta: nothing is left" wait_for 5 dump_equals beta "$WORK/beta.eth1"
	end "$text" gamma delta
	system_remove beta
}
pseudo_interfaces()
{
	in_system "$1" ip -n "$(system_namespaces "$1")" -o link show type macvlan | wc -l
}
has_no_arc_with()
{
	[[ -z $(arc_state "$1" "$2") ]]
}

pulled()
{
	# What a system without an interface is like.
	system_new bare
	system_dump bare >"$WORK/bare.before"
	pulled_before
	pulled_meanwhile
	pulled_there
	pulled_one
}

# -- two migrations ----------------------------------------------------------------------------------

# unreached ADDRESSES NAME…: in $lost who does not reach whom among them
unreached()
{
	local name to addresses
	local -n address_of=$1
	shift
	lost=
	for name; do
		addresses=()
		for to; do
			[[ $to == "$name" ]] || addresses+=("${address_of[$to]}")
		done
		lost+=$(silent "$name" "${addresses[@]}" | sed "s/^/$name /;s/$/,/")
	done
	[[ -z $lost ]]
}

# reach_each_other TEXT ADDRESSES NAME…: everybody everybody, at once
reach_each_other()
{
	local text=$1 lost
	shift
	unreached "$@"
	is "$text: everybody reaches everybody" "$lost" ''
}

# join NAME IDENTITY…: every identity-arc of them becomes a qspn-arc.  Which ones are already depends on who
# was quicker; "exists" is as good.
join()
{
	local name=$1 id mac out
	shift
	for id; do
		for mac in $(ntk "$name" -j show_identity_arcs "$id" | grep -oE '"peer_mac": *"[^"]*"' | cut -d '"' -f 4); do
			out=$(ntk "$name" add_qspn_arc "$id" eth1 "$mac" 2>&1) || [[ $out == *'code exists'* ]] ||
				bail "$name: add_qspn_arc $id $mac: $out"
		done
	done
}

# flows_end TEXT MOST: so many pings of a stream may have been lost
flows_end()
{
	local text=$1 most=$2 s
	sleep 2
	streams_stop
	diag "$text:"
	streams_table | diag
	for s in "${STREAMS[@]}"; do
		case $s in
		ping:*) check "$text: $s: at most $most lost" loses_at_most "$most" "$s" ;;
		*) check "$text: $s: whole" stream_lives "$s" ;;
		esac
	done
}
loses_at_most()
{
	(($(counted_as "$2" sent) > 100 && $(counted_as "$2" lost) <= $1 + $(counted_as "$2" overflow)))
}

# beta and gamma, neighbours, both leave 2.1.1: beta for alfa's 2.0.1, gamma for a g-node of its own in 2.0.
# migrates_at_once TEXT FIRST SECOND NUMBER_OF_BETA NUMBER_OF_GAMMA
migrates_at_once()
{
	local text=$1 name alfa beta gamma delta
	local -A new=([alfa]=10.0.0.18 [beta]=10.0.0.19 [gamma]=10.0.0.16 [delta]=10.0.0.21 [mu]=10.0.0.20)
	local -A identity=([beta]=1 [gamma]=0) number=([beta]=$4 [gamma]=$5)
	local SCENARIO=(alfa beta gamma delta mu)
	begin "${SCENARIO[@]}"
	course_p1
	course_p2
	course_p3
	course_p4
	alfa=$(counted show_identity_arcs alfa 1)
	beta=$(counted show_identity_arcs beta 1)
	gamma=$(counted show_identity_arcs gamma 0)
	delta=$(counted show_identity_arcs delta 1)
	order beta prepare_migrate_phase_1 1 0 1 2.0.1 0.2.0 2 3 1 4 3 3 "${number[beta]}" null
	order gamma prepare_migrate_phase_1 0 0 2 2.0 0.2 2 3 0 5 2 3 "${number[gamma]}" null
	# Those in between change their addresses, alfa, delta and mu do not.
	streams_start ping:alfa:10.0.0.20 ping:alfa:10.0.0.21 ping:mu:10.0.0.18 ping:delta:10.0.0.18 \
		tcp:alfa:mu:10.0.0.20
	# alfa answers later: beta's duplication cannot be complete before gamma's begins, nor the other way round.
	kill -STOP "${SYS_NTKD[alfa]}" "${SYS_NTKD[delta]}"
	order "$2" migrate_phase_1 "${identity[$2]}" "${number[$2]}" >/dev/null
	order "$3" migrate_phase_1 "${identity[$3]}" "${number[$3]}" >/dev/null
	kill -CONT "${SYS_NTKD[alfa]}" "${SYS_NTKD[delta]}"
	# Nobody takes part in another's: whoever was a neighbour is one of both that came of it (spec/identities 11.1).
	qspn_arc alfa 1 beta $((alfa + 1))
	qspn_arc delta 1 gamma $((delta + 1))
	check "$text: beta has met both of gamma" wait_for $STEP_SECONDS at_least $((beta + 1)) counted show_identity_arcs beta 2
	check "$text: gamma has met both of beta" wait_for $STEP_SECONDS at_least $((gamma + 1)) counted show_identity_arcs gamma 1
	join beta 1 2
	join gamma 0 1
	check "$text: beta has migrated" wait_for $STEP_SECONDS operation_is beta "${number[beta]}" done
	check "$text: gamma has migrated" wait_for $STEP_SECONDS operation_is gamma "${number[gamma]}" done
	check "$text: all paths come" wait_for 20 reached_all new "${SCENARIO[@]}"
	# Begun at the same moment: what the one sends to the other's new place before that knows it is lost (ntkd(8)).
	flows_end "$text: while they migrate" 3
	reach_each_other "$text" new "${SCENARIO[@]}"
	is "$text: identities of beta and gamma" "$(identities beta) $(identities gamma)" '2 2'
	for name in alfa beta gamma delta; do
		is_whole "$text" "$name"
	done
	streams_start ping:alfa:10.0.0.20 ping:alfa:10.0.0.21 ping:mu:10.0.0.18 ping:delta:10.0.0.18 \
		ping:beta:10.0.0.20 ping:gamma:10.0.0.20 ping:gamma:10.0.0.18 ping:mu:10.0.0.16 ping:mu:10.0.0.19 \
		tcp:alfa:mu:10.0.0.20
	# Nobody needs 2.1.1 any more: the last but one may go, then the last one.
	check "$text: beta's old identity can be removed" removable beta 1
	check "$text: beta's old identity is removed" ntk beta remove_identity 1
	check "$text: beta's namespace goes" wait_for 20 has_no_namespaces beta
	check "$text: gamma's old identity can be removed" wait_for 20 removable gamma 0
	check "$text: gamma's old identity is removed" ntk gamma remove_identity 0
	check "$text: gamma's namespace goes" wait_for 20 has_no_namespaces gamma
	check "$text: one identity-arc each is left of the four" wait_for 20 have_arcs 'alfa 1 1' 'beta 2 2' 'gamma 1 2' 'delta 1 2'
	flows_end "$text: while the old ones go" 0
	reach_each_other "$text, without them" new "${SCENARIO[@]}"
	is_whole "$text, without them" beta
	is_whole "$text, without them" gamma
	end "$text" "${SCENARIO[@]}"
	ip link delete lan
}

removable()
{
	[[ $(ntk "$1" -j check_connectivity "$2" | tr -d ' \n') == *'"removable":true'* ]]
}

# have_arcs "NAME IDENTITY COUNT"…: their identities have so many identity-arcs
have_arcs()
{
	local name id n
	while read -r name id n; do
		(($(counted show_identity_arcs "$name" "$id") == n)) || return 1
	done < <(printf '%s\n' "$@")
}

reached_all()
{
	local name to
	local -n address=$1
	shift
	for name; do
		for to; do
			[[ $to == "$name" ]] || in_system "$name" ip route get "${address[$to]}" || return 1
		done
	done
}

at_once()
{
	local i
	for ((i = 0; i < TWICE; i++)); do
		if ((i % 2 == 0)); then
			migrates_at_once "beta and gamma migrate at once ($((i + 1)))" beta gamma 2000 1000
		else
			migrates_at_once "gamma and beta migrate at once ($((i + 1)))" gamma beta 2000 3000
		fi
	done
}

# -- standing still ----------------------------------------------------------------------------------

# As a machine that sleeps: its processes stand still, and its clock goes on.
still()
{
	local text="beta stands still for $STILL s" pids lost SCENARIO=(beta gamma)
	begin beta gamma
	course_p1
	pids=("${SYS_NTKD[beta]}" "$(system_helper beta)")
	kill -STOP "${pids[@]}"
	check "$text: gamma finds it silent" wait_for "$STILL" arc_is_not_up gamma beta
	sleep "$STILL"
	kill -CONT "${pids[@]}"
	check "$text: the arc is back at gamma" wait_for $STEP_SECONDS arc_is gamma beta up
	check "$text: the arc is back at beta" wait_for $STEP_SECONDS arc_is beta gamma up
	check "$text: so is the identity-arc at gamma" \
		wait_for $STEP_SECONDS at_least 1 counted show_identity_arcs gamma 0
	check "$text: so is the identity-arc at beta" \
		wait_for $STEP_SECONDS at_least 1 counted show_identity_arcs beta 1
	# An arc that was lost has to be given to the identities again (spec/manual-mode 4).
	check "$text: gamma's operator gives it to its identity" ntk gamma add_qspn_arc 0 eth1 "${SCENARIO_MAC[beta]}"
	check "$text: so does beta's" ntk beta add_qspn_arc 1 eth1 "${SCENARIO_MAC[gamma]}"
	check "$text: everything is as before" wait_for 20 is_quiet p1
	is "$text: gamma reaches beta" "$(silent gamma 10.0.0.23)" ''
	text="beta's helper stands still"
	pids=("$(system_helper beta)")
	lost=$(grep -c ': arc_removed ' "$WORK/gamma.log")
	kill -STOP "${pids[@]}"
	# Longer than a neighbour may be silent: what beta says does not wait for the kernel.
	sleep 5
	kill -CONT "${pids[@]}"
	is "$text: gamma does not miss it" "$(grep -c ': arc_removed ' "$WORK/gamma.log")" "$lost"
	is_whole "$text" beta
	end "$text" beta gamma
}
arc_is_not_up()
{
	! arc_is "$1" "$2" up
}

# -- the wall clock ------------------------------------------------------------------------------------

# set_clock SECONDS: beta's wall clock is so much off; asked: how often it has looked
set_clock()
{
	python3 -c 'import struct, sys
with open(sys.argv[1], "r+b") as f:
    f.write(struct.pack("=q", int(sys.argv[2])))' "$WORK/shift" "$1"
}
asked()
{
	python3 -c 'import struct, sys
print(struct.unpack("=qQ", open(sys.argv[1], "rb").read(16))[1])' "$WORK/shift"
}

# year_told: of beta's last event
year_told()
{
	tail -n 1 "$WORK/beta.events" | sed -E 's/.*"time":"([0-9]*)-.*/\1/'
}

YEAR=31556952

clocks()
{
	local text lost year began watcher off SCENARIO=(beta gamma)
	if [[ ! -x $SHIFTCLOCK ]]; then
		skip 'the wall clock is set' "needs $SHIFTCLOCK: make check builds it"
		return
	fi
	if ldd "$NTKD" | grep -qE 'lib(asan|tsan)' || ! command -v python3 >/dev/null; then
		skip 'the wall clock is set' 'a sanitizer wants to be the first library, or there is no python3'
		return
	fi
	head -c 16 /dev/zero >"$WORK/shift"
	printf '#!/bin/sh\nNTK_SHIFT=%s LD_PRELOAD=%s exec %s "$@"\n' "$WORK/shift" "$SHIFTCLOCK" "$NTKD" >"$WORK/bin/ntkd"
	chmod 755 "$WORK/bin/ntkd"
	NTKD=$WORK/bin/ntkd begin beta
	begin gamma
	nsenter -t "${SYS_PID[beta]}" -m -n -- "$NTKCTL" -s /run/ntkd/control -j events \
		</dev/null >"$WORK/beta.events" 2>/dev/null &
	watcher=$!
	real_arc beta 0 10000 gamma 0 11000
	order beta prepare_enter_net_phase_1 0 0 1 2.1.1 0.0.0 2 1 1 2 2 1 '[0]' $ENTRY null
	year=$(date -u +%Y)
	is 'before: events are of this year' "$(year_told)" "$year"
	lost=$(cat "$WORK"/{beta,gamma}.log | grep -c ': arc_removed ')
	text='the wall clock goes back by ten years'
	set_clock $((-10 * YEAR))
	began=$SECONDS
	# Timers of all modules are running: hellos, an exchange, the handover.
	is_index beta 1 "$(order beta enter_net_phase_1 0 $ENTRY)"
	qspn_arc gamma 0 beta 2
	set_clock $((10 * YEAR))
	settled beta 0 $ENTRY
	check "$text and then on by twenty: an entry and its handover take their time" test $((SECONDS - began)) -le 10
	wait_for 20 is_quiet p1
	is "$text and then on: beta is where it wanted to be" "$(made_names beta)" "$(expected p1 beta)"
	is "$text and then on: the events are of that time" "$(year_told)" $((year + 10))
	text='the wall clock is set while nothing happens'
	for off in -20 20 0; do
		set_clock $((off * YEAR))
		sleep 2
	done
	sleep 3
	is "$text: no arc is lost" "$(cat "$WORK"/{beta,gamma}.log | grep -c ': arc_removed ')" "$lost"
	like "$text: uptime" "$(ntk beta -j status | tr -d ' \n')" '"uptime":[0-9]{1,2},'
	check "$text: it was looked at" test "$(asked)" -ge 5
	diag "the wall clock was looked at $(asked) times, $(wc -l <"$WORK/beta.events") events"
	end 'the wall clock was set' beta gamma
	kill "$watcher" 2>/dev/null
}

# -- the clock of hellos ---------------------------------------------------------------------------------

# with_clock SECONDS: NTKD becomes a program that runs by a monotonic clock so much ahead
with_clock()
{
	unshare -T --monotonic "$1" --fork --kill-child sleep infinity </dev/null &
	CLOCK=$!
	wait_for 10 pgrep -P $CLOCK -x sleep || bail 'no clock of its own'
	printf '#!/bin/sh\nexec nsenter --time=/proc/%s/ns/time %s "$@"\n' "$(pgrep -P $CLOCK -x sleep)" "$NTKD" \
		>"$WORK/bin/ntkd"
	chmod 755 "$WORK/bin/ntkd"
}

# wrapped: has beta's clock in hellos begun anew?
wrapped()
{
	((${EPOCHREALTIME/./} > WRAP + 4000000))
}

# The times in hellos have 32 bits, 71 minutes: beta's begin anew while it has a neighbour, whose clock is quite another.
wrap()
{
	local text="beta's clock in hellos begins anew" round=4294967296 ahead up SCENARIO=(beta gamma)
	if ! unshare -T --monotonic 1 --fork true 2>/dev/null; then
		skip "$text" 'no clocks of its own can be had for a process here'
		return
	fi
	up=$(($(cut -d ' ' -f 1 /proc/uptime | tr -d .) * 10000))
	ahead=$(((100 * round - 15000000 - up) / 1000000))
	WRAP=$((${EPOCHREALTIME/./} + 100 * round - up - ahead * 1000000))
	diag "beta's clock is $ahead s ahead, and begins anew in $(((WRAP - ${EPOCHREALTIME/./}) / 1000)) ms"
	with_clock $ahead
	NTKD=$WORK/bin/ntkd begin beta
	begin gamma
	course_p1
	wait_for 30 wrapped || bail 'it does not'
	is "$text: no arc is lost" "$(cat "$WORK"/{beta,gamma}.log | grep -c ': arc_removed ')" 0
	is "$text: everything is as it was" "$(made_names beta)" "$(expected p1 beta)"
	diag "costs measured (us): beta $(measured_cost beta), gamma $(measured_cost gamma)"
	check "$text: beta's costs are those of this link" test "$(measured_cost beta)" -lt 1000000
	check "$text: gamma's, too" test "$(measured_cost gamma)" -lt 1000000
	end "$text" beta gamma
	kill -TERM $CLOCK 2>/dev/null || kill -KILL $CLOCK
}

# measured_cost NAME: of its only neighbour
measured_cost()
{
	ntk "$1" -j show_neighborhood_arcs | tr -d ' \n' | sed -n 's/.*"cost":\([0-9]*\).*/\1/p'
}

for part in $PARTS; do
	"$part"
done
done_testing
