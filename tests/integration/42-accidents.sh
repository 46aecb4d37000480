#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Accidents that a machine can have while ntkd runs or starts: clear words, no hang, no crash, and
# in the end the host is as it would be had there been no ntkd.
: "${NTK_TEST_SECONDS:=400}"
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

# The helper as it ships, under a kernel that refuses what stands in /run/refuse (tests/priv/refuse.h).
REFUSED_HELPER=$NTK_BUILD/tests/priv/refused-helper
[[ -x $REFUSED_HELPER ]] || bail "$REFUSED_HELPER is not built"

# fresh NAME: a system with two interfaces in segments of its own; its own explicit settings.
fresh()
{
	system_new "$1" "eth1=02:00:00:00:00:01@$1a" "eth2=02:00:00:00:00:02@$1b"
	in_system "$1" "$BASH" -ec 'cd /proc/sys/net/ipv4/conf
		echo 1 >eth2/forwarding; echo 1 >eth1/rp_filter; echo 1 >eth2/arp_announce'
	system_config "$1" 'address = "1.0.1.0"'
}

# view NAME: its dump without what differs between two systems to which the same was done.
view()
{
	system_dump "$1" | sed -E 's/@if[0-9]+//; s/link-netnsid [0-9]+//; s/^(netns: [^ ]+) \(id: [0-9]+\)$/\1/; s/^(link|address[46]): [0-9]+: /\1: /'
}

# settled NAME: the kernel, which takes its time, says of each link what has become of it.
settled()
{
	! in_system "$1" ip -o link | grep -q 'NO-CARRIER.*LOWER_UP'
}

view_is()
{
	[[ $(view "$1") == "$(<"$2")" ]]
}

# as_without TITLE NAME: what is there now is what the same accident left without ntkd.
as_without()
{
	if wait_for 10 view_is "$2" "$WORK/reference"; then
		ok "$1"
	else
		not_ok "$1"
		diff -U0 --label without --label with "$WORK/reference" <(view "$2") | head -n 40 | diag
		system_log "$2"
	fi
}

# answers NAME: a client gets an answer, or a clear error, soon.
answers()
{
	ntk "$1" -j status >/dev/null 2>"$WORK/answer" || [[ -s $WORK/answer ]]
}

N=0
# accident TITLE BEFORE DURING [EXPECTED]: commands run in a system without ntkd; then in one with an identity in a
# namespace.  The end is clean, and both systems are alike.
accident()
{
	local title=$1 a=ref$((++N)) b=sys$N index
	fresh $a
	in_system $a "$BASH" -c "$2; $3" >/dev/null 2>&1
	wait_for 10 settled $a
	view $a >"$WORK/reference"
	fresh $b
	in_system $b "$BASH" -c "$2" >/dev/null 2>&1
	if ! system_start $b || ! index=$(ntk $b load_state "$SEED_STATE" 2>&1); then
		not_ok "$title: starts" "$index"
		system_log $b
		system_end $b KILL
		return
	fi
	in_system $b "$BASH" -c "$3" >/dev/null 2>&1
	check "$title: status is answered" answers $b
	# Changes may be refused now; not forgotten, not half done, and without a hang.
	ntk $b remove_identity "$index" >"$WORK/remove" 2>&1 ||
		check "$title: a refusal has words" grep -q '...' "$WORK/remove"
	system_end $b
	is "$title: the stop is clean" $? 0
	[[ -z ${4:-} ]] || like "$title: is told" "$(<"$WORK/$b.log")" "$4"
	as_without "$title: then as without ntkd" $b
	kill "${SYS_PID[$a]}" "${SYS_PID[$b]}"
}

# -- interfaces --------------------------------------------------------------------

accident 'nothing at all' true true
accident 'interface renamed' true 'ip link set eth1 down; ip link set eth1 name wan; ip link set wan up'
accident 'names of two interfaces exchanged' true 'for i in eth1 eth2; do ip link set $i down; done
	ip link set eth1 name x; ip link set eth2 name eth1; ip link set x name eth2
	for i in eth1 eth2; do ip link set $i up; done'
accident 'interface down and up' true 'ip link set eth1 down; ip link set eth1 up'
accident 'interface removed' true 'ip link del eth1'
accident 'interface removed and made again' true 'ip link del eth1
	ip link add eth1 index 77 address 02:00:00:00:00:01 type veth peer name far index 78 address 02:00:00:00:00:09
	ip link set eth1 up'
