#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Table numbers of neighbours (spec/kernel-state 7): from one range into the other, until there are
# none; who is refused hears what to do and nobody else notices; numbers given back are used again.
. "$(dirname "$0")/lib.sh"

# The fewest routes: five destinations for each neighbour.  203 is ntk's; 202 to 200, then as
# few as the configuration allows.
FIRST=(202 201 200)
MORE=10000
NUMBERS=1003

system_new roof eth1=02:00:00:00:00:01
system_config roof 'topology = "2.2"' 'address = "1.0"' 'tables = "203-200"' 'more-tables = "10000-10999"'
system_dump roof >"$WORK/before"
system_start_or_bail roof

# Link-locals of neighbours begin here: far from the system's own, which is drawn.
own=$(in_system roof ip -4 -o address show dev eth1 | sed -n 's/.*169\.254\.\([0-9]*\)\..*/\1/p')
[[ -n $own ]] || bail 'the system has no link-local address'
BASE=$((own < 100 ? 150 : 10))

# arcs FROM COUNT: that many neighbours, numbered from FROM on, one a line
arcs()
{
	awk -v from="$1" -v n="$2" -v base="$BASE" 'BEGIN {
		for (i = from; i < from + n; i++)
			printf "{\"dev\": \"eth1\", \"peer_mac\": \"02:01:00:00:%02x:%02x\", \"peer_linklocal\":" \
				" \"169.254.%d.%d\", \"qspn\": true}\n", i / 256, i % 256, base + i / 200, 1 + i % 200
	}'
}

