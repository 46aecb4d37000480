#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What neighbours need of the kernel, without a protocol: datagrams and connections between two systems whose
# other addresses and routes are in the way, by a process that has no rights and the daemon's system call
# filter; and how soon it is noticed that an interface lost its carrier, went, was renamed, or came back.
NTK_TEST_SECONDS=${NTK_TEST_SECONDS:-300}
export NTK_TEST_SECONDS
. "$(dirname "$0")/lib.sh"

PEER=${NTK_WIREPEER:-$NTK_BUILD/tests/wirepeer}
DUMP=$NTK_BUILD/tests/wiredump
[[ -x $PEER && -x $DUMP ]] || bail "needs $PEER and $DUMP: make check builds them"
TIMES=${NTK_TIMES:-10}		# how often something is measured

declare -A LL=([alfa]=169.254.17.1 [beta]=169.254.17.2) PID=()

# settings NAME: as ntkd-priv makes them; both own the same global address, which is the first.
settings()
{
	in_system "$1" sysctl -qw net.ipv4.conf.{all,eth1}.rp_filter=0 net.ipv4.conf.eth1.arp_ignore=1 \
		net.ipv4.conf.eth1.arp_announce=2
	in_system "$1" ip address add 10.0.0.1/32 dev eth1
	in_system "$1" ip address add "${LL[$1]}/32" dev eth1 scope link
}

# peer NAME: starts it there, and waits
peer()
{
	nsenter -t "${SYS_PID[$1]}" -m -n -- "$PEER" "$NTK_UID" "eth1=${LL[$1]}" \
		</dev/null >"$WORK/$1.out" 2>"$WORK/$1.err" &
	PID[$1]=$!
}

# count NAME REGEX: lines of its output; last NAME REGEX: the time of the last of them, µs
count()
{
	grep -cE "^[0-9.]+ $2" "$WORK/$1.out"
}
last()
{
	grep -E "^[0-9.]+ $2" "$WORK/$1.out" | tail -n 1 | sed 's/ .*//; s/\.//'
}
more_than()
{
	(($(count "$1" "$2") > $3))
}

# told NAME REGEX COMMAND...: one test: after the command a line more comes within 10 s; leaves in TOOK how long
# it took, µs
told()
{
	local name=$1 regex=$2 before since
	shift 2
	before=$(count "$name" "$regex")
	since=${EPOCHREALTIME/./}
	"$@" || return 1
	wait_for 10 more_than "$name" "$regex" "$before" || return 1
	TOOK=$(($(last "$name" "$regex") - since))
}

# again TEST: one test; alfa connects once more than the last time this was asked.
connections=0
again()
{
	check "$1" wait_for 10 more_than alfa connected "$connections"
	connections=$(count alfa connected)
}

# stats: of the numbers on standard input, µs: median and worst, in ms
stats()
{
	sort -n | awk '{ v[NR] = $1 / 1000 } END { printf "median %.1f ms, worst %.1f ms of %d", v[int((NR + 1) / 2)], v[NR], NR }'
}

system_new alfa eth1=00:16:3e:00:00:01
system_new beta eth1=00:16:3e:00:00:02
settings alfa
settings beta
# Routes that would mislead: through the same interface, and to nowhere.
in_system alfa ip route add default dev eth1 via 10.9.9.9 onlink
in_system beta ip route add unreachable default
"$DUMP" v1.1 >"$WORK/dump" 2>&1 &
dump=$!
wait_for 10 grep -q listening "$WORK/dump" || bail "no capture: $(<"$WORK/dump")"

peer alfa
peer beta
check 'alfa connects with beta, whose hardware address the kernel found' \
	wait_for 10 more_than alfa 'connected eth1 169.254.17.2 00:16:3e:00:00:02' 0
