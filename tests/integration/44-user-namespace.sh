#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside a user namespace, as in a container without rights on its host: root is not root for the
# limits on buffers, and ntkd runs all the same, with a warning.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

unshare --user true 2>/dev/null || skip_all 'needs the right to make user namespaces'

# Like system_new, but for the user namespace, which gets its users from outside.
unshare --user -m -n "$BASH" -c '
	until read -r _ </proc/self/gid_map; do sleep 0.05; done
	exec setpriv --reuid 0 --regid 0 --clear-groups "$BASH" -ec "
		mount -t tmpfs -o mode=0755 run /run
		mkdir /run/netns
		ip link set lo up
		ip link add eth1 type veth peer name far1
		ip link set far1 up
		ip link set eth1 up
		touch $0/inside.ready
		exec sleep infinity"' "$WORK" </dev/null >"$WORK/inside.holder" 2>&1 &
SYS_PID[inside]=$!
own_users()
{
	[[ $(readlink "/proc/${SYS_PID[inside]}/ns/user") != "$(readlink /proc/self/ns/user)" ]]
}
wait_for 5 own_users
echo '0 0 70000' >"/proc/${SYS_PID[inside]}/uid_map" 2>"$WORK/map" &&
	echo '0 0 70000' >"/proc/${SYS_PID[inside]}/gid_map" 2>"$WORK/map" ||
	skip_all "cannot give users to a user namespace: $(<"$WORK/map")"
chmod 0777 "$WORK"
wait_for 10 test -e "$WORK/inside.ready" || bail "cannot make it: $(<"$WORK/inside.holder")"
chmod 0755 "$WORK"

# As in lib.sh, in the user namespace too.
in_system()
{
	local pid=${SYS_PID[$1]}
	shift
	nsenter -t "$pid" -U -m -n --preserve-credentials -- "$@"
}
system_config inside 'address = "1.0.1.0"'
system_dump inside >"$WORK/before"
in_system inside "$NTKD" -f -c "$WORK/inside.conf" --helper "$NTK_HELPER" </dev/null \
	>"$WORK/inside.log" 2>&1 &
SYS_NTKD[inside]=$!
check 'starts' wait_for 15 system_is_up inside
like 'warns once of limited buffers' "$(<"$WORK/inside.log")" 'ntkd-priv: netlink: buffers are limited'
is 'takes a state' "$(ntk inside load_state "$SEED_STATE")" 1
is 'makes it' "$(made inside "$(system_namespaces inside)" | sort -u)" "$(wanted seed-page-beta-n1)"
# The test has a process namespace of its own: there is no other one.
kill "$(pgrep -x ntkd)"
wait_for 10 eval '! pgrep -x ntkd && ! pgrep -x ntkd-priv'
check_unchanged 'nothing is left' inside "$WORK/before"
done_testing
