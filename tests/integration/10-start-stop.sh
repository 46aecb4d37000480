#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Starting and stopping: afterwards everything is as it was, whatever the
# administrator had set before.
. "$(dirname "$0")/lib.sh"

# before NAME SHELL-COMMANDS: what the administrator did in that system.
before()
{
	in_system "$1" "$BASH" -ec "$2" || bail "cannot prepare $1"
}

# start_and_stop TITLE NAME: starts, looks, stops, compares.
start_and_stop()
{
	local title=$1 name=$2 dump=$WORK/$2.before
	system_dump "$name" >"$dump"
	system_config "$name" 'address = "2.1.1.0"'
	if ! system_start "$name"; then
		not_ok "$title: starts"
		system_log "$name"
		return
	fi
	ok "$title: starts"
	check "$title: ntkctl status answers" ntk "$name" status
	like "$title: forwards packets" "$(in_system "$name" cat /proc/sys/net/ipv4/ip_forward)" '^1$'
	system_end "$name"
	is "$title: exit status of ntkd" $? 0
	check_unchanged "$title: nothing is left" "$name" "$dump"
}

system_new plain eth1=02:00:00:00:01:01
start_and_stop 'fresh system' plain
start_and_stop 'the same again' plain

system_new router eth1=02:00:00:00:02:01 eth2=02:00:00:00:02:02@lan2
before router 'echo 1 >/proc/sys/net/ipv4/ip_forward'
start_and_stop 'a router, two interfaces' router

# ip_forward off, one interface forwarding by itself, other settings not the kernel's: putting
# ip_forward back alone would lose each of them.
system_new fancy eth1=02:00:00:00:03:01 eth2=02:00:00:00:03:02@lan2 eth3=02:00:00:00:03:03@lan3
before fancy 'cd /proc/sys/net/ipv4/conf
	echo 1 >eth2/forwarding; echo 0 >all/accept_redirects; echo 2 >all/rp_filter
	echo 1 >eth1/rp_filter; echo 2 >eth1/arp_ignore; echo 1 >eth1/arp_announce; echo 1 >default/rp_filter
	ip address add 192.0.2.1/24 dev eth2; ip route add 198.51.100.0/24 via 192.0.2.9
	ip rule add pref 500 from 192.0.2.0/24 lookup 100; ip route add blackhole 203.0.113.0/24 table 100
	ip netns add theirs; nft add table inet theirs
	nft add chain inet theirs input "{ type filter hook input priority 0; }"'
start_and_stop 'odd settings, three interfaces' fancy

# An interface that is down is set up; that alone stays (spec/kernel-state 3).
system_new quiet eth1=02:00:00:00:04:01
before quiet 'ip link set eth1 down'
system_config quiet 'address = "2.1.1.0"'
check 'an interface that is down: starts' system_start quiet
like 'an interface that is down: is set up' "$(in_system quiet ip -o link show eth1)" '[<,]UP[,>]'
system_end quiet
is 'an interface that is down: exit status' $? 0

# Without an address in the configuration one is drawn.
system_new random eth1=02:00:00:00:05:01
system_dump random >"$WORK/random.before"
system_config random
check 'no address configured: starts' system_start random
like 'no address configured: one is drawn' "$(ntk random -j show_ntkaddress 0)" \
	'"address": *"[0-3]\.[01]\.[01]\.[01]"'
check 'ntkctl quit' ntk random quit
system_reap random
is 'ntkctl quit: exit status of ntkd' $? 0
check_unchanged 'ntkctl quit: nothing is left' random "$WORK/random.before"

check 'SIGINT: starts' system_start random
system_end random INT
is 'SIGINT: exit status of ntkd' $? 0
check_unchanged 'SIGINT: nothing is left' random "$WORK/random.before"

hup_told()
{
	grep -q SIGHUP "$WORK/random.log"
}
check 'SIGHUP: starts' system_start random
kill -HUP "${SYS_NTKD[random]}"
check 'SIGHUP: is told in the log' wait_for 5 hup_told
check 'SIGHUP: is no end' ntk random status
system_end random
is 'SIGHUP: exit status of ntkd afterwards' $? 0
check_unchanged 'SIGHUP: nothing is left' random "$WORK/random.before"

# Without -f it goes to the background; the command returns when the daemon serves.
check 'in the background: the command returns' \
	in_system random "$NTKD" -c "$WORK/random.conf" --helper "$NTK_HELPER"
check 'in the background: it serves at once' ntk random status
pid=$(in_system random cat /run/ntkd/lock)
like 'in the background: its process id stands in the lock' "$pid" '^[0-9]+$'
check 'in the background: ntkctl quit' ntk random quit
check 'in the background: it ends' wait_for 15 is_gone "$pid"
check_unchanged 'in the background: nothing is left' random "$WORK/random.before"
done_testing
