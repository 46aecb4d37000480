#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What goes wrong between running daemons, and what they make of it: one that is killed, lost carriers,
# interfaces made again, lost frames, neighbours that mean ill, and what it costs to do nothing.
#
# NTK_FAULTS: how often detection and repair are measured.  NTK_LOSSES: percentages of frames lost.
# NTK_ATTACK: how long each attack lasts, s.  NTK_NEIGHBOURS: numbers of neighbours of an idle daemon.
# NTK_PARTS: which parts run.
NTK_TEST_SECONDS=${NTK_TEST_SECONDS:-600}
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"

HOSTILE=${NTK_HOSTILE:-$NTK_BUILD/tests/hostile}
[[ -x $HOSTILE ]] || bail "needs $HOSTILE: make check builds it"
FAULTS=${NTK_FAULTS:-2}
PARTS=${NTK_PARTS:-deaths loss hostile idle}
SILENCE_MS=3500			# of a neighbour that says hello every second

# -- measuring -----------------------------------------------------------------------------------

# ms: the time now; stamp_ms TEXT: that of a date
ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}
stamp_ms()
{
	date -u -d "$1" +%s%3N
}

# stats FILE: of the numbers in it, ms
stats()
{
	sort -n "$1" | awk '{ v[NR] = $1 }
		END { if (NR) printf "median %d ms, worst %d ms of %d", v[int((NR + 1) / 2)], v[NR], NR }'
}

WATCHERS=()			# processes that hold a namespace of a system

# watch_events NAME: from now on into $WORK/NAME.events; likewise routes, into $WORK/NAME.routes
watch_events()
{
	nsenter -t "${SYS_PID[$1]}" -m -n -- "$NTKCTL" -s /run/ntkd/control -j events \
		</dev/null >"$WORK/$1.events" 2>/dev/null &
	WATCHERS+=($!)
	wait_for 10 listens "$1" || bail "no events of $1"
}
listens()
{
	ntk "$1" -j show_counters | tr -d ' \n' | grep -q '"listeners":1,'
}
watch_routes()
{
	TZ=UTC nsenter -t "${SYS_PID[$1]}" -n -- ip -ts monitor route </dev/null >"$WORK/$1.routes" 2>&1 &
	WATCHERS+=($!)
}

