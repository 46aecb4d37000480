#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demonstration of ./setup demo: the reference scenario.  Six systems find each other, enter
# networks and migrate, while others send packets through them; the namespace of the seed page, held still;
# who reaches whom in the end, and what became of the packets.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"
. "$NTK_SRCDIR/tests/integration/course.sh"
. "$NTK_SRCDIR/tests/integration/streams.sh"

if [[ -t 1 ]]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[m'
else
	BOLD='' DIM='' RED='' GREEN='' PLAIN=''
fi
WRONG=0
STARTED=$SECONDS

# Whose hardware address that is.
declare -A WHO=()
for name in "${SCENARIO[@]}"; do
	WHO[${SCENARIO_MAC[$name]}]=$name
done

title()
{
	printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"
}

# verdict TRUE? TEXT
verdict()
{
	if (($1)); then
		printf '  %s✓%s %s\n' "$GREEN" "$PLAIN" "$2"
	else
		printf '  %s✗ %s%s\n' "$RED" "$2" "$PLAIN"
		((++WRONG))
	fi
}

give_up()
{
	printf '\n%s%s%s\n' "$RED" "$1" "$PLAIN" >&2
	[[ -z ${2:-} ]] || tail -n 20 "$WORK/$2.log" >&2
	exit 1
}

# -- six systems -----------------------------------------------------------------

start_all()
{
	local name n=0
	title 'Six systems on one segment, each a network of its own'
	printf '%s  each is a process, mount and network namespace of its own; nothing happens outside%s\n' "$DIM" "$PLAIN"
	for name in "${SCENARIO[@]}"; do
		system_new "$name" "eth1=${SCENARIO_MAC[$name]}"
		system_config "$name" "address = \"${SCENARIO_ADDRESS[$name]}\"" 'handover-delay = 1000'
		system_dump "$name" >"$WORK/$name.before"
		system_launch "$name"
	done
	for name in "${SCENARIO[@]}"; do
		system_await "$name" || give_up "ntkd does not start in $name:" "$name"
		printf '  [%d/%d] %-8s %s  Netsukuku %-8s = %s\n' $((++n)) ${#SCENARIO[@]} "$name" \
			"${SCENARIO_MAC[$name]}" "$(netsukuku_address "$name")" "$(global_address "$name")"
	done
	as_specified p0
}

# The address of its main identity.
netsukuku_address()
{
	ntk "$1" -j show_local_identities | tr -d ' \n' | sed 's/},{"index/}\n{"index/g' |
		sed -n 's/.*"main":true.*"address":"\([0-9.]*\)".*/\1/p'
}

# The first own address that is no link-local; nothing when there is none yet.
global_address()
{
	in_system "$1" ip -4 -o address show dev eth1 scope global | awk 'NR == 1 { sub("/32", "", $4); print $4 }'
}

# -- the course --------------------------------------------------------------------

STEPS=7
STEP=0

# step PHASE WHO TEXT COURSE…: takes the steps and tells how it ended
step()
{
	local phase=$1 who=$2 text=$3 began=${EPOCHREALTIME/./} us
	shift 3
	printf '  [%d/%d] %-58s' $((++STEP)) $STEPS "$text"
	while (($#)); do
		"$1"
		shift
	done
	us=$((${EPOCHREALTIME/./} - began))
	printf ' %4d.%d s  %s is %s\n' $((us / 1000000)) $((us % 1000000 / 100000)) "$who" \
		"$(netsukuku_address "$who")"
	[[ -z $phase ]] || as_specified "$phase"
}

# Is every default namespace, entry for entry, the one that the specification gives at this phase?
as_specified()
{
	local name wrong=''
	wait_for 20 is_quiet "$1"
	for name in "${SCENARIO[@]}"; do
		if ! diff -u --label want --label have <(expected "$1" "$name") <(made_names "$name") >"$WORK/$name.diff"
		then
			wrong+=" $name"
		fi
	done
	if [[ -z $wrong ]]; then
		printf '        %s✓%s addresses, routes, rules and NAT of all six are as specified\n' "$GREEN" "$PLAIN"
		return
	fi
	((++WRONG))
	printf '        %s✗ not as specified:%s%s\n' "$RED" "$wrong" "$PLAIN"
	for name in $wrong; do
		head -n 20 "$WORK/$name.diff"
	done
}

# By name: what course.sh does when something is not as it must be.
bail()
{
	printf '\n'
	give_up "$1" beta
}

PINGS=(ping:alfa:10.0.0.22 ping:gamma:10.0.0.18 ping:alfa:10.0.0.20 tcp:alfa:mu:10.0.0.20)

take_course()
{
	local events
	title 'The reference scenario, p1 to p6: an operator orders, the systems do it'
	step p1 beta "beta enters 2.1.1, where gamma is" course_p1
	step p2 mu "mu enters 3.1.0, where delta is" course_p2
	step p3 delta "delta and mu, a block, enter 2.1" course_p3
	step p4 alfa "alfa enters 2, as a g-node of level 2" course_p4
	ntk beta events >"$WORK/events" 2>&1 &
	events=$!
	streams_start "${PINGS[@]}"
	printf '%s  from here on a ping each 10 ms: alfa to gamma, gamma to alfa, alfa to mu, and a connection alfa to mu,\n' \
		"$DIM"
	printf '  all of them through beta%s\n' "$PLAIN"
	step '' epsilon "epsilon enters 2.1.1 and waits for a place in it" course_p5a
	step '' beta "beta migrates into 2.0.1, and goes on forwarding" course_p5b
	step '' epsilon "epsilon takes the place that beta had" course_p6
	sleep 5
	streams_stop
	kill "$events" 2>/dev/null
	as_specified p6
	show_story
}

# How beta migrated, in its own words.
show_story()
{
	title "beta's migration, as ntkctl events tells it"
	grep -E ' (identity|operation|transaction_done|identity_arc|bootstrapped|present|identity_arc_removed) ' \
		"$WORK/events" | grep -A 40 operation=262359 | sed 's/^[^T]*T/  /'
}

# -- the namespace of the page -----------------------------------------------------

# A system like beta on a segment of its own, where the moment can be looked at.
load_page()
{
	local start index us
	title "The seed page: a moment of beta's migration, held still in a system of its own"
	system_new page "eth1=${SCENARIO_MAC[beta]}@still"
	system_config page "address = \"${SCENARIO_ADDRESS[beta]}\""
	system_dump page >"$WORK/page.before"
	system_start page || give_up 'ntkd does not start:' page
	start=${EPOCHREALTIME/./}
	index=$(ntk page load_state "$SEED_STATE") || give_up 'load_state was refused' page
	us=$((${EPOCHREALTIME/./} - start))
	NS=$(system_namespaces page)
	printf '  ntkctl load_state %s: identity %s, namespace %s, after %d.%d ms\n' "${SEED_STATE##*/}" "$index" "$NS" \
		$((us / 1000)) $((us % 1000 / 100))
}

# table NUMBER MAC: its routes in three columns
table()
{
	local number=$1 mac=$2
	printf '\n  %stable %s, packets that come from %s (%s)%s\n' "$BOLD" "$number" "${WHO[$mac]}" "$mac" "$PLAIN"
	grep "^route $number " "$WORK/facts" | sort -V -k3,3 | awk '
		{ sub(/ dev DEV$/, ""); line[NR] = sprintf("%-13s %-19s", $3, $4 == "via" ? "via " $5 : $4) }
		END {
			rows = int((NR + 2) / 3)
			for (i = 1; i <= rows; i++)
				print "    " line[i] "  " line[i + rows] "  " line[i + 2 * rows]
		}'
}

show_page()
{
	local mac number
	system_facts page "$NS" >"$WORK/facts"
	while read -r _ mac number; do
		table "$number" "$mac"
	done < <(grep '^mark ' "$WORK/facts" | sort -k3,3nr)

	printf '\n  %smarks%s       ' "$BOLD" "$PLAIN"
	while read -r _ mac number; do
		printf '%s → %s    ' "$mac" "$number"
	done < <(grep '^mark ' "$WORK/facts" | sort -k3,3nr)
	printf '\n  %srules%s       ' "$BOLD" "$PLAIN"
	while read -r _ _ number _ _; do
		printf 'mark %s → table %s    ' "$number" "$number"
	done < <(grep '^rule mark' "$WORK/facts" | sort -k3,3nr)
	printf '%s(none for epsilon: its address is not known yet)%s' "$DIM" "$PLAIN"
	printf '\n  %sneighbours%s  ' "$BOLD" "$PLAIN"
	while read -r _ _ number _; do
		printf '%s    ' "${number%/32}"
	done < <(grep '^route 254' "$WORK/facts")
	printf '\n\n'

	count 'routes in three tables' 69 "$(grep -cE '^route (250|249|248) ' "$WORK/facts")"
	count 'marks' 3 "$(grep -c '^mark ' "$WORK/facts")"
	count 'rules' 2 "$(grep -c '^rule ' "$WORK/facts")"
	count 'neighbour routes' 3 "$(grep -c '^route 254 ' "$WORK/facts")"
	if diff "$FIXTURES/facts/seed-page" "$WORK/facts" >"$WORK/diff"; then
		verdict 1 'every line is the one the page asks for'
	else
		verdict 0 'not every line is the one the page asks for:'
		cat "$WORK/diff"
	fi
}

# count WHAT PAGE HERE
count()
{
	verdict $(($2 == $3)) "$3 $1 (the page: $2)"
}

# -- the fate of packets -------------------------------------------------------------

# fate FROM ADDRESS WHAT EXPECTED WHY: a packet from that neighbour to that address
fate()
{
	local from=$1 to=$2 what=$3 expected=$4 why=${5:-} dev mark out words
	dev=$(in_system page ip -n "$NS" -o link show type macvlan | sed -E 's/^[0-9]+: ([^:@]+).*/\1/')
	mark=$(awk -v m="${SCENARIO_MAC[$from]}" '$1 == "mark" && $2 == m { print $3 }' "$WORK/facts")
	out=$(in_system page ip -4 -n "$NS" route get "$to" from 10.0.0.1 iif "$dev" mark "$mark" 2>&1)
	# ip tells the other fates by the error of the lookup.
	case $out in
	*'No route to host'*) words=unreachable ;;
	*'Invalid argument'*) words=blackhole ;;
	*' via '*)
		words=$(sed -nE 's/.* via ([0-9.]+).*/\1/p' <<<"$out" | head -n 1)
		words="forwarded to $(name_of_linklocal "$words"), $words"
		;;
	*) words="? $out" ;;
	esac
	printf '  from %-6s to %-10s %-34s ' "$from" "$to" "$what"
	if [[ $words == "$expected"* ]]; then
		printf '%s✓%s %-33s %s%s%s\n' "$GREEN" "$PLAIN" "$words" "$DIM" "$why" "$PLAIN"
	else
		printf '%s✗ %s instead of %s%s\n' "$RED" "$words" "$expected" "$PLAIN"
		((++WRONG))
	fi
}

