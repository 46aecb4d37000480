#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The control socket: who may ask what, and that tables and JSON tell the same.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

READERS=64300
OPERATORS=64301
READING=(status show_handlednics show_local_identities 'show_ntkaddress 0' 'show_identity_arcs 1'
	'show_qspn_data 1' 'show_routes 1' show_tables show_counters map 'dump_state 1')
WRITING=("load_state $SEED_STATE" 'remove_identity 1' 'log info' check quit)

# A copy that every user can reach.
cp "$NTKCTL" "$WORK/bin/" || bail 'cannot copy ntkctl'
cp "$SEED_STATE" "$WORK/bin/"
SEED_STATE=$WORK/bin/${SEED_STATE##*/}
WRITING[0]="load_state $SEED_STATE"

scenario_system beta
system_config beta 'address = "1.0.1.0"' "control-group = \"$READERS\"" "operator-group = \"$OPERATORS\""
system_dump beta >"$WORK/before"
system_start_or_bail beta
ntk beta load_state "$SEED_STATE" >/dev/null || bail 'load_state fails'

# as UID GID GROUPS VERB…: ntkctl by somebody else; GROUPS may be "-"
as()
{
	local who=(--reuid "$1" --regid "$2" --clear-groups)
	[[ $3 == - ]] || who=(--reuid "$1" --regid "$2" --groups "$3")
	shift 3
	in_system beta setpriv "${who[@]}" "$WORK/bin/ntkctl" -s /run/ntkd/control "$@" 2>&1
}

# may TITLE UID GID GROUPS VERBS…: each of them answers
may()
{
	local title=$1 uid=$2 gid=$3 groups=$4 verb failed=''
	shift 4
	for verb; do
		# shellcheck disable=SC2086
		as "$uid" "$gid" "$groups" $verb >/dev/null || failed+=" $verb"
	done
	is "$title" "$failed" ''
}

# may_not TITLE STATUS UID GID GROUPS VERBS…: each is refused with that exit status
may_not()
{
	local title=$1 want=$2 uid=$3 gid=$4 groups=$5 verb wrong='' status
	shift 5
	for verb; do
		# shellcheck disable=SC2086
		as "$uid" "$gid" "$groups" $verb >/dev/null
		status=$?
		((status == want)) || wrong+=" $verb:$status"
	done
	is "$title" "$wrong" ''
	is "$title: the daemon is there" "$(ntk beta -j show_local_identities | grep -o '"index"' | wc -l)" 2
}

may 'root may read' 0 0 - "${READING[@]}"
may_not 'a stranger may not read' 1 64200 64200 - "${READING[@]}"
may_not 'a stranger may not write' 1 64200 64200 - "${WRITING[@]}"
may "a reader may read" 64200 $READERS - "${READING[@]}"
may "one who has the readers' group besides may read" 64200 64200 64299,$READERS "${READING[@]}"
may_not "a reader may not write" 1 64200 $READERS - "${WRITING[@]}"
may_not "one who has the readers' group besides may not write" 1 64200 64200 $READERS "${WRITING[@]}"
may 'an operator may read' 64200 $OPERATORS - "${READING[@]}"
may 'an operator may write' 64200 64200 $OPERATORS "log debug" check 'remove_identity 1' "load_state $SEED_STATE"
may_not "ntkd's own user may not write" 1 "$NTK_UID" "$NTK_UID" - "${WRITING[@]}"
may_not "the helper's user may not write" 1 "$NTK_HELPER_UID" "$NTK_HELPER_UID" - "${WRITING[@]}"
like 'the socket is not for everybody' "$(in_system beta stat -c '%a' /run/ntkd/control)" '^[0-7]*[0-7]0$'

# -- the same facts in tables and JSON --------------------------------------------------

index=$(ntk beta -j show_local_identities | tr -d '\n' | grep -o '"index": *[0-9]*' | tail -n 1 | grep -o '[0-9]*$')

# Every value of the JSON stands in the table.  Values that change between two questions are left out.
same_facts()
{
	local verb=$1 json table value missing='' n=0
	# shellcheck disable=SC2086
	json=$(ntk beta -j $verb) && table=$(ntk beta $verb) || { not_ok "$verb" 'fails'; return; }
	if command -v python3 >/dev/null; then
		check "$verb -j: valid JSON" python3 -c 'import json, sys; json.loads(sys.argv[1])' "$json"
	fi
	while read -r value; do
		((++n))
		grep -qiF -- "$value" <<<"$table" || missing+=" [$value]"
	done < <(grep -oE '"[a-z_]+": *("[^"]+"|-?[0-9]+)' <<<"$json" |
		grep -vE '^"(uptime|requests|clients|helper|checks|notices)"' | sed -E 's/^"[a-z_]+": *//; s/^"(.*)"$/\1/' | sort -u)
	is "$verb: everything of the JSON stands in the table" "$missing" ''
	((n > 0)) || not_ok "$verb: has something to show" "$json"
}

for verb in status show_handlednics show_local_identities 'show_ntkaddress 0' "show_identity_arcs $index" \
	"show_qspn_data $index" "show_routes $index" show_tables show_counters map check; do
	same_facts "$verb"
done
is 'show_routes: as many as the page has, and the neighbour routes' \
	"$(ntk beta -j show_routes "$index" | tr ',{' '\n\n' | grep -c '"prefix"')" 72
is 'show_routes: all are in the kernel' \
	"$(ntk beta -j show_routes "$index" | tr ',{}' '\n\n\n' | grep '"state"' | grep -vc applied)" 0
is 'show_tables: numbers as the kernel has them' \
	"$(ntk beta -j show_tables | tr ',{}' '\n\n\n' | grep -o '"table": *[0-9]*' | grep -o '[0-9]*$' | sort -n | paste -sd' ')" \
	'248 249 250 251'
ntk beta dump_state "$index" >"$WORK/dumped.json"
is 'dump_state: its own result, loaded, is the same identity' "$(ntk beta load_state "$WORK/dumped.json")" "$index"
is 'load_state from standard input' "$(ntk beta load_state - <"$WORK/dumped.json")" "$index"

# -- wrong requests --------------------------------------------------------------------

# usage TITLE STATUS ARGUMENT…
usage()
{
	local title=$1 want=$2 out
	shift 2
	out=$(ntk beta "$@" 2>&1)
	is "$title: exit status" $? "$want"
	like "$title: says something" "$out" .
}
usage 'no such verb' 2 dance
usage 'a verb without its argument' 2 show_routes
usage 'an argument too many' 2 show_routes 1 2
usage 'an argument that is no number' 2 show_routes one
usage 'a key that does not exist' 2 show_routes colour=1
usage 'a level that does not exist' 2 log loud
usage 'a file that does not exist' 2 load_state "$WORK/no-such-file"
usage 'an identity that does not exist' 1 show_routes 77
check 'the long form' ntk beta show_routes "identity=$index"
check 'help' "$NTKCTL" help
check 'help of a verb' "$NTKCTL" help load_state
in_system beta "$NTKCTL" -s /run/no-such-socket status >/dev/null 2>&1
is 'no daemon: exit status' $? 3

# raw LINE: what the socket answers to that line (Python, because nothing else here speaks to Unix sockets)
raw()
{
	in_system beta python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect("/run/ntkd/control"); s.settimeout(5)
s.sendall(sys.argv[1].encode() + b"\n"); print(s.makefile().readline(), end="")' "$1"
}
if command -v python3 >/dev/null; then
	for line in '{' '[]' 'null' '""' '{}' '{"verb": 3}' '{"verb": "status", "args": 3}' \
		'{"verb": "status", "args": [], "colour": 1}' '{"verb": "status", "verb": "quit"}' \
		'{"verb": "quit", "args": ["now"]}' '{"verb": "load_state", "args": [[]]}'; do
		like "refused: $line" "$(raw "$line")" '"ok": *false.*"code"'
	done
	like 'and it serves on' "$(raw '{"verb": "status", "args": []}')" '"ok": *true'
else
	skip 'wrong requests on the socket itself' 'needs python3'
fi

check 'quit by an operator' as 64200 64200 $OPERATORS quit
system_reap beta
is 'exit status' $? 0
check_unchanged 'nothing is left' beta "$WORK/before"
done_testing
