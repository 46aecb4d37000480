#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Killed processes.  ntkd dies: its helper undoes everything at once.  The helper dies: ntkd ends
# with status 3 and a clear line, and the next start and stop leave nothing, all
# of net.ipv4 included.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

# An administrator's settings that must come back: forwarding is his on one interface only.
system_new beta "eth1=${SCENARIO_MAC[beta]}" eth2=02:00:00:00:00:02@lan2
in_system beta "$BASH" -ec 'cd /proc/sys/net/ipv4/conf
	echo 1 >eth2/forwarding; echo 2 >all/rp_filter; echo 1 >eth1/rp_filter
	echo 1 >eth1/arp_announce; echo 0 >all/accept_redirects
	ip netns add theirs; ip address add 192.0.2.1/24 dev eth2' || bail 'cannot prepare beta'
system_config beta 'address = "1.0.1.0"'
before=$WORK/before
system_dump beta >"$before"

# state STATE: brings a new ntkd to that moment.
state()
{
	case $1 in
	started)
		system_start_or_bail beta
		;;
	loaded)
		system_start_or_bail beta
		ntk beta load_state "$SEED_STATE" >/dev/null || bail 'load_state fails'
		;;
	removed)
		state loaded
		ntk beta remove_identity 1 || bail 'remove_identity fails'
		;;
	esac
}

# helper_appears: the helper was started by now.
helper_appears()
{
	HELPER=$(system_helper beta) && [[ -n $HELPER ]]
}

# killed_until_gone: kills the helper of now, which may have ended just before, so that another
# is about to come; true when ntkd has gone, too.
killed_until_gone()
{
	helper_appears && kill -KILL "$HELPER" 2>/dev/null
	is_gone "${SYS_NTKD[beta]}"
}

for moment in started loaded removed; do
	state $moment
	system_end beta KILL
	is "ntkd killed when $moment: it died of that" $? 137
	check_unchanged "ntkd killed when $moment: nothing is left" beta "$before"
done

for moment in started loaded removed; do
	state $moment
	helper=$(system_helper beta)
	kill -KILL "$helper"
	system_reap beta "$helper"
	is "helper killed when $moment: exit status of ntkd" $? 3
	like "helper killed when $moment: ntkd says so" "$(<"$WORK/beta.log")" '[Hh]elper.*(died|killed|ended|signal|gone)'
	system_start_or_bail beta
	is "helper killed when $moment: the next start is whole" \
		"$(system_facts beta | grep -c '^route 251')" 18
	system_end beta
	is "helper killed when $moment: the next stop is clean" $? 0
	check_unchanged "helper killed when $moment: then nothing is left" beta "$before"
done

for moment in started loaded; do
	state $moment
	helper=$(system_helper beta)
	# Stopped first, or it might see the helper's end and leave by itself.
	kill -STOP "${SYS_NTKD[beta]}"
	kill -KILL "$helper" "${SYS_NTKD[beta]}"
	system_reap beta "$helper"
	is "both killed when $moment: ntkd died of that" $? 137
	system_start_or_bail beta
	is "both killed when $moment: the next start is whole" \
		"$(system_facts beta | grep -c '^route 251')" 18
	system_end beta
	is "both killed when $moment: the next stop is clean" $? 0
	check_unchanged "both killed when $moment: then nothing is left" beta "$before"
done

# Killed twice in a row: the first life's values, not the second's, come back.
state loaded
kill -KILL "$(system_helper beta)" "${SYS_NTKD[beta]}"
system_reap beta
state loaded
kill -KILL "$(system_helper beta)" "${SYS_NTKD[beta]}"
system_reap beta
state started
system_end beta
is 'killed twice: the next stop is clean' $? 0
check_unchanged 'killed twice: then nothing is left' beta "$before"

# Somewhere during the start: a bit later each time.
strange=0
for delay in 0 0.002 0.004 0.006 0.008 0.01 0.012 0.015 0.02 0.03; do
	system_launch beta
	wait_for 5 helper_appears || HELPER=
	sleep $delay
	kill -KILL "${SYS_NTKD[beta]}" 2>/dev/null
	system_reap beta $HELPER
	wait_for 5 dump_equals beta "$before" || {
		((++strange))
		diff -U0 "$before" <(system_dump beta) | diag
	}
done
is 'ntkd killed at ten moments of its start: nothing is left' $strange 0

strange=0
for delay in 0 0.002 0.004 0.006 0.008 0.01 0.012 0.015 0.02 0.03; do
	system_launch beta
	wait_for 5 helper_appears
	sleep $delay
	# After the one that only cleaned up comes another.
	wait_for 10 killed_until_gone
	system_reap beta
	status=$?
	((status == 3 || status == 1)) || { ((++strange)); diag "after $delay s: status $status"; }
done
is 'helper killed at ten moments of the start: ntkd ends with 3, or 1 when it had not started' $strange 0
system_start_or_bail beta
system_end beta
is 'the next stop is clean' $? 0
check_unchanged 'then nothing is left' beta "$before"
done_testing
