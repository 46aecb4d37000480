#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The seed page: beta's old identity in a namespace of its own, route for route,
# through the very path that live identities use.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

# but FROM TO: the seed page's state with that text in place of the other
but()
{
	[[ $seed == *"$1"* ]] || bail "the state has no $1"
	printf '%s' "${seed/"$1"/"$2"}"
}

# refused TITLE REGEX STATE-TEXT: load_state says no with that in its message, and changes nothing.
refused()
{
	local out status
	printf '%s' "$3" >"$WORK/wrong.json"
	out=$(ntk beta load_state "$WORK/wrong.json" 2>&1)
	status=$?
	like "$1: refused" "$status" '^[12]$'
	like "$1: says why" "$out" "$2"
	check_unchanged "$1: nothing changes" beta "$WORK/loaded"
}

scenario_system beta
system_dump beta >"$WORK/before"
system_start_or_bail beta
system_dump beta >"$WORK/started"

index=$(ntk beta load_state "$SEED_STATE")
is 'load_state prints the index of the identity' "$index" 1
ns=$(system_namespaces beta)
is 'one namespace was made' "$(wc -w <<<"$ns")" 1
is "the namespace is the page's" "$(system_facts beta "$ns")" "$(<"$FIXTURES/facts/seed-page")"
is 'three tables of 23 routes' "$(for table in 250 249 248; do
	in_system beta ip -4 -n "$ns" route show table $table | wc -l; done | paste -sd' ')" '23 23 23'
is 'the same as the function from facts to kernel state says' "$(made beta "$ns")" "$(wanted seed-page-beta-n1)"
is 'the default namespace is what it was' "$(made beta)" "$(wanted p0-beta-n0)"
like 'show_local_identities names the namespace' "$(ntk beta -j show_local_identities)" "\"$ns\""
is 'ip knows the names of the tables' "$(in_system beta ip -4 -n "$ns" rule show |
	sed -n 's/.*lookup \(ntk_from_[^ ]*\).*/\1/p' | sort)" \
	$'ntk_from_00:16:3E:5B:78:D5\nntk_from_00:16:3E:FD:E2:AA'

link=$(in_system beta ip -n "$ns" -d -o link show type macvlan)
like 'the pseudo-interface is a private macvlan, up' "$link" '[<,]UP[,>].* macvlan mode private'

if [[ -z $NTK_REFERENCE ]]; then
	skip 'no difference from the reference' 'the reference material is not here (NTK_REFERENCE)'
	skip "the reference's own state file does the same" 'the reference material is not here (NTK_REFERENCE)'
elif ! command -v python3 >/dev/null; then
	skip 'no difference from the reference' 'its kstate.py needs python3'
	skip "the reference's own state file does the same" 'kstate.py needs python3'
else
	compare()
	{
		python3 "$NTK_REFERENCE/kstate.py" snapshot "beta=${SYS_PID[beta]}" >"$WORK/seed.json"
		python3 "$NTK_REFERENCE/kstate.py" compare --ignore '' \
			"$NTK_REFERENCE/golden/seed-page.json" "$WORK/seed.json" 2>&1 | sed '/^$/d'
	}
	out=$(compare)
	diag "kstate.py compare, beta's new namespace: $(tail -n 1 <<<"$out")"
	is 'no difference from the reference' "$out" '0 differences'
	ntk beta remove_identity 1
	ntk beta load_state "$NTK_REFERENCE/seed-page-state.json" >/dev/null
	is "the reference's own state file does the same" "$(compare)" '0 differences'
	index=2
fi

# What beta's own dump_state says is what load_state takes, and loading it again changes nothing.
ns=$(system_namespaces beta)
system_dump beta >"$WORK/loaded"
ntk beta dump_state "$index" >"$WORK/dumped.json"
is 'loaded twice: the same identity' "$(ntk beta load_state "$WORK/dumped.json")" "$index"
is 'loaded twice: the same namespace' "$(system_namespaces beta)" "$ns"
check_unchanged 'loaded twice: nothing changes' beta "$WORK/loaded"