accident 'interface moved to another namespace' 'ip netns add away' 'ip link set eth1 netns away
	# The kernel counts macvlans anew only then.
	ip -n away link set eth1 up; ip -n away link set eth1 down'

# -- names in the directory of namespaces -----------------------------------------------

accident 'name taken by a namespace' 'ip netns add ntkv1' true
accident 'name taken by a file' 'echo theirs >/run/netns/ntkv1' true
accident 'name taken by a link' 'ln -s /etc/passwd /run/netns/ntkv1' true
release='umount /run/netns/ntkv1; rm -f /run/netns/ntkv1'
accident 'name replaced by another namespace' true "$release; ip netns add ntkv1" 'ntkv1 is not ours any more'
accident 'name replaced by a file' true "$release; echo theirs >/run/netns/ntkv1" 'ntkv1 is not ours any more'
accident 'name replaced by a link' true "$release; ln -s /etc/passwd /run/netns/ntkv1" 'ntkv1 is not ours any more'
accident 'name removed' true "$release"

# -- a missing interface after a kill -------------------------------------------------------

# killed NAME: a new system whose ntkd and helper were killed in the middle of everything.
killed()
{
	fresh "$1"
	system_dump "$1" >"$WORK/before"
	system_start_or_bail "$1"
	ntk "$1" load_state "$SEED_STATE" >/dev/null || bail 'load_state fails'
	kill -STOP "${SYS_NTKD[$1]}"
	kill -KILL "$(system_helper "$1")" "${SYS_NTKD[$1]}"
	system_reap "$1"
}

ours()
{
	in_system "$1" "$BASH" -c 'ls /run/netns; ip -N route show table all proto 15
		ip -N rule show | grep "proto 15"; nft list tables; cat /proc/sys/net/ipv4/ip_forward'
}

killed gone
in_system gone ip link set eth1 name elsewhere
in_system gone ip link set eth2 name nowhere
system_launch gone
system_reap gone
is 'interfaces missing after a kill: the start is refused' $? 1
like 'interfaces missing after a kill: says which' "$(<"$WORK/gone.log")" 'interface eth1: there is no such interface, nor any other'
is 'interfaces missing after a kill: cleaned up all the same' "$(ours gone)" 0
in_system gone ip link set elsewhere name eth1
in_system gone ip link set nowhere name eth2
check_unchanged 'interfaces missing after a kill: as before once they are back' gone "$WORK/before"

# iproute2 would wait for a writer, so the dump waits until the pipe is gone.
killed pipe
in_system pipe "$BASH" -c "$release; mkfifo /run/netns/ntkv1"
check 'name replaced by a pipe after a kill: the start does not wait for it' system_start pipe
system_end pipe
is 'name replaced by a pipe after a kill: stops' $? 0
check 'name replaced by a pipe after a kill: it stays' in_system pipe rm /run/netns/ntkv1
check_unchanged 'name replaced by a pipe after a kill: nothing else is left' pipe "$WORK/before"

killed relabel
system_config relabel 'address = "1.0.1.0"' 'routing-protocol = 77' 'rule-priority = 5000'
check 'other labels after a kill: starts' system_start relabel
system_end relabel
is 'other labels after a kill: stops' $? 0
check_unchanged 'other labels after a kill: nothing is left' relabel "$WORK/before"

# -- two at once ---------------------------------------------------------------------------

fresh two
system_dump two >"$WORK/before"
wrong=0
for i in {1..6}; do
	pids=()
	for j in 1 2; do
		nsenter -t "${SYS_PID[two]}" -m -n -- "$NTKD" -f -c "$WORK/two.conf" \
			--helper "$NTK_HELPER" </dev/null >"$WORK/two.$j" 2>&1 &
		pids+=($!)
	done
	wait_for 10 eval 'is_gone ${pids[0]} || is_gone ${pids[1]}' || ((++wrong))
	loser=0
	! is_gone "${pids[0]}" && loser=1
	wait "${pids[loser]}"
	status=$?
	SYS_NTKD[two]=${pids[1 - loser]}
	wait_for 10 system_is_up two || ((++wrong))
	((status == 1)) && grep -q 'another ntkd.*stop it first' "$WORK/two.$((loser + 1))" || ((++wrong))
	system_end two || ((++wrong))
done
is 'two started at once, six times: one runs, the other names it' $wrong 0
check_unchanged 'two started at once: nothing is left' two "$WORK/before"

# -- the configuration replaced between the two readings -----------------------------------------