# As the page has them.
name_of_linklocal()
{
	case $1 in
	169.254.69.30) echo alfa ;;
	169.254.94.223) echo gamma ;;
	169.254.163.36) echo epsilon ;;
	esac
}

show_fates()
{
	title 'What becomes of a packet there (the kernel is asked, mark and all)'
	fate gamma 10.0.0.18 "a host of alfa's g-node, 2.0.1.0" 'forwarded to alfa'
	fate alfa 10.0.0.22 'gamma, 2.1.1.0' 'forwarded to gamma'
	fate alfa 10.0.0.20 "a host of the g-node 2.1.0" 'forwarded to gamma' 'the way there begins with it'
	fate alfa 10.0.0.62 'gamma, internal to level 3' 'forwarded to gamma'
	fate alfa 10.0.0.48 'an address internal to level 2' blackhole 'alfa is outside: forged'
	fate gamma 10.0.0.20 'a host of the g-node 2.1.0' unreachable 'the only way leads back to gamma'
	fate gamma 10.0.0.0 'an unknown place, g-node 0' unreachable 'nobody knows a way'
}

# -- who did it ----------------------------------------------------------------------

capabilities()
{
	local set=$((16#$1)) out=''
	((set & 1 << 12)) && out+=' CAP_NET_ADMIN'
	((set & 1 << 21)) && out+=' CAP_SYS_ADMIN'
	((set & ~(1 << 12 | 1 << 21))) && out+=' and more'
	printf '%s' "${out:- none}"
}

process()
{
	local status=/proc/$2/status
	printf '  %-10s process %-6s user %-6s capabilities:%-29s no_new_privs %s  seccomp %s  %5s KiB\n' "$1" "$2" \
		"$(awk '/^Uid:/ { print $2 }' "$status")" \
		"$(capabilities "$(awk '/^CapPrm:/ { print $2 }' "$status")")" \
		"$(awk '/^NoNewPrivs:/ { print $2 }' "$status")" "$(awk '/^Seccomp:/ { print $2 }' "$status")" \
		"$(awk '/^VmRSS:/ { print $2 }' "$status")"
}

show_processes()
{
	title 'Who did it (beta)'
	process ntkd "${SYS_NTKD[beta]}"
	process ntkd-priv "$(system_helper beta)"
	printf '%s  ntkd decided every route and may touch nothing; ntkd-priv made them and judged every request%s\n' \
		"$DIM" "$PLAIN"
}

# -- in the end ------------------------------------------------------------------------

# Kinds of addresses, as the table calls them.
kind_of()
{
	case $1 in
	10.0.0.[0-9] | 10.0.0.[12][0-9] | 10.0.0.3[01]) echo G ;;
	10.0.0.4[01]) echo 1 ;;
	10.0.0.48 | 10.0.0.49 | 10.0.0.5[01]) echo 2 ;;
	10.0.0.5[6-9] | 10.0.0.6[0-3]) echo 3 ;;
	10.0.0.*) echo A ;;
	esac
}

