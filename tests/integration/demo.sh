#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demonstration of ./setup demo: six systems with their first addresses, the
# namespace of the seed page in one of them, what becomes of packets there, who did it.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

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
		printf '  [%d/%d] %-8s' $((++n)) ${#SCENARIO[@]} "$name"
		scenario_system "$name"
		system_dump "$name" >"$WORK/$name.before"
		system_start "$name" || give_up "ntkd does not start in $name:" "$name"
		printf ' %s  Netsukuku %s = %-12s %s\n' "${SCENARIO_MAC[$name]}" "${SCENARIO_ADDRESS[$name]}" \
			"$(global_address "$name")" "$(first_state "$name")"
	done
}

# The first own address that is no link-local.
global_address()
{
	in_system "$1" ip -4 -o address show dev eth1 scope global | awk 'NR == 1 { sub("/32", "", $4); print $4 }'
}

first_state()
{
	if [[ $(made "$1") == "$(wanted "p0-$1-n0")" && $(settings "$1") == "$SETTINGS" ]]; then
		printf '%srunning, as specified%s' "$GREEN" "$PLAIN"
	else
		printf '%snot as specified%s' "$RED" "$PLAIN"
		((++WRONG))
	fi
}

# -- the namespace of the page -----------------------------------------------------

load_page()
{
	local start=${EPOCHREALTIME/./} index
	title "The seed page: beta's old identity moves into a namespace of its own"
	index=$(ntk beta load_state "$SEED_STATE") || give_up 'load_state was refused' beta
	local us=$((${EPOCHREALTIME/./} - start))
	NS=$(system_namespaces beta)
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
	system_facts beta "$NS" >"$WORK/facts"
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
	dev=$(in_system beta ip -n "$NS" -o link show type macvlan | sed -E 's/^[0-9]+: ([^:@]+).*/\1/')
	mark=$(awk -v m="${SCENARIO_MAC[$from]}" '$1 == "mark" && $2 == m { print $3 }' "$WORK/facts")
	out=$(in_system beta ip -4 -n "$NS" route get "$to" from 10.0.0.1 iif "$dev" mark "$mark" 2>&1)
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

# -- and gone --------------------------------------------------------------------------

stop_all()
{
	local name left=0
	title 'Stopping'
	for name in "${SCENARIO[@]}"; do
		system_end "$name" || give_up "ntkd in $name ended with status $?" "$name"
	done
	for name in "${SCENARIO[@]}"; do
		wait_for 5 dump_equals "$name" "$WORK/$name.before" && continue
		((++left))
		diff -U0 --label "$name before" --label after "$WORK/$name.before" <(system_dump "$name")
	done
	verdict $((left == 0)) \
		'nothing is left: addresses, routes, rules, links, nftables, namespaces, sysctls are what they were'
}

start_all
load_page
show_page
show_fates
show_processes
stop_all
if ((WRONG)); then
	printf '\n%s%d things are not as they should be.%s\n' "$RED" $WRONG "$PLAIN"
	exit 1
fi
printf '\n%sAll as it should be, in %d seconds.%s Next: sudo ./setup check; man man/ntkd.8\n' "$GREEN" $((SECONDS - STARTED)) "$PLAIN"
