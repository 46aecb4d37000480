#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names of tables for ip (spec/kernel-state 7): they follow the neighbours, in every namespace, are
# gone with the helper, and where they cannot be published nothing else is missing.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

LINK=/etc/iproute2/rt_tables.d/ntkd.conf
TARGET=/run/ntkd/priv/rt_tables
ALFA=ntk_from_00:16:3E:FD:E2:AA
GAMMA=ntk_from_00:16:3E:5B:78:D5

# routes TABLE [NAMESPACE]: how many ip shows of it there, or why it does not
routes()
{
	local out
	if out=$(in_system beta ip -4 ${2:+-n "$2"} route show table "$1" 2>&1); then
		printf '%s\n' "$out" | grep -c .
	else
		printf '%s\n' "$out" | head -n 1
	fi
}

names()
{
	in_system beta cat "$LINK" 2>&1
}

names_are()
{
	[[ $(names | cut -f2 | sort | paste -sd' ') == "$*" ]]
}

as_somebody()
{
	in_system beta setpriv --reuid 64200 --regid 64200 --clear-groups "$@"
}

scenario_system beta
system_start_or_bail beta
is 'the link' "$(in_system beta readlink "$LINK")" "$TARGET"
is 'who has its target, and who may read it' "$(in_system beta stat -c '%F %a %u' "$TARGET")" \
	"regular file 644 $NTK_HELPER_UID"
is 'the first name' "$(names)" $'251\tntk'
is 'by name as by number' "$(routes ntk)" "$(routes 251)"
like 'no neighbour, no name' "$(routes "$GAMMA")" 'invalid'

index=$(ntk beta load_state "$SEED_STATE") || bail 'load_state fails'
ns=$(system_namespaces beta)
is 'three neighbours, three names' "$(names | cut -f1 | paste -sd' ')" '251 250 249 248'
is "gamma's table" "$(routes "$GAMMA" "$ns")" 23
like "gamma's table in another namespace is empty" "$(routes "$GAMMA")" '^0$|table does not exist'
like 'rules show the name' "$(in_system beta ip -4 -n "$ns" rule show)" "lookup $GAMMA"
is 'users that are not root read them too' "$(as_somebody cat "$LINK" | wc -l)" 4
is 'nothing else lies there' "$(in_system beta ls /run/ntkd/priv)" rt_tables

# Given back after the answer, then written anew.
printf '{ "version": 1, "topology": "4.2.2.2", "address": "2.1.1.3", "main": false, "namespace": 1, "arcs": [
	{"dev": "eth1", "peer_mac": "00:16:3e:5b:78:d5", "peer_linklocal": "169.254.94.223", "qspn": true}],
	"paths": [] }' >"$WORK/one.json"
check 'two neighbours go' ntk beta load_state "$WORK/one.json"
check 'and their names' wait_for 5 names_are ntk "$GAMMA"
like 'which ip then does not know' "$(routes "$ALFA" "$ns")" 'invalid'
check 'the identity goes' ntk beta remove_identity "$index"
check 'and the last name but one' wait_for 5 names_are ntk

# A reader never meets a file that is half written.
before=$(in_system beta stat -Lc %i "$LINK")
ntk beta load_state "$SEED_STATE" >/dev/null || bail 'load_state fails'
check 'a new file takes the place of the old one' test "$(in_system beta stat -Lc %i "$LINK")" != "$before"

system_end beta
is 'exit status' $? 0
is 'the names are gone' "$(in_system beta ls /run/ntkd/priv)" ''
is 'the link stays, and leads nowhere' "$(in_system beta readlink "$LINK")" "$TARGET"
is 'ip passes over it' "$(in_system beta ip -4 route show table main 2>&1 | grep -c "$LINK")" 0

# unpublished TITLE REGEX: ntkd starts and works, with a warning, and LINK stays what it is
unpublished()
{
	local before
	before=$(in_system beta stat -c '%F %a %i' "$LINK" 2>&1)
	system_start_or_bail beta
	like "$1: a warning" "$(<"$WORK/beta.log")" "names of tables are not shown by ip: $2"
	check "$1: all else works" ntk beta load_state "$SEED_STATE"
	is "$1: the namespace is the page's" "$(system_facts beta "$(system_namespaces beta)")" \
		"$(<"$FIXTURES/facts/seed-page")"
	system_end beta
	is "$1: exit status" $? 0
	is "$1: it is what it was" "$(in_system beta stat -c '%F %a %i' "$LINK" 2>&1)" "$before"
}

system_start_or_bail beta
is 'the link of an earlier life will do' "$(grep -c 'not shown by ip' "$WORK/beta.log")" 0
system_end beta
in_system beta ln -sf /run/elsewhere "$LINK"
unpublished 'a link to elsewhere' "$LINK is not a link to $TARGET: remove it"
in_system beta rm "$LINK"
in_system beta sh -c "echo '7 seven' >$LINK"
unpublished 'a file' "$LINK is not a link to $TARGET: remove it"
is 'a file: what is in it' "$(names)" '7 seven'
in_system beta rm "$LINK"
in_system beta mkdir "$LINK"
unpublished 'a directory' "$LINK is not a link to $TARGET: remove it"
in_system beta rmdir "$LINK"
in_system beta mount -o remount,bind,ro /etc/iproute2
unpublished 'a file system that cannot be written' "$LINK: Read-only file system"
in_system beta mount -o remount,bind,rw /etc/iproute2
done_testing