# Another state with the same number takes its place; the namespace stays.
sed -e 's/"qspn": true, "peer_address": "2.0.1.0"/"qspn": true/' -e '/"arc": 1/d' "$SEED_STATE" \
	>"$WORK/other.json"
is 'another state of the same number: the same identity' "$(ntk beta load_state "$WORK/other.json")" "$index"
is 'another state of the same number: one rule less' "$(system_facts beta "$ns" | grep -c '^rule')" 1
is 'and back again' "$(ntk beta load_state "$SEED_STATE")" "$index"
is "and the namespace is the page's" "$(system_facts beta "$ns")" "$(<"$FIXTURES/facts/seed-page")"
check_unchanged 'to the byte' beta "$WORK/loaded"

seed=$(<"$SEED_STATE")
refused 'not JSON' . '{ "version": 1,'
refused 'an array' . '[]'
refused 'version 2' version "$(but '"version": 1' '"version": 2')"
refused 'another topology' topology "$(but 4.2.2.2 4.2.4.2)"
refused 'an address that is too short' address "$(but 2.1.1.3 2.1.1)"
refused 'an unknown interface' 'arcs\[0\]\.dev|eth9' "$(but '"eth1"' '"eth9"')"
refused 'a hardware address that is none' 'arcs\[0\]\.peer_mac' "$(but 3e:5b:78:d5 3e:5b:78)"
refused 'a link-local outside 169.254' 'arcs\[0\]\.peer_linklocal' "$(but 169.254.94.223 192.0.2.1)"
refused 'the link-local of a cloud service' peer_linklocal "$(but 169.254.94.223 169.254.169.254)"
refused 'a path over an arc that is not there' 'paths\[0\]\.arc' "$(but '"arc": 1' '"arc": 7')"
refused 'a path over an arc that is not known' 'paths\[0\]\.arc' "$(but '"arc": 1' '"arc": 2')"
refused 'a path whose last hop is not its destination' 'paths\[0\]' \
	"$(but '"hops": [[2, 0]]' '"hops": [[2, 2]]')"
refused 'a key that does not exist' colour "$(but '"version": 1,' '"version": 1, "colour": 3,')"
refused 'a key given twice' version "$(but '"version": 1,' '"version": 1, "version": 1,')"
refused 'a missing key' version "$(but '"version": 1,' '')"
refused 'a cost below 0' cost "$(but '"cost": 10000' '"cost": -1')"
refused 'two arcs of the same neighbour' peer_ "$(but 00:16:3e:fd:e2:aa 00:16:3e:5b:78:d5)"

out=$(ntk beta remove_identity 0 2>&1)
is 'the main identity cannot be removed: exit status' $? 1
like 'the main identity cannot be removed: says why' "$out" .
ntk beta remove_identity 99 >/dev/null 2>&1
is 'an identity that does not exist cannot be removed' $? 1
check_unchanged 'neither changes anything' beta "$WORK/loaded"

check 'remove_identity' ntk beta remove_identity "$index"
check_unchanged 'remove_identity: beta is as it was after its start' beta "$WORK/started"
is 'no table number is in use' "$(ntk beta -j show_tables | grep -c ntk_from)" 0

# Several at once, and gone with the daemon.
for number in 1 2 3; do
	sed "s/\"namespace\": 1/\"namespace\": $number/" "$SEED_STATE" >"$WORK/$number.json"
	check "identity $number of three" ntk beta load_state "$WORK/$number.json"
done
is 'three namespaces' "$(system_namespaces beta | wc -l)" 3
for ns in $(system_namespaces beta); do
	is "$ns is the page's" "$(system_facts beta "$ns")" "$(<"$FIXTURES/facts/seed-page")"
done
system_end beta
is 'exit status' $? 0
check_unchanged 'nothing is left' beta "$WORK/before"
done_testing