show_reach()
{
	local from to a addresses lost cell count=0 missing=0
	local -A cells=()
	title 'Who reaches whom'
	for from in "${SCENARIO[@]}"; do
		lost=$(silent "$from" $(reachable p6 | sed -n "s/^$from [a-z]* //p"))
		while read -r to addresses; do
			cell=
			for a in $addresses; do
				((++count))
				if grep -qxF "$a" <<<"$lost"; then
					cell+=-
					((++missing))
				else
					cell+=$(kind_of "$a")
				fi
			done
			cells[$from.$to]=$cell
		done < <(reachable p6 | sed -n "s/^$from //p")
	done
	printf '  %-22s' 'from \ to'
	printf '%-9s' "${SCENARIO[@]}"
	printf '\n'
	for from in "${SCENARIO[@]}"; do
		printf '  %-8s %-13s' "$from" "$(netsukuku_address "$from")"
		for to in "${SCENARIO[@]}"; do
			printf '%-9s' "${cells[$from.$to]:-.}"
		done
		printf '\n'
	done
	printf '%s  a ping arrives by the G global, A anonymizing address of the other, or by the one internal to the g-node of\n' \
		"$DIM"
	printf '  level 3, 2, 1 that both are in; - is one that does not%s\n' "$PLAIN"
	verdict $((missing == 0)) "$((count - missing)) of $count pings arrive"
}

