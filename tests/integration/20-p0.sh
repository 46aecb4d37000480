#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The six systems of the reference scenario with their first addresses: the
# state of each is the project's own fixture, and the reference's measured one.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

for name in "${SCENARIO[@]}"; do
	scenario_system "$name"
	system_dump "$name" >"$WORK/$name.before"
	system_launch "$name"
done
for name in "${SCENARIO[@]}"; do
	system_await "$name" || bail "$name does not start"
done

for name in "${SCENARIO[@]}"; do
	is "$name: addresses, routes, rules, NAT" "$(made "$name")" "$(wanted "p0-$name-n0")"
	is "$name: settings" "$(settings "$name")" "$SETTINGS"
done

# Who owns what is visible to an administrator too (spec/kernel-state 9).
if text=$(in_system alfa ip -4 -o address show dev eth1 proto 15 2>&1); then
	is 'all addresses are marked as ours' "$(wc -l <<<"$text")" 6
else
	skip 'all addresses are marked as ours' 'ip knows no protocol of addresses before 6.3'
fi
like 'the link-local has scope link' "$(in_system alfa ip -4 address show dev eth1)" \
	'169\.254\.[0-9.]+/32 scope link'
is 'the link-local comes first' "$(in_system alfa ip -4 -o address show dev eth1 |
	awk 'NR == 1 { print $4 ~ /^169\.254\./ }')" 1
like 'the synonym of localhost has scope host' "$(in_system alfa ip -4 address show dev lo)" \
	'10\.0\.0\.32/32 scope host'
is 'every route of table ntk has our protocol number' \
	"$(in_system alfa ip -4 -N route show table 251 | grep -vc 'proto 15')" 0
like 'the rule has its priority and our protocol number' \
	"$(in_system alfa ip -4 -N -d rule show pref 10001)" 'from all lookup 251 proto 15'
is 'ip knows the name of the table' \
	"$(in_system alfa ip -4 route show table ntk 2>&1 | wc -l)" 18

if [[ -z $NTK_REFERENCE ]]; then
	skip 'no difference from the reference' 'the reference material is not here (NTK_REFERENCE)'
elif ! command -v python3 >/dev/null; then
	skip 'no difference from the reference' 'its kstate.py needs python3'
else
	args=()
	for name in "${SCENARIO[@]}"; do
		args+=("$name=${SYS_PID[$name]}")
	done
	python3 "$NTK_REFERENCE/kstate.py" snapshot "${args[@]}" >"$WORK/p0.json"
	out=$(python3 "$NTK_REFERENCE/kstate.py" compare --ignore '' \
		"$NTK_REFERENCE/golden/p0-start.json" "$WORK/p0.json" 2>&1)
	diag "kstate.py compare, six systems: $(tail -n 1 <<<"$out")"
	is 'no difference from the reference' "$(sed '/^$/d' <<<"$out")" '0 differences'
fi

for name in "${SCENARIO[@]}"; do
	system_end "$name"
	is "$name: exit status" $? 0
	check_unchanged "$name: nothing is left" "$name" "$WORK/$name.before"
done
done_testing
