#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ntkd, ntkd-priv and both, killed at random moments while the kernel's state changes
# all the time; and stopped for a while.  After each kill the next start finds nothing, and in
# the end everything is as before, all of net.ipv4 included.
#
# Environment: NTK_KILLS, of each of the three kinds (10; "make kills" does 300);
# NTK_STOP_SECONDS (2; 30 there); NTK_SEED of the random moments.
: "${NTK_TEST_SECONDS:=$((240 + ${NTK_KILLS:-10} * 10))}"
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

KILLS=${NTK_KILLS:-10}
STOP_SECONDS=${NTK_STOP_SECONDS:-2}
SEED=${NTK_SEED:-$((EPOCHSECONDS % 32768))}
diag "seed $SEED, $KILLS kills of each kind"

# kill_system NAME: a system whose administrator has settings of his own.
kill_system()
{
	system_new "$1" eth1=02:00:00:00:00:01 eth2=02:00:00:00:00:02@lan2
	in_system "$1" "$BASH" -ec 'cd /proc/sys/net/ipv4/conf
		echo 1 >eth2/forwarding; echo 2 >all/rp_filter; echo 1 >eth1/rp_filter
		echo 1 >eth1/arp_announce; echo 0 >all/accept_redirects
		ip netns add theirs; ip address add 192.0.2.1/24 dev eth2' || bail "cannot prepare $1"
	system_config "$1" 'address = "1.0.1.0"'
	system_dump "$1" >"$WORK/$1.before"
}

# load NAME: one state after the other, until ntkd is gone.
load()
{
	local file index
	while :; do
		for file in "$FIXTURES"/states/p?-beta-n0.json; do
			ntk "$1" load_state "$file" || return
		done
		index=$(ntk "$1" load_state "$SEED_STATE") || return
		ntk "$1" remove_identity "$index" || return
	done >/dev/null 2>&1
}

# leftovers NAME: what a fresh ntkd would not have, before it is asked for anything.
leftovers()
{
	in_system "$1" "$BASH" -c 'ls /run/netns | grep -v "^theirs$"
		ip -N route show table all proto 15; ip -N rule show | grep "proto 15"
		ip address show | grep "inet .* 10\."; nft list tables' |
		sed -E 's/169\.254\.[0-9.]+/OWN/' | sort
}

# end NAME MODE: kills what MODE says and waits for the end of both.
end()
{
	local helper pid=${SYS_NTKD[$1]}
	helper=$(system_helper "$1")
	case $2 in
	ntkd) kill -KILL "$pid" ;;
	helper)
		# Between the one that cleaned up and the next there is none.
		until kill -KILL "$helper" || is_gone "$pid"; do
			helper=$(system_helper "$1")
		done
		;;
	both)
		# Stopped first, or it might see the helper's end and leave by itself.
		kill -STOP "$pid"
		kill -KILL "$pid" $helper
		;;
	esac 2>/dev/null
	system_reap "$1" "$helper"
	STATUS=$?
}

# one_kill NAME MODE: one of four times somewhere in the start, else under load.
one_kill()
{
	local loader= before status=0
	system_launch "$1"
	if ((RANDOM % 4)); then
		wait_for 30 system_is_settled "$1" && system_is_up "$1" || { diag "$2: no start"; return 1; }
		if [[ $(leftovers "$1") != "$FRESH" ]]; then
			diag "$2: after the kill before, the next start shows:"
			diff <(echo "$FRESH") <(leftovers "$1") | diag
			status=1
		fi
		load "$1" &
		loader=$!
		sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	else
		wait_for 5 system_helper "$1"
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
	fi
	end "$1" "$2"
	[[ -z $loader ]] || wait "$loader"
	case $2:$STATUS in
	ntkd:137 | both:137 | helper:3) ;;
	helper:1) [[ -z $loader ]] || status=1 ;;	# it had not started yet
	*) status=1 ;;
	esac
	((status == 0)) || diag "$2: exit status $STATUS"
	return $status
}

# many_kills NAME MODE SEED: prints numbers of kills, of those after which something was wrong, and
# whether everything is as before in the end.
many_kills()
{
	local done=0 wrong=0 i
	RANDOM=$3
	system_start "$1" || { echo '0 1 no'; return; }
	FRESH=$(leftovers "$1")
	system_end "$1" || { echo '0 1 no'; return; }
	[[ $FRESH == *lookup\ 251* && $FRESH == *table\ 251* ]] || { echo '0 1 no'; return; }
	for ((i = 0; i < KILLS; i++)); do
		one_kill "$1" "$2" >>"$WORK/$2.notes" || ((++wrong))
		((++done))
	done
	system_start "$1" && [[ $(leftovers "$1") == "$FRESH" ]] || ((++wrong))
	system_end "$1" || ((++wrong))
	if wait_for 10 dump_equals "$1" "$WORK/$1.before"; then
		echo "$done $wrong yes"
	else
		echo "$done $wrong no"
		diff -U0 "$WORK/$1.before" <(system_dump "$1") >>"$WORK/$2.notes"
	fi
}

# The three beside each other: most of the time is waiting.
for mode in ntkd helper both; do
	kill_system "$mode"
done
seed=$SEED
for mode in ntkd helper both; do
	many_kills "$mode" "$mode" $((seed++)) >"$WORK/$mode.result" 2>"$WORK/$mode.errors" &
	KILLERS+=($!)
done
wait "${KILLERS[@]}"
for mode in ntkd helper both; do
	read -r done wrong as_before <"$WORK/$mode.result"
	diag <"$WORK/$mode.notes"
	is "$mode killed $done times: starts and ends that were not whole" "$wrong" 0
	is "$mode killed $done times: number" "$done" "$KILLS"
	is "$mode killed $done times: settings and everything else as before" "$as_before" yes
done

# -- stopped, not killed -------------------------------------------------------------

name=ntkd
system_start_or_bail $name
for stopped in ntkd ntkd-priv; do
	pid=${SYS_NTKD[$name]}
	[[ $stopped == ntkd ]] || pid=$(system_helper $name)
	kill -STOP "$pid"
	ntk $name -j show_local_identities >"$WORK/show.out" 2>&1 &
	show=$!
	ntk $name load_state "$SEED_STATE" >"$WORK/load.out" 2>&1 &
	loading=$!
	sleep "$STOP_SECONDS"
	if [[ $stopped == ntkd-priv ]]; then
		check "$stopped stopped: what needs no helper is answered meanwhile" is_gone $show
	fi
	kill -CONT "$pid"
	wait $show
	is "$stopped stopped for $STOP_SECONDS s: a client that asked gets its answer" \
		"$? $(grep -c '"running"' "$WORK/show.out")" '0 1'
	wait $loading
	is "$stopped stopped for $STOP_SECONDS s: so does one that changes something" "$?" 0
	index=$(<"$WORK/load.out")
	ns=$(system_namespaces $name | grep -v theirs)
	is "$stopped stopped for $STOP_SECONDS s: what was asked is made" "$(made $name "$ns" | sort -u)" \
		"$(wanted seed-page-beta-n1)"
	check "$stopped stopped for $STOP_SECONDS s: and can be removed" ntk $name remove_identity "$index"
done
system_end $name
is 'then the stop is clean' $? 0
check_unchanged 'then nothing is left' $name "$WORK/$name.before"
done_testing
