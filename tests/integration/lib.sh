# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Systems for tests: the one way in which this project's tests, benchmarks and
# demonstration make machines to run ntkd on.
#
#	. "$(dirname "$0")/lib.sh"
#	system_new beta eth1=00:16:3e:ec:a3:e1
#	system_config beta 'address = "1.0.1.0"'
#	system_start beta
#	…
#	done_testing
#
# Reading this file runs the script again inside a process, mount and network
# namespace of its own.  When the script ends, however it ends (SIGKILL too), the
# kernel ends every process in there, and interfaces, mounts and named namespaces
# go with them.  Nothing is ever done in the namespaces of the caller.
#
# A system is a process with its own mount and network namespace below that
# one: own /run (tmpfs), own /run/netns, own /etc/iproute2.  Its interfaces are
# veth ends, joined by bridges ("segments") in the script's namespace.
#
# Needs bash, iproute2, nftables, coreutils, grep, diffutils, util-linux, procps.
#
# Environment: NTK_SRCDIR and NTK_BUILD, the tops of the two trees (else found
# from this file, and the working directory); NTKD, NTK_HELPER, NTKCTL: the
# programs, if not those of the build directory; NTK_REFERENCE: the directory of
# the reference material (scenario.md, kstate.py, golden/), which some tests
# compare with and skip without; NTK_FILTER: what a forbidden system call does, kill or trap.

set -u
export LC_ALL=C
umask 022

