#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packets while the network changes under them.  While two systems enter a network as a block (step 4 of
# the reference scenario) they reach each other as before; while beta migrates (step 6) everybody reaches through
# it whom he has reached through it: no ping is lost, no connection breaks.
#
#	NTK_COURSES=20 tests/integration/81-nothing-lost.sh	the course twenty times
#
# Counted are pings each 10 ms (NTK_STREAM_US) from before the first command of the step to 5 s after the last,
# between systems whose addresses stay what they are, by global addresses, by internal ones and, where nobody who
# translates the sender's address moves, by anonymizing ones.  A flow that beta translates has beta's address,
# and ends with it: what is lost then is told, and that the next flow arrives is tested.
COURSES=${NTK_COURSES:-2}
NTK_TEST_SECONDS=${NTK_TEST_SECONDS:-$((60 + COURSES * 120))}
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"
. "$NTK_SRCDIR/tests/integration/streams.sh"

AFTER=5		# s that are counted after the last command of a step
ORDERS=$WORK/orders

# measured TEXT STEP… -- STREAM… [-- STREAM…]: the streams run while the steps are taken, and AFTER; of the last
# ones it is told only what became of them
measured()
{
	local text=$1 steps=() kept=() step began failed=$TAP_FAILED
	shift
	while [[ $1 != -- ]]; do
		steps+=("$1")
		shift
	done
	shift
	while (($#)) && [[ $1 != -- ]]; do
		kept+=("$1")
		shift
	done
	(($# == 0)) || shift
	streams_start "${kept[@]}" "$@"
	: >"$ORDERS"
	began=${EPOCHREALTIME/./}
	for step in "${steps[@]}"; do
		"$step"
	done
	sleep $AFTER
	streams_stop
	diag "$text, $(((${EPOCHREALTIME/./} - began) / 1000)) ms:"
	streams_table | diag
	streams_check "$text" "${kept[@]}"
	((TAP_FAILED == failed)) || diag 'What was ordered, and when (s):' <"$ORDERS"
}

# The measure itself: a hole at mu is seen, in pings and in a connection, which survives it.
measure_a_hole()
{
	local ping=ping:delta:10.0.0.40 tcp=tcp:delta:mu:10.0.0.40
	streams_start "$ping" "$tcp"
	in_system mu nft -f - <<-'END'
		table ip hole {
			counter swallowed { }
			chain first {
				type filter hook prerouting priority -310
				ip saddr 10.0.0.41 counter name swallowed drop
			}
		}
	END
	wait_for 10 has_swallowed 20 || bail 'no packets get lost in a hole'
	in_system mu nft delete table ip hole
	streams_stop
	diag 'With a hole:'
	streams_table | diag
	check 'a hole: pings are lost' test "$(counted_as "$ping" lost)" -ge 5
	check 'a hole: segments are sent again' test "$(counted_as "$tcp" retransmitted)" -ge 1
	check 'a hole: the connection is whole again' stream_lives "$tcp"
}

has_swallowed()
{
	(($(in_system mu nft list counter ip hole swallowed | sed -n 's/.*packets \([0-9]*\).*/\1/p') >= $1))
}

start_all()
{
	local name
	for name in "${SCENARIO[@]}"; do
		system_launch "$name"
	done
	for name in "${SCENARIO[@]}"; do
		system_await "$name" || bail "$name does not start"
	done
}

end_all()
{
	local name
	for name in "${SCENARIO[@]}"; do
		system_end "$name" || bail "$name ended with status $?"
	done
	for name in "${SCENARIO[@]}"; do
		wait_for 5 dump_equals "$name" "$WORK/$name.before" || bail "$name is not what it was before"
	done
}

for name in "${SCENARIO[@]}"; do
	system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
	system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 1000'
	system_dump "$name" >"$WORK/$name.before"
done
for ((course = 1; course <= COURSES; course++)); do
	start_all
	course_p1
	course_p2
	((course > 1)) || measure_a_hole
	measured "$course of $COURSES: delta and mu enter as a block" course_p3 -- \
		ping:delta:10.0.0.40 ping:mu:10.0.0.41 ping:delta:10.0.0.60 ping:mu:10.0.0.61 \
		tcp:delta:mu:10.0.0.40
	course_p4
	measured "$course of $COURSES: beta migrates" course_p5a course_p5b course_p6 -- \
		ping:alfa:10.0.0.22 ping:gamma:10.0.0.18 ping:alfa:10.0.0.20 \
		ping:alfa:10.0.0.62 ping:gamma:10.0.0.58 ping:alfa:10.0.0.60 tcp:alfa:mu:10.0.0.20 \
		ping:gamma:10.0.0.84 ping:mu:10.0.0.86 ping:delta:10.0.0.86 tcp:gamma:mu:10.0.0.84 -- \
		ping:alfa:10.0.0.86 ping:gamma:10.0.0.82
	is "$course of $COURSES: after that alfa and gamma reach each other anonymously" \
		"$(silent alfa 10.0.0.86)$(silent gamma 10.0.0.82)" ''
	end_all
done
done_testing