check 'beta accepts alfa, likewise' wait_for 10 more_than beta 'accepted eth1 169.254.17.1 00:16:3e:00:00:01' 0
check 'alfa hears beta' wait_for 10 more_than alfa 'heard eth1 169.254.17.2' 0
check 'beta hears alfa' wait_for 10 more_than beta 'heard eth1 169.254.17.1' 0
check 'calls of alfa are answered' wait_for 10 more_than alfa 'answered' 0
check 'calls of beta are answered' wait_for 10 more_than beta 'answered' 0
is 'nobody else is heard, nor at another address' "$(cat "$WORK"/{alfa,beta}.out | grep -c heard)" 2
like 'it has no rights' "$(grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)|^Seccomp:' "/proc/${PID[alfa]}/status" |
	awk '{ print $2 }' | paste -sd' ')" '^0{16} 0{16} 0{16} 0{16} 0{16} 2$'

# -- the end of the other process ------------------------------------------------------------
for ((i = 0; i < TIMES; i++)); do
	told alfa 'ended eth1 169.254.17.2 (ended|failed)' kill -KILL "${PID[beta]}" || break
	echo "$TOOK"
	wait "${PID[beta]}" 2>/dev/null
	told alfa 'connected' peer beta || break
done >"$WORK/times" 2>/dev/null
is "a process that is killed is noticed: $(stats <"$WORK/times")" "$(wc -l <"$WORK/times")" "$TIMES"

# -- carrier -----------------------------------------------------------------------------------
for ((i = 0; i < TIMES; i++)); do
	told beta 'nic eth1 down' ip link set v2.1 down || break
	echo "$TOOK"
	told alfa 'connected' ip link set v2.1 up || break
	echo "$TOOK" >&2
done >"$WORK/times" 2>"$WORK/times2"
is "a lost carrier is noticed: $(stats <"$WORK/times")" "$(wc -l <"$WORK/times")" "$TIMES"
# The other end knows of nothing until it sends again what was never acknowledged.
is "the carrier is back, connected again: $(stats <"$WORK/times2")" "$(wc -l <"$WORK/times2")" "$TIMES"

# -- silence, with a carrier ---------------------------------------------------------------------
silence()
{
	in_system alfa nft 'table netdev quiet { chain hush { type filter hook ingress device eth1 priority 0; drop; }; }'
}
if in_system alfa nft add table netdev quiet 2>/dev/null; then
	check 'nothing arrives any more: the connection fails' told alfa 'ended eth1 169.254.17.2 failed ETIMEDOUT' silence
	check "not before what is unacknowledged is 3.5 s old, nor 2 s after it: $((TOOK / 1000)) ms" \
		test "$TOOK" -ge 3000000 -a "$TOOK" -le 5600000
	told alfa connected in_system alfa nft delete table netdev quiet || bail 'no connection after the silence'
else
	skip 'nothing arrives any more: the connection fails' 'no nftables of the netdev family'
fi

# -- the interface goes and comes back ------------------------------------------------------------
down_and_up()
{
	in_system beta ip link set eth1 down
	in_system beta ip link set eth1 up
}
connections=$(count alfa connected)
check 'set down and up: noticed' told beta 'nic eth1 up 00:16:3e:00:00:02' down_and_up
again 'set down and up: connected again'
check 'removed: noticed' told beta 'nic eth1 gone' in_system beta ip link delete eth1
made_again()
{
	system_plug beta eth1 00:16:3e:00:00:02 lan && settings beta
}
check 'made again: it is used, without any right' told beta 'open eth1' made_again
again 'made again: connected'
renamed()
{
	in_system beta ip link set eth1 down
	in_system beta ip link set eth1 name other
}
check 'renamed: gone' told beta 'nic eth1 gone' renamed
named_back()
{
	in_system beta ip link set other name eth1
	in_system beta ip link set eth1 up
}
check 'named as before: used again' told beta 'open eth1' named_back
again 'named as before: connected'
other_mac()
{
	in_system beta ip link set eth1 down
	in_system beta ip link set eth1 address 00:16:3e:00:00:22
	in_system beta ip link set eth1 up
}
check 'another hardware address: gone' told beta 'nic eth1 gone' other_mac
check 'another hardware address: it is the one that alfa finds' \
	wait_for 10 more_than alfa 'connected eth1 169.254.17.2 00:16:3e:00:00:22' 0