# swap TITLE COMMAND STATUS REGEX: the command runs after ntkd's reading and before the helper's.
swap()
{
	local title=$1 status
	cat >"$WORK/swap" <<-END
		#!/bin/sh
		PATH=$PATH
		conf=$WORK/two.conf
		$2
		exec $NTK_HELPER "\$@"
	END
	chmod 0755 "$WORK/swap"
	rm -f "$WORK/two.conf"
	system_config two 'address = "1.0.1.0"'
	system_launch two --helper "$WORK/swap"
	wait_for 15 system_is_settled two
	if is_gone "${SYS_NTKD[two]}"; then
		system_reap two
	else
		check "$title: answers" answers two
		system_end two
	fi
	status=$?
	is "$title: exit status" $status "$3"
	like "$title: told" "$(<"$WORK/two.log")" "$4"
	check_unchanged "$title: nothing is left" two "$WORK/before"
}
swap 'another file put in its place' 'echo nonsense >$conf.new; mv $conf.new $conf' 0 ready
swap 'overwritten with nonsense' 'echo nonsense >$conf' 3 'the configuration'
swap 'emptied' ': >$conf' 3 'the configuration'
swap 'made writable by others' 'chmod 0666 $conf' 3 'writable'
swap 'an interface less' 'sed "/eth2/d" $conf >$conf.new; cat $conf.new >$conf' 3 .

# -- a kernel that lacks something ------------------------------------------------------------------

# lacks TITLE WHAT ERRNO STATUS REGEX: every call that begins with WHAT fails.
lacks()
{
	local title=$1 status
	in_system two python3 -c '
import errno, struct, sys
with open("/run/refuse", "wb") as f:
	f.write(struct.pack("=IIIiII64s64sQ", 0, 0, 0, getattr(errno, sys.argv[2]), 0, 0, b"", sys.argv[1].encode(), 0))
' "$2" "$3"
	system_dump two >"$WORK/before"
	system_launch two --helper "$REFUSED_HELPER"
	wait_for 15 system_is_settled two
	if is_gone "${SYS_NTKD[two]}"; then
		system_reap two
	else
		system_end two
	fi
	status=$?
	is "$title: exit status" $status "$4"
	like "$title: told" "$(<"$WORK/two.log")" "$5"
	check_unchanged "$title: nothing is left" two "$WORK/before"
}
system_config two 'address = "1.0.1.0"'
lacks 'no macvlan' 'route message 16' EOPNOTSUPP 1 'cannot have pseudo-interfaces .*macvlan'
lacks 'no network namespaces' unshare EINVAL 1 'cannot have network namespaces'
lacks 'no right to make namespaces' unshare EPERM 1 'cannot have network namespaces'
lacks 'no mounting' mount EPERM 1 'cannot have network namespaces .*mount'
lacks 'no nftables' 'nft message' EOPNOTSUPP 1 'cannot have nftables'
lacks 'no nfnetlink' 'netlink socket netfilter' EPROTONOSUPPORT 3 'cannot open netlink sockets'
lacks 'no policy routing' 'route message 32' EOPNOTSUPP 1 'cannot have policy routing'
lacks 'settings read-only' 'open to write ipv4' EROFS 1 'cannot have IPv4 forwarding'
lacks 'no room for the journal' 'journal write' ENOSPC 3 'No space left'
in_system two rm /run/refuse
system_dump two >"$WORK/before"

# -- memory ---------------------------------------------------------------------------------------