# load NAMESPACE [FROM COUNT]…: an identity with these neighbours; 0 is the main one
load()
{
	local ns=$1 address=1.0 main=true list=''
	shift
	((ns == 0)) || address=1.3 main=false
	while (($#)); do
		list+=$(arcs "$1" "$2")$'\n'
		shift 2
	done
	printf '{ "version": 1, "topology": "2.2", "address": "%s", "main": %s, "namespace": %d, "arcs": [%s],
		"paths": [] }' "$address" "$main" "$ns" "$(grep . <<<"$list" | paste -sd,)" >"$WORK/roof.json"
	ntk roof load_state "$WORK/roof.json"
}

# numbers FROM COUNT: those of these neighbours, in their order
numbers()
{
	ntk roof -j show_tables | tr '}' '\n' >"$WORK/tables"
	awk -v from="$1" -v n="$2" '
		match($0, /"table":[0-9]+/) { t = substr($0, RSTART + 8, RLENGTH - 8) }
		match($0, /"mac":"[0-9a-f:]+/) { of[substr($0, RSTART + 7, RLENGTH - 7)] = t }
		END {
			for (i = from; i < from + n; i++)
				printf "%s ", of[sprintf("02:01:00:00:%02x:%02x", i / 256, i % 256)]
		}' "$WORK/tables" | sed 's/ $//'
}

free_numbers()
{
	ntk roof -j status | grep -oE '"free_tables":[0-9]+' | cut -d: -f2
}

# soon TITLE WANT COMMAND…: numbers are given back after the answer
soon()
{
	local title=$1 want=$2
	shift 2
	wait_for 5 prints "$want" "$@"
	is "$title" "$("$@")" "$want"
}

prints()
{
	[[ $("${@:2}") == "$1" ]]
}

# refused TITLE MAC NAMESPACE [FROM COUNT]…: load says no for want of a number for MAC, and nothing changes
refused()
{
	local title=$1 mac=$2 out status
	shift 2
	system_dump roof >"$WORK/now"
	out=$(load "$@" 2>&1)
	status=$?
	is "$title: refused" "$status" 1
	like "$title: says what, and what to do" "$out" \
		"mac $mac found no free table number: .*widen more-tables in ntkd\.conf.*code exhausted, field mac"
	like "$title: so does the log" "$(tail -n 1 "$WORK/roof.log")" \
		"change of namespace [0-9]+ refused: peer_take.*mac $mac found no free .*more-tables"
	check_unchanged "$title: nothing changes for anybody" roof "$WORK/now"
}

is 'all are free' "$(free_numbers)" $NUMBERS

# -- from one range into the other --------------------------------------------------------

check 'two neighbours' load 0 0 2
is 'the highest of the first range' "$(numbers 0 2)" '202 201'
check 'two more, of another identity' load 1 2 2
is 'the last of the first range, the lowest of the second' "$(numbers 0 4)" '202 201 200 10000'
ns=$(system_namespaces roof)
is 'ip shows the table of the second range by its name' \
	"$(in_system roof ip -4 -n "$ns" route show table ntk_from_02:01:00:00:00:03 | wc -l)" \
	"$(in_system roof ip -4 -n "$ns" route show table 10000 | wc -l)"
like 'packets are marked with it' "$(in_system roof ip netns exec "$ns" nft list ruleset)" '0x0*2710'
is 'a neighbour of both has one number' "$(load 1 0 1 2 2 >/dev/null && numbers 0 4)" '202 201 200 10000'
is 'and no more are taken' "$(free_numbers)" $((NUMBERS - 4))

# -- given back, used again ------------------------------------------------------------------

check 'the main identity loses them' load 0
soon 'what the other one needs stays' '202  200 10000' numbers 0 4
check 'the other one loses its first' load 1 3 1
soon 'one is left' '   10000' numbers 0 4
check 'new ones' load 0 10 4
is 'the highest free ones first' "$(numbers 10 4)" '202 201 200 10001'

# -- until there are none -----------------------------------------------------------------------

check 'a thousand neighbours, the most of one identity' load 0 0 3 4 997
# One of identity 1 makes 1001; 2 are left.
is 'nearly all are taken' "$(free_numbers)" 2
is 'the last of them' "$(ntk roof -j show_tables | grep -oE '"table":[0-9]+' | cut -d: -f2 | sort -n | tail -n 1)" 10997
refused 'a change that needs more than there are' 02:01:00:00:07:d2 1 3 1 2000 3
refused 'a new identity that does' 02:01:00:00:07:d2 2 2000 3
is 'no namespace of it is left' "$(system_namespaces roof)" "$ns"
check 'as many as there are' load 1 3 1 2000 2
is 'the last two' "$(numbers 2000 2)" '10998 10999'
is 'none is free' "$(free_numbers)" 0
refused 'one too many' 02:01:00:00:07:d2 2 2002 1
check 'those who have one are welcome' load 2 0 3 2000 2
ns=$(system_namespaces roof | grep -v "$ns")
is 'with the numbers that they have' "$(in_system roof ip -4 -N -n "$ns" route show table all |
	grep -oE 'table (2[0-9]{2}|1[0-9]{4})' | grep -v 'table 25[45]' | sort -u | wc -l)" 5
in_system roof cat /etc/iproute2/rt_tables.d/ntkd.conf >"$WORK/names"
is 'names for ip: all of them' "$(wc -l <"$WORK/names")" $((NUMBERS + 1))
is 'names for ip: no number twice' "$(cut -f1 "$WORK/names" | sort | uniq -d)" ''
is 'names for ip: no name twice' "$(cut -f2 "$WORK/names" | sort | uniq -d)" ''

check 'one that shares all its neighbours with others goes' ntk roof remove_identity "$(ntk roof -j show_local_identities |
	tr '}' '\n' | grep "\"$ns\"" | grep -oE '"index":[0-9]+' | cut -d: -f2)"
have=$(numbers 500 1)
check 'one of the middle goes' load 0 0 3 4 496 501 500
soon 'one number is free' 1 free_numbers
check 'another one comes' load 2 2002 1
is 'and has its number' "$(numbers 2002 1)" "$have"
check 'all go' load 0
soon 'what others need stays' $((NUMBERS - 4)) free_numbers

system_end roof
is 'exit status' $? 0
check_unchanged 'nothing is left' roof "$WORK/before"
done_testing
