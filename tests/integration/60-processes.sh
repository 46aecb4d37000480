#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the two processes may do, read from the kernel: users, the five sets of
# capabilities, no_new_privs, system call filter, descriptors, limits, root directory.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

# CAP_NET_ADMIN is number 12, CAP_SYS_ADMIN number 21.
BOTH=$(printf '%016x' $((1 << 12 | 1 << 21)))
NONE=$(printf '%016x' 0)

scenario_system beta
system_start_or_bail beta
ntk beta load_state "$SEED_STATE" >/dev/null || bail 'load_state fails'
ntkd=${SYS_NTKD[beta]}
helper=$(system_helper beta)

# field PID NAME: of its status
field()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

# limit PID NAME: soft and hard
limit()
{
	sed -n "s/^$2  *\([^ ]*\) *\([^ ]*\).*/\1 \2/p" "/proc/$1/limits"
}

# descriptors PID: number and what it is, sockets by their kind
descriptors()
{
	local fd
	for fd in $(find "/proc/$1/fd" -mindepth 1 -printf '%f\n' | sort -n); do
		printf '%s %s\n' "$fd" "$(readlink "/proc/$1/fd/$fd")"
	done
}

show()
{
	diag "$1 (process $2):"
	grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters|Threads):' \
		"/proc/$2/status" | diag
	printf 'root directory %s\n' "$(readlink "/proc/$2/root")" | diag
	grep -E '^Max (file size|processes|open files|core file size|locked memory)' "/proc/$2/limits" | diag
	descriptors "$2" | diag
}

# same PID TITLE UID CAPABILITIES
same()
{
	local pid=$1 title=$2 uid=$3 caps=$4 set
	is "$title: users" "$(field "$pid" Uid)" "$uid $uid $uid $uid"
	is "$title: groups" "$(field "$pid" Gid)" "$uid $uid $uid $uid"
	is "$title: no other group" "$(field "$pid" Groups | tr -d ' ')" ''
	for set in CapPrm CapEff; do
		is "$title: $set" "$(field "$pid" $set)" "$caps"
	done
	for set in CapInh CapBnd CapAmb; do
		is "$title: $set" "$(field "$pid" $set)" "$NONE"
	done
	is "$title: no new privileges" "$(field "$pid" NoNewPrivs)" 1
	is "$title: system calls filtered" "$(field "$pid" Seccomp)" 2
	is "$title: one thread" "$(field "$pid" Threads)" 1
	is "$title: no core file" "$(limit "$pid" 'Max core file size')" '0 0'
	is "$title: no new process" "$(limit "$pid" 'Max processes')" '0 0'
	like "$title: bounded descriptors" "$(limit "$pid" 'Max open files')" '^([0-9]+) \1$'
}

show ntkd "$ntkd"
show ntkd-priv "$helper"
same "$ntkd" ntkd "$NTK_UID" "$NONE"
same "$helper" ntkd-priv "$NTK_HELPER_UID" "$BOTH"

is 'ntkd-priv: started with an empty environment' "$(wc -c <"/proc/$helper/environ")" 0
like 'ntkd: its root directory is empty' "$(find "/proc/$ntkd/root/" -mindepth 1 | wc -l)" '^0$'
is 'ntkd: no file is open for writing but its log' "$(for fd in "/proc/$ntkd/fdinfo/"*; do
	to=$(readlink "/proc/$ntkd/fd/${fd##*/}")
	flags=$(sed -n 's/^flags:[[:space:]]*//p' "$fd")
	[[ $to == /* && $to != /dev/null && $to != "$WORK/beta.log" ]] || continue
	((flags & 3)) && echo "$to"
	done | grep -v '/lock$')" ''
is 'ntkd-priv: files that are open for writing' "$(for fd in "/proc/$helper/fdinfo/"*; do
	to=$(readlink "/proc/$helper/fd/${fd##*/}")
	flags=$(sed -n 's/^flags:[[:space:]]*//p' "$fd")
	[[ $to == /* && $to != /dev/null && $to != "$WORK/beta.log" ]] || continue
	((flags & 3)) && echo "$to"
	done)" /run/ntkd/journal

# sockets PID FAMILY…: kinds of sockets it has, from the kernel's lists
inet()
{
	local inode
	for inode in $(descriptors "$1" | sed -n 's/.*socket:\[\([0-9]*\)\]/\1/p'); do
		awk -v i="$inode" '$10 == i { print FILENAME }' \
			"/proc/$1/net/tcp" "/proc/$1/net/udp" "/proc/$1/net/tcp6" "/proc/$1/net/udp6" \
			"/proc/$1/net/raw" 2>/dev/null
	done
}
is 'ntkd-priv: no internet socket' "$(inet "$helper")" ''

# The kernel closes what a killed process had open from the highest number down, and what the helper does
# when it hears of it takes away the addresses that neighbours are told from.
inode=$(descriptors "$helper" | sed -n 's/^3 socket:\[\([0-9]*\)\]/\1/p')
ours=$(awk -v i="$inode" '$7 == i { print $5 }' "/proc/$helper/net/unix")
is "the helper's socket is one of SOCK_SEQPACKET" "$ours" 0005
lowest=
while read -r fd to; do
	inode=$(sed -n 's/^socket:\[\([0-9]*\)\]/\1/p' <<<"$to")
	[[ -n $inode && -z $lowest ]] && lowest=$(awk -v i="$inode" '$7 == i { print $5 }' "/proc/$ntkd/net/unix")
done < <(descriptors "$ntkd")
is 'ntkd: its socket to the helper has the lowest number of all sockets' "$lowest" 0005

# They are strangers to each other: equal users could send signals.
is 'ntkd cannot signal its helper' "$(in_system beta setpriv --reuid $NTK_UID --regid $NTK_UID \
	--clear-groups "$BASH" -c "kill -TERM $helper 2>&1 && echo it could" | grep -c 'it could')" 0
is 'the helper serves on' "$(ntk beta -j status | grep -c '"helper"')" 1
is 'ntkd is not dumpable: its memory is nobody'\''s' "$(in_system beta setpriv --reuid $NTK_UID \
	--regid $NTK_UID --clear-groups cat "/proc/$ntkd/maps" 2>/dev/null | wc -c)" 0
is 'ntkd-priv is not dumpable' "$(in_system beta setpriv --reuid $NTK_HELPER_UID \
	--regid $NTK_HELPER_UID --clear-groups cat "/proc/$helper/maps" 2>/dev/null | wc -c)" 0

# Files.
is 'the run-time directory' "$(in_system beta stat -c '%a %u:%g' /run/ntkd)" '755 0:0'
is "the helper's part of it" "$(in_system beta stat -c '%a %u:%g' /run/ntkd/priv)" \
	"755 $NTK_HELPER_UID:$NTK_HELPER_UID"
is 'the journal' "$(in_system beta stat -c '%a %u:%g' /run/ntkd/journal)" '600 0:0'
is 'the directory of names of namespaces' "$(in_system beta stat -c '%a %u:%g' /run/netns)" \
	"1775 0:$NTK_HELPER_UID"

system_end beta
is 'exit status' $? 0
done_testing