# The network as alfa knows it.
show_map()
{
	local map
	map=$(ntk alfa map 2>/dev/null) || return
	title 'The network as alfa knows it (ntkctl map)'
	sed 's/^/  /' <<<"$map"
}

show_streams()
{
	local s
	title 'What became of a packet each 10 ms, from before step 5 to 5 s after step 7, through beta'
	streams_table
	for s in "${PINGS[@]}"; do
		case $s in
		ping:*) stream_whole "$s" || verdict 0 "pings were lost: $s" ;;
		tcp:*) stream_lives "$s" || verdict 0 "the connection broke: $s" ;;
		esac
	done
	verdict $((WRONG == 0)) 'nothing is lost'
}

# -- and gone --------------------------------------------------------------------------

stop_all()
{
	local name left=0
	title 'Stopping'
	for name in "${SCENARIO[@]}" page; do
		system_end "$name" || give_up "ntkd in $name ended with status $?" "$name"
	done
	for name in "${SCENARIO[@]}" page; do
		wait_for 5 dump_equals "$name" "$WORK/$name.before" && continue
		((++left))
		diff -U0 --label "$name before" --label after "$WORK/$name.before" <(system_dump "$name")
	done
	verdict $((left == 0)) \
		'nothing is left: addresses, routes, rules, links, nftables, namespaces, sysctls are what they were'
}

start_all
take_course
load_page
show_page
show_fates
show_processes
show_reach
show_map
show_streams
stop_all
if ((WRONG)); then
	printf '\n%s%d things are not as they should be.%s\n' "$RED" $WRONG "$PLAIN"
	exit 1
fi
printf '\n%sAll as it should be, in %d seconds.%s Next: sudo ./setup check; man man/ntkd.8\n' "$GREEN" $((SECONDS - STARTED)) "$PLAIN"