# event_since NAME EVENT REGEX MS: prints when the first such event not before that time was, ms
event_since()
{
	local line at
	while IFS= read -r line; do
		at=$(stamp_ms "$(sed -E 's/.*"time":"([^"]*)".*/\1/' <<<"$line")")
		((at >= $4)) && echo "$at" && return
	done < <(grep -F "\"event\":\"$2\"" "$WORK/$1.events" | grep -E "$3" | tail -n 5)
	return 1
}

# route_gone NAME ADDRESS MS: when the route to the address was taken away, ms
route_gone()
{
	local at
	at=$(sed -nE "s/^\[([^]]*)\] Deleted ${2//./\\.} dev .*/\1/p" "$WORK/$1.routes" | tail -n 1)
	[[ -n $at ]] && at=$(stamp_ms "$at") && ((at >= $3)) && echo "$at"
}

# no_route NAME ADDRESS: nothing there leads over that neighbour
no_route()
{
	! in_system "$1" ip route show table all | grep -qF "$2"
}

# rss NAME: of its ntkd, KiB; cpu NAME: used by it and its helper, us
rss()
{
	awk '/^VmRSS/ { print $2 }' "/proc/${SYS_NTKD[$1]}/status"
}
cpu()
{
	local pid sum=0
	for pid in "${SYS_NTKD[$1]}" $(system_helper "$1"); do
		((sum += $(awk '{ printf "%d", $1 / 1000 }' "/proc/$pid/schedstat")))
	done
	echo "$sum"
}
# wire_bytes NAME: in and out of its interface
wire_bytes()
{
	in_system "$1" awk '$1 == "eth1:" { print $2 + $10 }' /proc/net/dev
}

# begin_pair: beta and gamma, after p1
begin_pair()
{
	local name
	for name in beta gamma; do
		system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
		system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 1000'
		system_launch "$name"
	done
	for name in beta gamma; do
		system_await "$name" || bail "$name does not start"
		watch_routes "$name"
	done
	watch_events beta
	course_p1
}

# end_all NAME…: their daemons in good order, then the systems
end_all()
{
	local name status=
	for name; do
		system_end "$name"
		status+=$?
	done
	is "they end in good order: $*" "$status" "$(printf '0%.0s' "$@")"
	((${#WATCHERS[@]} == 0)) || kill "${WATCHERS[@]}" 2>/dev/null
	WATCHERS=()
	for name; do
		system_remove "$name"
	done
}

# noticed NAME EVENT REGEX LINKLOCAL SINCE: NAME tells of the event, and has no route by the neighbour any
# more; adds how long both took to $WORK/detected and $WORK/repaired
noticed()
{
	local at
	wait_for 10 event_since "$1" "$2" "$3" "$5" || return
	at=$(event_since "$1" "$2" "$3" "$5")
	echo $((at - $5)) >>"$WORK/detected"
	wait_for 10 route_gone "$1" "$4" "$5" || return
	at=$(route_gone "$1" "$4" "$5")
	echo $((at - $5)) >>"$WORK/repaired"
	no_route "$1" "$4"
}

# within FILE MS COUNT: so many measurements, none above
within()
{
	(($(wc -l <"$1") == $3)) && (($(sort -n "$1" | tail -n 1) <= $2))
}

measured()
{
	diag "$1: detected: $(stats "$WORK/detected"); tables repaired: $(stats "$WORK/repaired")"
	check "$1: noticed each time, within $2 ms" within "$WORK/detected" "$2" "$FAULTS"
	check "$1: tables repaired each time, within $(($2 + 1000)) ms" \
		within "$WORK/repaired" $(($2 + 1000)) "$FAULTS"
	rm -f "$WORK/detected" "$WORK/repaired"
}

# -- a daemon that is killed, carriers, interfaces --------------------------------------------------

taken_up()
{
	local since=$1
	system_start gamma || bail 'gamma does not start again'
	wait_for $STEP_SECONDS is_heard beta gamma || bail 'gamma is not heard again'
	wait_for $STEP_SECONDS is_heard gamma beta || bail 'gamma does not hear again'
	echo $(($(ms) - since)) >>"$WORK/heard"
	order gamma add_real_arc "${SCENARIO_MAC[gamma]}" "${SCENARIO_MAC[beta]}" 11000 >/dev/null
	wait_for $STEP_SECONDS at_least 1 counted show_identity_arcs gamma 0 || bail 'no identity-arc again'
	wait_for $STEP_SECONDS at_least 1 counted show_identity_arcs beta 1 || bail 'no identity-arc again'
	echo $(($(ms) - since)) >>"$WORK/up"
}

deaths()
{
	local i since ll near far
	begin_pair
	for ((i = 0; i < FAULTS; i++)); do
		ll=$(own_linklocal gamma)
		since=$(ms)
		system_end gamma KILL 2>/dev/null
		noticed beta arc_removed "${SCENARIO_MAC[gamma]}" "$ll" "$since" || break
		taken_up "$(ms)"
	done
	# Its kernel ends the connection before the helper hears of it: no need to wait for silence.
	measured 'gamma is killed: beta' 2000
	is 'killed gamma was heard and taken up again each time' "$(wc -l <"$WORK/up")" "$FAULTS"
	diag "gamma is started again: both hear: $(stats "$WORK/heard"); identity-arc: $(stats "$WORK/up")"

	watch_events gamma
	near=$(near_end gamma)
	ll=$(own_linklocal gamma)
	for ((i = 0; i < FAULTS; i++)); do
		since=$(ms)
		ip link set "$near" down
		noticed gamma arc_removed 'no carrier' "$(own_linklocal beta)" "$since" || break
		wait_for 10 event_since beta arc_removed "${SCENARIO_MAC[gamma]}" "$since" || break
		far=$(event_since beta arc_removed "${SCENARIO_MAC[gamma]}" "$since")
		echo $((far - since)) >>"$WORK/detected.far"
		ip link set "$near" up
		wait_for $STEP_SECONDS arc_is gamma beta up || break
		wait_for $STEP_SECONDS arc_is beta gamma up || break
	done
	measured 'the carrier is lost: gamma' 1000
	diag "the carrier is lost: beta, which keeps its own: detected: $(stats "$WORK/detected.far")"
	check "the carrier is lost: beta finds gamma silent, within $((SILENCE_MS + 2000)) ms" \
		within "$WORK/detected.far" $((SILENCE_MS + 2000)) "$FAULTS"
	is 'the carrier is back: so is the interface' "$(nic_state gamma)" used

	in_system gamma ip link delete eth1
	check 'an interface is removed: told' wait_for 10 nic_is gamma gone
	system_plug gamma eth1 "${SCENARIO_MAC[gamma]}" lan
	check 'it is made again: taken up' wait_for 10 nic_is gamma used
	check 'it is made again: so is the arc' wait_for $STEP_SECONDS arc_is gamma beta up
	end_all beta gamma
}

# -- lost frames -------------------------------------------------------------------------------------

# lossy PERCENT NAME…: of the frames that leave each of them
lossy()
{
	local percent=$1 name
	shift
	{
		echo 'table netdev lossy {'
		for name; do
			echo "chain $name { type filter hook ingress device $(near_end "$name") priority 0;"
			echo "numgen random mod 100 < $percent counter drop"
			echo 'counter'
			echo '}'
		done
		echo '}'
	} | nft -f -
}

# frames_lost: what the rules of lossy counted
frames_lost()
{
	nft list table netdev lossy | awk '
		{ for (i = 1; i < NF; i++) if ($i == "packets") { if (/drop/) lost += $(i + 1); else kept += $(i + 1) } }
		END { printf "%d of %d frames", lost, lost + kept }'
}

loss()
{
	local percent name since SCENARIO=(beta gamma delta mu)
	for percent in ${NTK_LOSSES:-20}; do
		for name in "${SCENARIO[@]}"; do
			system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
			system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 1000'
		done
		if ! lossy "$percent" "${SCENARIO[@]}" 2>"$WORK/nft"; then
			skip "$percent % of frames lost" "no nftables that lose frames: $(<"$WORK/nft")"
			continue
		fi
		for name in "${SCENARIO[@]}"; do
			system_launch "$name"
		done
		for name in "${SCENARIO[@]}"; do
			system_await "$name" || bail "$name does not start"
		done
		since=$(ms)
		course_p1
		course_p2
		wait_for 20 is_quiet p2
		diag "$percent % of frames lost: p1 and p2 took $(($(ms) - since)) ms; lost: $(frames_lost)"
		for name in "${SCENARIO[@]}"; do
			is "$percent % of frames lost: $name: addresses, routes, rules, NAT" "$(made_names "$name")" \
				"$(expected p2 "$name")"
		done
		nft delete table netdev lossy
		end_all "${SCENARIO[@]}"
	done
}

# -- neighbours that mean ill ------------------------------------------------------------------------

ATTACK=${NTK_ATTACK:-1}		# seconds of each
LINES_AT_ONCE=40		# of the log, that one neighbour can cause

# Somebody else for each attack.
MALLET=0

mallet_is_new()
{
	[[ -z ${MALLET_LL:-} ]] || in_system mallet ip address del "$MALLET_LL/32" dev eth1
	MALLET_LL=169.254.200.$((++MALLET))
	in_system mallet ip link set eth1 address "$(printf '02:66:66:01:00:%02x' $MALLET)"
	in_system mallet ip address add "$MALLET_LL/32" dev eth1 scope link
}

# arcs_lost NAME: how often its arc with the other ended
arcs_lost()
{
	grep -c "arc_removed ${SCENARIO_MAC[$2]}" "$WORK/$1.log"
}
log_lines()
{
	wc -l <"$WORK/$1.log"
}

# attack SECONDS MODE [ARG…]: mallet does that; one test each: the arc of the two stays, beta's memory and
# log stay within bounds
attack()
{
	local seconds=$1 mode=$2 lines=$((LINES_AT_ONCE + $1)) did grew told
	local before_log before_rss before_lost before_cpu
	shift 2
	mallet_is_new
	before_log=$(log_lines beta)
	before_rss=$(rss beta)
	before_lost=$(arcs_lost beta gamma)
	before_cpu=$(cpu beta)
	did=$(in_system mallet "$HOSTILE" "$seconds" "$mode" eth1 "$MALLET_LL" "$@" 2>&1)
	[[ $did == sent* ]] || bail "hostile $mode: $did"
	grew=$(($(rss beta) - before_rss)) told=$(($(log_lines beta) - before_log))
	diag "$mode: $did in $seconds s; beta: memory $(rss beta) KiB, grew by $grew; log: $told lines;" \
		"  $((($(cpu beta) - before_cpu) / 1000)) ms of processor time"
	is "$mode: the arc of beta and gamma stays" \
		"$(($(arcs_lost beta gamma) - before_lost)) $(arc_state beta gamma)" '0 up'
	check "$mode: memory is bounded" test "$grew" -le 16384
	check "$mode: the log is bounded" test "$told" -le "$lines"
}

# counter NAME LIST REASON: how often that is counted there
counter()
{
	ntk "$1" -j show_counters | python3 -c 'import json, sys
print(next(r["times"] for r in json.load(sys.stdin)[sys.argv[1]] if r["reason"] == sys.argv[2]))' "$2" "$3"
}

# What mallet has done shows in beta's counters, each under its own reason.
counted_attacks()
{
	local reason radar
	command -v python3 >/dev/null || { skip 'what was refused is counted' 'no python3'; return; }
	radar=$(ntk beta -j show_counters | python3 -c 'import json, sys
r = json.load(sys.stdin)["radar"][0]
print(*(k for k in ("heard", "dropped", "no_frame", "too_long") if r[k] > 0))')
	is 'counted: datagrams of noise, absurd ones, floods' "$radar" 'heard dropped no_frame'
	for reason in entries stranger shared_address; do
		check "counted: refusals, $reason" test "$(counter beta refusals $reason)" -gt 0
	done
	like 'counted: connections from nobody, and a neighbour that says too much' \
		"$(ntk beta show_counters | tr -s ' ')" \
		$'\nconnections_unwanted [1-9][0-9]*\n.*\nreading_paused [1-9][0-9]*\n'
	diag "$(ntk beta show_counters | sed -n '/^hellos_in/,/^out_memory/p' | tr -s ' ' | paste -sd' ')"
}

hostile()
{
	local name ll
	for name in beta gamma; do
		system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
		system_config "$name" 'mode = "auto"'
		system_launch "$name"
	done
	system_new mallet eth1=02:66:66:00:00:01
	for name in beta gamma; do
		system_await "$name" || bail "$name does not start"
	done
	wait_for $STEP_SECONDS arc_is beta gamma up && wait_for $STEP_SECONDS arc_is gamma beta up ||
		bail 'beta and gamma do not find each other'
	ll=$(own_linklocal beta)
	attack "$ATTACK" noise
	attack "$ATTACK" absurd
	attack "$ATTACK" flood
	attack "$ATTACK" dial "$ll"
	attack "$ATTACK" stall "$ll"
	attack "$ATTACK" guest "$ll"
	attack "$ATTACK" greedy "$ll"
	attack "$ATTACK" flap "$ll"
	attack "$ATTACK" crowd 10000
	attack "$ATTACK" copy "$(own_linklocal gamma)"
	# Longer than a neighbour may be silent.
	attack $((ATTACK > 5 ? ATTACK : 5)) drown "$(own_linklocal gamma)"
	attack "$ATTACK" spoof "$(own_linklocal gamma)"
	attack "$ATTACK" copy "$ll"
	counted_attacks
	end_all beta gamma
	system_remove mallet
}

# -- doing nothing ------------------------------------------------------------------------------------

# arcs_up NAME N: it has at least so many arcs
arcs_up()
{
	(($(ntk "$1" -j show_neighborhood_arcs | grep -o '"up"' | wc -l) >= $2))
}

idle()
{
	local n i name names seconds=3 before_cpu before_bytes
	for n in ${NTK_NEIGHBOURS:-1 10}; do
		names=()
		for ((i = 0; i <= n; i++)); do
			name=idle$i
			names+=("$name")
			system_new "$name" "$(printf 'eth1=00:16:3e:77:00:%02x@rest' "$i")"
			system_config "$name" 'mode = "auto"'
			# So many would overrun the kernel's table of neighbours, which all namespaces share:
			# they hear the first one only.
			((n <= 20 || i == 0)) || bridge link set dev "$(near_end "$name")" isolated on
			system_launch "$name"
		done
		for name in "${names[@]}"; do
			system_await "$name" || bail "$name does not start"
		done
		wait_for 60 arcs_up idle0 "$n" || bail "idle0 has no $n arcs"
		before_cpu=$(cpu idle0) before_bytes=$(wire_bytes idle0)
		sleep $seconds
		before_cpu=$(($(cpu idle0) - before_cpu)) before_bytes=$((($(wire_bytes idle0) - before_bytes) / seconds))
		diag "idle, $n neighbours: $((before_cpu / seconds)) us of processor time a second (ntkd and ntkd-priv)," \
			"  ntkd's memory $(rss idle0) KiB, $before_bytes bytes/s in and out"
		check "idle, $n neighbours: at most 5 % of a processor" test $((before_cpu / seconds)) -le 50000
		check "idle, $n neighbours: at most 32 MiB" test "$(rss idle0)" -le 32768
		# A hello of each a second, 20 bytes for each neighbour in it.
		check "idle, $n neighbours: little is said" test "$before_bytes" -le $((1000 + 200 * n + 30 * n * n))
		end_all "${names[@]}"
		ip link delete rest
	done
}

for part in $PARTS; do
	"$part"
done
done_testing