# used PID: its memory that counts for RLIMIT_DATA, kB.
used()
{
	sed -n 's/^VmData:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# starve TITLE: sixty identities are asked for, or until nobody answers any more.  Sets STATUS.
starve()
{
	local i helper
	helper=$(system_helper two)
	: >"$WORK/starved"
	for i in {1..60}; do
		sed "s/\"namespace\": 1/\"namespace\": $i/" "$SEED_STATE" >"$WORK/one.json"
		ntk two load_state "$WORK/one.json" >>"$WORK/starved" 2>&1 && continue
		! is_gone "${SYS_NTKD[two]}" || break
	done
	diag "$1: asked $i times: $(grep -v '^[0-9]*$' "$WORK/starved" | head -n 1)"
	if wait_for 2 is_gone "${SYS_NTKD[two]}"; then
		system_reap two "$helper"
	else
		system_end two
	fi
	STATUS=$?
	diag "exit status $STATUS: $(grep -iE 'memory|signal' "$WORK/two.log" | head -n 1)"
}

if grep -qa __asan_init "$NTKD"; then
	skip 'without memory' 'the address sanitizer wants more than there is'
else
	system_start_or_bail two
	helper_used=$(used "$(system_helper two)") ntkd_used=$(used "${SYS_NTKD[two]}")
	system_end two
	printf '#!/bin/sh\nulimit -d %d\nexec %s "$@"\n' $((helper_used + 96)) "$NTK_HELPER" >"$WORK/swap"
	chmod 0755 "$WORK/swap"
	check 'helper with little memory: starts' system_start two --helper "$WORK/swap"
	starve 'helper with little memory'
	# It may refuse an operation, or give up: both are told.
	like 'helper with little memory: exit status' $STATUS '^[03]$'
	like 'helper with little memory: says so' "$(<"$WORK/two.log")" '[Mm]emory'
	system_start_or_bail two
	system_end two
	check_unchanged 'helper with little memory: the next start cleans up' two "$WORK/before"

	printf '#!/bin/sh\nulimit -S -d unlimited\nexec %s "$@"\n' "$NTK_HELPER" >"$WORK/swap"
	ulimit -S -d $((ntkd_used + 96))
	system_launch two --helper "$WORK/swap"
	ulimit -S -d unlimited
	wait_for 15 system_is_settled two
	starve 'ntkd with little memory'
	like 'ntkd with little memory: exit status' $STATUS '^[013]$'
	like 'ntkd with little memory: says so' "$(<"$WORK/two.log")$(<"$WORK/starved")" '[Mm]emory'
	check_unchanged 'ntkd with little memory: nothing is left' two "$WORK/before"
fi

# -- the journal ---------------------------------------------------------------------------------------

journal=/run/ntkd/journal
# damaged TITLE COMMAND: the journal of an ntkd that ended well is damaged; the next one does not mind.
damaged()
{
	in_system two "$BASH" -c "$2" || bail "$1 fails"
	check "$1: starts" system_start two
	system_end two
	is "$1: stops" $? 0
	check_unchanged "$1: nothing is left" two "$WORK/before"
}
damaged 'journal of random bytes' "head -c 5000 /dev/urandom >$journal"
damaged 'journal of zeroes, as large as may be' "truncate -s 1M $journal"
damaged 'journal of ones, as large as may be' "head -c 1M /dev/zero | tr '\\0' '\\377' >$journal"
damaged 'journal removed' "rm $journal"
damaged 'journal cut within a record' "head -c 100 /dev/urandom >$journal"

# refused TITLE COMMAND REGEX: so it cannot start, says why, and leaves it alone.
refused()
{
	in_system two "$BASH" -c "rm -rf $journal; $2" || bail "$1 fails"
	system_dump two >"$WORK/odd"
	system_launch two
	wait_for 10 is_gone "${SYS_NTKD[two]}" || system_end two KILL
	system_reap two
	is "$1: exit status" $? 1
	like "$1: told" "$(<"$WORK/two.log")" "$3"
	check_unchanged "$1: nothing changes" two "$WORK/odd"
	in_system two rm -rf $journal
}
refused 'journal is a link' "touch /run/elsewhere; ln -s /run/elsewhere $journal" 'journal'
in_system two rm /run/elsewhere
refused 'journal is a pipe' "mkfifo $journal" 'not a regular file'
refused 'journal is a directory' "mkdir $journal" 'journal'
refused "journal is somebody else's" "touch $journal; chown 64200 $journal" "root's"
refused 'journal has two names' "touch $journal; ln $journal /run/elsewhere" 'one name'
in_system two rm /run/elsewhere
refused 'journal too large' "truncate -s 2M $journal" 'larger'

# After a kill, what only the journal knew is lost with it: settings and names.  The labels remain.
for damage in "head -c 5000 /dev/urandom >$journal" "rm $journal" ": >$journal" "truncate -s 300 $journal"; do
	name=damage$((++N))
	killed $name
	in_system $name "$BASH" -c "$damage"
	check "after a kill, $damage: starts" system_start $name
	check "after a kill, $damage: serves" ntk $name load_state "$SEED_STATE"
	system_end $name
	is "after a kill, $damage: stops" $? 0
	is "after a kill, $damage: what has labels is gone" "$(in_system $name "$BASH" -c '
		ip -N route show table all proto 15; ip -N rule show | grep "proto 15"; nft list tables;
		ip -4 -o address show | grep -v " lo "')" ''
	kill "${SYS_PID[$name]}"
done
done_testing
