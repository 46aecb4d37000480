#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every identity of the reference scenario, at every moment of it, in a real kernel: one
# system takes one state after the other, so each is also a change from another one.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

system_new any eth1=02:00:00:00:00:01
system_config any 'address = "1.0.1.0"'
system_dump any >"$WORK/before"
system_start_or_bail any

for file in "$FIXTURES"/states/*.json; do
	name=${file##*/}
	name=${name%.json}
	if ! index=$(ntk any load_state "$file" 2>"$WORK/error"); then
		not_ok "$name: is taken" "$(<"$WORK/error")"
	elif grep -q '"main": true' "$file"; then
		is "$name" "$(made any)" "$(wanted "$name")"
	else
		ns=$(system_namespaces any)
		is "$name" "$(made any "$ns")" "$(wanted "$name")"
		is "$name: settings" "$(settings any "$ns")" "$SETTINGS"
		ntk any remove_identity "$index" || bail 'remove_identity fails'
	fi
done
is 'settings' "$(settings any)" "$SETTINGS"

# Tables, marks and rules of neighbours that are gone are gone too.
printf '{ "version": 1, "topology": "4.2.2.2", "address": "1.0.1.0", "main": true, "namespace": 0,
	"arcs": [], "paths": [] }' >"$WORK/first.json"
check 'back to the first address' ntk any load_state "$WORK/first.json"
is 'as at the start' "$(made any)" "$(wanted p0-beta-n0)"
is 'no table number is in use' "$(ntk any -j show_tables | grep -c ntk_from)" 0

system_end any
is 'exit status' $? 0
check_unchanged 'nothing is left' any "$WORK/before"
done_testing