into_bridge()
{
	in_system beta ip link add br0 type bridge
	in_system beta ip link set eth1 master br0
}
connections=$(count alfa connected)
check 'made a port of a bridge: not used any more' told beta 'nic eth1 down' into_bridge
check 'taken out of it: used again' told beta 'open eth1' in_system beta ip link set eth1 nomaster
again 'taken out of it: connected'
check 'both live, no call was forbidden' kill -0 "${PID[alfa]}" "${PID[beta]}"
is 'they had nothing to complain of' "$(cat "$WORK"/{alfa,beta}.err)" ''

# Leaving in good order: the other end is told at once.
check 'beta leaves: alfa is told' told alfa 'ended eth1 169.254.17.2 ended' kill -TERM "${PID[beta]}"
wait "${PID[beta]}"
is 'beta leaves: exit status' $? 0
kill -TERM "${PID[alfa]}"
wait "${PID[alfa]}"
is 'alfa leaves, who has nobody any more: exit status' $? 0

# -- on the wire -------------------------------------------------------------------------------------
kill -TERM "$dump"
wait "$dump"
is 'everything on the wire can be decoded' $? 0
like 'nothing leaves the link' "$(tail -n 1 "$WORK/dump")" '^packets [0-9]+ messages [1-9][0-9]+ undecoded 0 ttl 1 '
tail -n 1 "$WORK/dump" | diag
is 'datagrams are broadcast, with the link-local as source' \
	"$(sed -nE 's/^[0-9.]+ udp ([^ ]*) > ([^ ]*) .*/\1 \2/p' "$WORK/dump" | sort -u)" \
	"$(printf '%s\n' '169.254.17.1:60269 255.255.255.255:60269' '169.254.17.2:60269 255.255.255.255:60269')"
is 'connections are between link-locals' "$(sed -nE 's/^[0-9.]+ tcp ([^ :]*):[0-9]+ > ([^ :]*):.*/\1 \2/p' "$WORK/dump" | sort -u)" \
	"$(printf '%s\n' '169.254.17.1 169.254.17.2' '169.254.17.2 169.254.17.1')"

# -- the daemon ------------------------------------------------------------------------------------------
says()
{
	grep -qE "$1" "$WORK/gamma.log"
}
system_new gamma eth1=00:16:3e:00:00:03
system_config gamma
system_start_or_bail gamma
check 'ntkd: knows its interface' wait_for 10 says 'interface: eth1 is up, 00:16:3e:00:00:03'
ip link set v3.1 down
check 'ntkd: notices that the carrier is lost' wait_for 10 says 'interface: eth1 has no carrier'
ip link set v3.1 up
in_system gamma ip link delete eth1
check 'ntkd: notices that it is gone' wait_for 10 says 'interface: eth1 is gone'
system_plug gamma eth1 00:16:3e:00:00:03 lan
is_back()
{
	[[ $(sed '1,/interface: eth1 is gone/d' "$WORK/gamma.log") == *'eth1 is taken up: number '* ]]
}
check 'ntkd: takes the one up that has its name now' wait_for 10 is_back
# While it sleeps more happens than can wait for it, and the last of it is what matters.
lost_carrier()
{
	grep -c 'eth1 has no carrier' "$WORK/gamma.log"
}
lost_more()
{
	(($(lost_carrier) > before))
}
before=$(lost_carrier)
in_system gamma ip link add spare type veth peer name spare2
kill -STOP "${SYS_NTKD[gamma]}"
for ((i = 0; i < 6000; i++)); do
	echo "link set spare mtu $((1400 + i % 2))"
done | in_system gamma ip -batch -
ip link set "$(ip -o link show type veth | sed -nE 's/^[0-9]+: (v3[^@]*)@.*/\1/p')" down
kill -CONT "${SYS_NTKD[gamma]}"
check 'ntkd: notices that notifications were lost' wait_for 10 says 'notifications came faster'
check 'ntkd: has found out what it was not told' wait_for 10 lost_more
system_end gamma
is 'ntkd: exit status' $? 0
done_testing