NTK_SRCDIR=$(cd "${NTK_SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd) || exit 1
NTK_BUILD=$(cd "${NTK_BUILD:-.}" && pwd) || exit 1
NTKD=${NTKD:-$NTK_BUILD/ntkd/ntkd}
NTK_HELPER=${NTK_HELPER:-$NTK_BUILD/ntkd-priv/ntkd-priv}
NTKCTL=${NTKCTL:-$NTK_BUILD/ntkctl/ntkctl}
if [[ -z ${NTK_REFERENCE:-} && -d $NTK_SRCDIR/../shared/reference ]]; then
	NTK_REFERENCE=$(cd "$NTK_SRCDIR/../shared/reference" && pwd)
fi
FIXTURES=$NTK_SRCDIR/tests/fixtures
export NTK_SRCDIR NTK_BUILD NTKD NTK_HELPER NTKCTL NTK_REFERENCE=${NTK_REFERENCE:-}

# Users of the tests; numbers, which need no entry in the list of users.
NTK_UID=64100
NTK_HELPER_UID=64101

# -- TAP ---------------------------------------------------------------------

TAP_N=0
TAP_FAILED=0
FILTERS=0		# processes of which filters_note told
FILTERS_OTHER=		# those that were not under the filter they should be under

# diag [TEXT…]: comment lines, from the arguments or from standard input.
diag()
{
	if (($#)); then
		printf '%s\n' "$@"
	else
		cat
	fi | sed 's/^/# /'
}

# ok NAME; not_ok NAME [WHY]
ok()
{
	printf 'ok %d - %s\n' $((++TAP_N)) "$1"
}

not_ok()
{
	printf 'not ok %d - %s\n' $((++TAP_N)) "$1"
	((++TAP_FAILED))
	[[ -z ${2:-} ]] || diag "$2"
}

# check NAME COMMAND…: one test; it passes when the command does.  Its output is shown when not.
check()
{
	local name=$1
	shift
	# In this shell: the command may start a system.
	if "$@" >"$WORK/check.out" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "$(<"$WORK/check.out")"
	fi
}

# is NAME HAVE WANT: one test; the two texts must be equal.
is()
{
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1"
		diff -u --label want --label have <(printf '%s\n' "$3") <(printf '%s\n' "$2") | diag
	fi
}

# like NAME HAVE REGEX: one test; the text must match the extended regular expression.
like()
{
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1" "no match for /$3/ in: $2"
	fi
}

# skip NAME WHY: one test that cannot be run here.
skip()
{
	printf 'ok %d - %s # SKIP %s\n' $((++TAP_N)) "$1" "$2"
}

# skip_all WHY: ends the script; nothing of it can be run here.
skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# neighbours_full: how often the kernel's table of neighbours was full since it started.  All namespaces of the host share
# it, and a broadcast needs an entry too: what others do there can keep systems from saying hello.
neighbours_full()
{
	local sum=0 column=() line=() i
	[[ -r /proc/self/fd/9 ]] && while read -r -a line; do
		((${#column[@]} > 0)) || column=("${line[@]}")
		for ((i = 0; i < ${#line[@]}; i++)); do
			[[ ${column[i]} != table_fulls || ${line[i]} == table_fulls ]] || ((sum += 16#${line[i]}))
		done
	done </proc/self/fd/9
	echo $sum
}

# bail WHY: ends the script; what it needs failed.
bail()
{
	local name full=$(($(neighbours_full) - NEIGHBOURS_FULL))
	((full == 0)) || diag "the kernel's table of neighbours, which all share, was full $full times meanwhile"
	for name in "${!SYS_PID[@]}"; do
		[[ -s $WORK/$name.log ]] && diag "log of $name:" && tail -n 40 "$WORK/$name.log" | diag
	done
	printf 'Bail out! %s\n' "$1"
	exit 1
}

# done_testing: prints the plan; the last line of every script.
done_testing()
{
	if ((FILTERS > 0)); then
		is "all of $FILTERS processes ran under a filter that ${NTK_FILTER:-kill}s" "$FILTERS_OTHER" ''
	fi
	printf '1..%d\n' "$TAP_N"
	((TAP_FAILED == 0))
	exit
}

# -- Our own namespaces --------------------------------------------------------

# Runs the script again inside; ends with its status.  "timeout" is the bound for everything.
sandbox_enter()
{
	local missing=() tool status child

	((EUID == 0)) || skip_all 'needs root'
	for tool in ip nft nsenter unshare setpriv pgrep timeout; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	((${#missing[@]} == 0)) || skip_all "needs ${missing[*]}"
	unshare -m -n -p -f true 2>/dev/null ||
		skip_all 'needs the right to make process, mount and network namespaces'

	# Of the host: in another network namespace it cannot be opened.
	[[ ! -r /proc/net/stat/arp_cache ]] || exec 9</proc/net/stat/arp_cache
	NTK_TEST_WORK=$(mktemp -d "${TMPDIR:-/tmp}/ntkd-test.XXXXXX") || exit 1
	export NTK_TEST_WORK
	# Each ends when the one before it does, whatever killed that.
	setpriv --pdeathsig TERM timeout --foreground -s KILL -k 0.2 "${NTK_TEST_SECONDS:-240}" \
		setpriv --pdeathsig KILL unshare -m -n -p -f --kill-child --mount-proc "$BASH" "$0" "$@" &
	child=$!
	trap 'kill -TERM "$child" 2>/dev/null' INT TERM HUP
	wait "$child"
	status=$?
	# A signal ends the first wait at once; the child is given its 0.2 s.
	while kill -0 "$child" 2>/dev/null; do
		wait "$child"
		status=$?
	done
	rmdir "$NTK_TEST_WORK"
	exit "$status"
}

sandbox_prepare()
{
	WORK=$NTK_TEST_WORK
	unset NTK_TEST_WORK
	# Whatever is done here by mistake instead of in a system shall not reach the caller's /run.
	case $WORK:$NTK_SRCDIR:$NTK_BUILD in
	/run/* | *:/run/*) ;;
	*) mount -t tmpfs -o mode=0755 run /run || exit 1 ;;
	esac
	mount -t tmpfs -o mode=0755 ntkd-test "$WORK" || exit 1
	if [[ ! -d /etc/iproute2 ]]; then
		# Newer iproute2 keeps its files elsewhere; systems need the directory to mount on.
		cp -a /etc "$WORK/etc" && mkdir "$WORK/etc/iproute2" && mount --bind "$WORK/etc" /etc || exit 1
	fi
	# So that no address is tentative in one dump and not in the next.
	[[ ! -e /proc/sys/net/ipv6 ]] || echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	ip link set lo up
	mkdir "$WORK/bin"
	NEIGHBOURS_FULL=$(neighbours_full)
}

# -- Waiting -------------------------------------------------------------------

# wait_for SECONDS COMMAND…: until the command succeeds; false when it did not within that time.
wait_for()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < end)) || return 1
		sleep 0.02
	done
}

# is_gone PID: no such process, or only what its parent has not collected yet.
is_gone()
{
	local state
	state=$(ps -o state= -p "$1" 2>/dev/null)
	[[ -z $state || $state == Z* ]]
}

# -- Systems -------------------------------------------------------------------

declare -A SYS_PID=()		# the process that holds the namespaces of a system
declare -A SYS_NTKD=()		# the ntkd started there last

# segment NAME: a bridge to which interfaces of systems are joined; made when it is not there.
segment()
{
	ip link show dev "$1" >/dev/null 2>&1 && return
	ip link add "$1" type bridge forward_delay 0 stp_state 0 mcast_snooping 0 &&
		ip link set "$1" up || bail "cannot make segment $1"
}

# system_new NAME DEV=MAC[@SEGMENT]…: a system with these interfaces, up, in segment "lan" if not told.
system_new()
{
	local name=$1 spec dev mac seg
	shift
	unshare -m -n "$BASH" -c '
		set -e
		mount -t tmpfs -o mode=0755 run /run
		mkdir /run/netns
		mkdir "$1/etc.$2"
		cp -a /etc/iproute2/. "$1/etc.$2/"
		mkdir -p "$1/etc.$2/rt_tables.d"
		rm -f "$1/etc.$2"/rt_tables.d/*
		mount --bind "$1/etc.$2" /etc/iproute2
		[ ! -e /proc/sys/net/ipv6 ] || echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
		ip link set lo up
		echo >"$1/$2.ready"
		exec sleep infinity' holder "$WORK" "$name" </dev/null >"$WORK/$name.holder" 2>&1 &
	SYS_PID[$name]=$!
	wait_for 10 test -e "$WORK/$name.ready" || bail "cannot make system $name: $(<"$WORK/$name.holder")"
	for spec; do
		dev=${spec%%=*} mac=${spec#*=} seg=lan
		[[ $mac != *@* ]] || seg=${mac#*@} mac=${mac%@*}
		segment "$seg"
		system_plug "$name" "$dev" "$mac" "$seg" || bail "cannot give $dev to $name"
	done
}

# system_plug NAME DEV MAC SEGMENT: one interface more.
system_plug()
{
	local near
	near=v$((${#SYS_PID[@]})).$(in_system "$1" ip -o link | wc -l)
	ip link add "$near" type veth peer name "$2" address "$3" netns "${SYS_PID[$1]}" &&
		ip link set "$near" master "$4" up &&
		in_system "$1" ip link set "$2" up &&
		wait_for 10 system_has_carrier "$1" "$2"
}

# A dump before the carrier is there would differ from every later one.
system_has_carrier()
{
	[[ $(in_system "$1" ip -o link show dev "$2") == *LOWER_UP*'state UP'* ]]
}

# near_end NAME: the other end of its interface eth1, nothing when it has none
near_end()
{
	local index
	index=$(in_system "$1" ip -o link show dev eth1 2>/dev/null | sed -nE 's/^[0-9]+: eth1@if([0-9]+):.*/\1/p')
	[[ -z $index ]] || ip -o link show type veth | sed -nE "s/^$index: ([^@]*)@.*/\1/p"
}

# system_remove NAME: ends it with all that is in it.  The kernel takes interfaces down later than it ends the process.
system_remove()
{
	local near
	near=$(near_end "$1")
	kill -KILL "${SYS_PID[$1]}"
	wait "${SYS_PID[$1]}" 2>/dev/null
	unset "SYS_PID[$1]"
	rm -rf "$WORK/$1.ready" "$WORK/etc.$1"
	[[ -z $near ]] || wait_for 10 has_no_link "$near"
}
has_no_link()
{
	! ip link show dev "$1"
}

# in_system NAME COMMAND…: runs it there.
in_system()
{
	local pid=${SYS_PID[$1]}
	shift
	nsenter -t "$pid" -m -n -- "$@"
}

# system_config NAME [LINE…]: writes its configuration: the reference scenario's, a
# section for each of its interfaces, and the given lines instead of lines with the same key.
system_config()
{
	local name=$1 line key dev
	local -A value=(
		[topology]='"4.2.2.2"' [range]='"10.0.0.0/8"' [mode]='"manual"'
		[anonymize-others]=true [accept-anonymous]=true
		[user]="\"$NTK_UID\"" [helper-user]="\"$NTK_HELPER_UID\"" [runtime-dir]='"/run/ntkd"'
	)
	shift
	for line; do
		key=${line%%=*}
		value[${key%% *}]=${line#*=}
	done
	{
		for key in "${!value[@]}"; do
			printf '%s = %s\n' "$key" "${value[$key]# }"
		done | sort
		for dev in $(system_interfaces "$name"); do
			printf 'interface %s { }\n' "$dev"
		done
	} >"$WORK/$name.conf"
}

# system_interfaces NAME: its interfaces but lo.
system_interfaces()
{
	in_system "$1" ip -o link show type veth | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | sort
}

# system_launch NAME [OPTION…]: starts ntkd there; does not wait.  Its log is $WORK/NAME.log.
system_launch()
{
	local name=$1
	shift
	nsenter -t "${SYS_PID[$name]}" -m -n -- "$NTKD" -f ${NTK_FILTER:+-k "$NTK_FILTER"} \
		-c "$WORK/$name.conf" --helper "$NTK_HELPER" "$@" </dev/null >"$WORK/$name.log" 2>&1 &
	SYS_NTKD[$name]=$!
}

# system_is_up NAME: its ntkd answers, and its first identity runs.
system_is_up()
{
	local out
	out=$(ntk "$1" -j show_local_identities 2>/dev/null) && [[ $out =~ \"state\":\ *\"running\" ]]
}

system_is_settled()
{
	is_gone "${SYS_NTKD[$1]}" || system_is_up "$1"
}

# system_start NAME [OPTION…]: starts ntkd there and waits until it runs; false when it does not.
system_start()
{
	system_launch "$@"
	system_await "$1"
}

# system_await NAME: waits until the ntkd that was launched there runs; false when it does not.
system_await()
{
	wait_for 15 system_is_settled "$1" && system_is_up "$1" || return
	filters_note "${SYS_NTKD[$1]}" "$(system_helper "$1")"
}

# filters_note PID…: is there a filter, and does it kill?  The one that names the call catches SIGSYS (31).
filters_note()
{
	local pid filter caught has
	for pid; do
		filter=$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")
		caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$pid/status")
		has=kill
		((16#${caught:-0} >> 30 & 1)) && has=trap
		((++FILTERS))
		[[ $filter == 2 && $has == "${NTK_FILTER:-kill}" ]] ||
			FILTERS_OTHER+="${FILTERS_OTHER:+ }$pid: filter ${filter:-none}, $has"
	done
	return 0
}

# system_start_or_bail NAME [OPTION…]
system_start_or_bail()
{
	system_start "$@" || bail "ntkd does not start in $1"
}

# system_helper NAME: prints the process of the helper.
system_helper()
{
	[[ -n ${SYS_NTKD[$1]:-} ]] && pgrep -P "${SYS_NTKD[$1]}" -x ntkd-priv
}

# system_end NAME [SIGNAL]: sends the signal to its ntkd, waits for the end of it and of its helper;
# prints nothing, returns the exit status of ntkd (128 + signal when killed), 255 when it does not end.
system_end()
{
	local pid=${SYS_NTKD[$1]:-} helper
	[[ -n $pid ]] || return 255
	helper=$(system_helper "$1")
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	system_reap "$1" "$helper"
}

# system_reap NAME [HELPER]: the same without a signal.
system_reap()
{
	local pid=${SYS_NTKD[$1]:-} status
	[[ -n $pid ]] || return 255
	wait_for 15 is_gone "$pid" || return 255
	[[ -z ${2:-} ]] || wait_for 15 is_gone "$2" || return 255
	wait "$pid"
	status=$?
	unset "SYS_NTKD[$1]"
	return "$status"
}

# ntk NAME [OPTION…] VERB [ARGUMENT…]: ntkctl there.
ntk()
{
	local name=$1
	shift
	in_system "$name" "$NTKCTL" -s /run/ntkd/control "$@"
}

# system_log NAME: its log as comment lines.
system_log()
{
	tail -n 60 "$WORK/$1.log" | diag
}

# -- What is there ---------------------------------------------------------------

# system_dump NAME: everything that ntkd could have changed, as sorted lines (see tests/integration/dump).
system_dump()
{
	in_system "$1" "$BASH" "$NTK_SRCDIR/tests/integration/dump"
}

# system_facts NAME [NAMESPACE]: what Netsukuku means there, renamed so that it can be
# compared with a fixture (see tests/integration/facts).
system_facts()
{
	local name=$1
	shift
	in_system "$name" "$BASH" "$NTK_SRCDIR/tests/integration/facts" "$@"
}

# system_namespaces NAME: names in its /run/netns.
system_namespaces()
{
	in_system "$1" find /run/netns -mindepth 1 -printf '%f\n' | sort
}

dump_equals()
{
	[[ $(system_dump "$1") == "$(<"$2")" ]]
}

# check_unchanged TEST NAME FILE: one test; within 5 s (the kernel takes namespaces down later)
# the dump of the system is again the one in the file.
check_unchanged()
{
	if wait_for 5 dump_equals "$2" "$3"; then
		ok "$1"
	else
		not_ok "$1"
		diff -U0 --label before --label after "$3" <(system_dump "$2") | diag
		system_log "$2"
	fi
}

# -- Start -----------------------------------------------------------------------

if [[ -z ${NTK_TEST_WORK:-} ]]; then
	sandbox_enter "$@"
fi
sandbox_prepare
